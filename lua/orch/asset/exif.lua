--- EXIF, as JPEG, PNG, WebP and PSD carry it: a small TIFF in a string. What is broken in it
--- says nothing: pictures are shown without it.
---
---     local exif = exif.read(bytes)       -- { orientation = 6, dpi = 72, colorspace = "srgb" }

local byte, find, sub, unpack = string.byte, string.find, string.sub, string.unpack

local exif = {}

--- Bytes of a value by its TIFF type; the others are of no interest here.
local SHORT, LONG, RATIONAL = 3, 4, 5
--- No real directory is longer.
local MOST_ENTRIES = 500

local ORIENTATION, X_RESOLUTION, UNIT, DIRECTORY, COLORSPACE = 0x112, 0x11A, 0x128, 0x8769, 0xA001

--- tag -> number of the directory at `at` (from 0); nil for what does not fit.
local function directory(data, at, order)
  local tags = {}
  if at < 8 or at + 2 > #data then return tags end
  local count = unpack(order .. "I2", data, at + 1)
  local entry, short, long = order .. "I2I2I4", order .. "I2", order .. "I4"
  for i = 0, (count < MOST_ENTRIES and count or MOST_ENTRIES) - 1 do
    local start = at + 3 + i * 12
    if start + 11 > #data then break end
    local tag, kind = unpack(entry, data, start)
    if kind == SHORT then
      tags[tag] = unpack(short, data, start + 8)
    elseif kind == LONG or kind == RATIONAL then
      tags[tag] = unpack(long, data, start + 8)
    end
  end
  return tags
end

local function resolution(data, tags, order)
  local at, unit = tags[X_RESOLUTION], tags[UNIT] or 2
  if not at or at + 8 > #data or unit ~= 2 and unit ~= 3 then return nil end
  local over, under = unpack(order .. "I4I4", data, at + 1)
  if over == 0 or under == 0 then return nil end
  local dpi = (over / under * (unit == 3 and 2.54 or 1) + 0.5) // 1 | 0
  return dpi > 0 and dpi or nil
end

---@param data string a TIFF header and what follows; may be cut off
---@return {orientation: integer?, dpi: integer?, colorspace: string?} found
function exif.read(data)
  if find(data, "^Exif%z%z") then data = sub(data, 7) end
  local found, order = {}, byte(data, 1) == 77 and ">" or "<"
  if #data < 8 or not find(data, "^II%*%z") and not find(data, "^MM%z%*") then return found end
  local tags = directory(data, unpack(order .. "I4", data, 5), order)
  local orientation = tags[ORIENTATION]
  if orientation and orientation >= 1 and orientation <= 8 then found.orientation = orientation end
  found.dpi = resolution(data, tags, order)
  if tags[DIRECTORY] and directory(data, tags[DIRECTORY], order)[COLORSPACE] == 1 then
    found.colorspace = "srgb"
  end
  return found
end

return exif
