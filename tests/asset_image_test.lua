-- Headers of images: what each reader says, and what becomes of bad input.

local asset, fs, image, process = orch.asset, orch.fs, orch.image, orch.process
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/images/"
local nobody = dofile(here .. "/helper/nobody.lua")

local function info(name) return image.info(data .. name) end

--- Every field that the reader gave, but for those of all files.
local function fields(name)
  local found = {}
  for key, value in next, info(name) do
    if key ~= "path" and key ~= "size" and key ~= "kind" then found[key] = value end
  end
  return found
end

--- All fields of a made picture of 40 x 24 pixels, without the usual ones.
local function made(name)
  local found = fields("made/" .. name)
  expect({ found.width, found.height }):equals { 40, 24 }
  for key, usual in pairs { width = 40, height = 24, channels = 3, bits = 8, alpha = false,
    palette = false, interlaced = false, frames = 1, orientation = 1 } do
    if found[key] == usual then found[key] = nil end
  end
  return found
end

describe("image.info", function()
  it("has every field of a format that it can have", function()
    expect(fields "made/rgb300.png"):equals { format = "png", width = 40, height = 24,
      channels = 3, bits = 8, alpha = false, palette = false, interlaced = false, frames = 1,
      compression = "zip", colorspace = "srgb", gamma = 0.45455, dpi = 300 }
    expect(fields "magnum-dds/dxt10-bc7-cube-mips.dds"):equals { format = "dds", width = 5,
      height = 5, channels = 4, bits = 8, alpha = true, palette = false, interlaced = false,
      frames = 1, compression = "bc7", colorspace = "linear", mips = 3, faces = 6 }
  end)

  it("reads JPEG", function()
    expect(made "baseline.jpg"):equals { format = "jpeg", compression = "baseline" }
    expect(made "progressive.jpg"):equals { format = "jpeg", compression = "progressive",
      interlaced = true, dpi = 300 }
    expect(made "gray.jpg"):equals { format = "jpeg", compression = "baseline", channels = 1 }
    expect(made "exif.jpg"):equals { format = "jpeg", compression = "baseline",
      orientation = 8, colorspace = "srgb" }
    expect(made "icc.jpg"):equals { format = "jpeg", compression = "baseline",
      colorspace = "icc", icc = "Display P3" }
    expect(info "magnum/cmyk.jpg".channels):equals(4)
    expect(info "magnum/cmyk.jpg".alpha):equals(false)
  end)

  it("reads GIF, and counts its pictures", function()
    expect(info "made/animated.gif".frames):equals(3)
    expect(made "transparent.gif"):equals { format = "gif", compression = "lzw", bits = 4,
      channels = 4, alpha = true, palette = true }
    expect(info "made/interlaced.gif".interlaced):equals(true)
  end)

  it("reads BMP", function()
    expect(made "rle.bmp"):equals { format = "bmp", compression = "rle", palette = true }
    expect(made "palette.bmp"):equals { format = "bmp", compression = "none", palette = true,
      bits = 4 }
    expect(made "rgba.bmp"):equals { format = "bmp", compression = "none", channels = 4,
      alpha = true, colorspace = "srgb" }
    expect(info "image-rs/V3_R5_G6_B5.bmp".bits):equals(6)
  end)

  it("reads TGA", function()
    expect(made "rgb.tga"):equals { format = "tga", compression = "none" }
    expect(made "rgba-rle.tga"):equals { format = "tga", compression = "rle", channels = 4,
      alpha = true }
    expect(made "gray.tga"):equals { format = "tga", compression = "none", channels = 1 }
    expect(made "palette.tga"):equals { format = "tga", compression = "none", palette = true }
  end)

  it("reads PSD and PSB", function()
    expect(made "layers.psd"):equals { format = "psd", layers = 2 }
    expect(made "rgba.psd"):equals { format = "psd", channels = 4, alpha = true, layers = 1 }
    expect(made "gray16.psd"):equals { format = "psd", channels = 1, bits = 16, layers = 1 }
    expect(made "cmyk.psd"):equals { format = "psd", channels = 4, layers = 1 }
    expect(made "rgb.psb"):equals { format = "psd", layers = 1 }
  end)

  it("reads TIFF and BigTIFF", function()
    expect(made "none.tif"):equals { format = "tiff", compression = "none" }
    expect(made "bigtiff.tif"):equals { format = "tiff", compression = "none" }
    expect(made "tiled-big-endian.tif"):equals { format = "tiff", compression = "none" }
    expect(made "zip16.tif"):equals { format = "tiff", compression = "zip", bits = 16 }
    expect(made "float.tif"):equals { format = "tiff", compression = "none", bits = 32 }
    expect(made "lzw-rgba.tif"):equals { format = "tiff", compression = "lzw", channels = 4,
      alpha = true }
    expect(made "bilevel.tif"):equals { format = "tiff", compression = "ccitt", channels = 1,
      bits = 1 }
    expect(made "palette.tif"):equals { format = "tiff", compression = "none", palette = true,
      bits = 4 }
    expect(made "pages.tif"):equals { format = "tiff", compression = "none", frames = 3 }
    expect(made "orientation.tif"):equals { format = "tiff", compression = "none",
      orientation = 6, dpi = 300 }
  end)

  it("reads EXR and HDR, which are linear", function()
    expect(made "rgba.exr"):equals { format = "exr", compression = "zip", channels = 4,
      alpha = true, bits = 16, mips = 1, colorspace = "linear" }
    expect(made "rgb.hdr"):equals { format = "hdr", compression = "rle", bits = 32,
      colorspace = "linear", gamma = 0.454545 }
    expect(info "magnum/levels2D.exr".mips):equals(3)
    expect(info "magnum/envmap-cube.exr".faces):equals(6)
    expect(info "magnum/depth32f.exr".bits):equals(32)
  end)

  it("reads DDS", function()
    expect(fields "made/dxt1-mips.dds"):equals { format = "dds", width = 32, height = 32,
      channels = 3, bits = 8, alpha = false, palette = false, interlaced = false, frames = 1,
      compression = "bc1", mips = 6 }
    expect(info "made/dxt5.dds".compression):equals "bc3"
    expect(info "made/dxt5.dds".alpha):equals(true)
    expect(info "magnum-dds/dxt10-rgba8unorm-array.dds".layers):equals(3)
    expect(info "magnum-dds/bgra8unorm-3d.dds".depth):equals(3)
    expect(info "magnum-dds/dxt10-format136.dds".compression):is_nil()
  end)

  it("reads KTX and KTX 2", function()
    expect(fields "made/bc3-srgb.ktx"):equals { format = "ktx", width = 8, height = 8,
      channels = 4, bits = 8, alpha = true, palette = false, interlaced = false, frames = 1,
      compression = "bc3", colorspace = "srgb", mips = 4 }
    local function ktx2(name)
      local found = info(name)
      return { found.compression, found.channels, found.bits, found.colorspace, found.mips,
        found.depth or found.layers or found.faces or 0 }
    end
    expect(ktx2 "magnum-ktx/3d-compressed-bc7.ktx2"):equals { "bc7", 4, 8, "linear", 1, 3 }
    expect(ktx2 "magnum-ktx/2d-compressed-astc.ktx2"):equals { "astc12x10", 4, 8, "srgb", 1, 0 }
    expect(ktx2 "magnum-ktx/2d-mipmaps-and-layers.ktx2"):equals { "none", 3, 8, "srgb", 3, 3 }
    expect(ktx2 "magnum-ktx/cubemap-mipmaps.ktx2"):equals { "none", 3, 8, "srgb", 2, 6 }
    expect(ktx2 "magnum-ktx/2d-rgbf32.ktx2"):equals { "none", 3, 32, "linear", 1, 0 }
    expect(ktx2 "khronos-ktx/luminance_alpha_reference_basis.ktx2")
      :equals { "etc1s", 4, 8, "linear", 1, 0 }
    expect(ktx2 "khronos-ktx/rg_reference_basis.ktx2"):equals { "etc1s", 2, 8, "linear", 1, 0 }
  end)

  it("reads WebP and ICO", function()
    expect(made "lossy.webp"):equals { format = "webp", compression = "vp8" }
    expect(made "lossless-rgba.webp"):equals { format = "webp", compression = "vp8l",
      channels = 4, alpha = true }
    expect(made "exif.webp"):equals { format = "webp", compression = "vp8", orientation = 8 }
    expect(info "made/animated.webp".frames):equals(2)
    expect(fields "made/two.ico"):equals { format = "ico", width = 48, height = 48,
      channels = 4, bits = 8, alpha = true, palette = false, interlaced = false, frames = 2,
      compression = "none" }
    expect(info "magnum/pngs.ico".width):equals(256)
  end)

  it("tells colour spaces from what PNG files say of them", function()
    expect(info "made/srgb.png".colorspace):equals "srgb"
    expect(info "made/gamma-srgb.png".colorspace):equals "srgb"
    expect(info "made/linear.png".colorspace):equals "linear"
    expect(info "made/cicp-pq.png".colorspace):equals "pq"
    expect(info "made/icc-srgb.png".colorspace):equals "srgb"
    expect(info "made/icc-srgb.png".icc):equals "sRGB IEC61966-2.1"
    expect(info "made/icc-adobe.png".colorspace):equals "icc"
    expect(info "made/icc-adobe.png".icc):equals "Adobe RGB (1998)"
    expect(info "magnum/rgba.png".colorspace):is_nil()
    expect(info "magnum/rgba-srgb.png".colorspace):is_nil()
    expect(info "made/animated.png".frames):equals(3)
    expect(info "made/exif.png".orientation):equals(8)
  end)

  it("tells colour spaces from what profiles are called", function()
    local png, dir = fs.read(data .. "made/rgb300.png"), fs.temp_dir()
    local function space_of(name)
      local chunk = "iCCP" .. name .. "\0\0?" -- that does not unpack: its name is all there is
      fs.write(dir .. "/a.png", png:sub(1, 33) .. (">I4"):pack(#chunk - 4) .. chunk .. "\0\0\0\0"
        .. png:sub(34))
      local found = image.info(dir .. "/a.png")
      return found.colorspace, found.icc
    end
    for name, space in pairs {
      ["sRGB IEC61966-2.1"] = "srgb", ["GIMP built-in sRGB"] = "srgb", ["c2"] = "srgb",
      ["Artifex Software sRGB ICC Profile"] = "srgb", ["sRGB-elle-V2-srgbtrc.icc"] = "srgb",
      ["GIMP built-in Linear sRGB"] = "linear", ["sRGB-elle-V2-g10.icc"] = "linear",
      ["Artifex Software scRGB ICCProfile"] = "icc", ["Artifex Software e-sRGB"] = "icc",
      ["Display P3"] = "icc",
    } do
      expect(({ space_of(name) })[1]):equals(space)
    end
    expect(({ space_of "Caf\xe9" })[2]):equals "Café" -- names are Latin-1
  end)

  it("reads an EXR that lacks what OpenEXR does without", function()
    local exr, path = fs.read(data .. "made/half.exr"), fs.temp_dir() .. "/a.exr"
    local function without(text, name)
      local from, behind = text:find("\0" .. name .. "%z%w+%z")
      local size = ("<i4"):unpack(text, behind + 1)
      return text:sub(1, from) .. text:sub(behind + 5 + size)
    end
    local short = exr
    for _, name in ipairs { "lineOrder", "pixelAspectRatio", "screenWindowCenter",
      "screenWindowWidth" } do
      short = without(short, name)
    end
    fs.write(path, short)
    expect(image.info(path).width):equals(image.info(data .. "made/half.exr").width)
    fs.write(path, without(exr, "dataWindow"))
    expect(function() image.info(path) end):raises "lacks the attribute 'dataWindow'"
  end)

  it("goes by the content, not by the name", function()
    local dir = fs.temp_dir()
    fs.copy(data .. "made/lossy.webp", dir .. "/a.png")
    expect(image.info(dir .. "/a.png").format):equals "webp"
    fs.copy(data .. "made/rgb.tga", dir .. "/true colour.TGA") -- begins as a cursor does
    expect(image.info(dir .. "/true colour.TGA").format):equals "tga"
  end)

  it("knows its fields", function()
    local img = info "made/srgb.png"
    expect(img.depth):is_nil()
    expect(function() return img.widht end):raises "did you mean 'width'"
    expect(function() return img.vram(img, "BC8") end):raises "there is no format 'BC8'"
  end)
end)

describe("img:vram", function()
  local img = setmetatable({ width = 4096, height = 4096, kind = "image" },
    getmetatable(info "made/srgb.png"))

  it("counts all levels", function()
    expect(img:vram "RGBA8"):equals(89478484)
    expect(img:vram "BC7"):equals(22369648)
    expect(img:vram "BC1"):equals(11184824)
    expect(img:vram("BC7") - img:vram("BC7", 2048)):equals(16 << 20)
    expect(img:vram("BC7", 8192)):equals(img:vram "BC7")
    expect(img:vram "astc_4x4"):equals(img:vram "BC7")
  end)

  it("has whole blocks, faces, layers and depth", function()
    expect(info "made/dxt1-mips.dds":vram()):equals((64 + 16 + 4 + 1 + 1 + 1) * 8)
    expect(info "magnum-dds/dxt10-bc7-cube-mips.dds":vram()):equals((4 + 1 + 1) * 16 * 6)
    expect(info "magnum-dds/bgra8unorm-3d.dds":vram()):equals((18 + 1) * 4)
    expect(info "magnum-dds/dxt10-rgba8unorm-array.dds":vram()):equals((25 + 4 + 1) * 4 * 3)
    expect(info "made/layers.psd":vram "RGBA8"):equals(info "made/rgb.tga":vram "RGBA8")
  end)

  it("keeps the proportions of what is made smaller", function()
    local wide = setmetatable({ width = 1000, height = 10 }, getmetatable(img))
    expect(wide:vram("R8", 1)):equals(1)
    expect(wide:vram("R8", 100)):equals(100 + 50 + 25 + 12 + 6 + 3 + 1)
  end)

  it("has no limit", function()
    local side = (1 << 31) - 1
    local large = setmetatable({ width = side, height = side }, getmetatable(img))
    expect(large:vram "RGBA32F"):greater_than(2.0 ^ 66)
    expect(function() img:vram("BC7", 0) end):raises "at least 1"
  end)
end)

describe("image.nearest_pot", function()
  it("is a power of two", function()
    for n, wanted in pairs { [1] = 1, [2] = 2, [3] = 4, [5] = 4, [6] = 8, [1000] = 1024,
      [1500] = 1024, [1536] = 2048, [4096] = 4096, [1 << 40] = 1 << 40 } do
      expect(image.nearest_pot(n)):equals(wanted)
    end
    expect(function() image.nearest_pot(0) end):raises "usage"
    expect(function() image.nearest_pot "big" end):raises "whole number"
  end)
end)

describe("an image that is none", function()
  local function refused(path, text)
    local err = expect(function() return image.info(path) end):raises "format"
    expect(err.path):equals(path)
    expect(err.message):contains(path)
    expect(err.message):contains(text)
    return err
  end

  local extensions = { "png", "jpg", "gif", "bmp", "tga", "psd", "tif", "exr", "hdr", "dds",
    "ktx", "ktx2", "webp", "ico" }

  it("may be empty, a single byte or a pointer of Git LFS", function()
    local dir = fs.temp_dir()
    for _, extension in ipairs(extensions) do
      local path = dir .. "/a." .. extension
      fs.write(path, "")
      refused(path, "it is empty")
      fs.write(path, "\0")
      refused(path, "not a valid")
      fs.write(path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
      refused(path, "git lfs pull")
    end
  end)

  it("may be cut off, which most headers show", function()
    local dir = fs.temp_dir()
    for _, name in ipairs { "made/rgba16.png", "made/rgb.bmp", "made/rgb.tga", "made/rgb.psd",
      "made/none.tif", "made/rgba.exr", "made/dxt5.dds", "made/bc3-srgb.ktx",
      "magnum-ktx/2d-rgb.ktx2", "made/lossy.webp", "made/two.ico", "made/transparent.gif" } do
      local bytes, path = fs.read(data .. name), dir .. "/" .. name:match "[^/]*$"
      local keep = name:find "psd$" and #bytes // 4 or #bytes * 3 // 4
      if name:find "exr$" then keep = 300 end
      fs.write(path, bytes:sub(1, keep))
      local err = expect(function() return image.info(path) end):raises "format"
      expect(err.message:gsub("it ends after", "it is cut off")):contains "it is cut off"
    end
  end)

  it("tells where it is wrong", function()
    local err = refused(data .. "pngsuite/xc9n2c08.png", "the unknown colour type 9")
    expect(err.offset):equals(25)
    expect(refused(data .. "image-png/x_issue_214.png", "0 x 3 pixels").offset):equals(16)
    refused(data .. "pngsuite/xdtn0g01.png", "no IDAT chunk")
    refused(data .. "pngsuite/xlfn0g04.png", "it does not begin as such a file does")
    refused(here .. "/asset_image_test.lua", "is not an image that orch can read")
  end)

  it("may be damaged", function()
    local path = fs.temp_dir() .. "/a.png"
    local bytes = fs.read(data .. "made/srgb.png")
    fs.write(path, bytes:sub(1, 19) .. "\3" .. bytes:sub(21))
    refused(path, "the checksum of its IHDR chunk is wrong")
    local at = bytes:find "gAMA"
    fs.write(path, bytes:sub(1, at + 4) .. "\1" .. bytes:sub(at + 6))
    refused(path, "the checksum of its gAMA chunk is wrong")
  end)

  it("may be a hole of 4 GB behind a header", function()
    local path = fs.temp_dir() .. "/sparse.png"
    local bytes = fs.read(data .. "made/linear.png")
    fs.write(path, bytes:sub(1, 33))
    process.run { "truncate", "-s", "4G", path }
    local err = refused(path, "there is no chunk where one should begin")
    expect(err.offset):equals(33)
    fs.write(path, bytes)
    process.run { "truncate", "-s", "4G", path }
    expect(image.info(path).size):equals(4 << 30)
  end)

  it("may claim any size: a mere number is told as it is", function()
    local crc = require "orch.asset.crc"
    local path = fs.temp_dir() .. "/large.png"
    local bytes = fs.read(data .. "made/linear.png")
    local function claim(width, height)
      local header = "IHDR" .. (">I4I4"):pack(width, height) .. bytes:sub(25, 29)
      fs.write(path, bytes:sub(1, 12) .. header .. (">I4"):pack(crc.of(header)) .. bytes:sub(34))
    end
    claim((1 << 31) - 1, (1 << 31) - 1)
    expect(image.info(path).width):equals((1 << 31) - 1)
    claim(1 << 31, 1)
    refused(path, "it is 2147483648 x 1 pixels large")
    claim(0, 1)
    refused(path, "it is 0 x 1 pixels large")
  end)

  it("may have a name that is no text", function()
    local dir = fs.temp_dir()
    for _, name in ipairs { "two\nlines.png", "bytes \xff\xfe.png", "a%s%d.png", "-rf.png" } do
      fs.copy(data .. "made/srgb.png", dir .. "/" .. name)
      expect(image.info(dir .. "/" .. name).width):equals(2)
      fs.write(dir .. "/" .. name, "no image")
      refused(dir .. "/" .. name, "it does not begin as such a file does")
    end
  end)

  it("may be no file", function()
    local dir = fs.temp_dir()
    expect(function() image.info(dir .. "/missing.png") end):raises { kind = "os", code = "ENOENT" }
    expect(function() image.info(dir) end):raises { kind = "os" }
    process.run { "ln", "-s", "circle.png", "circle.png", cwd = dir }
    expect(function() image.info(dir .. "/circle.png") end):raises { code = "ELOOP" }
    process.run { "mkfifo", dir .. "/pipe.png" }
    expect(function() image.info(dir .. "/pipe.png") end):raises { kind = "os" }
  end)

  it("may be one that nobody may read", function()
    local dir = fs.temp_dir()
    process.run { "chmod", "755", dir }
    fs.write(dir .. "/shut.png", "x", { mode = 0 })
    local result = nobody.run { require("orch.core.runtime").executable(), "-e",
      'orch.image.info "shut.png"', cwd = dir, check = false }
    expect(result.exit_code):equals(1)
    expect(result.stderr):contains "cannot read 'shut.png': permission denied"
  end)
end)

describe("a format of one's own", function()
  it("is read as the others are", function()
    asset.register { format = "strip", kind = "image", extensions = { "strip" },
      magic = "STRP",
      read = function(source)
        local version, width, height = source:unpack("<I2I4I4", 4)
        if version ~= 3 then source:fail_at(4, "version %d is not 3", version) end
        return { width = width, height = height, channels = 4, bits = 8 }
      end }
    local path = fs.temp_dir() .. "/hero.strip"
    fs.write(path, "STRP" .. ("<I2I4I4"):pack(3, 640, 32))
    local img = image.info(path)
    expect({ img.format, img.width, img.height }):equals { "strip", 640, 32 }
    expect(img:vram "R8"):greater_than(640 * 32)
    fs.write(path, "STRP" .. ("<I2I4I4"):pack(2, 640, 32))
    local err = expect(function() image.info(path) end):raises "format"
    expect(err.offset):equals(4)
    expect(err.message):contains "is not a valid STRIP: version 2 is not 3"
    fs.write(path, "STRP")
    expect(function() image.info(path) end):raises "it ends after 4 bytes"
  end)
end)
