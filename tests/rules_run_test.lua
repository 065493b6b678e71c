-- Rules 5-10: timeouts, deadlines, clean-up, locks, the end of a run, order.

describe("rule 5: a timeout is an ordinary error", { clock = "virtual" }, function()
  it("pcall catches it and the script goes on", function()
    local ok, err = pcall(orch.wait_for, orch.sleep, "5s", 60)
    orch.sleep(1)
    expect({ ok, err.kind, err.timeout }):equals { false, "timeout", 5 }
    expect(orch.is_timeout(err)):equals(true)
    expect(tostring(err)):equals "wait_for timed out after 5s"
  end)

  it("comes after what it cut short has unwound", function()
    local log = {}
    expect(function()
      orch.wait_for(function()
        local _ <close> = orch.defer(function() orch.sleep(2) log[#log + 1] = "clean" end)
        orch.sleep(60)
      end, 1)
    end):raises "timeout"
    expect(log):equals { "clean" }
  end)

  it("a result that came first is kept", function()
    local q = orch.queue()
    orch.spawn(function() orch.sleep(5) q:put("in time") end)
    expect(orch.wait_for(q.get, 5.0000001, q)):equals "in time"
  end)

  it("an awaited Task that times out is cancelled and joined", function()
    local log = {}
    local t = orch.spawn(function()
      local _ <close> = orch.defer(function() log[#log + 1] = "joined" end)
      orch.sleep(60)
    end)
    expect(function() orch.wait_for(t, 1) end):raises "timeout"
    expect({ t:done(), log[1] }):equals { true, "joined" }
  end)

  it("move_on_after gives false instead, for its own deadline only", function()
    expect({ orch.move_on_after(1, orch.sleep, 60) }):equals { false }
    expect({ orch.move_on_after(5, function() return "a", "b" end) }):equals { true, "a", "b" }
    expect(function()
      orch.move_on_after(5, orch.wait_for, orch.sleep, 1, 60)
    end):raises "timeout"
  end)
end)

describe("rule 6: deadlines nest", { clock = "virtual" }, function()
  it("the earliest wins, also an outer one", function()
    local started = orch.time()
    local ok, err = pcall(function()
      local outer <close> = orch.scope { name = "outer", timeout = 2 }
      local inner <close> = orch.scope { name = "inner", timeout = 10 }
      orch.sleep(60)
    end)
    expect(ok):equals(false)
    expect(err.message):equals "outer timed out after 2s"
    expect(orch.time() - started):near(2, 1e-6)
  end)

  it("cover what is spawned inside, at any depth", function()
    local log = {}
    expect(function()
      local s <close> = orch.scope { timeout = 3 }
      s:spawn(function()
        orch.spawn(function()
          local _ <close> = orch.defer(function() log[#log + 1] = "grandchild" end)
          orch.sleep(60)
        end)
      end)
    end):raises "timeout"
    expect(log):equals { "grandchild" }
  end)

  it("hold for a scope that was never closed, too", function()
    local ok, err = pcall(function()
      orch.spawn({ hold = true }, function()
        local s = orch.scope { name = "forgotten", timeout = 3 }
        s:spawn(orch.sleep, 60)
      end):await()
    end)
    expect({ ok, err.message }):equals { false, "forgotten timed out after 3s" }
    require("orch.core.runtime").leaks() -- and it is told
  end)

  it("deadline= is a point in time", function()
    local started = orch.time()
    expect(function()
      local s <close> = orch.scope { deadline = orch.time() + 4 }
      orch.sleep(60)
    end):raises "timeout"
    expect(orch.time() - started):near(4, 1e-6)
  end)
end)

describe("rule 7: clean-up always runs", { clock = "virtual" }, function()
  local function ends_with(how)
    local log = {}
    local t = orch.spawn({ hold = true }, function()
      for _ = 1, 1 do
        local _ <close> = orch.defer(function() orch.sleep(1) log[#log + 1] = "clean" end)
        if how == "error" then error("x") end
        if how == "return" then return end
        if how == "break" then break end
        orch.sleep(60)
      end
    end)
    orch.sleep(0.5)
    if how == "cancel" then t:cancel() end
    t:join()
    t:result()
    return log
  end

  for _, how in ipairs { "error", "return", "break", "cancel" } do
    it("after " .. how .. ", and may wait", function()
      expect(ends_with(how)):equals { "clean" }
    end)
  end

  it("is shielded for the grace only", function()
    local started = orch.time()
    local t = orch.spawn(function()
      local _ <close> = orch.defer(function() orch.sleep(3600) end)
      orch.sleep(60)
    end)
    orch.sleep(1)
    t:cancel()
    t:join()
    expect(orch.time() - started):near(11, 1e-3)
  end)

  it("shield holds a cancellation back until its end", function()
    local log = {}
    local t = orch.spawn(function()
      orch.shield(function() orch.sleep(5) log[#log + 1] = "critical part" end)
      log[#log + 1] = "after the shield"
      orch.checkpoint()
      log[#log + 1] = "not reached"
    end)
    orch.sleep(1)
    t:cancel()
    t:join()
    expect(log):equals { "critical part", "after the shield" }
  end)
end)

describe("rule 8: locks", { clock = "virtual" }, function()
  it("are first come, first served, and handed over", function()
    local lock, log = orch.lock(), {}
    local first = lock:acquire()
    for i = 1, 3 do
      orch.spawn(function()
        local _ <close> = lock:acquire()
        log[#log + 1] = i
      end)
    end
    orch.sleep(1)
    first:release()
    local mine <close> = lock:acquire() -- asked last
    expect(log):equals { 1, 2, 3 }
  end)

  it("a waiter cancelled after the grant passes it on", function()
    local lock, log = orch.lock(), {}
    local first = lock:acquire()
    local a = orch.spawn(function()
      local _ <close> = lock:acquire()
      orch.checkpoint()
      log[#log + 1] = "a"
    end)
    orch.spawn(function()
      local _ <close> = lock:acquire()
      log[#log + 1] = "b"
    end)
    orch.sleep(1)
    first:release() -- grants it to a
    a:cancel()
    orch.sleep(1)
    expect(log):equals { "b" }
    expect(lock:locked()):equals(false)
  end)

  it("taking one's own lock raises at once, with both lines", function()
    local lock = orch.lock("db")
    local _ <close> = lock:acquire()
    local err = expect(function() lock:acquire() end):raises "deadlock"
    expect(err.message):matches "lock 'db' is held by this task already"
    expect(err.message):matches "taken at .*:%d+, again at .*:%d+"
  end)
end)

describe("rule 9: the end of a run", function()
  local function orch_run(code, opts)
    return test.run({ "-e", code }, opts)
  end

  it("an uncaught error anywhere ends the run with exit code 1", function()
    local r = orch_run [[orch.spawn(function() orch.sleep(0.01) error("in a task", 0) end) orch.sleep(60)]]
    expect(r.exit_code):equals(1)
    expect(r.stderr):contains "in a task"
  end)

  it("waits for what the body has started", function()
    local r = orch_run [[orch.spawn(function() orch.sleep(0.05) print("late") end) print("body")]]
    expect({ r.exit_code, r.stdout }):equals { 0, "body\nlate\n" }
  end)

  it("a deadlock ends it at once, says who waits for whom, and cannot be caught", function()
    local r = orch_run [[
      local a, b = orch.lock("a"), orch.lock("b")
      local function both(x, y)
        local _ <close> = x:acquire()
        orch.sleep(0.01)
        pcall(function() local _ <close> = y:acquire() end)
        print("caught")
      end
      orch.spawn({ name = "left" }, both, a, b)
      orch.spawn({ name = "right" }, both, b, a)]]
    expect(r.exit_code):equals(1)
    expect(r.stdout):equals ""
    expect(r.stderr):contains "deadlock"
    expect(r.stderr):matches "lock 'b' held by right"
    expect(r.stderr):matches "lock 'a' held by left"
  end)

  it("os.exit cleans up and gives its code", function()
    local r = orch_run [[local _ <close> = orch.defer(function() print("clean") end)
      pcall(os.exit, 9) print("not reached")]]
    expect({ r.exit_code, r.stdout }):equals { 9, "clean\n" }
  end)
end)

describe("rule 10: order", function()
  it("ready tasks run first in, first out", function()
    local log = {}
    for i = 1, 5 do
      orch.spawn(function()
        log[#log + 1] = i
        orch.checkpoint()
        log[#log + 1] = i + 10
      end)
    end
    orch.sleep(0.001)
    expect(log):equals { 1, 2, 3, 4, 5, 11, 12, 13, 14, 15 }
  end)

  local shuffled = [[local log = {}
    for i = 1, 12 do orch.spawn(function() log[#log + 1] = i end) end
    orch.sleep(0.001) print(table.concat(log, " "), math.random(1000000))]]

  it("--seed shuffles, the same way each time", function()
    local a = test.run { "--seed", "7", "-e", shuffled }.stdout
    local b = test.run { "--seed", "7", "-e", shuffled }.stdout
    local c = test.run { "--seed", "8", "-e", shuffled }.stdout
    expect(a):equals(b)
    expect(a).never:equals(c)
    expect(a:match("^[%d ]+")).never:equals "1 2 3 4 5 6 7 8 9 10 11 12"
  end)

  it("keyed gathers start in sorted key order", function()
    local log = {}
    local function note(name) return function() log[#log + 1] = name end end
    orch.gather { c = note "c", a = note "a", b = note "b" }
    expect(log):equals { "a", "b", "c" }
  end)
end)
