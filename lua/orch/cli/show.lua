-- `orch show [RUN]`: one run: what it was, each job, what its tools found, its logs.

local command = require "orch.cli.command"
local history = require "orch.pipeline.history"
local json = require "orch.json"
local layout = require "orch.cli.table"
local project = require "orch.pipeline.project"
local text = require "orch.report.text"
local tty = require "orch.tty"

local function list_of(params)
  local words = {}
  for name, value in pairs(params or {}) do words[#words + 1] = name .. "=" .. tostring(value) end
  table.sort(words)
  return table.concat(words, " ")
end

local function counts_of(run)
  local words = {}
  for _, state in ipairs { "ok", "skipped", "failed", "cancelled", "running", "retrying",
    "queued", "pending" } do
    if run.counts[state] > 0 then words[#words + 1] = run.counts[state] .. " " .. state end
  end
  return #words > 0 and table.concat(words, ", ") or "none"
end

local function line(name, value)
  if value and value ~= "" then print(("  %-9s %s"):format(name, text.line(value))) end
end

local function time(seconds)
  return seconds and os.date("%Y-%m-%d %H:%M:%S", math.floor(seconds)) or "?"
end

local function by(run)
  local words = time(run.started)
  if run.host then words = words .. " on " .. run.host end
  if run.user then words = words .. " by " .. run.user end
  return words
end

local verbs = { ok = "succeeded", running = "has been running for" }

local function head(run, folder)
  local status = layout.status(run.status)
  local verb = verbs[run.status] or run.status
  print(("Run %s of %s %s%s %s"):format(run.id, text.line(run.script or "?"),
    tty.style(verb, status[2] or ""), run.status == "running" and "" or " after",
    text.duration(run.elapsed)))
  line("started", by(run))
  line("asked", table.concat(run.args or {}, " "))
  line("params", list_of(run.params))
  if #run.sessions > 1 then
    line("sessions", ("%d, the last from %s"):format(#run.sessions,
      time(run.sessions[#run.sessions].time)))
  end
  line("jobs", counts_of(run))
  line("events", project.shown(folder.events))
  if run.skipped_lines > 0 then
    line("damage", text.count(run.skipped_lines, "line") .. " of it cannot be read")
  end
end

local function remark(job)
  if job.error then return text.error(job.error) end
  return job.because and "because " .. job.because or job.reason or job.message
end

local columns = {
  { "JOB", flexible = true }, { "STATE" }, { "TIME", right = true },
  { "TRIES", right = true }, { "REMARK", flexible = true },
}

local function jobs(run)
  if #run.order == 0 then return end
  local rows = {}
  for i, job in ipairs(run.order) do
    local tries = #job.attempts
    rows[i] = { job.name, layout.status(job.state),
      tries > 0 and text.duration(job.elapsed) or "", tries > 0 and tries or "", remark(job) }
  end
  command.write("\n", layout.render(columns, rows))
end

local function place_of(problem)
  if not problem.file then return nil end
  local place = problem.file
  if problem.line then place = place .. ":" .. problem.line end
  if problem.line and problem.column then place = place .. ":" .. problem.column end
  return place
end

local severities = { error = "red", warning = "yellow" }

-- As compilers print them, so that editors find the place; what an attempt found again is
-- told once.
local function problem_line(problem)
  local severity = problem.severity or "error"
  local place = place_of(problem)
  return ("%s%s%s: %s"):format(place and text.line(place) .. ": " or "",
    tty.style(text.line(severity), severities[severity] or ""),
    problem.code and " " .. text.line(problem.code) or "", text.line(problem.message or ""))
end

local MOST = 50 -- problems
local ranks = { error = 1, warning = 2 }

--- The errors first: a compiler has thousands of warnings.
local function problems(run)
  local seen, lines = {}, { "\nProblems" }
  for rank = 1, 3 do
    for _, problem in ipairs(run.problems) do
      local line = ("  %s  (%s)"):format(problem_line(problem), text.line(problem.job))
      if (ranks[problem.severity or "error"] or 3) == rank and not seen[line] then
        seen[line], lines[#lines + 1] = true, line
      end
    end
  end
  if #lines > 1 then print(table.concat(lines, "\n", 1, math.min(#lines, MOST + 1))) end
  if #lines > MOST + 1 then
    print(("  ... and %d more; orch report --html shows all"):format(#lines - MOST - 1))
  end
end

local function logs(run, folder)
  local root = run.failures[1]
  print(("\nLogs: %s/jobs/JOB/ATTEMPT/log"):format(project.shown(folder.folder)))
  if not root then return end
  print(("The first failure: orch logs %s --run %s"):format(
    require("orch.quote").command { root.name }, run.id))
end

local job_fields = { "name", "state", "elapsed", "reason", "because", "error", "started_at",
  "ended_at", "value", "desc", "where" }

local function json_of(run, folder)
  local list = json.array {}
  for i, job in ipairs(run.order) do
    local entry = { attempts = #job.attempts }
    for _, field in ipairs(job_fields) do entry[field] = job[field] end
    entry.log = #job.attempts > 0
      and project.job_log(folder.folder, job.name, job.attempts[#job.attempts].number) or nil
    list[i] = entry
  end
  return {
    id = run.id, script = run.script, status = run.status, started = run.started,
    elapsed = run.elapsed, args = json.array(run.args or {}), params = run.params,
    host = run.host, user = run.user, pid = run.pid, exit_code = run.exit_code,
    sessions = #run.sessions, counts = run.counts, jobs = list,
    problems = json.array(run.problems), events = folder.events,
    unreadable_lines = run.skipped_lines,
  }
end

---@async
return command.new("show", { "run" }, function(asked, p)
  local folder = project.run(p, asked.run)
  local run = history.load(folder)
  if asked.json then return command.print_json(json_of(run, folder)) end
  head(run, folder)
  jobs(run)
  problems(run)
  logs(run, folder)
end)
