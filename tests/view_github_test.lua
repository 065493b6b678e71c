-- The view of GitHub Actions: groups, annotations and what must not be taken for a command.

local annotation = require "orch.view.annotation"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fixture = dofile(here .. "/helper/run_fixture.lua")
local stages = dofile(here .. "/helper/view_stage.lua")

local function with_log(text)
  local folder = orch.fs.temp_dir()
  orch.fs.mkdir(folder .. "/jobs/build%3Aios/1")
  orch.fs.write(folder .. "/jobs/build%3Aios/1/log", text)
  local stage = stages.new("github", { folder = folder }):start { folder = "/srv/game" }
  stage:jobs { { job = "build:ios", where = "deploy.lua:12" } }
  stage:say("job_start", 0, { job = "build:ios", attempt = 1 })
  stage:say("output", 1, { job = "build:ios", text = "passes by\n" })
  return stage
end

local function fail(stage)
  stage:say("job_end", 12.34, { job = "build:ios", attempt = 1, status = "failed", elapsed = 12.34,
    error = { kind = "process", exit_code = 65, message = "`xcodebuild` failed", command = "x" } })
  stage:say("run_end", 12.5, { status = "failed" })
  stage.view:close()
  return stage:text()
end

describe("github", function()
  it("shows a job with its whole log when it has ended, nothing before", function()
    local stage = with_log "one\n\27[31mtwo\27[0m\nno end"
    expect(stage:take()):equals ""
    stage:say("job_end", 12.34, { job = "build:ios", attempt = 1, status = "ok", elapsed = 12.34 })
    local out = stage:take()
    local word = out:match "::stop%-commands::(%S+)\n"
    expect(#word):greater_than(8)
    expect(out):equals("::group::ok     build:ios  12.3s\n::stop-commands::" .. word
      .. "\none\n\27[31mtwo\27[0m\nno end\n::" .. word .. "::\n::endgroup::\n")
  end)

  it("keeps what a job prints from being a command of the runner", function()
    local out = fail(with_log "::endgroup::\n::set-env name=x::y\n")
    local stop = out:find("::stop%-commands::")
    expect(stop):less_than(out:find("::set-env", 1, true))
    -- The summary at the end shows the log as well.
    local _, count = out:gsub("::set%-env", "")
    expect(count):equals(2)
    local open = false
    for line in out:gmatch "[^\n]+" do
      local word = line:match "^::stop%-commands::(%S+)$"
      if word then open = word end
      if open and line == "::" .. open .. "::" then open = false end
      if line:find "^%s*|?%s*::set%-env" then expect(open):truthy() end
    end
    expect(open):equals(false)
  end)

  it("says that a job printed nothing", function()
    local stage = with_log "x"
    orch.fs.remove(stage.view.folder .. "/jobs", { recursive = true })
    expect(fail(stage)):contains "(it printed nothing)\n"
  end)

  it("shows the end of a log that is very long", function()
    local stage = with_log(("0123456789abcde\n"):rep(600000) .. "the end\n")
    stage:say("job_end", 2, { job = "build:ios", attempt = 1, status = "ok", elapsed = 2 })
    local out = stage:text()
    expect(#out):less_than(9 << 20)
    expect(out):contains "(the first 1 MB are left out, see "
    expect(out):contains "the end\n"
  end)

  it("annotates failures and problems, the root cause first", function()
    local stage = with_log "x\n"
    stage:say("problem", 1, { job = "build:ios", severity = "warning", message = "unused, 100%\nx",
      file = "a,b:c.cs", line = 7, column = 2, code = "W1" })
    stage:say("problem", 1, { job = "build:ios", severity = "info", message = "fyi" })
    local out = fail(stage)
    local lines = {}
    for line in out:gmatch "::[enw]%a+ [^\n]*" do lines[#lines + 1] = line end
    expect(lines):equals {
      "::error file=deploy.lua,line=12,title=build%3Aios failed::`xcodebuild` failed",
      "::warning file=a%2Cb%3Ac.cs,line=7,col=2,title=W1 (build%3Aios)::unused, 100%25%0Ax",
      "::notice title=build%3Aios::fyi",
    }
  end)

  it("annotates ten of a kind and counts the rest aloud", function()
    local stage = with_log "x\n"
    for i = 1, 30 do
      stage:say("problem", 1, { job = "build:ios", severity = "error", message = "bad " .. i })
      stage:say("problem", 1, { job = "build:ios", severity = "error", message = "bad " .. i })
    end
    for i = 1, 12 do
      stage:say("problem", 1, { job = "build:ios", severity = "warning", message = "w" .. i })
    end
    local out = fail(stage)
    expect(select(2, out:gsub("::error ", ""))):equals(10)
    expect(select(2, out:gsub("::warning ", ""))):equals(10)
    expect(out):contains("21 more errors, 2 more warnings without an annotation: GitHub shows 10 "
      .. "of each kind\n")
  end)

  it("names files as they are in the repository", function()
    local _ <close> = orch.with_env { GITHUB_WORKSPACE = "/srv" }
    local stage = with_log "x\n"
    for _, file in ipairs { "src/a.c", "/srv/game/b.c", "/usr/include/c.h" } do
      stage:say("problem", 1, { job = "build:ios", severity = "error", message = "m", file = file })
    end
    local out = fail(stage)
    expect(out):contains "::error file=game/deploy.lua,line=12"
    expect(out):contains "::error file=game/src/a.c,"
    expect(out):contains "::error file=game/b.c,"
    expect(out):contains "::error file=/usr/include/c.h,"
  end)

  it("writes an annotation by the documented rules", function()
    expect(annotation.line("error", {}, "a%b\r\nc,d:e")):equals "::error::a%25b%0D%0Ac,d:e"
    expect(annotation.line("warning", { title = "a%,:\r\n" }, "x")):equals(
      "::warning title=a%25%2C%3A%0D%0A::x")
  end)

  it("shows a whole run", function()
    local folder = orch.fs.temp_dir() .. "/run"
    fixture.write(folder, { jobs = 30 })
    local stage = stages.new("github", { folder = folder })
    for record in require("orch.pipeline.events").read(folder .. "/events.jsonl") do
      stage:play { record }
    end
    stage.view:close()
    local out = stage:text()
    local groups = select(2, out:gsub("::group::", ""))
    expect(select(2, out:gsub("::endgroup::", ""))):equals(groups)
    expect(groups):greater_than(stage.run.counts.ok)
    expect(out):contains "skip   "
  end)

  it("says what is still running", function()
    local stage = stages.new("github", { every = 0.02 }):start():jobs { "a" }
    stage:say("job_start", 0, { job = "a", attempt = 1 })
    stage.now = 180
    local task = orch.spawn({ daemon = true, hold = true }, stage.view.run, stage.view)
    orch.sleep "50ms"
    expect(stage:text()):matches "^still running: a 3m\n"
    stage.view:close()
    orch.sleep "50ms"
    expect(task:done()):truthy()
  end)
end)
