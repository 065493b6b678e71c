-- Headers of images held against test suites, and against `identify` on the same files.

local fs, image, json = orch.fs, orch.image, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/images/"
local expected = json.load(data .. "expected.json")

--- Broken in a way that only who decodes the pixels can notice.
local PIXELS = {
  ["image-png/x_consecutive_idat.png"] = "other chunks between those of the pixels",
  ["image-png/x_interlaced_chck.png"] = "the compressed pixels",
  ["pngsuite/xcsn0g01.png"] = "the checksum of the pixels",
}

local function names_of(list)
  local names = {}
  for name in pairs(list) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- What one says of a file as the other does, for a comparison.
local function shape(width, height, channels, bits)
  return ("%s x %s, %s channels of %s bits"):format(width, height, channels or "?", bits or "?")
end

local function our_info(name)
  local ok, info = pcall(image.info, data .. name)
  return ok and info or nil, info
end

describe("suites of images", function()
  it("are judged as their authors do", function()
    local counts = {}
    for _, name in ipairs(names_of(expected)) do
      local info, err = our_info(name)
      local suite = name:match "^[^/]*"
      local count = counts[suite] or { valid = 0, invalid = 0, pixels = 0 }
      counts[suite] = count
      if PIXELS[name] then
        assert(info and not expected[name], name .. " need not be an exception")
        count.pixels = count.pixels + 1
      elseif (info ~= nil) ~= expected[name] then
        error(("%s should be %s: %s"):format(name, expected[name] and "valid" or "broken",
          info and "it was accepted" or err), 0)
      else
        if not info then expect(err.kind):equals "format" end
        local kind = info and "valid" or "invalid"
        count[kind] = count[kind] + 1
      end
    end
    print "suite          accepted  refused  broken in the pixels only"
    for _, suite in ipairs(names_of(counts)) do
      local count = counts[suite]
      print(("%-13s %9d %8d %10d"):format(suite, count.valid, count.invalid, count.pixels))
    end
  end)

  it("has PngSuite's sizes, colours and depths", function()
    local channels = { grayscale = 1, rgb = 3, palette = 3, ["gray+alpha"] = 2, rgba = 4 }
    for name, wanted in pairs(json.load(data .. "pngsuite.json")) do
      local info = image.info(data .. "pngsuite/" .. name)
      expect(info.width):equals(wanted.width)
      expect(info.height):equals(wanted.height)
      if wanted.color then
        expect(info.bits):equals(wanted.bit_depth)
        expect(info.interlaced):equals(wanted.interlaced)
        expect(info.palette):equals(wanted.color == "palette")
        local base = channels[wanted.color]
        -- Transparency without a channel of its own: tRNS.
        local extra = name:find "^tb" or name == "tp1n3p08.png"
        expect(info.channels):equals(extra and base % 2 == 1 and base + 1 or base)
        expect(info.alpha):equals(info.channels % 2 == 0)
      end
    end
  end)
end)

--- identify's names of formats and colors
local formats = { jpeg = "^JPEG$", bmp = "^BMP", tiff = "^TIFF",
  psd = "^PS[DB]$" }
local channels = { gray = 1, lineargray = 1, graya = 2, lineargraya = 2, srgb = 3, rgb = 3,
  srgba = 4, rgba = 4, cmyk = 4 }

local function same_size(ours, theirs)
  return theirs and ours.width == theirs.width and ours.height == theirs.height
end

--- Where the two differ and why. Each has to be needed, and nothing else may differ.
local differences = {
  { "it does not read KTX", function(ours, theirs)
    return not theirs and (ours.format == "ktx" or ours.format == "ktx2")
  end },
  { "it does not read DDS with Direct3D 10's header, signed or unknown formats, bc4 and bc5",
    function(ours, theirs) return not theirs and ours.format == "dds" end },
  { "it does not read BMP with 2 bits per pixel", function(ours, theirs)
    return not theirs and ours.format == "bmp" and ours.bits == 2
  end },
  { "it fails at the pixels", function(_, theirs, name) return not theirs and PIXELS[name] end },
  { "bits: it tells those of 8-bit colours where there are 1 to 6, or indices of a palette",
    function(ours, theirs)
      return same_size(ours, theirs) and ours.bits < 8 and theirs.bits == 8
        and ours.channels == theirs.channels
    end },
  { "bits: it converts floats of HDR files to 16 bits", function(ours, theirs)
    return ours.format == "hdr" and same_size(ours, theirs) and theirs.bits == 16
  end },
  { "it has RGBA of 16 bits for each EXR, and of a cube all faces in one picture",
    function(ours, theirs)
      return ours.format == "exr" and theirs.channels == 4 and theirs.bits == 16
        and (ours.faces or same_size(ours, theirs))
    end },
  { "channels: it adds alpha to DDS without", function(ours, theirs)
    return ours.format == "dds" and same_size(ours, theirs) and ours.channels == 3
      and theirs.channels == 4 and ours.bits == theirs.bits
  end },
  { "it tells the first picture of an ICO, not the largest", function(ours)
    return ours.format == "ico" and ours.frames > 1
  end },
}

--- Notes what identify says of the first picture of each; what it cannot read is missing.
local function ask(names, found)
  local argv = { "identify", "-quiet", "-format", "%i|%m|%w|%h|%[channels]|%z\n" }
  for _, name in ipairs(names) do argv[#argv + 1] = name end
  argv.cwd, argv.check = data, false
  for line in orch.process.run(argv).stdout:gmatch "[^\n]+" do
    local name, format, width, height, colors, bits =
      line:match "^([^|]*)|([^|]*)|(%d+)|(%d+)|%s*([^|]-)%s*|(%d+)$"
    if name and not found[name] then
      found[name] = { format = format, width = tonumber(width), height = tonumber(height),
        channels = channels[colors], bits = tonumber(bits) }
    end
  end
end

--- A file that identify cannot read may keep it from the next one, which is asked for alone.
local function identify(names)
  local found = {}
  ask(names, found)
  for _, name in ipairs(names) do
    if not found[name] then ask({ name }, found) end
  end
  return found
end

local function is_same(ours, theirs)
  return same_size(ours, theirs)
    and theirs.format:find(formats[ours.format] or "^" .. ours.format:upper() .. "$")
    and ours.channels == theirs.channels and ours.bits == theirs.bits
end

local function difference(ours, theirs, name)
  for i, entry in ipairs(differences) do
    if entry[2](ours, theirs, name) then return i end
  end
end

describe("headers of images and identify", function()
  it("agree, apart from what is listed", function()
    if not orch.process.which "identify" then
      orch.test.skip "there is no identify here; scripts/install-packages.sh test installs it"
    end
    local names = {}
    for name in pairs(expected) do
      if our_info(name) then names[#names + 1] = name end
    end
    for _, name in ipairs(fs.list(data .. "made")) do names[#names + 1] = "made/" .. name end
    table.sort(names)
    local found, same, used, total = identify(names), {}, {}, {}
    for _, name in ipairs(names) do
      local ours, theirs = our_info(name), found[name]
      local format = ours.format
      total[format] = (total[format] or 0) + 1
      if is_same(ours, theirs) then
        same[format] = (same[format] or 0) + 1
      else
        local i = difference(ours, theirs, name)
        if not i then
          error(("%s: we say %s; identify says %s"):format(name, shape(ours.width, ours.height,
            ours.channels, ours.bits), theirs and shape(theirs.width, theirs.height,
            theirs.channels, theirs.bits) or "nothing"), 0)
        end
        used[i] = (used[i] or 0) + 1
      end
    end
    print "format   files  as identify says (size, channels, alpha, bits)"
    for _, format in ipairs(names_of(total)) do
      print(("%-7s %6d %6d"):format(format, total[format], same[format] or 0))
    end
    print "files  the others differ because"
    for i, entry in ipairs(differences) do
      print(("%5d  %s"):format(used[i] or 0, entry[1]))
      expect(used[i] ~= nil):is(true)
    end
    expect(#names):greater_than(300)
  end)
end)
