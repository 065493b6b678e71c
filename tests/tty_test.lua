-- orch.tty: sizes, widths and questions; the latter in a real terminal, by script(1).

local tty = orch.tty
local process = orch.process
local runtime = require "orch.core.runtime"

local script
before_each(function() script = os.tmpname() end)
after_each(function() os.remove(script) end)

local function write_script(code)
  local file = io.open(script, "w")
  file:write(code)
  file:close()
end

local function run(code)
  write_script(code)
  return process.run { runtime.executable(), "run", script }
end

-- An orch whose stdin and stdout are a terminal.
local function in_terminal(code, before)
  write_script(code)
  return process.spawn { "script", "-qec",
    ("%s%s run %s"):format(before or "", runtime.executable(), script), "/dev/null" }
end

local function read_until(p, text)
  local seen = ""
  while not seen:find(text, 1, true) do
    local piece = p:read()
    if not piece then error(("the end came before %q: %q"):format(text, seen)) end
    seen = seen .. piece
  end
  return seen
end

describe("tty.width", function()
  it("counts columns", function()
    for text, columns in pairs {
      [""] = 0, ["abc"] = 3, ["Grüße"] = 5, ["日本語"] = 6, ["e\u{301}"] = 1, ["한글"] = 4,
      ["\27[1;31mred\27[0m"] = 3, ["\27]8;;http://x\27\\link\27]8;;\27\\"] = 4,
      ["😀"] = 2, ["👍🏽"] = 2, ["👨‍👩‍👧"] = 2, ["🇩🇪🇫🇷"] = 4, ["❤️"] = 2,
      ["\xff\xfe"] = 2, ["a\tb"] = 9, ["ab\ncdef\ng"] = 4, ["\27[31"] = 0, ["\27"] = 0,
      ["\u{200b}"] = 0, ["\xe6\x97"] = 2,
    } do
      if tty.width(text) ~= columns then
        error(("%q takes %d columns, not %d"):format(text, columns, tty.width(text)))
      end
    end
  end)

  it("survives every string and leaves the locale alone", function()
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(0, 20) do
        bytes[i] = math.random(4) == 1 and "\27" or string.char(math.random(0, 255))
      end
      expect(tty.width(table.concat(bytes)) >= 0):is(true)
    end
    expect(os.setlocale(nil, "ctype")):equals "C"
    expect(("\xe4"):upper()):equals "\xe4"
  end)
end)

describe("tty.color", function()
  it("follows NO_COLOR and CLICOLOR_FORCE", function()
    local _ <close> = orch.with_env { NO_COLOR = false, CLICOLOR_FORCE = "1" }
    expect(tty.color()):is(true)
    expect(tty.style("x", "red bold")):equals "\27[31;1mx\27[0m"
    expect(tty.style("a" .. tty.style("b", "red") .. "c", "bold"))
      :equals "\27[1ma\27[31mb\27[0m\27[1mc\27[0m"
    expect(tty.style("x", "")):equals "x"
    do
      local _ <close> = orch.with_env { NO_COLOR = "1" }
      expect(tty.color()):is(false)
      expect(tty.style("x", "red")):equals "x"
    end
    local _ <close> = orch.with_env { CLICOLOR_FORCE = "0" }
    expect(run("print(orch.tty.color(), orch.tty.color 'stderr')").stdout):equals "false\tfalse\n"
  end)

  it("asks the terminal", function()
    local p <close> = in_terminal("print(orch.tty.color())", "env -u NO_COLOR TERM=xterm ")
    expect(p:read "all"):contains "true"
    local dumb <close> = in_terminal("print(orch.tty.color())", "env -u NO_COLOR TERM=dumb ")
    expect(dumb:read "all"):contains "false"
  end)
end)

describe("tty.size", function()
  it("is the terminal's", function()
    local p <close> = in_terminal("print(orch.tty.size())", "stty cols 93 rows 17; ")
    expect(p:read "all"):contains "93\t17"
  end)

  it("comes from COLUMNS and LINES, or is 80 by 24", function()
    expect(run("local _ <close> = orch.with_env { COLUMNS = 50, LINES = 9 } print(orch.tty.size())").stdout)
      :equals "50\t9\n"
    expect(run("local _ <close> = orch.with_env { COLUMNS = 'x', LINES = false } print(orch.tty.size())").stdout)
      :equals "80\t24\n"
  end)

  it("says what is a terminal", function()
    expect(run("print(orch.tty.is_terminal 'stdin', orch.tty.is_terminal())").stdout)
      :equals "false\tfalse\n"
    local p <close> = in_terminal "print(orch.tty.is_terminal 'stdin', orch.tty.is_terminal 'stderr')"
    expect(p:read "all"):contains "true\ttrue"
  end)
end)

describe("a question", function()
  it("is answered in a terminal", function()
    local p <close> = in_terminal [[
      print("name=" .. orch.tty.prompt "Your name: ")
      print("default=" .. orch.tty.prompt("Again: ", { default = "none" }))
      print("ok=" .. tostring(orch.tty.confirm "Upload?"))
      print("yes=" .. tostring(orch.tty.confirm("Sure?", { default = true })))
    ]]
    read_until(p, "Your name: ")
    p:write "Ada\n"
    expect(read_until(p, "Again: ")):contains "name=Ada"
    p:write "\n"
    expect(read_until(p, "Upload? [y/n] ")):contains "default=none"
    p:write "maybe\n"
    read_until(p, "Please answer y or n.")
    p:write "No\n"
    expect(read_until(p, "Sure? [Y/n] ")):contains "ok=false"
    p:write "\n"
    expect(p:read "all"):contains "yes=true"
  end)

  it("may be answered unseen", function()
    local p <close> = in_terminal [[local word = orch.tty.prompt("Password: ", { secret = true })
      print(#word, word == "hunter2", "<" .. word .. ">")]]
    read_until(p, "Password: ")
    p:write "hunter2\n"
    local rest = p:read "all"
    expect(rest):contains "7\ttrue\t<***>" -- neither echoed nor printed later
    expect(rest).never:contains "hunter2"
  end)

  it("lets other tasks run, and can be cancelled", function()
    local p <close> = in_terminal [[
      local answered, answer = orch.move_on_after(0.1, function()
        return orch.tty.prompt "Still there? "
      end)
      print("answered=" .. tostring(answered))
      local t = orch.spawn({ hold = true }, function()
        orch.current_task():cancel()
        orch.tty.prompt "Never shown "
      end)
      print("cancelled=" .. tostring(not pcall(t.await, t)))
    ]]
    local seen = p:read "all"
    expect(seen):contains "answered=false"
    expect(seen):contains "cancelled=true"
  end)

  it("fails without a terminal, with the way out", function()
    local r = run [[
      for _, name in ipairs { "prompt", "confirm" } do
        local _, e = pcall(orch.tty[name], "Upload it? ")
        print(e.kind, e.message)
      end
      print(orch.tty.prompt("Name", { unattended = "ci" }), orch.tty.confirm("Go?", { unattended = false }))
    ]]
    expect(r.stdout):contains 'tty\ttty.prompt: nobody can answer "Upload it?", because standard input is '
    expect(r.stdout):contains "tty\ttty.confirm: nobody can answer"
    expect(r.stdout):contains "{ unattended = ... }"
    expect(r.stdout):contains "\nci\tfalse\n"
  end)
end)

describe("a command that needs the terminal", function()
  it("can have it", function()
    local p <close> = in_terminal [[
      orch.process.run { "sh", "-c", "read line; echo got $line", stdin = { inherit = true }, stdout = "inherit" }
    ]]
    p:write "typed\n"
    expect(p:read "all"):contains "got typed"
  end)

  it("cannot be stopped by it otherwise", function()
    local p <close> = in_terminal [[
      local r = orch.process.run { "sh", "-c", "head -c1 </dev/tty", check = false, timeout = "10s" }
      print("ok=" .. tostring(r.ok))
    ]]
    expect(p:read "all"):contains "ok=false"
  end)
end)

describe("a wrong call of tty", function()
  it("is told so", function()
    local function usage(fn, text)
      expect(fn):raises { kind = "usage", message = text }
    end
    usage(function() tty.style("x", "rde") end, "tty.style: there is no style `rde`; did you mean `red`?")
    usage(function() tty.is_terminal "stdot" end,
      'tty.is_terminal: argument 1 should be "stdin", "stdout" or "stderr", not the string "stdot"; '
        .. 'did you mean "stdout"?')
    usage(function() tty.width(7) end, "tty.width: argument 1 should be a string, not the number 7")
    expect(function() tty.color(9) end):raises "usage"
    expect(function() tty.style(1, "red") end):raises "usage"
    expect(function() tty.style("x", "red", "out") end):raises "usage"
    expect(function() tty.prompt() end):raises "usage"
    expect(function() tty.prompt("x", { defualt = "y" }) end):raises "usage"
    expect(function() tty.confirm("x", { default = "y" }) end):raises "usage"
    expect(function() tty.colour() end):raises "usage"
  end)
end)
