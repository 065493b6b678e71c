--- Device-independent bitmaps: the header that BMP files have, and pictures in ICO files.

local dib = {}

local compressions = { [0] = "none", "rle", "rle", "none", "jpeg", "png", "none", [11] = "none",
  [12] = "rle", [13] = "rle" }
local depths = { [1] = true, [2] = true, [4] = true, [8] = true, [16] = true, [24] = true,
  [32] = true }
local spaces = { [0x73524742] = "srgb", [0x57696E20] = "srgb", [0x4C494E4B] = "icc",
  [0x4D424544] = "icc" } -- "sRGB" "Win " "LINK" "MBED"

local function count_bits(mask)
  local n = 0
  while mask ~= 0 do mask, n = mask & mask - 1, n + 1 end
  return n
end

--- OS/2's first one: 16-bit sides.
local function read_core(source, at)
  local width, height, planes, bits = source:unpack("<I2I2I2I2", at + 4)
  return { width = width, height = height, planes = planes, depth = bits, method = 0, colors = 0 }
end

local function read_long(source, at, size)
  local width, height, planes, bits = source:unpack("<i4i4I2I2", at + 4)
  local raw = { width = width, height = height, planes = planes, depth = bits, method = 0,
    colors = 0, per_meter = 0 }
  if size >= 40 then
    raw.method, raw.per_meter, raw.colors = source:unpack("<I4xxxxi4xxxxI4", at + 16)
  end
  -- The masks are a part of later headers, and follow this one.
  if size >= 52 or size == 40 and (raw.method == 3 or raw.method == 6) then
    raw.masks = { source:unpack("<I4I4I4", at + 40) }
    raw.masks[4] = (size >= 56 or raw.method == 6) and source:unpack("<I4", at + 52) or 0
  end
  if size >= 108 then raw.space = source:unpack("<I4", at + 56) end
  return raw
end

local function check(source, at, raw)
  if raw.width <= 0 or raw.height == 0 then
    source:fail_at(at + 4, "it is %d x %d pixels large", raw.width, raw.height)
  end
  if raw.planes ~= 1 then source:fail_at(at, "it has %d planes, where 1 is right", raw.planes) end
  if not compressions[raw.method] then
    source:fail_at(at + 16, "it has the unknown compression %d", raw.method)
  end
  local is_file = raw.method == 4 or raw.method == 5
  if not depths[raw.depth] and not (is_file and raw.depth == 0) then
    source:fail_at(at + 14, "it has %d bits per pixel", raw.depth)
  end
  if raw.method == 1 and raw.depth ~= 8 or raw.method == 2 and raw.depth ~= 4 then
    source:fail_at(at + 16, "its compression cannot be with %d bits per pixel", raw.depth)
  end
  if raw.depth <= 8 and raw.colors > 1 << raw.depth then
    source:fail_at(at + 32, "its palette has %d colours, but %d bits reach %d", raw.colors,
      raw.depth, 1 << raw.depth)
  end
end

--- Bits per channel, and whether there is alpha.
local function channels_of(raw)
  local depth, masks = raw.depth, raw.masks
  local has_masks = masks and depth > 8 and depth ~= 24 and (raw.method == 3 or raw.method == 6)
  if has_masks then
    local bits = 0
    for i = 1, 3 do bits = math.max(bits, count_bits(masks[i])) end
    return bits > 0 and bits or 8, masks[4] ~= 0
  end
  -- Without masks there is none, whatever the fourth byte holds.
  return depth <= 8 and depth > 0 and depth or depth == 16 and 5 or 8, false
end

---Reads a header.
---@param source orch.asset.Source
---@param at integer where it begins
---@return table info
---@return {size: integer, depth: integer, method: integer} raw the height of the lines as they
---  are stored
function dib.read(source, at)
  local size = source:unpack("<I4", at)
  if size ~= 12 and (size < 16 or size > 4096) then
    source:fail_at(at, "its header has %d bytes, which no version has", size)
  end
  local raw = size == 12 and read_core(source, at) or read_long(source, at, size)
  if size == 64 and raw.method == 3 then raw.method = 11 end -- OS/2: Huffman's code
  if size == 64 and raw.method == 4 then raw.method = 12 end
  check(source, at, raw)
  local bits, alpha = channels_of(raw)
  local palette = raw.depth <= 8 and raw.depth > 0
  raw.size = size
  return { width = raw.width, height = math.abs(raw.height), bits = bits, alpha = alpha,
    channels = alpha and 4 or 3, palette = palette, frames = 1, interlaced = false,
    compression = raw.method == 11 and "huffman" or compressions[raw.method],
    colorspace = raw.space and spaces[raw.space],
    dpi = (raw.per_meter or 0) >= 20 and (raw.per_meter * 0.0254 + 0.5) // 1 | 0 or nil }, raw
end

return dib
