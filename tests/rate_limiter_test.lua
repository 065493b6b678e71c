-- rate_limiter: so many per second, in the order of asking; in virtual time.

local function turns(n) for _ = 1, n do orch.checkpoint() end end

--- When each of `n` acquires went, in seconds from now.
local function times(limit, n, amount)
  local started, list = orch.time(), {}
  for i = 1, n do
    limit:acquire(amount)
    list[i] = math.floor((orch.time() - started) * 1000 + 0.5) / 1000
  end
  return list
end

describe("a rate limiter", { clock = "virtual" }, function()
  it("lets a burst go at once, then keeps the rate", function()
    local limit = orch.rate_limiter { rate = 2, burst = 3 }
    expect(times(limit, 6)):equals { 0, 0, 0, 0.5, 1, 1.5 }
  end)

  it("has a burst of the rate, at least 1, unless told otherwise", function()
    expect(times(orch.rate_limiter { rate = 2 }, 4)):equals { 0, 0, 0.5, 1 }
    expect(times(orch.rate_limiter { rate = 0.5 }, 3)):equals { 0, 2, 4 }
  end)

  it("counts per minute as well", function()
    expect(times(orch.rate_limiter { rate = 30, per = "1m", burst = 1 }, 3)):equals { 0, 2, 4 }
  end)

  it("takes several at once", function()
    expect(times(orch.rate_limiter { rate = 4 }, 3, 4)):equals { 0, 1, 2 }
    expect(times(orch.rate_limiter { rate = 1 }, 2, 0)):equals { 0, 0 }
  end)

  it("saves up no more than the burst", function()
    local limit = orch.rate_limiter { rate = 1, burst = 2 }
    orch.sleep(3600)
    expect(times(limit, 3)):equals { 0, 0, 1 }
  end)

  it("never exceeds the rate over any second, whoever asks", function()
    local limit, went = orch.rate_limiter { rate = 10, burst = 1 }, {}
    local list = {}
    for i = 1, 50 do list[i] = i end
    orch.each(list, function(i)
      orch.sleep(i % 7 * 0.05)
      limit:acquire()
      went[#went + 1] = orch.time()
    end, { concurrency = 50 })
    for i = 11, #went do expect(went[i] - went[i - 10]):greater_than(1 - 1e-6) end
    expect(went[50] - went[1]):near(4.9, 1e-6)
  end)

  it("serves in the order of asking, a large one not overtaken by small ones", function()
    local limit, order = orch.rate_limiter { rate = 1, burst = 5 }, {}
    limit:acquire(5)
    local tasks = {}
    for i, amount in ipairs { 5, 1, 1 } do
      tasks[i] = orch.spawn(function()
        limit:acquire(amount)
        order[#order + 1] = i
      end)
    end
    orch.gather(tasks)
    expect(order):equals { 1, 2, 3 }
  end)

  it("takes nothing for one that is cancelled, whose turn goes to the next", function()
    local limit = orch.rate_limiter { rate = 1 }
    limit:acquire()
    local started, at = orch.time(), nil
    local first = orch.spawn(limit.acquire, limit)
    local second = orch.spawn(function() limit:acquire() at = orch.time() end)
    turns(3)
    first:cancel()
    second:await()
    expect(at - started):near(1, 1e-6)
    first:join()
  end)

  it("with() passes arguments and results", function()
    local limit = orch.rate_limiter { rate = 1 }
    expect({ limit:with(math.max, 1, 3, 2) }):equals { 3 }
    expect(function() limit:with(error, "x") end):raises "x"
  end)

  it("is a checkpoint also when it may go at once", function()
    local limit, other = orch.rate_limiter { rate = 5 }, false
    orch.spawn(function() other = true end)
    limit:acquire()
    expect(other):equals(true)
  end)

  it("names wrong arguments", function()
    for message, opts in pairs {
      ["option `rate` should be a positive number, not nil"] = {},
      ["option `rate` should be a positive number, not the number 0"] = { rate = 0 },
      ["option `rate` should be a number, not the string \"10\""] = { rate = "10" },
      ["option `per` should be a positive number"] = { rate = 1, per = 0 },
      ["option `burst` should be at least 1"] = { rate = 1, burst = 0.5 },
      ["did you mean `burst`?"] = { rate = 1, brust = 1 },
    } do
      expect(expect(function() orch.rate_limiter(opts) end):raises("usage").message):contains(message)
    end
    local limit = orch.rate_limiter { rate = 2 }
    expect(function() limit:acquire(3) end):raises "argument 1 should be from 0 to the burst of 2, not 3"
    expect(function() limit:acquire(-1) end):raises "usage"
    expect(function() limit:acquire "x" end):raises "should be a whole number"
    expect(function() limit:with() end):raises "rate_limiter:with: argument 1 should be a function"
  end)
end)
