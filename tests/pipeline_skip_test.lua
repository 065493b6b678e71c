-- What has to run, and why: up to date, changed, missing, forced, and what -n and --explain
-- say about it.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")

local function reason(project, job)
  local start = project:last("job_start", job)
  return start and (start.reason or "always") or "not run"
end

local function ok(result)
  if result.exit_code ~= 0 then error(result.stdout .. result.stderr, 2) end
  return result
end

describe("a job with files", function()
  local SCRIPT = [[
    orch.job "make" { inputs = { "src/*.c", "*.h" }, outputs = { "out/app", "out/*.map" },
      env = { "FLAVOUR", MODE = "fast" },
      run = "mkdir -p out; echo made >> log; cat src/*.c > out/app; echo map > out/app.map" }]]
  local project

  before_each(function()
    project = pipelines.new(SCRIPT)
    orch.fs.mkdir(project.folder .. "/src")
    project:write("src/a.c", "int a;\n")
    project:write("src/b.c", "int b;\n")
    ok(project:run())
  end)

  local function edit(from, to)
    project:write("deploy.lua", (project:read "deploy.lua":gsub(from, to, 1)))
  end

  local function expect_runs(why)
    ok(project:run())
    expect(reason(project, "make")):matches(why)
  end

  --- A file that was written a moment ago is looked into once more.
  local function expect_skipped()
    ok(project:run())
    expect(project:story() == "make:skip" or project:story() == "make:fresh"):is(true)
    local skip = project:last("job_skip", "make")
    if skip then expect(skip.reason):equals "up to date" end
    expect(project:last("run_end").status):equals "ok"
  end

  it("runs once", function()
    expect(reason(project, "make")):equals "it has not succeeded here yet"
    expect_skipped()
    expect_skipped()
    expect(project:read "log"):equals "made\n"
  end)

  it("is skipped when files were only touched", function()
    orch.process.run { "touch", "-d", "2001-01-01", project.folder .. "/src/a.c" }
    ok(project:run())
    expect(project:story()):equals "make:skip"
    expect(project:last("job_skip", "make").reason):equals "up to date"
    expect_skipped() -- and the new time is known now
    orch.process.run { "touch", project.folder .. "/out/app" }
    ok(project:run())
    expect(project:story()):equals "make:skip"
    expect_skipped()
  end)

  it("runs when an input changed, came or went", function()
    project:write("src/a.c", "int c;\n")
    expect_runs "^input src/a.c changed$"
    project:write("src/c.c", "")
    expect_runs "^input src/c.c is new$"
    project:remove "src/c.c"
    expect_runs "^input src/c.c is gone$"
    project:write("config.h", "")
    expect_runs "^input config.h is new$"
    expect_skipped()
  end)

  it("runs when its command, a variable or a list of files changed", function()
    edit("echo map", "echo maps")
    expect_runs "^its command changed"
    edit('"fast"', '"slow"')
    expect_runs "^variable `MODE` changed from fast to slow$"
    ok(project:orch({ "run", "--ui", "plain", "deploy.lua" }, { FLAVOUR = "beta" }))
    expect(reason(project, "make")):equals "variable `FLAVOUR` changed from (unset) to beta"
    expect_runs "^variable `FLAVOUR` changed from beta to %(unset%)$"
    edit('"%*%.h"', '"*.hh"')
    expect_runs "^its inputs changed"
    edit("orch.job", "-- a remark\n\n orch.job")
    expect_skipped()
    edit('run =', 'desc = "told otherwise", timeout = 99, run =')
    expect_skipped()
  end)

  it("runs when an output is gone or was edited", function()
    project:remove "out/app.map"
    expect_runs "^output out/%*.map is missing$"
    project:write("out/app", "by hand")
    expect_runs "^output out/app changed$"
    expect(project:read "out/app"):equals "int a;\nint b;\n"
  end)

  it("runs when it is told to", function()
    ok(project:run("--force", "make"))
    expect(reason(project, "make")):equals "forced by --force"
    ok(project:run("--skip", "make"))
    expect(project:story()):equals "make:skip"
    expect(project:last("job_skip", "make").reason):equals "skipped by --skip"
  end)

  it("runs again after a failure", function()
    edit("echo map > out/app.map", "exit 3")
    expect(project:run().exit_code):equals(1)
    expect(project:run().exit_code):equals(1)
    expect(reason(project, "make")):matches "^its command changed"
    edit("exit 3", "echo map > out/app.map")
    ok(project:run()) -- what the failures have written is what the success had
    expect(project:story()):equals "make:skip"
  end)

  it("whose inputs change while it runs runs again", function()
    edit("echo made", "echo 'int d;' >> src/b.c; echo made")
    ok(project:run())
    expect_runs "^the inputs changed while it ran last$"
  end)

  it("plans without doing anything", function()
    local before = project:read ".orch/state.db"
    local runs = #project:runs()
    local plan = ok(project:run "-n")
    expect(plan.stdout):matches "\n?skip   make +%d+%.%ds  up to date\n"
    expect(plan.stdout):contains "0 would run, 0 may run, 1 need not"
    project:write("src/a.c", "int other;\n")
    expect(project:run("-n").stdout):matches "run    make +%d+%.%ds  input src/a.c changed\n"
    local said = ok(project:run("--explain", "make")).stdout
    expect(said):contains "make would run: input src/a.c changed"
    expect(said):contains "changed input: src/a.c"
    expect(said):contains("its last success: run " .. project:runs()[1])
    edit('"fast"', '"slow"')
    expect(project:run("--explain", "make").stdout):contains "MODE` changed from fast to slow"
    local json = require("orch.json").decode(project:run("-n", "--json").stdout)
    expect(json[1].job):equals "make"
    expect(json[1].verdict):equals "run"
    local wrong = project:run("--explain", "mak")
    expect(wrong.exit_code):equals(2)
    expect(wrong.stderr):contains "did you mean 'make'?"
    expect(#project:runs()):equals(runs)
    expect(project:read ".orch/state.db" == before):is(true)
    expect(project:read "log"):equals "made\n"
  end)
end)

describe("a function with files", function()
  it("runs when what it captures changes, not when lines do", function()
    local project = pipelines.new [[
      local version, helper = "1.0", function() return 1 end
      orch.job "f" { outputs = "f.txt", run = function()
        orch.fs.write("f.txt", version .. helper())
      end }]]
    local function edit(from, to)
      project:write("deploy.lua", (project:read "deploy.lua":gsub(from, to, 1)))
      ok(project:run())
      return reason(project, "f")
    end
    ok(project:run())
    expect(edit('"1.0"', '"1.1"')):matches "`version` changed from 1.0 to 1.1$"
    expect(project:read "f.txt"):equals "1.11"
    expect(edit("return 1", "return 2")):contains "helper"
    expect(edit("orch.fs", "local x = 1; orch.fs")):equals "its code changed"
    expect(edit("^", "-- a remark\n\n")):equals "not run"
  end)

  it("runs when a param that it reads changes", function()
    local project = pipelines.new [[
      local p = orch.params { channel = "beta", other = 1 }
      orch.job "f" { outputs = "f.txt", run = function() orch.fs.write("f.txt", p.channel) end }]]
    ok(project:run())
    ok(project:run "--channel=beta")
    expect(project:story()):equals "f:fresh"
    ok(project:run "--channel=live")
    expect(reason(project, "f")):contains "channel"
    expect(project:read "f.txt"):equals "live"
  end)
end)

describe("a job behind others", function()
  local SCRIPT = [[
    orch.job "gen" { inputs = "in.txt", outputs = "gen.txt", run = "head -c 1 in.txt > gen.txt" }
    orch.job "use" { needs = "gen", outputs = "use.txt", run = "cat gen.txt > use.txt" }
    orch.job "group" { needs = "use" }
    orch.job "last" { needs = "group", outputs = "last.txt", run = "cat use.txt > last.txt" }]]

  it("runs when a result changed, and stops where one is the same", function()
    local project = pipelines.new(SCRIPT)
    project:write("in.txt", "abc")
    ok(project:run())
    project:write("in.txt", "axx") -- gen.txt will be the same
    local plan = project:run("-n").stdout
    expect(plan):matches "run    gen +[^\n]+input in.txt changed"
    expect(plan):matches "maybe  use +[^\n]+after gen, if that changes anything"
    expect(plan):matches "maybe  last +[^\n]+if that changes anything"
    ok(project:run())
    expect(project:story()):matches "gen:ok use:skip group:skip last:skip"
    project:write("in.txt", "bxx")
    ok(project:run())
    expect(reason(project, "use")):equals "the result of gen changed"
    expect(reason(project, "last")):matches "^the result of .+ changed$"
    expect(project:read "last.txt"):equals "b"
  end)

  it("reads the values of jobs that need not run", function()
    local project = pipelines.new [[
      orch.job "v" { inputs = "in.txt", run = function()
        return { size = #orch.fs.read "in.txt", list = {}, null = orch.json.null }
      end }
      orch.job "w" { needs = "v", run = function() print("size " .. orch.result("v").size) end }]]
    project:write("in.txt", "abc")
    ok(project:run())
    local again = ok(project:run())
    expect(project:last("job_start", "v")):is_nil()
    expect(again.stdout):contains "size 3"
    expect(ok(project:run("--only", "w")).stdout):contains "size 3"
    project:write("in.txt", "abcd")
    expect(ok(project:run()).stdout):contains "size 4"
  end)
end)

describe("outputs are promises", function()
  local function fails(options, text, setup)
    local project = pipelines.new(("orch.job 'x' { %s }"):format(options))
    if setup then setup(project) end
    local result = project:run()
    expect(result.exit_code):equals(1)
    local failed = project:last("job_end", "x")
    expect(failed.status):equals "failed"
    expect(failed.error.kind):equals "output"
    expect(failed.error.message):contains(text)
    expect(project:run().exit_code):equals(1) -- and nothing of it is taken for done
  end

  it("missing after exit 0", function()
    fails([[outputs = { "there", "no/*.txt" }, run = "echo > there"]], "'no/*.txt' is missing")
  end)

  it("older than the start", function()
    fails([[outputs = "old", run = "true"]], "'old' is older than the job's start", function(p)
      p:write("old", "")
      orch.process.run { "touch", "-d", "2001-01-01", p.folder .. "/old" }
    end)
  end)

  it("of a job that works in another folder", function()
    local project = pipelines.new [[
      orch.job "x" { cwd = "sub", outputs = "sub/made", run = "pwd; echo hi > made" }
      orch.job "y" { cwd = "sub", outputs = "sub/lua", needs = "x", run = function()
        orch.fs.write("lua", orch.fs.read "made")
      end }]]
    orch.fs.mkdir(project.folder .. "/sub")
    expect(ok(project:run()).stdout):contains(project.folder .. "/sub")
    expect(project:read "sub/lua"):equals "hi\n"
    ok(project:run())
    expect(project:events "job_start"):equals {}
  end)
end)
