-- Pixels: what is decoded, measured, resized, compared, drawn and written.

local fs, image, process = orch.fs, orch.image, orch.process
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/images/"

local dir
before_each(function() dir = test.temp_dir() end)

local function at(name) return dir .. "/" .. name end

-- A file of so many channels from values 0 to 255.
local function make(name, width, height, channels, values, bits)
  local pack = bits == 16 and "=I2" or bits == 32 and "=f" or "B"
  local bytes = {}
  for i, v in ipairs(values) do bytes[i] = pack:pack(v) end
  fs.write(at(name), image.encode({ width = width, height = height, channels = channels,
    bits = bits or 8, data = table.concat(bytes) }, name:match "%.(%a+)$"), { sync = false })
  return at(name)
end

local function values_of(path)
  local p = image.decode(path)
  local pack, size = p.bits == 16 and "=I2" or p.bits == 32 and "=f" or "B", p.bits // 8
  local values = {}
  for i = 1, #p.data, size do values[#values + 1] = pack:unpack(p.data, i) end
  return values, p
end

describe("image.decode and encode", function()
  for channels = 1, 4 do
    it("give back what was written, with " .. channels .. " channels", function()
      local values = {}
      for i = 1, 5 * 3 * channels do values[i] = i * 37 % 256 end
      local formats = { "png", "tga" }
      if channels > 2 then formats[3] = "bmp" end -- it has no grey
      for _, format in ipairs(formats) do
        local got, p = values_of(make("a." .. format, 5, 3, channels, values))
        expect(p.format):equals(format)
        expect({ p.width, p.height, p.channels, p.bits }):equals { 5, 3, channels, 8 }
        expect(got):equals(values)
      end
    end)

    it("keep 16 bits in a PNG, with " .. channels .. " channels", function()
      local values = {}
      for i = 1, 4 * 4 * channels do values[i] = i * 5003 % 65536 end
      local got, p = values_of(make("a.png", 4, 4, channels, values, 16))
      expect(p.bits):equals(16)
      expect(got):equals(values)
    end)
  end

  it("floats stay floats in HDR and get the curve of sRGB elsewhere", function()
    local values = { 0, 0.5, 1, 4, 1, 0.25 }
    local got = values_of(make("a.hdr", 2, 1, 3, values, 32))
    for i, v in ipairs(values) do expect(got[i]):near(v, 0.02) end
    expect(values_of(make("a.png", 2, 1, 3, values, 32))):equals { 0, 188, 255, 255, 255, 137 }
  end)

  it("JPEG comes near, and nearer with more quality", function()
    local values = {}
    for i = 1, 16 * 16 * 3 do values[i] = i * i % 256 end
    local p = { width = 16, height = 16, channels = 3, bits = 8,
      data = string.char(table.unpack(values)) }
    local good, bad = image.encode(p, "jpg", { quality = 100 }), image.encode(p, "jpg", { quality = 5 })
    expect(#good):greater_than(2 * #bad)
    fs.write(at "a.jpg", good)
    fs.write(at "b.png", image.encode(p))
    expect(image.compare(at "a.jpg", at "b.png").mean):less_than(0.02)
  end)

  it("a PNG that we wrote is one for others", function()
    local values = {}
    for i = 1, 33 * 17 * 4 do values[i] = i * i % 65536 end
    local path = make("a.png", 33, 17, 4, values, 16)
    local r = process.run { "convert", path, "-set", "colorspace", "sRGB", "-depth", "16",
      "-endian", "LSB", "RGBA:-" }
    expect(r.stdout == image.decode(path).data):is(true)
  end)

  it("wrong pixels are refused", function()
    local good = { width = 1, height = 1, channels = 1, bits = 8, data = "a" }
    for field, value in pairs { width = 0, channels = 5, bits = 12, data = "ab", height = 1.5 } do
      local bad = setmetatable({ [field] = value }, { __index = good })
      expect(function() image.encode(bad) end):raises "usage"
    end
    expect(function() image.encode(good, "gif") end):raises "usage"
    expect(function() image.encode(good, "jpg", { quality = 0 }) end):raises "usage"
  end)
end)

-- The same bytes as another decoder gives, RGBA.
local function as_rgba(p)
  local size = p.bits // 8
  local top, out, c = ("\255"):rep(size), {}, p.channels
  for i = 1, #p.data, c * size do
    local function value(k) return p.data:sub(i + k * size, i + (k + 1) * size - 1) end
    local alpha = c % 2 == 0 and value(c - 1) or top
    out[#out + 1] = (c < 3 and value(0):rep(3) or p.data:sub(i, i + 3 * size - 1)) .. alpha
  end
  return table.concat(out)
end

it("PngSuite has the pixels that ImageMagick finds, bit for bit", function()
  local files = fs.glob(data .. "pngsuite/[!x]*.png")
  expect(#files):greater_than(100)
  local different = {}
  orch.each(files, function(path)
    local p = image.decode(path)
    local theirs = process.run { "convert", path, "-set", "colorspace", "sRGB", "-depth",
      tostring(p.bits), "-endian", "LSB", "RGBA:-" }.stdout
    if as_rgba(p) ~= theirs then different[#different + 1] = path end
  end, { concurrency = 4 })
  expect(different):equals {}
  print(("pixels: %d of %d files of PngSuite as ImageMagick has them"):format(
    #files - #different, #files))
end)

it("JPEGs have the pixels that ImageMagick finds, bit for bit", function()
  for _, name in ipairs { "baseline", "progressive", "gray", "icc" } do
    local path = data .. "made/" .. name .. ".jpg"
    local theirs = process.run { "convert", path, "-set", "colorspace", "sRGB", "-depth", "8",
      "RGBA:-" }.stdout
    expect(as_rgba(image.decode(path)) == theirs):is(true)
  end
end)

it("a JPEG with inks is shown in RGB", function()
  fs.write(at "a.png", image.encode { width = 8, height = 8, channels = 3, bits = 8,
    data = ("\200\100\50"):rep(64) })
  process.run { "convert", at "a.png", "-colorspace", "CMYK", "-quality", "100", at "a.jpg" }
  local s = image.stats(at "a.jpg")
  expect(s.channels):equals(3)
  expect(s.red.mean):near(200 / 255, 0.02)
  expect(s.green.mean):near(100 / 255, 0.02)
  expect(s.blue.mean):near(50 / 255, 0.02)
end)

describe("image.stats", function()
  it("of values that are known", function()
    local path = make("a.png", 2, 2, 4,
      { 0, 255, 51, 255, 255, 255, 51, 255, 0, 255, 51, 0, 255, 255, 51, 255 })
    local s = image.stats(path)
    expect({ s.width, s.height, s.channels, s.bits, s.sampled }):equals { 2, 2, 4, 8, 4 }
    expect(s.red):equals { min = 0.0, max = 1.0, mean = 0.5, stddev = 0.5 }
    expect(s.green):equals { min = 1.0, max = 1.0, mean = 1.0, stddev = 0.0 }
    expect(s.blue):equals { min = 0.2, max = 0.2, mean = 0.2, stddev = 0.0 }
    expect(s.alpha.min):equals(0.0)
    expect(s.alpha.mean):equals(0.75)
    expect(s.gray):is_nil()
  end)

  it("of grey: the same in all three; no alpha where there is none", function()
    local s = image.stats(make("a.png", 2, 1, 1, { 0, 65535 }, 16))
    expect(s.gray):equals { min = 0.0, max = 1.0, mean = 0.5, stddev = 0.5 }
    expect(s.red):is(s.gray)
    expect(s.alpha):is_nil()
    expect(image.stats(make("b.png", 1, 1, 2, { 9, 51 })).alpha.max):equals(0.2)
  end)

  it("of floats goes beyond 1", function()
    local s = image.stats(make("a.hdr", 2, 1, 3, { 8, 0, 0, 2, 0, 0 }, 32))
    expect(s.red):equals { min = 2.0, max = 8.0, mean = 5.0, stddev = 3.0 }
  end)

  it("samples so many pixels, spread and always the same", function()
    local values = {}
    for i = 1, 64 * 64 do values[i] = (i - 1) % 64 * 4 end -- columns
    local path = make("a.png", 64, 64, 1, values)
    local all, some = image.stats(path), image.stats(path, { sample = 500 })
    expect(some.sampled):equals(500)
    expect(some.gray.mean):near(all.gray.mean, 0.02)
    expect(some.gray.stddev):near(all.gray.stddev, 0.02)
    expect(image.stats(path, { sample = 500 })):equals(some)
    expect(image.stats(path, { sample = 1000000 }).sampled):equals(4096)
  end)

  it("a misspelt field is a mistake", function()
    local s = image.stats(make("a.png", 1, 1, 1, { 0 }))
    expect(function() return s.grey end):raises "did you mean 'gray'"
  end)
end)

describe("image.encode", function()
  it("can be left at any moment", function()
    local side = 1200 -- noise: a JPEG of megabytes
    local noise = {}
    for i = 1, 6000 do noise[i] = string.char(math.random(0, 255)) end
    noise = table.concat(noise):rep(side * side * 3 // 6000)
    local p = { width = side, height = side, channels = 3, bits = 8, data = noise }
    for _, format in ipairs { "jpg", "png", "bmp" } do
      for i = 1, 6 do orch.move_on_after(i * 0.004, image.encode, p, format) end
    end
    expect(#image.encode(p, "jpg")):greater_than(100000)
  end)
end)

describe("image.resize", function()
  it("averages colours as light and data as numbers", function()
    local path = make("a.png", 2, 1, 1, { 0, 255 })
    image.resize(path, { width = 1, height = 1, filter = "box", out = at "srgb.png" })
    image.resize(path, { width = 1, height = 1, filter = "box", colorspace = "linear",
      out = at "linear.png" })
    expect(values_of(at "srgb.png")):equals { 188 } -- half the light
    expect(values_of(at "linear.png")):equals { 128 }
  end)

  it("reads nothing outside of images that are smaller than a filter reaches", function()
    for _, size in ipairs { { 1, 1 }, { 1, 9 }, { 9, 1 }, { 2, 3 }, { 60, 50 } } do
      local values = {}
      for i = 1, size[1] * size[2] do values[i] = 200 end
      local path = make("a.png", size[1], size[2], 1, values)
      for _, edge in ipairs { "clamp", "wrap", "reflect" } do
        for _, to in ipairs { { 1, 1 }, { 3, 1 }, { 1, 4 }, { 7, 5 } } do
          image.resize(path, { width = to[1], height = to[2], filter = "mitchell", edge = edge,
            out = at "b.png" })
          for _, value in ipairs(values_of(at "b.png")) do expect(value):near(200, 1) end
        end
      end
    end
  end)

  it("brings every size to every other one", function()
    for _, size in ipairs { { 7, 5 }, { 3, 2 }, { 10, 7 }, { 13, 12 }, { 5, 9 } } do
      local path = make("a.png", size[1], 1, 1, { ("\200"):rep(size[1]):byte(1, -1) })
      for _, filter in ipairs { "box", "triangle", "bspline", "catmullrom", "mitchell" } do
        image.resize(path, { width = size[2], height = 1, filter = filter, out = at "b.png" })
        for _, value in ipairs(values_of(at "b.png")) do expect(value):near(200, 1) end
      end
    end
  end)

  it("transparent pixels lend no colour, unless alpha is data", function()
    local path = make("a.png", 2, 1, 4, { 255, 0, 0, 255, 0, 255, 0, 0 })
    local how = { width = 1, height = 1, filter = "box" }
    how.out = at "seen.png"
    image.resize(path, how)
    expect(values_of(how.out)):equals { 255, 0, 0, 128 }
    how.out, how.alpha = at "data.png", "data"
    image.resize(path, how)
    expect(values_of(how.out)):equals { 188, 188, 0, 128 }
  end)

  it("keeps constant areas, bits and channels with every filter", function()
    for _, filter in ipairs { "box", "triangle", "bspline", "catmullrom", "mitchell" } do
      local values = {}
      for i = 1, 7 * 5 do values[i] = 30000 end
      local path = make("a.png", 7, 5, 1, values, 16)
      for _, size in ipairs { { 3, 2 }, { 14, 11 }, { 1, 1 } } do
        image.resize(path, { width = size[1], height = size[2], filter = filter, out = at "b.png" })
        local got, p = values_of(at "b.png")
        expect({ p.width, p.height, p.channels, p.bits }):equals { size[1], size[2], 1, 16 }
        for _, v in ipairs(got) do expect(v):near(30000, 2) end
      end
    end
  end)

  it("fits into `max`, keeps the shape and never enlarges", function()
    local values = {}
    for i = 1, 100 * 30 do values[i] = i % 256 end
    local path = make("a.png", 100, 30, 1, values)
    expect({ image.resize(path, { max = 50, out = at "b.png" }) }):equals { 50, 15 }
    expect({ image.resize(path, { width = 10, out = at "b.png" }) }):equals { 10, 3 }
    expect({ image.resize(path, { height = 60, out = at "b.png" }) }):equals { 200, 60 }
    expect({ image.resize(path, { max = 1, out = at "b.png" }) }):equals { 1, 1 }
    local before = fs.stat(path).mtime
    expect({ image.resize(path, { max = 100 }) }):equals { 100, 30 }
    expect(fs.stat(path).mtime):equals(before)
    image.resize(path, { max = 20 })
    expect(image.info(path).width):equals(20)
  end)

  it("keeps what a PNG says about its colours", function()
    local path = at "a.png"
    fs.copy(data .. "made/icc-srgb.png", path)
    local old = image.info(path)
    image.resize(path, { width = 5, height = 4 })
    local new = image.info(path)
    expect({ new.width, new.height }):equals { 5, 4 }
    expect(new.icc):equals(old.icc)
    expect(new.icc):is_a "string"
  end)

  it("keeps the original when it cannot write, and says what it cannot", function()
    local path = make("a.png", 2, 2, 1, { 1, 2, 3, 4 })
    local before = fs.read(path)
    expect(function() image.resize(path, { max = 1, out = at "no/where.png" }) end):raises "os"
    expect(function() image.resize(path, { max = 1, out = at "b.gif" }) end):raises "usage"
    expect(function() image.resize(path, {}) end):raises "size is missing"
    expect(function() image.resize(path, { max = 1, width = 1 }) end):raises "either"
    expect(function() image.resize(path, { max = 1, filter = "mitchel" }) end):raises
      "did you mean 'mitchell'"
    expect(function() image.resize(data .. "made/interlaced.gif", { max = 1 }) end):raises
      "cannot write"
    expect(fs.read(path) == before):is(true)
    expect(#fs.list(dir)):equals(1)
  end)
end)

describe("image.mips", function()
  it("goes down to one pixel, each level from the one before", function()
    local values = {}
    for i = 1, 5 * 3 * 3 do values[i] = i * 5 end
    local levels = image.mips(make("rock.png", 5, 3, 3, values), at "out")
    local sizes = {}
    for i, level in ipairs(levels) do
      sizes[i] = level.width .. "x" .. level.height
      local info = image.info(level.path)
      expect({ info.width, info.height }):equals { level.width, level.height }
    end
    expect(sizes):equals { "5x3", "2x1", "1x1" }
    expect(fs.list(at "out")):equals { "rock_mip0.png", "rock_mip1.png", "rock_mip2.png" }
    expect(values_of(levels[1].path)):equals(values)
  end)

  it("of odd sides every pixel counts", function()
    local values = { 0, 0, 255 } -- the last one would be lost if it were 2 of 3
    local levels = image.mips(make("a.png", 3, 1, 1, values), at "out", { colorspace = "linear" })
    expect(values_of(levels[2].path)):equals { 85 }
  end)

  it("of one pixel is one level; of 4096 x 1 thirteen", function()
    expect(#image.mips(make("a.png", 1, 1, 1, { 7 }), at "out")):equals(1)
    local values = {}
    for i = 1, 4096 do values[i] = 100 end
    local levels = image.mips(make("b.png", 4096, 1, 1, values), at "b_%02d.tga")
    expect(#levels):equals(13)
    expect(levels[13].path):equals(at "b_12.tga")
    expect(values_of(levels[13].path)):equals { 100 }
    expect(#image.mips(at "b.png", at "some", { levels = 3 })):equals(3)
  end)

  it("normals stay one unit long", function()
    local values = { 255, 128, 128, 128, 255, 128, 255, 128, 128, 128, 255, 128 }
    local path = make("n.png", 2, 2, 3, values)
    local function length(levels)
      local v, sum = values_of(levels[2].path), 0
      for i = 1, 3 do sum = sum + (v[i] / 127.5 - 1) ^ 2 end
      return math.sqrt(sum)
    end
    expect(length(image.mips(path, at "plain", { colorspace = "linear" }))):less_than(0.8)
    expect(length(image.mips(path, at "normal", { normal = true }))):near(1, 0.01)
  end)

  it("a pattern needs one number", function()
    local path = make("a.png", 1, 1, 1, { 7 })
    for _, pattern in ipairs { "x%s.png", "x%d%d.png", "x%", "%5.png" } do
      expect(function() image.mips(path, at(pattern)) end):raises "usage"
    end
    expect(function() image.mips(path, at "x", { levels = 0 }) end):raises "usage"
  end)
end)

describe("image.compare", function()
  it("in numbers", function()
    local a = make("a.png", 2, 1, 3, { 0, 0, 0, 10, 20, 30 })
    local b = make("b.tga", 2, 1, 3, { 0, 0, 0, 10, 71, 30 })
    local d = image.compare(a, b)
    expect(d):equals { max = 0.2, mean = 0.2 / 6, differing = 1, pixels = 2 }
    expect(image.compare(a, b, { tolerance = 0.2 }).differing):equals(0)
    expect(image.compare(a, a)):equals { max = 0.0, mean = 0.0, differing = 0, pixels = 2 }
  end)

  it("across channels and bits: what looks the same is the same", function()
    local gray = make("a.png", 2, 1, 1, { 0, 255 })
    local rgba = make("b.png", 2, 1, 4, { 0, 0, 0, 65535, 65535, 65535, 65535, 65535 }, 16)
    expect(image.compare(gray, rgba).max):equals(0.0)
  end)

  it("two sizes are not compared", function()
    local a, b = make("a.png", 2, 1, 1, { 0, 1 }), make("b.png", 1, 2, 1, { 0, 1 })
    local err = expect(function() image.compare(a, b) end):raises "format"
    expect(err.message):contains "has 1 x 2 pixels"
  end)
end)

describe("pictures", function()
  local function draw(picture)
    fs.write(at "drawn.png", image.render(orch.json.decode(orch.json.encode(picture))))
    return values_of(at "drawn.png")
  end

  it("are plain tables until they are drawn", function()
    expect(image.thumb("no/such.png", { label = "x" })):equals {
      picture = "thumb", path = "no/such.png", size = 160, label = "x" }
    expect(image.channel("a.png", "b", { size = 9 })):equals {
      picture = "channel", path = "a.png", channel = "b", size = 9 }
    expect(image.diff("a.png", "b.png")):equals {
      picture = "diff", path = "a.png", other = "b.png", size = 160 }
  end)

  it("a thumb fits, keeps shape and alpha, and enlarges nothing", function()
    local values = {}
    for i = 1, 20 * 10 do values[i * 4 - 3], values[i * 4 - 2] = 200, 100 end
    for i = 1, 20 * 10 do values[i * 4 - 1], values[i * 4] = 50, 128 end
    local path = make("a.png", 20, 10, 4, values)
    local got, p = draw(image.thumb(path, { size = 4 }))
    expect({ p.width, p.height, p.channels }):equals { 4, 2, 4 }
    expect({ table.unpack(got, 1, 4) }):equals { 200, 100, 50, 128 }
    _, p = draw(image.thumb(path))
    expect(p.width):equals(20)
  end)

  it("a channel is a grey picture", function()
    local path = make("a.png", 2, 1, 4, { 1, 2, 3, 4, 5, 6, 7, 8 })
    for i, name in ipairs { "r", "g", "b", "a" } do
      expect(draw(image.channel(path, name))):equals { i, i + 4 }
    end
    local gray = make("g.png", 1, 1, 2, { 9, 8 })
    expect(draw(image.channel(gray, "b"))):equals { 9 }
    expect(draw(image.channel(gray, "a"))):equals { 8 }
    local err = expect(function() draw(image.channel(make("c.png", 1, 1, 1, { 0 }), "a")) end)
      :raises "format"
    expect(err.message):contains "has no alpha channel"
  end)

  it("a difference is black where there is none", function()
    local a = make("a.png", 2, 1, 3, { 9, 9, 9, 10, 20, 30 })
    local b = make("b.png", 2, 1, 3, { 9, 9, 9, 10, 70, 29 })
    expect(draw(image.diff(a, b))):equals { 0, 0, 0, 0, 50, 1 }
    expect(draw(image.diff(a, b, { gain = 10 }))):equals { 0, 0, 0, 0, 255, 10 }
  end)

  it("wrong ones are mistakes", function()
    expect(function() image.render { picture = "photo", path = "x" } end):raises "usage"
    expect(function() image.channel("a.png", "red") end):raises "usage"
    expect(function() image.thumb("a.png", { size = 0 }) end):raises "usage"
    expect(function() image.render(image.thumb(at "none.png")) end):raises "os"
  end)
end)

describe("image.strip_colorspace", function()
  local function chunks(bytes)
    local list, i = {}, 9
    while i < #bytes do
      local size, kind = (">I4c4"):unpack(bytes, i)
      list[#list + 1] = { kind = kind, bytes = bytes:sub(i, i + size + 11) }
      i = i + size + 12
    end
    return list
  end

  it("takes out what is said about colours, and nothing else", function()
    local says = { sRGB = true, gAMA = true, cHRM = true, iCCP = true, cICP = true }
    local files, stripped = fs.glob { data .. "made/*.png", data .. "pngsuite/[!x]*.png" }, 0
    for _, source in ipairs(files) do
      local path = at "a.png"
      fs.copy(source, path, { overwrite = true })
      local old, removed = fs.read(path), image.strip_colorspace(path)
      local new, kept = fs.read(path), {}
      for _, chunk in ipairs(chunks(old)) do
        if not says[chunk.kind] then kept[#kept + 1] = chunk end
      end
      expect(chunks(new)):equals(kept)
      expect(#chunks(old) - #kept):equals(#removed)
      stripped = stripped + (#removed > 0 and 1 or 0)
      expect(image.decode(path).data == image.decode(source).data):is(true)
      expect(image.strip_colorspace(path)):equals {}
    end
    expect(stripped):greater_than(20)
  end)

  it("says what it cannot, and leaves the file alone", function()
    local path = at "a.png"
    for _, bytes in ipairs { "", "GIF89a", "\137PNG\r\n\26\n\0\0\255\255IHDR" } do
      fs.write(path, bytes)
      expect(function() image.strip_colorspace(path) end):raises "format"
      expect(fs.read(path)):equals(bytes)
    end
  end)
end)

it("image.suggest_name", function()
  for given, wanted in pairs {
    ["wooden crate-normal.PNG"] = "T_WoodenCrate_N.png", ["T_Rock_D.png"] = "T_Rock_D.png",
    ["rockBaseColor.tga"] = "T_Rock_D.tga", ["Rock_AO.png"] = "T_Rock_AO.png",
    ["a/b.c/wall ambient occlusion map.jpg"] = "T_Wall_AO.jpg", ["lava_glow.png"] = "T_Lava_E.png",
    ["rock"] = "T_Rock_D", ["pipe-metallic.exr"] = "T_Pipe_M.exr", ["n.png"] = "T_N_D.png",
    ["floorRGH.png"] = "T_Floor_R.png", ["---.png"] = "T_Texture_D.png",
  } do
    expect(image.suggest_name(given)):equals(wanted)
    expect(image.suggest_name { name = given }):equals(wanted)
  end
end)
