-- orch resume: a pipeline of thirty jobs is killed at every boundary of its event log and at
-- random moments. Whatever was recorded is not done again, the rest is done, and the end is
-- that of a run that nobody disturbed.
--
-- `make test` takes a sample; this takes every boundary and 200 random moments, in some
-- minutes:
--
--     ORCH_TEST_KILLS=all orch test --timeout 1h tests/pipeline_resume_test.lua

local events = require "orch.pipeline.events"
local project = require "orch.pipeline.project"
local states = require "orch.pipeline.state"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local THIRTY = orch.fs.read(here .. "/helper/thirty_jobs.lua")
local ALL = os.getenv "ORCH_TEST_KILLS" == "all"
local KILLED = 137

local folder

before_each(function() folder = test.temp_dir() end)

local function run_in(at, words, env)
  local all = { EFFECTS = at .. "/effects", SESSION = "1", NO_COLOR = "1", KILL_AT = false }
  for name, value in pairs(env or {}) do all[name] = value end
  return test.run(words, { cwd = at, timeout = "60s", env = all })
end

local function new_project(name)
  local at = folder .. "/" .. name
  orch.fs.mkdir(at)
  orch.fs.write(at .. "/deploy.lua", THIRTY)
  orch.fs.write(at .. "/source.txt", "source\n")
  return at
end

local function only_run(at)
  local p = { folder = at, orch = at .. "/.orch" }
  local ids = project.runs(p)
  expect(#ids):equals(1)
  return project.run_folder(p, ids[1])
end

--- What stays the same however often the run was broken off.
local function end_of(at)
  local files = {}
  for _, path in ipairs(orch.fs.glob({ "gen/*", "pack/*", "signed" }, { cwd = at })) do
    files[path] = orch.fs.read(at .. "/" .. path)
  end
  local st <close> = states.open(at .. "/.orch/state.db", { read_only = true })
  local records = {}
  for name, record in pairs(st:jobs "deploy.lua") do
    for _, field in ipairs { "definition", "needs", "value", "digest", "inputs_digest",
      "outputs_digest", "parts" } do
      records[name .. " " .. field] = record[field] or ""
    end
  end
  local db = require("orch.core.sqlite").open(at .. "/.orch/state.db", "r", 1)
  expect(db:query("PRAGMA integrity_check")[1][1]):equals "ok"
  db:close()
  local runs = st:runs()
  local plan = run_in(at, { "run", "deploy.lua", "-n" }).stdout:gsub("%d+%.%ds", "T")
  return { files = files, records = records, plan = plan, status = runs[1].status, runs = #runs }
end

--- name -> in which sessions it happened, in order
local function effects_of(at)
  local found = {}
  for session, name in orch.fs.read(at .. "/effects"):gmatch "(%d+) ([^\n]+)\n" do
    found[name] = found[name] or {}
    table.insert(found[name], math.tointeger(session))
  end
  return found
end

--- name -> the session in which the log first has it as done
local function recorded_in(at, sessions)
  local found, session = {}, 0
  for record in events.read(only_run(at).events) do
    local name
    if record.event == "run_start" or record.event == "run_resume" then
      session = session + 1
    elseif record.event == "step" then
      name = record.job .. " " .. record.step:gsub("^item ", "")
    elseif record.event == "job_end" and record.status == "ok" then
      name = record.job
    end
    if name and not found[name] then found[name] = sessions[session] end
  end
  return found
end

--- `sessions`: the SESSION of each session that the log has.
local function expect_exactly_once(at, wanted, sessions, what)
  local effects, recorded = effects_of(at), recorded_in(at, sessions)
  for name in pairs(wanted) do
    if not effects[name] then error(("%s: %s never happened"):format(what, name)) end
  end
  for name, list in pairs(effects) do
    local seen = {}
    for _, session in ipairs(list) do
      if seen[session] then error(("%s: %s happened twice in one session"):format(what, name)) end
      seen[session] = true
      if session > (recorded[name] or math.huge) then
        error(("%s: %s happened again in session %d, recorded in %d"):format(what, name, session,
          recorded[name]))
      end
    end
  end
end

local function expect_same_end(at, wanted, what)
  local got = end_of(at)
  for name, value in pairs(wanted.records) do
    if got.records[name] ~= value then
      error(("%s: %s is %q, not %q"):format(what, name, got.records[name], value))
    end
  end
  for key in pairs(wanted) do
    local ok, err = pcall(function() expect(got[key]):equals(wanted[key]) end)
    if not ok then error(("%s: %s: %s"):format(what, key, tostring(err)), 0) end
  end
end

--- Resumes until the run has ended; `disturb(n)` gives the environment of the nth attempt.
local function resume_until_done(at, sessions, disturb)
  for n = 1, 50 do
    local env = disturb and disturb(n) or {}
    env.SESSION = tostring(n + 1)
    local before = #orch.fs.read(only_run(at).events)
    local result = run_in(at, { "resume", "--ui", "quiet" }, env)
    if #orch.fs.read(only_run(at).events) > before then sessions[#sessions + 1] = n + 1 end
    if result.exit_code == 0 then return result end
    if result.signal ~= "SIGKILL" then
      error(("resume failed with %s: %s"):format(result.exit_code, result.stderr))
    end
  end
  error "resume never ended"
end

local undisturbed

local function baseline()
  if undisturbed then return undisturbed end
  local at = new_project "undisturbed"
  local result = run_in(at, { "run", "deploy.lua", "--ui", "quiet" })
  expect(result.stderr):equals ""
  expect(result.exit_code):equals(0)
  local appends = 0
  for _ in events.read(only_run(at).events) do appends = appends + 1 end
  local _, jobs = THIRTY:gsub("orch%.job", "")
  expect(jobs):greater_than(5)
  undisturbed = { ending = end_of(at), effects = effects_of(at), appends = appends }
  return undisturbed
end

--- The records of the declarations are one append, and the run need not do the same each time.
local function kill_at(count, when, resumes)
  local wanted, what = baseline(), ("killed %s append %s"):format(when, count)
  local at = new_project(("%s-%s"):format(when, count))
  local first = run_in(at, { "run", "deploy.lua", "--ui", "quiet" },
    { KILL_AT = tostring(count), KILL_WHEN = when })
  if first.exit_code == 0 then return false end -- it needed fewer
  expect(first.signal):equals "SIGKILL"
  if count == 1 and when == "before" then -- nothing has begun: there is nothing to go on with
    local result = run_in(at, { "resume" })
    expect(result.exit_code):equals(2)
    expect(result.stderr):contains "start anew with orch run"
    orch.fs.remove(at, { recursive = true })
    return true
  end
  local sessions = { 1 }
  resume_until_done(at, sessions, resumes)
  expect_exactly_once(at, wanted.effects, sessions, what)
  expect_same_end(at, wanted.ending, what)
  orch.fs.remove(at, { recursive = true })
  return true
end

describe("orch resume of a run that was killed", function()
  it("at the boundaries of its events", function()
    local last = baseline().appends
    local step = ALL and 1 or 23
    local offset = ALL and 0 or math.random(0, step - 1)
    local tried = 0
    for count = 1, last do
      for i, when in ipairs { "before", "after" } do
        local chosen = count <= 2 or (count + i * 11) % step == offset
        if chosen and kill_at(count, when) then tried = tried + 1 end
      end
    end
    expect(tried):greater_than(ALL and 200 or 5)
  end)

  it("before and after its end is noted", function()
    expect(kill_at("end", "before")):is(true)
    expect(kill_at("end", "after")):is(true)
  end)

  it("again and again", function()
    for _, count in ipairs(ALL and { 7, 30, 60, 90, 120 } or { 40 }) do
      kill_at(count, "after", function(n)
        if n > 4 then return {} end
        return { KILL_AT = tostring(3 + n * 9), KILL_WHEN = n % 2 == 0 and "before" or "after" }
      end)
    end
  end)

  it("at random moments", function()
    local wanted = baseline()
    for i = 1, ALL and 200 or 6 do
      local at = new_project("random-" .. i)
      local delay = math.random() * 0.12
      local process <close> = orch.process.spawn {
        require("orch.core.runtime").executable(), "run", "deploy.lua", "--ui", "quiet", cwd = at,
        env = { EFFECTS = at .. "/effects", SESSION = "1" }, stdout = "null", stderr = "null",
        check = false,
      }
      orch.sleep(delay)
      process:signal "KILL"
      process:wait()
      local runs = project.runs { folder = at, orch = at .. "/.orch" }
      local begun = #runs == 1 and orch.fs.exists(only_run(at).events)
        and orch.fs.read(only_run(at).events) ~= ""
      if begun then
        local sessions = { 1 }
        resume_until_done(at, sessions)
        expect_exactly_once(at, wanted.effects, sessions, ("killed after %g s"):format(delay))
        expect_same_end(at, wanted.ending, ("killed after %g s"):format(delay))
      end
      orch.fs.remove(at, { recursive = true })
    end
  end)
end)
