-- orch.audio.info: held against ffprobe on the same files, against what the suites say about
-- theirs, and against files that are cut off or lie.

local audio = require "orch.audio"
local fs = require "orch.fs"
local json = require "orch.json"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local DATA = here .. "/data/audio/"

local folder
before_each(function() folder = test.temp_dir() end)

local function put(name, bytes)
  fs.write(folder .. "/" .. name, bytes)
  return folder .. "/" .. name
end

local function probe(file)
  local result = orch.process.run { "ffprobe", "-v", "quiet", "-of", "json", "-select_streams",
    "a:0", "-show_streams", file, check = false }
  local ok, answer = pcall(json.decode, result.stdout)
  local stream = ok and answer.streams and answer.streams[1]
  if not stream or not stream.sample_rate then return nil end
  local bits = tonumber(stream.bits_per_raw_sample) or tonumber(stream.bits_per_sample)
  return { rate = tonumber(stream.sample_rate), channels = stream.channels,
    bits = bits ~= 0 and bits or nil, duration = tonumber(stream.duration) }
end

-- Where we say something else than ffprobe, and why we do.
local DIFFERENCES = {
  ["hound/crash-e5471f5b58397287b509db7d026e95f1724454f5.wav"] =
    "frames of 0 bytes cannot be: ffprobe ignores the field, we refuse the file",
  ["hound/pcmwaveformat-24bit-4byte-48kHz-stereo.wav"] =
    "24 bits in 4 bytes: ffprobe gives the container, we the bits that count",
  ["hound/waveformatextensible-24bit-4byte-48kHz-stereo.wav"] = "the same",
  ["scipy/test-1234Hz-le-1ch-10S-20bit-extra.wav"] = "20 bits in 3 bytes: the same",
  ["scipy/test-8000Hz-le-4ch-9S-12bit.wav"] = "12 bits in 2 bytes: the same",
  ["scipy/test-44100Hz-2ch-32bit-float-be.wav"] = "RIFX, which ffprobe does not know",
  ["scipy/test-44100Hz-be-1ch-4bytes.wav"] = "RIFX",
  ["scipy/test-8000Hz-le-3ch-5S-24bit-inconsistent.wav"] =
    "3 x 24 bits do not fit in frames of 4 bytes: we refuse, as the suite does",
  ["scipy/test-8000Hz-le-3ch-5S-36bit.wav"] = "36 bits: ffprobe does not know them",
  ["scipy/test-8000Hz-le-3ch-5S-45bit.wav"] = "45 bits: the same",
  ["magnum/unsupportedChannelCount.wav"] = "no samples: ffprobe has no duration, we 0",
  ["magnum/zeroSamples.wav"] = "ADPCM without samples: the same, and no bits of ours",
  ["magnum/zeroSamples.ogg"] = "no samples: ffprobe gives up, we say 0 s",
  ["cellar/faulty_01_-_wrong_max_blocksize.flac"] = "a frame is longer than the description allows",
  ["cellar/faulty_04_-_wrong_number_of_channels.flac"] =
    "the first frame has other channels: ffprobe believes it, we refuse",
  ["cellar/faulty_10_-_invalid_vorbis_comment_metadata_block.flac"] =
    "comments beyond their block: ffprobe does not look, we refuse",
  ["cellar/faulty_11_-_incorrect_metadata_block_length.flac"] =
    "a description beyond the end of the file: ffprobe searches on, we refuse",
  ["made/a.opus"] = "ffprobe counts the frames that are to be skipped at the start",
  ["made/24k.opus"] = "the same",
  ["made/cbr.mp3"] = "ffprobe counts the encoder's padding, which is not heard",
  ["made/vbr.mp3"] = "the same",
  ["made/mono.mp3"] = "the same",
  ["made/adpcm_ima.wav"] = "4 bits: ours is nil for codecs whose samples have no fixed size",
  ["made/adpcm_ms.wav"] = "the same",
}

local MADE = {
  ["a.wav"] = {}, ["u8.wav"] = { "-c:a", "pcm_u8" }, ["s24.wav"] = { "-c:a", "pcm_s24le" },
  ["s32.wav"] = { "-c:a", "pcm_s32le" }, ["f32.wav"] = { "-c:a", "pcm_f32le" },
  ["f64.wav"] = { "-c:a", "pcm_f64le" }, ["alaw.wav"] = { "-c:a", "pcm_alaw" },
  ["mulaw.wav"] = { "-c:a", "pcm_mulaw" }, ["rf64.wav"] = { "-rf64", "always" },
  ["adpcm_ima.wav"] = { "-c:a", "adpcm_ima_wav" }, ["adpcm_ms.wav"] = { "-c:a", "adpcm_ms" },
  ["a.aiff"] = {}, ["alaw.aiff"] = { "-c:a", "pcm_alaw" },
  ["f32.aifc"] = { "-c:a", "pcm_f32be", "-f", "aiff" }, ["s24.aiff"] = { "-c:a", "pcm_s24be" },
  ["a.flac"] = {}, ["s24.flac"] = { "-sample_fmt", "s32" }, ["a.ogg"] = {},
  ["flac.ogg"] = { "-c:a", "flac" }, ["speex.ogg"] = { "-c:a", "libspeex", "-ar", "16000" },
  ["a.opus"] = {}, ["24k.opus"] = { "-ar", "24000", "-ac", "1" },
  ["cbr.mp3"] = { "-b:a", "128k" }, ["vbr.mp3"] = { "-q:a", "4" },
  ["mono.mp3"] = { "-ac", "1", "-ar", "22050" },
  ["no_xing.mp3"] = { "-b:a", "128k", "-write_xing", "0" },
}

--- All in one call of ffmpeg.
local function make(list)
  local argv = { "ffmpeg", "-v", "error", "-bitexact", "-f", "lavfi", "-i",
    "sine=440:d=1.3:r=44100" }
  for _, name in ipairs(require("orch.arg").keys_of(list)) do
    for _, word in ipairs { "-map", "0", "-metadata", "title=Ton é", "-ac", "2" } do
      argv[#argv + 1] = word
    end
    for _, word in ipairs(list[name]) do argv[#argv + 1] = word end
    argv[#argv + 1] = folder .. "/" .. name
  end
  orch.process.run(argv)
end

local function near(a, b)
  if not a or not b then return a == b end
  return math.abs(a - b) <= 0.0011
end

local function compare(name, ours, theirs)
  if not ours or not theirs then return not ours and not theirs end
  return ours.rate == theirs.rate and ours.channels == theirs.channels
    and ours.bits == theirs.bits and near(ours.duration, theirs.duration)
    or name:find "speex" and near(ours.duration, theirs.duration - 0.009)
end

local function show(info)
  if not info then return "refused" end
  return ("%s Hz %s ch %s bit %s s"):format(info.rate, info.channels, info.bits or "-",
    info.duration and ("%.4f"):format(info.duration) or "-")
end

describe("audio.info and ffprobe", function()
  it("say the same, but for differences that are known", function()
    make(MADE)
    local files = {}
    for _, name in ipairs(fs.glob("*/*.{wav,ogg,flac}", { cwd = DATA })) do
      files[#files + 1] = { name = name, path = DATA .. name }
    end
    for _, name in ipairs(fs.list(folder)) do
      files[#files + 1] = { name = "made/" .. name, path = folder .. "/" .. name }
    end
    local probed = orch.map(files, function(file) return probe(file.path) or false end,
      { concurrency = 2 })
    local same, differ = 0, {}
    for i, file in ipairs(files) do
      local ok, info = pcall(audio.info, file.path)
      if not ok then expect(info.kind):equals "format" end
      if compare(file.name, ok and info, probed[i]) then
        same = same + 1
      else
        differ[#differ + 1] = file.name
        print(("  %s\n    orch    %s\n    ffprobe %s\n    why     %s"):format(file.name,
          show(ok and info), show(probed[i]), DIFFERENCES[file.name] or "UNKNOWN"))
      end
    end
    print(("audio: %d files, orch and ffprobe agree on %d and differ on %d"):format(#files, same,
      #differ))
    local known = require("orch.arg").keys_of(DIFFERENCES)
    table.sort(differ)
    expect(differ):equals(known)
  end)

  it("gives codecs, lengths and titles of what ffmpeg writes", function()
    make(MADE)
    local codecs = {}
    for name in pairs(MADE) do
      local info = audio.info(folder .. "/" .. name)
      codecs[name] = info.codec
      expect(info.kind):equals "audio"
      expect(info.duration):near(1.3, name:find "adpcm" and 0.02 or name == "no_xing.mp3" and 0.04
        or name:find "speex" and 0.01 or 0.002)
      if not name:find "f32.aifc" then expect(info.tags and info.tags.title):equals "Ton é" end
    end
    expect(codecs):equals { ["a.wav"] = "pcm", ["u8.wav"] = "pcm", ["s24.wav"] = "pcm",
      ["s32.wav"] = "pcm", ["f32.wav"] = "float", ["f64.wav"] = "float", ["alaw.wav"] = "alaw",
      ["mulaw.wav"] = "mulaw", ["rf64.wav"] = "pcm", ["adpcm_ima.wav"] = "ima-adpcm",
      ["adpcm_ms.wav"] = "ms-adpcm", ["a.aiff"] = "pcm", ["alaw.aiff"] = "alaw",
      ["f32.aifc"] = "float", ["s24.aiff"] = "pcm", ["a.flac"] = "flac", ["s24.flac"] = "flac",
      ["a.ogg"] = "vorbis", ["flac.ogg"] = "flac", ["speex.ogg"] = "speex", ["a.opus"] = "opus",
      ["24k.opus"] = "opus", ["cbr.mp3"] = "mp3", ["vbr.mp3"] = "mp3", ["mono.mp3"] = "mp3",
      ["no_xing.mp3"] = "mp3" }
    expect(audio.info(folder .. "/cbr.mp3").frames):equals(57330)
    expect(audio.info(folder .. "/cbr.mp3").bitrate):near(128000, 100)
    expect(audio.info(folder .. "/a.opus").rate):equals(48000)
  end)
end)

describe("what the suites call valid", function()
  local BROKEN = { -- a header reader can know it
    "cellar/faulty_01_-_wrong_max_blocksize.flac",
    "cellar/faulty_04_-_wrong_number_of_channels.flac",
    "cellar/faulty_07_-_other_metadata_blocks_preceding_streaminfo_metadata_block.flac",
    "cellar/faulty_08_-_blocksize_65536.flac",
    "cellar/faulty_10_-_invalid_vorbis_comment_metadata_block.flac",
    "cellar/faulty_11_-_incorrect_metadata_block_length.flac",
    "hound/crash-24728523ef4be15c838293b676f6853e73723bf4.wav",
    "hound/crash-b8447179832529c48f9c6bf17feab6337bbc78ea.wav",
    "hound/crash-e5471f5b58397287b509db7d026e95f1724454f5.wav",
    "hound/crash-e879de4eb4d206c59e21f0e01def16457af80fdc.wav",
    -- Their suite opens these, though a description goes beyond the end; ffprobe does not.
    "magnum/quad16.flac", "magnum/surround51Channel24.flac",
    "magnum/wrongSignature.ogg", "magnum/wrongSignature.wav",
    "scipy/test-44100Hz-le-1ch-4bytes-early-eof-no-data.wav",
    "scipy/test-44100Hz-le-1ch-4bytes-incomplete-chunk.wav",
    "scipy/test-8000Hz-le-3ch-5S-24bit-inconsistent.wav",
  }
  -- Broken for who decodes (the count of samples, the size of a later frame), or by the letter
  -- only (magnum's invalid*.wav, hound's nonstandard-01): their headers say nothing wrong.

  it("is read, and the rest is refused with a place or a reason", function()
    local refused = {}
    for _, name in ipairs(fs.glob("*/*.{wav,ogg,flac}", { cwd = DATA })) do
      local ok, err = pcall(audio.info, DATA .. name)
      if not ok then
        expect(err.kind):equals "format"
        expect(err.path):equals(DATA .. name)
        refused[#refused + 1] = name
      end
    end
    expect(refused):equals(BROKEN)
  end)
end)

local function chunk(id, bytes)
  return id .. ("<I4"):pack(#bytes) .. bytes .. (#bytes % 2 == 1 and "\0" or "")
end

local function riff(...)
  local body = "WAVE" .. table.concat { ... }
  return "RIFF" .. ("<I4"):pack(#body) .. body
end

local FMT = chunk("fmt ", ("<I2I2I4I4I2I2"):pack(1, 1, 8000, 16000, 2, 16))

describe("a WAV file", function()
  it("tells its loops and texts", function()
    local smpl = ("<I4I4I4I4I4I4I4I4I4"):pack(0, 0, 0, 60, 0, 0, 0, 2, 0)
      .. ("<I4I4I4I4I4I4"):pack(0, 0, 10, 20, 0, 0) .. ("<I4I4I4I4I4I4"):pack(1, 0, 30, 40, 0, 0)
    local texts = chunk("LIST", "INFO" .. chunk("INAM", "Caf\xe9\0") .. chunk("ISFT", "x"))
    local info = audio.info(put("a.wav", riff(FMT, chunk("data", ("\0"):rep(200)),
      chunk("smpl", smpl), texts)))
    expect(info.loops):equals { { first = 10, last = 20 }, { first = 30, last = 40 } }
    expect(info.tags):equals { title = "Café", software = "x" }
    expect(info.frames):equals(100)
    expect(info.duration):equals(0.0125)
    expect(info.bitrate):equals(128000)
  end)

  it("that is cut off is refused, unless its size was not known when it was begun", function()
    local whole = riff(FMT, chunk("data", ("\0"):rep(200)))
    local err = expect(function() audio.info(put("a.wav", whole:sub(1, -51))) end):raises "format"
    expect(err.message):contains(
      "is not a valid WAV: it is cut off: its sound has 200 bytes, of which 150 are there")
    expect(err.offset):equals(44)
    local streamed = "RIFF\xff\xff\xff\xffWAVE" .. FMT .. "data\xff\xff\xff\xff" .. ("\0"):rep(60)
    expect(audio.info(put("b.wav", streamed)).frames):equals(30)
  end)

  it("of more than 4 GB has its size elsewhere", function()
    local size = 6 << 30
    local path = put("big.wav", "RF64\xff\xff\xff\xffWAVE"
      .. chunk("ds64", ("<I8I8I8I4"):pack(size + 60, size, size // 2, 0)) .. FMT
      .. "data\xff\xff\xff\xff")
    orch.process.run { "truncate", "-s", tostring(size + 80), path }
    expect(audio.info(path).frames):equals(size // 2)
    orch.process.run { "truncate", "-s", tostring(size), path }
    expect(function() audio.info(path) end):raises "cut off"
  end)

  it("must have channels, a rate and frames that fit", function()
    local function with(...)
      return put("a.wav", riff(chunk("fmt ", ("<I2I2I4I4I2I2"):pack(...)),
        chunk("data", "\0\0\0\0")))
    end
    expect(function() audio.info(with(1, 0, 8000, 16000, 2, 16)) end):raises "no channels"
    expect(function() audio.info(with(1, 1, 0, 16000, 2, 16)) end):raises "sample rate is 0"
    expect(function() audio.info(with(1, 2, 8000, 16000, 2, 16)) end):raises "frames have 2 bytes"
    expect(function() audio.info(put("b.wav", riff(FMT))) end):raises "no data chunk"
    expect(audio.info(with(0x1234, 1, 8000, 16000, 2, 16)).codec):equals "0x1234"
  end)

  it("of chunks without end is given up in time", function()
    local path = put("zeros.wav", "RIFF\0\0\0\0WAVE")
    orch.process.run { "truncate", "-s", "4G", path }
    expect(function() orch.wait_for(audio.info, "1s", path) end):raises "no fmt chunk"
  end)
end)

describe("an MP3 file", function()
  local FRAME = "\xFF\xFB\x90\x00" .. ("\0"):rep(413) -- 128 kbit/s, 44.1 kHz, 417 bytes

  it("without a count of frames has an estimated length", function()
    local info = audio.info(put("a.mp3", FRAME:rep(500) .. "\xFF"))
    expect(info.frames):is_nil()
    expect(info.bitrate):near(128000, 300)
    expect(info.duration):near(500 * 1152 / 44100, 0.05)
    expect(audio.info(put("b.mp3", FRAME:rep(7))).frames):equals(7 * 1152)
  end)

  it("may have tags in front and behind, and padding", function()
    local id3 = "ID3\4\0\0\0\0\0\x1eTIT2\0\0\0\x05\0\0\3abcd" .. ("\0"):rep(15)
    local info = audio.info(put("a.mp3", id3 .. ("\0"):rep(900) .. FRAME:rep(9)
      .. "TAG" .. ("x"):rep(125)))
    expect(info.frames):equals(9 * 1152)
    expect(info.tags):equals { title = "abcd" }
    expect(function() audio.info(put("b.mp3", "ID3\4\0\0\0\0\x7f\x7f")) end)
      :raises "goes beyond its end"
    expect(function() audio.info(put("c.mp3", id3 .. ("\0"):rep(99999))) end)
      :raises "no frame of MPEG audio"
  end)

  it("may be FLAC behind a tag", function()
    local flac = fs.read(DATA .. "magnum/mono8.flac")
    local info = audio.info(put("a.flac", "ID3\4\0\0\0\0\0\0" .. flac))
    expect(info.format):equals "flac"
    expect(info.frames):equals(2136)
  end)
end)

describe("an Ogg file", function()
  it("that ends in a page or behind its first is refused", function()
    local coin = fs.read(DATA .. "kenney/coin.ogg")
    expect(function() audio.info(put("a.ogg", coin:sub(1, -2))) end):raises "middle of a page"
    expect(function() audio.info(put("b.ogg", coin:sub(1, 58))) end):raises "behind its first page"
    expect(audio.info(put("c.ogg", coin .. "junk behind it")).frames):equals(12643)
  end)

  it("is read at its ends only", function()
    local coin = fs.read(DATA .. "kenney/coin.ogg")
    local path = put("a.ogg", coin)
    orch.process.run { "truncate", "-s", "3G", path }
    expect(orch.wait_for(audio.info, "1s", path).duration):is_nil()
  end)
end)

describe("audio.info", function()
  it("says what a file is instead, and what it could be", function()
    local err = expect(function() audio.info(put("a.txt", "hello")) end):raises "format"
    expect(err.message):contains "is not a sound that orch can read"
    expect(err.message):contains "flac"
    expect(function() audio.info(put("a.wav", "")) end):raises "it is empty"
    expect(function() audio.info(put("b.wav", fs.read(DATA .. "kenney/coin.ogg"))) end):succeeds()
    expect(function() audio.info(folder .. "/none.wav") end):raises "os"
    expect(function() audio.info(7) end):raises "usage"
    expect(function() return audio.info(DATA .. "hound/pop.wav").channel end):raises "did you mean"
    expect(function() return audio.infos end):raises "did you mean"
  end)
end)
