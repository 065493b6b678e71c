-- A barrier: so many tasks meet, then all go on.

local function turns(n) for _ = 1, n do orch.checkpoint() end end

describe("a barrier", function()
  it("holds everybody until the last has come, and numbers them", function()
    local b, order = orch.barrier(3), {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = orch.spawn(function()
        turns(i)
        local index = b:wait()
        order[#order + 1] = i .. ":" .. index
      end)
    end
    tasks[1]:await()
    orch.gather(tasks)
    table.sort(order)
    expect(order):equals { "1:1", "2:2", "3:3" }
  end)

  it("is new again afterwards", function()
    local b, rounds = orch.barrier(2), { 0, 0 }
    local function meet(i)
      for _ = 1, 5 do
        b:wait()
        rounds[i] = rounds[i] + 1
        expect(math.abs(rounds[1] - rounds[2]) <= 1):equals(true)
      end
    end
    orch.gather({ { meet, 1 }, { meet, 2 } })
    expect(rounds):equals { 5, 5 }
  end)

  it("does not count who was cancelled, and gives every number once", function()
    local b, numbers = orch.barrier(3), {}
    local function come()
      local number = b:wait()
      numbers[#numbers + 1] = number
    end
    local gone = orch.spawn(come)
    local others = { orch.spawn(come) }
    turns(3)
    gone:cancel()
    others[2] = orch.spawn(come)
    turns(3)
    expect(numbers):equals {}
    come()
    orch.gather(others)
    table.sort(numbers)
    expect(numbers):equals { 1, 2, 3 }
  end)

  it("passes who was released and cancelled at once", function()
    local b, index = orch.barrier(2), nil
    local t = orch.spawn(function() index = b:wait() orch.checkpoint() end)
    turns(3)
    b:wait()
    t:cancel()
    t:join()
    expect(index):equals(1)
  end)

  it("of one never waits, but is a checkpoint; a cancelled task does not count", function()
    local b, other = orch.barrier(1), false
    orch.spawn(function() other = true end)
    expect(b:wait()):equals(1)
    expect(other):equals(true)
    local two = orch.barrier(2)
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      two:wait()
    end):join()
    expect(orch.move_on_after(0.001, two.wait, two)):equals(false)
  end)

  it("names wrong arguments", function()
    expect(function() orch.barrier() end):raises "barrier: argument 1 should be a whole number, not nil"
    expect(function() orch.barrier(0) end):raises "barrier: argument 1 should be at least 1, not 0"
  end)
end)
