-- orch.audio.stats: tones, clipped and silent sounds that are made here, what is decoded from
-- other formats, broken files, and the four cases of a primitive.

local audio = require "orch.audio"
local fs = require "orch.fs"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local RATE = 8000

local folder
before_each(function() folder = test.temp_dir() end)

--- A WAV file of frames, each a list of samples of -1..1 (or bytes that are them already).
local function wav(name, frames, channels, bits)
  bits = bits or 16
  local out = {}
  for i, frame in ipairs(frames) do
    for c = 1, channels or 1 do
      local value = type(frame) == "table" and frame[c] or frame
      if bits == 32 then
        out[#out + 1] = ("<f"):pack(value)
      else
        local whole = math.floor(value * 32768 + 0.5)
        out[#out + 1] = ("<i2"):pack(math.max(-32768, math.min(32767, whole)))
      end
    end
    frames[i] = nil
  end
  local data, block = table.concat(out), (channels or 1) * bits // 8
  local body = "WAVEfmt " .. ("<I4I2I2I4I4I2I2"):pack(16, bits == 32 and 3 or 1, channels or 1,
    RATE, RATE * block, block, bits) .. "data" .. ("<I4"):pack(#data) .. data
  fs.write(folder .. "/" .. name, "RIFF" .. ("<I4"):pack(#body) .. body)
  return folder .. "/" .. name
end

local function tone(seconds, level, offset)
  local frames = {}
  for i = 1, math.floor(seconds * RATE) do
    frames[i] = level * math.sin(2 * math.pi * 100 * (i - 1) / RATE) + (offset or 0)
  end
  return frames
end

local function join(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

describe("audio.stats", function()
  it("measures a tone", function()
    local s = audio.stats(wav("tone.wav", tone(1, 0.5)))
    expect(s.peak):near(0.5, 1e-4)
    expect(s.rms):near(0.5 / math.sqrt(2), 1e-4)
    expect(s.dc):near(0, 1e-6)
    expect(s.clipped):equals(0)
    expect(s.non_finite):equals(0)
    expect(s.frames):equals(RATE)
    expect(s.rate):equals(RATE)
    expect(s.duration):equals(1.0)
    expect(s.silence.total):equals(0.0)
    expect(#s.channels):equals(1)
  end)

  it("sees a shifted wave", function()
    expect(audio.stats(wav("dc.wav", tone(1, 0.2, 0.25))).dc):near(0.25, 1e-4)
  end)

  it("counts samples that stay at full scale, not those that touch it", function()
    expect(audio.stats(wav("clipped.wav", tone(1, 1.5))).clipped):greater_than(3000)
    expect(audio.stats(wav("full.wav", { 0, 1, 0, -1, 0, 1, 1, 0 })).clipped):equals(0)
    expect(audio.stats(wav("three.wav", { 0, 1, 1, 1, 0, 1, 1, 0 })).clipped):equals(3)
    expect(audio.stats(wav("square.wav", { 1, -1, 1, -1 })).clipped):equals(4)
    expect(audio.stats(wav("over.wav", tone(1, 1.2), 1, 32)).peak):near(1.2, 1e-3)
  end)

  it("knows each channel", function()
    local frames = {}
    for i = 1, 4000 do frames[i] = { i % 2 == 0 and 0.5 or -0.5, 1 } end
    local s = audio.stats(wav("two.wav", frames, 2))
    expect(s.channels[1].peak):equals(0.5)
    expect(s.channels[1].clipped):equals(0)
    expect(s.channels[2].clipped):equals(4000)
    expect(s.channels[2].dc):near(1, 1e-4)
    expect(s.clipped):equals(4000)
    expect(s.peak):equals(s.channels[2].peak)
  end)

  it("times silence at the start, at the end and altogether", function()
    local quiet, short = tone(0.25, 0.0005), tone(0.05, 0)
    local path = wav("silence.wav", join(quiet, tone(0.5, 0.5, 0.6), tone(0.2, 0),
      tone(0.25, 0.3, 0.6), short, tone(0.25, 0.3, 0.6), tone(0.5, 0)))
    local silence = audio.stats(path).silence
    expect(silence.starting):near(0.25, 1e-3)
    expect(silence.ending):near(0.5, 1e-3)
    expect(silence.total):near(0.95, 1e-3)
    expect(audio.stats(path, { shortest = "10ms" }).silence.total):near(1.0, 1e-3)
    expect(audio.stats(path, { silence = "-80dB" }).silence.starting):near(0, 1e-3)
    expect(audio.stats(path, { silence = -80 }).silence.ending):near(0.5, 1e-3)
  end)

  it("of nothing but silence, and of nothing", function()
    local s = audio.stats(wav("silent.wav", tone(0.5, 0)))
    expect(s.silence):equals { starting = 0.5, ending = 0.5, total = 0.5 }
    expect(s.peak):equals(0.0)
    s = audio.stats(wav("empty.wav", {}))
    expect(s.frames):equals(0)
    expect(s.rms):equals(0.0)
    expect(s.silence):equals { starting = 0.0, ending = 0.0, total = 0.0 }
  end)

  it("counts what is no number", function()
    local s = audio.stats(wav("nan.wav", { 0.5, 0 / 0, 1 / 0, -0.5 }, 1, 32))
    expect(s.non_finite):equals(2)
    expect(s.peak):equals(0.5)
    expect(s.rms):near(0.5, 1e-6)
    expect(s.silence.starting):equals(0.0)
    local header = wav("huge.wav", { 0.5 }, 1, 32)
    local huge = fs.read(header):gsub("\3\0\1\0(........)\4\0\32\0", "\3\0\1\0%1\8\0\64\0")
    fs.write(header, (huge:gsub("data.*", "data" .. ("<I4dd"):pack(16, 1e300, 0.5))))
    s = audio.stats(header) -- its square would be infinite
    expect(s.non_finite):equals(1)
    expect(s.peak):equals(0.5)
    expect(s.rms):near(0.5, 1e-6)
  end)

  it("decodes what ffmpeg has encoded", function()
    local source = wav("tone.wav", join(tone(0.3, 0), tone(1, 0.5), tone(0.3, 0)))
    for _, name in ipairs { "a.ogg", "a.flac", "a.mp3", "a.aiff", "a.opus", "adpcm.wav" } do
      local codec = name == "adpcm.wav" and "adpcm_ms" or nil
      local argv = { "ffmpeg", "-v", "error", "-i", source }
      if codec then argv[#argv + 1], argv[#argv + 2] = "-c:a", codec end
      argv[#argv + 1] = folder .. "/" .. name
      orch.process.run(argv)
      local s = audio.stats(folder .. "/" .. name)
      expect(s.peak):near(0.5, 0.05)
      expect(s.duration):near(1.6, codec and 0.25 or 0.07) -- ADPCM has whole blocks
      expect(s.silence.starting):near(0.3, 0.06)
    end
    local info = audio.info(folder .. "/a.mp3")
    expect(audio.stats(folder .. "/a.mp3").frames):equals(info.frames)
  end)

  it("takes what is longer than a block, in constant memory", function()
    local path = wav("long.wav", tone(1, 0.5))
    local second = fs.read(path):sub(45)
    local size = #second * 600
    local body = "WAVEfmt " .. ("<I4I2I2I4I4I2I2"):pack(16, 1, 1, RATE, RATE * 2, 2, 16)
      .. "data" .. ("<I4"):pack(size)
    fs.write(path, "RIFF" .. ("<I4"):pack(#body + size) .. body .. second:rep(600))
    local s = audio.stats(path)
    expect(s.duration):equals(600.0)
    expect(s.peak):near(0.5, 1e-4)
  end)
end)

describe("audio.stats refuses", function()
  it("what is no sound, with libsndfile's words", function()
    fs.write(folder .. "/a.wav", "hello")
    local err = expect(function() audio.stats(folder .. "/a.wav") end):raises "format"
    expect(err.message):matches "a%.wav' cannot be decoded: %u"
    expect(err.path):equals(folder .. "/a.wav")
  end)

  it("each with its own words, also at once", function()
    local texts = { "hello", "RIFF\4\0\0\0WAVE", "fLaC" .. ("\0"):rep(50),
      "OggS" .. ("\0"):rep(50) }
    local words = {}
    local function stats(text, i)
      local path = ("%s/%d"):format(folder, i)
      fs.write(path, text)
      local err = expect(function() audio.stats(path) end):raises "format"
      return err.message:match "decoded: (.*)"
    end
    for i, text in ipairs(texts) do words[i] = stats(text, i) end
    local many = {}
    for i = 1, 80 do many[i] = texts[i % 4 + 1] end
    for i, got in ipairs(orch.map(many, stats, { concurrency = 8 })) do
      expect(got):equals(words[i % 4 + 1])
    end
  end)

  it("what is not there, a folder, a device", function()
    local err = expect(function() audio.stats(folder .. "/none.wav") end):raises "os"
    expect(err.code):equals "ENOENT"
    expect(function() audio.stats(folder) end):raises { code = "EISDIR" }
    expect(function() audio.stats "/dev/null" end):raises { code = "EINVAL" }
  end)

  it("wrong options", function()
    expect(function() audio.stats(7) end):raises "usage"
    expect(function() audio.stats("a", { silent = 1 }) end):raises "did you mean `silence`"
    expect(function() audio.stats("a", { silence = "loud" }) end):raises "decibels below full scale"
    expect(function() audio.stats("a", { silence = 3 }) end):raises "decibels below full scale"
  end)

  it("nothing of the faulty FLAC files with a crash", function()
    local decoded = 0
    for _, name in ipairs(fs.glob("**/*.{flac,wav,ogg}", { cwd = here .. "/data/audio" })) do
      local ok, err = pcall(audio.stats, here .. "/data/audio/" .. name)
      if ok then decoded = decoded + 1 else expect(err.kind):equals "format" end
    end
    expect(decoded):greater_than(40)
  end)

  it("damaged files, or says what could be decoded", function()
    local rounds = tonumber(os.getenv "FUZZ") or 2
    for _, name in ipairs { "kenney/coin.ogg", "magnum/mono24.flac", "magnum/mono8ALaw.wav" } do
      local whole = fs.read(here .. "/data/audio/" .. name)
      for _ = 1, rounds * 10 do
        local bytes = { whole:byte(1, -1) }
        for _ = 1, math.random(8) do
          bytes[math.random(math.min(#bytes, 600))] = math.random(0, 255)
        end
        local text = {}
        for i = 1, #bytes, 100 do
          text[#text + 1] = string.char(table.unpack(bytes, i, math.min(i + 99, #bytes)))
        end
        local path = folder .. "/" .. fs.path.basename(name)
        fs.write(path, table.concat(text):sub(1, math.random(#whole)), { sync = false })
        local ok, err = pcall(audio.stats, path)
        if not ok then expect(err.kind):equals "format" end
      end
    end
  end)
end)

describe("audio.stats ends early", function()
  local path
  before_each(function()
    path = wav("long.wav", tone(1, 0.5))
    local header = fs.read(path):sub(1, 40)
    fs.write(path, header .. ("<I4"):pack(0x7fffff00))
    orch.process.run { "truncate", "-s", tostring(0x7fffff00 + 44), path }
  end)

  it("when it is cancelled before it starts", function()
    local task = orch.spawn({ hold = true }, audio.stats, path)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)

  it("when it is cancelled in flight, or its time is over", function()
    local task = orch.spawn({ hold = true }, audio.stats, path)
    orch.sleep "20ms"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(function() orch.wait_for(audio.stats, "20ms", path) end):raises "timeout"
  end)
end)
