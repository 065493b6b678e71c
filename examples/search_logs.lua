-- Searches many logs for several patterns at once: how often each occurs, in how many
-- logs, and the first places.
--
--   orch run examples/search_logs.lua [DIR [PATTERN...]]
--
-- Without DIR it makes 50 logs in a temporary folder, of the real ones in
-- tests/data/logs. A pattern is a PCRE2 regular expression, for a line and caseless.

local fs, tty = orch.fs, orch.tty

local function make_logs()
  local dir = fs.temp_dir() -- removed when the run ends
  local texts = orch.map(fs.glob "tests/data/logs/un*/*.{log,txt}", fs.read)
  local numbers = {}
  for i = 1, 50 do numbers[i] = i end
  orch.each(numbers, function(i)
    local text = texts[i % #texts + 1] .. texts[i * 7 % #texts + 1]
    fs.write(("%s/build-%02d.log"):format(dir, i), text, { sync = false })
  end)
  return dir
end

local patterns = { [[error CS\d+]], [[warning CS\d+]], [[Failed to load '.*']],
  [[took [1-9]\d+\.\d+ sec]], "is recomputing physics", "NullReferenceException" }
if #orch.args > 1 then patterns = { table.unpack(orch.args, 2) } end

local _ <close> = orch.cd(orch.args[1] or make_logs()) -- paths are short from here on
local logs = fs.glob "**/*.{log,txt}"
local started = orch.time()
local found = fs.scan(logs, patterns, { caseless = true, matches = true })
local seconds = orch.time() - started

local places = {} -- by pattern
for _, match in ipairs(found.matches) do
  places[match.pattern] = places[match.pattern] or {}
  table.insert(places[match.pattern], match)
end

for _, pattern in ipairs(patterns) do
  local hit = 0
  for _, log in ipairs(found.files) do
    if log.counts[pattern] > 0 then hit = hit + 1 end
  end
  print(("%6d lines in %2d logs  %s"):format(found.total[pattern], hit,
    tty.style(pattern, "bold")))
  for i = 1, math.min(3, places[pattern] and #places[pattern] or 0) do
    local match = places[pattern][i]
    local at = ("%10s%s:%d  "):format("", match.path, match.line)
    print(at .. match.text:sub(match.column):gsub("%c", " "):sub(1, tty.size() - #at))
  end
end
local bytes = 0
for _, log in ipairs(found.files) do bytes = bytes + log.bytes end
print(("%d logs, %.1f MB, searched in %.0f ms"):format(#logs, bytes / 2 ^ 20, seconds * 1000))
