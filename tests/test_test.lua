-- `orch test` itself, run as a process on files written here.

local fs = require "orch.fs"

local dir

before_each(function() dir = test.temp_dir() end)

local function write(name, text)
  fs.write(dir .. "/" .. name, text)
end

local function run(...)
  return test.run({ "test", ... }, { cwd = dir, timeout = 30, env = { NO_COLOR = "1" } })
end

local function last_line(text)
  return text:match("([^\n]*)\n$")
end

-- Writes one file with one failing case; gives its output.
local function failing(body)
  write("a_test.lua", 'it("case", function()\n' .. body .. "\nend)\n")
  local result = run("a_test.lua")
  expect(result.exit_code):equals(1)
  expect(last_line(result.stdout)):equals("0 passed, 1 failed")
  return result.stdout
end

local function passing(body, ...)
  write("a_test.lua", 'it("case", function()\n' .. body .. "\nend)\n")
  local result = run("a_test.lua", ...)
  expect(result.stdout):matches("1 passed, 0 failed\n$")
  expect(result.exit_code):equals(0)
  return result
end

describe("orch test", function()
  it("runs cases and closes with the count", function()
    write("a_test.lua", [[
      it("one", function() expect(1):equals(1) end)
      describe("group", function()
        it("two", function() expect(1):equals(2) end)
        it("three", function() test.skip("not today") end)
      end)]])
    local result = run("a_test.lua")
    expect(last_line(result.stdout)):equals("1 passed, 1 failed, 1 skipped")
    expect(result.exit_code):equals(1)
    expect(result.stdout):contains("FAILED group > two")
    expect(result.stdout):contains("a_test.lua:3: expected 1 to equal 2")
    expect(result.stdout):contains(
      "re-run: orch test a_test.lua --filter 'group > two'")
  end)

  it("finds *_test.lua below tests/, and below what is given", function()
    fs.mkdir(dir .. "/tests/deep")
    fs.mkdir(dir .. "/other")
    write("tests/b_test.lua", 'it("b", function() end)')
    write("tests/deep/a_test.lua", 'it("a", function() end)')
    write("tests/helper.lua", "error('not a test')")
    write("other/c_test.lua", 'it("c", function() end)')
    expect(run("--list").stdout)
      :equals("tests/b_test.lua:1: b\ntests/deep/a_test.lua:1: a\n")
    expect(run("--list", "other", "tests/deep").stdout)
      :equals("other/c_test.lua:1: c\ntests/deep/a_test.lua:1: a\n")
    expect(run("--list", "tests/b_test.lua", "tests").stdout)
      :equals("tests/b_test.lua:1: b\ntests/deep/a_test.lua:1: a\n")
    expect(last_line(run().stdout)):equals("2 passed, 0 failed")
  end)

  it("refuses files without cases, missing paths and empty folders", function()
    write("a_test.lua", "local x = 1")
    local result = run("a_test.lua")
    expect(result.stdout):contains("a_test.lua has no cases")
    expect(result.exit_code):equals(1)
    result = run("b_test.lua")
    expect(result.stderr):contains("no file or folder 'b_test.lua'")
    expect(result.stderr):contains("did you mean 'a_test.lua'?")
    expect(result.exit_code):equals(3)
    fs.mkdir(dir .. "/empty")
    result = run("empty")
    expect(result.stderr):contains("no *_test.lua below 'empty'")
    expect(result.exit_code):equals(3)
  end)

  it("goes on after a file that does not load", function()
    write("a_test.lua", "x = = 1")
    write("b_test.lua", "error('at the top')")
    write("c_test.lua", 'it("c", function() end)')
    write("d_test.lua", 'orch.scope {} it("d", function() end)')
    local result = run(".")
    expect(result.stdout):contains("d_test.lua:1 and never closed")
    expect(result.stdout):contains("a_test.lua:1: unexpected symbol near '='")
    expect(result.stdout):contains("b_test.lua:1: at the top")
    expect(last_line(result.stdout)):equals("1 passed, 3 failed")
    expect(result.exit_code):equals(1)
  end)

  it("gives each file an environment of its own", function()
    write("a_test.lua", 'shared = 1 it("a", function() expect(shared):equals(1) end)')
    write("b_test.lua", [[
      it("b", function()
        expect(shared):is_nil()
        expect(rawget(_G, "it")):is_nil()
        expect(rawget(_G, "shared")):is_nil()
        expect(require("orch.test")):is(test)
        expect(orch.test):is(test)
      end)]])
    expect(last_line(run(".").stdout)):equals("2 passed, 0 failed")
  end)

  it("says that it() belongs into a test file", function()
    local result = test.run { "-e", "orch.test.it('x', function() end)" }
    expect(result.stderr):contains("is run by 'orch test'")
    expect(result.exit_code):equals(1)
  end)

  it("selects by text, by pattern, by full name", function()
    write("a_test.lua", [[
      for _, name in ipairs { "copy", "copy big", "move (fast)" } do
        it(name, function() end)
      end]])
    local function chosen(filter)
      return run("a_test.lua", "--list", "--filter", filter).stdout
    end
    expect(chosen("copy")):equals("a_test.lua:2: copy\n")
    expect(chosen("cop")):equals("a_test.lua:2: copy\na_test.lua:2: copy big\n")
    expect(chosen("(fast)")):equals("a_test.lua:2: move (fast)\n")
    expect(chosen("^m")):equals("a_test.lua:2: move (fast)\n")
    local result = run("a_test.lua", "--filter", "nothing like it")
    expect(result.stderr):contains("no case matches")
    expect(result.exit_code):equals(2)
  end)

  it("names every case with -v, skipped ones with their reason", function()
    write("a_test.lua", [[
      it("good", function() end)
      it("later", { skip = "no printer" }, function() error("ran") end)
      describe("group", { skip = "no network" }, function()
        it("inner", function() error("ran") end)
      end)
      describe("half", function()
        it("first", function() end)
        test.skip("the rest")
        it("second", function() error("ran") end)
      end)]])
    local result = run("a_test.lua", "-v")
    expect(result.stdout):matches("ok%s+good, [%d.]+ s")
    expect(result.stdout):contains("later (no printer)")
    expect(result.stdout):contains("group > inner (no network)")
    expect(result.stdout):contains("half > second (the rest)")
    expect(last_line(result.stdout)):equals("2 passed, 0 failed, 3 skipped")
  end)

  it("prints the seed of a failing run and takes it back", function()
    write("a_test.lua", [[
      it("dice", function() print("rolled", math.random(1 << 40)) error("x") end)]])
    local first = run("a_test.lua", "--seed", "5").stdout
    expect(first):contains("--seed 5")
    expect(first:match("rolled%s+(%d+)"))
      :equals(run("a_test.lua", "--seed", "5").stdout:match("rolled%s+(%d+)"))
    expect(run("a_test.lua").stdout):matches("\nseed %d+\n")
  end)

  it("ends on Ctrl-C with what it has", function()
    write("a_test.lua", [[
      it("good", function() end)
      it("long", function()
        local _ <close> = orch.defer(function() print("clean") end)
        print("ready") io.stdout:flush()
        orch.sleep(60)
      end)]])
    local child <close> = orch.process.spawn {
      require("orch.core.runtime").executable(), "test", "a_test.lua", cwd = dir,
      check = false,
    }
    expect(child:read("line")):equals("ready")
    child:signal("INT")
    expect(child:read("all")):contains("clean")
    expect(child:wait().exit_code):equals(130)
  end)

  it("does not take os.exit(0) in a case for success", function()
    write("a_test.lua", 'it("exits", function() os.exit(0) end) it("b", function() end)')
    local result = run("a_test.lua")
    expect(result.stdout):contains("os.exit(0) was called in a test")
    expect(result.stdout):matches("1 passed, 1 failed\n$")
    expect(result.exit_code):equals(1)
  end)
end)

describe("hooks", function()
  it("run outer first, after_each in reverse, also after a failure", function()
    write("a_test.lua", [[
      local function say(text) return function() io.write(text, " ") end end
      before_each(say "b1") after_each(say "a1")
      describe("inner", function()
        before_each(say "b2") before_each(say "b3")
        after_each(say "a2") after_each(say "a3")
        it("good", say "good")
        it("bad", function() io.write("bad ") error("x") end)
      end)
      it("outer", say "outer")]])
    local out = run("a_test.lua").stdout
    expect(out):contains(
      "b1 b2 b3 good a3 a2 a1 b1 b2 b3 bad a3 a2 a1 b1 outer a1 ")
    expect(out):matches("2 passed, 1 failed\n$")
  end)

  it("may wait, after a timeout too", function()
    write("a_test.lua", [[
      before_each(function() orch.sleep(0.001) end)
      after_each(function() orch.sleep(0.001) print("after") end)
      it("late", { timeout = "30ms" }, function() orch.sleep(60) end)
      it("good", function() end)]])
    local out = run("a_test.lua").stdout
    expect(select(2, out:gsub("after\n", ""))):equals(2)
    expect(out):contains("it took longer than 30 ms; it was doing this:")
    expect(out):matches("late: sleep")
    expect(out):matches("1 passed, 1 failed\n$")
  end)

  it("may hold what a case uses, and end it", function()
    write("a_test.lua", [[
      local server
      before_each(function()
        server = orch.spawn({ name = "server" }, function() orch.sleep(60) end)
      end)
      after_each(function() server:cancel() end)
      it("uses it", function() expect(server:done()):is(false) end)]])
    expect(last_line(run("a_test.lua").stdout)):equals("1 passed, 0 failed")
  end)

  it("fail the case when they fail", function()
    write("a_test.lua", [[
      describe("before", function()
        before_each(function() error("cannot prepare") end)
        it("x", function() print("body ran") end)
      end)
      describe("after", function()
        after_each(function() error("cannot clean") end)
        it("y", function() end)
      end)]])
    local out = run("a_test.lua").stdout
    expect(out):contains("cannot prepare")
    expect(out).never:contains("body ran")
    expect(out):contains("cannot clean")
    expect(out):matches("0 passed, 2 failed\n$")
  end)
end)

describe("a case fails", function()
  it("when a child of it fails", function()
    expect(failing([[orch.spawn({ name = "child" }, function() error("inside") end)]]))
      :contains("inside")
  end)

  it("when an expectation in a child is false", function()
    expect(failing([[orch.spawn(function() expect(1):equals(2) end)]]))
      :contains("expected 1 to equal 2")
  end)

  it("in a deadlock, at once, with the tree", function()
    local out = failing([[
      local event = orch.event()
      orch.spawn({ name = "stuck" }, function() event:wait() end)]])
    expect(out):contains("deadlock")
    expect(out):matches("case: waits")
    expect(out):contains("stuck: waits for")
  end)

  it("when it leaves a scope open", function()
    expect(failing('orch.scope { name = "group" }')):contains("never closed")
  end)

  it("when it leaves a lock held", function()
    expect(failing('orch.lock("left"):acquire()')):contains("lock 'left'")
  end)

  it("when nobody looks at the failure of a held task", function()
    expect(failing("orch.spawn({ hold = true, name = 'h' }, function() error('lost') end)"))
      :contains("h failed")
  end)

  it("with the line, the caret and the diff", function()
    local out = failing("  expect({ a = { 1, 2 } }):equals { a = { 1, 3 } }")
    expect(out):contains("a_test.lua:2: expected {a = {1, 2}} to equal {a = {1, 3}}")
    expect(out):contains("   2 |   expect({ a = { 1, 2 } }):equals { a = { 1, 3 } }")
    expect(out):contains(".a[2]: expected 3, got 2")
  end)

  it("does not spoil the next ones", function()
    write("a_test.lua", [[
      it("deadlock", function() orch.event():wait() end)
      it("late", { timeout = "20ms" }, function() orch.sleep(60) end)
      it("lock", function() orch.lock("k"):acquire() end)
      it("virtual", { clock = "virtual" }, function() error("x") end)
      it("good", function()
        local before = orch.time()
        orch.sleep(0.01)
        expect(orch.time() - before):less_than(5)
      end)]])
    expect(last_line(run("a_test.lua").stdout)):equals("1 passed, 4 failed")
  end)
end)

describe("test.clock", function()
  it("jumps when nothing can run", { clock = "virtual" }, function()
    local started = test.clock.now()
    local order = {}
    orch.spawn(function() orch.sleep("10m") order[#order + 1] = "late" end)
    orch.spawn(function() orch.sleep("5m") order[#order + 1] = "early" end)
    orch.sleep("1h")
    expect(order):equals { "early", "late" }
    expect(test.clock.now() - started):near(3600, 1e-3)
    expect(orch.time()):near(test.clock.now(), 1e-3)
  end)

  it("takes no time for five tries over ten minutes", function()
    local real = passing([[
      test.clock.virtual()
      local started, tries = test.clock.now(), 0
      local ok = pcall(orch.retry, function()
        tries = tries + 1
        orch.error { kind = "network", message = "down" }
      end, { attempts = 5, base = 40, factor = 2, cap = 600, jitter = "none" })
      expect(ok):is(false)
      expect(tries):equals(5)
      expect(test.clock.now() - started):near(600, 0.1)]]).elapsed
    expect(real):less_than(10)
  end)

  it("waits for real operations", { clock = "virtual" }, function()
    local started = test.clock.now()
    local path = dir .. "/file"
    local ok = orch.move_on_after("1h", function() fs.write(path, "text") end)
    expect(ok):is(true)
    expect(test.clock.now() - started):less_than(3600)
  end)

  it("advances, timers firing one by one and in order", { clock = "virtual" }, function()
    local ticks, log = 0, {}
    local ticker = orch.spawn(function()
      while true do
        orch.sleep(1)
        ticks = ticks + 1
        log[#log + 1] = ticks
      end
    end)
    test.clock.advance(0)
    test.clock.advance("3500ms")
    expect(log):equals { 1, 2, 3 }
    test.clock.advance(0.5)
    expect(ticks):equals(4)
    ticker:cancel()
  end)

  it("makes timeouts exact", { clock = "virtual" }, function()
    local started = test.clock.now()
    expect(function() orch.wait_for(orch.sleep, "1m", "2m") end):raises("timeout")
    expect(test.clock.now() - started):near(60, 1e-3)
  end)

  it("is real unless asked", function()
    local err = expect(function() test.clock.advance(1) end):raises("usage")
    expect(err.message):contains("test.clock.virtual()")
  end)

  it("goes for a whole describe, and back for one case", function()
    write("a_test.lua", [[
      describe("virtual", { clock = "virtual" }, function()
        it("all", function() orch.sleep("1h") end)
        it("but", { clock = "real" }, function()
          expect(function() test.clock.advance(1) end):raises("usage")
        end)
      end)
      it("after", function()
        expect(function() test.clock.advance(1) end):raises("usage")
      end)]])
    expect(last_line(run("a_test.lua").stdout)):equals("3 passed, 0 failed")
  end)

  it("has wrong arguments refused", { clock = "virtual" }, function()
    expect(function() test.clock.advance("soon") end):raises("usage")
    expect(function() test.clock.advnace(1) end):raises("did you mean 'advance'")
  end)

  it("stands still for a limit in real time", function()
    write("a_test.lua", [[
      it("busy", { clock = "virtual", timeout = "50ms" }, function()
        while true do orch.sleep(1) end
      end)]])
    expect(run("a_test.lua").stdout):contains("it took longer than 50 ms")
  end)
end)

describe("helpers", function()
  it("temp_dir is there and goes with the case", function()
    write("a_test.lua", [[
      local path
      it("one", function()
        path = test.temp_dir()
        orch.fs.write(path .. "/x", "x")
        expect(test.temp_dir()).never:equals(path)
      end)
      it("two", function() expect(orch.fs.exists(path)):is(false) end)]])
    expect(last_line(run("a_test.lua").stdout)):equals("2 passed, 0 failed")
  end)

  it("test.run gives output and exit code of orch", function()
    local result = test.run({ "-e", "print(orch.stdin:read('line')) io.stderr:write('e') os.exit(3)" },
      { stdin = "in\n" })
    expect(result.stdout):equals("in\n")
    expect(result.stderr):equals("e")
    expect(result.exit_code):equals(3)
  end)

  it("wrong calls are refused", function()
    expect(function() test.skip() end):raises("usage")
    expect(function() test.run("x") end):raises("usage")
    expect(function() test.run({}, { stdn = "" }) end):raises("did you mean `stdin`")
    expect(function() test.tmp_dir() end):raises("did you mean 'temp_dir'")
    expect(failing("it('nested', function() end)")):contains("it belongs at the top")
    write("a_test.lua", 'it("x")')
    expect(run("a_test.lua").stdout):contains("it: argument 2 should be a function")
    write("a_test.lua", 'it("x", { clok = "virtual" }, function() end)')
    expect(run("a_test.lua").stdout):contains("did you mean `clock`?")
    write("a_test.lua", 'it("x", { clock = "fast" }, function() end)')
    expect(run("a_test.lua").stdout):contains('"virtual" or "real"')
  end)
end)

describe("--junit", function()
  local junit = require "orch.test.junit"

  it("writes what happened", function()
    write("a_test.lua", [[
      it("good", function() end)
      it("bad <&>", function() error("quote \" and \27[31m") end)
      it("skipped", function() test.skip("why not") end)]])
    run("a_test.lua", "--junit", "report.xml")
    local xml = fs.read(dir .. "/report.xml")
    expect(xml):contains('<testsuites tests="3" failures="1" errors="0" skipped="1"')
    expect(xml):contains('name="bad &lt;&amp;&gt;"')
    expect(xml):contains('quote &quot; and \\x1b[31m')
    expect(xml):contains('<skipped message="why not"/>')
    expect(xml):contains('line="2"')
  end)

  it("says when it cannot", function()
    write("a_test.lua", 'it("good", function() end)')
    local result = run("a_test.lua", "--junit", "no/such/folder/report.xml")
    expect(result.stderr):contains("report.xml")
    expect(result.exit_code):equals(1)
  end)

  it("is valid for every byte", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local name = table.concat(bytes) .. "\239\191\191\237\160\128"
    local xml = junit.text {
      { path = "a", seconds = 1, passed = 0, failed = 1, skipped = 0, cases = {
        { name = name, line = 1, status = "failed", seconds = 0, kind = name,
          message = name, report = { name } },
      } },
    }
    expect(utf8.len(xml)):is_a("integer")
    expect(xml).never:matches("[\0-\8\11\12\14-\31]")
    fs.write(dir .. "/all.xml", xml)
    local lint = orch.process.run { "xmllint", "--noout", dir .. "/all.xml",
      check = false }
    expect(lint.stderr):equals("")
  end)
end)

describe("a case that never waits", function()
  it("fails with the line at which it stood", function()
    local dir = test.temp_dir()
    orch.fs.write(dir .. "/spin_test.lua",
      "it('spins', function()\n  local n = 0\n  while true do\n    n = n + 1\n  end\nend)\n")
    local result = test.run({ "--slow", "0", "test", "--timeout", "100ms", "spin_test.lua" },
      { cwd = dir, timeout = 30 })
    expect(result.stdout):matches("spins: running at spin_test.lua:[345]\n")
    expect(result.exit_code):equals(1)
  end)

  it("is named when Ctrl-C ends it", function()
    local dir = test.temp_dir()
    orch.fs.write(dir .. "/wait_test.lua",
      "it('waits', function() print('ready') io.stdout:flush() orch.sleep(60) end)\n")
    local child <close> = orch.process.spawn {
      require("orch.core.runtime").executable(), "test", "wait_test.lua", cwd = dir, check = false }
    expect(child:read("line")):equals("ready")
    child:signal("INT")
    local result = child:wait()
    expect(result.exit_code):equals(130)
    expect(child.stderr:read("line")):equals("orch: interrupted in wait_test.lua:1: waits")
  end)
end)
