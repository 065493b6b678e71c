-- orch.process: results, failures, cancellation, and that nothing is left behind.

local process = orch.process
local runtime = require "orch.core.runtime"

-- Helpers ----------------------------------------------------------------------

local function alive(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then return false end
  local text = file:read "a"
  file:close()
  return not text:find "%) [ZX] "
end

local function until_true(what, fn)
  for _ = 1, 1000 do
    if fn() then return end
    orch.sleep(0.01)
  end
  error("it never came: " .. what)
end

local function slurp(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

-- The pids that a command has written to a file, once there are `count`.
local function pids_in(path, count)
  local pids
  until_true("the pids in " .. path, function()
    pids = {}
    for pid in slurp(path):gmatch "(%d+)\n" do pids[#pids + 1] = math.tointeger(pid) end
    return #pids >= count
  end)
  return pids
end

local function expect_gone(pids)
  for _, pid in ipairs(pids) do
    until_true(("the end of process %d"):format(pid), function() return not alive(pid) end)
  end
end

local note
before_each(function() note = os.tmpname() end)
after_each(function() os.remove(note) end)

-- A shell with a child, a grandchild and one in a session of its own, all noted.
local function family()
  return ([[
    echo $$ >> %s
    sleep 300 & echo $! >> %s
    sh -c 'sleep 300 & echo $! >> %s; wait' &
    setsid sh -c 'echo $$ >> %s; exec sleep 300' &
    wait]]):format(note, note, note, note)
end

-- Results ------------------------------------------------------------------------

describe("process.run", function()
  it("gives the output, the code and the time", function()
    local r = process.run { "sh", "-c", "echo out; echo err >&2" }
    expect(r.ok):is(true)
    expect(r.exit_code):equals(0)
    expect(r.signal):is_nil()
    expect(r.stdout):equals "out\n"
    expect(r.stderr):equals "err\n"
    expect(r.elapsed):is_a "number"
  end)

  it("passes arguments as they are", function()
    local words = { "a b", "", "it's", "$HOME", "*", "-n", "\xff\n" }
    local r = process.run { "printf", "%s|", table.unpack(words) }
    expect(r.stdout):equals(table.concat(words, "|") .. "|")
    expect(process.run { "echo", 1, 2.5 }.stdout):equals "1 2.5\n"
  end)

  it("raises the exit code and the last words", function()
    local err = expect(function()
      process.run { "sh", "-c", "echo working >&2; echo 'fatal: no such scene' >&2; exit 128" }
    end):raises { kind = "process", exit_code = 128 }
    expect(err.message):contains "failed with exit code 128: fatal: no such scene"
    expect(err.command):equals "sh -c 'echo working >&2; echo '\\''fatal: no such scene'\\'' >&2; exit 128'"
    expect(err.stderr):equals "working\nfatal: no such scene\n"
  end)

  it("returns the failure with check=false", function()
    local r = process.run { "sh", "-c", "exit 3", check = false }
    expect(r.ok):is(false)
    expect(r.exit_code):equals(3)
  end)

  it("tells a signal from an exit code", function()
    local err = expect(function() process.run { "sh", "-c", "kill -SEGV $$" } end)
      :raises { kind = "process", signal = "SIGSEGV" }
    expect(err.exit_code):is_nil()
    expect(err.message):contains "died of SIGSEGV"
    local r = process.run { "sh", "-c", "kill -9 $$", check = false }
    expect(r.signal):equals "SIGKILL"
    expect(r.exit_code):is_nil()
  end)

  it("says which program there is not", function()
    local err = expect(function() process.run { "gerp", "x" } end):raises { kind = "os", code = "ENOENT" }
    expect(err.message):contains "'gerp': there is no such program in PATH; did you mean 'grep'?"
    expect(err.path):equals "gerp"
    expect(function() process.run { "./gone/tool" } end):raises { kind = "os", code = "ENOENT" }
    expect(process.which "gerp"):is_nil()
    expect(process.which "sh"):matches "/sh$"
  end)

  it("says what cannot be executed", function()
    local file = io.open(note, "w")
    file:write "echo no interpreter line\n"
    file:close()
    expect(function() process.run { note } end):raises { kind = "os", code = "EACCES", path = note }
    expect(function() process.run { "/tmp" } end):raises { kind = "os", code = "EACCES" }
    process.run { "chmod", "+x", note }
    expect(function() process.run { note } end):raises { kind = "os", code = "ENOEXEC" }
    file = io.open(note, "w")
    file:write "#!/no/such/interpreter\n"
    file:close()
    local err = expect(function() process.run { note } end):raises { kind = "os", code = "ENOENT" }
    expect(err.message):contains "#! line"
    local folder = process.run { "mktemp", "-d" }.stdout:gsub("\n", "")
    process.run { "cp", note, folder .. "/plain" }
    process.run { "chmod", "-x", folder .. "/plain" }
    expect(function() process.run { "plain", env = { PATH = folder } } end)
      :raises { kind = "os", code = "EACCES" }
    process.run { "rm", "-r", folder }
  end)

  it("runs in a folder and with variables", function()
    expect(process.run { "pwd", cwd = "/usr/bin" }.stdout):equals "/usr/bin\n"
    local r = process.run { "sh", "-c", "echo $A-$B-$C", env = { A = "x y", B = 7, C = false } }
    expect(r.stdout):equals "x y-7-\n"
    expect(function() process.run { "pwd", cwd = "/no/such" } end)
      :raises { kind = "os", code = "ENOENT", path = "/no/such" }
    expect(process.run { "env", env = { UV_THREADPOOL_SIZE = false } }.stdout)
      .never:contains "UV_THREADPOOL_SIZE"
  end)

  it("follows the task's cd and with_env", function()
    local _ <close> = orch.cd "/usr"
    local _ <close> = orch.with_env { ORCH_TEST = "outer", HOME = false }
    expect(process.run { "pwd" }.stdout):equals "/usr\n"
    expect(process.run { "pwd", cwd = "bin" }.stdout):matches "/bin\n$"
    expect(process.run { "sh", "-c", "echo $ORCH_TEST${HOME-unset}" }.stdout):equals "outerunset\n"
    expect(process.run { "sh", "-c", "echo $ORCH_TEST", env = { ORCH_TEST = "inner" } }.stdout)
      :equals "inner\n"
    expect(process.run { "./bin/true" }.ok):is(true)
    expect(process.run { "./true", cwd = "/usr/bin" }.ok):is(true)
  end)

  it("leaks no descriptor and no signal mask", function()
    local file = io.open(note) -- Lua's files have no close-on-exec flag
    local fds = process.run { "ls", "/proc/self/fd" }
    local r = process.run { "grep", "Sig[BI]", "/proc/self/status" }
    file:close()
    expect(fds.stdout):equals "0\n1\n2\n3\n" -- 3 is ls looking at the folder
    expect(r.stdout):contains "SigBlk:\t0000000000000000"
    -- 32 and 33 are glibc's own; it lets nobody touch them.
    local ignored = tonumber(r.stdout:match "SigIgn:%s+(%x+)", 16)
    expect(ignored & ~(3 << 31)):equals(0)
  end)

  it("makes each command the leader of a group", function()
    local r = process.run { "sh", "-c", "cut -d' ' -f1,5,6 /proc/$$/stat" }
    local pid, group, session = r.stdout:match "(%d+) (%d+) (%d+)"
    expect(group):equals(pid)
    expect(session):equals(pid)
  end)
end)

-- Input and output ---------------------------------------------------------------

describe("the input of a command", function()
  it("is empty unless given", function()
    expect(process.run { "cat" }.stdout):equals ""
  end)

  it("is a string of any size", function()
    expect(process.run { "cat", stdin = "a\0b" }.stdout):equals "a\0b"
    expect(process.run { "cat", stdin = "" }.stdout):equals ""
    local big = ("0123456789abcdef"):rep(1 << 16)
    expect(process.run { "cat", stdin = big }.stdout == big):is(true)
  end)

  it("is a file", function()
    local file = io.open(note, "w")
    file:write "from a file"
    file:close()
    expect(process.run { "cat", stdin = { path = note } }.stdout):equals "from a file"
    expect(function() process.run { "cat", stdin = { path = "/no/such" } } end)
      :raises { kind = "os", code = "ENOENT", path = "/no/such" }
  end)

  it("comes from a function that may wait", function()
    local i = 0
    local r = process.run { "cat", stdin = function()
      i = i + 1
      orch.sleep(0.001)
      if i <= 3 then return "piece " .. i .. "\n" end
    end }
    expect(r.stdout):equals "piece 1\npiece 2\npiece 3\n"
  end)

  it("may fail, which ends the command", function()
    expect(function()
      process.run { "sh", "-c", "echo $$ > " .. note .. "; sleep 300", stdin = function()
        pids_in(note, 1)
        error "no more scenes"
      end }
    end):raises "no more scenes"
    expect_gone(pids_in(note, 1))
  end)

  it("may stay unread", function()
    local big = ("x"):rep(1 << 20)
    expect(process.run { "true", stdin = big }.ok):is(true)
    expect(process.run { "head", "-c", "3", stdin = big }.stdout):equals "xxx"
    expect(process.run { "true", stdin = function() return big end }.ok):is(true)
    expect(process.run { "sh", "-c", "exec <&-; sleep 0.05", stdin = big }.ok):is(true)
    expect(process.run { "true", stdin = function() orch.event():wait() end }.ok):is(true)
  end)
end)

describe("the output of a command", function()
  it("comes line by line, in the calling task", function()
    local lines, tasks = {}, {}
    local r = process.run { "printf", "one\\n\\nthree\\nno end",
      on_stdout = function(line)
        lines[#lines + 1] = line
        tasks[orch.current_task()] = true
        orch.checkpoint()
      end }
    expect(lines):equals { "one", "", "three", "no end" }
    expect(tasks[orch.current_task()]):is(true)
    expect(r.stdout):is_nil()
  end)

  it("comes in order from both streams, and stderr's tail is kept", function()
    local seen = {}
    local err = expect(function()
      process.run { "sh", "-c", "echo 1; sleep 0.05; echo 2 >&2; sleep 0.05; echo 3; exit 4",
        on_stdout = function(line) seen[#seen + 1] = "o" .. line end,
        on_stderr = function(line) seen[#seen + 1] = "e" .. line end }
    end):raises { kind = "process", exit_code = 4, stderr = "2\n" }
    expect(seen):equals { "o1", "e2", "o3" }
    expect(err.message):contains ": 2"
  end)

  it("can go to a file, to nothing, and into one stream", function()
    process.run { "echo", "first", stdout = { path = note } }
    process.run { "echo", "second", stdout = { path = note, append = true } }
    expect(slurp(note)):equals "first\nsecond\n"
    local r = process.run { "sh", "-c", "echo a; echo b >&2", stderr = "stdout" }
    expect(r.stdout):equals "a\nb\n"
    expect(process.run { "echo", "x", stdout = "null" }.stdout):is_nil()
  end)

  it("survives a flood on stderr", function()
    local r = process.run { "sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' e >&2; exit 1",
      check = false }
    expect(#r.stderr):equals(20000000)
    local err = expect(function()
      process.run { "sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' e >&2; exit 1" }
    end):raises "process"
    expect(#err.stderr):less_than(5000)
    expect(#err.message):less_than(500)
  end)

  it("is capped where it is captured", function()
    local err = expect(function() process.run { "yes", max_output = "1M" } end)
      :raises { kind = "process" }
    expect(err.message):contains "wrote more than 1048576 bytes to stdout"
  end)

  it("hands over the last bytes of what the command left running", function()
    local r = process.run { "sh", "-c", "(sleep 0.03; echo late) & echo early" }
    expect(r.stdout):equals "early\nlate\n"
  end)

  it("does not wait for a grandchild that keeps the pipes", function()
    local r = process.run { "sh", "-c", "sleep 300 & echo $! > " .. note .. "; echo done" }
    expect(r.stdout):equals "done\n"
    expect_gone(pids_in(note, 1))
  end)

  it("stops the command when the callback fails", function()
    expect(function()
      process.run { "sh", "-c", "echo $$; exec sleep 300", on_stdout = function(line)
        note = line
        error "stop it"
      end }
    end):raises "stop it"
    expect_gone { math.tointeger(note) }
  end)
end)

--- Runs `code` in a run of its own: in this one, what other tests have left behind decides how
--- much garbage may pile up. Gives what it printed and by how many KB it grew meanwhile.
local function growth_of(code)
  local out = process.run { require("orch.core.runtime").executable(), "-e", ([[
    local function memory_kb()
      local statm = io.open "/proc/self/statm"
      local pages = statm:read "a":match "^%d+ (%d+)"
      statm:close()
      return math.tointeger(pages) * 4
    end
    local process, before = orch.process, memory_kb()
    ]] .. code .. [[ print(memory_kb() - before)]]) }.stdout
  local printed, kb = out:match "^(.*)\n(%-?%d+)\n$"
  return printed, math.tointeger(kb)
end

local function expect_constant(kb)
  if slurp("/proc/self/maps"):find "libasan" then
    test.skip "AddressSanitizer keeps freed memory for a while"
  end
  expect(kb):less_than(20000)
end

describe("a gigabyte of output", function()
  it("is read in constant memory", function()
    local printed, kb = growth_of [[
      local bytes = 0
      local p <close> = process.spawn { "head", "-c", "1G", "/dev/zero" }
      for piece in function() return p:read() end do bytes = bytes + #piece end
      print(bytes, p:wait().ok) ]]
    expect(printed):equals((1 << 30) .. "\ttrue")
    expect_constant(kb)
  end)

  it("comes line by line in constant memory, also to a slow consumer", function()
    local printed, kb = growth_of [[
      local lines = 0
      local line = ("x"):rep(4095)
      process.run { "sh", "-c", "yes " .. line .. " | head -c 256M", on_stdout = function()
        lines = lines + 1
        if lines % 4096 == 0 then orch.sleep(0.002) end
      end }
      print(lines) ]]
    expect(printed):equals(tostring(1 << 16))
    expect_constant(kb)
  end)

  it("does not run ahead of who reads it", function()
    local p <close> = process.spawn { "sh", "-c",
      "i=0; while :; do i=$((i+1)); echo $i > " .. note .. "; head -c 65536 /dev/zero; done" }
    p:read(1)
    local last
    until_true("a standstill", function()
      local now = slurp(note)
      orch.sleep(0.05)
      local still = now == last and now ~= ""
      last = now
      return still
    end)
    expect(tonumber(last)):less_than(20) -- a window, a pipe and some pieces
  end)
end)

-- The end --------------------------------------------------------------------------

describe("a command that is cancelled", function()
  it("never starts when that came first", function()
    local t = orch.spawn(function()
      orch.current_task():cancel "too late"
      process.run { "touch", note .. ".started" }
    end)
    expect(function() t:await() end):raises { kind = "cancelled" }
    expect(io.open(note .. ".started")):is_nil()
  end)

  it("ends with all it started", function()
    local t = orch.spawn(process.run, { "sh", "-c", family() })
    local pids = pids_in(note, 4)
    t:cancel "enough"
    expect(function() t:await() end):raises { kind = "cancelled" }
    for _, pid in ipairs(pids) do expect(alive(pid)):is(false) end
  end)

  it("may clean up after TERM", function()
    local t = orch.spawn(process.run, { "sh", "-c",
      "trap 'echo cleaned > " .. note .. "; exit' TERM; echo $$ > " .. note
        .. "; while :; do sleep 0.02; done" })
    pids_in(note, 1)
    t:cancel()
    pcall(t.await, t)
    expect(slurp(note)):equals "cleaned\n"
  end)

  it("waits for the clean-up of its grandchildren", function()
    local t = orch.spawn(process.run, { "sh", "-c",
      "sh -c 'trap \"sleep 0.2; echo cleaned > " .. note .. "; exit\" TERM; echo $$ > " .. note
        .. "; while :; do sleep 0.02; done' & wait" })
    pids_in(note, 1)
    t:cancel()
    pcall(t.await, t)
    expect(slurp(note)):equals "cleaned\n"
  end)

  it("is killed after the grace when it ignores TERM", function()
    local t = orch.spawn(process.run, { "sh", "-c",
      "trap '' TERM; echo $$ >> " .. note .. "; sh -c 'echo $$ >> " .. note
        .. "; while :; do sleep 0.02; done'", grace = "100ms" })
    local pids = pids_in(note, 2)
    t:cancel()
    expect(function() t:await() end):raises { kind = "cancelled" }
    for _, pid in ipairs(pids) do expect(alive(pid)):is(false) end
  end)

  it("ends what has left its group and lost its parent", function()
    local t = orch.spawn(process.run, { "sh", "-c", ([[
      (setsid sh -c 'echo $$ >> %s; exec sleep 300' &)
      echo $$ >> %s
      exec sleep 300]]):format(note, note) })
    local pids = pids_in(note, 2)
    t:cancel()
    pcall(t.await, t)
    for _, pid in ipairs(pids) do expect(alive(pid)):is(false) end
  end)

  it("ends when it is stopped", function()
    local t = orch.spawn(process.run, { "sh", "-c", "echo $$ > " .. note .. "; kill -STOP $$" })
    local pids = pids_in(note, 1)
    until_true("the stop", function()
      return slurp(("/proc/%d/stat"):format(pids[1])):find "%) T " ~= nil
    end)
    t:cancel()
    pcall(t.await, t)
    expect(alive(pids[1])):is(false)
  end)

  it("ends among a hundred at once", function()
    local started = 0
    expect(function()
      local s <close> = orch.scope { name = "many" }
      for _ = 1, 100 do
        s:spawn(process.run, { "sh", "-c", "echo ready; exec sleep 300", on_stdout = function()
          started = started + 1
        end })
      end
      until_true("all of them", function() return started == 100 end)
      error "that is enough"
    end):raises "that is enough"
    expect(runtime.handles()):equals {}
  end)
end)

describe("the limits of a command", function()
  it("has a timeout", function()
    local err = expect(function()
      process.run { "sh", "-c", "echo begun >&2; exec sleep 300", timeout = "100ms" }
    end):raises { kind = "timeout" }
    expect(err.message):contains "did not end within 0.1 s and was stopped: begun"
    expect(err.stderr):equals "begun\n"
    expect(err.command):contains "sleep 300"
  end)

  it("has a time without output", function()
    local err = expect(function()
      process.run { "sh", "-c", "echo $$ > " .. note .. "; for i in 1 2 3 4 5; do echo $i; sleep 0.05;"
        .. " done; exec sleep 300", stall = "250ms" }
    end):raises { kind = "timeout", stalled = true }
    expect(err.message):contains "printed nothing for 0.25 s"
    expect_gone(pids_in(note, 1))
    expect(function()
      process.run { "sleep", "300", stall = "50ms", stdout = "null", stderr = "null" }
    end):raises { kind = "usage" }
  end)

  it("does not count the time that the callback takes as a stall", function()
    local lines = 0
    process.run { "sh", "-c", "echo 1; echo 2; sleep 0.05; echo 3", stall = "200ms",
      on_stdout = function()
        lines = lines + 1
        orch.sleep(0.3)
      end }
    expect(lines):equals(3)
  end)

  it("are those of the scope, too", function()
    local pid
    local err = expect(function()
      orch.wait_for(function()
        process.run { "sh", "-c", "echo $$; exec sleep 300", on_stdout = function(line) pid = line end }
      end, "200ms")
    end):raises { kind = "timeout" }
    expect(orch.is_timeout(err)):is(true)
    expect(alive(math.tointeger(pid))):is(false)
  end)
end)

-- Two orchs: what happens to the commands when ours is killed.
describe("orch killed with SIGKILL", function()
  it("leaves nothing running", function()
    local script = os.tmpname()
    local file = io.open(script, "w")
    file:write(("orch.process.run { 'sh', '-c', %q }"):format(family()))
    file:close()
    local inner <close> = process.spawn { runtime.executable(), "run", script }
    local pids = pids_in(note, 4)
    -- Not the group: only orch itself, as an out-of-memory killer would.
    process.run { "kill", "-9", tostring(inner.pid) }
    expect_gone(pids)
    os.remove(script)
  end)

  it("does so when the whole tree of orch is killed", function()
    local script = os.tmpname()
    local file = io.open(script, "w")
    file:write(("orch.process.run { 'sh', '-c', %q }"):format(family()))
    file:close()
    local t = orch.spawn(process.run, { runtime.executable(), "run", script, grace = 0 })
    local pids = pids_in(note, 4)
    t:cancel()
    pcall(t.await, t)
    expect_gone(pids)
    os.remove(script)
  end)

  it("has no supervisor left after an ordinary end", function()
    local script = os.tmpname()
    local file = io.open(script, "w")
    file:write(([[
      orch.process.run { "true" }
      orch.process.run { "sh", "-c", "pgrep -f -P $PPID command-guard > %s || true" }
    ]]):format(note))
    file:close()
    process.run { runtime.executable(), "run", script }
    local pids = pids_in(note, 1)
    expect_gone(pids)
    os.remove(script)
  end)
end)

-- Talking to one -------------------------------------------------------------------

describe("process.spawn", function()
  it("reads and writes", function()
    local p <close> = process.spawn { "cat" }
    expect(p.pid):is_a "integer"
    expect(p:write "one\ntwo\nthree"):is(true)
    expect(p:read "line"):equals "one"
    expect(p:read(2)):equals "tw"
    expect(p:read()):equals "o\nthree"
    p:write "last\nwords"
    p:close_stdin()
    expect(p:read "all"):equals "last\nwords"
    expect(p:read "all"):equals ""
    expect(p:read()):is_nil()
    expect(p:read "line"):is_nil()
    expect(p:wait().ok):is(true)
    expect(p:write "more"):is(false)
  end)

  it("gives lines", function()
    local p <close> = process.spawn { "printf", "a\\nb\\n\\nc" }
    local lines = {}
    for line in p:lines() do lines[#lines + 1] = line end
    expect(lines):equals { "a", "b", "", "c" }
  end)

  it("keeps output that is read after the end", function()
    local p <close> = process.spawn { "sh", "-c", "echo out; echo err >&2; exit 2", check = false }
    local r = p:wait()
    expect(r.exit_code):equals(2)
    expect(r.stderr):equals "err\n"
    expect(p.stdout:read "all"):equals "out\n"
    expect(p.stderr:read "line"):equals "err"
  end)

  it("needs nobody to read stderr", function()
    local p <close> = process.spawn { "sh", "-c", "head -c 5000000 /dev/zero >&2; echo done" }
    expect(p:read "line"):equals "done"
    expect(#p:wait().stderr):equals(64 << 10)
  end)

  it("raises in wait what run raises", function()
    local p <close> = process.spawn { "sh", "-c", "echo bad >&2; exit 9" }
    local err = expect(function() p:wait() end):raises { kind = "process", exit_code = 9 }
    expect(err.message):contains ": bad"
    expect(function() process.spawn { "gerp" } end):raises { kind = "os", code = "ENOENT" }
  end)

  it("is waited for by many", function()
    local p <close> = process.spawn { "sleep", "0.05" }
    local a, b = orch.gather(function() return p:wait().ok end, function() return p:wait().ok end)
    expect({ a, b }):equals { true, true }
  end)

  it("is ended by kill, with all it started", function()
    local p <close> = process.spawn { "sh", "-c", family() }
    local pids = pids_in(note, 4)
    local r = p:kill()
    expect(r.signal):equals "SIGTERM"
    for _, pid in ipairs(pids) do expect(alive(pid)):is(false) end
    expect(p:kill().signal):equals "SIGTERM"
  end)

  it("gets signals", function()
    local p <close> = process.spawn { "sh", "-c",
      "trap 'echo got it; exit 0' USR1; echo ready; while :; do sleep 0.02; done" }
    p:read "line"
    expect(p:signal "USR1"):is(true)
    expect(p:read "line"):equals "got it"
    p:wait()
    expect(p:signal "SIGUSR1"):is(false)
  end)

  it("ends when its block is left", function()
    local pid
    do
      local p <close> = process.spawn { "sleep", "300" }
      pid = p.pid
    end
    expect(alive(pid)):is(false)
  end)

  it("ends with the scope it was started in", function()
    local pid
    orch.gather(function() pid = process.spawn { "sleep", "300" }.pid end)
    expect(alive(pid)):is(false)
    require("orch.unclosed").take {} -- it is told, too
  end)

  it("survives a cancelled read and a cancelled write", function()
    local p <close> = process.spawn { "sh", "-c", "sleep 0.15; exec cat" }
    local big = ("x"):rep(1 << 20)
    expect(orch.move_on_after("20ms", function() p:read "line" end)):is(false)
    expect(orch.move_on_after("20ms", function() p:write(big) end)):is(false)
    p:close_stdin()
    expect(#p:read "all"):greater_than(1000)
  end)

  it("lets two tasks write, one after the other", function()
    local p <close> = process.spawn { "cat" }
    local a, b = ("a"):rep(200000), ("b"):rep(200000)
    local _, _, text = orch.gather(function() p:write(a) end, function() p:write(b) p:close_stdin() end,
      function() return p:read "all" end)
    expect(text == a .. b):is(true)
  end)

  it("refuses two readers of one stream", function()
    local p <close> = process.spawn { "cat" }
    local t = orch.spawn({ hold = true }, function() return p:read "line" end)
    orch.sleep(0.01)
    expect(function() p:read "line" end):raises { kind = "usage" }
    p:write "x\n"
    expect(t:await()):equals "x"
  end)
end)

-- Wrong calls ----------------------------------------------------------------------

describe("a wrong call", function()
  local function usage(fn, text)
    expect(fn):raises { kind = "usage", message = text }
  end

  it("of run is told what to write", function()
    usage(function() process.run "ls" end,
      'process.run takes one table: process.run{"tool", "argument", cwd="..."}, not the string "ls"')
    usage(function() process.run({ "ls" }, "-l") end,
      'process.run takes one table: process.run{"tool", "argument", cwd="..."}')
    usage(function() process.run {} end,
      'process.run: the program is missing; write process.run{"tool", "argument"}')
    usage(function() process.run { "" } end, "process.run: the program is an empty string")
    usage(function() process.run { "ls", {} } end,
      "process.run: argument 1 should be a string, not a table")
    usage(function() process.run { "ls", nil, "x" } end,
      "process.run: argument 1 should be a string, not nil")
    usage(function() process.run { "ls", "a\0b" } end,
      "process.run: argument 1 has a NUL byte, which no program can be given")
    usage(function() process.run { "ls", tiemout = 1 } end,
      "process.run has no option `tiemout`; did you mean `timeout`?")
    usage(function() process.run { "ls", stdout = "captrue" } end,
      'process.run: option `stdout` should be "capture", "inherit", "null" or {path=}, not "captrue"; '
        .. 'did you mean "capture"?')
    usage(function() process.run { "ls", stdout = "null", on_stdout = print } end,
      "process.run: `on_stdout` and `stdout` exclude each other")
    expect(function() process.run { "ls", stdin = {} } end):raises "usage"
    expect(function() process.run { "ls", stdin = { pth = "x" } } end):raises "usage"
    expect(function() process.run { "ls", env = { ["A=B"] = "x" } } end):raises "usage"
    expect(function() process.run { "ls", env = { A = {} } } end):raises "usage"
    expect(function() process.run { "ls", cwd = "" } end):raises "usage"
    expect(function() process.run { "cat", stdin = function() return {} end } end):raises "usage"
  end)

  it("of the other functions, too", function()
    usage(function() process.spwan {} end, "orch.process has no 'spwan'; did you mean 'spawn'?")
    expect(function() process.spawn "ls" end):raises "usage"
    expect(function() process.spawn { "ls", timeout = 1 } end):raises "usage"
    expect(function() process.which(7) end):raises "usage"
    expect(function() process.quote(print) end):raises "usage"
    local p <close> = process.spawn { "cat" }
    expect(function() p:read "lines" end):raises "usage"
    expect(function() p:read(0) end):raises "usage"
    expect(function() p:write {} end):raises "usage"
    expect(function() p:signal "NOPE" end):raises "usage"
    expect(function() p:kill "soon" end):raises "usage"
  end)

  it("where Lua cannot wait is refused before anything starts", function()
    expect(function()
      string.gsub("x", "x", function() process.run { "touch", note .. ".started" } end)
    end):raises "usage"
    expect(io.open(note .. ".started")):is_nil()
  end)
end)

describe("a program that cannot be run", function()
  local function message(program)
    return expect(function() process.run { program } end):raises("os").message
  end

  it("may be a whole command line", function()
    expect(message "echo hi"):equals("cannot run 'echo hi': there is no such program; the words "
      .. 'are separate: {"echo", "hi"}, or use orch.sh')
    expect(message "/bin/echo hi"):contains "its arguments are words of their own"
  end)

  it("may be a folder", function()
    expect(message "/tmp"):equals "cannot run '/tmp': it is a folder"
  end)
end)

describe("a result", function()
  it("knows its fields", function()
    local r = process.run { "echo", "hi" }
    expect(r.signal):is_nil()
    expect(function() return r.exitcode end):raises { kind = "usage",
      message = "the result of a process has no 'exitcode'; did you mean 'exit_code'?" }
    expect(function() return process.spawn({ "true" }):wait().stdot end):raises "usage"
  end)

  it("is a plain table to everything else", function()
    local r = process.run { "echo", "hi" }
    expect(r):equals { ok = true, exit_code = 0, stdout = "hi\n", stderr = "", elapsed = r.elapsed }
    expect(r).never:equals { ok = true, more = 1 }
    expect(orch.json.decode(orch.json.encode(r)).stdout):equals "hi\n"
    expect(orch.thread(function(copy) return copy end, r)):equals(r)
  end)
end)

describe("a spawned process", function()
  local unclosed = require "orch.unclosed"
  local function told()
    local list = {}
    unclosed.take(list)
    return list
  end

  it("that nobody waited for is told", function()
    do
      local s <close> = orch.scope()
      s:spawn(function() process.spawn { "sleep", "100" } end):await()
    end
    local list = told()
    expect(#list):equals(1)
    expect(list[1]):matches "the process.spawn of .*process_test.lua:%d+ was never waited for: write `local p <close>"
  end)

  it("that was closed, waited for, killed or has ended well is not", function()
    do local _ <close> = process.spawn { "sleep", "100" } end
    process.spawn({ "true" }):wait()
    process.spawn({ "sleep", "100" }):kill()
    local p = process.spawn { "echo", "x" }
    p:read "all"
    until_true("its end", function() return p.ended end)
    expect(told()):equals {}
  end)
end)
