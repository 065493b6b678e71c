-- Readers of sounds and fonts: whatever bytes they are given, they answer with a value or an
-- Error of kind `format`, and soon. A sample here; FUZZ=100 for much more.

local asset = require "orch.asset"
local fs = require "orch.fs"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local ROUNDS = tonumber(os.getenv "FUZZ") or 1

local folder
before_each(function() folder = test.temp_dir() end)

local function try(name, bytes, what)
  local path = folder .. "/" .. name
  fs.write(path, bytes, { atomic = false, sync = false })
  local started = orch.time()
  local ok, err = pcall(asset.info, path)
  if not ok and err.kind ~= "format" then
    expect(("%s, %s: %s"):format(name, what, tostring(err))):equals "a value or kind `format`"
  end
  if orch.time() - started > 1 then expect(name .. ", " .. what):equals "done in a second" end
  return ok
end

--- Each prefix of the head, and every so many bytes after it.
local function prefixes(name, whole)
  local n, step = 0, math.max(1, 7 // ROUNDS)
  while n < #whole do
    try(name, whole:sub(1, n), ("cut off after %d bytes"):format(n))
    n = n + (n < 120 and 1 or n < 2000 and step * 5 or math.max(step, #whole // 50))
  end
end

local EXTREMES = { "\0", "\1", "\x7f", "\x80", "\xff" }

local function flips(name, whole, count)
  local reach = math.min(#whole, 4000)
  for i = 1, count do
    local text = whole
    for _ = 1, math.random(4) do
      local at = math.random(i % 2 == 0 and math.min(reach, 150) or reach)
      local byte = math.random(2) == 1 and EXTREMES[math.random(#EXTREMES)]
        or string.char(math.random(0, 255))
      text = text:sub(1, at - 1) .. byte:rep(math.random(2) == 1 and 1 or 4) .. text:sub(at + #byte)
    end
    try(name, text, ("flipped, round %d"):format(i))
  end
end

local function garbage(name, magic, count)
  for i = 1, count do
    local bytes = {}
    for k = 1, math.random(400) do bytes[k] = string.char(math.random(0, 255)) end
    try(name, magic .. table.concat(bytes), ("garbage, round %d"):format(i))
  end
end

local SOUNDS = { "hound/waveformatextensible-ieeefloat-44100Hz-mono.wav", "magnum/stereo32f.wav",
  "scipy/test-8000Hz-le-3ch-5S-24bit-rf64.wav", "scipy/test-8000Hz-be-3ch-5S-24bit.wav",
  "kenney/coin.ogg", "magnum/zeroSamples.ogg", "magnum/mono16.flac",
  "cellar/subset_39_-_4_channels_(4.0).flac" }

local function encoded(name, ...)
  local path = folder .. "/" .. name
  local argv = { "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:d=0.2:r=22050",
    "-metadata", "title=Tone", ... }
  argv[#argv + 1] = path
  orch.process.run(argv)
  return fs.read(path)
end

describe("any bytes give a value or kind `format`", function()
  it("sounds of the suites", function()
    for _, file in ipairs(SOUNDS) do
      local whole, name = fs.read(here .. "/data/audio/" .. file), "x" .. fs.path.extension(file)
      prefixes(name, whole)
      flips(name, whole, 150 * ROUNDS)
    end
  end)

  it("MP3, AIFF, Opus, Speex, FLAC in Ogg, ADPCM", function()
    for name, whole in pairs {
      ["x.mp3"] = encoded("a.mp3"), ["x.aiff"] = encoded("a.aiff"), ["x.opus"] = encoded("a.opus"),
      ["y.ogg"] = encoded("b.ogg", "-c:a", "flac"),
      ["z.wav"] = encoded("c.wav", "-c:a", "adpcm_ms"),
      ["x.aifc"] = encoded("d.aiff", "-c:a", "pcm_alaw"),
    } do
      prefixes(name, whole)
      flips(name, whole, 150 * ROUNDS)
    end
  end)

  it("fonts", function()
    local whole = fs.read "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
    prefixes("x.ttf", whole)
    flips("x.ttf", whole, 40 * ROUNDS)
  end)

  it("garbage behind every magic", function()
    for name, magic in pairs {
      ["a.wav"] = "RIFF\0\1\0\0WAVEfmt \16\0\0\0", ["b.wav"] = "RF64\0\1\0\0WAVEds64",
      ["a.ogg"] = "OggS\0\2", ["a.flac"] = "fLaC\0\0\0\34", ["a.mp3"] = "ID3\4\0\0\0\0\0\10",
      ["b.mp3"] = "\xff\xfb\x90\0", ["a.aiff"] = "FORM\0\0\1\0AIFFCOMM",
      ["b.aiff"] = "FORM\0\0\1\0AIFC", ["a.ttf"] = "\0\1\0\0\0\5", ["a.otf"] = "OTTO\0\3",
      ["a.ttc"] = "ttcf\0\1\0\0\0\0\0\1\0\0\0\12",
      ["a.woff"] = "wOFF\0\1\0\0\0\0\1\0\0\3\0\0", ["a.woff2"] = "wOF2\0\1\0\0\0\0\1\0\0\9\0\0",
    } do
      garbage(name, magic, 150 * ROUNDS)
    end
  end)
end)
