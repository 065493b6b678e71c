-- A condition: waiting, under a lock, until something has changed.

local function turns(n) for _ = 1, n do orch.checkpoint() end end

local function waiter(c, log, name, pred)
  return orch.spawn({ name = name, hold = true }, function()
    local _ <close> = c.lock:acquire()
    c:wait(pred)
    expect(c.lock.holder):is(orch.current_task())
    log[#log + 1] = name
  end)
end

local function notify(c, n)
  local _ <close> = c.lock:acquire()
  if n then c:notify(n) else c:notify_all() end
end

describe("a condition", function()
  it("wakes as many as are notified, the oldest first", function()
    local c, log = orch.condition(), {}
    local tasks = {}
    for i = 1, 4 do tasks[i] = waiter(c, log, "w" .. i) end
    turns(4)
    notify(c, 1)
    turns(6)
    expect(log):equals { "w1" }
    notify(c, 2)
    turns(9)
    expect(log):equals { "w1", "w2", "w3" }
    notify(c)
    orch.gather(tasks)
    expect(log):equals { "w1", "w2", "w3", "w4" }
  end)

  it("with a predicate waits until it holds, and not at all when it does", function()
    local c, log, ready = orch.condition(), {}, false
    local t = waiter(c, log, "w", function() return ready end)
    turns(4)
    notify(c)
    turns(6)
    expect(log):equals {}
    ready = true
    notify(c, 1)
    t:await()
    waiter(c, log, "again", function() return ready end):await()
    expect(log):equals { "w", "again" }
  end)

  it("lets others take the lock while it waits", function()
    local lock = orch.lock "shared"
    local c, log = orch.condition(lock), {}
    expect(c.lock):is(lock)
    local t = waiter(c, log, "w")
    turns(4)
    expect(lock:locked()):equals(false)
    notify(c, 1)
    t:await()
    expect(lock:locked()):equals(false)
  end)

  it("has the lock again when it is cancelled, also when it must wait for it", function()
    local c, log = orch.condition(), {}
    local t = orch.spawn({ hold = true }, function()
      local _ <close> = c.lock:acquire()
      local _ <close> = setmetatable({}, { __close = function()
        log[#log + 1] = c.lock.holder == orch.current_task()
      end })
      c:wait()
    end)
    turns(4)
    local guard = c.lock:acquire()
    t:cancel()
    turns(5)
    expect(log):equals {}
    guard:release()
    expect(function() t:await() end):raises "cancelled"
    expect(log):equals { true }
    expect(c.lock:locked()):equals(false)
  end)

  it("cancelled before it waits does not let go of the lock", function()
    local c, inside = orch.condition(), false
    local t = orch.spawn({ hold = true }, function()
      local _ <close> = c.lock:acquire()
      orch.spawn({ hold = true }, c.lock.with, c.lock, function() inside = true end)
      orch.current_task():cancel()
      c:wait()
    end)
    t:join()
    expect(inside):equals(false)
  end)

  it("notified and cancelled at once: the wait returns, the next checkpoint raises", function()
    local c, seen = orch.condition(), {}
    local t = orch.spawn({ hold = true }, function()
      local _ <close> = c.lock:acquire()
      c:wait()
      seen[1] = "woken"
      orch.checkpoint()
      seen[2] = "never"
    end)
    turns(4)
    notify(c, 1)
    t:cancel()
    t:join()
    expect(seen):equals { "woken" }
  end)

  it("works with a timeout round it", { clock = "virtual" }, function()
    local c = orch.condition()
    local guard <close> = c.lock:acquire()
    expect(function() orch.wait_for(c.wait, 5, c) end):raises "timeout"
    expect(c.lock:locked()):equals(true)
    guard:release()
    expect(c.lock:locked()):equals(false)
  end)

  it("notifying nobody is remembered by nobody", function()
    local c = orch.condition()
    notify(c, 3)
    expect(orch.move_on_after(0.001, function()
      local _ <close> = c.lock:acquire()
      c:wait()
    end)):equals(false)
  end)

  it("names what is wrong, and how to mend it", function()
    local c = orch.condition()
    for _, call in ipairs { "wait", "notify", "notify_all" } do
      expect(function() c[call](c) end):raises {
        kind = "usage", message = "condition:" .. call .. ": this task does not hold" }
    end
    expect(function() orch.condition {} end):raises "condition: argument 1 should be a lock, not a table"
    expect(function() orch.condition(orch.semaphore(1)) end):raises "should be a lock, not a Semaphore"
    expect(function() c:wait(5) end):raises "condition:wait: argument 1 should be a function"
    expect(function() c:notify(-1) end):raises "condition:notify: argument 1 should not be negative"
    expect(function() c:notify "all" end):raises "condition:notify: argument 1 should be a whole number"
  end)
end)
