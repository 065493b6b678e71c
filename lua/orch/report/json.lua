--- A run as one JSON document, for programs that do not want to read the event log: the
--- whole model, complete and stable.
---
---     print(json(model.load(run.events), { folder = run.folder }))
---
---     { "version": 1,
---       "run":    {id, script, folder, args, params, pools, slots, keep_going, seed, orch,
---                  host, user, pid, status, exit_code, signal, started, elapsed, sessions,
---                  counts, failures, skipped_lines, record},
---       "jobs":   [{name, desc, where, command, needs, after, pools, priority, when, timeout,
---                   expected, state, reason, because, queued_at, started_at, ended_at,
---                   elapsed, retry_at, waiting, attempts, steps, problems, progress, message,
---                   error, value, outputs, log}],
---       "problems": [{job, severity, message, file, line, column, code}] }
---
--- What is not known is left out. Times are seconds since the run's beginning, `started`
--- and `sessions[].time` seconds since 1970 (UTC), `elapsed` seconds. `jobs` are in the
--- order of their declaration, `failures` names in the order of time, `record` is the
--- run's folder and `log` the path of the last attempt's log. Fields are only ever added
--- within one `version`.

local json = require "orch.json"
local project = require "orch.pipeline.project"

local VERSION = 1

local run_fields = {
  "id", "script", "folder", "slots", "keep_going", "seed", "orch", "host", "user", "pid",
  "status", "exit_code", "signal", "started", "elapsed", "skipped_lines", "counts",
}
local job_fields = {
  "name", "desc", "where", "command", "pools", "priority", "when", "timeout", "expected",
  "state", "reason", "because", "queued_at", "started_at", "ended_at", "elapsed", "retry_at",
  "waiting", "progress", "message", "error", "value",
}
local attempt_fields = { "number", "status", "started_at", "ended_at", "elapsed", "reason",
  "error" }
local step_fields = { "name", "state", "attempt", "started_at", "ended_at", "elapsed", "value",
  "error" }
local problem_fields = { "job", "severity", "message", "file", "line", "column", "code" }

local function pick(from, fields)
  local picked = {}
  for _, field in ipairs(fields) do picked[field] = from[field] end
  return picked
end

local function list(from, fields)
  local picked = json.array {}
  for i, item in ipairs(from or {}) do
    picked[i] = fields and pick(item, fields) or item
  end
  return picked
end

local function job_of(job, folder)
  local one = pick(job, job_fields)
  one.needs, one.after = list(job.needs), list(job.after)
  one.attempts = list(job.attempts, attempt_fields)
  one.steps, one.problems = list(job.steps, step_fields), list(job.problems, problem_fields)
  one.outputs = job.outputs and list(job.outputs) or nil
  local attempt = job.attempts[#job.attempts]
  if folder and attempt then one.log = project.job_log(folder, job.name, attempt.number) end
  return one
end

---@param run orch.RunModel
---@param opts {folder: string?}? the run's folder
---@return string json a line for each item, names sorted
return function(run, opts)
  local folder = opts and opts.folder
  local about = pick(run, run_fields)
  about.args, about.sessions = list(run.args), list(run.sessions)
  about.params = next(run.params or {}) and run.params or nil
  about.pools = next(run.pools or {}) and run.pools or nil
  about.record = folder
  about.failures = json.array {}
  for i, job in ipairs(run.failures) do about.failures[i] = job.name end
  local jobs = json.array {}
  for i, job in ipairs(run.order) do jobs[i] = job_of(job, folder) end
  return json.pretty { version = VERSION, run = about, jobs = jobs,
    problems = list(run.problems, problem_fields) } .. "\n"
end
