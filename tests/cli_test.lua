-- The command line: what is typed, what is said, the exit code.

local fs = require "orch.fs"

local dir

before_each(function() dir = test.temp_dir() end)

local function write(name, text)
  fs.write(dir .. "/" .. name, text)
  return name
end

local function run(args, opts)
  opts = opts or {}
  opts.cwd, opts.timeout = dir, opts.timeout or 20
  opts.env = opts.env or { NO_COLOR = "1" }
  return test.run(args, opts)
end

describe("orch", function()
  it("runs FILE, run FILE and -e CODE alike", function()
    write("a.lua", "print('ran', ...) print(orch.args[1])")
    for _, args in ipairs {
      { "a.lua", "x" }, { "run", "a.lua", "x" }, { "run", "--", "a.lua", "x" },
      { "./a.lua", "x" }, { "-e", "print('ran', ...) print(orch.args[1])", "x" },
      { "run", "-e", "print('ran', ...) print(orch.args[1])", "x" },
    } do
      local result = run(args)
      expect(result.stdout):equals("ran\tx\nx\n")
      expect(result.stderr):equals("")
      expect(result.exit_code):equals(0)
    end
  end)

  it("reads a script from stdin", function()
    local result = run({ "-", "x" }, { stdin = "print('ran', ...)" })
    expect(result.stdout):equals("ran\tx\n")
    expect(result.stderr):equals("")
  end)

  it("leaves what follows FILE to the script, options too", function()
    write("a.lua", "print(table.concat(orch.args, ' '))")
    expect(run({ "a.lua", "--seed", "-e", "--help" }).stdout)
      :equals("--seed -e --help\n")
  end)

  it("prefers a file to nothing, a command to a file", function()
    write("build", "print('build ran')")
    expect(run({ "build" }).stdout):equals("build ran\n")
    write("version", "print('file')")
    expect(run({ "version" }).stdout):matches("^orch %d")
    expect(run({ "./version" }).stdout):equals("file\n")
  end)

  it("prints versions, its own and the libraries'", function()
    local result = run { "version" }
    expect(result.stdout):matches("^orch %d+%.%d+")
    expect(result.stdout):matches("lua%s+5%.4")
    expect(result.stdout):contains("libuv")
    expect(run({ "--version" }).stdout):equals(result.stdout)
  end)

  it("helps everywhere, with examples", function()
    local all = { { "help" }, { "--help" }, { "-h" }, { "help", "--help" } }
    for _, command in ipairs(require("orch.cli.options").commands) do
      all[#all + 1] = { "help", command[1] }
      all[#all + 1] = { command[1], "--help" }
    end
    for _, args in ipairs(all) do
      local result = run(args)
      expect(result.stdout):contains("Usage: orch")
      expect(result.stdout):contains("Examples:")
      expect(result.stdout):matches("%S\n$")
      expect(result.exit_code):equals(0)
    end
  end)

  it("documents every option that it takes", function()
    local text = run({ "help", "run" }).stdout
    for _, flag in ipairs { "--seed", "--grace", "--slow", "--timeout", "-C", "-e",
      "--trace", "--help" } do
      expect(text):contains(flag)
    end
  end)

  it("finds modules beside the script", function()
    fs.mkdir(dir .. "/tools")
    write("tools/helper.lua", "return { name = 'helper' }")
    write("tools/main.lua", "print(require('helper').name)")
    expect(run({ "tools/main.lua" }).stdout):equals("helper\n")
    expect(run({ "-C", "tools", "main.lua" }).stdout):equals("helper\n")
  end)

  it("works in another folder with -C", function()
    fs.mkdir(dir .. "/sub")
    write("sub/a.lua", "print(orch.fs.read('data.txt'), io.open('data.txt'):read())")
    write("sub/data.txt", "data")
    expect(run({ "-C", "sub", "a.lua" }).stdout):equals("data\tdata\n")
    local result = run { "-C", "nowhere", "a.lua" }
    expect(result.exit_code):equals(2)
    expect(result.stderr):contains("nowhere")
  end)

  it("gives math.random the seed", function()
    local code = "print(math.random(1 << 40), math.random(1 << 40))"
    local first = run({ "--seed", "7", "-e", code }).stdout
    expect(run({ "--seed=7", "-e", code }).stdout):equals(first)
    expect(run({ "--seed", "8", "-e", code }).stdout).never:equals(first)
    expect(run({ "-e", code }).stdout).never:equals(run({ "-e", code }).stdout)
  end)

  it("shuffles ready tasks by the seed, the same way each time", function()
    local code = [[
      local order = {}
      for i = 1, 20 do orch.spawn(function() order[#order + 1] = i end) end
      orch.checkpoint() orch.checkpoint()
      print(table.concat(order, " "))]]
    local fifo = {}
    for i = 1, 20 do fifo[i] = i end
    expect(run({ "-e", code }).stdout):equals(table.concat(fifo, " ") .. "\n")
    local seven = run({ "--seed", "7", "-e", code }).stdout
    expect(run({ "--seed", "7", "-e", code }).stdout):equals(seven)
    expect(run({ "--seed", "8", "-e", code }).stdout).never:equals(seven)
  end)

  it("traces tasks on stderr", function()
    local result = run { "--trace", "-e",
      "orch.spawn({ name = 'child' }, function() orch.sleep(0.001) end)" }
    expect(result.stderr):matches("main%s+starts")
    expect(result.stderr):matches("child%s+waits%s+sleep")
    expect(result.stderr):matches("child%s+ends")
  end)
end)

describe("a wrong command line", function()
  local function wrong(args, ...)
    local result = run(args)
    expect(result.exit_code):equals(2)
    expect(result.stdout):equals("")
    for _, text in ipairs { ... } do expect(result.stderr):contains(text) end
  end

  it("suggests the command", function()
    wrong({ "tset" }, "did you mean 'test'?")
    wrong({ "verison" }, "did you mean 'version'?")
    wrong({ "help", "rnu" }, "did you mean 'run'?")
    wrong({ "frobnicate" }, "neither a command nor a file")
  end)

  it("suggests the option", function()
    wrong({ "--sed", "1", "a.lua" }, "orch has no option '--sed'", "did you mean '--seed'?")
    wrong({ "run", "--tmeout=5", "a.lua" }, "did you mean '--timeout'?")
    wrong({ "test", "--fliter", "x" }, "orch test has no option '--fliter'", "did you mean '--filter'?")
    wrong({ "-x" }, "no option '-x'")
  end)

  it("names what is missing or wrong", function()
    wrong({ "--seed" }, "'--seed' needs a value")
    wrong({ "--trace=1" }, "'--trace' takes no value")
    wrong({ "--seed", "x", "-e", "" }, "--seed should be a whole number")
    wrong({ "--grace", "soon", "-e", "" }, "--grace should be a duration")
    wrong({ "--timeout", "-1", "-e", "" }, "--timeout should be a duration")
    wrong({ "test", "--seed", "x" }, "--seed should be a whole number")
    wrong({ "test", "--timeout" }, "--timeout")
    wrong({ "version", "now" }, "takes no arguments")
    wrong({}, "Usage: orch")
    wrong({ "run" }, "there is no file to run", "orch help run")
    wrong({ "--timeout", "slug.lua" }, "'slug.lua' was taken as the value of --timeout")
  end)
end)

describe("a script that cannot run", function()
  local function refused(args, ...)
    local result = run(args)
    expect(result.exit_code):equals(3)
    expect(result.stdout):equals("")
    for _, text in ipairs { ... } do expect(result.stderr):contains(text) end
  end

  it("is missing", function()
    write("deploy.lua", "")
    refused({ "deplyo.lua" }, "cannot run 'deplyo.lua': no such file or folder",
      "did you mean 'deploy.lua'?")
    refused({ "run", "deploy" }, "did you mean 'deploy.lua'?")
    refused({ "no/where.lua" }, "no such file or folder")
  end)

  it("is a folder", function()
    fs.mkdir(dir .. "/folder.lua")
    refused({ "folder.lua" }, "cannot run 'folder.lua': it is a folder")
  end)

  it("is not readable", function()
    write("secret.lua", "print(1)")
    local path = dir .. "/secret.lua"
    orch.process.run { "chmod", "711", dir }
    orch.process.run { "chmod", "000", path }
    local command = { require("orch.core.runtime").executable(), path,
      check = false, timeout = 20 }
    local user = orch.process.run { "id", "-u" }.stdout
    if user == "0\n" then
      table.move({ "setpriv", "--reuid=65534", "--clear-groups" }, 1, 3, 1,
        table.move(command, 1, 2, 4))
    end
    local result = orch.process.run(command)
    if result.stderr:find("exec") or result.exit_code == 126 then
      test.skip("the program itself is not readable for others")
    end
    expect(result.stderr):contains("permission denied")
    expect(result.exit_code):equals(3)
  end)

  it("is binary garbage or compiled", function()
    write("a.lua", "\127ELF\2\1\1\0\0\0garbage")
    refused({ "a.lua" }, "it is not a Lua script", "byte 5 is 0x02")
    write("b.lua", string.dump(function() end))
    refused({ "b.lua" }, "it is compiled Lua")
    write("c.lua", "\255\254p\0r\0i\0n\0t\0")
    refused({ "c.lua" }, "UTF-16")
    local bytes = {}
    for i = 1, 4096 do bytes[i] = string.char(math.random(0, 255)) end
    write("d.lua", table.concat(bytes))
    refused({ "d.lua" }, "d.lua")
  end)

  it("has a byte order mark or a shebang: runs", function()
    write("a.lua", "\239\187\191#!/usr/bin/env orch\nprint('ran')")
    expect(run({ "a.lua" }).stdout):equals("ran\n")
    write("empty.lua", "")
    expect(run({ "empty.lua" }).exit_code):equals(0)
  end)

  it("does not compile: line, caret, one sentence", function()
    for source, wanted in pairs {
      ["x = = 5"] = { 1, 5 },
      ["local x = 1\nx += 1"] = { 2, 3, "Lua has no '+='" },
      ["if a != b then end"] = { 1, 6, "~=" },
      ["await fetch()"] = { 1, 7, "waits by itself" },
      ["local s = \"abc\nprint(s)"] = { 1, 11, "not closed" },
      ["foo(1, 2,, 3)"] = { 1, 10 },
      ["x = {1,\n  2"] = { 2, 4, "never closed" },
      ["end"] = { 1, 1, "too many" },
    } do
      write("a.lua", source)
      local result = run { "a.lua" }
      expect(result.exit_code):equals(3)
      expect(result.stderr):contains("orch: a.lua:" .. wanted[1] .. ": ")
      expect(result.stderr):contains("|" .. (" "):rep(wanted[2]) .. "^")
      if wanted[3] then expect(result.stderr):contains(wanted[3]) end
    end
  end)

  it("does not compile on the command line or on stdin", function()
    refused({ "-e", "print(" }, "(command line):1:", "^")
    local result = run({ "-" }, { stdin = "x = = 1" })
    expect(result.exit_code):equals(3)
    expect(result.stderr):contains("stdin:1:")
  end)
end)

describe("the end of a run", function()
  it("waits for the remaining tasks and says which", function()
    local result = run { "-e", [[
      orch.spawn({ name = "upload" }, function() orch.sleep(1.3) print("up") end)
      orch.spawn({ name = "notify" }, function() orch.sleep(1.2) end)]] }
    expect(result.stdout):equals("up\n")
    expect(result.stderr):matches(
      "^orch: waiting for 2 tasks: upload %(sleep, [%d.]+ m?s%), notify %(sleep, [%d.]+ m?s%)\n$")
    expect(result.exit_code):equals(0)
  end)

  it("still finds a deadlock after the body's end", function()
    local result = run { "-e", [[
      local e = orch.event()
      orch.spawn({ name = "stuck" }, function() e:wait() end)]] }
    expect(result.stderr):contains("deadlock")
    expect(result.stderr):contains("stuck")
    expect(result.exit_code):equals(1)
  end)

  it("is 5 on --timeout, with clean-up", function()
    local result = run { "--timeout", "50ms", "-e", [[
      local _ <close> = orch.defer(function() orch.sleep(0.01) print("clean") end)
      orch.sleep(60)]] }
    expect(result.stdout):equals("clean\n")
    expect(result.stderr):contains("longer than --timeout")
    expect(result.exit_code):equals(5)
    expect(run({ "--timeout", "10s", "-e", "" }).exit_code):equals(0)
    expect(run({ "--timeout", "50ms", "-e", "while true do orch.checkpoint() end" })
      .exit_code):equals(5)
  end)

  it("is a number of one's own with os.exit", function()
    expect(run({ "-e", "os.exit(42)" }).exit_code):equals(42)
    expect(run({ "-e", "os.exit()" }).exit_code):equals(0)
    expect(run({ "-e", "os.exit(false)" }).exit_code):equals(1)
    expect(run({ "-e", "os.exit(300)" }).stderr):contains("should be from 0 to 255, not 300")
    local result = run { "-e", [[
      orch.spawn(function() orch.sleep(0) os.exit(7) end)
      local _ <close> = orch.defer(function() print("clean") end)
      orch.sleep(60)]] }
    expect(result.exit_code):equals(7)
    expect(result.stdout):equals("clean\n")
  end)

  for name, code in pairs { INT = 130, TERM = 143, HUP = 129 } do
    it("is " .. code .. " on SIG" .. name, function()
      write("a.lua", [[
        local _ <close> = orch.defer(function() print("clean") end)
        print("ready") io.stdout:flush()
        orch.sleep(60)]])
      local child <close> = orch.process.spawn {
        require("orch.core.runtime").executable(), "a.lua", cwd = dir,
        check = false,
      }
      expect(child:read("line")):equals("ready")
      child:signal(name)
      expect(child:read("line")):equals("clean")
      expect(child:wait().exit_code):equals(code)
    end)
  end

  it("prints the task tree on SIGQUIT and goes on", function()
    write("a.lua", [[
      orch.spawn({ name = "upload" }, function() orch.sleep(60) end)
      orch.checkpoint()
      print("ready") io.stdout:flush()
      orch.sleep(60)]])
    local child <close> = orch.process.spawn {
      require("orch.core.runtime").executable(), "a.lua", cwd = dir, check = false,
    }
    expect(child:read("line")):equals("ready")
    child:signal("QUIT")
    expect(child.stderr:read("line")):matches("^main: sleep")
    expect(child.stderr:read("line")):matches("^  upload: sleep")
    child:signal("TERM")
    expect(child:wait().exit_code):equals(143)
  end)

  it("kills on a second Ctrl-C what does not end", function()
    write("a.lua", [[
      local _ <close> = orch.defer(function() print("cleaning") io.stdout:flush() orch.sleep(60) end)
      print("ready") io.stdout:flush()
      orch.sleep(60)]])
    local child <close> = orch.process.spawn {
      require("orch.core.runtime").executable(), "a.lua", cwd = dir, check = false,
    }
    expect(child:read("line")):equals("ready")
    child:signal("INT")
    expect(child:read("line")):equals("cleaning")
    child:signal("INT")
    expect(child:wait().exit_code):equals(130)
  end)

  it("interrupts a task that never waits", function()
    write("a.lua", 'print("ready") io.stdout:flush() while true do end')
    local child <close> = orch.process.spawn {
      require("orch.core.runtime").executable(), "a.lua", cwd = dir, check = false,
    }
    expect(child:read("line")):equals("ready")
    child:signal("INT")
    expect(child:wait().exit_code):equals(130)
  end)

  it("bounds clean-up by --grace", function()
    local result = run { "--grace", "50ms", "--timeout", "50ms", "-e", [[
      local _ <close> = orch.defer(function() orch.sleep(60) end)
      orch.sleep(60)]] }
    expect(result.exit_code):equals(5)
  end)

  it("warns of a task that does not wait for --slow", function()
    local result = run { "--slow", "50ms", "-e", [[
      local stop = os.clock() + 0.5
      while os.clock() < stop do end]] }
    expect(result.stderr):contains("main has not waited for")
    expect(result.stderr):contains("(command line):2")
    expect(run({ "--slow", "0", "-e", "local s = os.clock() + 1.3 while os.clock() < s do end" })
      .stderr):equals("")
  end)

  it("reports a held task whose failure nobody saw", function()
    local result = run { "-e",
      "orch.spawn({ hold = true, name = 'quiet' }, function() error('lost') end)" }
    expect(result.stderr):matches("warning: quiet failed.*lost")
    expect(result.exit_code):equals(0)
  end)
end)

describe("an error report", function()
  it("names a cause, unless the sentence has told it", function()
    local code = [[local _, cause = orch.try(error, "no route", 0)
      orch.error { kind = "x", message = %q, cause = cause }]]
    expect(run({ "-e", code:format "cannot send" }).stderr):matches "caused by: .*no route"
    local told = code:format "cannot send: no route"
    expect(run({ "-e", told }).stderr).never:contains "caused by"
    told = told:gsub('"no route"', '"GET http://a.b/: no route"')
    expect(run({ "-e", told }).stderr).never:contains "caused by"
  end)

  it("hides orch's own frames unless ORCH_TRACE=full", function()
    write("a.lua", "local function f() orch.wait_for(function() error('x') end, 5) end\nf()\n")
    local result = run { "a.lua" }
    expect(result.exit_code):equals(1)
    expect(result.stderr).never:contains("orch/")
    expect(result.stderr):contains("a.lua:1: ")
    result = run({ "a.lua" }, { env = { ORCH_TRACE = "full" } })
    expect(result.stderr):contains("orch/")
  end)

  it("names the task, and its seed", function()
    local result = run { "--seed", "9", "-e",
      "orch.spawn({ name = 'pack' }, function() error('disk full') end)" }
    expect(result.stderr):contains("disk full")
    expect(result.stderr):contains("re-run with --seed 9")
  end)

  it("prints whatever was raised", function()
    for code, text in pairs {
      ["error('plain', 0)"] = "plain",
      ["error({ message = 'table' })"] = "table",
      ["error()"] = "nil",
      ["error(42)"] = "42",
      ["error({ code = 3 })"] = "an error without a message: {code = 3}",
      ["orch.retry(error, { attempts = 2, base = 0, retry_on = function() return true end })"] =
        "(after 2 attempts)",
      ["error(setmetatable({}, { __tostring = function() return 'custom' end }))"] = "custom",
      ["error(setmetatable({}, { __tostring = function() error('no') end }))"] = "__tostring failed",
    } do
      local result = run { "-e", code }
      expect(result.stderr):contains(text)
      expect(result.exit_code):equals(1)
    end
  end)

  it("has no colour in a pipe", function()
    local result = run({ "-e", "error('x')" }, { env = {} })
    expect(result.stderr).never:contains("\27")
    result = run({ "-e", "error('x')" }, { env = { CLICOLOR_FORCE = "1" } })
    expect(result.stderr):contains("\27[1;31mx\27[0m")
  end)
end)

describe("a module that cannot be required", function()
  local function failed(name, ...)
    local result = run { name }
    expect(result.exit_code):equals(1)
    for _, text in ipairs { ... } do expect(result.stderr):contains(text) end
    return result.stderr
  end

  it("has a syntax error: reads like a script with one", function()
    write("mod.lua", "local x = 1\nx += 1")
    write("use.lua", "-- first\nlocal m = require 'mod'")
    local text = failed("use.lua", "orch: mod.lua:2: syntax error near '+'\n"
      .. "   2 | x += 1\n     |   ^\nLua has no '+='", "required at use.lua:2")
    expect(text).never:contains("orch/require.lua")
  end)

  it("is missing: one sentence, the nearest name, the searched places on demand", function()
    write("slug.lua", "")
    write("use.lua", "require 'slog'")
    local text = failed("use.lua", "use.lua:1: module 'slog' not found (no slog.lua in ",
      "did you mean 'slug'?", "   1 | require 'slog'")
    expect(text).never:contains("no file")
    local full = run({ "use.lua" }, { env = { ORCH_TRACE = "full" } })
    expect(full.stderr):contains("no file './slog.lua'")
    write("far.lua", "require 'entirely.elsewhere'")
    text = failed("far.lua", "(no entirely/elsewhere.lua in ")
    expect(text).never:contains("did you mean")
  end)

  it("is one of orch's own", function()
    write("use.lua", "require 'json'")
    failed("use.lua", "module 'json' not found", "use orch.json")
  end)
end)

describe("a hint", function()
  local function hinted(code, ...)
    local result = run { "-e", code }
    expect(result.ok):is(false)
    for _, text in ipairs { ... } do expect(result.stderr):contains(text) end
    return result.stderr
  end

  it("names the method that was called with a dot, and the script's line", function()
    for code, call in pairs {
      ["local q = orch.queue() q.get()"] = "q:get(), not q.get()",
      ["local q = orch.queue() q.put(3)"] = "q:put(), not q.put()",
      ["local e = orch.event() e.wait()"] = "e:wait(), not e.wait()",
      ["local l = orch.lock() l.acquire()"] = "l:acquire(), not l.acquire()",
      ["local l = orch.lock() l.with(print)"] = "l:with(), not l.with()",
      ["local s <close> = orch.scope{} s.cancel()"] = "s:cancel(), not s.cancel()",
      ["local s <close> = orch.scope{} s.spawn(print)"] = "s:spawn(), not s.spawn()",
    } do
      local text = hinted(code, "orch: (command line):1: ", "   1 | local ",
        "a method is called with a colon: " .. call)
      expect(text).never:contains("orch/")
    end
    hinted("local t = orch.spawn(print) t.await()", "with a colon")
  end)

  it("explains what other languages write", function()
    for code, text in pairs {
      ["for i in {1, 2} do end"] = "ipairs(list) or pairs(table)",
      ["local x = 1 x++"] = "x = x + 1",
      ["local a = b ? c : d"] = "cond and a or b",
      ["// hello"] = "a comment begins with --",
      ["local x = 1 // the first one"] = "a comment begins with --",
      ["/* hello */"] = "a comment begins with --",
      ["def f():"] = "function f(x) ... end",
      ["import os"] = 'local x = require "x"',
      ["from os import path"] = 'local x = require "x"',
      ["await(f)"] = "a call waits by itself",
      ["orch.await(f)"] = "a call waits by itself",
      ["orch.async(f)"] = "a call waits by itself",
      ["print(arg[1])"] = "orch.args",
      ["print(orch.arg)"] = "orch.args",
      ["orch.exit(1)"] = "os.exit(n)",
      ["sys.exit(1)"] = "os.exit(n)",
      ["orch.lock():release()"] = "local _ <close> = lock:acquire()",
      ["print(orch.spawn(print) + 1)"] = "task:await() gives its result",
      ["print('got ' .. orch.spawn(print))"] = "task:await() gives its result",
    } do
      hinted(code, text)
    end
    expect(hinted("orch.await(f)")).never:contains("'wait'")
  end)

  it("sends a test file to orch test", function()
    write("slug_test.lua", "describe('slug', function() end)")
    expect(run({ "slug_test.lua" }).stderr):contains("this is a test file: orch test slug_test.lua")
    hinted("it('works', function() end)", "which is run by 'orch test'")
  end)
end)

describe("print", function()
  local orch_path = require("orch.core.runtime").executable()

  local function shell(code, after)
    return orch.sh("${orch} -e ${code} " .. after, { orch = orch_path, code = code },
      { check = false })
  end

  it("ends a run whose reader has gone, through its clean-up", function()
    local r = shell([[local _ <close> = orch.defer(function() io.stderr:write "clean" end)
      for i = 1, 1e9 do print(i) end]], "| head -1")
    expect({ r.stdout, r.stderr }):equals { "1\n", "clean" }
  end)

  it("tells a full disk", function()
    local r = shell('print "x"', "> /dev/full")
    expect(r.exit_code):equals(1)
    expect(r.stderr):contains "cannot write standard output: No space left on device"
  end)
end)
