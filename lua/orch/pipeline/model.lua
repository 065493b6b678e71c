--- What a run looks like after a number of its events: the fold that all views and
--- reports read. Times are seconds since the run began, resumed sessions after the first.
---
---     local run = model.load(folder .. "/events.jsonl")
---     print(run.status, run.counts.ok)

local model = {}

---@class orch.RunAttempt
---@field number integer
---@field started_at number
---@field ended_at number?
---@field status "running"|"ok"|"failed"|"cancelled"
---@field error table?
---@field elapsed number?
---@field reason string? why it ran

---@class orch.RunJob
---@field name string
---@field state "pending"|"queued"|"running"|"retrying"|"ok"|"skipped"|"failed"|"cancelled"
---@field needs string[]
---@field after string[]
---@field attempts orch.RunAttempt[]
---@field private step_by_name table<string, table>?
---@field steps {name: string, state: string, started_at: number?, ended_at: number?, elapsed: number?, value: any, attempt: integer}[]
---@field problems table[]
---@field desc string?
---@field where string?
---@field command string?
---@field expected number? seconds that it took last time
---@field reason string? why it ran or was skipped
---@field because string? why it was cancelled
---@field queued_at number?
---@field started_at number? of the first attempt
---@field ended_at number?
---@field elapsed number? of the last attempt
---@field retry_at number?
---@field waiting {pool: string, held_by: string[]}?
---@field progress {label: string?, done: number, total: number?}?
---@field message string?
---@field error table?
---@field value any
---@field outputs {[1]: string, [2]: integer}[]?
---@field last_line string? only while one watches

---@class orch.RunModel
---@field status "running"|"ok"|"failed"|"interrupted"|"crashed"
---@field order orch.RunJob[] in the order of declaration
---@field jobs table<string, orch.RunJob>
---@field counts table<string, integer> by state
---@field failures orch.RunJob[] in the order of time: the first is the root cause
---@field problems table[]
---@field sessions {time: number, offset: number}[]
local Run = { __name = "orch.run" }
Run.__index = Run

---@return orch.RunModel
function model.new()
  return setmetatable({
    status = "running", order = {}, jobs = {}, failures = {}, problems = {}, sessions = {},
    args = {}, params = {}, pools = {}, offset = 0, now = 0, skipped_lines = 0,
    counts = {
      pending = 0, queued = 0, running = 0, retrying = 0, ok = 0, skipped = 0, failed = 0,
      cancelled = 0,
    },
  }, Run)
end

local function set_state(run, job, state)
  run.counts[job.state] = run.counts[job.state] - 1
  run.counts[state] = run.counts[state] + 1
  job.state = state
  job.waiting, job.retry_at = nil, nil
end

--- Most jobs of a large run have nothing of these; a job that gets some has its own.
local none = setmetatable({}, {
  __newindex = function() error("this list belongs to many jobs", 2) end,
})

local function add(job, field, item)
  if job[field] == none then job[field] = {} end
  table.insert(job[field], item)
end

local function add_job(run, job)
  run.jobs[job.name] = job
  run.order[#run.order + 1] = job
  run.counts[job.state] = run.counts[job.state] + 1
  return job
end

--- In one go with what its declaration says: there may be a hundred thousand.
local function new_job(run, name, said)
  return add_job(run, {
    name = name, state = "pending", attempts = none, steps = none, problems = none,
    needs = said.needs or none, after = said.after or none, desc = said.desc,
    where = said.where, pools = said.pools, priority = said.priority, when = said.when,
    expected = said.expected, command = said.command, timeout = said.timeout,
  })
end

local function job_of(run, record)
  local name = tostring(record.job)
  return run.jobs[name] or new_job(run, name, none)
end

local function attempt_of(job, number)
  for i = #job.attempts, 1, -1 do
    if job.attempts[i].number == number then return job.attempts[i] end
  end
  return job.attempts[#job.attempts]
end

local function find_step(job, name)
  if not job.step_by_name then job.step_by_name = {} end
  local step = job.step_by_name[name]
  if not step then
    step = { name = name, state = "running" }
    job.step_by_name[name] = step
    add(job, "steps", step)
  end
  return step
end

local apply = {}

local session_fields = {
  "script", "folder", "args", "slots", "keep_going", "params", "pools", "seed", "orch",
  "host", "user", "pid",
}

local function begin_session(run, record)
  for _, field in ipairs(session_fields) do
    if record[field] ~= nil then run[field] = record[field] end
  end
  run.id = record.run or run.id
  local time = tonumber(record.time) or 0
  run.started = run.started or time
  -- A clock that was set back in between must not make the run go back.
  run.offset = math.max(run.now, time - run.started)
  run.sessions[#run.sessions + 1] = { time = time, offset = run.offset }
  run.status, run.ended, run.signal = "running", nil, nil
end

apply.run_start = begin_session

--- What was being done when a session ended without a word is to be done again.
local function forget_unfinished(run)
  for _, job in ipairs(run.order) do
    if job.state ~= "ok" and job.state ~= "skipped" then
      local last = job.attempts[#job.attempts]
      if last and last.status == "running" then
        last.status, last.ended_at = "cancelled", run.now
      end
      set_state(run, job, "pending")
      job.queued_at, job.ended_at, job.error, job.because = nil, nil, nil, nil
    end
  end
  run.failures = {}
end

function apply.run_resume(run, record)
  forget_unfinished(run)
  begin_session(run, record)
end

local job_fields = {
  "desc", "where", "needs", "after", "pools", "priority", "when", "expected", "command",
  "timeout",
}

function apply.job(run, record)
  local name = tostring(record.job)
  local job = run.jobs[name]
  if not job then
    new_job(run, name, record)
  else -- resumed, and perhaps declared otherwise
    for _, field in ipairs(job_fields) do
      if record[field] ~= nil then job[field] = record[field] end
    end
  end
  if record.skip then
    apply.job_skip(run, { job = record.job, reason = record.skip, value = record.value })
  end
end

function apply.up_to_date(run, record)
  local skip = { reason = "up to date" }
  for _, name in ipairs(record.jobs) do
    if run.jobs[name] then
      skip.job = name
      apply.job_skip(run, skip)
    else
      add_job(run, {
        name = name, state = "skipped", reason = "up to date", attempts = none, steps = none,
        problems = none, needs = none, after = none,
      })
    end
  end
end

function apply.job_skip(run, record)
  local job = job_of(run, record)
  job.reason, job.elapsed = record.reason, record.elapsed or job.elapsed
  if record.value ~= nil then job.value = record.value end
  if job.state == "ok" then return end -- by an earlier session
  set_state(run, job, "skipped")
end

function apply.job_ready(run, record)
  local job = job_of(run, record)
  set_state(run, job, "queued")
  job.queued_at = run.now
end

function apply.job_wait(run, record)
  job_of(run, record).waiting = { pool = record.pool, held_by = record.held_by or {} }
end

--- What an attempt found counts no more when another one looks again.
local function forget_problems(run, job)
  if #job.problems == 0 then return end
  job.problems = none
  local rest = {}
  for _, problem in ipairs(run.problems) do
    if problem.job ~= job.name then rest[#rest + 1] = problem end
  end
  run.problems = rest
end

function apply.job_start(run, record)
  local job = job_of(run, record)
  forget_problems(run, job)
  set_state(run, job, "running")
  job.queued_at = job.queued_at or run.now
  job.started_at = job.started_at or run.now
  job.reason, job.progress, job.message = record.reason or job.reason, nil, nil
  job.last_line = nil -- of the attempt before
  add(job, "attempts", {
    number = record.attempt or #job.attempts + 1, started_at = run.now, status = "running",
    reason = record.reason,
  })
end

local function end_attempt(run, job, record, status)
  local attempt = attempt_of(job, record.attempt)
  if not attempt or attempt.status ~= "running" then return end
  attempt.status, attempt.ended_at, attempt.error = status, run.now, record.error
  attempt.elapsed = record.elapsed or run.now - attempt.started_at
end

function apply.job_retry(run, record)
  local job = job_of(run, record)
  end_attempt(run, job, record, "failed")
  set_state(run, job, "retrying")
  job.error, job.retry_at = record.error, run.now + (record.delay or 0)
end

local final = { ok = true, failed = true, cancelled = true }

function apply.job_end(run, record)
  local job = job_of(run, record)
  local status = final[record.status] and record.status or "failed"
  if record.attempt then end_attempt(run, job, record, status) end
  set_state(run, job, status)
  job.ended_at, job.elapsed = run.now, record.elapsed or job.elapsed
  job.error, job.because = record.error, record.because
  job.value, job.outputs = record.value, record.outputs
  job.progress = nil
  if status == "failed" then run.failures[#run.failures + 1] = job end
end

function apply.progress(run, record)
  job_of(run, record).progress = {
    label = record.label, done = record.done or 0, total = record.total,
  }
end

function apply.message(run, record)
  job_of(run, record).message = record.text
end

function apply.problem(run, record)
  local job = job_of(run, record)
  add(job, "problems", record)
  run.problems[#run.problems + 1] = record
end

local step_states = {
  step_start = "running", step = "done", step_reuse = "reused", step_fail = "failed",
}
for event, state in pairs(step_states) do
  apply[event] = function(run, record)
    local step = find_step(job_of(run, record), record.step)
    step.state, step.attempt, step.elapsed = state, record.attempt, record.elapsed or step.elapsed
    if record.value ~= nil then step.value = record.value end
    step.error = record.error
    if event == "step_start" then
      step.started_at, step.ended_at = run.now, nil
    elseif event ~= "step_reuse" then
      step.ended_at = run.now
    end
  end
end

local LONGEST = 4096 -- bytes of a last line: more than a terminal is wide

function apply.output(run, record)
  if record.job == nil then return end
  local text = record.text
  local last = text:match "^.*()%S"
  if not last then return end
  local from, least = last, math.max(1, last - LONGEST + 1)
  while from > least and text:byte(from - 1) ~= 10 do from = from - 1 end
  while from > 1 and from < last and text:byte(from) & 0xc0 == 0x80 do from = from + 1 end
  job_of(run, record).last_line = text:sub(from, last)
end

function apply.run_end(run, record)
  run.status, run.exit_code, run.signal = record.status, record.exit_code, record.signal
  run.ended = true
end

---Takes in a record. Unknown events are ignored.
---@param record table
function Run:apply(record)
  self.now = math.max(self.now, self.offset + record.t)
  self.elapsed = self.now
  local fn = apply[record.event]
  if fn then fn(self, record) end
end

---A run from its file. One without an end is "crashed"; whether it still runs only the
---project's lock can tell.
---@async
---@param path string of events.jsonl
---@return orch.RunModel
function model.load(path)
  local run = model.new()
  local records, info = require("orch.pipeline.events").read(path)
  for record in records do run:apply(record) end
  run.skipped_lines = info.skipped
  if not run.ended then run.status = "crashed" end
  return run
end

return model
