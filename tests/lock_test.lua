-- Locks and semaphores. A script in a child process shuffles the scheduling: see the
-- property test at the end.

local HERE = debug.getinfo(1, "S").short_src
local function forever() orch.sleep(1e9) end
local function turns(n) for _ = 1, n do orch.checkpoint() end end

--- Tasks that take `l` in the order of their names and note it; each holds it for two
--- checkpoints.
local function takers(l, names, log)
  local tasks = {}
  for i, name in ipairs(names) do
    tasks[i] = orch.spawn({ name = name, hold = true }, function()
      local _ <close> = l:acquire()
      log[#log + 1] = name
      turns(2)
    end)
  end
  return tasks
end

describe("a lock", function()
  it("lets one in at a time, first come, first served", function()
    local l, log, inside = orch.lock(), {}, 0
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = orch.spawn(function()
        local _ <close> = l:acquire()
        inside = inside + 1
        expect(inside):equals(1)
        turns(i % 3)
        inside = inside - 1
        log[#log + 1] = i
      end)
    end
    orch.gather(tasks)
    expect(log):equals { 1, 2, 3, 4, 5 }
    expect(l:locked()):equals(false)
  end)

  it("is handed over directly: nobody who comes later overtakes", function()
    local l, log = orch.lock(), {}
    local guard = l:acquire()
    local waiting = takers(l, { "first", "second" }, log)
    turns(3)
    local late = takers(l, { "late" }, log)
    guard:release()
    expect(l:locked()):equals(true)
    orch.gather { waiting[1], waiting[2], late[1] }
    expect(log):equals { "first", "second", "late" }
  end)

  it("skips a waiter that was cancelled while waiting", function()
    local l, log = orch.lock(), {}
    local guard = l:acquire()
    local tasks = takers(l, { "a", "b", "c" }, log)
    turns(3)
    tasks[2]:cancel()
    guard:release()
    tasks[1]:await()
    tasks[3]:await()
    expect(log):equals { "a", "c" }
    expect(tasks[2]:result()):equals(false)
  end)

  it("passes the grant on when its taker is cancelled between grant and run", function()
    local l, log = orch.lock(), {}
    local guard = l:acquire()
    local tasks = takers(l, { "a", "b" }, log)
    turns(3)
    guard:release()
    tasks[1]:cancel()
    tasks[2]:await()
    expect(log):equals { "a", "b" } -- a has it until its next checkpoint
    expect(tasks[1]:result()):equals(false)
    expect(l:locked()):equals(false)
  end)

  it("gives up after the timeout, and keeps what was granted just then", { clock = "virtual" }, function()
    local l = orch.lock "the play store"
    local holder = orch.spawn(function()
      local _ <close> = l:acquire()
      orch.sleep(10)
    end)
    turns(2)
    expect(function() l:acquire(4) end):raises {
      kind = "timeout", timeout = 4, message = "waiting for lock 'the play store' timed out after 4s" }
    holder:await()
    local guard = l:acquire()
    local waiter = orch.spawn(function()
      local _ <close> = l:acquire(5)
      return "got it"
    end)
    turns(3)
    guard:release()
    test.clock.advance(5)
    expect(waiter:await()):equals "got it"
    expect(l:locked()):equals(false)
  end)

  it("taken twice by one task raises deadlock at once, with both lines", function()
    local l = orch.lock "db"
    local _ <close> = l:acquire()
    local err = expect(function() l:acquire(1) end):raises "deadlock"
    local first, second = err.message:match "^lock 'db' is held by this task already %(taken at (.-), again at (.-)%)"
    expect(first):matches(HERE:gsub("%p", "%%%0") .. ":%d+$")
    expect(second):matches(HERE:gsub("%p", "%%%0") .. ":%d+$")
    expect(first == second):equals(false)
  end)

  it("with the same name is the same lock; unnamed ones differ", function()
    expect(orch.lock "x"):is(orch.lock "x")
    expect(orch.lock "x" == orch.lock "y"):equals(false)
    expect(orch.lock() == orch.lock()):equals(false)
    local guard = orch.lock "kept while it is held":acquire()
    collectgarbage()
    expect(orch.lock "kept while it is held":locked()):equals(true)
    guard:release()
  end)

  it("is given back once, also when released twice", function()
    local l, log = orch.lock(), {}
    local guard <close> = l:acquire()
    local tasks = takers(l, { "a", "b" }, log)
    turns(3)
    guard:release()
    guard:release()
    turns(2)
    expect(log):equals { "a" }
    orch.gather(tasks)
  end)

  it("with() passes arguments and results and gives it back on an error", function()
    local l = orch.lock()
    expect({ l:with(function(...) expect(l:locked()):equals(true) return ... end, 1, nil, 3) })
      :equals { 1, nil, 3 }
    expect(function() l:with(error, "x") end):raises "x"
    expect(l:locked()):equals(false)
  end)

  it("is a checkpoint even when it is free, and takes nothing when cancelled", function()
    local l, other = orch.lock(), false
    orch.spawn(function() other = true end)
    l:acquire():release()
    expect(other):equals(true)
    orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      l:acquire()
    end):join()
    expect(l:locked()):equals(false)
  end)

  it("says in the task tree who holds it and where", function()
    local l = orch.lock "db"
    local guard = l:acquire()
    local waiter = orch.spawn({ name = "waiter" }, l.acquire, l)
    turns(3)
    expect(orch.task_tree()):matches("waiter: waits for lock 'db' held by .+ %(taken at .-lock_test.lua:%d+%)")
    guard:release()
    waiter:await():release()
  end)

  it("names wrong arguments before it waits", function()
    expect(function() orch.lock(5) end):raises "lock: argument 1 should be a string"
    expect(function() orch.lock():acquire("soon") end):raises "lock:acquire: argument 1 should be a duration"
    expect(function() orch.lock():with() end):raises "lock:with: argument 1 should be a function, not nil"
  end)
end)

describe("a semaphore", function()
  it("lets n in at a time, first come, first served", function()
    local s, log, now, most = orch.semaphore(2), {}, 0, 0
    orch.map({ 1, 2, 3, 4, 5 }, function(i)
      local _ <close> = s:acquire()
      log[#log + 1] = i
      now = now + 1
      most = math.max(most, now)
      turns(2)
      now = now - 1
    end)
    expect(log):equals { 1, 2, 3, 4, 5 }
    expect(most):equals(2)
  end)

  it("passes a place on when its taker is cancelled between grant and run", function()
    local s, log = orch.semaphore(1), {}
    local guard = s:acquire()
    expect(s:locked()):equals(true)
    local tasks = takers(s, { "a", "b", "c" }, log)
    turns(3)
    tasks[1]:cancel()
    guard:release()
    guard:release()
    tasks[2]:cancel()
    tasks[3]:await()
    expect(log):equals { "b", "c" }
    expect(s:locked()):equals(false)
  end)

  it("gives up after the timeout", { clock = "virtual" }, function()
    local s = orch.semaphore(1)
    local guard <close> = s:acquire()
    expect(function() s:acquire "2s" end):raises {
      kind = "timeout", message = "waiting for a semaphore of 1 timed out after 2s" }
  end)

  it("may be taken twice by one task, and with() works", function()
    local s = orch.semaphore(2)
    local _ <close> = s:acquire()
    expect(s:with(function() return s:locked() end)):equals(true)
    expect(s:locked()):equals(false)
  end)

  it("names wrong arguments", function()
    expect(function() orch.semaphore() end):raises "semaphore: argument 1 should be a whole number, not nil"
    expect(function() orch.semaphore(0) end):raises "should be at least 1, not 0"
    expect(function() orch.semaphore(1):acquire {} end):raises "semaphore:acquire: argument 1 should be a duration"
    expect(function() orch.semaphore(1):with(1) end):raises "semaphore:with: argument 1 should be a function"
  end)
end)

describe("locks, semaphores and queues under random cancellation", function()
  local script = HERE:match "^(.*)/" .. "/property/sync.lua"
  for seed = 1, 20 do
    it("lose nothing, double nothing and leave nothing behind, seed " .. seed, function()
      local result = test.run { "--seed", tostring(seed), script }
      expect(result.stderr):equals ""
      expect(result.stdout):matches "^ok"
    end)
  end
end)
