-- Waiting inside the script's own coroutines: generators, and what unwinds in them.

local function cancelled(fn)
  local t = orch.spawn({ hold = true }, fn)
  orch.checkpoint()
  orch.checkpoint()
  t:cancel("the test says so")
  t:join()
  return t:result()
end

local function forever() orch.sleep(1e9) end

describe("a generator", function()
  it("may wait between its yields, and passes values both ways", function()
    local gen = coroutine.wrap(function(a, b)
      orch.checkpoint()
      local got = coroutine.yield(a + b)
      orch.sleep(0)
      return got, nil, "end"
    end)
    expect(gen(1, 2)):equals(3)
    expect({ gen("x") }):equals { "x", nil, "end" }
    expect(gen):raises "cannot resume dead coroutine"
  end)

  it("drives a for loop while other tasks run", function()
    local seen = {}
    orch.spawn(function() seen[#seen + 1] = "other" end)
    for i in coroutine.wrap(function()
      for i = 1, 2 do orch.checkpoint() coroutine.yield(i) end
    end) do seen[#seen + 1] = i end
    expect(seen):equals { "other", 1, 2 }
  end)

  it("waits at any depth", function()
    local inner = coroutine.wrap(function() orch.checkpoint() coroutine.yield "deep" end)
    local outer = coroutine.wrap(function()
      local ok, value = pcall(inner)
      orch.checkpoint()
      coroutine.yield(ok and value)
    end)
    expect(outer()):equals "deep"
  end)

  it("raises the error of a call that waits, at the call", function()
    local gen = coroutine.wrap(function()
      local t = orch.spawn({ hold = true }, error, { kind = "mine" })
      coroutine.yield(select(2, pcall(t.await, t)).kind)
      t:await()
    end)
    expect(gen()):equals "mine"
    expect(gen):raises "mine"
  end)

  it("is unwound by a cancellation, and its scope joins what it started", function()
    local order = {}
    local ok, err = cancelled(function()
      coroutine.wrap(function()
        local s <close> = orch.scope()
        s:spawn(function()
          local _ <close> = orch.defer(function() orch.checkpoint() order[1] = "child cleaned" end)
          forever()
        end)
        local _ <close> = orch.defer(function() orch.checkpoint() order[2] = "body cleaned" end)
        forever()
      end)()
    end)
    expect(ok):equals(false)
    expect(err.kind):equals "cancelled"
    table.sort(order)
    expect(order):equals { "body cleaned", "child cleaned" }
  end)

  it("joins what its scope started before its error comes out", function()
    local joined
    expect(coroutine.wrap(function()
      local s <close> = orch.scope()
      s:spawn(function()
        local _ <close> = orch.defer(function() orch.checkpoint() joined = true end)
        forever()
      end)
      orch.checkpoint()
      error("boom", 0)
    end)):raises "boom"
    expect(joined):equals(true)
  end)
end)

describe("coroutine.resume", function()
  it("gives false and the error, a string as it was", function()
    local co = coroutine.create(function() orch.checkpoint() error("text", 0) end)
    expect({ coroutine.resume(co) }):equals { false, "text" }
    expect(coroutine.status(co)):equals "dead"
    expect({ coroutine.resume(co) }):equals { false, "cannot resume dead coroutine" }
  end)

  it("does not swallow a cancellation", function()
    local after
    local ok = cancelled(function()
      coroutine.resume(coroutine.create(forever))
      after = true
    end)
    expect(ok):equals(false)
    expect(after):is_nil()
  end)

  it("of a coroutine that waits in another task is refused", function()
    local event = orch.event()
    local co = coroutine.create(function() event:wait() return "done" end)
    local t = orch.spawn(coroutine.resume, co)
    orch.checkpoint()
    orch.checkpoint()
    expect(coroutine.status(co)):equals "normal"
    expect({ coroutine.resume(co) }):equals {
      false, "cannot resume a coroutine that is running or waiting" }
    expect(function() coroutine.close(co) end):raises "cannot close a normal coroutine"
    event:set()
    expect({ t:await() }):equals { true, "done" }
  end)

  it("may go on in another task than it began in", function()
    local co = coroutine.create(function()
      coroutine.yield(orch.current_task())
      orch.checkpoint()
      return orch.current_task()
    end)
    expect(select(2, coroutine.resume(co))):is(orch.current_task())
    local t = orch.spawn(coroutine.resume, co)
    expect(select(2, t:await())):is(t)
  end)
end)

describe("coroutine.yield", function()
  it("outside of a coroutine is refused with the way out", function()
    expect(function() coroutine.yield() end):raises {
      kind = "usage", message = "a task waits with orch.checkpoint%(%) or orch.sleep%(%)" }
  end)
end)

describe("coroutine.close", function()
  it("runs the closers, which see their task, and cannot wait", function()
    local seen
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() seen = orch.current_task() end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    expect(coroutine.close(co)):equals(true)
    expect(seen):is(orch.current_task())
  end)

  it("says so when a closer would have to wait, and harms nothing", function()
    local co = coroutine.create(function()
      local _ <close> = orch.defer(orch.checkpoint)
      coroutine.yield()
    end)
    coroutine.resume(co)
    local ok, err = coroutine.close(co)
    expect(ok):equals(false)
    expect(err.message):contains "checkpoint was called where Lua cannot wait"
    orch.sleep(0)
  end)
end)

describe("where Lua cannot yield", function()
  it("leaving a scope with tasks names the place and harms nothing", function()
    local ran = false
    local _, err = orch.spawn(pcall, function()
      table.sort({ 2, 1 }, function(a, b)
        local s <close> = orch.scope()
        s:spawn(function() ran = true end)
        return a < b
      end)
    end):await()
    expect(err.message):matches "^leaving a scope was called inside table.sort %(.*_test.lua:%d+%)"
    expect(ran):equals(true)
    expect(require("orch.core.runtime").leaks()[1]):matches "never closed"
  end)

  it("a lock that is free cannot be waited for either: every call is a checkpoint", function()
    local lock = orch.lock()
    expect(function()
      string.gsub("a", "a", function() lock:acquire() end)
    end):raises "checkpoint was called inside string.gsub"
  end)

  it("cannot wait inside table.sort either: nothing begins", function()
    local ok, err = pcall(table.sort, { 3, 2, 1 }, function(a, b)
      return coroutine.wrap(function()
        orch.sleep(0.001)
        return a < b
      end)()
    end)
    expect({ ok, err.kind }):equals { false, "usage" }
    collectgarbage()
    orch.sleep(0.002) -- a timer that was left behind would fire now
  end)

  it("of a task that has ended cannot be closed: it may serve the next one", function()
    local kept
    orch.spawn(function() kept = coroutine.running() end):await()
    local next_task = orch.spawn(function(a) return a end, 7)
    pcall(coroutine.close, kept)
    expect(next_task:await()):equals(7)
  end)
end)
