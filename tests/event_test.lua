-- An event: a flag that tasks wait for.

local function turns(n) for _ = 1, n do orch.checkpoint() end end

describe("an event", function()
  it("wakes everybody who waits, in their order", function()
    local e, order = orch.event(), {}
    local tasks = {}
    for i = 1, 3 do tasks[i] = orch.spawn(function() e:wait() order[#order + 1] = i end) end
    turns(3)
    expect(order):equals {}
    e:set()
    expect(order):equals {}
    orch.gather(tasks)
    expect(order):equals { 1, 2, 3 }
  end)

  it("that is set holds nobody up, but waiting is a checkpoint", function()
    local e, other = orch.event(), false
    e:set()
    expect(e:is_set()):equals(true)
    orch.spawn(function() other = true end)
    e:wait()
    expect(other):equals(true)
  end)

  it("can be cleared; who was woken before goes on", function()
    local e, seen = orch.event(), {}
    local first = orch.spawn(function() e:wait() seen[#seen + 1] = "first" end)
    turns(3)
    e:set()
    e:clear()
    local second = orch.spawn(function() e:wait() seen[#seen + 1] = "second" end)
    first:await()
    turns(5)
    expect(seen):equals { "first" }
    e:set()
    second:await()
  end)

  it("leaves no trace of a waiter that was cancelled", function()
    local e = orch.event()
    local t = orch.spawn(e.wait, e)
    turns(3)
    t:cancel()
    t:join()
    expect(t:result()):equals(false)
    e:set()
  end)

  it("woken and cancelled at once: the wait returns, the next checkpoint raises", function()
    local e, passed = orch.event(), false
    local t = orch.spawn(function() e:wait() passed = true orch.checkpoint() passed = "too far" end)
    turns(3)
    e:set()
    t:cancel()
    t:join()
    expect(passed):equals(true)
  end)

  it("cancelled before it waits raises at once, also when it is set", function()
    local e, passed = orch.event(), false
    e:set()
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      e:wait()
      passed = true
    end):join()
    expect(passed):equals(false)
  end)
end)
