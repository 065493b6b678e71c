-- retry: in virtual time, so that ten minutes take none.

--- A function that fails `times` times, and how often it was called.
local function flaky(times, err)
  local calls = { n = 0, at = {} }
  local started = orch.time()
  return function(attempt)
    calls.n = calls.n + 1
    calls.at[calls.n] = orch.time() - started
    if attempt ~= calls.n then error "attempts are counted wrong" end
    if calls.n <= times then error(err or { kind = "network", message = "call " .. calls.n }) end
    return "done", nil, calls.n
  end, calls
end

local function expect_times(calls, wanted)
  expect(#calls.at):equals(#wanted)
  for i, at in ipairs(wanted) do expect(calls.at[i]):near(at, 1e-6) end
end

local function elapsed(fn)
  local started = orch.time()
  fn()
  return orch.time() - started
end

describe("retry", { clock = "virtual" }, function()
  it("gives all results of the attempt that succeeds", function()
    local fn, calls = flaky(2)
    expect({ orch.retry(fn) }):equals { "done", nil, 3 }
    expect(calls.n):equals(3)
  end)

  it("five times over ten minutes, then raises the last real error with .attempts", function()
    local fn, calls = flaky(9)
    local took = elapsed(function()
      expect(function()
        orch.retry(fn, { attempts = 5, base = "40s", cap = "1h", jitter = "none" })
      end):raises { kind = "network", message = "call 5", attempts = 5 }
    end)
    expect_times(calls, { 0, 40, 120, 280, 600 })
    expect(took):near(600, 1e-6) -- no pause after the last attempt
  end)

  it("grows by the factor up to the cap", function()
    local fn, calls = flaky(5)
    expect({ orch.retry(fn, { attempts = 6, base = 1, factor = 3, cap = 10, jitter = "none" }) })
      :contains "done"
    expect_times(calls, { 0, 1, 4, 13, 23, 33 })
  end)

  it("with no pause at all still lets others run, however often", function()
    local others = 0
    orch.spawn({ daemon = true }, function() while true do orch.checkpoint() others = others + 1 end end)
    local fn = flaky(1500)
    expect(elapsed(function() orch.retry(fn, { attempts = 2000, base = 0 }) end)):equals(0)
    expect(others):greater_than(1400)
  end)

  it("keeps jitter within its bounds, for many seeds", function()
    for _, case in ipairs { { "full", 0 }, { "equal", 0.5 } } do
      local jitter, least = table.unpack(case)
      local low, high = math.huge, 0
      for seed = 1, 100 do
        math.randomseed(seed)
        local delays = {}
        local fn = flaky(4)
        orch.retry(fn, { base = 8, cap = 20, jitter = jitter,
          on_retry = function(_, i, delay) delays[i] = delay end })
        for i, full in ipairs { 8, 16, 20, 20 } do
          expect(delays[i] >= full * least and delays[i] <= full):equals(true)
          low, high = math.min(low, delays[i] / full), math.max(high, delays[i] / full)
        end
      end
      expect(low):less_than(least + 0.05)
      expect(high):greater_than(0.95)
    end
    math.randomseed(os.time())
  end)

  it("raises the same table that was raised; a string becomes an Error", function()
    local mine = { kind = "mine", message = "x" }
    expect(expect(function() orch.retry((flaky(9, mine))) end):raises()):is(mine)
    expect(mine.attempts):equals(5)
    expect(function()
      orch.retry((flaky(9, "text")), { retry_on = { "error" }, attempts = 2 })
    end):raises { kind = "error", attempts = 2, message = "text" }
  end)

  it("leaves alone what another attempt would not mend", function()
    for _, kind in ipairs { "cancelled", "error", "usage", "json", "deadlock", "refused" } do
      local fn, calls = flaky(9, { kind = kind, message = kind })
      expect(function() orch.retry(fn) end):raises { kind = kind, attempts = 1 }
      expect(calls.n):equals(1)
    end
    for _, kind in ipairs { "timeout", "network", "tls", "os", "process", "closed", "of my own" } do
      local fn, calls = flaky(1, { kind = kind, message = kind })
      orch.retry(fn)
      expect(calls.n):equals(2)
    end
  end)

  it("believes an error that says of itself that it is final", function()
    local fn, calls = flaky(9, { kind = "network", message = "no", retryable = false })
    expect(function() orch.retry(fn) end):raises { kind = "network", attempts = 1 }
    expect(calls.n):equals(1)
  end)

  it("repeats the statuses that pass, and no others", function()
    local function tries(status)
      local fn, calls = flaky(1, { kind = "status", message = "s", status = status })
      pcall(orch.retry, fn)
      return calls.n
    end
    for _, status in ipairs { 408, 425, 429, 500, 503, 599 } do expect(tries(status)):equals(2) end
    for _, status in ipairs { 400, 404, 410, 600 } do expect(tries(status)):equals(1) end
  end)

  it("follows retry_on: kinds and statuses, or a function", function()
    local function tries(err, retry_on)
      local fn, calls = flaky(1, err)
      pcall(orch.retry, fn, { retry_on = retry_on })
      return calls.n
    end
    expect(tries({ kind = "mine" }, { "mine" })):equals(2)
    expect(tries({ kind = "network" }, { "mine" })):equals(1)
    expect(tries({ kind = "status", status = 404 }, { "mine", 404 })):equals(2)
    expect(tries("text", function(err) return err.message:find "text" end)):equals(2)
    expect(tries({ kind = "network" }, function() return false end)):equals(1)
  end)

  it("waits at least retry_after, beyond the cap if need be", function()
    local fn, calls = flaky(1, { kind = "status", message = "s", status = 429, retry_after = 90 })
    orch.retry(fn, { cap = 5 })
    expect_times(calls, { 0, 90 })
  end)

  it("waits for nobody longer than two minutes, unless told to", function()
    local late = { kind = "status", message = "s", status = 429, retry_after = 86400 }
    local fn, calls = flaky(1, late)
    orch.retry(fn)
    expect_times(calls, { 0, 120 })
    fn, calls = flaky(1, late)
    orch.retry(fn, { retry_after_cap = "1d" })
    expect_times(calls, { 0, 86400 })
  end)

  it("gives up at once where the pause would overrun the deadline", function()
    local fn, calls = flaky(9)
    local took = elapsed(function()
      expect(function()
        orch.wait_for(orch.retry, 10, fn, { base = 4, factor = 2, jitter = "none" })
      end):raises { kind = "network", attempts = 2 }
    end)
    expect(calls.n):equals(2)
    expect(took):near(4, 1e-6)
  end)

  it("gives up where the pause would overrun max_elapsed", function()
    local fn = flaky(9)
    local took = elapsed(function()
      expect(function()
        orch.retry(fn, { base = 10, jitter = "none", max_elapsed = "35s" })
      end):raises { kind = "network", attempts = 3 }
    end)
    expect(took):near(30, 1e-6)
  end)

  it("timeout is for each attempt, and a timeout is repeated", function()
    local calls = 0
    expect(orch.retry(function()
      calls = calls + 1
      if calls < 3 then orch.sleep(1e6) end
      return "third"
    end, { timeout = 2 })):equals "third"
    expect(function()
      orch.retry(function() orch.sleep(3) end, { timeout = 2, attempts = 1 })
    end):raises { kind = "timeout", message = "an attempt of retry timed out after 2s", attempts = 1 }
  end)

  it("tells on_retry before each pause", function()
    local told = {}
    local fn = flaky(2)
    orch.retry(fn, { base = 1, jitter = "none", on_retry = function(err, attempt, delay)
      told[#told + 1] = { err.message, attempt, delay }
    end })
    expect(told):equals { { "call 1", 1, 1 }, { "call 2", 2, 2 } }
  end)
end)

describe("a cancelled retry", function()
  it("is not repeated, in the attempt nor in the pause", function()
    for _, wait in ipairs { "attempt", "pause" } do
      local calls = 0
      local t = orch.spawn({ hold = true }, orch.retry, function()
        calls = calls + 1
        if wait == "attempt" then orch.sleep(1e9) end
        error { kind = "network" }
      end, { base = 1e6, cap = 1e6, jitter = "none" })
      for _ = 1, 3 do orch.checkpoint() end
      t:cancel()
      expect(function() t:await() end):raises "cancelled"
      expect(calls):equals(1)
    end
  end)

  it("before its first attempt calls nothing", function()
    local ran = false
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      orch.retry(function() ran = true end)
    end):join()
    expect(ran):equals(false)
  end)
end)

describe("retry's arguments", function()
  it("are named when wrong", function()
    for message, opts in pairs {
      ["did you mean `attempts`?"] = { atempts = 1 },
      ["`attempts` should be at least 1, not 0"] = { attempts = 0 },
      ["`attempts` should be a whole number, not the number 1.5"] = { attempts = 1.5 },
      ["`base` should be a duration"] = { base = "soon" },
      ["`factor` should not be negative"] = { factor = -1 },
      ["`jitter` should be full, equal or none, not \"half\""] = { jitter = "half" },
      ["`retry_on` should be a function or a list"] = { retry_on = { network = true } },
      ["`on_retry` should be a function"] = { on_retry = 1 },
    } do
      local err = expect(function() orch.retry(print, opts) end):raises "usage"
      expect(err.message):contains(message)
    end
    expect(function() orch.retry(5) end):raises "retry: argument 1 should be a function, not the number 5"
  end)
end)
