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

local WHEN = { "success", "success", "success", "success", "success", "success", "always", "failure" }
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
  return ("%q"):format(SHELL:format(job.stubborn and "sh -c 'trap \"\" TERM HUP; sleep 0.3' &" or "",
    name, name, job.forks and "sleep 1000 &" or "", name, name, job.takes,
    job.hangs and "sleep 1000" or "", job.failures, name,
    job.output and "echo $n > " .. job.output or "true"))
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

local function lua_of(job)
  local name = job.name
  return LUA:format(name, name, name, job.forks
    and "orch.spawn({ daemon = true }, orch.process.run, { 'sh', '-c', 'echo P $$ >> trace; sleep 1000' })"
    or "", job.takes, (job.kind == "steps" and STEPS:format(name) or "")
    .. (job.hangs and " orch.event():wait(1000)" or ""), job.failures,
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

local function script(p)
  local out = { HEAD }
  for _, job in ipairs(p.jobs) do
    local pools = {}
    for name, n in pairs(job.pools) do pools[#pools + 1] = name .. " = " .. n end
    out[#out + 1] = ("orch.job %q { needs = %s, after = %s, when = %q, priority = %d, pools = { %s },%s%s%s run = %s }")
      :format(job.name, quoted(job.needs), quoted(job.after), job.when, job.priority,
        table.concat(pools, ", "),
        job.attempts > 1 and (" retry = { attempts = %d, base = 0.01 },"):format(job.attempts) or "",
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
    at = 0, recorded = {}, told = {}, pids = {}, done = {} }
  for index = 1, roll(1, most) do
    local job = make_job(roll, index, p.jobs, 4)
    p.jobs[index], p.by_name[job.name] = job, job
  end
  p.script = script(p)
  return p, roll
end

-- ---- what must hold ----

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

local function has_changed(job, ran, seen)
  for _, list in ipairs { job.needs, job.after } do
    for _, other in ipairs(list) do
      if ran[other.name] then return true end
      if not seen[other] then
        seen[other] = true
        if has_changed(other, ran, seen) then return true end
      end
    end
  end
  return false
end

--- The records of this session: order, one end each, nothing done that was done.
local function check_records(p, records)
  local ends, ran, open, failed, tally = {}, {}, {}, false, { ok = 0, skipped = 0, failed = 0, cancelled = 0 }
  local finish
  for _, record in ipairs(records) do
    local name, event = record.job, record.event
    local job = p.by_name[name]
    must(not finish, "%s after the end of the run", event)
    if event == "job_start" then
      must(not open[name] and not ends[name], "%s starts again", name)
      must(not (failed and not p.keep_going and job.when == "success"), "%s starts after a failure", name)
      for _, other in ipairs(job.needs) do
        local how = ends[other.name]
        must(how, "%s starts before the end of %s", name, other.name)
        must(job.when ~= "success" or how == "ok" or how == "skipped", "%s needs %s: %s", name, other.name, how)
      end
      for _, other in ipairs(job.after) do must(ends[other.name], "%s before %s", name, other.name) end
      must(not p.recorded[name] or has_changed(job, ran, {}), "%s was recorded and runs again", name)
      open[name], ran[name] = true, true
      if record.anew then p.recorded[name] = nil end
    elseif event == "job_retry" then
      must(open[name], "%s is tried again and does not run", name)
      open[name] = nil
    elseif event == "job_end" or event == "job_skip" then
      must(not ends[name], "%s ends twice", name)
      local how = event == "job_skip" and "skipped" or record.status
      ends[name], open[name] = how, nil
      local counted = how == "skipped" and p.told[name] == "ok" and "ok" or how -- by another session
      p.told[name] = counted
      tally[counted] = tally[counted] + 1
      failed = failed or how == "failed"
      if how == "ok" then p.recorded[name] = true end
      if how == "ok" and ran[name] then must(p.done[name], "%s is told to be ok", name) end
    elseif event == "step" then
      local key = name .. "/" .. record.step
      must(not p.recorded[key] or p.recorded[name] == nil and ran[name], "step %s twice", key)
      p.recorded[key] = true
    elseif event == "run_end" then
      finish = record
      for _, each in ipairs(p.jobs) do must(ends[each.name], "%s has no end", each.name) end
      for what, n in pairs(tally) do must(record[what] == n, "%s: %d, told %s", what, n, record[what]) end
    end
  end
  return finish, ends, failed
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
      must(ends[job.name] == expected, "%s should be %s, not %s", job.name, expected, ends[job.name])
    end
    well[job.name] = ends[job.name] == "ok" or ends[job.name] == "skipped"
  end
end

---Raises what does not hold of a session that is over.
---@param p table
---@param session {records: table[], trace: string, exit_code: integer?, signal: string?, alone: boolean}
---@return boolean over the run has ended well
function random_run.check(p, session)
  check_trace(p, session.trace)
  local finish, ends, failed = check_records(p, session.records)
  if session.signal == "KILL" and not finish then return false end
  must(finish, "the run has no end")
  must(session.exit_code == finish.exit_code, "exit code %s, told %d", session.exit_code, finish.exit_code)
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
