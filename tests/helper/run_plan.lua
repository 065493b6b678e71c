--- The jobs of the run in run_fixture.lua: what they need, how long they take, which of
--- them fail, and what their logs say.

local plan = {}

local AREAS = { "Characters", "Levels", "Audio", "UI", "Shaders", "Props" }
local PLATFORMS = { "android", "ios", "windows" }

--- A generator of its own: the test runner seeds Lua's.
local function dice(seed)
  local state = seed * 2654435761 % 4294967296
  return function(low, high)
    state = (state * 1664525 + 1013904223) % 4294967296
    return low + (state >> 8) % (high - low + 1)
  end
end

local function failure(name, exit_code)
  return {
    kind = "process", exit_code = exit_code, where = "deploy.lua:31",
    command = "unity -batchmode -quit -executeMethod Build." .. name:gsub("%W", "_"),
    message = ("unity ended with exit code %d"):format(exit_code),
    traceback = "stack traceback:\n\tdeploy.lua:31: in function <deploy.lua:28>",
  }
end

local function make(o, name, kind, seconds, line, roll)
  local job = {
    name = name, desc = kind .. " " .. name:match "[^:]*$", needs = {}, after = {}, line = line,
    seconds = seconds, expected = seconds * roll(80, 120) / 100, steps = {}, problems = {},
    fails = 0, attempts = 1, delay = 5, reason = "it never ran", outputs = {},
    command = ("unity -batchmode -quit -job %s"):format(name), error = failure(name, 1),
  }
  if kind == "Imports" then job.reason = ("input Assets/%s changed"):format(name:sub(8)) end
  if kind == "Builds" then
    job.pools, job.priority = { unity = 1 }, 2
    job.steps = { "compile", "bundle", "sign" }
    job.outputs = { { ("out/%s.aab"):format((name:gsub(":", "-"))), roll(1, 900) << 18 } }
    job.value = { bytes = 123456789, symbols = true }
  end
  if roll(1, 6) == 1 then
    job.problems[1] = { severity = "warning", code = "CS0618", line = roll(1, 400), column = 9,
      file = "Assets/Scripts/Player.cs", message = "'OldApi.Load' is obsolete" }
  end
  if o.skips and kind == "Imports" and roll(1, 10) == 1 then job.skip = "up to date" end
  if not job.skip and roll(1, 12) == 1 then job.fails, job.attempts = 1, 3 end
  return job
end

---@return table[] jobs in the order of their declaration
function plan.jobs(o)
  local roll, jobs, line = dice(o.seed), {}, 10
  local groups = { Imports = {}, Builds = {}, Tests = {}, Uploads = {} }
  local function add(name, kind, seconds)
    line = line + 8
    local job = make(o, name, kind, seconds, line, roll)
    jobs[#jobs + 1] = job
    if groups[kind] then table.insert(groups[kind], job) end
    return job
  end
  local function need(job, kind, how_many)
    local from, seen = groups[kind], {}
    for _ = 1, math.min(how_many, #from) do
      local name = from[roll(1, #from)].name
      if not seen[name] then job.needs[#job.needs + 1] = name end
      seen[name] = true
    end
  end
  local builds = math.max(1, o.jobs // 6)
  local tests, uploads = math.max(1, o.jobs // 5), math.max(1, o.jobs // 10)
  add("fetch", "Fetches", 12).skip = nil
  for i = 1, math.max(1, o.jobs - builds - tests - uploads - 2) do
    local area = AREAS[(i - 1) % #AREAS + 1]
    add(("import:%s-%02d"):format(area, i), "Imports", roll(2, 40)).needs = { "fetch" }
  end
  for i = 1, builds do
    local name = ("build:%s-%02d"):format(PLATFORMS[(i - 1) % 3 + 1], i)
    local job = add(name, "Builds", roll(30, 120))
    need(job, "Imports", 3)
  end
  for i = 1, tests do
    need(add(("test:suite-%02d"):format(i), "Tests", roll(5, 60)), "Builds", 1)
  end
  for i = 1, uploads do
    need(add(("upload:store-%02d"):format(i), "Uploads", roll(4, 20)), "Tests", 2)
  end
  local last = add("notify", "Notifies", 1)
  last["when"], last.skip = "always", nil
  for _, job in ipairs(groups.Uploads) do table.insert(last.after, job.name) end
  while #jobs > o.jobs do table.remove(jobs, #jobs - 1) end
  local present = {}
  for _, job in ipairs(jobs) do present[job.name] = true end
  for i = #last.after, 1, -1 do
    if not present[last.after[i]] then table.remove(last.after, i) end
  end
  for i = 1, math.min(o.failures, #groups.Builds) do
    local job = groups.Builds[math.min(#groups.Builds, i * 2)]
    job.attempts, job.fails, job.error = 2, 2, failure(job.name, 1)
    job.problems[1] = { severity = "error", code = "CS0246", line = 88, column = 14,
      file = "Assets/Scripts/Store.cs", message = "The type 'IStore' could not be found" }
  end
  return jobs
end

---The log of an attempt.
---@return string
function plan.log(o, job, attempt, failed)
  local roll, out = dice(o.seed + attempt + #job.name * 7), {}
  local function say(fmt, ...) out[#out + 1] = fmt:format(...) end
  say("\27[1m$ %s\27[0m", job.command)
  for i = 1, o.log_lines do
    local n = roll(1, 9)
    if n == 1 then
      say("\27[33mAssets/Scripts/Player.cs(%d,9): warning CS0618: 'OldApi.Load' is obsolete\27[0m",
        roll(1, 400))
    elseif n == 2 then
      say("\27[32mok\27[0m %s (%d ms)", AREAS[roll(1, #AREAS)], roll(1, 900))
    else
      say("[%3d%%] Compiling Assets/%s/Item%04d.asset", i * 100 // o.log_lines,
        AREAS[roll(1, #AREAS)], roll(1, 9999))
    end
  end
  if failed then
    say("\27[31;1mAssets/Scripts/Store.cs(88,14): error CS0246: The type 'IStore' could not "
      .. "be found\27[0m")
    say("Build of %s failed, attempt %d", job.name, attempt)
  else
    say("%s finished, attempt %d", job.name, attempt)
  end
  return table.concat(out, "\n") .. "\n"
end

return plan
