--- Titles, artists and such in sound files: names in small letters, texts as UTF-8.
---
---     tag.add(tags, "TITLE", "Caf\xe9")        -- tags.title == "Café"

local char, unpack = utf8.char, string.unpack

local tag = {}

--- Of one file; what goes beyond is left out: covers and logs are no titles.
local MOST_TAGS, LONGEST = 100, 4096

---A text whose encoding nobody knows: UTF-8 where it is that, otherwise Latin-1.
---@param bytes string
---@return string
function tag.text(bytes)
  bytes = bytes:sub(1, LONGEST):gsub("%z.*", ""):gsub("%s+$", "")
  if utf8.len(bytes) then return bytes end
  return (bytes:gsub("[\128-\255]", function(c) return char(c:byte()) end))
end

---UTF-16; what is no letter becomes U+FFFD.
---@param bytes string
---@param order ">"|"<"
---@return string
function tag.utf16(bytes, order)
  local out, i, format = {}, 1, order .. "I2"
  local last = math.min(#bytes, 2 * LONGEST) - 1
  while i <= last do
    local unit = unpack(format, bytes, i)
    i = i + 2
    if unit == 0 then break end
    if unit >> 10 == 0x36 and i <= last then
      local low = unpack(format, bytes, i)
      if low >> 10 == 0x37 then
        unit, i = 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF), i + 2
      end
    end
    out[#out + 1] = char(unit >> 11 == 0x1B and 0xFFFD or unit)
  end
  return table.concat(out)
end

---Notes one; the first of several with a name stays.
---@param tags table<string, string>
---@param name string
---@param text string UTF-8, or bytes that nobody knows the encoding of
function tag.add(tags, name, text)
  name, text = name:lower(), tag.text(text)
  if text == "" or name == "" or not name:find "^[ -~]+$" or tags[name] then return end
  local n = 0
  for _ in next, tags do n = n + 1 end
  if n < MOST_TAGS then tags[name] = text end
end

---The comments of Vorbis, Opus and FLAC: `NAME=text`.
---@param bytes string from the length of the vendor's name on; may be cut off, which ends it
---@return table<string, string> tags
---@return boolean whole false: it claims to be longer than it is
function tag.vorbis(bytes)
  local tags = {}
  if #bytes < 8 then return tags, false end
  local at = 5 + unpack("<I4", bytes)
  if at + 3 > #bytes then return tags, false end
  local count = unpack("<I4", bytes, at)
  at = at + 4
  for _ = 1, count do
    if at + 3 > #bytes then return tags, false end
    local length = unpack("<I4", bytes, at)
    if at + 3 + length > #bytes then return tags, false end
    local name, text = bytes:sub(at + 4, at + 3 + math.min(length, LONGEST)):match "^(.-)=(.*)$"
    if name then tag.add(tags, name, text) end
    at = at + 4 + length
  end
  return tags, true
end

---What a reader gives: nil for none.
---@param tags table<string, string>
---@return table<string, string>?
function tag.any(tags)
  return next(tags) and tags or nil
end

return tag
