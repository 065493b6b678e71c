--- DDS, with Direct3D 10's header or without: levels, faces, layers and block compression.
---
--- A format that is not known is no mistake: of it `bits`, `channels` and `compression` are nil.

local dxgi = require "orch.asset.dxgi"

local unpack = string.unpack

local MIPS = 0x20000 -- of the flags
local ALPHA, ALPHA_ONLY, FOURCC, RGB, LUMINANCE = 1, 2, 4, 0x40, 0x20000
local CUBE, FACES, VOLUME = 0x200, 0xFC00, 0x200000
--- Some programs leave out what is the same in all files.
local header_sizes, format_sizes = { [124] = true, [0] = true }, { [32] = true, [0] = true }

local function count_bits(mask)
  local n = 0
  while mask ~= 0 do mask, n = mask & mask - 1, n + 1 end
  return n
end

--- Bits of a pixel and masks of its channels.
local function plain(flags, bits, red, green, blue, alpha)
  alpha = flags & (ALPHA | ALPHA_ONLY) ~= 0 and alpha or 0
  if flags & ALPHA_ONLY ~= 0 then red, green, blue = 0, 0, 0 end
  local widest, channels = 0, 0
  for _, mask in ipairs { red, green, blue, alpha } do
    if mask ~= 0 then channels, widest = channels + 1, math.max(widest, count_bits(mask)) end
  end
  if bits < 1 or bits > 32 or channels == 0 then return nil end
  return { bits = widest, channels = channels, alpha = alpha ~= 0, compression = "none",
    pixel = bits }
end

local function pixels_of(source, flags, letters, bits, red, green, blue, alpha)
  if flags & FOURCC ~= 0 then
    local known = dxgi.letters[letters]
    if letters == "DXT1" and flags & ALPHA ~= 0 then
      return { bits = 8, channels = 4, alpha = true, compression = "bc1", block = 8 }
    end
    return known
  elseif flags & (RGB | LUMINANCE | ALPHA_ONLY | ALPHA) ~= 0 then
    return plain(flags, bits, red, green, blue, alpha)
  end
  if flags == 0 and bits == 0 then source:fail_at(76, "it says nothing about its pixels") end
end

local function check_depth(source, info, volume)
  if volume then return end
  if info.depth > 1 then
    source:fail_at(24, "it is %d deep, but has not three dimensions", info.depth)
  end
  info.depth = nil
end

--- What is said about alpha: straight, premultiplied, opaque, something else.
local alpha_modes = { true, true, false, true }

local function with_alpha(pixels, alpha)
  return { bits = pixels.bits, channels = alpha and 4 or 3, alpha = alpha,
    compression = pixels.compression, colorspace = pixels.colorspace, block = pixels.block,
    pixel = pixels.pixel }
end

--- Direct3D 10's header: what is there for, and how many.
local function read_extension(source, info)
  local format, dimension, misc, layers, misc2 = source:unpack("<I4I4I4I4I4", 128)
  if dimension < 2 or dimension > 4 then
    source:fail_at(132, "its kind of texture is %d, which is none", dimension)
  end
  if format == 0 then source:fail_at(128, "it says nothing about its pixels") end
  if layers == 0 then source:fail_at(140, "it has no layers") end
  local cube = misc & 4 ~= 0
  if cube and dimension ~= 3 then source:fail_at(136, "it is a cube, but not of flat pictures") end
  if dimension == 2 and info.height > 1 then
    source:fail_at(12, "it has %d lines, but one dimension only", info.height)
  end
  if layers > 1 then info.layers, info.frames = layers, layers end
  if cube then info.faces = 6 end
  check_depth(source, info, dimension == 4)
  local pixels = dxgi.formats[format]
  if pixels and pixels.compression == "bc1" then
    return with_alpha(pixels, alpha_modes[misc2 & 7] or false)
  elseif pixels and pixels.channels == 4 and alpha_modes[misc2 & 7] == false then
    return with_alpha(pixels, false)
  end
  return pixels
end

local function read_old(source, info, caps)
  local cube, volume = caps & CUBE ~= 0, caps & VOLUME ~= 0
  if cube and volume then source:fail_at(112, "it is a cube and has three dimensions") end
  if cube then info.faces = count_bits(caps & FACES) end
  if cube and info.faces == 0 then source:fail_at(112, "it is a cube without faces") end
  check_depth(source, info, volume)
end

--- Bytes of all pixels; not exact for what cannot be there anyhow.
local function bytes_of(info, pixels)
  local width, height, depth, total = info.width, info.height, info.depth or 1, 0.0
  for _ = 1, info.mips do
    if pixels.block then
      total = total + ((width + 3) // 4 + 0.0) * ((height + 3) // 4) * depth * pixels.block
    else
      total = total + ((width * pixels.pixel + 7) // 8 + 0.0) * height * depth
    end
    width, height = math.max(width // 2, 1), math.max(height // 2, 1)
    depth = math.max(depth // 2, 1)
  end
  return total * (info.layers or 1) * (info.faces or 1)
end

local function check_levels(source, info)
  local side, levels = math.max(info.width, info.height, info.depth or 1), 1
  while side > 1 do side, levels = side // 2, levels + 1 end
  if info.mips > levels then
    source:fail_at(28, "it has %d levels; %d x %d pixels have %d at most", info.mips, info.width,
      info.height, levels)
  end
end

local function check_pixels(source, info, pixels, at)
  local needed = bytes_of(info, pixels)
  if needed > source.size - at then
    source:fail_at(at, "it is cut off: its pixels have %.0f bytes, of which %d are there", needed,
      math.max(source.size - at, 0))
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    if #source.head < 128 then source:bytes(0, 128) end
    local size, flags, height, width, depth, mips = unpack("<I4I4I4I4xxxxI4I4", source.head, 5)
    local format_size, kind, letters, bits, red, green, blue, alpha, _, caps =
      unpack("<I4I4c4I4I4I4I4I4I4I4", source.head, 77)
    if not header_sizes[size] or not format_sizes[format_size] then
      source:fail_at(4, "its header has %d bytes, its format %d; 124 and 32 are right", size,
        format_size)
    end
    if width == 0 or height == 0 then
      source:fail_at(12, "it is %d x %d pixels large", width, height)
    end
    local info = { width = width, height = height, depth = depth > 0 and depth or 1, frames = 1,
      mips = (flags & MIPS ~= 0 or mips > 0) and math.max(mips, 1) or 1, palette = false,
      interlaced = false }
    local pixels, at = nil, 128
    if kind & FOURCC ~= 0 and letters == "DX10" then
      pixels, at = read_extension(source, info), 148
    else
      read_old(source, info, caps)
      pixels = pixels_of(source, kind, letters, bits, red, green, blue, alpha)
    end
    check_levels(source, info)
    if pixels then
      check_pixels(source, info, pixels, at)
      info.bits, info.channels, info.alpha = pixels.bits, pixels.channels, pixels.alpha
      info.compression, info.colorspace = pixels.compression, pixels.colorspace
    end
    return info
  end,
}
