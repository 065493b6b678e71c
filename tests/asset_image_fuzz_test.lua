-- Headers of images, cut short anywhere and with bytes changed: each gives an info or an Error
-- of kind `format`, with a bounded number of steps and little memory.
--
-- FUZZ=100000 makes so many changes (default 1500) and cuts at every byte; SEED=n begins
-- elsewhere.

local crc = require "orch.asset.crc"
local fs, image = orch.fs, orch.image
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/images/"

local ALL = os.getenv "FUZZ" ~= nil
local CHANGES = math.tointeger(os.getenv "FUZZ" or 1500)
local SEED = math.tointeger(os.getenv "SEED" or 7)
--- Steps of the Lua machine. Real headers need some thousand; the largest files that a reader
--- steps through, some million.
local MOST_STEPS = 20000000
--- KiB, beside what the file itself has.
local MOST_MEMORY = 1024

--- Different headers of each format.
local samples = {
  "made/icc-srgb.png", "made/animated.png", "made/exif.png", "pngsuite/tbbn3p08.png",
  "made/exif.jpg", "made/icc.jpg", "made/progressive.jpg", "made/animated.gif",
  "made/transparent.gif", "made/palette.bmp", "made/rgba.bmp", "image-rs/V5_A1_R5_G5_B5.bmp",
  "made/rgba-rle.tga", "made/palette.tga", "made/gray.tga", "made/layers.psd", "made/rgb.psb",
  "made/pages.tif", "made/bigtiff.tif", "made/tiled-big-endian.tif", "made/rgba.exr",
  "magnum/levels-cube.exr", "magnum/rgb16f-tiled.exr", "openexr/invalid_shared_attrs_multipart.exr",
  "made/rgb.hdr", "made/dxt1-mips.dds", "magnum-dds/dxt10-bc7-cube-mips.dds", "made/bc3-srgb.ktx",
  "magnum-ktx/cubemap-mipmaps.ktx2", "magnum-ktx/3d-compressed-astc3d.ktx2",
  "khronos-ktx/luminance_alpha_reference_basis.ktx2", "made/exif.webp", "magnum/animated.webp",
  "made/lossless-rgba.webp", "made/two.ico", "magnum/bmp+png.ico",
}

local dir

local function write(name, bytes)
  local path = dir .. "/" .. name:match "[^/]*$"
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  return path
end

local function is_count(n) return math.type(n) == "integer" and n >= 1 end

--- What an info must be like, whatever the file is.
local function check(info)
  if not is_count(info.width) or not is_count(info.height) then return "its size" end
  if info.bits and not (is_count(info.bits) and info.bits <= 64) then return "its bits" end
  if info.channels and not is_count(info.channels) then return "its channels" end
  for _, field in ipairs { "mips", "frames", "layers", "faces", "depth", "dpi", "orientation" } do
    local value = info[field]
    if value and not (is_count(value) or field == "layers" and value == 0) then return field end
  end
  local vram = info:vram "BC7"
  if not (vram > 0 and vram < math.huge) then return "its memory" end
end

--- What is wrong with the answer for a file of so many bytes; nil for a right one.
local function problem(path, size)
  collectgarbage "stop"
  local before = collectgarbage "count"
  debug.sethook(function() error("it does not come to an end", 0) end, "", MOST_STEPS)
  local ok, info = pcall(image.info, path)
  debug.sethook()
  local grown = collectgarbage "count" - before
  collectgarbage "restart"
  if grown > MOST_MEMORY + 2 * size // 1024 then return ("it takes %.0f KiB"):format(grown) end
  if ok then return check(info) end
  if type(info) ~= "table" or info.kind ~= "format" then return tostring(info) end
  if not info.message:find(path, 1, true) then return "the message is without its path" end
end

local function expect_fine(name, bytes, what)
  local path = write(name, bytes)
  local wrong = problem(path, #bytes)
  if wrong then
    error(("%s: %s"):format(what, wrong), 0)
  end
end

local numbers = { "\0\0\0\0", "\255\255\255\255", "\127\255\255\255", "\255\255\255\127",
  "\0\0\0\128", "\128\0\0\0", "\1\0\0\0", "\0\0\0\1", "\255\255\255\255\255\255\255\255" }

--- One change, near the beginning more often.
local function change(bytes)
  local at = math.random() < 0.8 and math.random(math.min(#bytes, 200)) or math.random(#bytes)
  local how = math.random(6)
  if how <= 2 then
    return bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1)
  elseif how == 3 then
    local number = numbers[math.random(#numbers)]
    return bytes:sub(1, at - 1) .. number .. bytes:sub(at + #number)
  elseif how == 4 then
    return bytes:sub(1, at - 1) .. bytes:sub(at + math.random(8))
  elseif how == 5 then
    return bytes:sub(1, at) .. bytes:sub(math.max(1, at - math.random(16)))
  end
  return bytes:sub(1, #bytes - math.random(0, #bytes // 2))
end

--- Without a right checksum nobody would look at what else is wrong with IHDR.
local function mend(name, bytes)
  if not name:find "%.png$" or #bytes < 33 then return bytes end
  return bytes:sub(1, 29) .. (">I4"):pack(crc.of(bytes, 13, 29)) .. bytes:sub(34)
end

describe("headers of images", { timeout = "30m" }, function()
  before_each(function() dir = fs.temp_dir() end)

  it("may end anywhere", function()
    for _, name in ipairs(samples) do
      local bytes = fs.read(data .. name)
      local n, most = 0, math.min(#bytes, 600)
      while n <= most do
        expect_fine(name, bytes:sub(1, n), ("%s, %d bytes"):format(name, n))
        n = n + (ALL and 1 or n < 48 and 1 or math.random(2, 20))
      end
      for i = 1, ALL and 50 or 10 do
        local some = #bytes * i // (ALL and 50 or 10)
        expect_fine(name, bytes:sub(1, some), ("%s, %d bytes"):format(name, some))
      end
    end
  end)

  it("may have any bytes", function()
    math.randomseed(SEED)
    local all = {}
    for i, name in ipairs(samples) do all[i] = fs.read(data .. name) end
    for i = 1, CHANGES do
      local k = (i - 1) % #samples + 1
      local bytes = all[k]
      for _ = 1, math.random(3) do
        if #bytes > 0 then bytes = change(bytes) end
      end
      expect_fine(samples[k], mend(samples[k], bytes),
        ("%s, change %d with SEED=%d"):format(samples[k], i, SEED))
    end
  end)

  it("may be random, behind the first bytes of a format", function()
    math.randomseed(SEED)
    for _, name in ipairs(samples) do
      local head = fs.read(data .. name):sub(1, 12)
      for i = 1, ALL and 200 or 10 do
        local tail = {}
        for j = 1, math.random(0, 300) do
          tail[j] = string.char(math.random() < 0.5 and 0 or math.random(0, 255))
        end
        expect_fine(name, head .. table.concat(tail), ("%s, random %d"):format(name, i))
      end
    end
  end)

  it("may go on for ever", function()
    local many = 200000
    local png = fs.read(data .. "made/linear.png")
    local endless = {
      ["a.gif"] = "GIF89a\1\0\1\0\128\0\0" .. ("\0"):rep(6) .. ("!\254\1\65"):rep(many),
      ["b.gif"] = "GIF89a\1\0\1\0\128\0\0" .. ("\0"):rep(6)
        .. (",\0\0\0\0\1\0\1\0\0\2\1\0\0"):rep(many),
      ["a.jpg"] = "\255\216" .. ("\255"):rep(4 * many),
      ["b.jpg"] = "\255\216" .. ("\255\254\0\2"):rep(many),
      ["a.png"] = png:sub(1, 33) .. ("\0\0\0\0tEXt\0\0\0\0"):rep(many),
      ["b.png"] = png:sub(1, -13) .. ("\0\0\0\0IDAT\0\0\0\0"):rep(many),
      ["a.hdr"] = "#?RADIANCE\n" .. ("A=1\n"):rep(many),
      ["b.hdr"] = "#?RADIANCE\n" .. ("A"):rep(4 * many),
      ["a.webp"] = "RIFF" .. ("<I4"):pack(4 + 16 * many) .. "WEBP"
        .. ("ANMF\8\0\0\0aaaaaaaa"):rep(many),
      ["b.webp"] = "RIFF" .. ("<I4"):pack(4 + 8 * many) .. "WEBP" .. ("junk\0\0\0\0"):rep(many),
      ["a.exr"] = "v/1\1\2\0\0\0" .. ("a\0b\0\0\0\0\0"):rep(many),
      ["b.exr"] = "v/1\1\2\16\0\0" .. ("a\0b\0\0\0\0\0"):rep(many),
      ["a.psd"] = "8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\1\0\0\0\1\0\8\0\3\0\0\0\0"
        .. (">I4"):pack(12 * many) .. ("8BIM\4\1\0\0\0\0\0\0"):rep(many),
      ["a.tif"] = "II*\0\8\0\0\0\255\255" .. ("\0\1\4\0\255\255\255\255\8\0\0\0"):rep(65535),
    }
    for name, bytes in pairs(endless) do expect_fine(name, bytes, name) end
  end)
end)
