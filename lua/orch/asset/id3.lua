--- The tags in front of MP3 files (ID3v2) and behind them (ID3v1, APE).

local tag = require "orch.asset.tag"

local id3 = {}

--- Text frames come first; pictures behind them are skipped, not read.
local MOST_FRAMES = 200

local names = { TIT2 = "title", TPE1 = "artist", TALB = "album", TCON = "genre", TRCK = "track",
  TYER = "date", TDRC = "date", TCOP = "copyright", TSSE = "encoder", TBPM = "bpm",
  TT2 = "title", TP1 = "artist", TAL = "album", TCO = "genre", TRK = "track", TYE = "date" }

local function decode(bytes)
  local encoding, text = bytes:byte(), bytes:sub(2)
  if encoding == 1 then
    if text:sub(1, 2) == "\xFE\xFF" then return tag.utf16(text:sub(3), ">") end
    return tag.utf16(text:sub(1, 2) == "\xFF\xFE" and text:sub(3) or text, "<")
  end
  return encoding == 2 and tag.utf16(text, ">") or text
end

local function synchsafe(n)
  return n & 0x7F | n >> 1 & 0x3F80 | n >> 2 & 0x1FC000 | n >> 3 & 0xFE00000
end

local function read_frames(source, at, last, version, tags)
  local head = version == 2 and 6 or 10
  for _ = 1, MOST_FRAMES do
    if at + head > last or not source:has(at, head) then return end
    local id, size
    if version == 2 then
      id, size = source:unpack(">c3I3", at)
    else
      id, size = source:unpack(">c4I4", at)
      if version == 4 then size = synchsafe(size) end
    end
    if not id:find "^[A-Z][A-Z0-9]+$" or at + head + size > last then return end
    if names[id] and size > 1 then
      tag.add(tags, names[id], decode(source:bytes(at + head, math.min(size, 4096))))
    end
    at = at + head + size
  end
end

---Skips the tags from an offset on, and notes what they say.
---@param source orch.asset.Source
---@param at integer
---@param tags table<string, string>
---@return integer at behind them; raises kind `format` where a tag goes beyond the file
function id3.skip(source, at, tags)
  while source:has(at, 10) do
    local magic, version, _, flags, size = source:unpack(">c3BBBI4", at)
    if magic ~= "ID3" then break end
    size = synchsafe(size)
    if not source:has(at + 10, size) then
      source:fail_at(at, "its ID3 tag of %d bytes goes beyond its end", size)
    end
    local unsynchronised_or_extended = flags & 0xC0 ~= 0
    if version >= 2 and version <= 4 and not unsynchronised_or_extended then
      read_frames(source, at + 10, at + 10 + size, version, tags)
    end
    at = at + 10 + size + (flags & 0x10 ~= 0 and 10 or 0)
  end
  return at
end

---Where the sound ends: before the tags at the end.
---@param source orch.asset.Source
---@param at integer where it begins
---@return integer
function id3.ending(source, at)
  local ending = source.size
  if ending - 128 >= at and source:bytes(ending - 128, 3) == "TAG" then ending = ending - 128 end
  if ending - 32 >= at and source:bytes(ending - 32, 8) == "APETAGEX" then
    local size, _, flags = source:unpack("<I4I4I4", ending - 20)
    local whole = size + (flags >> 31 == 1 and 32 or 0)
    if ending - whole >= at then ending = ending - whole end
  end
  return ending
end

return id3
