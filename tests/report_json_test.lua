-- A run as JSON.

local fixture = dofile(debug.getinfo(1, "S").source:match "^@(.*)/" .. "/helper/run_fixture.lua")
local model = require "orch.pipeline.model"
local report = require "orch.report.json"

local function fold(records)
  local run = model.new()
  for _, record in ipairs(records) do run:apply(record) end
  return run
end

describe("a run as JSON", function()
  it("has all that is known of it", function()
    local run = fold {
      { t = 0, event = "run_start", run = "r1", time = 1767225600.5, host = "ci", pid = 7,
        slots = 2, user = "me", script = "deploy.lua", folder = "/srv", args = { "x" }, params = { p = 1 },
        pools = { unity = 2 }, seed = 5, orch = "0.1.0", keep_going = false },
      { t = 0, event = "job", job = "a", desc = "A", where = "deploy.lua:3", needs = {}, after = {},
        pools = { unity = 1 }, expected = 4, command = "make" },
      { t = 0, event = "job", job = "b", needs = { "a" }, after = {} },
      { t = 0.25, event = "job_ready", job = "a" },
      { t = 0.5, event = "job_start", job = "a", attempt = 1, reason = "input changed" },
      { t = 0.75, event = "step_start", job = "a", attempt = 1, step = "s" },
      { t = 1, event = "step", job = "a", attempt = 1, step = "s", elapsed = 0.25, value = { 1 } },
      { t = 1, event = "problem", job = "a", severity = "warning", message = "old", file = "f",
        line = 3 },
      { t = 1.5, event = "job_end", job = "a", attempt = 1, status = "failed", elapsed = 1,
        error = { kind = "process", message = "no", exit_code = 1 } },
      { t = 1.5, event = "job_end", job = "b", status = "cancelled", because = "a failed" },
      { t = 1.5, event = "run_end", status = "failed", exit_code = 1 },
    }
    local problem = { job = "a", severity = "warning", message = "old", file = "f", line = 3 }
    expect(orch.json.decode(report(run, { folder = "/srv/.orch/runs/r1" }))):equals {
      version = 1,
      run = {
        id = "r1", script = "deploy.lua", folder = "/srv", args = { "x" }, params = { p = 1 },
        pools = { unity = 2 }, slots = 2, keep_going = false, seed = 5, orch = "0.1.0",
        host = "ci", user = "me", pid = 7, status = "failed", exit_code = 1, elapsed = 1.5,
        started = 1767225600.5, sessions = { { time = 1767225600.5, offset = 0 } },
        skipped_lines = 0, record = "/srv/.orch/runs/r1", failures = { "a" },
        counts = { ok = 0, skipped = 0, failed = 1, cancelled = 1, running = 0, queued = 0,
          pending = 0, retrying = 0 },
      },
      problems = { problem },
      jobs = {
        {
          name = "a", desc = "A", where = "deploy.lua:3", command = "make", pools = { unity = 1 },
          expected = 4, needs = {}, after = {}, state = "failed", reason = "input changed",
          queued_at = 0.25, started_at = 0.5, ended_at = 1.5, elapsed = 1,
          error = { kind = "process", message = "no", exit_code = 1 }, problems = { problem },
          log = "/srv/.orch/runs/r1/jobs/a/1/log",
          attempts = { { number = 1, status = "failed", started_at = 0.5, ended_at = 1.5,
            elapsed = 1, reason = "input changed",
            error = { kind = "process", message = "no", exit_code = 1 } } },
          steps = { { name = "s", state = "done", attempt = 1, started_at = 0.75, ended_at = 1,
            elapsed = 0.25, value = { 1 } } },
        },
        { name = "b", needs = { "a" }, after = {}, state = "cancelled", because = "a failed",
          ended_at = 1.5, attempts = {}, steps = {}, problems = {} },
      },
    }
  end)

  it("has lists where there is nothing, so that readers need not ask", function()
    local text = report(model.new())
    expect(text):contains '"jobs": []'
    expect(text):contains '"failures": []'
    text = report(fold { { t = 0, event = "job", job = "a" } })
    for _, name in ipairs { "needs", "after", "attempts", "steps", "problems" } do
      expect(text):contains(('"%s": []'):format(name))
    end
  end)

  it("does not change the run, and is the same each time", function()
    local records = fixture.records { jobs = 60, resume = true }
    local run = fold(records)
    local first = report(run)
    expect(report(run) == first):truthy()
    expect(report(fold(records)) == first):truthy()
  end)
end)
