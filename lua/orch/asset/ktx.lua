--- KTX 1: levels, faces, layers, and OpenGL's name of the pixel format. A format that is not
--- known is no mistake: of it `bits`, `channels` and `compression` are nil.

local HEADER = 64
--- 0x04030201 as it is stored.
local orders = { ["\1\2\3\4"] = "<", ["\4\3\2\1"] = ">" }

local function check(source, info, kind, kind_size, format)
  if info.width == 0 or info.depth > 0 and info.height == 0 then
    source:fail_at(36, "it is %d x %d x %d pixels large", info.width, info.height, info.depth)
  end
  if info.faces ~= 1 and info.faces ~= 6 then
    source:fail_at(52, "it has %d faces, where 1 or 6 is right", info.faces)
  end
  if info.faces == 6 and (info.height ~= info.width or info.depth > 0) then
    source:fail_at(36, "it is a cube of %d x %d x %d pixels", info.width, info.height, info.depth)
  end
  if (kind == 0) ~= (format == 0) then
    source:fail_at(16, "its type and its format disagree whether it is compressed")
  end
  if kind_size ~= 1 and kind_size ~= 2 and kind_size ~= 4 and kind_size ~= 8 then
    source:fail_at(20, "its values have %d bytes", kind_size)
  end
  local side, most = math.max(info.width, info.height, info.depth), 1
  while side > 1 do side, most = side // 2, most + 1 end
  if info.mips > most then
    source:fail_at(56, "it has %d levels; its sides have %d at most", info.mips, most)
  end
end

--- Each level says how long it is; of a cube that is not in an array, a face.
local function check_levels(source, info, order, at)
  local times = info.faces == 6 and not info.layers and 6 or 1
  for level = 1, info.mips do
    local size = source:unpack(order .. "I4", at)
    local padded = (size + 3) // 4 * 4
    at = at + 4 + padded * times
    if at - (padded - size) > source.size then
      source:fail_at(source.size, "it is cut off: its level %d ends at %d", level, at)
    end
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local order = orders[source:bytes(12, 4)]
    if not order then source:fail_at(12, "it does not say how its numbers are stored") end
    local kind, kind_size, format, internal, _, width, height, depth, layers, faces, mips, extra =
      source:unpack(order .. "I4I4I4I4I4I4I4I4I4I4I4I4", 16)
    local info = { width = width, height = height, depth = depth, faces = faces, mips = mips,
      layers = layers > 0 and layers or nil, frames = layers > 0 and layers or 1,
      palette = false, interlaced = false }
    check(source, info, kind, kind_size, format)
    if not source:has(HEADER, extra) then
      source:fail_at(60, "it is cut off: its notes have %d bytes", extra)
    end
    check_levels(source, info, order, HEADER + extra)
    local pixels = require("orch.asset.gl")[internal]
    if pixels then
      info.bits, info.channels, info.alpha = pixels.bits, pixels.channels, pixels.alpha
      info.compression, info.colorspace = pixels.compression, pixels.colorspace
    end
    info.height, info.mips = height > 0 and height or 1, mips > 0 and mips or 1
    info.depth, info.faces = depth > 0 and depth or nil, faces == 6 and 6 or nil
    return info
  end,
}
