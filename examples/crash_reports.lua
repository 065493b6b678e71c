-- Puts the crash reports of thousands of players into groups by signature (exception
-- and top three frames), so that the crash to mend first comes first.
--
--   orch run examples/crash_reports.lua [DIR]
--
-- A report is a JSON file: version, platform, exception, stack. Without DIR, 2,000 are
-- made in a temporary folder. Damaged ones are counted and do no harm.

local fs, json, tty = orch.fs, orch.json, orch.tty

local dir = orch.args[1]
if not dir then
  dir = fs.temp_dir() -- removed when the run ends
  require "fake_crashes" (dir, 2000)
end

-- Two crashes are the same when the same functions called each other: addresses,
-- offsets and line numbers differ from player to player and from build to build.
local function signature(report)
  local stack = report.stack:gsub("0x%x+", ""):gsub("%+%d+", ""):gsub("%[%] in [^\n]*", "")
  local frames = {}
  for frame in stack:gmatch "[^\n]+" do frames[#frames + 1] = frame:match "^%s*(.-)%s*$" end
  return report.exception .. "\n" .. table.concat(frames, "\n", 1, math.min(3, #frames))
end

local function count(counts, what) counts[what] = (counts[what] or 0) + 1 end

local groups, damaged = {}, 0
orch.each(fs.glob("**/*.json", { cwd = dir }), function(name)
  local ok, report = orch.try(json.load, fs.path.join(dir, name))
  if not (ok and report.exception and report.stack) then damaged = damaged + 1 return end
  local key = signature(report) -- from here to the end nothing waits: no lock needed
  if not groups[key] then
    groups[key] = { key = key, total = 0, version = {}, platform = {} }
    table.insert(groups, groups[key])
  end
  local group = groups[key]
  group.total = group.total + 1
  count(group.version, report.version or "?")
  count(group.platform, report.platform or "?")
end, { concurrency = 64, progress = "reading reports" })

local function list(counts)
  local words = {}
  for what, n in pairs(counts) do words[#words + 1] = what .. " (" .. n .. ")" end
  table.sort(words)
  return table.concat(words, ", ")
end

table.sort(groups, function(a, b)
  return a.total > b.total or a.total == b.total and a.key < b.key
end)
for _, group in ipairs(groups) do
  local exception, frames = group.key:match "^(.-)\n(.*)$"
  print(("%6d  %s"):format(group.total, tty.style(exception, "bold")))
  print("        " .. frames:gsub("\n", "\n        "))
  print("        " .. tty.style(list(group.version) .. "; " .. list(group.platform), "dim") .. "\n")
end
print(("%6d  damaged reports"):format(damaged))
