-- Reads all build logs below a folder at once and tells, platform by platform: lines,
-- errors, warnings, build time, and the first five errors that differ.
--
--   orch run examples/build_logs.lua [DIR] [--strict]      DIR: tests/data/logs
--
-- The first folder below DIR is the platform: DIR/android/editor.log. What counts as
-- an error is said in severity.lua. Exit code 0; with --strict 1 when there are errors.
local severity, fs, tty = require "severity", orch.fs, orch.tty
local columns = math.min(tty.size(), 120)

local function analyse(logs)
  -- One call reads them on all cores, counts, and keeps the first lines that match.
  local found = fs.scan(logs, severity, { caseless = true, matches = true, limit = 200 })
  found.times, found.errors = {}, {}
  for _, match in ipairs(found.matches) do
    if match.pattern == "time" then
      found.times[match.path] = match.text:sub(match.column):match "^[%w.: ]*%w"
    elseif match.pattern == "error" and #found.errors < 5 and not found.errors[match.text] then
      found.errors[match.text], found.errors[#found.errors + 1] = true, match
    end
  end
  return found
end

local function row(style, name, ...)
  local room = columns - 45
  if #name > room then name = "  ..." .. name:sub(6 - room) end
  print(tty.style(("%-" .. room .. "s%7s%8s%10s  %s"):format(name, ...), style))
end

-- { android = { analyse, logs }, ... }: gather calls them all at once.
local _ <close> = orch.cd(orch.args[1] or "tests/data/logs")
local calls, names, errors = {}, {}, 0
for _, log in ipairs(fs.glob "**/*.{log,txt}") do
  local name = log:match "^([^/]+)/" or "."
  if not calls[name] then names[#names + 1], calls[name] = name, { analyse, {} } end
  table.insert(calls[name][2], log)
end
if #names == 0 then orch.error "there is no *.log or *.txt in this folder" end
local reports = orch.gather(calls)

for _, name in ipairs(names) do
  local found, lines = reports[name], 0
  row("bold", name, "lines", "errors", "warnings", "build time")
  for _, log in ipairs(found.files) do
    local n, time = log.counts, found.times[log.path] or ""
    row(n.error > 0 and "red" or "", "  " .. log.path, log.lines, n.error, n.warning, time)
    lines = lines + log.lines
  end
  row("bold", "  together", lines, found.total.error, found.total.warning, "")
  for _, err in ipairs(found.errors) do
    local text = err.text:gsub("%c", " ")
    if #text > columns - 4 then text = text:sub(1, columns - 7) .. "..." end
    print(("\n  %s:%d\n    %s"):format(err.path, err.line, text))
  end
  print()
  errors = errors + found.total.error
end
os.exit(orch.args[2] == "--strict" and errors > 0 and 1 or 0)
