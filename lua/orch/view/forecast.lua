--- How far a run is, and how long it will still take, by what its jobs took last time.
---
---     local forecast = forecasts.new(run)
---     forecast:event(record)
---     forecast:fraction(now, at_work)      -- 0.41
---     forecast:left(now, at_work)          -- seconds, or nil: better nothing than a guess

local forecasts = {}

local TRUSTED_FROM = 0.05    -- of the work
local TRUSTED_WITHIN = 10    -- times what was expected
local CRITICAL_LIMIT = 20000 -- jobs; with more, their number decides, not the longest path

---@class orch.ViewForecast
---@field private run orch.RunModel
---@field private state table<string, "open"|"done">
---@field private open {sum: number, unknown: integer} expected seconds, and jobs without
---@field private done {sum: number, unknown: integer}
---@field private known {sum: number, count: integer} for the average
---@field private proved {expected: number, actual: number} of jobs that have ended
---@field private paths table<string, number>? longest path from a job's start to the end
---@field private longest string[] jobs by their path, the longest first
---@field private first integer of `longest` that may still be to do
local Forecast = {}
Forecast.__index = Forecast

--- What a job is expected to take; one that nobody knows takes as long as the others do.
local function weight(self, job)
  if job.expected then return job.expected end
  local known = self.known
  return known.count > 0 and known.sum / known.count or 1
end

local function put(bucket, job, sign)
  if job.expected then
    bucket.sum = bucket.sum + sign * job.expected
  else
    bucket.unknown = bucket.unknown + sign
  end
end

local function add(self, job)
  if self.state[job.name] then return end
  self.state[job.name], self.paths = "open", nil
  put(self.open, job, 1)
  if job.expected then
    self.known.sum, self.known.count = self.known.sum + job.expected, self.known.count + 1
  end
end

--- Skipped: no work of this run.
local function leave_out(self, job)
  if self.state[job.name] == "open" then put(self.open, job, -1) end
  self.state[job.name] = "done"
end

local function finish(self, job)
  if self.state[job.name] ~= "open" then return end
  self.state[job.name] = "done"
  put(self.open, job, -1)
  put(self.done, job, 1)
  if job.expected and job.state == "ok" and job.elapsed then
    self.proved.expected = self.proved.expected + job.expected
    self.proved.actual = self.proved.actual + job.elapsed
  end
end

local ended = { ok = true, failed = true, cancelled = true }

local function start_over(self)
  self.state, self.paths = {}, nil
  self.open, self.done = { sum = 0, unknown = 0 }, { sum = 0, unknown = 0 }
  self.known, self.proved = { sum = 0, count = 0 }, { expected = 0, actual = 0 }
  for _, job in ipairs(self.run.order) do
    if job.state ~= "skipped" then add(self, job) end
    if ended[job.state] then finish(self, job) end
  end
end

local on = {}

function on.job(self, job)
  if job.state == "skipped" then leave_out(self, job) else add(self, job) end
end

on.job_skip, on.job_end = leave_out, finish

---Takes note of a record that the model has applied already.
---@param record table
function Forecast:event(record)
  if record.event == "run_resume" then return start_over(self) end
  local handle = on[record.event]
  if handle then handle(self, self.run.jobs[record.job]) end
end

local function total(self, bucket)
  return bucket.sum + bucket.unknown * weight(self, {})
end

local function elapsed(job, now)
  local attempt = job.attempts[#job.attempts]
  return attempt and attempt.status == "running" and math.max(0, now - attempt.started_at) or 0
end

--- How much a job at work says it has done, 0 to 1. Progress seldom goes evenly, so this is
--- for jobs of which no earlier time is known.
local function told(job)
  local progress = job.progress
  if not progress or not progress.total or progress.total <= 0 then return nil end
  return math.max(0, math.min(1, progress.done / progress.total))
end

--- How much of a job at work is done, 0 to 1.
local function share(job, now)
  if not job.expected then return told(job) or 0 end
  return math.min(0.99, elapsed(job, now) / math.max(job.expected, 1e-3))
end

---@param now number seconds since the run began
---@param at_work string[] jobs that run or wait for another attempt
---@return number fraction of the work that is done, 0 to 1
function Forecast:fraction(now, at_work)
  local done = total(self, self.done)
  local all = done + total(self, self.open)
  if all <= 0 then return self.run.counts.pending == 0 and #at_work == 0 and 1 or 0 end
  for _, name in ipairs(at_work) do
    local job = self.run.jobs[name]
    done = done + share(job, now) * weight(self, job)
  end
  return math.min(1, done / all)
end

--- needs and after, both of which wait.
local function each_before(run, job, fn)
  for _, list in ipairs { job.needs or {}, job.after or {} } do
    for _, name in ipairs(list) do
      if run.jobs[name] then fn(name) end
    end
  end
end

--- The longest path behind every job, from the last jobs to the first.
local function find_paths(self)
  local run, paths, waits, ready = self.run, {}, {}, {}
  for _, job in ipairs(run.order) do
    each_before(run, job, function(name) waits[name] = (waits[name] or 0) + 1 end)
  end
  for _, job in ipairs(run.order) do
    paths[job.name] = weight(self, job)
    if not waits[job.name] then ready[#ready + 1] = job end
  end
  while #ready > 0 do
    local job = table.remove(ready)
    each_before(run, job, function(name)
      local before = run.jobs[name]
      paths[name] = math.max(paths[name], weight(self, before) + paths[job.name])
      waits[name] = waits[name] - 1
      if waits[name] == 0 then ready[#ready + 1] = before end
    end)
  end
  self.paths, self.longest, self.first = paths, {}, 1
  for i, job in ipairs(run.order) do self.longest[i] = job.name end
  table.sort(self.longest, function(a, b) return paths[a] > paths[b] end)
end

local not_started = { pending = true, queued = true }

--- The longest path of what has not started yet.
local function longest_ahead(self)
  while self.first <= #self.longest do
    local name = self.longest[self.first]
    if not_started[self.run.jobs[name].state] then return self.paths[name] end
    self.first = self.first + 1
  end
  return 0
end

--- What a job at work still needs: a tenth of its time when it is late, and then it is
--- seldom done at once.
local function remaining(self, job, now)
  local passed = elapsed(job, now)
  local done = not job.expected and told(job)
  if done and done > 0 then return passed * (1 - done) / done end
  local waits = job.retry_at and math.max(0, job.retry_at - now) or 0
  return waits + math.max(weight(self, job) - passed, passed / 10)
end

--- Whether the times of earlier runs say anything about this one.
local function trusted(self, now, at_work)
  if self.known.count == 0 or self:fraction(now, at_work) < TRUSTED_FROM then return false end
  local proved = self.proved
  local expected, actual = proved.expected, proved.actual
  for _, name in ipairs(at_work) do
    local job = self.run.jobs[name]
    local passed = elapsed(job, now)
    if job.expected and passed > job.expected then
      expected, actual = expected + job.expected, actual + passed
    end
  end
  if expected < 1 and actual < 1 then return true end
  return actual <= expected * TRUSTED_WITHIN and actual >= expected / TRUSTED_WITHIN
end

---@param now number seconds since the run began
---@param at_work string[] jobs that run or wait for another attempt
---@return number? seconds nil before 5 % is done, and when the last times were far off
function Forecast:left(now, at_work)
  if not trusted(self, now, at_work) then return nil end
  local sum, path = total(self, self.open), 0
  local critical = #self.run.order <= CRITICAL_LIMIT
  if critical and not self.paths then find_paths(self) end
  for _, name in ipairs(at_work) do
    local job = self.run.jobs[name]
    local rest, own = remaining(self, job, now), weight(self, job)
    sum = sum - own + rest
    path = math.max(path, critical and rest + self.paths[name] - own or rest)
  end
  if critical then path = math.max(path, longest_ahead(self)) end
  return math.max(path, sum / math.max(1, self.run.slots or 1))
end

---@param run orch.RunModel
---@return orch.ViewForecast
function forecasts.new(run)
  local self = setmetatable({ run = run }, Forecast)
  start_over(self)
  return self
end

return forecasts
