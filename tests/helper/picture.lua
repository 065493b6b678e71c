--- Small PNG files for tests of reports: coloured by the picture's path and channel, each
--- with a disc in it.
---
---     local png = pictures.draw { picture = "thumb", path = "a.png", size = 64 }

local pictures = {}

local crc_table = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = c & 1 == 1 and 0xedb88320 ~ c >> 1 or c >> 1 end
  crc_table[i] = c
end

local function crc32(text)
  local c = 0xffffffff
  for i = 1, #text do c = crc_table[(c ~ text:byte(i)) & 255] ~ c >> 8 end
  return c ~ 0xffffffff
end

local function adler32(text)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

local function chunk(kind, data)
  return (">s4"):pack(data):sub(1, 4) .. kind .. data .. (">I4"):pack(crc32(kind .. data))
end

--- Stored, not compressed.
local function zlib(data)
  local out = { "\x78\1" }
  for at = 1, #data, 65535 do
    local part = data:sub(at, at + 65534)
    out[#out + 1] = ("<BI2I2"):pack(at + 65535 > #data and 1 or 0, #part, ~#part & 0xffff) .. part
  end
  return table.concat(out) .. (">I4"):pack(adler32(data))
end

local function hue(text)
  local sum = 7
  for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 997 end
  return sum
end

---@param picture {path: string, channel: string?, size: integer?}
---@return string png
function pictures.draw(picture)
  local size = math.min(picture.size or 64, 64)
  local seed, rows = hue(picture.path), {}
  local r, g, b = 80 + seed % 160, 80 + seed * 3 % 160, 80 + seed * 7 % 160
  if picture.channel then r, g, b = b, b, b end
  for y = 0, size - 1 do
    local row = { "\0" }
    for x = 0, size - 1 do
      local inside = (x - size / 2) ^ 2 + (y - size / 2) ^ 2 < size * size / 9
      local shade = inside and 1 or 0.35 + 0.4 * y / size
      row[x + 2] = string.char(r * shade // 1 | 0, g * shade // 1 | 0, b * shade // 1 | 0)
    end
    rows[y + 1] = table.concat(row)
  end
  return "\137PNG\r\n\26\n" .. chunk("IHDR", (">I4I4BBBBB"):pack(size, size, 8, 2, 0, 0, 0))
    .. chunk("IDAT", zlib(table.concat(rows))) .. chunk("IEND", "")
end

return pictures
