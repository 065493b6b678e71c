--- WebP: lossy, lossless, animated.

local unpack = string.unpack

--- Chunks; the pictures of an animation are one each.
local MOST = 20000
local ICC, ALPHA, ANIMATED = 0x20, 0x10, 0x02

local function check_size(source, width, height)
  if width == 0 or height == 0 then
    source:fail_at(20, "it is %d x %d pixels large", width, height)
  end
end

local function read_lossy(source, info, at)
  local first, second, mark, width, height = source:unpack("<BI2c3I2I2", at)
  if first & 1 ~= 0 or mark ~= "\157\1\42" then
    source:fail_at(at, "its picture is not one of VP8 (%02x%04x)", first, second)
  end
  info.compression = "vp8"
  info.width, info.height = info.width or width & 0x3FFF, info.height or height & 0x3FFF
  check_size(source, info.width, info.height)
end

local function read_lossless(source, info, at)
  local mark, bits = source:unpack("<BI4", at)
  if mark ~= 0x2F or bits >> 29 ~= 0 then
    source:fail_at(at, "its picture is not one of VP8L")
  end
  info.compression = "vp8l"
  info.width = info.width or (bits & 0x3FFF) + 1
  info.height = info.height or (bits >> 14 & 0x3FFF) + 1
  if bits >> 28 & 1 == 1 and not info.canvas then info.alpha = true end
end

local function read_extended(source, info, at)
  local flags, width, height = source:unpack("<BxxxI3I3", at)
  info.canvas, info.width, info.height = true, width + 1, height + 1
  info.alpha, info.frames = flags & ALPHA ~= 0, flags & ANIMATED ~= 0 and 0 or 1
  info.has_profile = flags & ICC ~= 0
end

--- What a chunk may not be shorter than.
local least = { ["VP8 "] = 10, VP8L = 5, VP8X = 10, ANMF = 16 }

local readers = { ["VP8 "] = read_lossy, VP8L = read_lossless, VP8X = read_extended }

function readers.ANMF(source, info, at)
  if info.frames then info.frames = info.frames + 1 end
  if not info.compression and source:has(at + 16, 4) then
    local id = source:unpack("c4", at + 16)
    info.compression = id == "VP8L" and "vp8l" or "vp8"
  end
end

function readers.ICCP(source, info, at, size)
  if not info.has_profile then return end
  require("orch.asset.icc").apply(info, source:bytes(at, math.min(size, 65536)))
end

function readers.EXIF(source, info, at, size)
  local found = require("orch.asset.exif").read(source:bytes(at, math.min(size, 65536)))
  info.orientation, info.dpi = found.orientation, found.dpi
end

local function read_chunks(source, info, stop)
  local at = 12
  for _ = 1, MOST do
    if at + 8 > stop then return end
    local id, size = source:unpack("<c4I4", at)
    if at + 8 + size > stop then
      source:fail_at(at, "it is cut off: a chunk has %d bytes, of which %d are there", size,
        stop - at - 8)
    end
    if size < (least[id] or 0) then source:fail_at(at, "a chunk has only %d bytes", size) end
    if readers[id] then readers[id](source, info, at + 8, size) end
    -- Nothing that matters follows in a file of the simple kind.
    if info.compression and not info.canvas then return end
    at = at + 8 + size + size % 2
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    if #source.head < 20 then source:bytes(0, 20) end
    local stop = unpack("<I4", source.head, 5) + 8
    if stop > source.size then
      source:fail_at(4, "it is cut off: it has %d bytes of %d", source.size, stop)
    end
    local info = { bits = 8, alpha = false, palette = false, interlaced = false, frames = 1 }
    read_chunks(source, info, stop)
    if not info.width then source:fail_at(12, "it has no picture") end
    if not info.compression then source:fail_at(12, "it has a size, but no picture") end
    if info.frames == 0 then info.frames = 1 end
    info.channels, info.canvas, info.has_profile = info.alpha and 4 or 3, nil, nil
    return info
  end,
}
