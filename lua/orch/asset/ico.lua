--- ICO and CUR: the largest of the pictures, and how many there are (`frames`).

local unpack = string.unpack

local PNG = "\137PNG\r\n\26\n"
--- color type -> channels
local channels = { [0] = 1, [2] = 3, [3] = 3, [4] = 2, [6] = 4 }

--- The entry with the most pixels, of those the one with the most colors.
local function largest(source, count)
  local list, best, most = source:bytes(6, 16 * count), nil, -1
  for i = 0, count - 1 do
    local width, height, _, _, _, bits, size, offset = unpack("<BBBBI2I2I4I4", list, 1 + 16 * i)
    width, height = width > 0 and width or 256, height > 0 and height or 256
    if size == 0 or not source:has(offset, size) then
      source:fail_at(6 + 16 * i, "it is cut off: picture %d has %d bytes at offset %d", i + 1,
        size, offset)
    end
    local value = width * height * 65536 + bits
    if value > most then
      best, most = { at = offset, size = size }, value
    end
  end
  return best
end

local function read_png(source, at)
  local length, id, width, height, bits, color = source:unpack(">I4c4I4I4BB", at + 8)
  if id ~= "IHDR" or length ~= 13 or not channels[color] or width < 1 or height < 1
    or width >= 1 << 31 or height >= 1 << 31 then
    source:fail_at(at, "the PNG in it has a broken header")
  end
  return { width = width, height = height, bits = bits, channels = channels[color],
    alpha = color >= 4, palette = color == 3, compression = "png" }
end

--- Its height counts the mask as well, which is its alpha.
local function read_bitmap(source, at, size)
  local info, raw = require("orch.asset.dib").read(source, at)
  local colors = raw.depth <= 8 and (raw.colors > 0 and raw.colors or 1 << raw.depth) or 0
  local line = (info.width * raw.depth + 31) // 32 * 4
  if info.compression == "none" and info.height // 2 > (size - raw.size - colors * 4) // line then
    source:fail_at(at, "it is cut off: %d x %d pixels are more than %d bytes", info.width,
      info.height // 2, size)
  end
  if info.height < 2 then source:fail_at(at + 8, "a picture in it is 0 pixels high") end
  return { width = info.width, height = info.height // 2, channels = 4, alpha = true,
    bits = info.bits, palette = raw.depth <= 8, compression = info.compression }
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local count = source:unpack("<I2", 4)
    if count == 0 then source:fail_at(4, "it has no picture") end
    local best = largest(source, count)
    local is_png = source:has(best.at, 33) and source:bytes(best.at, 8) == PNG
    local info = is_png and read_png(source, best.at) or read_bitmap(source, best.at, best.size)
    info.frames, info.interlaced = count, false
    return info
  end,
}
