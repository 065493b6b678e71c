-- Rules 1-4 of the concurrency: the tree, checkpoints, cancellation, failure.

local function sleeper(log, name)
  return function()
    local _ <close> = orch.defer(function() log[#log + 1] = name end)
    orch.sleep(60)
  end
end

describe("rule 1: tasks form a tree", { clock = "virtual" }, function()
  it("leaving a scope joins its tasks", function()
    local log = {}
    do
      local s <close> = orch.scope()
      s:spawn(function() orch.sleep(2) log[#log + 1] = "slow" end)
      s:spawn(function() orch.sleep(1) log[#log + 1] = "fast" end)
      log[#log + 1] = "body"
    end
    log[#log + 1] = "after"
    expect(log):equals { "body", "fast", "slow", "after" }
  end)

  it("a task body is a scope: await returns when its own tasks are over", function()
    local log = {}
    local outer = orch.spawn(function()
      orch.spawn(function() orch.sleep(5) log[#log + 1] = "inner" end)
      return "result"
    end)
    expect(outer:await()):equals "result"
    expect(log):equals { "inner" }
  end)

  it("spawn belongs to the innermost open scope", function()
    local log = {}
    do
      local outer <close> = orch.scope()
      do
        local inner <close> = orch.scope()
        orch.spawn(function() orch.sleep(1) log[#log + 1] = "inner task" end)
      end
      log[#log + 1] = "inner left"
    end
    expect(log):equals { "inner task", "inner left" }
  end)

  it("a daemon ends with the body of its scope", function()
    local log = {}
    do
      local s <close> = orch.scope()
      orch.spawn({ daemon = true }, function()
        local _ <close> = orch.defer(function() log[#log + 1] = "daemon ended" end)
        while true do orch.sleep(1) end
      end)
      orch.sleep(2.5)
    end
    expect(log):equals { "daemon ended" }
  end)

  it("a scope that was never closed is joined and reported", function()
    local log = {}
    local t = orch.spawn(function()
      local s = orch.scope { name = "forgotten" }
      s:spawn(function() orch.sleep(1) log[#log + 1] = "joined" end)
    end)
    t:await()
    expect(log):equals { "joined" }
    local leaks = require("orch.core.runtime").leaks()
    expect(#leaks):equals(1)
    expect(leaks[1]):matches "forgotten was opened at .*rules_tree_test.lua:%d+ and never closed"
  end)
end)

describe("rule 2: checkpoints", function()
  it("spawn only queues", function()
    local log = {}
    orch.spawn(function() log[#log + 1] = "task" end)
    log[#log + 1] = "spawner"
    orch.checkpoint()
    expect(log):equals { "spawner", "task" }
  end)

  it("a call that may wait is one even when its answer is ready", function()
    local lock, queue, event = orch.lock(), orch.queue(), orch.event()
    event:set()
    local ended = orch.spawn(function() return 1 end)
    ended:await()
    local calls = {
      lock = function() lock:acquire():release() end,
      put = function() queue:put(1) end,
      get = function() queue:get() end,
      event = function() event:wait() end,
      await = function() ended:await() end,
      sleep = function() orch.sleep(0) end,
      gather = function() orch.gather {} end,
      wait = function() orch.wait {} end,
    }
    for _, name in ipairs { "lock", "put", "get", "event", "await", "sleep", "gather", "wait" } do
      local ran = false
      orch.spawn(function() ran = true end)
      calls[name]()
      expect({ name, ran }):equals { name, true }
    end
  end)

  it("nothing else is: two tasks never interleave between checkpoints", function()
    local inside, most = 0, 0
    local function work()
      for _ = 1, 20 do
        inside = inside + 1
        most = math.max(most, inside)
        local t = {}
        for i = 1, 50 do t[i] = tostring(i) end
        inside = inside - 1
        orch.checkpoint()
      end
    end
    orch.gather(work, work, work)
    expect(most):equals(1)
  end)
end)

describe("rule 3: cancellation", { clock = "virtual" }, function()
  it("is raised at every further checkpoint until the scope is left", function()
    local raised = 0
    local t = orch.spawn(function()
      for _ = 1, 3 do
        local _ <close> = setmetatable({}, { __close = function(_, err)
          if orch.is_cancelled(err) then raised = raised + 1 end
        end })
        local guard <close> = setmetatable({}, { __close = function() orch.sleep(0) end })
        orch.sleep(60)
      end
    end)
    orch.sleep(1)
    t:cancel("enough")
    local ok, err = pcall(t.await, t)
    expect(ok):equals(false)
    expect(err.kind):equals "cancelled"
    expect(raised):equals(1)
  end)

  it("passes through pcall, xpcall and coroutine.resume and wrap", function()
    local log = {}
    local function swallow(how, fn)
      local t = orch.spawn(function()
        fn()
        log[#log + 1] = how .. " swallowed it"
      end)
      orch.sleep(1)
      t:cancel()
      expect(function() t:await() end):raises "cancelled"
    end
    local function wait() orch.sleep(60) end
    swallow("pcall", function() pcall(wait) end)
    swallow("xpcall", function() xpcall(wait, function() return "handled" end) end)
    swallow("try", function() orch.try(wait) end)
    swallow("resume", function() coroutine.resume(coroutine.create(wait)) end)
    swallow("wrap", function() pcall(coroutine.wrap(wait)) end)
    expect(log):equals {}
  end)

  it("says why, who and from where", function()
    local seen
    local t = orch.spawn({ name = "upload" }, function()
      local _ <close> = setmetatable({}, { __close = function(_, err) seen = err end })
      orch.sleep(60)
    end)
    orch.sleep(1)
    t:cancel("the build was stopped")
    local _, err = pcall(t.await, t)
    expect(seen.reason):equals "the build was stopped"
    expect(seen.where):matches "rules_tree_test.lua:%d+$"
    expect(seen.by):is_a "string"
    expect(err.reason):equals "the build was stopped"
    expect(err.task):equals "upload"
  end)

  it("never throws away a result that was delivered", function()
    local got
    local q = orch.queue()
    local t = orch.spawn(function()
      got = q:get()
      orch.checkpoint()
      got = "past the checkpoint"
    end)
    orch.sleep(1)
    q:put("value") -- wakes the task ...
    t:cancel()     -- ... and the cancellation hits its next checkpoint
    pcall(t.await, t)
    expect(got):equals "value"
  end)

  it("a task cancelled before its first step never runs", function()
    local ran = false
    local t = orch.spawn(function() ran = true end)
    t:cancel("not needed")
    local ok, err = pcall(t.await, t)
    expect({ ok, err.kind, err.reason, ran }):equals { false, "cancelled", "not needed", false }
  end)

  it("awaiting a task that somebody else cancelled is an ordinary error", function()
    local t = orch.spawn(function() orch.sleep(60) end)
    orch.sleep(1)
    t:cancel("gone")
    local ok, err = pcall(t.await, t)
    orch.sleep(1) -- this task is not cancelled
    expect({ ok, err.kind, err.reason }):equals { false, "cancelled", "gone" }
    expect(orch.is_cancelled(err)):equals(true)
    local outcome = orch.settle { t }
    expect(outcome[1].error.kind):equals "cancelled"
    local ok2, err2 = t:result()
    expect({ ok2, err2.kind }):equals { false, "cancelled" }
  end)

  it("a child ended by task:cancel does not fail its scope; cancel does not wait", function()
    local log = {}
    do
      local s <close> = orch.scope()
      local t = s:spawn(sleeper(log, "cleaned"))
      orch.sleep(1)
      t:cancel()
      log[#log + 1] = "cancel returned"
      expect(t:done()):equals(false)
    end
    expect(log):equals { "cancel returned", "cleaned" }
  end)

  it("a scope's cancel ends its tasks and its body; outside goes on", function()
    local log = {}
    local ok, err = pcall(function()
      local s <close> = orch.scope()
      s:spawn(sleeper(log, "child"))
      orch.checkpoint()
      s:cancel("stop")
      orch.sleep(1)
      log[#log + 1] = "not reached"
    end)
    orch.sleep(1)
    expect({ ok, err.kind, err.reason }):equals { false, "cancelled", "stop" }
    expect(log):equals { "child" }
  end)
end)

describe("rule 4: the first failure", { clock = "virtual" }, function()
  it("cancels siblings and body, waits for them and is raised itself", function()
    local log, boom = {}, { kind = "build", message = "boom" }
    local ok, err = pcall(function()
      local s <close> = orch.scope()
      s:spawn(sleeper(log, "sibling"))
      s:spawn(function() orch.sleep(1) error(boom) end)
      local _ <close> = orch.defer(function() log[#log + 1] = "body" end)
      orch.sleep(60)
    end)
    expect(ok):equals(false)
    expect(err):is(boom)
    table.sort(log)
    expect(log):equals { "body", "sibling" }
  end)

  it("has the others as .suppressed, in order", function()
    local ok, err = pcall(function()
      local s <close> = orch.scope()
      for i = 1, 3 do
        s:spawn(function()
          local _ <close> = orch.defer(function() error("failure " .. i, 0) end)
          orch.sleep(i == 1 and 1 or 60)
        end)
      end
    end)
    expect(ok):equals(false)
    expect(err.message):matches "failure 1"
    expect(#err.suppressed):equals(2)
    expect(err.suppressed[1].message):matches "failure 2"
    expect(err.suppressed[2].message):matches "failure 3"
  end)

  it("the body's own error comes first when it was first", function()
    local ok, err = pcall(function()
      local s <close> = orch.scope()
      s:spawn(function()
        local _ <close> = orch.defer(function() error { kind = "late", message = "late" } end)
        orch.sleep(60)
      end)
      orch.sleep(1)
      error { kind = "body", message = "body" }
    end)
    expect({ ok, err.kind, err.suppressed[1].kind }):equals { false, "body", "late" }
  end)

  it("pcall round await of an unheld child sees the error once; then all ends", function()
    local log = {}
    local ok, err = pcall(function()
      local s <close> = orch.scope()
      local t = s:spawn(function() orch.sleep(1) error { kind = "child", message = "x" } end)
      local caught, seen = pcall(t.await, t)
      log[#log + 1] = { caught, seen.kind }
      orch.checkpoint()
      log[#log + 1] = "not reached"
    end)
    expect(log):equals { { false, "child" } }
    expect({ ok, err.kind }):equals { false, "child" }
  end)

  it("hold keeps a failure for await alone", function()
    local t = orch.spawn({ hold = true }, function() error { kind = "mine", message = "x" } end)
    orch.sleep(1)
    local ok, err = pcall(t.await, t)
    orch.sleep(1)
    expect({ ok, err.kind }):equals { false, "mine" }
  end)

  it("on_error=collect lets the others finish", function()
    local log = {}
    local ok, err = pcall(function()
      local s <close> = orch.scope { on_error = "collect" }
      for i = 1, 4 do
        s:spawn(function()
          orch.sleep(i)
          if i % 2 == 1 then error { kind = "odd", message = "odd " .. i } end
          log[#log + 1] = i
        end)
      end
    end)
    expect(log):equals { 2, 4 }
    expect({ ok, err.message, #err.suppressed }):equals { false, "odd 1", 1 }
  end)

  it("a held failure that nobody looked at is told", function()
    orch.spawn({ hold = true, name = "secret" }, function() error("quietly", 0) end)
    orch.sleep(1)
    local leaks = require("orch.core.runtime").leaks()
    expect(leaks):equals { "secret failed and nobody looked at it: quietly" }
  end)
end)
