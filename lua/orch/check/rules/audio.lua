-- Sounds. To change a number, edit it here; to give a folder its own, add a line such as
-- { "**/Radio/**", max = 22050 } above the last one: the first line that fits a file counts.
-- Then: orch check Assets/Sounds

local audio = orch.audio

local SOUNDS = "**/*.{wav,ogg,flac,mp3,aif,aiff}"
local EFFECTS = "**/{SFX,Sfx,sfx,Effects,Footsteps,Foley,Weapons,Impacts}/**"
local LONG = "**/{Music,music,Ambience,Ambient,Voice,Dialogue,Cutscenes}/**"

check "audio.rate" {
  title = "Sounds have a usual sample rate",
  why = "Nobody hears what is above 48 kHz, and it takes memory; below 22 kHz everybody hears it.",
  severity = "warning",
  files = SOUNDS,
  config = { max = 48000, min = 22050 }, -- Hz
  tags = { "header" },
  run = function(file, cfg)
    local sound = audio.info(file.path)
    if sound.rate > cfg.max then
      file:problem {
        "%d Hz are more than anybody hears", sound.rate,
        found = sound.rate .. " Hz", wanted = "at most " .. cfg.max .. " Hz",
        cost = { disk = math.floor(file.size * (1 - cfg.max / sound.rate)) },
        hint = ("export it at %d Hz, or: ffmpeg -i IN -ar %d OUT"):format(cfg.max, cfg.max),
      }
    elseif sound.rate < cfg.min then
      file:problem {
        "%d Hz sound dull", sound.rate,
        found = sound.rate .. " Hz", wanted = "at least " .. cfg.min .. " Hz",
        hint = "export it again from the recording: what is missing does not come back",
      }
    end
  end,
}

check "audio.channels" {
  title = "Sounds in space are mono, the others stereo at most",
  why = "An engine mixes a stereo sound down before it places it in space: twice the memory for "
    .. "nothing, and it may sound hollow.",
  severity = "warning",
  files = SOUNDS,
  config = { { EFFECTS, max = 1 }, { "**", max = 2 } },
  tags = { "header" },
  run = function(file, cfg)
    local sound = audio.info(file.path)
    if sound.channels <= cfg.max then return end
    file:problem {
      "has %d channels; sounds of this folder have at most %d", sound.channels, cfg.max,
      found = sound.channels .. " channels", wanted = cfg.max == 1 and "mono" or "stereo",
      cost = { disk = math.floor(file.size * (1 - cfg.max / sound.channels)) },
      hint = ("export it as %s, or: ffmpeg -i IN -ac %d OUT"):format(
        cfg.max == 1 and "mono" or "stereo", cfg.max),
    }
  end,
}

check "audio.length" {
  title = "Effects are short, and no sound is empty",
  why = "Effects are kept in memory unpacked: 10 seconds of stereo are 2 MB.",
  severity = "warning",
  files = SOUNDS,
  config = { { EFFECTS, max = 10 }, { "**/{UI,ui}/**", max = 5 }, { "**", max = 1800 } },
  tags = { "header" },
  run = function(file, cfg)
    local sound = audio.info(file.path)
    if not sound.duration then return end
    if sound.duration == 0 then
      file:error { "has no sound in it", found = "0 s", hint = "export it again" }
    elseif sound.duration > cfg.max then
      file:problem { "lasts %.1f s; sounds of this folder last at most %g s", sound.duration,
        cfg.max, found = ("%.1f s"):format(sound.duration), wanted = ("at most %g s"):format(cfg.max),
        hint = "cut it, or move it to the music or ambience that the engine streams" }
    end
  end,
}

check "audio.bits" {
  title = "Sounds have 16 bits a sample",
  why = "24 and 32 bits are for mixing: in a game nobody hears them. 8 bits hiss.",
  severity = "info",
  files = "**/*.{wav,aif,aiff,flac}",
  config = { bits = 16 },
  tags = { "header" },
  run = function(file, cfg)
    local sound = audio.info(file.path)
    local bits = sound.bits
    if not bits or bits == cfg.bits or not ("pcm float flac"):find(sound.codec, 1, true) then
      return
    end
    if bits > cfg.bits then
      file:problem { "has %d bits a sample", bits, found = bits .. " bits",
        wanted = cfg.bits .. " bits",
        cost = { disk = math.floor(file.size * (1 - cfg.bits / bits)) },
        hint = ("export it with %d bits and dither"):format(cfg.bits) }
    else
      file:warning { "has %d bits a sample: it hisses", bits, found = bits .. " bits",
        wanted = cfg.bits .. " bits", hint = "export it again from the recording" }
    end
  end,
}

check "audio.clipping" {
  title = "Sounds are not clipped",
  why = "Samples cut off at full scale crackle, and no volume slider takes that back.",
  severity = "warning",
  files = "**/*.{wav,flac,aif,aiff,ogg}",
  config = { { LONG, per_minute = 2000 }, { "**", per_minute = 200 } }, -- samples
  tags = { "pixels" },
  run = function(file, cfg)
    audio.info(file.path) -- a broken header is told once, by that
    local stats = audio.stats(file.path)
    local allowed = math.max(10, cfg.per_minute * stats.duration // 60)
    if stats.clipped <= allowed then return end
    file:problem { "%d samples are cut off at full scale", stats.clipped,
      found = stats.clipped .. " samples", wanted = ("at most %d"):format(allowed),
      hint = "mix it 1 dB quieter and export it again, with a limiter" }
  end,
}

check "audio.silence" {
  title = "Sounds begin at once and are not silent",
  why = "Silence in front of an effect is heard as lag; silence behind it takes memory.",
  severity = "warning",
  files = "**/*.{wav,flac,aif,aiff,ogg}",
  config = {
    { LONG, starting = 5, ending = 10 }, -- seconds
    { EFFECTS, starting = 0.05, ending = 0.5 },
    { "**", starting = 0.5, ending = 2 },
  },
  tags = { "pixels" },
  run = function(file, cfg)
    audio.info(file.path)
    local stats = audio.stats(file.path)
    local silence, whole = stats.silence, stats.duration
    if whole < 0.1 then return end -- audio.length tells of empty ones
    local function cost(seconds) return { disk = math.floor(file.size * seconds / whole) } end
    if silence.starting >= whole then
      file:error { "is silent from beginning to end", found = ("%.1f s of silence"):format(whole),
        cost = cost(whole), hint = "was the track muted? export it again, or delete it" }
    elseif silence.starting > cfg.starting then
      file:problem { "begins with %.2f s of silence", silence.starting,
        found = ("%.2f s"):format(silence.starting), wanted = ("at most %g s"):format(cfg.starting),
        cost = cost(silence.starting), hint = "cut it off in your audio editor" }
    elseif silence.ending > cfg.ending then
      file:problem { "ends with %.2f s of silence", silence.ending,
        found = ("%.2f s"):format(silence.ending), wanted = ("at most %g s"):format(cfg.ending),
        cost = cost(silence.ending), hint = "cut it off in your audio editor" }
    end
  end,
}
