-- wait and as_completed: waiting for tasks without owning them.

local function after(steps, value)
  return function()
    for _ = 1, steps do orch.checkpoint() end
    return value
  end
end
local function forever() orch.sleep(1e9) end
local function fails() error({ kind = "boom" }) end

local function names(tasks)
  local list = {}
  for i, task in ipairs(tasks) do list[i] = task.name end
  return table.concat(list, " ")
end

local function spawn(name, fn) return orch.spawn({ name = name, hold = true }, fn) end

describe("wait", function()
  it("for all by default; both lists keep the input's order", function()
    local done, pending = orch.wait { spawn("a", after(5)), spawn("b", after(1)) }
    expect(names(done)):equals "a b"
    expect(pending):equals {}
  end)

  it("FIRST_COMPLETED gives what is done and cancels nothing", function()
    local a, b, c = spawn("a", after(50, "kept")), spawn("b", after(2)), spawn("c", after(50))
    local done, pending = orch.wait({ a, b, c }, { return_when = "FIRST_COMPLETED" })
    expect(names(done)):equals "b"
    expect(names(pending)):equals "a c"
    expect(a:await()):equals "kept"
    c:await()
  end)

  it("FIRST_EXCEPTION waits for a failure, or for all", function()
    local a, b, c = spawn("a", after(1)), spawn("b", function() orch.checkpoint() fails() end), spawn("c", after(50))
    local done, pending = orch.wait({ a, b, c }, { return_when = "FIRST_EXCEPTION" })
    expect(names(done)):equals "a b"
    expect(names(pending)):equals "c"
    expect(b:result()):equals(false)
    expect(#orch.wait({ a, c }, { return_when = "FIRST_EXCEPTION" })):equals(2)
  end)

  it("gives up after the timeout and cancels nothing", { clock = "virtual" }, function()
    local a, b = spawn("a", function() orch.sleep(1) end), spawn("b", function() orch.sleep(60) return "b" end)
    local done, pending = orch.wait({ a, b }, { timeout = "5s" })
    expect(names(done)):equals "a"
    expect(names(pending)):equals "b"
    expect(b:await()):equals "b"
  end)

  it("is no look at a failure: the task still has to be awaited", function()
    local t = spawn("seen", fails)
    orch.wait { t }
    local leaks = require("orch.core.runtime").leaks()
    expect(leaks[#leaks]):matches "^seen failed and nobody looked at it"
  end)

  it("cancelled ends the wait and leaves the tasks", function()
    local t = spawn("t", after(9, "fine"))
    local waiter = orch.spawn({ hold = true }, orch.wait, { t })
    for _ = 1, 3 do orch.checkpoint() end
    waiter:cancel()
    expect(function() waiter:await() end):raises "cancelled"
    expect(t:await()):equals "fine"
  end)

  it("for nothing, or the same task twice", function()
    expect({ orch.wait {} }):equals { {}, {} }
    local t = spawn("t", after(1))
    expect(names(orch.wait { t, t })):equals "t t"
  end)

  it("names wrong arguments", function()
    expect(function() orch.wait(5) end):raises "wait: argument 1 should be a table"
    expect(function() orch.wait { forever } end):raises {
      kind = "usage", message = "wait: entry 1 is a function, not a Task; start it with orch.spawn first" }
    local t = spawn("t", after(1))
    expect(function() orch.wait { a = t } end):raises "should be a list of Tasks; a is a name in it"
    expect(function() orch.wait({}, { return_when = "FIRST" }) end):raises
      "one of ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, not \"FIRST\""
    expect(function() orch.wait({}, { when = 1 }) end):raises "wait has no option `when`"
  end)
end)

describe("as_completed", function()
  it("gives Tasks in the order in which they end", function()
    local seen = {}
    for task in orch.as_completed { after(9, "slow"), after(1, "fast"), { after(5, "middle") } } do
      seen[#seen + 1] = task:await()
    end
    expect(seen):equals { "fast", "middle", "slow" }
  end)

  it("gives failed ones too; they do not end the loop", function()
    local seen = {}
    for task in orch.as_completed { fails, after(2, "b") } do
      local ok, value = task:result()
      seen[#seen + 1] = ok and value or value.kind
    end
    expect(seen):equals { "boom", "b" }
  end)

  it("break cancels and joins the rest, Tasks from outside included", function()
    local order = {}
    local function slow(name)
      return function()
        local _ <close> = orch.defer(function() orch.checkpoint() order[#order + 1] = name end)
        forever()
      end
    end
    local outside = orch.spawn(slow "outside")
    for _ in orch.as_completed { outside, after(1), slow "entry" } do break end
    table.sort(order)
    expect(order):equals { "entry", "outside" }
    expect(outside:done()):equals(true)
  end)

  it("an error in the loop comes out itself, after the rest was joined", function()
    local mine, joined = { kind = "mine" }, nil
    local err = expect(function()
      for _ in orch.as_completed { after(1), function()
        local _ <close> = orch.defer(function() orch.checkpoint() joined = true end)
        forever()
      end } do error(mine) end
    end):raises()
    expect(err):is(mine)
    expect(joined):equals(true)
  end)

  it("an error is not lost when the loop's task was cancelled meanwhile", function()
    local t = orch.spawn({ hold = true }, function()
      for _ in orch.as_completed { after(1), forever } do
        orch.current_task():cancel()
        error({ kind = "mine" })
      end
    end)
    expect(function() t:await() end):raises { kind = "mine" }
  end)

  it("cancelled while it waits, cancels and joins all", function()
    local outside = orch.spawn(forever)
    local t = orch.spawn({ hold = true }, function()
      for _ in orch.as_completed { outside, forever } do error "unreachable" end
    end)
    for _ = 1, 5 do orch.checkpoint() end
    t:cancel()
    t:join()
    expect(outside:done()):equals(true)
  end)

  it("of nothing runs no body; wrong entries are named", function()
    for _ in orch.as_completed {} do error "unreachable" end
    expect(function() orch.as_completed { 5 } end):raises "as_completed: entry 1 is the number 5"
    expect(function() orch.as_completed() end):raises "as_completed: argument 1 should be a table"
  end)

  it("is left by a goto, a return and in a generator alike", function()
    local outside = orch.spawn(forever)
    local gen = coroutine.wrap(function()
      for task in orch.as_completed { after(1, "one"), outside } do return task:await() end
    end)
    expect(gen()):equals "one"
    expect(outside:done()):equals(true)
  end)
end)
