-- orch.stdin: lines, counts and all, from pipes, files and terminals. Each case runs an
-- orch of its own with the input in question.

local process = orch.process
local runtime = require "orch.core.runtime"

local script
before_each(function() script = os.tmpname() end)
after_each(function() os.remove(script) end)

-- Runs the code with this stdin (see process.run) and gives what it prints.
local function run(code, stdin, opts)
  local file = io.open(script, "w")
  file:write(code)
  file:close()
  local spec = { runtime.executable(), "run", script, stdin = stdin }
  for key, value in pairs(opts or {}) do spec[key] = value end
  return process.run(spec)
end

local function prints(code, stdin)
  return run(code, stdin).stdout
end

local show_all = [[
  for line in orch.stdin:lines() do io.write("<", line, ">") end
  print(orch.stdin:read(), orch.stdin:read "all", orch.stdin:read(3))
]]

describe("stdin", function()
  it("gives lines of a pipe", function()
    expect(prints(show_all, "a\n\nlast")):equals "<a><><last>nil\t\tnil\n"
    expect(prints(show_all, "")):equals "nil\t\tnil\n"
  end)

  it("gives lines of a file", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write(("0123456789abcdef\n"):rep(20000), "end")
    file:close()
    local code = "local n = 0 for l in orch.stdin:lines() do n = n + #l end print(n)"
    expect(prints(code, { path = path })):equals "320003\n"
    expect(prints("print(#orch.stdin:read 'all')", { path = path })):equals "340003\n"
    os.remove(path)
  end)

  it("reads counts, lines and the rest in turn", function()
    expect(prints([[
      local s = orch.stdin
      print(s:read(2), s:read "line", s:read(), s:read(100), s:read(1))
    ]], "abcd\nsecond\nthe rest")):equals "ab\tcd\tsecond\tthe rest\tnil\n"
  end)

  it("reads a megabyte at once", function()
    local big = ("x"):rep(1 << 20)
    expect(prints("print(#orch.stdin:read 'all')", big)):equals "1048576\n"
    expect(prints("print(#orch.stdin:read(1000000), #orch.stdin:read(1000000))", big))
      :equals "1000000\t48576\n"
    expect(prints("print(#orch.stdin:read())", big .. "\nx")):equals "1048576\n"
  end)

  it("ends where there is no input", function()
    local file = io.open(script .. ".sh", "w")
    file:write('exec "$1" run "$2" <&-\n')
    file:close()
    local code = io.open(script, "w")
    code:write "print(orch.stdin:read())"
    code:close()
    local r = process.run { "sh", script .. ".sh", runtime.executable(), script }
    expect(r.stdout):equals "nil\n"
    expect(prints("print(orch.stdin:read())", nil)):equals "nil\n"
    os.remove(script .. ".sh")
  end)

  it("says when it cannot be read", function()
    local r = run("local _, e = pcall(orch.stdin.read, orch.stdin) print(e.kind, e.code)",
      { path = "/tmp" })
    expect(r.stdout):equals "os\tEISDIR\n"
  end)

  it("does not stop other tasks", function()
    local r = run([[
      local t = orch.spawn(function() return orch.stdin:read() end)
      for i = 1, 3 do orch.sleep(0.001) io.write(i, " ") end
      print(t:await())
    ]], function()
      if script then
        orch.sleep(0.1)
        local line = script and "late\n"
        return line
      end
    end, { timeout = "10s" })
    expect(r.stdout):equals "1 2 3 late\n"
  end)

  it("is read by tasks in turn", function()
    expect(prints([[
      local function line() return orch.stdin:read() end
      print(table.unpack(orch.gather { line, line, line, line }))
    ]], "a\nb\nc\n")):equals "a\tb\tc\n"
  end)

  it("loses nothing when a read is cancelled", function()
    local source = { "first half, ", "second half\nnext\n" }
    local i = 0
    local r = run([[
      print(orch.move_on_after(0.1, function() return orch.stdin:read() end))
      print(orch.stdin:read())
      print(orch.stdin:read())
      local t = orch.spawn(function()
        orch.current_task():cancel()
        return orch.stdin:read()
      end)
      print(pcall(t.await, t))
      print(orch.stdin:read())
    ]], function()
      i = i + 1
      if i == 2 then orch.sleep(0.3) end
      return source[i]
    end)
    expect(r.stdout):matches "^false\nfirst half, second half\nnext\nfalse\t.-\nnil\n$"
  end)

  it("leaves the flags of the shared file alone", function()
    local p <close> = process.spawn { "sh", "-c",
      ("%s run %s; grep flags /proc/$$/fdinfo/0"):format(runtime.executable(), script) }
    local file = io.open(script, "w")
    file:write "orch.stdin:read()"
    file:close()
    p:write "x\n"
    expect(p:read "all"):contains "flags:\t00\n" -- no O_NONBLOCK
  end)

  it("comes from a terminal", function()
    local file = io.open(script, "w")
    file:write 'io.write("ready\\n") io.flush() print("got " .. orch.stdin:read(), orch.tty.is_terminal "stdin")'
    file:close()
    local p <close> = process.spawn { "script", "-qec",
      runtime.executable() .. " run " .. script, "/dev/null" }
    p:read "line"
    p:write "typed\n"
    expect(p:read "all"):contains "got typed\ttrue"
  end)
end)

describe("a wrong call of stdin", function()
  it("is told so", function()
    expect(function() orch.stdin:read "lin" end):raises { kind = "usage",
      message = 'stdin:read: argument 1 should be "line", "all" or a number of bytes, not the string "lin"' }
    expect(function() orch.stdin:read(0) end):raises "usage"
    expect(function() orch.stdin.read() end):raises { kind = "usage",
      message = "stdin.read: write orch.stdin:read(), with a colon" }
    expect(function() orch.stdin.lines() end):raises "usage"
    expect(function() orch.stdin:raed() end):raises "usage"
  end)
end)

describe("the standard library's own ways", function()
  it("work and warn once", function()
    local r = run([[
      require "orch.compat"
      print(io.read(), io.read(), io.stdin:read(), io.stdin:read "a")
      for _ = 1, 2 do os.execute "true" io.popen("true"):close() end
    ]], "a\nb\nc\nd")
    expect(r.stdout):equals "a\tb\tc\td\n"
    local _, warnings = r.stderr:gsub("stops all tasks", "")
    expect(warnings):equals(4)
    expect(r.stderr):contains ":2: io.read stops all tasks until it is done; use orch.stdin:read"
    expect(r.stderr):contains ":3: os.execute stops all tasks until it is done; use orch.process.run or orch.sh"
  end)

  it("follow cd and with_env", function()
    local folder = process.run { "mktemp", "-d" }.stdout:gsub("\n", "")
    local r = run(([[
      require "orch.compat"
      do
        local _ <close> = orch.cd %q
        local _ <close> = orch.with_env { ORCH_A = "it's", HOME = false }
        local file = io.open("a.lua", "w")
        file:write "orch.sleep(0.001) return 'waited'"
        file:close()
        print(dofile "a.lua", loadfile "a.lua" ~= nil, os.getenv "ORCH_A", os.getenv "HOME")
        for line in io.lines "a.lua" do print(line) end
        os.execute 'pwd; echo "$ORCH_A${HOME-unset}"'
        print(io.popen("pwd"):read())
        os.rename("a.lua", "b.lua")
        print(os.remove "b.lua", (os.remove "b.lua"))
      end
      print(os.getenv "ORCH_A", os.getenv "HOME" ~= nil, pcall(io.open))
    ]]):format(folder), nil)
    expect(r.stdout):contains "waited\ttrue\tit's\tnil\n"
    expect(r.stdout):contains(folder .. "\nit'sunset\n")
    expect(r.stdout):contains "true\tnil\n"
    expect(r.stdout):contains "nil\ttrue\tfalse\t"
    expect(r.stdout):contains "bad argument #1 to 'open' (string expected, got no value)"
    process.run { "rm", "-r", folder }
  end)
end)
