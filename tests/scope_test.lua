-- scope, wait_for, move_on_after, shield, defer. (The ten rules: rules_test.lua.)

local function failing(message)
  return function() orch.error { kind = "boom", message = message } end
end

local function forever() orch.sleep(1e9) end

--- Runs fn in a held task, cancels it when it waits, and gives its outcome.
local function cancelled(fn)
  local t = orch.spawn({ hold = true }, fn)
  orch.checkpoint()
  orch.checkpoint()
  t:cancel("the test says so")
  t:join()
  return t:result()
end

describe("scope", function()
  it("joins its tasks when the block is left", function()
    local seen = {}
    do
      local s <close> = orch.scope()
      s:spawn(function() orch.checkpoint() seen[1] = "child" end)
      orch.spawn(function() orch.checkpoint() seen[2] = "spawned in the block" end)
    end
    expect(seen):equals { "child", "spawned in the block" }
  end)

  it("raises the first failure itself; the others hang on it, in order", function()
    local err = expect(function()
      local s <close> = orch.scope()
      for _, name in ipairs { "second", "third" } do
        s:spawn(function()
          local _ <close> = orch.defer(failing(name))
          forever()
        end)
      end
      s:spawn(failing "first")
      forever()
    end):raises { kind = "boom", message = "first" }
    expect(#err.suppressed):equals(2)
    expect(err.suppressed[1].message):equals "second"
    expect(err.suppressed[2].message):equals "third"
  end)

  it("puts the failures of children on the body's own error when that came first", function()
    local err = expect(function()
      local s <close> = orch.scope()
      s:spawn(function()
        local _ <close> = orch.defer(failing "of the child")
        forever()
      end)
      orch.checkpoint()
      error("of the body", 0)
    end):raises { kind = "error", message = "of the body" }
    expect(err.suppressed[1].message):equals "of the child"
  end)

  it("collects: the others go on, then all failures come at once", function()
    local finished = false
    local err = expect(function()
      local s <close> = orch.scope { on_error = "collect" }
      s:spawn(failing "a")
      s:spawn(failing "b")
      s:spawn(function() orch.checkpoint() orch.checkpoint() finished = true end)
    end):raises { message = "a" }
    expect(err.suppressed[1].message):equals "b"
    expect(finished):equals(true)
  end)

  it("spawns with options too", function()
    local s <close> = orch.scope()
    local t = s:spawn({ name = "held", hold = true }, failing "kept", 1)
    expect(t.name):equals "held"
    expect(function() t:await() end):raises "kept"
    expect(function() s:spawn({ holt = true }, print) end):raises "scope:spawn has no option `holt`"
    expect(function() s:spawn(5) end):raises "scope:spawn: argument 1 should be a function"
  end)

  it("times out as an ordinary error with the name and the limit", { clock = "virtual" }, function()
    local err = expect(function()
      local s <close> = orch.scope { name = "deploy", timeout = "1m30s" }
      s:spawn(forever)
    end):raises { kind = "timeout", timeout = 90, message = "deploy timed out after 1m30s" }
    expect(orch.is_timeout(err)):equals(true)
    expect(err.where):matches "scope_test.lua:%d+"
  end)

  it("takes a deadline on the scale of time(); the earlier limit wins", { clock = "virtual" }, function()
    local started = orch.time()
    expect(function()
      local s <close> = orch.scope { deadline = started + 5, timeout = 60 }
      forever()
    end):raises "timeout"
    expect(orch.time() - started):near(5, 1e-6)
    expect(function()
      local s <close> = orch.scope { deadline = started }
      forever()
    end):raises "timeout"
  end)

  it("cancelled by its own cancel raises an ordinary error outside", function()
    local err = expect(function()
      local s <close> = orch.scope()
      s:spawn(forever)
      s:cancel("enough")
      orch.checkpoint()
    end):raises { kind = "cancelled", reason = "enough" }
    expect(orch.is_cancelled(err)):equals(true)
    orch.checkpoint()
  end)

  it("cannot be used after it was left", function()
    local s = orch.scope()
    s:close()
    s:close()
    expect(function() s:spawn(print) end):raises "closed"
    expect(function() s:cancel() end):raises "closed"
  end)

  it("that was not closed passes its cancelled tasks on as cancelled", function()
    local child
    orch.spawn(function()
      local s = orch.scope { name = "forgotten" }
      child = s:spawn(function()
        local _ <close> = orch.defer(orch.checkpoint)
        pcall(forever)
        child = "swallowed it"
      end)
      orch.checkpoint()
      s:cancel()
    end):await()
    expect(select(2, child:result())):matches "^cancelled"
    local leaks = table.concat(require("orch.core.runtime").leaks(), "\n")
    expect(leaks):matches "forgotten was opened at .*scope_test.lua:%d+ and never closed"
  end)

  it("names a wrong option, a wrong type and a wrong mode", function()
    expect(function() orch.scope { timout = 1 } end):raises {
      kind = "usage", message = "scope has no option `timout`; did you mean `timeout`?" }
    expect(function() orch.scope { timeout = "soon" } end):raises "option `timeout` should be a duration"
    expect(function() orch.scope { on_error = "colect" } end):raises '"cancel" or "collect", not "colect"'
  end)
end)

describe("wait_for", { clock = "virtual" }, function()
  it("gives the results, or raises the error of the function", function()
    expect({ orch.wait_for(function(...) return ... end, 1, "a", nil, "c") }):equals { "a", nil, "c" }
    expect(function() orch.wait_for(failing "mine", 1) end):raises "mine"
  end)

  it("unwinds the function before it raises the timeout", function()
    local order = {}
    expect(function()
      orch.wait_for(function()
        local _ <close> = orch.defer(function() orch.sleep(1) order[1] = "cleaned" end)
        forever()
      end, 5)
    end):raises { kind = "timeout", timeout = 5 }
    expect(order):equals { "cleaned" }
  end)

  it("cancels and joins a Task that takes too long", function()
    local order = {}
    local t = orch.spawn(function()
      local _ <close> = orch.defer(function() orch.checkpoint() order[1] = "joined" end)
      forever()
    end)
    expect(function() orch.wait_for(t, "5s") end):raises "timeout"
    expect(order):equals { "joined" }
    expect(orch.is_cancelled(select(2, t:result()))):equals(true)
  end)

  it("keeps a result that came in time, although nobody waited meanwhile", function()
    expect(orch.wait_for(function() test.clock.advance(0) return "done" end, 0.5)):equals "done"
  end)

  it("is no timeout when the cancellation came first", function()
    local _, err = cancelled(function()
      orch.wait_for(function()
        local _ <close> = orch.defer(function() orch.sleep(3) end)
        forever()
      end, 2)
    end)
    expect(err):equals { kind = "cancelled", message = "cancelled: the test says so",
      reason = "the test says so", by = err.by, where = err.where, task = err.task }
  end)

  it("nests: the earliest limit wins and is the one that is named", function()
    expect(function()
      orch.wait_for(function() orch.wait_for(forever, 60) end, 1)
    end):raises { kind = "timeout", timeout = 1 }
    expect(function()
      orch.wait_for(function() orch.wait_for(forever, 1) end, 60)
    end):raises { kind = "timeout", timeout = 1 }
  end)

  it("checks before it runs anything, and does nothing when cancelled", function()
    local ran = false
    local t = orch.spawn({ hold = true }, function()
      orch.current_task():cancel()
      orch.wait_for(function() ran = true end, 1)
    end)
    t:join()
    expect(t:result()):equals(false)
    expect(ran):equals(false)
    expect(function() orch.wait_for(5, 1) end):raises {
      kind = "usage", message = "wait_for: argument 1 should be a function or a Task, not the number 5" }
    expect(function() orch.wait_for(print, "x") end):raises "wait_for: argument 2 should be a duration"
  end)
end)

describe("move_on_after", { clock = "virtual" }, function()
  it("gives true and the results, or false", function()
    expect({ orch.move_on_after(1, function(x) return x, nil, 3 end, 1) }):equals { true, 1, nil, 3 }
    expect({ orch.move_on_after(1, forever) }):equals { false }
    expect({ orch.move_on_after(1, orch.spawn(forever)) }):equals { false }
  end)

  it("raises other errors, and a timeout that is not its own", function()
    expect(function() orch.move_on_after(1, failing "real") end):raises "real"
    expect(function()
      orch.move_on_after(9, function() orch.wait_for(forever, 1) end)
    end):raises { kind = "timeout", timeout = 1 }
  end)

  it("does not hide what failed while it unwound", function()
    local function fails_late()
      local _ <close> = orch.defer(failing "in clean-up")
      forever()
    end
    local function in_a_task() orch.spawn(fails_late):await() end
    for _, fn in ipairs { fails_late, in_a_task } do
      local err = expect(function() orch.move_on_after(1, fn) end):raises "timeout"
      expect(#err.suppressed):equals(1)
      expect(err.suppressed[1].message):equals "in clean-up"
    end
  end)

  it("lets a cancellation from outside through", function()
    local ok, err = cancelled(function() orch.move_on_after(1e6, forever) end)
    expect(ok):equals(false)
    expect(err.kind):equals "cancelled"
  end)
end)

describe("shield", { clock = "virtual" }, function()
  it("holds a cancellation back until it is left", function()
    local seen = {}
    local _, err = cancelled(function()
      seen[1] = orch.shield(function() orch.sleep(1) return "finished" end)
      orch.checkpoint()
      seen[2] = "never"
    end)
    expect(seen):equals { "finished" }
    expect(err.kind):equals "cancelled"
  end)

  it("ends with its grace", function()
    local started = orch.time()
    local _, err = cancelled(function() orch.shield(forever, { grace = "3s" }) end)
    expect(err.kind):equals "cancelled"
    expect(orch.time() - started):near(3, 1e-6)
  end)

  it("can be entered in a cancelled scope, where nothing else runs", function()
    local seen
    cancelled(function()
      local _ <close> = setmetatable({}, { __close = function()
        seen = orch.shield(function() orch.sleep(1) return "in clean-up" end)
      end })
      forever()
    end)
    expect(seen):equals "in clean-up"
  end)

  it("names wrong arguments", function()
    expect(function() orch.shield() end):raises "shield: argument 1 should be a function, not nil"
    expect(function() orch.shield(print, { garce = 1 }) end):raises "did you mean `grace`?"
  end)
end)

describe("defer", function()
  it("runs on every path, newest first, and learns the error", function()
    local seen = {}
    local function note(word)
      return orch.defer(function(err) seen[#seen + 1] = word .. tostring(err and err.kind) end)
    end
    do local _ <close> = note "end " end
    for _ = 1, 2 do local _ <close> = note "break " break end
    (function() local _ <close> = note "return " return 1 end)()
    pcall(function()
      local _ <close> = note "outer "
      local _ <close> = note "inner "
      failing "x" ()
    end)
    expect(seen):equals { "end nil", "break nil", "return nil", "inner boom", "outer boom" }
  end)

  it("may wait although its task was cancelled", function()
    local seen
    cancelled(function()
      local _ <close> = orch.defer(function() orch.checkpoint() seen = "cleaned" end)
      forever()
    end)
    expect(seen):equals "cleaned"
  end)

  it("wants a function", function()
    expect(function() orch.defer(5) end):raises "defer: argument 1 should be a function, not the number 5"
  end)
end)

describe("random trees of tasks and scopes", function()
  local script = debug.getinfo(1, "S").short_src:match "^(.*)/" .. "/property/tree.lua"
  for seed = 1, 5 do
    it("clean up and outlive nothing, seed " .. seed, function()
      local result = test.run { "--seed", tostring(seed), script }
      expect(result.stdout):equals "ok\n"
      -- Held tasks whose failure nobody looked at are right to be told; nothing else.
      for line in result.stderr:gmatch "[^\n]+" do expect(line):contains "nobody looked at it" end
    end)
  end
end)

describe("an error and its clean-up", function()
  it("stays the first when a defer fails too", function()
    local err = expect(function()
      local _ <close> = orch.defer(function() error("clean-up", 0) end)
      error("body", 0)
    end):raises "error"
    expect({ err.message, err.suppressed[1].message }):equals { "body", "clean-up" }
  end)
end)

describe("a deadline that passes while Lua is busy", function()
  local function busy(seconds)
    local stop = orch.time() + seconds
    while orch.time() < stop do end
  end

  it("is seen at the next checkpoint, whatever that is", function()
    local reached = false
    expect(function()
      orch.wait_for(function()
        busy(0.02)
        orch.sleep(0)
        reached = true
      end, 0.01)
    end):raises "timeout"
    expect(reached):equals(false)
    expect({ orch.move_on_after(0, orch.checkpoint) }):equals { false }
  end)

  it("tells the line that took so long", function()
    local err = expect(function()
      orch.wait_for(function() orch.sleep(1) end, 0.01)
    end):raises "timeout"
    expect(err.traceback):contains "scope_test.lua"
  end)
end)
