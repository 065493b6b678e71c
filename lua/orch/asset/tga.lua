--- TGA, which has no magic: a file is one by its name, and if its header makes sense.
---
--- 32 bits per pixel are taken to have alpha, as graphics programs and engines do, also where
--- the header says nothing of it. 16 bits per pixel are 5 per channel.

local unpack = string.unpack

--- image type -> palette, gray, compressed
local types = {
  [1] = { true, false, false }, [2] = { false, false, false }, [3] = { false, true, false },
  [9] = { true, false, true }, [10] = { false, false, true }, [11] = { false, true, true },
}
local entries = { [15] = true, [16] = true, [24] = true, [32] = true }

--- depth of a color -> bits, channels; the last bit of 16 may be alpha.
local function color_of(depth, attributes)
  if depth == 32 then return 8, 4 end
  if depth == 24 then return 8, 3 end
  return 5, depth == 16 and attributes > 0 and 4 or 3
end

local function check_palette(source, map, entry, depth)
  if map ~= 1 then source:fail_at(1, "it has a palette by its type, but none is there") end
  if not entries[entry] then source:fail_at(7, "colours of its palette have %d bits", entry) end
  if depth ~= 8 and depth ~= 16 then source:fail_at(16, "its indices have %d bits", depth) end
end

local function check_depth(source, depth, is_gray)
  if is_gray and (depth == 8 or depth == 16) or not is_gray and entries[depth] then return end
  source:fail_at(16, "it has %d bits per pixel", depth)
end

--- Runs of up to 128 pixels, with a byte in front of each, are the least there can be.
local function check_size(source, at, width, height, bytes, packed)
  local rest, pixels = source.size - at, width * height
  local least = packed and (pixels + 127) // 128 * (1 + bytes) or pixels * bytes
  if rest < least then
    source:fail_at(at, "it is cut off: %d x %d pixels need %d bytes, of which %d are there", width,
      height, least, rest > 0 and rest or 0)
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    if #source.head < 18 then source:bytes(0, 18) end
    local id, map, kind, _, count, entry, _, _, width, height, depth, flags =
      unpack("<BBBI2I2BI2I2I2I2BB", source.head)
    local shape = types[kind]
    if not shape or map > 1 then
      source:fail_at(1, "its image type is %d, its palette type %d: it is none, or has no picture",
        kind, map)
    end
    if width == 0 or height == 0 then
      source:fail_at(12, "it is %d x %d pixels large", width, height)
    end
    local attributes, bits, channels = flags & 15, nil, nil
    if shape[1] then
      check_palette(source, map, entry, depth)
      bits, channels = color_of(entry, attributes)
      bits = 8
    else
      check_depth(source, depth, shape[2])
      bits, channels = color_of(depth, attributes)
      if shape[2] then bits, channels = 8, depth // 8 end
    end
    local palette = map == 1 and count * ((entry + 7) // 8) or 0
    check_size(source, 18 + id + palette, width, height, (depth + 7) // 8, shape[3])
    return { width = width, height = height, bits = bits, channels = channels,
      alpha = channels % 2 == 0, palette = shape[1], frames = 1, interlaced = flags >> 6 > 0,
      compression = shape[3] and "rle" or "none" }
  end,
}
