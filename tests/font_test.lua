-- orch.font.info: held against fc-scan on the fonts of this machine, and on a collection and a
-- WOFF that are made of one of them.

local font = require "orch.font"
local fs = require "orch.fs"

local FONTS = "/usr/share/fonts/truetype/dejavu/"
local SANS = FONTS .. "DejaVuSans-Bold.ttf"

local folder
before_each(function() folder = test.temp_dir() end)

describe("what is no font", function()
  it("is told so in plain words", function()
    local path = folder .. "/a.ttf"
    fs.write(path, "")
    expect(function() font.info(path) end):raises "is not a valid font: it is empty"
    fs.write(folder .. "/a.txt", "text")
    expect(function() font.info(folder .. "/a.txt") end)
      :raises "is not a font that orch can read; it knows otc, otf, ttc, ttf, woff, woff2"
  end)
end)

local function put(name, bytes)
  fs.write(folder .. "/" .. name, bytes)
  return folder .. "/" .. name
end

-- What fontconfig calls the weights of OpenType.
local WEIGHTS = { [200] = 40, [400] = 80, [700] = 200 }

local function scan(path)
  local line = orch.process.run { "fc-scan", "-f", "%{family}\t%{style}\t%{weight}\t%{variable}\n",
    path }.stdout:match "[^\n]+"
  local family, style, weight, variable = line:match "^(.-)\t(.-)\t(.-)\t(.-)$"
  return { family = family:match "^[^,]+", style = style:match "^[^,]+", weight = tonumber(weight),
    variable = variable == "True" }
end

local function expect_same(path)
  local ours, theirs = font.info(path), scan(path)
  expect(ours.family):equals(theirs.family)
  expect(ours.style):equals(theirs.style)
  expect(WEIGHTS[ours.weight]):equals(theirs.weight)
  expect(ours.variable):equals(theirs.variable)
  return ours
end

--- The tables of a font: {name, checksum, bytes}.
local function tables_of(bytes)
  local list = {}
  for i = 0, (">I2"):unpack(bytes, 5) - 1 do
    local name, sum, at, size = (">c4I4I4I4"):unpack(bytes, 13 + i * 16)
    list[i + 1] = { name = name, sum = sum, bytes = bytes:sub(at + 1, at + size) }
  end
  return list
end

--- The same tables in an sfnt that begins at `offset` of its file.
local function sfnt(list, offset)
  local directory, data = { ("\0\1\0\0" .. (">I2I2I2I2"):pack(#list, 0, 0, 0)) }, {}
  local at = offset + 12 + 16 * #list
  for i, one in ipairs(list) do
    directory[i + 1] = (">c4I4I4I4"):pack(one.name, one.sum, at, #one.bytes)
    data[i] = one.bytes .. ("\0"):rep(-#one.bytes % 4)
    at = at + #data[i]
  end
  return table.concat(directory) .. table.concat(data)
end

local DEFLATE = "import sys,zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))"

local function woff(list)
  local directory, data, at, total = {}, {}, 44 + 20 * #list, 12 + 16 * #list
  for i, one in ipairs(list) do
    local packed = orch.process.run { "python3", "-c", DEFLATE, stdin = one.bytes }.stdout
    if #packed >= #one.bytes then packed = one.bytes end
    directory[i] = (">c4I4I4I4I4"):pack(one.name, at, #packed, #one.bytes, one.sum)
    data[i] = packed .. ("\0"):rep(-#packed % 4)
    at, total = at + #data[i], total + #one.bytes + -#one.bytes % 4
  end
  return "wOFF\0\1\0\0"
    .. (">I4I2I2I4I2I2I4I4I4I4I4"):pack(at, #list, 0, total, 1, 0, 0, 0, 0, 0, 0)
    .. table.concat(directory) .. table.concat(data)
end

describe("font.info", function()
  it("says what fc-scan says of each font of a package", function()
    local files, family = fs.glob(FONTS .. "*.ttf"), {}
    expect(#files):greater_than(3)
    for _, path in ipairs(files) do family[expect_same(path).family] = true end
    print(("fonts: %d files, orch and fc-scan agree on all"):format(#files))
    expect(family["DejaVu Sans Mono"]):is(true)
  end)

  it("tells sizes and rights", function()
    local info = font.info(SANS)
    expect(info.format):equals "ttf"
    expect(info.kind):equals "font"
    expect(info.units_per_em):equals(2048)
    expect(info.glyphs):greater_than(5000)
    expect(info.embedding):equals "installable"
    expect(info.license):contains "Fonts are (c) Bitstream"
    expect(function() return info.familly end):raises "did you mean 'family'"
  end)

  it("knows what may not be embedded", function()
    local list = tables_of(fs.read(SANS))
    for bits, words in pairs { [2] = "restricted", [4] = "preview and print", [8] = "editable",
      [12] = "editable", [0x102] = "restricted, no subsetting",
      [0x200] = "installable, bitmaps only" } do
      for _, one in ipairs(list) do
        if one.name == "OS/2" then
          one.bytes = one.bytes:sub(1, 8) .. (">I2"):pack(bits) .. one.bytes:sub(11)
        end
      end
      expect(font.info(put("a.ttf", sfnt(list, 0))).embedding):equals(words)
    end
  end)

  it("reads collections and WOFF as fc-scan does", function()
    local list = tables_of(fs.read(SANS))
    local ttc = put("a.ttc", "ttcf\0\1\0\0" .. (">I4I4"):pack(1, 16) .. sfnt(list, 16))
    expect(expect_same(ttc).format):equals "ttc"
    local packed = put("a.woff", woff(list))
    local info = expect_same(packed)
    expect(info.format):equals "woff"
    expect(info.glyphs):equals(font.info(SANS).glyphs)
    local whole = fs.read(packed)
    local at = select(2, whole:find("name", 1, true)) + 1
    local offset = (">I4"):unpack(whole, at)
    local damaged = whole:sub(1, offset + 2) .. ("\xff"):rep(40) .. whole:sub(offset + 43)
    local err = expect(function() font.info(put("b.woff", damaged)) end):raises "format"
    expect(err.message):contains "its table 'name' cannot be unpacked"
  end)

  it("knows of WOFF2 what is not packed", function()
    local function woff2(entries)
      return "wOF2\0\1\0\0" .. (">I4I2"):pack(100, #entries) .. ("\0"):rep(34)
        .. table.concat(entries)
    end
    local glyf, own = "\x0a\x81\x00\x05", "\x3fabcd\x07"
    local info = font.info(put("a.woff2", woff2 { "\x01\x10", glyf, own }))
    expect(info.variable):is(false)
    expect(info.format):equals "woff2"
    expect(info.family):is_nil()
    expect(font.info(put("b.woff2", woff2 { glyf, own, "\x2f\x10" })).variable):is(true)
    expect(font.info(put("c.woff2", woff2 { own, "\x3ffvar\x10" })).variable):is(true)
    expect(function() font.info(put("d.woff2", woff2 { "\x01" })) end):raises "format"
  end)

  it("refuses what is cut off, lies or is something else", function()
    local whole = fs.read(SANS)
    expect(function() font.info(put("a.ttf", whole:sub(1, 300))) end):raises "format"
    expect(function() font.info(put("b.ttf", sfnt({}, 0))) end):raises "no table 'name'"
    expect(function() font.info(put("c.ttc", "ttcf\0\1\0\0\0\0\0\0\0\0\0\0")) end)
      :raises "collection without fonts"
    expect(function() font.info(put("d.ttf", "hello")) end):raises "does not begin as such a file"
    expect(function() font.info(put("e.txt", "hello")) end):raises "not a font that orch can read"
    expect(function() font.info(put("f.ttf",
      sfnt({ { name = "name", sum = 0, bytes = "\0\0\0\0" } }, 0))) end):raises "too short"
  end)
end)
