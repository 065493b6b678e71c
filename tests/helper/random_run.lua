--- A pipeline at random whose jobs fail, hang, fork and are tried again, and what must hold
--- of each of its sessions, however they end. The jobs note in `trace` what they do: "S job"
--- at their beginning, "OK job" when all is done, "E job" at their end, "T job step" in a step.
---
---     local p, roll = random_run.new(17)
---     random_run.check(p, session)    -- raises what does not hold

local random_run = {}

--- A generator of its own: the test runner seeds Lua's.
local function dice(seed)
  local state = seed * 2654435761 % 4294967296
  return function(low, high)
    state = (state * 1664525 + 1013904223) % 4294967296
    return low + (state >> 8) % (high - low + 1)
  end
end

local function pick(roll, list) return list[roll(1, #list)] end

local WHEN = { "success", "success", "success", "success", "success", "success", "always",
  "failure" }
local KINDS = { "shell", "shell", "shell", "lua", "lua", "steps" }
local CAPS = { p = 2, q = 1 }

local function make_job(roll, index, before, most_needs)
  local job = { name = "j" .. index, kind = pick(roll, KINDS), needs = {}, after = {}, pools = {},
    when = pick(roll, WHEN), priority = roll(1, 4) == 1 and roll(-2, 2) or 0,
    attempts = roll(1, 3) == 1 and roll(2, 3) or 1, failures = 0, takes = roll(0, 30) / 1000 }
  for _ = 1, roll(0, math.min(most_needs, #before)) do
    local other = pick(roll, before)
    local list = roll(1, 5) == 1 and job.after or job.needs
    if not job.needs[other.name] and not job.after[other.name] then
      list[#list + 1], list[other.name] = other, true
    end
  end
  if roll(1, 3) == 1 then job.pools.p = roll(1, 2) end
  if roll(1, 6) == 1 then job.pools.q = 1 end
  local die = roll(1, 30)
  if die <= 4 then job.failures = roll(1, 3) end
  if die == 5 then job.hangs = true end
  if die == 6 then job.forks = true end
  if die == 7 and job.kind == "shell" then job.stubborn = true end
  if roll(1, 5) == 1 then job.output = "out/" .. job.name end
  return job
end

local function quoted(jobs)
  local out = {}
  for i, job in ipairs(jobs) do out[i] = ("%q"):format(job.name) end
  return "{ " .. table.concat(out, ", ") .. " }"
end

local SHELL = [[echo P $$ >> trace; %s
  trap 'echo E %s >> trace' EXIT; trap 'exit 9' TERM INT HUP
  echo S %s >> trace; %s
  n=$(cat n/%s 2>/dev/null || echo 0); echo $((n + 1)) > n/%s; echo line; sleep %g; %s
  test $n -ge %d && echo OK %s >> trace && %s]]

local function shell_of(job)
  local name = job.name
  local stubborn = job.stubborn and "sh -c 'trap \"\" TERM HUP; sleep 0.3' &" or ""
  local output = job.output and "echo $n > " .. job.output or "true"
  return ("%q"):format(SHELL:format(stubborn, name, name,
    job.forks and "sleep 1000 &" or "", name, name, job.takes,
    job.hangs and "sleep 1000" or "", job.failures, name, output))
end

local LUA = [[function()
    note "S %s"
    local _ <close> = orch.defer(function() note "E %s" end)
    local n = count "n/%s"
    orch.spawn({ daemon = true }, function() while true do orch.sleep(0.005) end end)
    %s
    print "line"
    orch.sleep(%g)
    %s
    if n < %d then orch.error { kind = "network", message = "not yet" } end
    %s
    note "OK %s"
    return n
  end]]

local STEPS = [[orch.map({ 1, 2, 3 }, function(i)
      orch.step("s" .. i, function() note("T %s s" .. i) orch.sleep(0.005) return i end)
    end)]]

local FORK = [[orch.spawn({ daemon = true }, orch.process.run,
      { "sh", "-c", "echo P $$ >> trace; sleep 1000" })]]

local function lua_of(job)
  local name = job.name
  local work = (job.kind == "steps" and STEPS:format(name) or "")
    .. (job.hangs and " orch.event():wait(1000)" or "")
  return LUA:format(name, name, name, job.forks and FORK or "", job.takes, work, job.failures,
    job.output and ("orch.fs.write(%q, tostring(n))"):format(job.output) or "", name)
end

local HEAD = [[
local function note(text)
  local file <close> = io.open("trace", "a")
  file:write(text, "\n")
end
local function count(path)
  local file = io.open(path)
  local n = file and file:read "n" or 0
  if file then file:close() end
  file = io.open(path, "w")
  file:write(n + 1)
  file:close()
  return n
end
orch.pools { p = 2, q = 1 }
]]

local JOB = "orch.job %q { needs = %s, after = %s, when = %q, priority = %d, pools = { %s },"
  .. "%s%s%s run = %s }"

local function script(p)
  local out = { HEAD }
  for _, job in ipairs(p.jobs) do
    local pools = {}
    for name, n in pairs(job.pools) do pools[#pools + 1] = name .. " = " .. n end
    local retry = job.attempts > 1
      and (" retry = { attempts = %d, base = 0.01 },"):format(job.attempts) or ""
    out[#out + 1] = JOB:format(job.name, quoted(job.needs), quoted(job.after), job.when,
      job.priority, table.concat(pools, ", "), retry,
      job.hangs and " timeout = 0.1," or "",
      job.output and (" outputs = %q,"):format(job.output) or "",
      job.kind == "shell" and shell_of(job) or lua_of(job))
  end
  return table.concat(out, "\n") .. "\n"
end

---@param seed integer
---@param most integer jobs
---@return table pipeline with `.jobs`, `.by_name`, `.script`, `.slots`, `.keep_going`
---@return fun(low: integer, high: integer): integer roll
function random_run.new(seed, most)
  local roll = dice(seed)
  for _ = 1, 8 do roll(1, 9) end
  local p = { jobs = {}, by_name = {}, slots = roll(1, 8), keep_going = roll(1, 2) == 1,
    at = 0, recorded = {}, told = {}, began = {}, count = 0, pids = {}, done = {} }
  for index = 1, roll(1, most) do
    local job = make_job(roll, index, p.jobs, 4)
    p.jobs[index], p.by_name[job.name] = job, job
  end
  p.script = script(p)
  return p, roll
end

-- ---- what must hold ----

local ENDED_BY = { HUP = 129, INT = 130, TWICE = 130, TERM = 143 }

local function must(holds, ...)
  if not holds then error(string.format(...), 0) end
end

--- What the jobs have noted in this session: caps, and nobody before who it needs.
local function check_trace(p, text)
  local running, slots, pools = {}, 0, { p = 0, q = 0 }
  for line in text:sub(p.at + 1):gmatch "[^\n]+" do
    local what, name = line:match "^(%u+) (%S+)"
    local job = p.by_name[name]
    if what == "P" then
      p.pids[#p.pids + 1] = name
    elseif what == "S" then
      must(not running[name], "%s runs twice at once", name)
      for _, need in ipairs(job.needs) do
        must(job.when ~= "success" or need.when == "failure" or p.done[need.name], "%s before %s",
          name, need.name)
      end
      running[name], slots = true, slots + 1
      must(slots <= p.slots, "%d jobs at once with -j %d", slots, p.slots)
      for pool, n in pairs(job.pools) do
        pools[pool] = pools[pool] + n
        must(pools[pool] <= CAPS[pool], "pool %s: %d at once", pool, pools[pool])
      end
    elseif what == "OK" then
      p.done[name] = true
    elseif what == "E" and running[name] then
      running[name], slots = nil, slots - 1
      for pool, n in pairs(job.pools) do pools[pool] = pools[pool] - n end
    end
  end
  p.at = #text
end

--- Whether something before it ran later than it did.
local function has_changed(p, job, since, seen)
  for _, list in ipairs { job.needs, job.after } do
    for _, other in ipairs(list) do
      if (p.began[other.name] or 0) > since then return true end
      if not seen[other] then
        seen[other] = true
        if has_changed(p, other, since, seen) then return true end
      end
    end
  end
  return false
end

local on = {}

function on.job_start(p, seen, record, job)
  local name = job.name
  must(not seen.open[name] and not seen.ends[name], "%s starts again", name)
  local is_late = seen.failed and not p.keep_going and job.when == "success"
  must(not is_late, "%s starts after a failure", name)
  for _, other in ipairs(job.needs) do
    local how = seen.ends[other.name]
    must(how, "%s starts before the end of %s", name, other.name)
    must(job.when ~= "success" or how == "ok" or how == "skipped", "%s needs %s: %s", name,
      other.name, how)
  end
  for _, other in ipairs(job.after) do
    must(seen.ends[other.name], "%s before %s", name, other.name)
  end
  must(not p.recorded[name] or has_changed(p, job, p.began[name], {}),
    "%s was recorded and runs again", name)
  p.count = p.count + 1
  seen.open[name], seen.ran[name], p.began[name] = true, true, p.count
  if record.anew then p.recorded[name] = nil end
end

function on.job_retry(_, seen, _, job)
  must(seen.open[job.name], "%s is tried again and does not run", job.name)
  seen.open[job.name] = nil
end

function on.job_end(p, seen, record, job)
  local name = job.name
  must(not seen.ends[name], "%s ends twice", name)
  local how = record.status or "skipped"
  local counted = how == "skipped" and p.told[name] == "ok" and "ok" or how -- by another session
  seen.ends[name], seen.open[name], p.told[name] = how, nil, counted
  seen.tally[counted] = seen.tally[counted] + 1
  seen.failed = seen.failed or how == "failed"
  if how ~= "ok" then return end
  p.recorded[name] = true
  must(not seen.ran[name] or p.done[name], "%s is told to be ok", name)
end
on.job_skip = on.job_end

function on.step(p, seen, record, job)
  local key = job.name .. "/" .. record.step
  must(not p.recorded[key] or not p.recorded[job.name] and seen.ran[job.name], "step %s twice", key)
  p.recorded[key] = true
end

function on.run_end(p, seen, record)
  seen.finish = record
  for _, job in ipairs(p.jobs) do must(seen.ends[job.name], "%s has no end", job.name) end
  for what, n in pairs(seen.tally) do
    must(record[what] == n, "%s: %d, told %s", what, n, record[what])
  end
end

--- The records of this session: order, one end each, nothing done that was done.
local function check_records(p, records)
  local seen = { ends = {}, ran = {}, open = {}, failed = false,
    tally = { ok = 0, skipped = 0, failed = 0, cancelled = 0 } }
  for _, record in ipairs(records) do
    must(not seen.finish, "%s after the end of the run", record.event)
    local fn = on[record.event]
    if fn then fn(p, seen, record, p.by_name[record.job]) end
  end
  return seen.finish, seen.ends, seen.failed
end

--- With -k, and left alone, it is known how each ordinary job ends.
local function check_outcome(p, ends)
  local well = {}
  for _, job in ipairs(p.jobs) do
    local can = job.failures < job.attempts and not job.hangs
    local may = true
    for _, need in ipairs(job.needs) do may = may and well[need.name] end
    if job.when == "success" or job.when == "always" then
      local expected = job.when == "always" and (can and "ok" or "failed")
        or not may and "cancelled" or can and "ok" or "failed"
      must(ends[job.name] == expected, "%s should be %s, not %s", job.name, expected,
        ends[job.name])
    end
    well[job.name] = ends[job.name] == "ok" or ends[job.name] == "skipped"
  end
end

---Raises what does not hold of a session that is over.
---@param p table
---@param session table `.records`, `.trace`, `.exit_code`, `.signal`, `.alone`: nobody disturbed it
---@return boolean over the run has ended well
function random_run.check(p, session)
  check_trace(p, session.trace)
  local finish, ends, failed = check_records(p, session.records)
  local signal = session.signal
  if not finish and (signal == "KILL" or signal == "TWICE") then return false end
  must(finish, "the run has no end")
  local by_signal = ENDED_BY[signal] -- that came after the end
  local is_late = signal == "KILL" or by_signal and (session.exit_code or by_signal) == by_signal
  must(session.exit_code == finish.exit_code or is_late, "exit code %s, told %d",
    tostring(session.exit_code), finish.exit_code)
  local codes = { ok = 0, failed = 1 }
  must(finish.status == "interrupted" or codes[finish.status] == finish.exit_code,
    "%s with %d", finish.status, finish.exit_code)
  must(finish.status == "interrupted" or failed == (finish.status == "failed"), "failed or not")
  if session.alone then
    must(finish.status ~= "interrupted", "nobody interrupted it")
    if p.keep_going then check_outcome(p, ends) end
  end
  return finish.status == "ok"
end

return random_run
