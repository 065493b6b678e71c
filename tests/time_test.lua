-- sleep, checkpoint, time.

describe("sleep", { clock = "virtual" }, function()
  it("takes seconds or a text, to the nanosecond in virtual time", function()
    for _, case in ipairs { { 0.25, 0.25 }, { "500ms", 0.5 }, { "2m", 120 }, { "1h30m", 5400 }, { 1e-6, 1e-6 } } do
      local started = orch.time()
      orch.sleep(case[1])
      expect(orch.time() - started):near(case[2], 1e-7)
    end
  end)

  it("wakes in the order of time, and of asking when the time is the same", function()
    local order = {}
    local function sleeper(name, seconds)
      return function() orch.sleep(seconds) order[#order + 1] = name end
    end
    orch.gather(sleeper("late", 3), sleeper("a", 1), sleeper("b", 1), sleeper("first", 0.5))
    expect(order):equals { "first", "a", "b", "late" }
  end)

  it("ends at once when it is cancelled, and never starts when it was before", function()
    local started = orch.time()
    local t = orch.spawn({ hold = true }, orch.sleep, 100)
    orch.checkpoint()
    t:cancel()
    t:join()
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      orch.sleep(100)
    end):join()
    expect(orch.time()):equals(started)
  end)

  it("for ever is possible", function()
    local t = orch.spawn({ hold = true }, orch.sleep, math.huge)
    expect(orch.move_on_after(1e8, t)):equals(false)
  end)

  it("for ever, with nothing else to come, is a deadlock also in virtual time", function()
    local path = test.temp_dir() .. "/never_test.lua"
    orch.fs.write(path, 'it("waits", { clock = "virtual" }, function() orch.sleep(math.huge) end)')
    local result = test.run { "test", path }
    expect(result.exit_code):equals(1)
    expect(result.stdout):contains "deadlock: every task waits"
  end)

  it("names what is no duration", function()
    expect(function() orch.sleep() end):raises {
      kind = "usage", message = "sleep: argument 1 should be a duration" }
    for _, value in ipairs { -1, "soon", {}, 0 / 0 } do
      expect(function() orch.sleep(value) end):raises "sleep: argument 1 should be a duration"
    end
  end)
end)

describe("sleep(0)", function()
  it("is checkpoint(): every other ready task runs once", function()
    for _, wait in ipairs { function() orch.sleep(0) end, orch.checkpoint } do
      local order = {}
      local t = orch.spawn(function()
        order[#order + 1] = "other"
        orch.checkpoint()
        order[#order + 1] = "other again"
      end)
      wait()
      order[#order + 1] = "mine"
      t:await()
      expect(order):equals { "other", "mine", "other again" }
    end
  end)
end)

describe("checkpoint", function()
  it("raises in a cancelled task, every time", function()
    local saw = {}
    local function again(n)
      return setmetatable({}, { __close = function(_, err)
        saw[n] = orch.is_cancelled(err)
        orch.checkpoint()
      end })
    end
    orch.spawn({ hold = true }, function()
      local _ <close> = again(1)
      local _ <close> = again(2)
      local _ <close> = again(3)
      orch.current_task():cancel()
      orch.checkpoint()
    end):join()
    expect(saw):equals { true, true, true }
  end)

  it("runs real timers and input between the turns of a busy task", function()
    local fired = false
    orch.spawn(function() orch.sleep(0.001) fired = true end)
    while not fired do orch.checkpoint() end
    expect(fired):equals(true)
  end)
end)

describe("time", function()
  it("is live: it goes on while no task waits, and never back", function()
    local first = orch.time()
    local last = first
    repeat
      local now = orch.time()
      expect(now >= last):equals(true)
      last = now
    until now > first
    expect(math.type(first)):equals "float"
  end)

  it("is below a microsecond", function()
    local least = math.huge
    for _ = 1, 1000 do
      local a, b = orch.time(), orch.time()
      if b > a then least = math.min(least, b - a) end
    end
    expect(least):less_than(1e-5)
  end)

  it("stands still in virtual time", { clock = "virtual" }, function()
    local started = orch.time()
    for _ = 1, 100 do orch.checkpoint() end
    expect(orch.time()):equals(started)
  end)
end)
