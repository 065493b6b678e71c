-- orch list, info, new and completion: what a script declares, without running its jobs.

local fs = require "orch.fs"

local dir

before_each(function() dir = test.temp_dir() end)

local function write(name, text)
  if name:find "/" then fs.mkdir(dir .. "/" .. name:match "^(.*)/") end
  fs.write(dir .. "/" .. name, text)
end

local function run(...)
  return test.run({ ... }, { cwd = dir, timeout = 30, env = { NO_COLOR = "1" } })
end

local SCRIPT = [[
local p = orch.params {
  channel = { "internal", choices = { "internal", "beta" }, help = "the track" },
  fast = false, token = { type = "string", required = true } }
print("the body speaks")
orch.pools { unity = 2 }
orch.job "fetch" { desc = "Get it", run = "touch ran", outputs = "ran" }
for _, name in ipairs { "ios", "android" } do
  orch.job("build:" .. name) { desc = "Build for " .. name, needs = "fetch", pools = { unity = 1 },
    timeout = "90m", retry = 2, run = function() end }
end
orch.job "publish" { needs = "build:*", run = { "echo up", { "cp", "a b", "c" } },
  env = { "CI", K = 1 } }
orch.default "publish"
]]

describe("orch list", function()
  it("groups, describes and marks the default, and runs no job", function()
    write("deploy.lua", SCRIPT)
    local result = run("list", "deploy.lua")
    expect(result.exit_code):equals(0)
    expect(result.stdout):equals [[
deploy.lua: 4 jobs; those with * run when none is named

    fetch          Get it
  * publish

build
    build:ios      Build for ios
    build:android  Build for android

Params
  --channel CHANNEL  the track: internal (default), beta
  --fast             default off
  --token TOKEN      required

Pools: unity 2
]]
    expect(result.stderr):equals("the body speaks\n")
    expect(fs.exists(dir .. "/ran")):equals(false)
    expect(fs.exists(dir .. "/.orch")):equals(false)
  end)

  it("gives all of it as JSON", function()
    write("deploy.lua", SCRIPT)
    local found = orch.json.decode(run("list", "--json").stdout)
    expect({ found.version, found.script, found.jobs[2].name, found.jobs[2].group,
      found.jobs[2].needs, found.jobs[4].default, found.params[1].choices, found.pools.unity })
      :equals { 1, "deploy.lua", "build:ios", "build", { "fetch" }, true,
        { "internal", "beta" }, 2 }
  end)

  it("names secrets, and needs none of them", function()
    write("a.lua", [[local s = orch.secrets { "NO_SUCH_KEY", file = "none.env" }
      orch.job "a" { run = ":", desc = "with " .. s.NO_SUCH_KEY }]])
    local result = run("list", "a.lua")
    expect(result.stdout):contains("Secrets: NO_SUCH_KEY\n")
    expect(result.exit_code):equals(0)
    expect(orch.json.decode(run("list", "a.lua", "--json").stdout).secrets):equals { "NO_SUCH_KEY" }
    expect(run("run", "a.lua").stderr):contains("there is no file 'none.env'")
  end)

  it("finds the script of the folder", function()
    write("lib.lua", "return {}")
    write("deploy.lua", SCRIPT)
    write("deploy_test.lua", "orch.job 'x' {}")
    expect(run("list").stdout):contains("deploy.lua: 4 jobs")
    write("other.lua", "orch.job('x') { run = ':' }")
    local result = run("list")
    expect(result.exit_code):equals(2)
    expect(result.stderr):equals(
      "orch: several scripts declare jobs: deploy.lua, other.lua; name one of them\n")
    write("orch.lua", "orch.job 'x' { run = ':' }")
    expect(run("list").stdout):contains("orch.lua: 1 job\n")
  end)

  it("says so where there is none, without running other scripts", function()
    write("plain.lua", "io.open('ran', 'w'):close()")
    expect(run("list").stderr):contains("no script in this folder declares jobs")
    local result = run("list", "plain.lua")
    expect(result.exit_code):equals(2)
    expect(result.stderr):contains("plain.lua declares no jobs")
    expect(fs.exists(dir .. "/ran")):equals(false)
    expect(run("list", "nope.lua").exit_code):equals(3)
  end)

  it("works from another folder, with modules beside the script", function()
    write("sub/deploy.lua", "require 'jobs' orch.job 'a' { run = ':' }")
    write("sub/jobs.lua", "orch.job 'b' { run = ':' }")
    expect(run("list", "sub/deploy.lua").stdout):contains("sub/deploy.lua: 2 jobs")
    expect(run("-C", "sub", "list", "deploy.lua").stdout):contains("deploy.lua: 2 jobs")
  end)

  it("does not wait for what the body leaves running", function()
    write("a.lua", "orch.spawn(function() while true do orch.sleep(1) end end)\n"
      .. "orch.job 'a' { run = ':' }")
    expect(run("list", "a.lua").stdout):contains("a.lua: 1 job")
  end)

  it("shows the body's error and the lines of jobs that are declared twice", function()
    write("a.lua", "orch.job 'a' { run = ':' }\n\norch.job 'a' { run = ':' }\n")
    local result = run("list", "a.lua")
    expect(result.exit_code):equals(3)
    expect(result.stderr):contains("twice, at a.lua:1 and at a.lua:3")
    expect(result.stderr):contains("   3 | orch.job 'a'")
  end)

  it("cuts descriptions where a terminal ends", function()
    write("a.lua", "orch.job 'a' { run = ':', desc = ('wörter '):rep(40) }")
    local text = orch.process.run { "script", "-qec",
      "stty cols 60; '" .. require("orch.core.runtime").executable() .. "' list a.lua", "/dev/null",
      cwd = dir, env = { NO_COLOR = "1" }, timeout = 20 }.stdout
    local line = text:match "\n(    a  [^\r\n]*)"
    expect(orch.tty.width(line)):equals(60)
    expect(line):matches("…$")
  end)
end)

describe("a script with params and no jobs", function()
  it("tells its params and does not do its work for --help", function()
    write("a.lua", [[
      local p = orch.params { channel = { "internal", help = "the track" }, n = 1 }
      io.open("ran", "w"):close()
      print(p.channel, p.n, ...)]])
    local result = run("a.lua", "--help")
    expect(result.stdout):contains("Usage: orch run a.lua [--PARAM VALUE]")
    expect(result.stdout):contains("--channel CHANNEL  the track; default internal")
    expect({ result.exit_code, fs.exists(dir .. "/ran") }):equals { 0, false }
    expect(run("a.lua", "word", "--n=2").stdout):equals("internal\t2\tword\t--n=2\n")
    result = run("a.lua", "--chanel", "x")
    expect({ result.exit_code, result.stderr })
      :equals { 2, "orch: there is no option '--chanel'; did you mean '--channel'?\n" }
  end)
end)

describe("orch info", function()
  it("tells all about a job, and why it would run", function()
    write("deploy.lua", SCRIPT)
    local result = run("info", "build:ios")
    expect(result.exit_code):equals(0)
    for _, text in ipairs { "build:ios  Build for ios\n", "declared    deploy.lua:8\n",
      "needs       fetch\n", "needed by   publish\n", "pools       unity 1 of 2\n",
      "limits      timeout 1h 30m, 2 attempts\n", "runs        function at deploy.lua:9\n",
      "build:ios would run" } do
      expect(result.stdout):contains(text)
    end
    result = run("info", "publish", "deploy.lua")
    expect(result.stdout):contains("runs        echo up\n              cp 'a b' c\n")
    expect(result.stdout):contains("env         CI (watched), K=1\n")
    expect(fs.exists(dir .. "/.orch")):equals(false)
  end)

  it("gives it as JSON", function()
    write("deploy.lua", SCRIPT)
    local found = orch.json.decode(run("info", "build:ios", "--json").stdout)
    expect({ found.name, found.needs, found.needed_by, found.timeout, found.attempts })
      :equals { "build:ios", { "fetch" }, { "publish" }, 5400, 2 }
  end)

  it("says what is wrong", function()
    write("deploy.lua", SCRIPT)
    for _, case in ipairs {
      { { "info", "build:is" }, 2, "there is no job 'build:is'; did you mean 'build:ios'?" },
      { { "info" }, 2, "which job? orch info JOB [FILE]" },
      { { "info", "a", "b", "c" }, 2, "not 'c' as well" },
      { { "info", "build:*" }, 2, "'build:*' means 2 jobs; name one of them" },
    } do
      local result = run(table.unpack(case[1]))
      expect({ result.exit_code, result.stdout }):equals { case[2], "" }
      expect(result.stderr):contains(case[3])
    end
    write("bad.lua", "orch.job 'a' { needs = 'b', run = ':' }")
    local result = run("info", "a", "bad.lua")
    expect(result.exit_code):equals(3)
    expect(result.stderr):contains("needs 'b', which is not a job")
    expect(result.stderr):contains("   1 | orch.job")
  end)
end)

describe("orch new pipeline", function()
  it("writes a script that works as it is, and skips what is done", function()
    local result = run("new", "pipeline")
    expect(result.stdout):contains("wrote deploy.lua")
    result = run("run", "deploy.lua", "--ui", "plain")
    expect(result.exit_code):equals(0)
    expect(fs.exists(dir .. "/out/game-ios.zip")):equals(true)
    expect(result.stdout .. result.stderr):contains("all builds together: 360 MB")
    result = run("run", "-n", "deploy.lua")
    expect(result.stdout):matches("skip%s+build:ios")
    expect(run("info", "build:ios").stdout):contains("build:ios would not run: up to date")
  end)

  it("never overwrites", function()
    write("deploy.lua", "mine")
    local result = run("new", "pipeline")
    expect(result.exit_code):equals(7)
    expect(result.stderr):contains("'deploy.lua' is there already")
    expect(fs.read(dir .. "/deploy.lua")):equals("mine")
    expect(run("new", "pipeline", "nightly").stdout):contains("wrote nightly.lua")
    expect(fs.read(dir .. "/nightly.lua")):contains("orch list nightly.lua")
    expect(run("new", "pipelin").stderr):contains("did you mean 'pipeline'?")
    expect(run("new").exit_code):equals(2)
  end)
end)

describe("a wrong word or graph", function()
  it("ends with 2 or 3 before anything runs", function()
    write("deploy.lua", SCRIPT)
    for _, case in ipairs {
      { { "--token", "x", "--chanel=beta" }, 2, "did you mean '--channel'?" },
      { { "--token", "x", "--channel", "bta" }, 2,
        "--channel should be internal, beta, not 'bta'" },
      { { "--token", "x", "--jbs", "3" }, 2, "did you mean '--jobs'?" },
      { { "--token", "x", "publsh" }, 2, "did you mean 'publish'?" },
      { {}, 2, "--token is required" },
    } do
      local result = run("run", "deploy.lua", table.unpack(case[1]))
      expect(result.exit_code):equals(case[2])
      expect(result.stderr):contains(case[3])
      expect(fs.exists(dir .. "/ran")):equals(false)
    end
    write("bad.lua", "orch.job 'a' { needs = 'b', run = 'touch ran' }\n"
      .. "orch.job 'c' { needs = 'c' }")
    local result = run("run", "bad.lua")
    expect(result.exit_code):equals(3)
    expect(result.stderr):contains("2 things are wrong with the jobs:")
    expect(result.stderr):contains("waits for itself")
    expect(fs.exists(dir .. "/ran")):equals(false)
  end)

  it("leaves help to the script's own params and jobs", function()
    write("deploy.lua", SCRIPT)
    local result = run("run", "deploy.lua", "--help")
    expect(result.exit_code):equals(0)
    for _, text in ipairs { "Usage: orch run deploy.lua", "--channel CHANNEL", "build:ios",
      "without a name: publish", "--keep-going" } do
      expect(result.stdout):contains(text)
    end
    expect(fs.exists(dir .. "/ran")):equals(false)
  end)
end)
