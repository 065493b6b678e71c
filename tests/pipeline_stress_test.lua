-- What a hostile job, or an unlucky moment, must not break: the run goes on, and its books
-- agree. The last part makes pipelines at random and compares what happened with what may.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")

describe("an error that cannot be looked at", function()
  it("is the job's failure, not the run's", function()
    local project = pipelines.new [[
      local function no() error "hands off" end
      local values = {
        index = setmetatable({}, { __index = no }), text = setmetatable({}, { __tostring = no }),
        kind = { kind = setmetatable({}, { __tostring = no }), message = "kind" },
        number = { kind = "odd", message = "number", status = 0 / 0, exit_code = 1 / 0 },
        sealed = setmetatable({}, { __metatable = false }), none = false,
      }
      for name, value in pairs(values) do
        orch.job(name, { run = function() error(value) end })
      end
      orch.job "nothing" { run = function() error(nil) end }
      orch.job "good" { run = function() orch.sleep(0.05) end }
    ]]
    local result = project:run("-k")
    expect(result.exit_code):equals(1)
    expect(result.stderr):equals ""
    local finish = project:last "run_end"
    expect({ finish.failed, finish.ok, finish.cancelled }):equals { 7, 1, 0 }
  end)

  it("and somebody else's cancellation is one, too", function()
    local project = pipelines.new [[
      local kept
      orch.job "a" { retry = { attempts = 2, retry_on = function() return true end },
        run = function()
          local task = orch.spawn({ hold = true }, orch.sleep, 10)
          orch.sleep(0)
          task:cancel "mine"
          local _, err = pcall(task.await, task)
          kept = err
          error(err)
        end }
      orch.job "b" { after = "a", run = function() error(kept) end }
    ]]
    expect(project:run("-k").exit_code):equals(1)
    expect(project:story()):equals "a:start a:failed b:start b:failed"
  end)
end)

describe("retry", function()
  it("asks functions of the script in the job: what they raise is its failure", function()
    local project = pipelines.new [[
      orch.job "a" { retry = { attempts = 3, retry_on = function() error "in retry_on" end },
        run = function() error "x" end }
      orch.job "b" { run = function() orch.sleep(0.05) end }
    ]]
    expect(project:run("-k").exit_code):equals(1)
    expect(project:last("job_end", "a").error.message):equals "in retry_on"
    expect(project:last("job_end", "b").status):equals "ok"
  end)

  it("on_retry is called, and timeout is that of an attempt", function()
    local project = pipelines.new [[
      orch.job "a" {
        retry = { attempts = 2, timeout = 0.05, base = 0.01,
          on_retry = function(err, n) orch.sleep(0) print(err.kind, n) end },
        run = function() orch.sleep(60) end,
      }
    ]]
    expect(project:run().exit_code):equals(1)
    expect(project:story()):equals "a:start a:retry a:start a:failed"
    expect(project:read(".orch/runs/" .. project:runs()[1] .. "/jobs/a/1/log"))
      :contains "timeout\t1\n"
  end)

  it("holds for what is there for failures as well", function()
    local project = pipelines.new [[
      orch.job "a" { run = "exit 1" }
      orch.job "tell" { when = "failure", retry = { attempts = 3, base = 0.01 },
        run = "echo x >> told; test $(wc -l < told) = 3" }
    ]]
    expect(project:run().exit_code):equals(1)
    expect(project:last("job_end", "tell").status):equals "ok"
  end)
end)

describe("a run that stops", function()
  it("begins nothing that became ready in the same turn", function()
    local project = pipelines.new [[
      for i = 1, 40 do
        orch.job("again" .. i, { retry = { attempts = 2, base = 0.1, jitter = "none" },
          run = function() orch.error { kind = "network", message = "gone" } end })
      end
      orch.job "bad" { run = function() orch.sleep(0.1) error "bad" end }
      orch.job "busy" { run = function()
        orch.sleep(0.02)
        local till = orch.time() + 0.2
        while orch.time() < till do end -- when this is over, so is all that slept
      end }
    ]]
    expect(project:run("-j", "50").exit_code):equals(1)
    local failed = false
    for _, record in ipairs(project:events()) do
      if record.event == "job_end" and record.status == "failed" then failed = true end
      if failed then expect(record.event).never:equals "job_start" end
    end
    expect(failed):is(true)
    expect(project:last "run_end".failed):equals(1)
  end)
end)

describe("a job that clears the folder away", function()
  it("takes what orch keeps with it, and nothing else", function()
    local project = pipelines.new [[
      orch.job "clean" { run = "rm -rf .orch" }
      orch.job "build" { needs = "clean", inputs = "deploy.lua", outputs = "out",
        run = "date > out" }
      orch.job "lazy" { needs = "build", outputs = "old", run = "true" }
    ]]
    project:write("old", "")
    orch.process.run { "touch", "-d", "-1 hour", project.folder .. "/old" }
    local result = project:run("-k")
    expect(result.exit_code):equals(1)
    expect(result.stdout):contains "2 ok"
    expect(result.stdout):contains "'old' is older than the job's start"
  end)
end)

describe("a session that is broken off", function()
  local function break_off(project, signal, ready)
    project:write("hold", "")
    local process = project:start({ "resume", "--ui", "plain", "--grace", "1" }, "run_resume")
    for _ = 1, 2000 do
      if project:exists(ready) then break end
      orch.sleep(0.01)
    end
    process:signal(signal)
    process:wait()
    project:remove "hold"
  end
  local HOLD = "if test -e hold; then touch held; sleep 60; fi"

  it("takes nothing from what an earlier one did", function()
    local project = pipelines.new(([[
      orch.job "flaky" { run = "%s; test -e fine" }
      orch.job "once" { after = "flaky", run = "echo x >> once" }
    ]]):format(HOLD))
    expect(project:run("-k").exit_code):equals(1)
    break_off(project, "INT", "held")
    expect(project:last "run_end".status):equals "interrupted"
    project:write("fine", "")
    expect(project:orch { "resume" }.exit_code):equals(0)
    expect(project:read "once"):equals "x\n"
  end)

  it("hides no change of what a job needs", function()
    local project = pipelines.new(([[
      orch.job "source" { outputs = "text", run = "cp given text" }
      orch.job "first" { needs = "source", priority = 1, run = "%s" }
      orch.job "copy" { needs = "source", run = "cp text copy" }
      orch.job "last" { needs = "copy", run = "test -e fine" }
    ]]):format(HOLD))
    project:write("given", "old")
    expect(project:run("-j", "1").exit_code):equals(1)
    project:write("given", "new")
    project:remove "text"
    break_off(project, "KILL", "held")
    expect(project:last("job_end", "source").digest).never:is_nil()
    project:write("fine", "")
    expect(project:orch { "resume" }.exit_code):equals(0)
    expect(project:read "copy"):equals "new"
  end)
end)

describe("a script", function()
  it("is the same one however its path is typed", function()
    local project = pipelines.new [[
      orch.job "a" { inputs = "deploy.lua", outputs = "out", run = "echo x >> out" }
    ]]
    orch.fs.mkdir(project.folder .. "/sub")
    local names = { "deploy.lua", "./deploy.lua", "sub/../deploy.lua",
      project.folder .. "/deploy.lua" }
    for _, name in ipairs(names) do
      expect(project:orch { "run", "--ui", "plain", name }.exit_code):equals(0)
      expect(project:last("run_start").script):equals "deploy.lua"
      expect(project:orch({ "info", "a", name }).stdout):contains "last runs"
    end
    expect(project:read "out"):equals "x\n"
  end)

  it("may be called anything", function()
    for _, name in ipairs { "a b.lua", "a\nb.lua", "\u{fc}'\"%.lua", "./-x.lua" } do
      local project = pipelines.new [[ orch.job "a" { run = "test -e fine" } ]]
      orch.fs.copy(project.folder .. "/deploy.lua", project.folder .. "/" .. name)
      expect(project:orch { "run", "--ui", "plain", name }.exit_code):equals(1)
      project:write("fine", "")
      expect(project:orch { "resume" }.exit_code):equals(0)
    end
  end)
end)

-- ---- at random ----

local events = require "orch.pipeline.events"
local random_run = dofile(here .. "/helper/random_run.lua")
local SEEDS = tonumber(os.getenv "STRESS_SEEDS" or 4) -- a sample; by hand, hundreds
local FIRST = tonumber(os.getenv "STRESS_FIRST" or 1)
local MOST = tonumber(os.getenv "STRESS_JOBS" or 30)
local SIGNALS = { "INT", "TERM", "HUP", "KILL", "KILL", "TWICE", "STOP" }

--- Ends what has not ended by itself: nothing may hang.
local function guarded(process)
  local ok, result = orch.move_on_after("60s", function() return process:wait() end)
  if not ok then process:signal "KILL" end
  return ok and result or error("the run hangs", 0)
end

local function disturb(process, how, delay)
  orch.sleep(delay)
  if how == "STOP" then
    process:signal "STOP"
    orch.sleep(0.15)
    return process:signal "CONT"
  end
  process:signal(how == "TWICE" and "INT" or how)
  if how == "TWICE" then
    orch.sleep(0.01)
    process:signal "INT"
  end
end

local function read(path)
  return orch.fs.exists(path) and orch.fs.read(path) or ""
end

local function latest_session(project)
  if #project:runs() == 0 then return nil end
  local list
  for record in events.read(project:latest() .. "/events.jsonl") do
    if record.event == "run_start" or record.event == "run_resume" then list = {} end
    list[#list + 1] = record
  end
  return list
end

local function nobody_left(pids)
  local groups = {}
  for _, pid in ipairs(pids) do groups[pid] = true end
  for _ = 1, 500 do
    local left
    for line in orch.process.run { "ps", "-eo", "pgid=,stat=,args=" }.stdout:gmatch "[^\n]+" do
      local group, state = line:match "^%s*(%d+)%s+(%S)"
      if groups[group] and state ~= "Z" then left = line end
    end
    if not left then return end
    orch.sleep(0.02)
  end
  error("a process of a job is left", 0)
end

local function session(project, p, roll, words, number)
  local how = roll(1, 2) == 1 and SIGNALS[roll(1, #SIGNALS)] or nil
  local command = { require("orch.core.runtime").executable(), table.unpack(words) }
  command.cwd, command.check = project.folder, false
  command.env = { NO_COLOR = "1", GITHUB_ACTIONS = false, TERM = false }
  local process = orch.process.spawn(command)
  if how then disturb(process, how, roll(0, 400) / 1000) end
  local result = guarded(process)
  nobody_left(p.pids)
  local records = latest_session(project)
  local trace = read(project.folder .. "/trace")
  local mark = records and records[1].run .. "/" .. (records[1].session or 1)
  if not records or p.last == mark then return false end
  p.last = mark
  local over = random_run.check(p, { records = records, trace = trace,
    exit_code = result.exit_code, signal = how,
    alone = number == 1 and (how == nil or how == "STOP") })
  nobody_left(p.pids)
  local known = require("orch.json").decode(project:orch({ "history", "--json" }).stdout)
  local state = known.runs and known.runs[1] or known[1]
  local finish = records[#records]
  local expected = finish.event == "run_end" and finish.status or "crashed"
  if state.status ~= expected then
    error(("history: %s, not %s"):format(state.status, expected), 0)
  end
  return over
end

local function play(seed)
  local p, roll = random_run.new(seed, MOST)
  local project = pipelines.new(p.script)
  orch.fs.mkdir(project.folder .. "/n")
  orch.fs.mkdir(project.folder .. "/out")
  local words = { "run", "--ui", "plain", "--grace", "0.2", "--seed", tostring(seed), "-j",
    tostring(p.slots), "deploy.lua" }
  if p.keep_going then words[#words + 1] = "-k" end
  for number = 1, 6 do
    local ok, over = pcall(session, project, p, roll, words, number)
    if not ok then
      error(("seed %d, session %d: %s"):format(seed, number, tostring(over)), 0)
    end
    if over then return end
    if #project:runs() > 0 then words = { "resume", "--ui", "plain", "--grace", "0.2" } end
  end
end

describe("pipelines at random", { timeout = "10m" }, function()
  for seed = FIRST, FIRST + SEEDS - 1 do
    it("keep what is promised: " .. seed, function() play(seed) end)
  end
end)
