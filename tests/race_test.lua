-- race and first_success: one of them is wanted.

local function forever() orch.sleep(1e9) end
local function failing(message, steps)
  return function()
    for _ = 1, steps or 0 do orch.checkpoint() end
    orch.error { kind = "boom", message = message }
  end
end
local function after(steps, value)
  return function()
    for _ = 1, steps do orch.checkpoint() end
    return value
  end
end

describe("race", function()
  it("gives the first to finish and its key", function()
    expect({ orch.race { after(3, "slow"), after(1, "fast"), forever } }):equals { "fast", 2 }
    expect({ orch.race { a = after(2, "x"), b = after(1) } }):equals { nil, "b" }
  end)

  it("goes to the one that ended first of those that are done at once", function()
    local function busy() return "at once" end
    expect({ orch.race { busy, busy } }):equals { "at once", 1 }
  end)

  it("raises the error itself when the first to finish fails", function()
    local mine = { kind = "mine" }
    expect(expect(function() orch.race { after(5), function() error(mine) end } end):raises()):is(mine)
  end)

  it("cancels and joins the losers, and their failures are nobody's", function()
    local order = {}
    local value = orch.race {
      function()
        local _ <close> = orch.defer(function() orch.checkpoint() order[1] = "joined" end)
        forever()
      end,
      function()
        local _ <close> = orch.defer(failing "late")
        forever()
      end,
      after(2, "won"),
    }
    order[2] = value
    expect(order):equals { "joined", "won" }
  end)

  it("cancels a Task that was given and lost", function()
    local t = orch.spawn(forever)
    orch.race { t, after(1) }
    expect(orch.is_cancelled(select(2, t:result()))):equals(true)
  end)

  it("goes on without a racer that somebody cancelled before it ran", function()
    local gone
    local t = orch.spawn(function()
      return orch.race { a = forever, b = after(4, "b") }
    end)
    orch.checkpoint()
    orch.checkpoint()
    for _, task in ipairs(orch.all_tasks()) do
      if task.name == "a" then gone = task end
    end
    gone:cancel()
    expect(t:await()):equals "b"
  end)

  it("cancelled: the racers are cancelled and joined", function()
    local cleaned
    local t = orch.spawn({ hold = true }, function()
      orch.race { function()
        local _ <close> = orch.defer(function() orch.checkpoint() cleaned = true end)
        forever()
      end }
    end)
    for _ = 1, 4 do orch.checkpoint() end
    t:cancel()
    t:join()
    expect(cleaned):equals(true)
  end)

  it("names wrong arguments", function()
    expect(function() orch.race {} end):raises "race: nobody takes part: the list is empty"
    expect(function() orch.race(print) end):raises "race: argument 1 should be a table, not a function"
    expect(function() orch.race { "x" } end):raises "race: entry 1 is the string"
    expect(function() orch.race({ print }, { timeout = 5 }) end):raises "race has no option `timeout`"
  end)
end)

describe("first_success", function()
  it("gives the first that succeeds, past those that fail before", function()
    expect({ orch.first_success { a = failing "a", b = after(3, "b"), c = forever } })
      :equals { "b", "b" }
  end)

  it("a nil is a success too", function()
    expect({ orch.first_success { failing "a", after(1), forever } }):equals { nil, 2 }
  end)

  it("raises the first failure when all fail; the others hang on it in their order", function()
    local err = expect(function()
      orch.first_success { a = failing("third", 3), b = failing("first", 1), c = failing("second", 2) }
    end):raises { kind = "boom", message = "first" }
    expect(err.suppressed[1].message):equals "second"
    expect(err.suppressed[2].message):equals "third"
  end)

  it("hangs an error on nothing twice and never on itself", function()
    local same = { kind = "same" }
    local function raise() error(same) end
    expect(expect(function() orch.first_success { raise, raise } end):raises()):is(same)
    expect(same.suppressed):is_nil()
  end)

  it("cancels and joins the rest", function()
    local cleaned
    orch.first_success { after(1), function()
      local _ <close> = orch.defer(function() orch.checkpoint() cleaned = true end)
      forever()
    end }
    expect(cleaned):equals(true)
  end)

  it("names wrong arguments", function()
    expect(function() orch.first_success {} end):raises "first_success: nobody takes part"
    expect(function() orch.first_success() end):raises "first_success: argument 1 should be a table, not nil"
  end)
end)
