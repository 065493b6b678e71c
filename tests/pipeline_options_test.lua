-- The options of a job in combinations that are odd, but allowed: whole programs, real
-- processes.

local folder

before_each(function() folder = test.temp_dir() end)

--- Runs a script in the folder, which lasts from one call to the next.
local function run(text, ...)
  if text then orch.fs.write(folder .. "/p.lua", text) end
  return test.run({ "run", "--ui", "plain", "p.lua", ... }, { cwd = folder, timeout = "60s",
    env = { NO_COLOR = "1", SECRET = "hunter2hunter2" } })
end

describe("a job with when", function()
  local ALWAYS = [[
    orch.job "prepare" { when = "always", outputs = "prepared",
      run = "echo x > prepared; echo prepared >> effects" }
    orch.job "all" { needs = "prepare" }
    orch.job "build" { needs = "all", outputs = "built", run = "echo x > built" }
    orch.job "tidy" { when = "always", run = "echo tidied >> effects" }
  ]]

  it("does not wait for those that wait for it", function()
    expect(run(ALWAYS).exit_code):equals(0)
    expect(orch.fs.read(folder .. "/effects")):equals "prepared\ntidied\n"
  end)

  it("runs each time with always, though its files are as they were", function()
    run(ALWAYS)
    local plan = run(nil, "-n")
    expect(plan.stdout):contains 'run    prepare'
    local again = run()
    expect(again.stdout .. again.stderr):contains '[prepare] * started: when = "always"'
    expect(again.stdout .. again.stderr):contains "[build] * skipped: up to date"
    expect(orch.fs.read(folder .. "/effects")):equals "prepared\ntidied\nprepared\ntidied\n"
  end)
end)
