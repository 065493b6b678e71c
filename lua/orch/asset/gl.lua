--- The pixel formats of OpenGL that KTX files have: glInternalFormat -> what it is like, as in
--- orch.asset.dxgi. Linear or sRGB is told only where there are variants for both.

local formats = {}

local function add(list, bits, channels, compression, colorspace)
  for id in list:gmatch "%x+" do
    formats[tonumber(id, 16)] = { bits = bits, channels = channels,
      alpha = channels == 4, compression = compression or "none",
      colorspace = colorspace }
  end
end

add("8229 8F94 8231 8232", 8, 1) -- R8, and as it is with signs and whole numbers
add("822A 8F98 8233 8234", 16, 1)
add("8235 8236", 32, 1)
add("822D", 16, 1, nil, "linear")
add("822E", 32, 1, nil, "linear")
add("822B 8F95 8237 8238", 8, 2)
add("822C 8F99 8239 823A", 16, 2)
add("823B 823C", 32, 2)
add("822F", 16, 2, nil, "linear")
add("8230", 32, 2, nil, "linear")
add("8051", 8, 3, nil, "linear")
add("8C41", 8, 3, nil, "srgb")
add("1907 8F96 8D7D 8D8F", 8, 3)
add("8054 8F9A 8D77 8D89", 16, 3)
add("8D71 8D83", 32, 3)
add("881B", 16, 3, nil, "linear")
add("8815", 32, 3, nil, "linear")
add("8058", 8, 4, nil, "linear")
add("8C43", 8, 4, nil, "srgb")
add("1908 80E1 93A1 8F97 8D7C 8D8E", 8, 4)
add("805B 8F9B 8D76 8D88", 16, 4)
add("8D70 8D82", 32, 4)
add("881A", 16, 4, nil, "linear")
add("8814", 32, 4, nil, "linear")
add("8D62", 6, 3) -- 565
add("8056", 4, 4)
add("8057", 5, 4)
add("8059 906F", 10, 4)
add("8C3A", 11, 3, nil, "linear")
add("8C3D", 9, 3, nil, "linear")
add("1909 8040", 8, 1) -- LUMINANCE
add("190A 8045", 8, 2)
formats[0x190A].alpha, formats[0x8045].alpha = true, true
formats[0x1906] = { bits = 8, channels = 1, alpha = true, compression = "none" }

add("83F0", 8, 3, "bc1", "linear")
add("8C4C", 8, 3, "bc1", "srgb")
add("83F1", 8, 4, "bc1", "linear")
add("8C4D", 8, 4, "bc1", "srgb")
add("83F2", 8, 4, "bc2", "linear")
add("8C4E", 8, 4, "bc2", "srgb")
add("83F3", 8, 4, "bc3", "linear")
add("8C4F", 8, 4, "bc3", "srgb")
add("8DBB 8DBC", 8, 1, "bc4")
add("8DBD 8DBE", 8, 2, "bc5")
add("8E8E 8E8F", 16, 3, "bc6h", "linear")
add("8E8C", 8, 4, "bc7", "linear")
add("8E8D", 8, 4, "bc7", "srgb")
add("8D64", 8, 3, "etc1")
add("9270 9271", 11, 1, "eac")
add("9272 9273", 11, 2, "eac")
add("9274", 8, 3, "etc2", "linear")
add("9275", 8, 3, "etc2", "srgb")
add("9276 9278", 8, 4, "etc2", "linear")
add("9277 9279", 8, 4, "etc2", "srgb")
add("8C00 8C01", 8, 3, "pvrtc")
add("8C02 8C03 9137 9138", 8, 4, "pvrtc")

--- The blocks of ASTC in the order of their numbers.
local n = 0
for size in ("4x4 5x4 5x5 6x5 6x6 8x5 8x6 8x8 10x5 10x6 10x8 10x10 12x10 12x12"):gmatch "%S+" do
  add(("%X"):format(0x93B0 + n), 8, 4, "astc" .. size, "linear")
  add(("%X"):format(0x93D0 + n), 8, 4, "astc" .. size, "srgb")
  n = n + 1
end

return formats
