--- A run in the Trace Event Format, for Perfetto (ui.perfetto.dev) and chrome://tracing.
---
---     fs.write("trace.json", trace(model.load(run.events), { folder = run.folder }))
---
--- The process "slots" has a track for every job that ran at once, with attempts and the
--- steps within them; the process "waiting" shows what queued, and pauses before another
--- attempt. Counters show how many of each; arrows lead from a job to those that had
--- waited for it. Times are microseconds since the run's beginning.

local json = require "orch.json"
local lanes = require "orch.report.lanes"
local text = require "orch.report.text"

local SLOTS, WAITING = 1, 2 -- process IDs
local STEP_LANES = 100 -- tracks of a slot: steps that ran at once get tracks of their own

-- Colour names that both viewers know.
local colours = { ok = "good", failed = "terrible", cancelled = "bad", running = "rail_idle" }

local function micro(seconds)
  return math.floor(seconds * 1e6 + 0.5)
end

local function add(events, event)
  events[#events + 1] = event
end

-- The attempts of all jobs, sorted by their beginning, and what was waited between.
local function collect(run)
  local attempts, waits = {}, {}
  local function wait(job, from, to, name)
    if from and to and to > from then
      waits[#waits + 1] = { from = from, to = to, job = job, name = name }
    end
  end
  for number, job in ipairs(run.order) do
    local before = job.queued_at
    for i, attempt in ipairs(job.attempts) do
      local one = { from = attempt.started_at, to = attempt.ended_at or run.now, job = job,
        attempt = attempt, number = number, last = i == #job.attempts }
      one.to = math.max(one.to, one.from)
      attempts[#attempts + 1] = one
      wait(job, before, one.from, i == 1 and "queued" or "before another attempt")
      before = one.to
    end
    if #job.attempts == 0 then
      wait(job, job.queued_at, job.ended_at or job.queued_at and run.now, "queued")
    end
  end
  local function earlier(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return (a.number or 0) < (b.number or 0)
  end
  table.sort(attempts, earlier)
  table.sort(waits, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.job.name < b.job.name
  end)
  return attempts, waits
end

local function about(one)
  local job, attempt = one.job, one.attempt
  local err = attempt.error
  return {
    job = job.name, attempt = attempt.number, status = attempt.status, desc = job.desc,
    reason = attempt.reason, where = job.where, command = job.command,
    needs = job.needs[1] and table.concat(job.needs, ", ") or nil,
    error = err and text.error(err) or nil,
  }
end

local function attempt_name(one)
  local n = one.attempt.number
  return n > 1 and ("%s (attempt %d)"):format(one.job.name, n) or one.job.name
end

-- Steps lie within their attempt. Of those that ran at once, the first is on its track.
local function add_steps(events, one, tracks)
  local steps = {}
  for _, step in ipairs(one.job.steps) do
    local from = step.started_at
    if from and from >= one.from and from < one.to then
      local to = math.min(step.ended_at or one.to, one.to)
      steps[#steps + 1] = { from = from, to = math.max(from, to), step = step }
    end
  end
  table.sort(steps, function(a, b) return a.from < b.from end)
  lanes.assign(steps)
  for _, each in ipairs(steps) do
    local tid = one.lane * STEP_LANES + math.min(each.lane, STEP_LANES) - 1
    tracks[tid] = true
    add(events, { ph = "X", pid = SLOTS, tid = tid, cat = "step", name = each.step.name,
      ts = micro(each.from), dur = micro(each.to) - micro(each.from),
      args = { job = one.job.name, state = each.step.state } })
  end
end

local function add_attempts(events, attempts)
  local tracks = {}
  for _, one in ipairs(attempts) do
    local tid = one.lane * STEP_LANES
    tracks[tid] = true
    add(events, { ph = "X", pid = SLOTS, tid = tid, cat = "job", name = attempt_name(one),
      ts = micro(one.from), dur = micro(one.to) - micro(one.from), args = about(one),
      cname = colours[one.attempt.status] })
    add_steps(events, one, tracks)
    if one.attempt.status == "failed" then
      add(events, { ph = "i", s = "t", pid = SLOTS, tid = tid, cat = "failure",
        name = one.job.name .. " failed", ts = micro(one.to), args = about(one) })
    end
  end
  return tracks
end

local function add_waits(events, waits)
  local tracks = {}
  for _, one in ipairs(waits) do
    tracks[one.lane] = true
    add(events, { ph = "X", pid = WAITING, tid = one.lane, cat = "wait",
      name = ("%s %s"):format(one.job.name, one.name), ts = micro(one.from),
      dur = micro(one.to) - micro(one.from), args = { job = one.job.name } })
  end
  return tracks
end

local function add_problems(events, run)
  for _, problem in ipairs(run.problems) do
    local job = run.jobs[problem.job]
    local first = job and job.attempts[#job.attempts]
    if first then
      add(events, { ph = "i", s = "p", pid = SLOTS, tid = STEP_LANES, cat = "problem",
        name = ("%s: %s"):format(problem.severity or "problem", text.line(problem.message or "")),
        ts = micro(first.ended_at or run.now),
        args = { job = problem.job, file = problem.file, line = problem.line } })
    end
  end
end

-- An arrow from the need that ended last, which was the one that was waited for.
local function add_arrows(events, attempts)
  local first, last = {}, {}
  for _, one in ipairs(attempts) do
    first[one.job.name] = first[one.job.name] or one
    last[one.job.name] = one
  end
  for _, one in ipairs(attempts) do
    local job, latest = one.job, nil
    if first[job.name] == one then
      for _, name in ipairs(job.needs) do
        local need = last[name]
        if need and need.to <= one.from and (not latest or need.to > latest.to) then
          latest = need
        end
      end
    end
    if latest then
      local flow = { ph = "s", id = one.number, pid = SLOTS, tid = latest.lane * STEP_LANES,
        cat = "needs", name = "needs", ts = math.max(micro(latest.from), micro(latest.to) - 1) }
      add(events, flow)
      add(events, { ph = "f", bp = "e", id = one.number, pid = SLOTS, cat = "needs",
        tid = one.lane * STEP_LANES, name = "needs", ts = micro(one.from) })
    end
  end
end

-- How many there are at each time at which that changes.
local function add_counter(events, name, list)
  local change, times = {}, {}
  local function at(time, by)
    if not change[time] then
      change[time] = 0
      times[#times + 1] = time
    end
    change[time] = change[time] + by
  end
  for _, one in ipairs(list) do
    at(micro(one.from), 1)
    at(micro(one.to), -1)
  end
  table.sort(times)
  local n = 0
  for _, time in ipairs(times) do
    n = n + change[time]
    add(events, { ph = "C", pid = SLOTS, tid = 0, name = name, ts = time, args = { jobs = n } })
  end
end

local function name_of(tid)
  local slot, step = tid // STEP_LANES, tid % STEP_LANES
  return step == 0 and ("slot %d"):format(slot) or ("slot %d, steps %d"):format(slot, step + 1)
end

local function meta(events, what, pid, tid, args)
  add(events, { ph = "M", name = what, pid = pid, tid = tid, ts = 0, args = args })
end

local function add_names(events, run, slots, waits)
  meta(events, "process_name", SLOTS, 0,
    { name = ("%s: slots"):format(text.line(run.script or "orch")) })
  meta(events, "process_sort_index", SLOTS, 0, { sort_index = SLOTS })
  meta(events, "process_labels", SLOTS, 0, { labels = ("run %s, %s"):format(run.id or "?",
    text.status(run.status)) })
  for tid in next, slots do
    meta(events, "thread_name", SLOTS, tid, { name = name_of(tid) })
    meta(events, "thread_sort_index", SLOTS, tid, { sort_index = tid })
  end
  if not next(waits) then return end
  meta(events, "process_name", WAITING, 0, { name = "waiting" })
  meta(events, "process_sort_index", WAITING, 0, { sort_index = WAITING })
  for tid in next, waits do
    meta(events, "thread_name", WAITING, tid, { name = ("queue %d"):format(tid) })
    meta(events, "thread_sort_index", WAITING, tid, { sort_index = tid })
  end
end

---@param run orch.RunModel
---@param _ {folder: string?}?
---@return string json an object with `traceEvents`, one on each line
return function(run, _)
  local attempts, waits = collect(run)
  lanes.assign(attempts)
  lanes.assign(waits)
  local body, events = {}, {}
  local slots, queues = add_attempts(body, attempts), add_waits(body, waits)
  add_problems(body, run)
  add_arrows(body, attempts)
  add_counter(body, "running jobs", attempts)
  add_counter(body, "waiting jobs", waits)
  add_names(events, run, slots, queues)
  table.sort(events, function(a, b)
    if a.pid ~= b.pid then return a.pid < b.pid end
    if a.tid ~= b.tid then return a.tid < b.tid end
    return a.name < b.name
  end)
  table.move(body, 1, #body, #events + 1, events)
  local lines = {}
  for i, event in ipairs(events) do lines[i] = json.encode(event, { sorted = true }) end
  local other = json.encode({ run = run.id, script = run.script, status = run.status,
    orch = run.orch, started = text.time(run.started) }, { sorted = true })
  return ('{"displayTimeUnit":"ms","otherData":%s,"traceEvents":[\n%s\n]}\n'):format(other,
    table.concat(lines, ",\n"))
end
