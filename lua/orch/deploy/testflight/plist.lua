--- Property lists, XML and binary: the short texts of the dictionary at the top, which is all
--- that Info.plist is asked for. A binary one refers to its parts by number, also to the same
--- one a million times: what is longer than any real one is not followed.
---
---     plist(bytes).CFBundleVersion   -- "871"

local LONGEST, MOST = 1000, 10000 -- characters of a text, entries of the dictionary

--- A big-endian number of `size` bytes.
local function number(bytes, at, size)
  return (string.unpack(">I" .. size, bytes, at + 1))
end

--- Where an object's content begins, and how many items it has.
local function extent(bytes, at)
  local count = bytes:byte(at + 1) & 0x0f
  if count ~= 0x0f then return at + 1, count end
  local size = 1 << (bytes:byte(at + 2) & 0x0f) -- the count is an integer object of its own
  return at + 2 + size, number(bytes, at + 2, size)
end

local function text_of(bytes, at)
  local kind = bytes:byte(at + 1) >> 4
  if kind ~= 5 and kind ~= 6 then return nil end
  local from, count = extent(bytes, at)
  if count > LONGEST then return nil end
  if kind == 5 then return bytes:sub(from + 1, from + count) end
  local out = {}
  for i = 0, count - 1 do out[i + 1] = utf8.char(number(bytes, from + 2 * i, 2)) end
  return table.concat(out)
end

--- The trailer says where the offsets of the objects are, and which of them is at the top.
local function binary(bytes)
  local trailer = #bytes - 32
  local offset_size, ref_size = bytes:byte(trailer + 7), bytes:byte(trailer + 8)
  local top, offsets = number(bytes, trailer + 16, 8), number(bytes, trailer + 24, 8)
  local function place_of(object)
    return number(bytes, offsets + object * offset_size, offset_size)
  end
  local dictionary = place_of(top)
  if bytes:byte(dictionary + 1) >> 4 ~= 0xd then error("it is no dictionary", 0) end
  local from, count = extent(bytes, dictionary)
  if count > MOST then error("it has too many entries", 0) end
  local values = {}
  for i = 0, count - 1 do
    local key = text_of(bytes, place_of(number(bytes, from + i * ref_size, ref_size)))
    local value = place_of(number(bytes, from + (count + i) * ref_size, ref_size))
    if key then values[key] = text_of(bytes, value) end
  end
  return values
end

local function xml(bytes)
  local values, key = {}, nil
  for _, element in ipairs(require("orch.xml").decode(bytes):find "dict") do
    if type(element) == "table" then
      if element.name == "key" then
        key = element:text()
      elseif element.name == "string" and key then
        values[key] = element:text()
      end
    end
  end
  return values
end

---@param bytes string
---@return table<string, string> texts by key; raises for what is no property list
return function(bytes)
  if bytes:sub(1, 8) == "bplist00" then return binary(bytes) end
  return xml(bytes)
end
