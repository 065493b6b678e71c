--- Sounds: what a file's header says, and what it sounds like.
---
---     local info = orch.audio.info "Assets/Sounds/door.wav"
---     local stats = orch.audio.stats "Assets/Sounds/door.wav"
---     print(info.rate, info.channels, info.duration, stats.peak, stats.silence.starting)

local arg = require "orch.arg"
local place = require "orch.place"

local audio = {}

---@class orch.audio.Info: orch.asset.Info
---@field format "wav"|"ogg"|"flac"|"mp3"|"aiff"|string
---@field codec string "pcm", "float", "alaw", "mulaw", "ima-adpcm", "ms-adpcm", "vorbis",
---  "opus", "flac", "speex", "mp3", ...
---@field rate number Hz
---@field channels integer
---@field bits integer? per sample; nil where the codec has none
---@field duration number? seconds; of an MP3 without `frames` an estimate
---@field frames integer? samples per channel
---@field bitrate integer? bits per second
---@field loops {first: integer, last: integer}[]? in frames (WAV)
---@field tags table<string, string>? title, artist, ...

---What the header of a sound says; reads a few KB of a file of any size.
---@async
---@param path orch.Path WAV, Ogg (Vorbis, Opus, FLAC, Speex), FLAC, MP3, AIFF
---@return orch.audio.Info info raises kind `format` (`offset`, `path`) or `os`
function audio.info(path)
  arg.check("audio.info", 1, path, "path")
  return require("orch.asset").info(path, { kind = "audio" })
end

local QUIET = -60 -- dB
local SHORTEST = 0.1 -- seconds

---@class orch.audio.Level
---@field peak number largest distance from zero; 1 is full scale
---@field rms number the level as it is heard, more or less
---@field dc number mean: not 0 for a wave that is shifted
---@field clipped integer samples at full scale, where three or more of them follow each other
---@field non_finite integer samples that are no number (float files)

---@class orch.audio.Stats: orch.audio.Level
---@field channels orch.audio.Level[] the same of each channel
---@field silence {starting: number, ending: number, total: number} seconds before the first
---  sound, after the last, and of all silences; all three are the duration when there is none
---@field frames integer that were decoded
---@field rate integer Hz
---@field duration number seconds

--- "-60dB" or a number.
local function decibels(value)
  if type(value) == "string" then
    value = tonumber(value:match "^%s*(%-?%d+%.?%d*)%s*dB[FS]*%s*$")
  end
  if type(value) ~= "number" or not (value <= 0) then
    arg.fail('audio.stats: option `silence` should be decibels below full scale, such as -60 or '
      .. '"-60dB"')
  end
  return 10 ^ (value / 20)
end

---Decodes a sound on a thread, whatever its length in constant memory.
---@async
---@param path orch.Path
---@param opts? {silence: number|string|nil, shortest: number|string|nil} `silence` (-60) is
---  what counts as such, in dB; it has to last `shortest` (0.1 s) to count in the total
---@return orch.audio.Stats stats raises kind `format` with what is wrong, or `os`
function audio.stats(path, opts)
  arg.check("audio.stats", 1, path, "path")
  opts = arg.options("audio.stats", opts, { silence = "number|string", shortest = "duration" })
  local quiet = decibels(opts.silence or QUIET)
  return require("orch.core.audio").stats(place.resolve(path), quiet, opts.shortest or SHORTEST)
end

return arg.public("orch.audio", audio)
