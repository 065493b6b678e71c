-- spawn, the Task and what looks at tasks.

local function fails() orch.error { kind = "boom", message = "no luck" } end

describe("spawn", function()
  it("only queues: the task first runs at the next checkpoint, in order", function()
    local seen = {}
    for i = 1, 3 do orch.spawn(table.insert, seen, i) end
    expect(seen):equals {}
    orch.checkpoint()
    expect(seen):equals { 1, 2, 3 }
  end)

  it("passes arguments and results on, nil included", function()
    local t = orch.spawn(function(...) return select("#", ...), ... end, nil, "b", nil)
    expect({ t:await() }):equals { 3, nil, "b" }
    expect(select("#", t:await())):equals(4)
  end)

  it("is create_task too, and takes what can be called", function()
    expect(orch.create_task):is(orch.spawn)
    local callable = setmetatable({}, { __call = function(_, x) return x * 2 end })
    expect(orch.spawn(callable, 21):await()):equals(42)
    expect(orch.spawn({ name = "double" }, callable, 4):await()):equals(8)
  end)

  it("gives names, and a name to tasks without one", function()
    local t = orch.spawn({ name = "upload" }, function() end)
    expect(t.name):equals "upload"
    expect(tostring(t)):equals "Task(upload)"
    expect(orch.spawn(function() end).name):matches "^task %d+$"
  end)

  it("holds a failure for await alone", function()
    local t = orch.spawn({ hold = true }, fails)
    orch.checkpoint()
    orch.checkpoint()
    expect(function() t:await() end):raises { kind = "boom", message = "no luck" }
  end)

  it("cancels a daemon when the body ends, and fails for nobody", function()
    local ended
    orch.spawn(function()
      orch.spawn({ daemon = true }, function()
        local _ <close> = orch.defer(function() ended = true end)
        orch.sleep(1e9)
      end)
      orch.checkpoint()
    end):await()
    expect(ended):equals(true)
  end)

  it("refuses what is no function and says how to write it", function()
    expect(function() orch.spawn((function() return 5 end)()) end):raises {
      kind = "usage", message = "spawn: argument 1 should be a function, not the number 5; write spawn(fn, a, b)" }
    expect(function() orch.spawn() end):raises "not nil"
    expect(function() orch.spawn({ deamon = true }, print) end):raises {
      kind = "usage", message = "spawn has no option `deamon`; did you mean `daemon`?" }
    expect(function() orch.spawn({ hold = 1 }, print) end):raises "option `hold` should be a boolean"
    expect(function() orch.spawn { hold = true } end):raises "spawn: argument 2 should be a function"
  end)
end)

describe("await", function()
  it("raises the very error of the task, each time", function()
    local mine = { kind = "mine", message = "x" }
    local t = orch.spawn({ hold = true }, function() error(mine) end)
    for _ = 1, 2 do
      expect(expect(function() t:await() end):raises()):is(mine)
    end
    expect(select(2, t:result())):is(mine)
  end)

  it("gives a raised string as kind error with its cause", function()
    local t = orch.spawn({ hold = true }, function() error("plain", 0) end)
    expect(function() t:await() end):raises { kind = "error", message = "plain", cause = "plain" }
  end)

  it("raises kind cancelled, which pcall catches, for a task that was cancelled", function()
    local t = orch.spawn({ name = "worker" }, orch.sleep, 1e9)
    orch.checkpoint()
    t:cancel("not needed")
    local err = expect(function() t:await() end):raises { kind = "cancelled",
      reason = "not needed", task = "worker" }
    expect(err.where):matches "task_test.lua:%d+"
    expect(orch.is_cancelled(err)):equals(true)
    expect(select(2, t:result())):is_a("error")
  end)

  it("is a checkpoint also of a task that is done", function()
    local t, other = orch.spawn(function() return 1 end), false
    orch.checkpoint()
    expect(t:done()):equals(true)
    orch.spawn(function() other = true end)
    expect(t:await()):equals(1)
    expect(other):equals(true)
  end)

  it("ends with the waiter's own cancellation and leaves the task alone", function()
    local slow = orch.spawn(function() orch.checkpoint() orch.checkpoint() return "kept" end)
    local waiter = orch.spawn({ hold = true }, function() slow:await() end)
    orch.checkpoint()
    waiter:cancel()
    expect(function() waiter:await() end):raises "cancelled"
    expect(slow:await()):equals "kept"
  end)

  it("of oneself is a deadlock", function()
    expect(function() orch.current_task():await() end):raises {
      kind = "deadlock", message = "a task cannot await itself" }
  end)

  it("without a colon says so", function()
    local t = orch.spawn(function() end)
    expect(function() t.await() end):raises {
      kind = "usage", message = "write task:await%(%), with a colon" }
    expect(function() t:cancel {} end):raises {
      kind = "usage", message = "task:cancel: argument 1 should be a string, not a table" }
  end)
end)

describe("join", function()
  it("raises nothing of the task and is no look at its outcome", function()
    local t = orch.spawn({ hold = true, name = "lost" }, fails)
    t:join()
    local leaks = require("orch.core.runtime").leaks()
    expect(leaks[#leaks]):matches "^lost failed and nobody looked at it: no luck"
  end)
end)

describe("result and done", function()
  it("say nothing while the task runs", function()
    local t = orch.spawn(orch.checkpoint)
    expect(t:done()):equals(false)
    expect(select("#", t:result())):equals(0)
    t:await()
    expect(t:done()):equals(true)
    expect({ t:result() }):equals { true }
  end)
end)

describe("cancel", function()
  it("of a task that never ran keeps it from running", function()
    local ran = false
    local t = orch.spawn(function() ran = true end)
    t:cancel()
    expect(function() t:await() end):raises "cancelled"
    expect(ran):equals(false)
  end)

  it("does not wait; the first reason stays; after the end it does nothing", function()
    local t = orch.spawn(orch.sleep, 1e9)
    orch.checkpoint()
    t:cancel("first")
    t:cancel("second")
    expect(t:done()):equals(false)
    expect(expect(function() t:await() end):raises().reason):equals "first"
    t:cancel("third")
    expect(select(2, t:result()).reason):equals "first"
  end)

  it("never throws a delivered result away: it hits the next checkpoint", function()
    local q, got, after = orch.queue(), nil, nil
    local t = orch.spawn(function()
      got = q:get()
      orch.checkpoint()
      after = true
    end)
    orch.checkpoint()
    orch.checkpoint()
    q:put("value")
    t:cancel()
    t:join()
    expect(got):equals "value"
    expect(after):is_nil()
  end)
end)

describe("looking at tasks", function()
  it("current_task is the running one, all_tasks each after its spawner", function()
    local t = orch.spawn({ name = "seen" }, orch.checkpoint)
    local names = {}
    for _, task in ipairs(orch.all_tasks()) do names[#names + 1] = task.name end
    expect(names):contains "seen"
    expect(names):contains(orch.current_task().name)
    expect(table.concat(names, " ")).never:contains "orch/"
    expect(orch.spawn(orch.current_task):await()):is_a "userdata"
    t:await()
  end)

  it("task_tree says what each waits for", function()
    local event = orch.event()
    orch.spawn({ name = "sleeper" }, event.wait, event)
    orch.checkpoint()
    orch.checkpoint()
    expect(orch.task_tree()):contains "sleeper: waits for an event that nobody has set"
    event:set()
  end)

  it("traceback shows the line where the task waits", function()
    local event = orch.event()
    local t = orch.spawn(function() event:wait() end)
    orch.checkpoint()
    orch.checkpoint()
    expect(t:traceback()):matches "task_test.lua:%d+"
    event:set()
    t:await()
    expect(t:traceback()):equals "the task has ended"
  end)
end)
