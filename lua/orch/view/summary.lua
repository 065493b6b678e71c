--- What stands at the end of a run. Of one that failed: all failures in short, what was
--- cancelled, and the root cause last, with all that one needs to go on.
---
---     io.write(summary.text(run, { folder = run_folder, color = true }))

local again = require "orch.view.again"
local cause = require "orch.view.cause"
local news = require "orch.view.news"
local painter = require "orch.view.paint"
local show = require "orch.view.show"
local text = require "orch.view.text"

local summary = {}

local SHORT = 10           -- failures that are named
local LONG_RUN = 10        -- seconds from which the slowest jobs are worth a line
local SLOWEST = 3

-- ---- the counts ----

local function problems_text(run)
  local errors, warnings = 0, 0
  for _, problem in ipairs(run.problems) do
    if problem.severity == "warning" then
      warnings = warnings + 1
    elseif problem.severity ~= "info" then
      errors = errors + 1
    end
  end
  local parts = {}
  if errors > 0 then parts[1] = show.count(errors, "error") end
  if warnings > 0 then parts[#parts + 1] = show.count(warnings, "warning") end
  return #parts > 0 and " (" .. table.concat(parts, ", ") .. " reported)" or ""
end

local function skipped_text(run)
  local by_reason, order = {}, {}
  for _, job in ipairs(run.order) do
    if job.state == "skipped" then
      local reason = (job.reason or "up to date"):match "^[^,]*" -- "not needed, as ..."
      if not by_reason[reason] then order[#order + 1] = reason end
      by_reason[reason] = (by_reason[reason] or 0) + 1
    end
  end
  local parts = {}
  for i, reason in ipairs(order) do parts[i] = by_reason[reason] .. " " .. text.line(reason) end
  return parts
end

--- "12 jobs ok, 30 up to date": failures first.
local function counts_text(run)
  local counts, parts = run.counts, {}
  if counts.failed > 0 then parts[1] = show.count(counts.failed, "job") .. " failed" end
  if counts.cancelled > 0 then parts[#parts + 1] = counts.cancelled .. " cancelled" end
  local unfinished = counts.pending + counts.queued + counts.running + counts.retrying
  if unfinished > 0 then parts[#parts + 1] = unfinished .. " not finished" end
  if counts.ok > 0 then
    parts[#parts + 1] = (#parts == 0 and show.count(counts.ok, "job") or counts.ok) .. " ok"
  end
  local skipped = skipped_text(run)
  table.move(skipped, 1, #skipped, #parts + 1, parts)
  return #parts > 0 and table.concat(parts, ", ") or "no jobs"
end

--- Of this session: between a crash and `orch resume` nothing was done.
local function time_of(run)
  local last = run.sessions[#run.sessions]
  return show.seconds(run.elapsed - (last and last.offset or 0))
end

-- ---- a success ----

local function slowest_text(run)
  local jobs = {}
  for _, job in ipairs(run.order) do
    if job.state == "ok" and job.elapsed then jobs[#jobs + 1] = job end
  end
  if run.elapsed < LONG_RUN or #jobs < 2 then return nil end
  table.sort(jobs, function(a, b) return a.elapsed > b.elapsed end)
  local parts = {}
  for i = 1, math.min(SLOWEST, #jobs) do
    parts[i] = text.line(jobs[i].name) .. " " .. show.seconds(jobs[i].elapsed)
  end
  return "slowest: " .. table.concat(parts, ", ")
end

local function success(run, add, paint)
  local counts = run.counts
  local words = counts_text(run)
  if counts.ok == 0 and counts.skipped > 0 then
    words = "nothing to do: " .. words
  end
  add(paint(words, "good"), " in ", time_of(run), problems_text(run))
  local slowest = slowest_text(run)
  if slowest then add(paint(slowest, "dim")) end
end

-- ---- a failure ----

local function add_short(run, add, paint)
  if #run.failures < 2 then return end
  local columns = 0
  for i = 1, math.min(#run.failures, SHORT) do
    columns = math.max(columns, #text.line(run.failures[i].name))
  end
  columns = math.min(columns, 40)
  for i = 1, math.min(#run.failures, SHORT) do
    local job = run.failures[i]
    local time = job.elapsed and show.seconds(job.elapsed) .. "  " or ""
    add(paint("fail", "bad"), "   ", text.pad(text.line(job.name), columns), "  ", time,
      show.failure(job.error))
  end
  if #run.failures > SHORT then
    add(("       and %d more failures"):format(#run.failures - SHORT))
  end
end

--- "3 cancelled because build:ios failed", a line for each reason.
local function add_cancelled(run, add, paint)
  local by_reason, order = {}, {}
  for _, job in ipairs(run.order) do
    if job.state == "cancelled" then
      local reason = "cancelled " .. news.because(job.because)
      if not by_reason[reason] then order[#order + 1] = reason end
      by_reason[reason] = (by_reason[reason] or 0) + 1
    end
  end
  for _, reason in ipairs(order) do
    add(paint(by_reason[reason] .. " " .. reason, "warn"))
  end
end

local function add_resume(run, add, paint)
  if again.resume_helps(run) then
    cause.field(add, paint, "go on", { "orch resume" })
  end
end

local function failure(run, add, paint, folder)
  add ""
  add_short(run, add, paint)
  add_cancelled(run, add, paint)
  add(counts_text(run), " in ", time_of(run), problems_text(run))
  add ""
  cause.add(run, run.failures[1], add, paint, folder)
  add_resume(run, add, paint)
end

-- ---- a run that was ended ----

local function names_in(run, states)
  local names = {}
  for _, job in ipairs(run.order) do
    if states(job) then names[#names + 1] = job.name end
  end
  return names
end

local function interrupted(run, add, paint)
  add ""
  local signal = run.signal and " by " .. text.line(tostring(run.signal)) or ""
  add(paint("interrupted" .. signal, "warn"), " after ", time_of(run), ": ",
    counts_text(run))
  local stopped = names_in(run, function(job)
    return (job.state == "cancelled" or job.state == "running") and #job.attempts > 0
  end)
  if #stopped > 0 then add("stopped while running: ", show.names(stopped, SHORT)) end
  local left = names_in(run, function(job)
    return job.state ~= "ok" and job.state ~= "skipped" and job.state ~= "failed"
      and #job.attempts == 0
  end)
  if #left > 0 then add("not started: ", show.names(left, SHORT)) end
  cause.field(add, paint, "go on", { "orch resume" })
end

-- ---- all of them ----

---@param run orch.RunModel
---@param opts {folder: string?, color: boolean?} `folder` of the run, for the logs
---@return string text empty where the run has not ended
function summary.text(run, opts)
  local paint, lines = painter(opts.color or false), {}
  local function add(...)
    lines[#lines + 1] = table.concat { ... }
  end
  if run.status == "ok" then
    success(run, add, paint)
  elseif run.status == "interrupted" then
    interrupted(run, add, paint)
    if run.failures[1] then
      add ""
      cause.add(run, run.failures[1], add, paint, opts.folder)
    end
  elseif run.status == "failed" and run.failures[1] then
    failure(run, add, paint, opts.folder)
  elseif run.status == "failed" then
    add(paint("failed", "bad"), " after ", time_of(run), ": ", counts_text(run))
  else
    return ""
  end
  return table.concat(lines, "\n") .. "\n"
end

return summary
