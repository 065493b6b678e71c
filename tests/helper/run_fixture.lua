--- A run that nobody ran: events.jsonl and logs as a real run leaves them, for tests of
--- whatever reads a run. The same options give the same bytes.
---
---     local fixture = dofile(here .. "/helper/run_fixture.lua")
---     local run = fixture.write(folder, { jobs = 30 })
---     run.events      -- folder .. "/events.jsonl"
---     fixture.records { jobs = 1000 }      -- the records alone, without files
---
--- Options: jobs (30), slots (4), seed (1), failures (1 job that fails for good),
--- keep_going (true), resume (a first session is killed half-way, a second one goes on),
--- stop = t (the run is killed, or still running, at that second), log_lines (40 an
--- attempt), skips (a tenth is up to date), torn and garbage (broken lines).

local json = orch.json
local plan = dofile(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/run_plan.lua")

local fixture = {}

local VERSION, STARTED = 1, 1763841600.25 -- 2025-11-22 20:00:00 UTC
local BECAUSE = "%s failed"

local function head(event, o, session)
  return {
    event = event, version = VERSION, run = o.run, session = session, t = 0,
    time = STARTED + (session and session.offset or 0), orch = "0.1.0", pid = 4242,
    host = "build-07", user = "ci", script = "deploy.lua", folder = "/srv/game",
    args = json.array { "build:*", "--profile=release" }, slots = o.slots,
    keep_going = o.keep_going, seed = o.seed,
    params = { profile = "release", version = "1.4.2" }, pools = { unity = 2 },
  }
end

--- Simulates one session; `done` holds the jobs that an earlier one finished, `tried` how
--- often it tried the others.
local function simulate(o, jobs, done, tried, session)
  local records, now, agenda = {}, 0, {}
  local function say(event, fields)
    fields = fields or {}
    fields.event, fields.t = event, tonumber(("%.6f"):format(now))
    records[#records + 1] = fields
  end
  local function at(delay, fn)
    local item, i = { now + delay, fn }, #agenda + 1
    while i > 1 and agenda[i - 1][1] <= item[1] do
      agenda[i] = agenda[i - 1]
      i = i - 1
    end
    agenda[i] = item
  end

  local first = head(session and "run_resume" or "run_start", o, session)
  first.session = session and 2 or nil
  records[1] = first
  for _, job in ipairs(jobs) do
    say("job", {
      job = job.name, desc = job.desc, where = "deploy.lua:" .. job.line, command = job.command,
      needs = json.array(job.needs), after = json.array(job.after), pools = job.pools,
      ["when"] = job["when"], expected = job.expected, priority = job.priority, timeout = 5400,
    })
  end

  local state, queue, used, unity, stopped = {}, {}, 0, 0, nil
  local counts = { ok = 0, skipped = 0, failed = 0, cancelled = 0 }
  local settle

  local function finish(job, status, fields)
    state[job.name] = status
    counts[status] = counts[status] + 1
    fields.job, fields.status = job.name, status
    say("job_end", fields)
    if status == "failed" and not o.keep_going then stopped = job.name end
    settle()
  end

  local function attempt(job, n)
    local number = n + (tried[job.name] or 0)
    say("job_start", { job = job.name, attempt = number, reason = job.reason })
    local seconds = job.seconds * (n == 1 and 1 or 0.8)
    local fails = job.fails >= n
    if fails then seconds = seconds * 0.7 end
    for i, step in ipairs(job.steps) do
      local share = seconds / (#job.steps + 1)
      if n > 1 and i < #job.steps then
        say("step_reuse", { job = job.name, attempt = number, step = step })
        goto next
      end
      at(share * (i - 1) + 0.001, function()
        say("step_start", { job = job.name, attempt = number, step = step })
      end)
      at(share * i, function()
        if fails and i == #job.steps then
          say("step_fail", { job = job.name, attempt = number, step = step, error = job.error })
        else
          say("step", { job = job.name, attempt = number, step = step, elapsed = share - 0.001,
            value = { files = i * 3 } })
        end
      end)
      ::next::
    end
    at(seconds * 0.3, function()
      say("message", { job = job.name, text = "phase two of " .. job.name })
      say("progress", { job = job.name, label = "files", done = 30, total = 100 })
      for _, problem in ipairs(job.problems) do
        local copy = { job = job.name }
        for key, value in pairs(problem) do copy[key] = value end
        say("problem", copy)
      end
    end)
    at(seconds, function()
      used, unity = used - 1, unity - (job.pools and 1 or 0)
      if not fails then
        return finish(job, "ok", { attempt = number, elapsed = seconds, value = job.value,
          outputs = job.outputs })
      elseif n >= job.attempts then
        return finish(job, "failed", { attempt = number, elapsed = seconds, error = job.error })
      end
      say("job_retry", { job = job.name, attempt = number, delay = job.delay, error = job.error,
        elapsed = seconds })
      at(job.delay, function()
        queue[#queue + 1] = { job, n + 1 }
        settle()
      end)
      settle()
    end)
  end

  local function start_what_fits()
    local i = 1
    while i <= #queue do
      local job, n = queue[i][1], queue[i][2]
      local pool = used >= o.slots and "slots" or job.pools and unity >= 2 and "unity"
      if not pool then
        table.remove(queue, i)
        used, unity = used + 1, unity + (job.pools and 1 or 0)
        state[job.name] = "running"
        attempt(job, n)
      else
        if job.waits ~= pool then
          local held = {}
          for _, other in ipairs(jobs) do
            if state[other.name] == "running" and (pool == "slots" or other.pools) then
              held[#held + 1] = other.name
            end
          end
          say("job_wait", { job = job.name, pool = pool, held_by = held })
          job.waits = pool
        end
        i = i + 1
      end
    end
  end

  --- Why a job cannot run: what it needs has failed, or the run stops.
  local function verdict(job)
    local ready, because = true, nil
    for _, name in ipairs(job.needs) do
      local s = state[name]
      if s == "failed" or s == "cancelled" then because = because or BECAUSE:format(name)
      elseif s ~= "ok" and s ~= "skipped" then ready = false end
    end
    for _, name in ipairs(job.after) do
      if not counts[state[name]] then ready = false end
    end
    if job["when"] == "always" then return ready end
    return ready, because or stopped and BECAUSE:format(stopped)
  end

  local busy, again
  function settle()
    again = true
    if busy then return end
    busy = true
    while again do
      again = false
      for _, job in ipairs(jobs) do
        if not state[job.name] then
          local ready, because = verdict(job)
          if because then
            finish(job, "cancelled", { because = because })
          elseif ready then
            state[job.name] = "queued"
            say("job_ready", { job = job.name })
            queue[#queue + 1] = { job, 1 }
          end
        end
      end
      start_what_fits()
    end
    busy = false
  end

  for _, job in ipairs(jobs) do
    local skip = done[job.name] and "recorded in this run" or job.skip
    job.waits = nil
    if skip then
      state[job.name] = "skipped"
      counts.skipped = counts.skipped + 1
      say("job_skip", { job = job.name, reason = skip, elapsed = job.seconds })
    end
  end
  settle()
  local limit = o.stop or math.huge
  while #agenda > 0 do
    local item = table.remove(agenda)
    if item[1] > limit then return records, limit end
    now = item[1]
    item[2]()
  end
  local failed = counts.failed > 0
  say("run_end", { status = failed and "failed" or "ok", ok = counts.ok, elapsed = now,
    skipped = counts.skipped, failed = counts.failed, cancelled = counts.cancelled,
    exit_code = failed and 1 or 0 })
  return records, now
end

local DEFAULTS = { jobs = 30, slots = 4, seed = 1, failures = 1, keep_going = true,
  log_lines = 40, skips = true, run = "20251122-200000-3fa9" }

local function settings(opts)
  local o = {}
  for key, value in pairs(DEFAULTS) do o[key] = value end
  for key, value in pairs(opts or {}) do
    if o[key] == nil and not ({ stop = 1, resume = 1, torn = 1, garbage = 1 })[key] then
      error("run_fixture has no option " .. tostring(key))
    end
    o[key] = value
  end
  return o
end

---The records of a run, in order, and its jobs as they were planned.
---@return table[] records
---@return table[] jobs
function fixture.records(opts)
  local o = settings(opts)
  local jobs = plan.jobs(o)
  if not o.resume then return simulate(o, jobs, {}, {}), jobs end
  local _, whole = simulate(o, jobs, {}, {})
  o.stop = whole / 2
  local records = simulate(o, jobs, {}, {})
  local done, tried = {}, {}
  for _, record in ipairs(records) do
    if record.event == "job_start" then tried[record.job] = record.attempt end
    if record.event == "job_end" and record.status == "ok" then done[record.job] = true end
  end
  o.stop = nil
  local second = simulate(o, jobs, done, tried, { offset = whole / 2 + 90 })
  return table.move(second, 1, #second, #records + 1, records), jobs
end

---The folder of a job's attempt, as a run names it.
function fixture.log_folder(folder, job, attempt)
  local log = require("orch.pipeline.project").job_log(folder, job, attempt)
  return (log:gsub("/log$", ""))
end

---Writes `folder/events.jsonl` and the logs; gives where they are.
---@async
function fixture.write(folder, opts)
  local o = settings(opts)
  local records, jobs = fixture.records(opts)
  local by_name, lines, failed = {}, {}, {}
  for _, job in ipairs(jobs) do by_name[job.name] = job end
  for _, record in ipairs(records) do
    if record.event == "job_retry" or record.status == "failed" and record.job then
      failed[record.job .. " " .. record.attempt] = true
    end
  end
  orch.fs.mkdir(folder)
  for i, record in ipairs(records) do
    lines[i] = json.encode(record)
    if record.event == "job_start" then
      local place = fixture.log_folder(folder, record.job, record.attempt)
      orch.fs.mkdir(place)
      orch.fs.write(place .. "/log", plan.log(o, by_name[record.job], record.attempt,
        failed[record.job .. " " .. record.attempt]))
    end
  end
  if o.garbage then table.insert(lines, #lines // 2, "\0\0\0 no JSON \xff") end
  local text = table.concat(lines, "\n") .. "\n"
  if o.torn then text = text .. '{"t":9,"event":"job_e' end
  orch.fs.write(folder .. "/events.jsonl", text)
  return { folder = folder, events = folder .. "/events.jsonl", id = o.run, jobs = jobs }
end

return fixture
