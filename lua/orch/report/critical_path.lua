--- The critical path of a run: the chain of jobs that decided when it ended, because each
--- waited for the one before it. What is not on it could be faster without any gain.
---
---     local path = critical_path.of(run)
---     for _, link in ipairs(path.links) do print(link.job.name, link.ran, link.queued) end

local critical_path = {}

---@class orch.CriticalLink
---@field job orch.RunJob
---@field from number when all that it needed was done; seconds since the run began
---@field to number when it ended, or the last time seen while it runs
---@field queued number seconds between `from` and its first attempt
---@field ran number seconds of its attempts
---@field paused number seconds between its attempts
---@field idle number seconds of these in which no session ran

---@class orch.CriticalPath
---@field links orch.CriticalLink[] the first that ran comes first
---@field on table<string, orch.CriticalLink> by the name of the job
---@field queued number seconds, of all links
---@field ran number
---@field paused number
---@field idle number

local function end_of(run, job)
  if job.ended_at then return job.ended_at end
  return #job.attempts > 0 and run.now or nil
end

--- What a job waited for last. A job that was cancelled without having run stands for
--- what it had waited for itself.
local function last_needed(run, job, seen)
  local last, last_end
  for _, list in ipairs { job.needs, job.after } do
    for _, name in ipairs(list) do
      local other = run.jobs[name]
      local ended = other and not seen[other] and end_of(run, other)
      if ended and (not last_end or ended > last_end) then last, last_end = other, ended end
    end
  end
  return last
end

local function last_to_end(run)
  local last, last_end
  for _, job in ipairs(run.order) do
    local ended = #job.attempts > 0 and end_of(run, job)
    if ended and (not last_end or ended > last_end) then last, last_end = job, ended end
  end
  return last
end

--- The seconds before `to` that began with a session that had ended, at `from`.
local function idle_between(run, from, to)
  local idle = 0
  for _, session in ipairs(run.sessions) do
    local offset = session.offset or 0
    if offset > from and offset <= to then idle = math.max(idle, offset - from) end
  end
  return idle
end

--- The times of one job. Attempts of a session that was killed came before it was ready
--- once more; they count from their own beginning.
local function link_of(run, job)
  local first = job.attempts[1].started_at
  local from = math.min(job.queued_at or first, first)
  local to, ran, idle = end_of(run, job), 0, 0
  for i, attempt in ipairs(job.attempts) do
    local ended, next_one = attempt.ended_at or to, job.attempts[i + 1]
    ran = ran + ended - attempt.started_at
    if next_one then idle = idle + idle_between(run, ended, next_one.started_at) end
  end
  local queued = first - from
  return {
    job = job, from = from, to = to, queued = queued, ran = ran, idle = idle,
    paused = math.max(0, to - from - queued - ran - idle),
  }
end

---The path that ends with the job that ended last; empty when nothing has run.
---@param run orch.RunModel
---@return orch.CriticalPath
function critical_path.of(run)
  local path = { links = {}, on = {}, queued = 0, ran = 0, paused = 0, idle = 0 }
  -- A log that was damaged may show jobs that need each other.
  local seen = {}
  local job = last_to_end(run)
  while job do
    seen[job] = true
    if #job.attempts > 0 then
      local link = link_of(run, job)
      table.insert(path.links, 1, link)
      path.on[job.name] = link
      path.queued, path.ran = path.queued + link.queued, path.ran + link.ran
      path.paused, path.idle = path.paused + link.paused, path.idle + link.idle
    end
    job = last_needed(run, job, seen)
  end
  return path
end

return critical_path
