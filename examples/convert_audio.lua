-- Sounds for a game: WAV in; OGG, and WAV at two rates, out. Once more, only those that have
-- changed. What cannot be read is listed, and stops nothing.
--
--   orch run examples/convert_audio.lua [FOLDER [OUT]]
local audio, fs = orch.audio, orch.fs

local folder = orch.args[1] or "tests/data/audio"
local out = orch.args[2] or "build/audio"

local result = orch.convert {
  files = folder .. "/**/*.wav",
  to = {
    ogg = out .. "/ogg/{subfolder}/{stem}.ogg",
    high = out .. "/44100/{subfolder}/{stem}.wav",
    low = out .. "/22050/{subfolder}/{stem}.wav",
  },
  run = function(input, output)
    local info = audio.info(input) -- of a file that is cut off, ffmpeg takes what is there
    if info.frames == 0 then error("there is no sound in it", 0) end
    orch.process.run {
      "ffmpeg", "-v", "error", "-i", input, "-ar", "44100", "-ac", "2", output.ogg,
      "-ar", "44100", output.high, "-ar", "22050", output.low, timeout = "1m",
    }
  end,
  progress = "converting", check = false,
}

local bytes = 0
for _, path in ipairs(result.outputs) do bytes = bytes + fs.stat(path).size end
print(("%d converted, %d as before, %d failed; %d files with %.1f MB in %s"):format(
  result.converted, result.skipped, #result.failed, #result.outputs, bytes / 1e6, out))
for _, failure in ipairs(result.failed) do
  print("  " .. failure.path)
  print("    " .. tostring(failure.error):match "[^\n]*")
end
