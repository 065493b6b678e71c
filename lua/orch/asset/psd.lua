--- PSD and PSB: the header, what Photoshop keeps beside the picture, and how many layers there
--- are (a group counts twice: it has an end).

local unpack = string.unpack

--- mode -> channels without alpha
local modes = { [0] = 1, [1] = 1, [2] = 1, [3] = 3, [4] = 4, [7] = 1, [8] = 1, [9] = 3 }
local INDEXED, MULTICHANNEL = 2, 7
local depths = { [1] = true, [8] = true, [16] = true, [32] = true }
--- Real files have some fifty resources.
local MOST_BLOCKS = 1000
local RESOLUTION, PROFILE, EXIF = 1005, 1039, 1058

local function read_header(source)
  if #source.head < 26 then source:bytes(0, 26) end
  local version, channels, height, width, depth, mode =
    unpack(">I2xxxxxxI2I4I4I2I2", source.head, 5)
  if version ~= 1 and version ~= 2 then source:fail_at(4, "it has the version %d", version) end
  local most = version == 1 and 30000 or 300000
  if width < 1 or height < 1 or width > most or height > most then
    source:fail_at(14, "it is %d x %d pixels large; 1 to %d is allowed", width, height, most)
  end
  if channels < 1 or channels > 56 then source:fail_at(12, "it has %d channels", channels) end
  if not depths[depth] then source:fail_at(22, "it has %d bits per channel", depth) end
  if not modes[mode] then source:fail_at(24, "it has the unknown colour mode %d", mode) end
  local base = modes[mode]
  if channels < base then
    source:fail_at(12, "it has %d channels, but its colour mode needs %d", channels, base)
  end
  if mode == INDEXED then channels = channels + 2 end
  return { width = width, height = height, bits = depth, channels = channels, frames = 1,
    alpha = mode ~= MULTICHANNEL and channels > (mode == INDEXED and 3 or base),
    palette = mode == INDEXED, interlaced = false,
    colorspace = depth == 32 and "linear" or nil }, version == 2
end

local resources = {
  [RESOLUTION] = function(info, data)
    if #data >= 4 then info.dpi = (unpack(">I4", data) / 65536 + 0.5) // 1 | 0 end
    if info.dpi == 0 then info.dpi = nil end
  end,
  [PROFILE] = function(info, data) require("orch.asset.icc").apply(info, data) end,
  [EXIF] = function(info, data)
    info.orientation = require("orch.asset.exif").read(data).orientation
  end,
}

local function read_resources(source, info, at, stop)
  for _ = 1, MOST_BLOCKS do
    if at + 12 > stop then return end
    local magic, id, length = source:unpack(">c4I2B", at)
    if magic ~= "8BIM" and magic ~= "MeSa" and magic ~= "PHUT" and magic ~= "AgHg" then
      if magic == "\0\0\0\0" then return end -- filled up
      source:fail_at(at, "there is no resource where one should begin")
    end
    local name = length + 1 + (length + 1) % 2
    local size = source:unpack(">I4", at + 6 + name)
    local data = at + 10 + name
    if data + size > stop then source:fail_at(at, "a resource goes beyond their end") end
    if resources[id] then
      resources[id](info, source:bytes(data, size < 65536 and size or 65536))
    end
    at = data + size + size % 2
  end
end

--- With more than 8 bits they are in a block of their own.
local function late_layers(source, at, stop, wide)
  for _ = 1, MOST_BLOCKS do
    if at + 16 > stop then return nil end
    local magic, key = source:unpack("c4c4", at)
    if magic ~= "8BIM" and magic ~= "8B64" then return nil end
    local is_long = wide and (magic == "8B64" or key == "Lr16" or key == "Lr32")
    local size = source:unpack(is_long and ">I8" or ">I4", at + 8)
    local data = at + (is_long and 16 or 12)
    if size < 0 or data + size > stop then return nil end
    if key == "Lr16" or key == "Lr32" then return data, size end
    at = data + size + (-size) % 4
  end
end

local function read_layers(source, info, at, stop, wide)
  local width, format = wide and 8 or 4, wide and ">I8" or ">I4"
  if at + width > stop then return end
  local size, data = source:unpack(format, at), at + width
  if size < 0 or data + size > stop then source:fail_at(at, "its layers go beyond their end") end
  if size == 0 and data + 4 <= stop then
    data, size = late_layers(source, data + 4 + source:unpack(">I4", data), stop, wide)
  end
  if not data or size < 2 then return end
  local count = source:unpack(">i2", data)
  info.layers = count < 0 and -count or count
end

local function section(source, at, wide, what)
  local size = source:unpack(wide and ">I8" or ">I4", at)
  at = at + (wide and 8 or 4)
  if not source:has(at, size) then
    source:fail_at(at, "it is cut off: %s have %u bytes, of which %d are there", what, size,
      source.size - at)
  end
  return at, at + size
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local info, wide = read_header(source)
    local at, stop = section(source, 26, false, "its colours")
    at, stop = section(source, stop, false, "its resources")
    read_resources(source, info, at, stop)
    at, stop = section(source, stop, wide, "its layers")
    read_layers(source, info, at, stop, wide)
    if not source:has(stop, 2) then source:fail_at(stop, "it is cut off before its picture") end
    return info
  end,
}
