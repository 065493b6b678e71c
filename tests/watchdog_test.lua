-- Tasks that never wait, and signals: what the watchdog and Ctrl-C do to a run.

local fs, process = orch.fs, orch.process
local executable = require("orch.core.runtime").executable()

-- A run of `source` that has printed "ready".
local function start(source, ...)
  local path = test.temp_dir() .. "/a.lua"
  fs.write(path, source)
  local command = { executable, ... }
  command[#command + 1] = path
  command.check = false
  command.env = { NO_COLOR = "1" }
  local child = process.spawn(command)
  expect(child:read "line"):equals "ready"
  return child
end

local READY = 'print "ready" io.stdout:flush()\n'

-- Whether a process is there, a zombie not counted.
local function lives(pid)
  local ok, status = pcall(fs.read, "/proc/" .. pid .. "/stat")
  return ok and status:match "%) (%a)" ~= "Z"
end

describe("a task that never waits", function()
  it("is reported while it runs, with its live traceback", function()
    local child <close> = start(READY .. [[
      local function inner() while true do end end
      local function outer() inner() return 1 end
      orch.spawn({ name = "spinner" }, function() outer() end)
    ]], "--slow", "50ms")
    local lines = {}
    repeat
      lines[#lines + 1] = child.stderr:read "line"
    until lines[#lines]:find "main chunk" or lines[#lines]:find "orch.thread"
    local text = table.concat(lines, "\n")
    expect(text):matches "spinner has not waited for 0%.%d s"
    expect(text):contains "inner"
    expect(text):contains "outer"
    expect(text):contains "a.lua:2"
  end)

  it("is reported where it spins in a coroutine of its own", function()
    local child <close> = start(READY .. [[
      local generate = coroutine.wrap(function() while true do end end)
      generate()
    ]], "--slow", "50ms")
    expect(child.stderr:read "line"):contains "main has not waited for"
    child:signal "TERM"
    expect(child:wait().exit_code):equals(143)
  end)

  for _, name in ipairs { "INT", "TERM", "HUP" } do
    it("ends on SIG" .. name .. " and cleans up", function()
      local child <close> = start(READY .. [[
        local _ <close> = orch.defer(function()
          orch.sleep(0.01)
          print "main cleaned"
        end)
        orch.gather(function()
          local _ <close> = orch.defer(function()
            orch.sleep(0.01)
            print "spinner cleaned"
          end)
          while true do end
        end, function()
          local _ <close> = orch.defer(function() print "sleeper cleaned" end)
          orch.sleep(60)
        end)
      ]])
      child:signal(name)
      local said = { child:read "line", child:read "line", child:read "line" }
      expect(child:wait().exit_code):equals(
        ({ INT = 130, TERM = 143, HUP = 129 })[name])
      -- The sleeper had not begun to run.
      expect(said):equals { "spinner cleaned", "main cleaned" }
    end)
  end

  it("cannot hide behind pcall", function()
    local child <close> = start(READY .. [[
      while true do pcall(function() for _ = 1, 1e6 do end error "x" end) end
    ]])
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
  end)

  it("ends at the run's --timeout", function()
    local child <close> = start(READY .. "while true do end", "--timeout", "100ms")
    expect(child:wait().exit_code):equals(5)
  end)

  it("ends when it spins in a coroutine", function()
    local child <close> = start(READY .. [[
      coroutine.wrap(function()
        coroutine.wrap(function() while true do end end)()
      end)()
    ]])
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
  end)

  it("shows the task tree on SIGQUIT and goes on", function()
    local child <close> = start(READY .. [[
      orch.spawn({ name = "upload" }, orch.sleep, 60)
      orch.checkpoint()
      while true do end
    ]])
    child:signal "QUIT"
    expect(child.stderr:read "line"):matches "^main: running"
    expect(child.stderr:read "line"):matches "^  upload: sleep"
    child:signal "TERM"
    expect(child:wait().exit_code):equals(143)
  end)
end)

describe("clean-up after a signal", function()
  it("is announced when it takes a while", function()
    local child <close> = start(READY .. [[
      local _ <close> = orch.defer(function() orch.sleep(60) end)
      orch.sleep(60)
    ]])
    child:signal "INT"
    expect(child.stderr:read "line"):equals(
      "orch: interrupted; cleaning up for at most 10 s, another signal ends it at once")
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
  end)

  it("is cut after --grace", function()
    local child <close> = start([[
      local _ <close> = orch.defer(function()
        local _ <close> = orch.defer(function() print "second" end)
        orch.sleep(60)
      end)
    ]] .. READY .. "orch.sleep(60)", "--grace", "50ms")
    child:signal "INT"
    expect(child:read "line"):equals "second"
    expect(child:wait().exit_code):equals(130)
  end)

  it("is cut after --grace also when it never waits", function()
    local child <close> = start([[
      local _ <close> = orch.defer(function() while true do end end)
    ]] .. READY .. "orch.sleep(60)", "--grace", "50ms")
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
  end)

  it("ends at once on a second Ctrl-C, with the processes", function()
    local child <close> = start([[
      local _ <close> = orch.defer(function()
        local p = orch.process.spawn { "sleep", "60" }
        print(p.pid) io.stdout:flush()
        p:wait()
      end)
    ]] .. READY .. "orch.sleep(60)")
    child:signal "INT"
    local pid = child:read "line"
    expect(lives(pid)):is(true)
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
    for _ = 1, 100 do
      if not lives(pid) then break end
      orch.sleep(0.01)
    end
    expect(lives(pid)):is(false)
  end)

  it("ends at once on a second Ctrl-C also when it never waits", function()
    local child <close> = start([[
      local _ <close> = orch.defer(function()
        print "cleaning" io.stdout:flush()
        while true do end
      end)
    ]] .. READY .. "orch.sleep(60)")
    child:signal "INT"
    expect(child:read "line"):equals "cleaning"
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
  end)
end)

describe("a C function that never returns", function()
  it("ends with the run on a second Ctrl-C", function()
    local child <close> = start(READY .. [[
      string.find(("a"):rep(60), ("a?"):rep(60) .. ("a"):rep(60))
    ]])
    child:signal "INT"
    orch.sleep(0.05) -- or the two would be one
    child:signal "INT"
    expect(child:wait().exit_code):equals(130)
  end)
end)

describe("a signal", function()
  it("that nohup ignores does not end the run", function()
    local child <close> = process.spawn { "/bin/sh", "-c",
      "trap '' HUP; exec " .. process.quote(executable) .. " -e "
        .. process.quote(READY .. "orch.sleep(0.2) print 'done'"), check = false }
    expect(child:read "line"):equals "ready"
    child:signal "HUP"
    expect(child:read "line"):equals "done"
    expect(child:wait().exit_code):equals(0)
  end)

  it("ends worker threads that compute", function()
    local child <close> = start(READY .. [[
      orch.thread(function() while true do end end)
    ]])
    child:signal "TERM"
    expect(child:wait().exit_code):equals(143)
  end)

  it("passes on to commands, which end first", function()
    local child <close> = start([[
      orch.spawn(function()
        orch.process.run { "sh", "-c", stdout = "inherit",
          "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done" }
      end)
    ]])
    child:signal "TERM"
    expect(child:read "line"):equals "bye"
    expect(child:wait().exit_code):equals(143)
  end)
end)

describe("a pattern that backtracks for ever", function()
  it("is reported with its line, though no hook fires in it", function()
    local r = test.run { "--slow", "100ms", "-e",
      [[local s, p = ("a"):rep(28), ("a*"):rep(8) .. "b"
        s:find(p)]] }
    expect(r.stderr):contains "inside one long call at (command line):2"
  end)
end)
