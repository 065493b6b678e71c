-- Pixels of files that are broken, that claim too much or that orch cannot read: an Error of
-- kind `format`; and what becomes of an operation that is cancelled.
--
-- FUZZ=20000 makes so many changes to files (default 600); SEED=n begins elsewhere.

local fs, image, process = orch.fs, orch.image, orch.process
local core = require "orch.core.image"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/images/"

local CHANGES = math.tointeger(os.getenv "FUZZ" or 600)
local SEED = math.tointeger(os.getenv "SEED" or 7)
local LIMIT = 1 << 24

local dir
before_each(function() dir = test.temp_dir() end)

local function at(name) return dir .. "/" .. name end

-- A value or an Error of kind `format`: never anything else.
local function try(bytes)
  local ok, result = pcall(core.decode, bytes, LIMIT)
  if ok then
    result:measure(100)
    result:close()
  elseif type(result) ~= "table" or result.kind ~= "format" then
    error(result, 0)
  end
  return ok
end

local samples = {
  "made/icc-srgb.png", "made/rgba16.png", "pngsuite/basi6a16.png", "pngsuite/tbbn3p08.png",
  "made/baseline.jpg", "made/progressive.jpg", "made/gray.jpg", "made/animated.gif",
  "made/transparent.gif", "made/interlaced.gif", "made/palette.bmp", "made/rgba.bmp",
  "made/rle.bmp", "made/rgba-rle.tga", "made/palette.tga", "made/gray.tga", "made/rgb.psd",
  "made/gray16.psd", "made/rgb.hdr",
}

describe("broken pixels", function()
  it("of every broken file in the suites are an Error or a picture", function()
    local files = fs.glob(data .. "**/*.{png,jpg,gif,bmp,tga,psd,psb,hdr,ico,exr,dds,ktx,ktx2,webp,tif}")
    local good, bad = 0, 0
    orch.each(files, function(path)
      if try(fs.read(path)) then good = good + 1 else bad = bad + 1 end
    end)
    expect(good):greater_than(150)
    expect(bad):greater_than(100)
  end)

  it("of files that are cut off", function()
    for _, name in ipairs(samples) do
      local bytes = fs.read(data .. name)
      for i = 0, 40 do try(bytes:sub(1, #bytes * i // 40)) end
      for i = 0, 40 do try(bytes:sub(1, i)) end
    end
  end)

  it("of files with bytes changed", function()
    local random, made = SEED, 0
    local function below(n) -- Park and Miller 1988
      random = random * 48271 % 2147483647
      return random % n
    end
    local all = {}
    for i, name in ipairs(samples) do all[i] = fs.read(data .. name) end
    while made < CHANGES do
      local bytes = all[below(#all) + 1]
      for _ = 0, below(6) do
        local where = below(2) == 0 and below(math.min(#bytes, 80)) or below(#bytes)
        local byte = ({ "\0", "\255", "\128", "\1", string.char(below(256)) })[below(5) + 1]
        bytes = bytes:sub(1, where) .. byte .. bytes:sub(where + 2)
      end
      try(bytes)
      made = made + 1
    end
  end)

  it("say which file and what is wrong", function()
    fs.write(at "a.png", fs.read(data .. "made/srgb.png"):sub(1, 60))
    local err = expect(function() image.stats(at "a.png") end):raises "format"
    expect(err.path):equals(at "a.png")
    expect(err.message):contains("'" .. at "a.png" .. "' is not a valid PNG: ")
    expect(err.unsupported):is(false)
    fs.write(at "empty.png", "")
    expect(function() image.stats(at "empty.png") end):raises "is empty"
    fs.write(at "text.png", "this is a text, and no image at all")
    expect(function() image.stats(at "text.png") end):raises "no image whose pixels orch can read"
    expect(function() image.stats(at "none.png") end):raises "os"
    expect(function() image.stats(dir) end):raises "os"
  end)

  it("of other formats: what to do", function()
    for name, title in pairs { ["made/float.tif"] = "a TIFF", ["made/half.exr"] = "an OpenEXR",
      ["made/dxt5.dds"] = "a DDS", ["made/lossy.webp"] = "a WebP", ["made/two.ico"] = "a Windows icon",
      ["magnum-ktx/cubemap-mipmaps.ktx2"] = "a KTX2" } do
      local err = expect(function() image.stats(data .. name) end):raises "format"
      expect(err.message):contains("is " .. title .. " image, whose pixels orch cannot read")
      expect(err.message):contains "convert it first"
      expect(err.unsupported):is(true)
    end
  end)
end)

describe("what claims too much", function()
  -- No CRC is right in it; nobody gets so far.
  local function claim(width, height)
    return "\137PNG\r\n\26\n" .. (">I4c4I4I4"):pack(13, "IHDR", width, height)
      .. "\8\6\0\0\0\0\0\0\0" .. (">I4c4"):pack(0, "IDAT") .. ("\0"):rep(100)
  end

  it("is refused before anything is set aside for it", function()
    local before = tonumber(fs.read "/proc/self/status":match "VmHWM:%s*(%d+)")
    for _, side in ipairs { { 46341, 46341 }, { 1 << 31, 1 }, { 131072, 131072 }, { 16000, 16000 } } do
      fs.write(at "a.png", claim(side[1], side[2]))
      expect(function() image.stats(at "a.png") end):raises "format"
    end
    fs.write(at "a.tga", ("\0\0\2\0\0\0\0\0\0\0\0\0"):sub(1, 12) .. ("<I2I2BB"):pack(65535, 65535, 32, 0))
    expect(function() image.stats(at "a.tga") end):raises "format"
    local after = tonumber(fs.read "/proc/self/status":match "VmHWM:%s*(%d+)")
    expect(after - before):less_than(64 * 1024)
  end)

  it("the limit is an option", function()
    local p = { width = 64, height = 64, channels = 4, bits = 8, data = ("x"):rep(64 * 64 * 4) }
    fs.write(at "a.png", image.encode(p))
    local err = expect(function() image.stats(at "a.png", { limit = "16383" }) end):raises "format"
    expect(err.message):contains "has 64 x 64 pixels, which is more than the limit of 16383"
    expect(image.stats(at "a.png", { limit = "16K" }).width):equals(64)
  end)

  it("a file that unpacks to more than it said", function()
    local ok = pcall(process.run, { "python3", "-c", [[
import struct, sys, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
bomb = zlib.compress(b"\0" * (1 << 29), 9)
open(sys.argv[1], "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", bomb) + chunk(b"IEND", b""))]], at "bomb.png" })
    expect(ok):is(true)
    local err = expect(function() image.stats(at "bomb.png") end):raises "format"
    expect(err.message):contains "unpacks to more than its header says"
  end)
end)

describe("an operation on pixels", function()
  local function large()
    return core.make(3000, 3000, 4, 8, ("rock"):rep(3000 * 3000))
  end

  it("that is cancelled before it starts", function()
    local p <close> = large()
    local task = orch.spawn({ hold = true }, p.measure, p, 0)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)

  for name, operation in pairs {
    measure = function(p) p:measure(0) end,
    resize = function(p) p:resize(2000, 2000, 5, 1, true, true, false):close() end,
    channel = function(p) p:channel(1):close() end,
    compare = function(p) p:compare(p, 0, 1):close() end,
    encode = function(p) p:encode("png", 90, 9) end,
    decode = function() core.decode(fs.read(data .. "made/rgba16.png"), LIMIT):close() end,
  } do
    it("that is cancelled in flight: " .. name, function()
      local p <close> = large()
      local task = orch.spawn({ hold = true }, operation, p)
      orch.checkpoint() -- it has started now
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
    end)
  end

  it("keeps its image until it has ended, whoever closes it", function()
    local p = large()
    local task = orch.spawn(function() return p:measure(0) end)
    orch.checkpoint()
    p:close()
    expect(task:await()[1].mean):near(("r"):byte() / 255, 1e-9)
    expect(function() p:size() end):raises "closed"
  end)

  it("of a file that is cancelled leaves the file alone", function()
    local path = at "a.png"
    local p <close> = large()
    fs.write(path, p:encode("png", 90, 1))
    local before = fs.hash(path)
    for _, wait in ipairs { 0, 0.01, 0.1 } do
      orch.move_on_after(wait, image.resize, path, { width = 2999, height = 2999 })
      local hash = fs.hash(path)
      expect(hash == before or image.info(path).width == 2999):is(true)
      if hash ~= before then break end
    end
    expect(#fs.list(dir)):equals(1)
  end)
end)
