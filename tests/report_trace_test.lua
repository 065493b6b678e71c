-- A run in the Trace Event Format.

local fixture = dofile(debug.getinfo(1, "S").source:match "^@(.*)/" .. "/helper/run_fixture.lua")
local model = require "orch.pipeline.model"
local trace = require "orch.report.trace"

local function fold(records)
  local run = model.new()
  for _, record in ipairs(records) do run:apply(record) end
  return run
end

local function read(run)
  local document = orch.json.decode(trace(run))
  return document.traceEvents, document
end

local function only(events, ph, cat)
  local list = {}
  for _, event in ipairs(events) do
    if event.ph == ph and (not cat or event.cat == cat) then list[#list + 1] = event end
  end
  return list
end

-- Slices of a track must lie within each other or beside each other.
local function find_clash(events)
  local tracks = {}
  for _, event in ipairs(only(events, "X")) do
    local key = event.pid .. "/" .. event.tid
    tracks[key] = tracks[key] or {}
    table.insert(tracks[key], event)
  end
  for key, list in pairs(tracks) do
    table.sort(list, function(a, b)
      if a.ts ~= b.ts then return a.ts < b.ts end
      return a.dur > b.dur
    end)
    local open = {}
    for _, event in ipairs(list) do
      while #open > 0 and open[#open] <= event.ts do open[#open] = nil end
      if #open > 0 and event.ts + event.dur > open[#open] then
        return ("%s on track %s at %d"):format(event.name, key, event.ts)
      end
      open[#open + 1] = event.ts + event.dur
    end
  end
end

local small = {
  { t = 0, event = "run_start", run = "r1", time = 1767225600, script = "deploy.lua" },
  { t = 0, event = "job", job = "a", needs = {}, after = {} },
  { t = 0, event = "job", job = "b", needs = { "a" }, after = {} },
  { t = 0, event = "job_ready", job = "a" },
  { t = 1, event = "job_start", job = "a", attempt = 1, reason = "no state" },
  { t = 1.5, event = "step_start", job = "a", attempt = 1, step = "one" },
  { t = 1.6, event = "step_start", job = "a", attempt = 1, step = "two" },
  { t = 2, event = "step", job = "a", attempt = 1, step = "one", elapsed = 0.5 },
  { t = 2.5, event = "step", job = "a", attempt = 1, step = "two", elapsed = 0.9 },
  { t = 3, event = "job_retry", job = "a", attempt = 1, delay = 2, elapsed = 2,
    error = { message = "broke" } },
  { t = 5, event = "job_start", job = "a", attempt = 2 },
  { t = 6, event = "job_end", job = "a", attempt = 2, status = "ok", elapsed = 1 },
  { t = 6, event = "job_ready", job = "b" },
  { t = 6, event = "job_start", job = "b", attempt = 1 },
  { t = 7.25, event = "job_end", job = "b", attempt = 1, status = "failed", elapsed = 1.25,
    error = { message = "gone" } },
  { t = 7.25, event = "run_end", status = "failed", elapsed = 7.25, exit_code = 1 },
}

describe("a run as a trace", function()
  it("has an event for each attempt, in microseconds", function()
    local list = only(read(fold(small)), "X", "job")
    table.sort(list, function(x, y) return x.ts < y.ts end)
    local seen = {}
    for i, event in ipairs(list) do
      seen[i] = { event.name, event.ts, event.dur, event.args.status }
    end
    expect(seen):equals {
      { "a", 1000000, 2000000, "failed" }, { "a (attempt 2)", 5000000, 1000000, "ok" },
      { "b", 6000000, 1250000, "failed" },
    }
    for _, event in ipairs(list) do expect(math.type(event.ts)):equals("integer") end
  end)

  it("has steps within their attempt, on tracks of their own when they ran at once", function()
    local events = read(fold(small))
    local steps = only(events, "X", "step")
    expect(#steps):equals(2)
    local slot = only(events, "X", "job")[1].tid
    local tid = {}
    for _, step in ipairs(steps) do tid[step.name] = step.tid end
    expect(tid):equals { one = slot, two = slot + 1 }
    expect(find_clash(events)):is_nil()
  end)

  it("has what was waited for: in the queue, and before another attempt", function()
    local names = {}
    for _, event in ipairs(only(read(fold(small)), "X", "wait")) do
      names[event.name] = { event.ts, event.dur, event.pid }
    end
    expect(names):equals {
      ["a queued"] = { 0, 1000000, 2 }, ["a before another attempt"] = { 3000000, 2000000, 2 },
    }
  end)

  it("marks failures, and leads from what was needed", function()
    local events = read(fold(small))
    local names = {}
    for _, event in ipairs(only(events, "i", "failure")) do names[#names + 1] = event.name end
    expect(names):equals { "a failed", "b failed" }
    local starts, ends = only(events, "s"), only(events, "f")
    expect({ #starts, #ends }):equals { 1, 1 }
    expect(starts[1].id):equals(ends[1].id)
    expect(ends[1].ts):equals(6000000)
    expect(starts[1].ts < 6000000 and starts[1].ts >= 5000000):truthy()
  end)

  it("counts what runs at each time", function()
    local seen = {}
    for _, event in ipairs(only(read(fold(small)), "C")) do
      if event.name == "running jobs" then seen[#seen + 1] = { event.ts, event.args.jobs } end
    end
    expect(seen):equals {
      { 1000000, 1 }, { 3000000, 0 }, { 5000000, 1 }, { 6000000, 1 }, { 7250000, 0 },
    }
  end)

  it("names its tracks", function()
    local names = {}
    for _, event in ipairs(only(read(fold(small)), "M")) do
      if event.name:find "_name" then names[#names + 1] = event.args.name end
    end
    table.sort(names)
    expect(names):equals { "deploy.lua: slots", "queue 1", "slot 1", "slot 1, steps 2", "waiting" }
  end)

  for _, opts in ipairs {
    {}, { jobs = 400, slots = 16, failures = 20 }, { resume = true }, { stop = 40 },
  } do
    it("never has two jobs at once on a track: " .. require "orch.test.show"(opts), function()
      local records = fixture.records(opts)
      local run = fold(records)
      local events = read(run)
      expect(find_clash(events)):is_nil()
      local attempts = 0
      for _, job in ipairs(run.order) do attempts = attempts + #job.attempts end
      expect(#only(events, "X", "job")):equals(attempts)
      for _, event in ipairs(events) do expect((event.dur or 0) >= 0):truthy() end
    end)
  end

  it("has no more tracks than jobs ran at once", function()
    local slots, run = {}, fold(fixture.records { jobs = 200, slots = 4 })
    for _, event in ipairs(only(read(run), "X", "job")) do
      slots[event.tid] = true
    end
    local n = 0
    for _ in pairs(slots) do n = n + 1 end
    expect(n):equals(4)
  end)

  it("of a run without anything is a document too", function()
    expect(select(2, read(model.new())).displayTimeUnit):equals("ms")
  end)

  it("is the same each time", function()
    local records = fixture.records {}
    expect(trace(fold(records)) == trace(fold(records))):truthy()
  end)
end)

describe("lanes", function()
  it("are the first that are free, whatever comes", function()
    local lanes = require "orch.report.lanes"
    for _ = 1, 100 do
      local list, from = {}, 0
      for i = 1, math.random(0, 40) do
        from = from + math.random(0, 2)
        list[i] = { from = from, to = from + math.random(0, 9) }
      end
      local count, free_at = lanes.assign(list), {}
      for _, one in ipairs(list) do
        local first = 1
        while (free_at[first] or 0) > one.from do first = first + 1 end
        expect(one.lane):equals(first)
        free_at[first] = one.to
      end
      expect(#free_at):equals(count)
    end
  end)
end)
