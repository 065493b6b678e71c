-- gather: all of them, keyed or in order.

local function after(steps, value)
  return function()
    for _ = 1, steps do orch.checkpoint() end
    return value
  end
end

local function failing(message) return function() orch.error { kind = "boom", message = message } end end
local function forever() orch.sleep(1e9) end

describe("gather", function()
  it("positional: the first result of each, in order, whatever ends first", function()
    expect({ orch.gather(after(3, "a"), after(1, "b"), function() return "c", "dropped" end) })
      :equals { "a", "b", "c" }
  end)

  it("positional with a nil: the others keep their places", function()
    local results = table.pack(orch.gather(after(1), after(1, "b"), after(1)))
    expect(results):equals { nil, "b", nil, n = 3 }
  end)

  it("a list: a nil leaves a hole, and there is no n", function()
    local results = orch.gather { after(1, "a"), after(1), { after(1, "c") } }
    expect(results):equals { [1] = "a", [3] = "c" }
  end)

  it("keyed: the same keys, started in sorted key order", function()
    local started = {}
    local function start(name) started[#started + 1] = name return name:upper() end
    expect(orch.gather { c = { start, "c" }, a = { start, "a" }, [1] = { start, "one" }, b = { start, "b" } })
      :equals { "ONE", a = "A", b = "B", c = "C" }
    expect(started):equals { "one", "a", "b", "c" }
  end)

  it("takes functions, Tasks, {fn, args...} and what can be called", function()
    local callable = setmetatable({}, { __call = function() return "called" end })
    local t = orch.spawn(after(1, "task"))
    expect(orch.gather { after(0, "fn"), t, { math.max, 1, 3, 2 }, callable }):equals {
      "fn", "task", 3, "called" }
    expect({ orch.gather(t, t) }):equals { "task", "task" }
  end)

  it("of nothing is nothing, and still a checkpoint", function()
    local other = false
    orch.spawn(function() other = true end)
    expect(orch.gather {}):equals {}
    expect(other):equals(true)
    expect(select("#", orch.gather())):equals(0)
  end)

  it("raises the first failure after the others have unwound", function()
    local order = {}
    local err = expect(function()
      orch.gather(function()
        local _ <close> = orch.defer(function() orch.checkpoint() order[1] = "unwound" end)
        forever()
      end, function() orch.checkpoint() failing "first" () end, function()
        local _ <close> = orch.defer(failing "second")
        forever()
      end)
    end):raises { kind = "boom", message = "first" }
    expect(order):equals { "unwound" }
    expect(err.suppressed[1].message):equals "second"
  end)

  it("cancels and joins the Tasks it was given when one fails", function()
    local t = orch.spawn(forever)
    expect(function() orch.gather { t, failing "x" } end):raises "x"
    expect(t:done()):equals(true)
  end)

  it("raises when somebody cancelled one of its tasks alone", function()
    local entries = { after(1, "fine"), function()
      orch.current_task():cancel "not me"
      orch.checkpoint()
    end }
    expect(function() orch.gather(entries) end):raises { kind = "cancelled", reason = "not me" }
    local gone = orch.spawn(forever)
    gone:cancel()
    expect(function() orch.gather { gone } end):raises "cancelled"
  end)

  it("runs at most `concurrency` at once", function()
    local now, most = 0, 0
    local function one()
      now = now + 1
      most = math.max(most, now)
      orch.checkpoint()
      now = now - 1
      return now
    end
    local entries = {}
    for i = 1, 9 do entries[i] = one end
    expect(#orch.gather(entries, { concurrency = 3 })):equals(9)
    expect(most):equals(3)
  end)

  it("cancelled in flight cancels and joins all; before it, nothing starts", function()
    local seen = {}
    local function entry()
      local _ <close> = orch.defer(function() seen[#seen + 1] = "cleaned" end)
      seen[#seen + 1] = "started"
      forever()
    end
    local t = orch.spawn({ hold = true }, function() orch.gather(entry, entry) end)
    for _ = 1, 4 do orch.checkpoint() end
    t:cancel()
    t:join()
    expect(seen):equals { "started", "started", "cleaned", "cleaned" }
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      orch.gather(entry)
    end):join()
    expect(#seen):equals(4)
  end)

  it("says so when the calls ran already, and shows the right form", function()
    local message = "gather: entry 1 is the string \"body\", not a function: the call ran before "
      .. "gather saw it; write function() return f(x) end or {f, x}, not f(x)"
    local err = expect(function() orch.gather("body", "other") end):raises "usage"
    expect(err.message):equals(message)
    expect(function() orch.gather { "body" } end):raises "the call ran before gather saw it"
    expect(function() orch.gather { a = after(1), b = 5 } end):raises "entry b is the number 5"
    expect(function() orch.gather(nil) end):raises "entry 1 is nil"
    expect(function() orch.gather(after(1), nil, after(1)) end):raises "entry 2 is nil"
  end)

  it("names wrong options before anything starts", function()
    local ran = false
    local function run() ran = true end
    expect(function() orch.gather({ run }, { concurency = 2 }) end):raises {
      kind = "usage", message = "gather has no option `concurency`; did you mean `concurrency`?" }
    expect(function() orch.gather({ run }, { concurrency = 0 }) end):raises "at least 1, not 0"
    expect(function() orch.gather({ run }, { concurrency = "2" }) end):raises "should be a whole number"
    orch.checkpoint()
    expect(ran):equals(false)
  end)

  it("says how several {f, x} are written", function()
    local err = expect(function()
      orch.gather({ orch.sleep, 0 }, { orch.sleep, 0 })
    end):raises "usage"
    expect(err.message):equals(
      "gather takes one table of calls: gather { {f, x}, {g, y} }, not gather({f, x}, {g, y})")
    err = expect(function() orch.gather(nil) end):raises "usage"
    expect(err.message):contains "is its name misspelt?"
  end)
end)
