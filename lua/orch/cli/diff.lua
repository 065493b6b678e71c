-- `orch diff RUN RUN`: what got slower or faster, and what changed.

local command = require "orch.cli.command"
local layout = require "orch.cli.table"
local project = require "orch.pipeline.project"
local text = require "orch.report.text"

local ROWS = 20 -- of times, without --all

local function change_cell(change)
  local sign = change > 0 and "+" or "-"
  return { sign .. text.duration(math.abs(change)), change > 0 and "red" or "green" }
end

local function factor(one)
  if one.before < 0.001 or one.after < 0.001 then return "" end
  local times = one.after / one.before
  return times >= 1 and ("%.1fx slower"):format(times) or ("%.1fx faster"):format(1 / times)
end

local function started(run)
  return run.started and os.date("%Y-%m-%d %H:%M:%S", math.floor(run.started))
end

local function head(before, after)
  local rows = {}
  for i, run in ipairs { before, after } do
    rows[i] = { run.id, layout.status(run.status), text.duration(run.elapsed),
      run.counts.ok, run.counts.skipped, run.counts.failed, started(run) }
  end
  command.write(layout.render({ { "RUN" }, { "STATUS" }, { "TIME", right = true },
    { "OK", right = true }, { "SKIP", right = true }, { "FAIL", right = true },
    { "STARTED", flexible = true } }, rows))
end

local function times(list, all)
  if #list == 0 then return end
  local rows = {}
  for i = 1, all and #list or math.min(#list, ROWS) do
    local one = list[i]
    rows[i] = { one.job, text.duration(one.before), text.duration(one.after),
      change_cell(one.change), factor(one) }
  end
  command.write("\n", layout.render({ { "SLOWER OR FASTER", flexible = true },
    { "BEFORE", right = true }, { "AFTER", right = true }, { "CHANGE", right = true }, { "" } },
    rows))
  if #rows < #list then print(("... and %d more; --all shows them"):format(#list - #rows)) end
end

local function changes(list)
  if #list == 0 then return end
  local rows = {}
  for i, one in ipairs(list) do
    rows[i] = { one.job or "the run", one.what, one.before, one.after }
  end
  command.write("\n", layout.render({ { "CHANGED", flexible = true }, { "WHAT" },
    { "BEFORE", flexible = true }, { "AFTER", flexible = true } }, rows))
end

local function names(title, list)
  if #list > 0 then print(("\n%s: %s"):format(title, table.concat(list, ", "))) end
end

local function json_of(before, after, found)
  local json = require "orch.json"
  local function of(run)
    return { id = run.id, status = run.status, elapsed = run.elapsed, started = run.started,
      counts = run.counts }
  end
  return { before = of(before), after = of(after), times = json.array(found.times),
    changes = json.array(found.changes), new = json.array(found.new),
    gone = json.array(found.gone) }
end

---@async
return command.new("diff", { "before", "after" }, function(asked, p)
  if not asked.after then require("orch.arg").fail "orch diff needs two runs: orch diff -2 last" end
  local compare = require "orch.pipeline.compare"
  local before = compare.load(project.run(p, asked.before))
  local after = compare.load(project.run(p, asked.after))
  local found = compare.runs(before, after)
  if asked.json then return command.print_json(json_of(before.run, after.run, found)) end
  head(before.run, after.run)
  times(found.times, asked.all)
  changes(found.changes)
  names("New jobs", found.new)
  names("Gone jobs", found.gone)
  if #found.times + #found.changes + #found.new + #found.gone == 0 then
    print "\nNothing is different."
  end
end)
