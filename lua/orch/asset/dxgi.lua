--- The pixel formats of DDS: Direct3D's numbers and the older four letters.
---
---     local pixels = dxgi.formats[98]     -- { bits = 8, channels = 4, compression = "bc7", ... }

local dxgi = {}

---@class orch.asset.Pixels
---@field bits integer per channel, of the widest
---@field channels integer
---@field alpha boolean
---@field compression string
---@field colorspace string?
---@field block integer? bytes of a block of 4 x 4
---@field pixel integer? bits of a pixel, where there are no blocks

local function pixels(bits, channels, pixel, colorspace)
  return { bits = bits, channels = channels, alpha = channels == 4, compression = "none",
    pixel = pixel or bits * channels, colorspace = colorspace }
end

local function block(compression, bits, channels, size, colorspace)
  return { bits = bits, channels = channels, alpha = channels == 4, compression = compression,
    block = size, colorspace = colorspace }
end

local formats = {}
dxgi.formats = formats

--- Direct3D's numbers: first, last, and what all of them are like. Floats are linear; whether
--- numbers are is told only where there is a variant for sRGB as well.
local function fill(first, last, ...)
  for i = first, last do formats[i] = pixels(...) end
end
fill(1, 1, 32, 4)
fill(2, 2, 32, 4, 128, "linear")
fill(3, 4, 32, 4)
fill(5, 5, 32, 3)
fill(6, 6, 32, 3, 96, "linear")
fill(7, 8, 32, 3)
fill(9, 9, 16, 4)
fill(10, 10, 16, 4, 64, "linear")
fill(11, 14, 16, 4)
fill(15, 15, 32, 2)
fill(16, 16, 32, 2, 64, "linear")
fill(17, 18, 32, 2)
fill(19, 22, 32, 2, 64) -- depth and stencil
fill(23, 25, 10, 4, 32)
fill(26, 26, 11, 3, 32, "linear")
fill(27, 27, 8, 4)
fill(28, 28, 8, 4, 32, "linear")
fill(29, 29, 8, 4, 32, "srgb")
fill(30, 32, 8, 4)
fill(33, 33, 16, 2)
fill(34, 34, 16, 2, 32, "linear")
fill(35, 38, 16, 2)
fill(39, 39, 32, 1)
fill(40, 41, 32, 1, 32, "linear")
fill(42, 43, 32, 1)
fill(44, 47, 24, 2, 32) -- depth and stencil
fill(48, 52, 8, 2)
fill(53, 53, 16, 1)
fill(54, 54, 16, 1, 16, "linear")
fill(55, 59, 16, 1)
fill(60, 64, 8, 1)
formats[65] = { bits = 8, channels = 1, alpha = true, compression = "none", pixel = 8 }
fill(66, 66, 1, 1)
fill(67, 67, 9, 3, 32, "linear") -- with an exponent in common
fill(68, 69, 8, 3, 16)
formats[85], formats[86] = pixels(6, 3, 16), pixels(5, 4, 16)
fill(87, 87, 8, 4, 32, "linear")
fill(88, 88, 8, 3, 32, "linear")
fill(89, 89, 10, 4, 32)
fill(90, 90, 8, 4)
fill(91, 91, 8, 4, 32, "srgb")
fill(92, 92, 8, 3, 32)
fill(93, 93, 8, 3, 32, "srgb")
formats[115] = pixels(4, 4, 16)

--- Typeless, linear, sRGB.
local function trio(first, compression, channels, size)
  formats[first] = block(compression, 8, channels, size)
  formats[first + 1] = block(compression, 8, channels, size, "linear")
  formats[first + 2] = block(compression, 8, channels, size, "srgb")
end
trio(70, "bc1", 3, 8)
trio(73, "bc2", 4, 16)
trio(76, "bc3", 4, 16)
trio(97, "bc7", 4, 16)
for i = 79, 81 do formats[i] = block("bc4", 8, 1, 8) end
for i = 82, 84 do formats[i] = block("bc5", 8, 2, 16) end
for i = 94, 96 do formats[i] = block("bc6h", 16, 3, 16, "linear") end

---What older files have instead: four letters, or a number of Direct3D 9.
dxgi.letters = {
  DXT1 = block("bc1", 8, 3, 8), DXT2 = block("bc2", 8, 4, 16), DXT3 = block("bc2", 8, 4, 16),
  DXT4 = block("bc3", 8, 4, 16), DXT5 = block("bc3", 8, 4, 16), RXGB = block("bc3", 8, 3, 16),
  ATI1 = block("bc4", 8, 1, 8), BC4U = block("bc4", 8, 1, 8), BC4S = block("bc4", 8, 1, 8),
  ATI2 = block("bc5", 8, 2, 16), BC5U = block("bc5", 8, 2, 16), BC5S = block("bc5", 8, 2, 16),
  RGBG = pixels(8, 3, 16), GRGB = pixels(8, 3, 16), UYVY = pixels(8, 3, 16),
  YUY2 = pixels(8, 3, 16),
  ["\36\0\0\0"] = pixels(16, 4), ["\110\0\0\0"] = pixels(16, 4),
  ["\111\0\0\0"] = pixels(16, 1, 16, "linear"), ["\112\0\0\0"] = pixels(16, 2, 32, "linear"),
  ["\113\0\0\0"] = pixels(16, 4, 64, "linear"), ["\114\0\0\0"] = pixels(32, 1, 32, "linear"),
  ["\115\0\0\0"] = pixels(32, 2, 64, "linear"), ["\116\0\0\0"] = pixels(32, 4, 128, "linear"),
}

return dxgi
