local events = require "orch.pipeline.events"
local model = require "orch.pipeline.model"

local fs = orch.fs

local function fold(records)
  local run = model.new()
  for _, record in ipairs(records) do run:apply(record) end
  return run
end

local function start(fields)
  local record = { event = "run_start", t = 0, run = "20261122-120000-0001", time = 1000,
    script = "deploy.lua", slots = 2 }
  for key, value in pairs(fields or {}) do record[key] = value end
  return record
end

describe("the model of a run", function()
  it("knows a job from its declaration to its end", function()
    local run = fold {
      start(),
      { event = "job", t = 0, job = "build", needs = { "fetch" }, where = "deploy.lua:3" },
      { event = "job_ready", t = 1, job = "build" },
      { event = "job_start", t = 2, job = "build", attempt = 1, reason = "input a changed" },
      { event = "job_end", t = 5, job = "build", attempt = 1, status = "ok", elapsed = 3 },
      { event = "run_end", t = 5, status = "ok", exit_code = 0 },
    }
    local job = run.jobs.build
    expect(job.state):equals "ok"
    expect({ job.queued_at, job.started_at, job.ended_at, job.elapsed }):equals { 1, 2, 5, 3 }
    expect(job.attempts[1].reason):equals "input a changed"
    expect(run.status):equals "ok"
    expect(run.counts.ok):equals(1)
    expect(run.counts.pending):equals(0)
  end)

  it("has of the last line that a job printed what a terminal could show", function()
    local run = fold { start(), { event = "job", t = 0, job = "a" } }
    local function printed(text)
      run:apply { event = "output", t = 0, job = "a", text = text }
      return run.jobs.a.last_line
    end
    expect(printed "one\ntwo  \n\n \t\n"):equals "two"
    expect(printed " \n\n"):equals "two"
    expect(printed "\n"):equals "two"
    expect(printed "x"):equals "x"
    expect(printed "\n\xc3\xa9\n"):equals "\xc3\xa9"
    local long = printed(("\xc3\xa9"):rep(100000) .. "x\n")
    expect(#long).never:greater_than(4096)
    expect(utf8.len(long)):greater_than(2000)
  end)

  it("keeps a failed attempt and what followed", function()
    local run = fold {
      start(), { event = "job", t = 0, job = "up" },
      { event = "job_start", t = 1, job = "up", attempt = 1 },
      { event = "job_retry", t = 2, job = "up", attempt = 1, delay = 4,
        error = { kind = "status", message = "503" } },
      { event = "job_start", t = 6, job = "up", attempt = 2 },
    }
    local job = run.jobs.up
    expect(job.attempts[1].status):equals "failed"
    expect(job.attempts[1].error.message):equals "503"
    expect(job.attempts[2].status):equals "running"
    expect(job.started_at):equals(1)
    expect(job.retry_at):is_nil()
  end)

  it("counts the problems of the last attempt only", function()
    local problem = { event = "problem", t = 1, job = "a", severity = "error", message = "x" }
    local other = { event = "problem", t = 1, job = "b", severity = "error", message = "y" }
    local run = fold {
      start(), { event = "job_start", t = 1, job = "a", attempt = 1 }, problem, other,
      { event = "job_retry", t = 2, job = "a", attempt = 1, delay = 0 },
      { event = "job_start", t = 3, job = "a", attempt = 2 }, problem,
    }
    expect(#run.problems):equals(2)
    expect(#run.jobs.a.problems):equals(1)
  end)

  it("lists failures in the order of time", function()
    local run = fold {
      start(), { event = "job", t = 0, job = "a" }, { event = "job", t = 0, job = "b" },
      { event = "job_end", t = 1, job = "b", status = "failed" },
      { event = "job_end", t = 2, job = "a", status = "failed" },
    }
    expect(run.failures[1].name):equals "b"
    expect(run.counts.failed):equals(2)
  end)

  it("goes on where a session was broken off, also if the clock was set back", function()
    local run = fold {
      start(), { event = "job", t = 0, job = "a" }, { event = "job", t = 0, job = "b" },
      { event = "job_end", t = 10, job = "a", status = "ok" },
      { event = "job_start", t = 11, job = "b", attempt = 1 },
      start { event = "run_resume", time = 900, session = 2 },
      { event = "job_skip", t = 1, job = "a", reason = "recorded in this run" },
      { event = "job_start", t = 2, job = "b", attempt = 2 },
    }
    expect(run.jobs.a.state):equals "ok"
    expect(run.jobs.b.attempts[1].status):equals "cancelled"
    expect(run.jobs.b.attempts[2].started_at):equals(13)
    expect(#run.sessions):equals(2)
    expect(run.status):equals "running"
  end)

  it("takes up-to-date jobs by name alone", function()
    local run = fold { start(), { event = "up_to_date", t = 0, jobs = { "a", "b" } } }
    expect(run.counts.skipped):equals(2)
    expect(run.jobs.b.reason):equals "up to date"
  end)

  it("passes over what it does not know", function()
    local run = fold { start(), { event = "something_new", t = 1, job = "a" } }
    expect(#run.order):equals(0)
  end)
end)

describe("the event log", function()
  local path
  before_each(function() path = orch.fs.temp_dir() .. "/events.jsonl" end)

  it("gives back what was written", function()
    local log <close> = events.open(path)
    log:emit("job_end", { job = "a", value = { 1, "x" } })
    local records = {}
    for record in events.read(path) do records[#records + 1] = record end
    expect(#records):equals(1)
    expect(records[1].event):equals "job_end"
    expect(records[1].value):equals { 1, "x" }
  end)

  it("skips garbage and a torn last line, and counts them", function()
    fs.write(path, '{"t":1,"event":"a"}\n%%%\n[1]\n\n{"t":2,"event":"b"}\n{"t":3,"ev')
    local names, next_record, info = {}, events.read(path)
    for record in next_record do names[#names + 1] = record.event end
    expect(names):equals { "a", "b" }
    expect(info.skipped):equals(2)
    expect(info.torn):is(true)
  end)

  it("leaves a torn line alone when the log goes on", function()
    fs.write(path, '{"t":1,"event":"a"}\n{"t":3,"ev')
    local log <close> = events.open(path)
    log:emit("run_resume", { run = "x" })
    local names = {}
    for record in events.read(path) do names[#names + 1] = record.event end
    expect(names):equals { "a", "run_resume" }
  end)

  it("stays JSON whatever the bytes", function()
    local log <close> = events.open(path)
    log:emit("message", { job = "a", text = "caf\xe9 \27[31m \0" })
    local record = events.read(path)()
    expect(record.text):equals "caf\u{FFFD} \27[31m \0"
  end)

  it("tells listeners after it has written", function()
    local log <close> = events.open(path)
    local seen
    log:listen(function(record)
      seen = { record.event, record.job, #fs.read(path) > 0 }
    end)
    log:emit("job_ready", { job = "a" })
    expect(seen):equals { "job_ready", "a", true }
  end)

  it("masks secrets in what it writes and tells", function()
    orch.secrets.mask "hunter2hunter2"
    local log <close> = events.open(path)
    local told
    log:listen(function(record) told = record.text end)
    log:emit("message", { job = "a", text = "key hunter2hunter2!" })
    expect(told):equals "key ***!"
    expect(fs.read(path)).never:contains "hunter2"
  end)
end)
