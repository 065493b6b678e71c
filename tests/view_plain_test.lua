-- The plain view: one line per change of state, whole lines of output, each with its job.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local stages = dofile(here .. "/helper/view_stage.lua")

local function started(opts)
  local stage = stages.new("plain", opts):start():jobs { "build:ios", "fetch" }
  stage:say("job_start", 1, { job = "build:ios", attempt = 1, reason = "input a.png changed" })
  return stage
end

describe("plain", function()
  it("says every change of state behind the job's name", function()
    local stage = started()
    stage:say("job_wait", 1, { job = "fetch", pool = "slots", held_by = { "build:ios" } })
    stage:say("job_wait", 1, { job = "fetch", pool = "unity", held_by = { "build:ios" } })
    stage:say("step", 2, { job = "build:ios", attempt = 1, step = "compile", elapsed = 1.5 })
    stage:say("step_reuse", 2, { job = "build:ios", attempt = 1, step = "sign" })
    stage:say("step_fail", 2, { job = "build:ios", attempt = 1, step = "upload",
      error = { kind = "timeout" } })
    stage:say("message", 2, { job = "build:ios", text = "packing" })
    stage:say("message", 2, { job = "build:ios", level = "warn", text = "low disk" })
    stage:say("problem", 2, { job = "build:ios", severity = "warning", message = "unused",
      file = "a.c", line = 3 })
    stage:say("progress", 2, { job = "build:ios", done = 1, total = 2 })
    stage:say("job_retry", 3, { job = "build:ios", attempt = 1, delay = 30, elapsed = 2,
      error = { kind = "process", exit_code = 1 } })
    stage:say("job_start", 33, { job = "build:ios", attempt = 2 })
    stage:say("job_end", 34, { job = "build:ios", attempt = 2, status = "failed", elapsed = 1.25,
      error = { kind = "process", exit_code = 2 } })
    stage:say("job_end", 34, { job = "fetch", status = "cancelled", because = "build:ios failed" })
    stage.view:close()
    expect(stage:text()):equals(table.concat({
      "[build:ios] * started: input a.png changed",
      "[fetch] * waits for unity, held by build:ios",
      "[build:ios] * step compile, 1.5s",
      "[build:ios] * step sign, as recorded",
      "[build:ios] * step upload failed: timed out",
      "[build:ios] * packing",
      "[build:ios] * warn: low disk",
      "[build:ios] * warning: a.c:3: unused",
      "[build:ios] * failed 2.0s  exit 1; attempt 2 in 30s",
      "[build:ios] * started, attempt 2",
      "[build:ios] * failed 1.2s  exit 2",
      "[fetch] * cancelled because build:ios failed",
      "",
    }, "\n"))
  end)

  it("puts the job's name before every line of its output", function()
    local stage = started()
    stage:take()
    stage:say("output", 2, { job = "build:ios", text = "one\n\ntwo\n" })
    stage:say("output", 2, { job = "fetch", text = "no end" })
    stage:say("output", 2, { job = "fetch", text = "10%\r20%\r\n\27[31mred\27[0m\27[2J\xff\n" })
    expect(stage:take()):equals(table.concat({
      "[build:ios] one", "[build:ios] ", "[build:ios] two", "[fetch] no end", "[fetch] 20%",
      "[fetch] red\u{FFFD}", "",
    }, "\n"))
    stage:say("output", 2, { text = "of the script" })
    stage.view:print "and more\n"
    expect(stage:take()):equals "of the script\nand more\n"
  end)

  it("counts what was not run when it is many", function()
    local names = {}
    for i = 1, 9 do names[i] = "job" .. i end
    local stage = stages.new("plain"):start():jobs(names)
    for i = 1, 4 do stage:say("job_skip", 0, { job = names[i], reason = "up to date" }) end
    stage:say("job_skip", 0, { job = "job5", reason = "skipped by --skip" })
    for i = 6, 9 do
      stage:say("job_end", 0, { job = names[i], status = "cancelled", because = "x failed" })
    end
    expect(stage:text()):equals "" -- more of them may come
    stage.view:close()
    expect(stage:text()):equals("* skipped 4 jobs up to date\n[job5] * skipped by --skip\n"
      .. "* cancelled 4 jobs because x failed: job6, job7, job8 and 1 more\n")
  end)

  it("has a colour for each name, always the same, and resets that of the output", function()
    local stage = started { color = true }
    local first = stage:take():match "^\27%[(%d+)m%[build:ios%]\27%[0m %* "
    expect(first):truthy()
    stage:say("output", 2, { job = "build:ios", text = "\27[31mred\27[2J\n" })
    expect(stage:take()):equals(
      ("\27[%sm[build:ios]\27[0m \27[31mred\27[0m\n"):format(first))
    local again = started { color = true }
    expect(again:text():match "^\27%[(%d+)m"):equals(first)
  end)

  it("says what is still running", function()
    local stage = started { every = 0.02 }
    stage:say("job_start", 60, { job = "fetch", attempt = 1 })
    stage:take()
    stage.now = 721
    local task = orch.spawn({ daemon = true, hold = true }, stage.view.run, stage.view)
    orch.sleep "50ms"
    expect(stage:take()):matches "^%* still running: build:ios 12m, fetch 11m\n"
    stage:say("job_end", 722, { job = "fetch", attempt = 1, status = "ok", elapsed = 662 })
    stage:say("job_end", 722, { job = "build:ios", attempt = 1, status = "ok", elapsed = 721 })
    stage:take()
    orch.sleep "50ms"
    expect(stage:take()):equals ""
    stage.view:close()
    orch.sleep "50ms"
    expect(task:done()):truthy()
  end)

  it("goes on when nobody reads any more", function()
    local stage = started()
    stage.file.fails = true
    stage:say("job_end", 2, { job = "build:ios", attempt = 1, status = "ok", elapsed = 1 })
    stage.file.fails = false
    stage:take()
    stage:say("job_start", 3, { job = "fetch", attempt = 1 })
    expect(stage:take()):equals ""
  end)
end)

describe("quiet", function()
  it("says nothing of a success, and the summary of a failure", function()
    local function of(status)
      local stage = stages.new("quiet"):start():jobs { "a" }
      stage:say("job_start", 1, { job = "a", attempt = 1 })
      stage:say("output", 1, { job = "a", text = "loud\n" })
      stage:say("job_end", 2, { job = "a", attempt = 1, status = status, elapsed = 1,
        error = status == "failed" and { kind = "error", message = "bad" } or nil })
      stage:say("run_end", 2, { status = status })
      stage.view:close()
      return stage:text()
    end
    expect(of "ok"):equals ""
    expect(of "failed"):contains "FAILED a"
    expect(of "failed").never:contains "loud"
  end)
end)
