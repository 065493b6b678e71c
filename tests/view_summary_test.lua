-- What stands at the end of a run, the root cause last.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local stages = dofile(here .. "/helper/view_stage.lua")
local again = require "orch.view.again"
local summary = require "orch.view.summary"

local function stage_of(jobs, start)
  return stages.new("quiet"):start(start):jobs(jobs)
end

local function ok(stage, job, t, elapsed)
  stage:say("job_start", t - elapsed, { job = job, attempt = 1 })
  stage:say("job_end", t, { job = job, attempt = 1, status = "ok", elapsed = elapsed })
end

local function fails(stage, job, t, err)
  stage:say("job_start", t - 1, { job = job, attempt = 1 })
  stage:say("job_end", t, { job = job, attempt = 1, status = "failed", elapsed = 1, error = err })
end

local function text_of(stage, status, fields)
  fields = fields or {}
  fields.status = status
  stage:say("run_end", stage.now, fields)
  return summary.text(stage.run, { folder = fields.folder })
end

describe("the summary of a success", function()
  it("is one line", function()
    local stage = stage_of { "a", "b", "c" }
    ok(stage, "a", 2, 2)
    stage:say("job_skip", 0, { job = "b", reason = "up to date" })
    stage:say("job_skip", 0, { job = "c", reason = "skipped by --skip" })
    expect(text_of(stage, "ok")):equals "1 job ok, 1 up to date, 1 skipped by --skip in 2.0s\n"
    stage:say("job_skip", 0, { job = "c", reason = "not needed, as nothing failed" })
    expect(text_of(stage, "ok")):contains "1 not needed in 2.0s"
  end)

  it("names the slowest jobs of a long run, and counts problems", function()
    local stage = stage_of { "a", "b", "c", "d" }
    for i, job in ipairs { "a", "b", "c", "d" } do ok(stage, job, 20 * i, 20 * i) end
    stage:say("problem", 80, { job = "a", severity = "warning", message = "w" })
    expect(text_of(stage, "ok")):equals("4 jobs ok in 1m 20s (1 warning reported)\n"
      .. "slowest: d 1m 20s, c 1m 00s, b 40.0s\n")
  end)

  it("says that there was nothing to do", function()
    local stage = stage_of { "a", "b" }
    for _, job in ipairs { "a", "b" } do
      stage:say("job_skip", 0, { job = job, reason = "up to date" })
    end
    expect(text_of(stage, "ok")):equals "nothing to do: 2 up to date in 0.0s\n"
  end)

  it("is nothing while the run goes on", function()
    expect(summary.text(stage_of({ "a" }).run, {})):equals ""
  end)
end)

describe("the summary of a failure", function()
  it("ends with the root cause, its log and the way on", function()
    local folder = orch.fs.temp_dir()
    local _ <close> = orch.cd(folder)
    local run = folder .. "/.orch/runs/r1"
    orch.fs.mkdir(run .. "/jobs/build%3Aios/1")
    local lines = {}
    for i = 1, 30 do lines[i] = "line " .. i end
    lines[31] = "\27[31merror:\27[0m 50%\r no such\xff scene"
    orch.fs.write(run .. "/jobs/build%3Aios/1/log", table.concat(lines, "\n\n") .. "\n")
    local stage = stage_of({ { job = "build:ios", where = "deploy.lua:12" }, "fetch", "up:1",
      "up:2", "lint" }, {
      args = { "up:*", "--channel=beta", "-j", "4" }, params = { channel = "beta" },
    })
    ok(stage, "fetch", 2, 2)
    fails(stage, "build:ios", 5, { kind = "process", exit_code = 65, where = "deploy.lua:14",
      command = "xcodebuild -scheme Game",
      message = "`xcodebuild -scheme Game` failed with exit code 65" })
    fails(stage, "lint", 6, { kind = "error", message = "too long" })
    for _, job in ipairs { "up:1", "up:2" } do
      stage:say("job_end", 6, { job = job, status = "cancelled", because = "build:ios failed" })
    end
    local log = {}
    for i = 12, 30 do log[#log + 1] = "  | line " .. i end
    expect(text_of(stage, "failed", { folder = run })):equals(table.concat({
      "",
      "fail   build:ios  1.0s  exit 65",
      "fail   lint       1.0s  too long",
      "2 cancelled because build:ios failed",
      "2 jobs failed, 2 cancelled, 1 ok in 6.0s",
      "",
      "FAILED build:ios after 1.0s",
      "  command  xcodebuild -scheme Game",
      "  failed   exit code 65",
      "  where    deploy.lua:14",
      "  the last 20 lines of its log:",
      table.concat(log, "\n"),
      "  |  no such\u{FFFD} scene",
      "  log      .orch/runs/r1/jobs/build%3Aios/1/log",
      "  re-run   orch run deploy.lua --only build:ios --channel=beta",
      "  go on    orch resume",
      "",
    }, "\n"))
  end)

  it("says how it ended: signal, time limit, silence, an error of the script", function()
    local function ending(err, job)
      job = job or {}
      job.job = "a"
      local stage = stage_of { job }
      fails(stage, "a", 2, err)
      return text_of(stage, "failed")
    end
    expect(ending { kind = "process", signal = "SIGSEGV", command = "x" }):contains(
      "  failed   killed by SIGSEGV\n")
    expect(ending({ kind = "timeout", message = "`x` did not end", command = "x" },
      { timeout = 5400 })):contains(
      "  failed   timed out after 1h 30m\n  error    `x` did not end\n")
    expect(ending { kind = "timeout", stalled = true, message = "`x` printed nothing for 5 s" })
      :contains "  failed   stalled: it printed nothing for too long\n"
    local text = ending { kind = "error", message = "no \27[1mscene\27[0m\nin level 3",
      traceback = "stack traceback:\n\t[C]: in error\n\tdeploy.lua:3: in f\n\tdeploy.lua:9: in g" }
    expect(text):contains("  failed   no scene\n           in level 3\n"
      .. "  at       deploy.lua:3: in f\n           deploy.lua:9: in g\n")
    expect(text).never:contains "orch resume" -- there is nothing to be spared
  end)

  it("names ten failures and counts the others", function()
    local names = {}
    for i = 1, 13 do names[i] = "job" .. i end
    local stage = stage_of(names)
    for i, job in ipairs(names) do fails(stage, job, i + 1, { kind = "error", message = "bad" }) end
    local text = text_of(stage, "failed")
    expect(select(2, text:gsub("\nfail ", ""))):equals(10)
    expect(text):contains "and 3 more failures"
    expect(text):contains "FAILED job1 "
  end)

  it("says that a job printed nothing", function()
    local stage = stage_of { "a" }
    fails(stage, "a", 1, { kind = "error", message = "bad" })
    expect(text_of(stage, "failed", { folder = orch.fs.temp_dir() })):contains(
      "  log      none: it printed nothing\n")
  end)

  it("does not show a secret that the log has", function()
    local folder = orch.fs.temp_dir()
    orch.fs.mkdir(folder .. "/jobs/a/1")
    orch.fs.write(folder .. "/jobs/a/1/log", "key is hunter-two-22\n")
    orch.secrets.mask "hunter-two-22"
    local stage = stage_of { "a" }
    fails(stage, "a", 1, { kind = "error", message = "bad" })
    expect(text_of(stage, "failed", { folder = folder })):contains "  | key is ***\n"
  end)

  it("shows the end of a log of one endless line", function()
    local folder = orch.fs.temp_dir()
    orch.fs.mkdir(folder .. "/jobs/a/1")
    orch.fs.write(folder .. "/jobs/a/1/log", ("x"):rep(300000))
    local stage = stage_of { "a" }
    fails(stage, "a", 1, { kind = "error", message = "bad" })
    local text = text_of(stage, "failed", { folder = folder })
    expect(text):contains "xxx...\n"
    expect(#text):less_than(1000)
  end)

  it("is clear of escape sequences that came from outside", function()
    local stage = stage_of { { job = "a\27[2J", command = "make \27[31m\nall" } }
    fails(stage, "a\27[2J", 1, { kind = "x\27", message = "\27]0;t\7bad", where = "f\27[1m:3" })
    expect(text_of(stage, "failed")).never:contains "\27"
  end)
end)

describe("the summary of a run that was ended", function()
  it("says what was stopped, what has not begun, and how to go on", function()
    local stage = stage_of { "a", "b", "c" }
    ok(stage, "a", 2, 2)
    stage:say("job_start", 2, { job = "b", attempt = 1 })
    stage:say("job_end", 72, { job = "b", attempt = 1, status = "cancelled", elapsed = 70,
      because = "the run was ended" })
    stage:say("job_end", 72, { job = "c", status = "cancelled", because = "the run was ended" })
    expect(text_of(stage, "interrupted", { signal = "SIGINT" })):equals("\ninterrupted by SIGINT "
      .. "after 1m 12s: 2 cancelled, 1 ok\nstopped while running: b\nnot started: c\n"
      .. "  go on    orch resume\n")
  end)
end)

describe("the command that runs one job again", function()
  it("has the params as they were given, quoted for a shell", function()
    local run = { script = "my deploy.lua", args = { "--channel", "b c", "-k", "--fast", "x",
      "--other=1", "--dry-run" }, params = { channel = "b c", fast = true, version = "1" } }
    expect(again.job(run, "a b")):equals(
      "orch run 'my deploy.lua' --only 'a b' --channel 'b c' --fast")
    expect(again.job({}, "a")):equals "orch run FILE --only a"
  end)
end)
