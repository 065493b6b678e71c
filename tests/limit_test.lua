-- Deadlines and code that computes without waiting: the watchdog brings them there.

local fs, process = orch.fs, orch.process
local executable = require("orch.core.runtime").executable()

local function spin() while true do end end

local function compute(seconds)
  local started = os.clock() -- not virtual
  while os.clock() - started < seconds do end
end

local function times_out(fn)
  local err = expect(function() orch.wait_for(fn, 0.05) end):raises "timeout"
  expect(err.message):equals "wait_for timed out after 50ms"
  return err
end

describe("a deadline reaches code that computes", function()
  it("in a loop, with the line and what to do", function()
    local err = times_out(spin)
    expect(err.busy):is(true)
    expect(err.traceback):contains "limit_test.lua:6"
    expect(err.hint):contains "orch.thread"
  end)

  local swallowing = {
    pcall = function() while true do pcall(spin) end end,
    xpcall = function() while true do xpcall(spin, spin) end end,
    load = function() while true do load(spin) end end,
    ["a coroutine"] = function() while true do coroutine.resume(coroutine.create(spin)) end end,
    ["orch.try"] = function() while true do orch.try(spin) end end,
  }
  for name, fn in pairs(swallowing) do
    it("that catches errors with " .. name .. ", again and again", function() times_out(fn) end)
  end

  it("that resumes a generator in a loop", function()
    times_out(function()
      local generate = coroutine.wrap(function() while true do coroutine.yield(1) end end)
      while true do generate() end
    end)
  end)

  it("in a callback of C, and in an endless tail call", function()
    times_out(function() while true do (("a"):rep(9)):gsub(".", function() end) end end)
    times_out(function() table.sort({ 3, 1, 2 }, function() spin() end) end)
    local function again() return again() end
    times_out(again)
  end)

  it("in a clean-up that has no shield", function()
    times_out(function()
      local _ <close> = setmetatable({}, { __close = spin })
      orch.sleep(60)
    end)
  end)

  it("in a clean-up that coroutine.close runs", function()
    times_out(function()
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = spin })
        coroutine.yield()
      end)
      coroutine.resume(co)
      coroutine.close(co)
      expect(true):is(false) -- the cancellation passes through
    end)
  end)

  it("in the clean-up of a scope that has failed already", function()
    local err = expect(function()
      local scope <close> = orch.scope { timeout = 0.05 }
      local _ <close> = setmetatable({}, { __close = spin })
      scope:spawn(error, "boom")
      orch.sleep(60)
    end):raises()
    expect(err:match "boom"):is_a "string"
  end)

  it("in a task that was spawned under it", function()
    local cleaned = false
    local err = times_out(function()
      orch.gather(spin, function()
        local _ <close> = orch.defer(function() cleaned = true end)
        orch.sleep(60)
      end)
    end)
    expect(cleaned):is(false) -- it had not begun
    expect(err.traceback):contains "limit_test.lua:6"
    expect(err.hint):contains "orch.thread"
  end)

  it("from further out", function()
    local err = expect(function()
      orch.wait_for(function() orch.wait_for(spin, 60) end, 0.05)
    end):raises "timeout"
    expect(err.timeout):equals(0.05)
  end)

  it("and move_on_after goes on", function()
    expect(orch.move_on_after(0.05, spin)):is(false)
  end)

  it("between two statements: what one of several lines has taken is put back", function()
    local taken, freed = 0, 0
    local guard = { __close = function() freed = freed + 1 end }
    local function take(t) taken = taken + 1 return setmetatable(t, guard) end
    for _ = 1, 5 do
      expect(orch.move_on_after(0.05, function()
        while true do
          local _ <close> = take {
            name = "x",
          }
        end
      end)):is(false)
    end
    expect(freed):equals(taken)
  end)

  it("between two lines: what a line has taken is put back", function()
    local lock, taken, freed = orch.lock(), 0, 0
    local guard = { __close = function() freed = freed + 1 end }
    local function take() taken = taken + 1 return setmetatable({}, guard) end
    times_out(function()
      local _ <close> = lock:acquire()
      while true do local _ <close> = take() end
    end)
    expect(taken):greater_than(0)
    expect(freed):equals(taken) -- each has been closed
    expect(lock:locked()):is(false)
  end)
end)

describe("a deadline leaves alone", function()
  it("what is done soon after it, without waiting", function()
    expect(orch.wait_for(function() compute(0.06) return "done" end, 0.02)):equals "done"
  end)

  it("a shield, for the grace", function()
    local done = false
    times_out(function()
      orch.shield(function() compute(0.5) done = true end)
      orch.checkpoint()
    end)
    expect(done):is(true)
    times_out(function() orch.shield(spin, { grace = 0.05 }) end)
  end)

  it("a clean-up with a shield", function()
    local done = false
    times_out(function()
      local _ <close> = orch.defer(function() compute(0.5) done = true end)
      spin()
    end)
    expect(done):is(true)
  end)

  it("another task that computes, while its own waits", function()
    local waiter = orch.spawn({ hold = true }, orch.wait_for, orch.sleep, 0.05, 60)
    orch.checkpoint()
    compute(0.5)
    expect(function() waiter:await() end):raises "timeout"
  end)
end)

describe("in virtual time", { clock = "virtual" }, function()
  it("real time does not count", function()
    expect(orch.wait_for(function() compute(0.4) return "done" end, 0.05)):equals "done"
  end)
end)

describe("a job that computes", function()
  it("ends at its timeout, and the others go on", function()
    local folder = test.temp_dir()
    fs.write(folder .. "/p.lua", [[
      orch.job "stuck" { timeout = "100ms", run = function()
        while true do pcall(function() while true do end end) end
      end }
      orch.job "fine" { run = function() print "fine ran" end }
    ]])
    local r = process.run { executable, "run", "-k", "-C", folder, "p.lua", check = false,
      env = { NO_COLOR = "1" } }
    expect(r.exit_code):equals(1)
    expect(r.stdout .. r.stderr):contains "job 'stuck' took longer than its timeout of 0.1s"
    expect(r.stdout .. r.stderr):contains "fine"
  end)
end)

describe("Ctrl-C", function()
  it("reaches a loop that resumes a generator", function()
    local path = test.temp_dir() .. "/a.lua"
    fs.write(path, [[
      local generate = coroutine.wrap(function() while true do coroutine.yield(1) end end)
      print "ready" io.stdout:flush()
      while true do generate() end
    ]])
    local child <close> = process.spawn { executable, path, check = false }
    expect(child:read "line"):equals "ready"
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
    expect(child.stderr:read "all").never:contains "killed"
  end)
end)
