--- What a run would do, and why: `--dry-run` and `--explain JOB`. Nothing is written.
---
---     plan.print(session)

local freshness = require "orch.pipeline.freshness"
local nodes = require "orch.pipeline.nodes"
local task = require "orch.core.task"
local tty = require "orch.tty"

local plan = {}

---@class orch.PlanLine
---@field job string
---@field verdict "run"|"maybe"|"skip"
---@field reason string
---@field seconds number? of its last success

--- A job behind one that runs may run, or not, depending on what that one brings.
local function first_of(jobs, verdict, best)
  for _, other in ipairs(jobs) do
    local on = other.node
    if on and on.verdict == verdict and (not best or on.index < best.index) then best = on end
  end
  return best
end

local function upstream(node)
  local needed, follows = node.job.needed, node.job.follows
  return first_of(follows, "run", first_of(needed, "run"))
    or first_of(follows, "maybe", first_of(needed, "maybe"))
end

--- What the jobs before it write if they run.
local function add_written(job, written, seen)
  for _, list in ipairs { job.needed, job.follows } do
    for _, other in ipairs(list) do
      if not seen[other] and other.node and other.node.verdict ~= "skip" then
        seen[other] = true
        table.move(other.outputs, 1, #other.outputs, #written + 1, written)
        add_written(other, written, seen)
      end
    end
  end
  return written
end

--- Why it runs by the contents of its files; what those before it write may mend that.
local function closer_reason(session, node, on)
  if not on then return freshness.closer(session, node) end
  return freshness.surely(session, node, add_written(node.job, {}, {}))
end

local function decide(session, node)
  local job = node.job
  if not job.run then freshness.pass_on(session, job) end
  if job.skipped then return "skip", "skipped by --skip" end
  if session.reuse[job.name] then
    local again = freshness.again(session, node)
    return again and "run" or "skip", again or "recorded in this run"
  end
  if job.when ~= "success" then
    return job.when == "always" and "run" or "maybe", freshness.when_reason(job)
  end
  if not job.run then return "skip", "group" end
  local verdict, reason, passing = freshness.quick(session, node)
  if verdict == "run" and not passing then return "run", session.why[job.name] or reason end
  local on = upstream(node)
  if verdict == "closer" then reason = closer_reason(session, node, on) end
  if reason and not (on and passing) then return "run", session.why[job.name] or reason end
  if on then return "maybe", ("after %s, if that changes anything"):format(on.job.name) end
  return "skip", "up to date"
end

---@async
---@param session table
---@return orch.PlanLine[] lines in the order in which jobs would be considered
function plan.lines(session)
  local lines = {}
  local list = nodes.build(session)
  task.checkpoint()
  for i, node in ipairs(list) do
    node.verdict, node.reason = decide(session, node)
    local record = session.records[node.job.name]
    local verdict = node.verdict
    if not node.job.run then node.verdict = (upstream(node) or node).verdict end
    lines[i] = { job = node.job.name, verdict = verdict, reason = node.reason,
      seconds = record and record.seconds }
  end
  return lines
end

local styles = { run = "bold", maybe = "yellow", skip = "dim" }

local function show_seconds(seconds)
  if not seconds then return "       " end
  if seconds < 60 then return ("%6.1fs"):format(seconds) end
  return ("%7s"):format(("%dm %02ds"):format(seconds // 60, seconds % 60 // 1))
end

local function columns(text)
  return text:find "[\128-\255]" and tty.width(text) or #text
end

local function widest(lines)
  local width = 0
  for _, line in ipairs(lines) do width = math.max(width, columns(line.job)) end
  return math.min(width, 40)
end

local MANY = 20 -- jobs that need not run, for one reason: more are one line

--- What runs is not to be looked for among hundreds that do not.
local function without_crowds(lines)
  local by_reason, told, shown = {}, {}, {}
  local most = 0
  for _, line in ipairs(lines) do
    if line.verdict == "skip" then
      local count = (by_reason[line.reason] or 0) + 1
      by_reason[line.reason], most = count, math.max(most, count)
    end
  end
  if most <= MANY then return lines end
  for _, line in ipairs(lines) do
    local count = line.verdict == "skip" and by_reason[line.reason] or 0
    if count <= MANY then
      shown[#shown + 1] = line
    elseif not told[line.reason] then
      told[line.reason] = true
      shown[#shown + 1] = { job = count .. " jobs", verdict = "skip", reason = line.reason }
    end
  end
  return shown
end

local function show(lines)
  local verdicts, width, out = {}, widest(lines), {}
  for verdict, style in pairs(styles) do
    verdicts[verdict] = tty.style(("%-5s"):format(verdict), style)
  end
  local pads = setmetatable({}, { __index = function(pads, n)
    pads[n] = (" "):rep(n + 2)
    return pads[n]
  end })
  for i, line in ipairs(lines) do
    out[i] = verdicts[line.verdict] .. "  " .. line.job .. pads[width - columns(line.job)]
      .. show_seconds(line.seconds) .. "  " .. line.reason .. "\n"
  end
  return table.concat(out)
end

---Prints the plan; as JSON where `--json` was given.
---@async
---@param session table
---@return integer exit_code
function plan.print(session)
  local lines, counts = plan.lines(session), { run = 0, maybe = 0, skip = 0 }
  for _, line in ipairs(lines) do counts[line.verdict] = counts[line.verdict] + 1 end
  if session.options.json or session.options.ui == "json" then
    io.stdout:write(require("orch.json").pretty(require("orch.json").array(lines)), "\n")
    return 0
  end
  io.stdout:write(show(without_crowds(lines)), ("%d would run, %d may run, %d need not\n"):format(
    counts.run, counts.maybe, counts.skip))
  return 0
end

local MAX_PATHS = 10

local function tell_paths(out, title, list)
  for i, path in ipairs(list) do
    if i > MAX_PATHS then
      out[#out + 1] = ("... and %d more %s"):format(#list - MAX_PATHS, title)
      return
    end
    out[#out + 1] = ("%s: %s"):format(title, path)
  end
end

local function tell_files(out, session, node, side)
  local inputs = require "orch.pipeline.inputs"
  local look, record = node.look[side], session.records[node.job.name]
  if not look then return end
  for _, pattern in ipairs(look.missing or {}) do
    out[#out + 1] = ("%s: nothing matches %s"):format(side, pattern)
  end
  if inputs.stamp(look) == record[side .. "_stamp"] then return end
  local known = session.state:blob(session.script, node.job.name, side)
  local exclude = side == "inputs" and node.job.outputs or nil
  local now = inputs.detail(node.job[side], known, exclude)
  if not known then return end
  local added, removed, changed = inputs.compare(known, now.blob)
  local word = side == "inputs" and "input" or "output"
  tell_paths(out, "changed " .. word, changed)
  tell_paths(out, "new " .. word, added)
  tell_paths(out, "removed " .. word, removed)
end

--- What has changed since the last success, a sentence each.
local function changes_of(session, node)
  local out = {}
  for i, sentence in ipairs(freshness.definition_changes(session, node.job)) do out[i] = sentence end
  if not node.look then node.look = require("orch.pipeline.inputs").look({ node.job })[1] end
  tell_files(out, session, node, "inputs")
  tell_files(out, session, node, "outputs")
  return out
end

local words = { run = "would run", maybe = "may run", skip = "would not run" }

---Says why one job would run, with all that changed since its last success; as JSON where
---`--json` was given.
---@async
---@param session table
---@param graph table
---@param name string
---@return integer exit_code
function plan.explain(session, graph, name)
  local job = require("orch.pipeline.select").one(graph, name, "--explain")
  plan.lines(session)
  local node, record = job.node, session.records[job.name]
  if not node then
    io.stdout:write(job.name, " is not among the jobs of this run\n")
    return 0
  end
  local changes = record and changes_of(session, node) or {}
  if session.options.json then
    local json = require "orch.json"
    io.stdout:write(json.pretty({ job = job.name, verdict = node.verdict, reason = node.reason,
      changes = json.array(changes), run = record and record.run,
      seconds = record and record.seconds }), "\n")
    return 0
  end
  if changes[1] == node.reason then table.remove(changes, 1) end -- said once
  table.insert(changes, 1, ("%s %s: %s"):format(job.name, words[node.verdict], node.reason))
  if record then
    changes[#changes + 1] = ("its last success: run %s, %s"):format(record.run or "?",
      show_seconds(record.seconds):match "%S.*" or "?")
  end
  io.stdout:write(table.concat(changes, "\n  "), "\n")
  return 0
end

return plan
