--- BMP. `bits` of a picture with a palette are those of an index; 16 bits per pixel are 5, or
--- what the widest of the masks has. Alpha is there if a mask says so.

local dib = require "orch.asset.dib"

--- A line is padded to four bytes; that of the last line may be missing.
local function check_pixels(source, info, raw, at)
  if info.compression ~= "none" then return end
  local line = (info.width * raw.depth + 7) // 8
  local stride = (line + 3) // 4 * 4
  local rest = source.size - at
  if rest < line or (rest - line) // stride < info.height - 1 then
    source:fail_at(at, "it is cut off: %d x %d pixels are more than the %d bytes of them",
      info.width, info.height, math.max(rest, 0))
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local pixels = source:unpack("<I4", 10)
    local info, raw = dib.read(source, 14)
    if raw.height < 0 and info.compression == "rle" then
      source:fail_at(22, "it is stored from the top, which cannot be with its compression")
    end
    if pixels < 14 + raw.size then
      source:fail_at(10, "its pixels begin at %d, within its header", pixels)
    end
    if pixels >= source.size then
      source:fail_at(10, "it is cut off: its pixels begin at %d, and it has %d bytes", pixels,
        source.size)
    end
    check_pixels(source, info, raw, pixels)
    return info
  end,
}
