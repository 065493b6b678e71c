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
      orch.job "build" { needs = "clean", inputs = "deploy.lua", outputs = "out", run = "date > out" }
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
