--- What the page's script knows of a run, as plain data. Jobs are named by their place in
--- the list, from 0.
---
---     local data = data.of(run, path, logs)     -- for markup.embed

local json = require "orch.json"
local markup = require "orch.report.html.markup"

local data = {}

-- More of one kind than a person reads, which would only make the file large.
local STEPS, OUTPUTS, PROBLEMS, NAMES = 300, 300, 3000, 1000
local LONG, SHORT = 8000, 1000 -- bytes of a text

local short = markup.short

local function seconds(value)
  return math.type(value) and math.floor(value * 1000 + 0.5) / 1000 or nil
end

local function optional(value, bytes)
  if value == nil then return nil end
  return short(type(value) == "string" and value or tostring(value), bytes or SHORT)
end

local function as_json(value)
  if value == nil then return nil end
  local ok, encoded = pcall(json.encode, value, { sorted = true })
  return ok and short(encoded, LONG) or nil
end

local function places(names, place_of)
  local list = json.array {}
  for i, name in ipairs(names) do
    if i > NAMES then break end
    list[#list + 1] = place_of[name]
  end
  return list
end

local function error_of(err)
  if type(err) ~= "table" then return err and { message = optional(err, LONG) } end
  return {
    message = optional(err.message or err.kind, LONG), kind = optional(err.kind),
    command = optional(err.command, LONG), exit_code = err.exit_code, where = optional(err.where),
    signal = optional(err.signal), stalled = err.stalled and true or nil,
    traceback = optional(err.traceback, LONG),
  }
end

local function attempts_of(job, logs)
  local list = json.array {}
  for i, attempt in ipairs(job.attempts) do
    local log = logs and logs[attempt.number]
    list[i] = {
      number = attempt.number, from = seconds(attempt.started_at), to = seconds(attempt.ended_at),
      status = attempt.status, error = error_of(attempt.error), reason = optional(attempt.reason),
      log = log and { path = optional(log.shown), size = log.size, left_out = log.left_out } or nil,
    }
  end
  return list
end

local function steps_of(job)
  local list = json.array {}
  for i, step in ipairs(job.steps) do
    if i > STEPS then break end
    list[i] = { name = optional(step.name), state = step.state, elapsed = seconds(step.elapsed),
      attempt = step.attempt, value = as_json(step.value), error = error_of(step.error) }
  end
  return list
end

local function outputs_of(job)
  local list = json.array {}
  for i, output in ipairs(job.outputs or {}) do
    if i > OUTPUTS then break end
    list[i] = { optional(output[1] or output.path), output[2] or output.size or json.null }
  end
  return list
end

local function job_of(job, place_of, path, logs)
  return {
    name = short(job.name, LONG), desc = optional(job.desc), where = optional(job.where),
    command = optional(job.command, LONG), state = job.state, reason = optional(job.reason),
    because = optional(job.because), needs = places(job.needs, place_of),
    after = places(job.after, place_of), pools = as_json(job.pools), priority = job.priority,
    when = optional(job["when"]), expected = seconds(job.expected), timeout = job.timeout,
    queued = seconds(job.queued_at), to = seconds(job.ended_at), elapsed = seconds(job.elapsed),
    message = optional(job.message), value = as_json(job.value),
    error = #job.attempts == 0 and error_of(job.error) or nil,
    critical = path.on[job.name] and true or nil, attempts = attempts_of(job, logs),
    steps = steps_of(job), outputs = outputs_of(job), more_steps = #job.steps - STEPS > 0
      and #job.steps - STEPS or nil,
  }
end

local weights = { error = 1, warning = 2, info = 3 }

---The problems, errors first; the same one found several times in a job stands once.
---@param run orch.RunModel
---@return {problem: table, times: integer}[]
function data.problems(run)
  local list, known = {}, {}
  for _, problem in ipairs(run.problems) do
    local key = table.concat({ tostring(problem.job), tostring(problem.severity),
      tostring(problem.file), tostring(problem.line), tostring(problem.code),
      tostring(problem.message) }, "\0")
    if known[key] then
      known[key].times = known[key].times + 1
    else
      known[key] = { problem = problem, times = 1, index = #list + 1 }
      list[#list + 1] = known[key]
    end
  end
  table.sort(list, function(a, b)
    local x, y = weights[a.problem.severity] or 2, weights[b.problem.severity] or 2
    if x ~= y then return x < y end
    return a.index < b.index
  end)
  return list
end

local function problems_of(list, place_of)
  local found = json.array {}
  for i, item in ipairs(list) do
    if i > PROBLEMS then break end
    local p = item.problem
    found[i] = {
      job = place_of[p.job], severity = weights[p.severity] and p.severity or "warning",
      message = optional(p.message, LONG), file = optional(p.file), line = p.line,
      column = p.column, code = optional(p.code), times = item.times,
    }
  end
  return found
end

---@param run orch.RunModel
---@param path orch.CriticalPath
---@param logs table<table, orch.ReportLog[]> by job
---@param problems table[] of `data.problems`
---@return table
function data.of(run, path, logs, problems)
  local place_of, jobs = {}, json.array {}
  for i, job in ipairs(run.order) do place_of[job.name] = i - 1 end
  for i, job in ipairs(run.order) do jobs[i] = job_of(job, place_of, path, logs[job]) end
  local sessions = json.array {}
  for i, session in ipairs(run.sessions) do sessions[i] = seconds(session.offset) end
  return {
    started = run.started, elapsed = seconds(run.elapsed or 0), status = run.status, jobs = jobs,
    sessions = sessions, problems = problems_of(problems, place_of), script = optional(run.script),
  }
end

return data
