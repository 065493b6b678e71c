-- The rules for sounds and fonts that come with orch: of each a file that passes and one that
-- does not.

local fs = orch.fs

local STEP, SONG = "Assets/SFX/step.wav", "Assets/Music/song.wav"

describe("audio.rate", function()
  it("wants what people hear", function()
    check.expect("audio.rate", { rate = 44100 }):passes()
    check.expect("audio.rate", { rate = 22050 }):passes()
    local found = check.expect("audio.rate", { rate = 96000, size = 1000 }):fails {
      found = "96000 Hz", wanted = "at most 48000 Hz", severity = "warning" }.findings[1]
    expect(found.cost):equals { disk = 500 }
    check.expect("audio.rate", { rate = 8000 }):fails { message = "sound dull" }
  end)
end)

describe("audio.channels", function()
  it("wants effects in space to be mono", function()
    check.expect("audio.channels", { channels = 1, path = STEP }):passes()
    check.expect("audio.channels", { channels = 2, path = SONG }):passes()
    check.expect("audio.channels", { channels = 2, path = STEP }):fails { wanted = "mono" }
    check.expect("audio.channels", { channels = 6, path = SONG }):fails { wanted = "stereo",
      found = "6 channels" }
  end)
end)

describe("audio.length", function()
  it("wants effects to be short, and no sound to be empty", function()
    check.expect("audio.length", { duration = 3, path = STEP }):passes()
    check.expect("audio.length", { duration = 240, path = SONG }):passes()
    check.expect("audio.length", { duration = 12.3, path = STEP }):fails { found = "12.3 s",
      wanted = "at most 10 s", severity = "warning" }
    check.expect("audio.length", { duration = 0, path = SONG }):fails { severity = "error" }
  end)
end)

describe("audio.bits", function()
  it("wants 16 of them, where the codec has any", function()
    check.expect("audio.bits", { bits = 16 }):passes()
    check.expect("audio.bits", { bits = 4, codec = "ima-adpcm" }):passes()
    check.expect("audio.bits", { bits = 24, size = 3000 }):fails { severity = "info",
      found = "24 bits" }
    check.expect("audio.bits", { bits = 8 }):fails { severity = "warning", message = "hisses" }
  end)
end)

-- A WAV of 16 bits at 8 kHz; `sample(i, time)` is -1 to 1.
local function wav(seconds, sample)
  local parts = {}
  for i = 0, math.tointeger(seconds * 8000) - 1 do
    parts[#parts + 1] = string.pack("<i2", math.floor(sample(i, i / 8000) * 32767))
  end
  local data = table.concat(parts)
  return "RIFF" .. string.pack("<I4", 36 + #data) .. "WAVEfmt "
    .. string.pack("<I4I2I2I4I4I2I2", 16, 1, 1, 8000, 16000, 2, 16)
    .. "data" .. string.pack("<I4", #data) .. data
end

local function made(name, bytes)
  local path = fs.temp_dir() .. "/" .. name
  fs.mkdir(fs.path.dirname(path))
  fs.write(path, bytes, { sync = false })
  return path
end

local function tone(i) return math.sin(i / 5) * 0.5 end

describe("audio.clipping", function()
  it("counts what is cut off at full scale", function()
    check.expect("audio.clipping", made("a.wav", wav(1, tone))):passes()
    check.expect("audio.clipping", made("a.wav", wav(1, function(i)
      return math.max(-1, math.min(1, math.sin(i / 20) * 3))
    end))):fails { severity = "warning", message = "cut off at full scale", wanted = "at most 10" }
  end)
end)

describe("audio.silence", function()
  local function from(start, stop)
    return function(i, time) return time >= start and time < stop and tone(i) or 0 end
  end

  it("wants sounds to begin at once", function()
    check.expect("audio.silence", made("a.wav", wav(1, tone))):passes()
    check.expect("audio.silence", made("a.wav", wav(1, from(0.2, 1)))):passes()
    check.expect("audio.silence", made("SFX/a.wav", wav(1, from(0.2, 1))),
      { as = "Assets/SFX/a.wav" }):fails { message = "begins with 0.20 s", found = "0.20 s" }
    check.expect("audio.silence", made("a.wav", wav(4, from(0, 1)))):fails {
      message = "ends with 3.00 s", wanted = "at most 2 s" }
  end)

  it("finds those that are silent all along", function()
    check.expect("audio.silence", made("a.wav", wav(1, from(5, 6)))):fails { severity = "error",
      message = "silent from beginning to end" }
  end)
end)

describe("font.embedding", function()
  it("reads what the font allows", function()
    check.expect("font.embedding", { embedding = "installable" }):passes()
    check.expect("font.embedding", { embedding = "editable, no subsetting" }):passes()
    check.expect("font.embedding", { embedding = "restricted", family = "Grand" }):fails {
      severity = "error", message = "'Grand' may not be embedded" }
    check.expect("font.embedding", { embedding = "preview and print" }):fails {
      severity = "warning" }
  end)
end)
