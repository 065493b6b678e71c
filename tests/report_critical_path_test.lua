-- orch.report.critical_path: the chain of jobs that decided when a run ended.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fixture = dofile(here .. "/helper/run_fixture.lua")
local critical_path = require "orch.report.critical_path"
local model = require "orch.pipeline.model"

--- A run of jobs: { name, needs, ready, { from, to }, ... }; a number or nil for `to`.
local function run_of(jobs)
  local records = { { t = 0, event = "run_start", time = 1000, run = "r", script = "d.lua" } }
  local function add(t, event, fields)
    fields.t, fields.event = t, event
    records[#records + 1] = fields
  end
  for _, job in ipairs(jobs) do
    add(0, "job", { job = job[1], needs = job[2], after = job.after or {} })
  end
  for _, job in ipairs(jobs) do
    if job[3] then add(job[3], "job_ready", { job = job[1] }) end
    for i = 4, #job do
      local from, to = job[i][1], job[i][2]
      add(from, "job_start", { job = job[1], attempt = i - 3 })
      if to and i < #job then
        add(to, "job_retry", { job = job[1], attempt = i - 3, delay = 1, elapsed = to - from })
      elseif to then
        add(to, "job_end", { job = job[1], attempt = i - 3, status = job.status or "ok" })
      end
    end
    if job.cancelled then
      add(job.cancelled, "job_end", { job = job[1], status = "cancelled", because = "x failed" })
    end
    if job.skipped then add(0, "job_skip", { job = job[1], reason = "up to date" }) end
  end
  local order = {}
  for i, record in ipairs(records) do order[record] = i end
  table.sort(records, function(a, b)
    if a.t ~= b.t then return a.t < b.t end
    return order[a] < order[b]
  end)
  local run = model.new()
  for _, record in ipairs(records) do run:apply(record) end
  return run
end

local function names(path)
  local list = {}
  for i, link in ipairs(path.links) do list[i] = link.job.name end
  return table.concat(list, " ")
end

describe("critical_path.of", function()
  it("follows what each job waited for last", function()
    local run = run_of {
      { "fetch", {}, 0, { 0, 2 } },
      { "quick", { "fetch" }, 2, { 2, 3 } },
      { "slow", { "fetch" }, 2, { 2, 9 } },
      { "aside", { "fetch" }, 2, { 2, 10 } },
      { "link", { "quick", "slow" }, 9, { 9, 12 } },
    }
    local path = critical_path.of(run)
    expect(names(path)):equals "fetch slow link"
    expect(path.ran):equals(12)
    expect({ path.queued, path.paused }):equals { 0, 0 }
    expect(path.on.slow.ran):equals(7)
    expect(path.on.aside):is_nil()
  end)

  it("tells the queue, the work and the pauses of each apart", function()
    local path = critical_path.of(run_of {
      { "a", {}, 0, { 1, 3 } },
      { "b", { "a" }, 3, { 5, 6 }, { 9, 13 } },
    })
    local link = path.links[2]
    expect({ link.from, link.to, link.queued, link.ran, link.paused }):equals { 3, 13, 2, 5, 3 }
    expect({ path.queued, path.ran, path.paused }):equals { 3, 7, 3 }
  end)

  it("does not count the time between two sessions", function()
    local run = model.new()
    for _, record in ipairs {
      { t = 0, event = "run_start", time = 1000 }, { t = 0, event = "job", job = "a", needs = {} },
      { t = 0, event = "job_ready", job = "a" },
      { t = 1, event = "job_start", job = "a", attempt = 1 }, { t = 4, event = "progress", job = "a" },
      { t = 0, event = "run_resume", session = 2, time = 1100 },
      { t = 0, event = "job_ready", job = "a" },
      { t = 2, event = "job_start", job = "a", attempt = 2 },
      { t = 5, event = "job_end", job = "a", attempt = 2, status = "ok" },
    } do run:apply(record) end
    local link = critical_path.of(run).links[1]
    expect({ link.ran, link.idle, link.paused, link.to }):equals { 3 + 3, 96, 2, 105 }
  end)

  it("counts what is only to be done after, too", function()
    expect(names(critical_path.of(run_of {
      { "a", {}, 0, { 0, 5 } },
      { "b", {}, 5, { 5, 6 }, after = { "a" } },
    }))):equals "a b"
  end)

  it("goes through a job that was cancelled, to what had failed", function()
    expect(names(critical_path.of(run_of {
      { "build", {}, 0, { 0, 5 }, status = "failed" },
      { "upload", { "build" }, nil, cancelled = 5 },
      { "notify", {}, 5, { 5, 6 }, after = { "upload" } },
    }))):equals "build notify"
  end)

  it("ends at what was up to date, and with what still runs", function()
    local path = critical_path.of(run_of {
      { "old", {}, nil, skipped = true },
      { "a", { "old" }, 0, { 0, 4 } },
      { "b", { "a" }, 4, { 4 } },
      { "c", { "old" }, 0, { 0, 7 } },
    })
    expect(names(path)):equals "a b"
    expect(path.links[2].to):equals(7)
  end)

  it("of nothing is nothing, and a circle has an end", function()
    expect(#critical_path.of(model.new()).links):equals(0)
    expect(#critical_path.of(run_of { { "a", {}, 0 } }).links):equals(0)
    expect(names(critical_path.of(run_of {
      { "a", { "b", "nobody" }, 0, { 0, 4 } }, { "b", { "a" }, 0, { 0, 5 } },
    }))):equals "a b"
  end)

  it("covers every second of a whole run", function()
    for seed = 1, 20 do
      local run = model.new()
      for _, record in ipairs(fixture.records { jobs = 40, seed = seed }) do run:apply(record) end
      local path, before = critical_path.of(run), 0
      for _, link in ipairs(path.links) do
        -- Each begins when the one before it ends.
        expect(link.from):near(before, 1e-5)
        expect(link.queued + link.ran + link.paused):near(link.to - link.from, 1e-9)
        before = link.to
      end
      expect(before):near(run.elapsed, 1e-5)
    end
  end)
end)
