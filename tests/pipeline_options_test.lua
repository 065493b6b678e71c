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

  it("says truly why one for after a failure was not needed", function()
    local result = run [[
      orch.job "good" { run = "true" }
      orch.job "bad" { run = "exit 1" }
      orch.job "mend" { needs = "good", when = "failure", run = "true" }
    ]]
    expect(result.stdout):contains "[mend] * skipped: not needed, as nothing it waits for failed"
  end)
end)

describe("stall", function()
  it("takes messages, progress and steps for signs of life", function()
    local result = run [[
      local function slowly(fn)
        return function(job)
          for i = 1, 8 do
            fn(job, i)
            orch.sleep(0.2)
          end
        end
      end
      orch.job "message" { stall = "1s", run = slowly(function(job) job:message "on it" end) }
      orch.job "progress" { stall = "1s", run = slowly(function(job, i) job:progress(i, 8) end) }
      orch.job "library" { stall = "1s", run = function()
        for _ in orch.progress(8) do orch.sleep(0.2) end
      end }
      orch.job "steps" { stall = "1s", run = slowly(function(_, i)
        orch.step("step " .. i, function() end)
      end) }
    ]]
    expect(result.stdout):contains "4 jobs ok"
  end)

  it("does not blame a job for another one that kept the processor", function()
    local result = run([[
      orch.job "talks" { stall = "1s", run = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done" }
      orch.job "computes" { run = function()
        orch.sleep "100ms"
        local now = os.clock()
        repeat until os.clock() - now > 1.3
      end }
    ]], "--slow", "0")
    expect(result.stdout):contains "2 jobs ok"
  end)
end)

describe("--json", function()
  local ONE = 'orch.job "one" { outputs = "out", run = "echo said; echo x > out" }'

  it("prints the outcome of a run, and nothing else, on standard output", function()
    local result = run(ONE, "--json")
    local outcome = orch.json.decode(result.stdout)
    expect(outcome.jobs[1].state):equals "ok"
    expect(result.stderr):contains "[one] said"
  end)

  it("prints what --explain says", function()
    run(ONE)
    orch.fs.write(folder .. "/out", "spoilt")
    local explained = orch.json.decode(run(nil, "--explain", "one", "--json").stdout)
    expect(explained.verdict):equals "run"
    expect(explained.changes):equals { "changed output: out" }
  end)
end)

describe("a report of the run's own", function()
  it("goes to standard output as -", function()
    local result = run([[orch.job "one" { run = "true" }]], "--ui=quiet", "--markdown", "-")
    expect(result.stdout):contains "**p.lua ok**"
    expect(result.stderr):equals ""
    expect(orch.fs.exists(folder .. "/-")):is(false)
  end)

  it("gets its folder, and one that cannot be is told before anything runs", function()
    local script = [[
      orch.job "clean" { run = "rm -rf out" }
      orch.job "build" { needs = "clean", run = "touch built" }
    ]]
    local html = { "--html", "out/reports/run.html" }
    expect(run(script, "-n", table.unpack(html)).exit_code):equals(0)
    expect(orch.fs.exists(folder .. "/out")):is(false)
    expect(run(nil, table.unpack(html)).exit_code):equals(0)
    expect(orch.fs.read(folder .. "/out/reports/run.html")):contains "<html"
    orch.fs.remove(folder .. "/built")
    orch.fs.write(folder .. "/file", "")
    local result = run(nil, "--junit", "file/jobs.xml")
    expect(result.exit_code):equals(2)
    expect(result.stderr):matches "^orch: %-%-junit file/jobs.xml: cannot make the folder 'file': "
    expect(orch.fs.exists(folder .. "/built")):is(false)
  end)
end)

describe("--explain", function()
  it("knows jobs that do not run by default", function()
    local result = run([[
      orch.job "one" { run = "true" }
      orch.job "two" { run = "true" }
      orch.default "one"
    ]], "--explain", "two")
    expect(result.stdout):contains "two would run: it declares no inputs or outputs"
  end)

  it("does not say the reason twice", function()
    local script = [[
      orch.job "one" { outputs = "out", run = function() orch.fs.write("out", "%d") end }
    ]]
    run(script:format(1))
    orch.fs.write(folder .. "/out", "changed")
    local said = run(script:format(2), "--explain", "one").stdout
    expect(said):matches("^one would run: its code changed\n  changed output: out\n"
      .. "  its last success: run [%w-]+, %d+%.%ds\n$")
  end)
end)

describe("-n", function()
  it("shows what runs among hundreds that do not", function()
    local script = [[
      for i = 1, 40 do
        orch.job("made:" .. i) { inputs = "in" .. i, outputs = "out" .. i,
          run = ("cp in%d out%d"):format(i, i) }
      end
    ]]
    for i = 1, 40 do orch.fs.write(folder .. "/in" .. i, "a") end
    expect(run(script).exit_code):equals(0)
    orch.fs.write(folder .. "/in7", "b")
    local plan = run(nil, "-n").stdout
    expect(plan):matches "^skip   39 jobs +up to date\nrun    made:7 +%d+%.%ds  input in7 changed\n"
    expect(plan):matches "\n1 would run, 0 may run, 39 need not\n$"
    expect(run(nil, "-n", "made:1", "made:2").stdout):matches "^skip   made:1 .*\nskip   made:2 "
  end)
end)

describe("a drawing", function()
  it("has no secrets in it", function()
    orch.fs.write(folder .. "/p.lua", [[
      local secrets = orch.secrets { "SECRET" }
      orch.job "one" { desc = "with " .. secrets.SECRET, run = "true" }
    ]])
    for _, to in ipairs { "jobs.svg", "-" } do
      local result = test.run({ "graph", "p.lua", "--svg", to }, { cwd = folder,
        env = { SECRET = "hunter2hunter2" } })
      expect(result.exit_code):equals(0)
      local drawn = to == "-" and result.stdout or orch.fs.read(folder .. "/" .. to)
      expect(drawn):contains "***"
      expect(drawn:find("hunter2", 1, true)):is_nil()
    end
  end)
end)

describe("the reason that what a job needs has changed", function()
  local function script(value, needs)
    return ([[
      orch.job "one" { run = function() return %d end }
      orch.job "two" { run = function() return 2 end }
      orch.job "last" { needs = %s, outputs = "out", run = "echo x > out" }
    ]]):format(value, needs)
  end

  it("names the job that succeeded since, or the list", function()
    run(script(1, '"one"'))
    run(script(5, '"one"'), "one")
    expect(run(nil, "-n", "--only", "last").stdout):contains "the result of one changed"
    run()
    run(script(5, '{ "one", "two" }'), "two")
    run(nil, "last")
    local result = run(script(5, '"two"'), "-n", "--only", "last")
    expect(result.stdout):contains "its list of needs changed"
  end)
end)

describe("orch.result", function()
  local SCRIPT = [[
    local p = orch.params { fail = false }
    orch.job "make" { run = function()
      assert(not p.fail, "it was to fail")
      return { size = 7 }
    end }
    orch.job "no" { run = function() return false end }
    orch.job "use" { needs = { "make", "no" }, when = "always", run = function()
      local made = orch.result "make"
      print("made", made and made.size, orch.results("n*").no)
    end }
  ]]

  it("says so where a run leaves out what has never succeeded", function()
    for _, words in ipairs { { "--only", "use" }, { "--skip", "make" } } do
      expect(run(SCRIPT, table.unpack(words)).stdout):contains(
        "result: job 'make' has never succeeded here, and this run leaves it out; run it as well")
    end
    expect(run().stdout):contains "made\t7\tfalse"
    expect(run(nil, "--only", "use").stdout):contains "made\t7\tfalse"
  end)

  it("has nothing of a job that failed, though it succeeded before", function()
    run(SCRIPT)
    expect(run(nil, "--fail", "-k").stdout):contains "made\tnil\tfalse"
  end)
end)

describe("a group", function()
  local SCRIPT = [[
    orch.job "b:1" { outputs = "o1", run = "touch o1" }
    orch.job "b:2" { outputs = "o2", run = "touch o2" }
    orch.job "all" { needs = "b:*" }
    orch.job "pack" { needs = "all", outputs = "o3", run = "cat o1 o2 > o3" }
  ]]

  it("that a run leaves out has given what its jobs have given", function()
    run(SCRIPT)
    for _, words in ipairs { { "--only", "pack" }, { "--skip", "all" } } do
      expect(run(nil, "-n", table.unpack(words)).stdout):contains "0 would run, 0 may run"
      expect(run(nil, table.unpack(words)).stdout):contains "nothing to do"
    end
    expect(run().stdout):contains "nothing to do"
  end)

  it("passes on --force to its jobs", function()
    run(SCRIPT)
    local result = run(nil, "--force", "all")
    expect(result.stdout):contains "[b:1] * started: forced by --force"
    expect(result.stdout):contains "[b:2] * started: forced by --force"
    expect(result.stdout):contains "[pack] * skipped: up to date"
  end)
end)
