local output = require "orch.output"
local process = require "orch.process"

local printed
local sink = { write = function(_, piece) printed[#printed + 1] = piece end }

local function all() return table.concat(printed) end

describe("output", function()
  before_each(function() printed = {} end)

  it("takes what a task prints, in every way there is", function()
    local early = io.write
    do
      local _ <close> = output.with(sink)
      local shown = setmetatable({}, { __tostring = function() return "shown" end })
      print("a", 1, nil, 2.5, shown)
      print()
      expect(io.write("b", 1, 2.0, 0.1, "\n")):is(io.stdout)
      early "c\n"
      expect(io.stdout:write("d", "\n")):is(io.stdout)
      io.stderr:write "e\n"
    end
    expect(all()):equals "a\t1\tnil\t2.5\tshown\n\nb120.1\nc\nd\ne\n"
    expect(output.current()):is_nil()
  end)

  it("leaves files alone, io.output included", function()
    local path = orch.fs.temp_file()
    local before = io.output()
    do
      local _ <close> = output.with(sink)
      local file <close> = io.open(path, "w")
      file:write "to the file\n"
      io.output(file)
      io.write "this too\n"
      io.output(before)
      print "to the sink"
    end
    expect(orch.fs.read(path)):equals "to the file\nthis too\n"
    expect(all()):equals "to the sink\n"
  end)

  it("refuses what io.write refuses", function()
    local _ <close> = output.with(sink)
    expect(function() io.write({}) end):raises "string expected, got table"
    expect(function() io.stdout:write("x", nil) end):raises "string expected, got nil"
    expect(all()):equals ""
  end)

  it("belongs to the task and to those that it spawns", function()
    local other = {}
    local inner = { write = function(_, piece) other[#other + 1] = piece end }
    local _ <close> = output.with(sink)
    orch.gather(function()
      local _ <close> = output.with(inner)
      orch.sleep(0)
      print "inner"
      orch.gather(function() print "inner's child" end)
    end, function()
      orch.sleep(0)
      print "outer"
    end)
    do
      local _ <close> = output.with(nil)
      expect(output.current()):is_nil()
    end
    expect(table.concat(other)):equals "inner\ninner's child\n"
    expect(all()):equals "outer\n"
  end)

  it("a sink's own prints go past it", function()
    local nested
    local talking = { write = function(_, piece)
      printed[#printed + 1] = piece
      nested = output.aside(output.current)
    end }
    local _ <close> = output.with(talking)
    print "x"
    expect(nested):is_nil()
    expect(output.current()):is(talking)
    expect(function() output.aside(error, "broken") end):raises "broken"
    expect(output.current()):is(talking)
  end)

  it("passes on what the sink raises, also while the task is cancelled", function()
    local full = { write = function() orch.error { kind = "os", code = "ENOSPC" } end }
    do
      local _ <close> = output.with(full)
      expect(function() print "x" end):raises { code = "ENOSPC" }
      expect(function() io.write "x" end):raises { code = "ENOSPC" }
    end
    local task = orch.spawn({ hold = true }, function()
      local _ <close> = output.with(sink)
      local _ <close> = setmetatable({}, { __close = function() print "unwound" end })
      print "begun"
      orch.sleep "1h"
    end)
    while #printed == 0 do orch.checkpoint() end
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(all()):equals "begun\nunwound\n"
  end)

  it("takes log records, formatted where the sink takes text only", function()
    local records = {}
    local taker = { message = function(_, ...) records[#records + 1] = { ... } end }
    local _ <close> = output.with(taker)
    orch.log.warn("low on disk", { free = 3 })
    do
      local _ <close> = orch.log.prefix "upload"
      orch.log.info "done"
    end
    orch.log.debug "not asked for"
    expect(records):equals { { "warn", "low on disk", { free = 3 } }, { "info", "upload: done" } }
    local _ <close> = output.with(sink)
    orch.log.error("broken", { code = 7 })
    expect(all()):matches "^%d%d:%d%d:%d%d error .*broken code=7\n$"
  end)
end)

describe("orch.progress with a sink", { clock = "virtual" }, function()
  it("tells it how far the loop is, at most twice a second", function()
    local told = {}
    local taker = { progress = function(_, label, done, total)
      told[#told + 1] = { label, done, total }
    end }
    local _ <close> = output.with(taker)
    for _ in orch.progress(10, "checking") do orch.sleep(0.2) end
    expect(told):equals {
      { "checking", 1, 10 }, { "checking", 4, 10 }, { "checking", 7, 10 }, { "checking", 10, 10 },
      { "checking", 10, 10 },
    }
  end)

  it("is silent where the sink does not care", function()
    printed = {}
    local _ <close> = output.with(sink)
    for _ in orch.progress(3) do orch.sleep(1) end
    expect(all()):equals ""
  end)
end)

describe("the output of commands with a sink", function()
  before_each(function() printed = {} end)

  it("what is captured is told as it comes, in the order it came", function()
    local _ <close> = output.with(sink)
    local r = orch.sh("echo a; sleep 0.05; echo b >&2; sleep 0.05; echo c")
    expect(r.stdout):equals "a\nc\n"
    expect(r.stderr):equals "b\n"
    expect(printed):equals { "a\n", "b\n", "c\n" }
  end)

  it("what is inherited goes there, both streams through one pipe", function()
    local _ <close> = output.with(sink)
    local both = { stdout = "inherit", stderr = "inherit" }
    local r = orch.sh("for i in 1 2 3; do echo out $i; echo err $i >&2; done", nil, both)
    expect(r.stdout):is_nil()
    expect(r.stderr):is_nil()
    expect(all()):equals "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
  end)

  it("what was asked for otherwise is left alone", function()
    local path = orch.fs.temp_file()
    local _ <close> = output.with(sink)
    local r = orch.sh("echo a; echo b >&2", nil, { stdout = { path = path } })
    expect(orch.fs.read(path)):equals "a\n"
    expect(r.stderr):equals "b\n"
    expect(all()):equals "b\n"
    printed = {}
    orch.sh("echo c; echo d >&2", nil, { stdout = "null", stderr = "null" })
    expect(all()):equals ""
    r = orch.sh("echo e; echo f >&2", nil, { stderr = "stdout" })
    expect(r.stdout):equals "e\nf\n"
    expect(all()):equals "e\nf\n"
  end)

  it("lines for a callback are told first, so that what it prints about them stands below", function()
    local _ <close> = output.with(sink)
    local function about(line) print("saw " .. line) end
    orch.sh("printf 'a\\nb\\nc'", nil, { on_stdout = about })
    orch.sh("echo d >&2", nil, { on_stderr = about })
    expect(all()):equals "a\nsaw a\nb\nsaw b\nc\nsaw c\nd\nsaw d\n"
  end)

  it("errors are the same, and know the last words of what was inherited", function()
    local _ <close> = output.with(sink)
    local failing = "echo a; echo why >&2; exit 3"
    local err = expect(function() orch.sh(failing) end):raises "process"
    expect(err.message):equals "`echo a; echo why >&2; exit 3` failed with exit code 3: why"
    expect(err.stderr):equals "why\n"
    err = expect(function() orch.sh(failing, nil, { stderr = "inherit" }) end):raises "process"
    expect(err.stderr):equals "why\n"
    err = expect(function() orch.sh("yes", nil, { max_output = "1M" }) end):raises "process"
    expect(err.message):contains "wrote more than 1048576 bytes to stdout"
  end)

  it("what a command says while it is being stopped is not lost", function()
    local _ <close> = output.with(sink)
    local err = expect(function()
      orch.sh([[trap 'echo last words; exit' TERM; echo ready; while :; do sleep 0.01; done]],
        nil, { timeout = "200ms" })
    end):raises "timeout"
    expect(err.stalled):is_nil()
    expect(all()):contains "ready\nlast words\n"
  end)

  it("a stall is seen in what is inherited", function()
    local _ <close> = output.with(sink)
    local opts = { stdout = "inherit", stderr = "inherit", stall = "100ms" }
    local err = expect(function() orch.sh("echo a; exec sleep 60", nil, opts) end):raises "timeout"
    expect(err.stalled):is(true)
    expect(all()):equals "a\n"
  end)

  it("a sink that fails stops the command", function()
    local full = { write = function() orch.error { kind = "os", code = "ENOSPC" } end }
    local _ <close> = output.with(full)
    expect(function() orch.sh "yes" end):raises { code = "ENOSPC" }
  end)

  it("a sink that is slow slows the command, not the others", function()
    local size, waiting = 0, 0
    local slow = {
      write = function(_, piece) size = size + #piece end,
      write_later = function(_, piece)
        size, waiting = size + #piece, waiting + 1
        orch.sleep(0.001)
      end,
    }
    local _ <close> = output.with(slow)
    orch.sh("yes | head -c 8M", nil, { stdout = "inherit" })
    expect(size):equals(8 << 20)
    expect(waiting):greater_than(0)
  end)
end)

describe("process.spawn with a sink", function()
  before_each(function() printed = {} end)

  it("what is inherited and what nobody asked for goes there", function()
    local _ <close> = output.with(sink)
    local p <close> = process.spawn { "sh", "-c", "echo a; echo b >&2; echo c",
      stdout = "inherit" }
    expect(p:wait().stderr):equals "b\n"
    expect(all()):contains "a\n"
    expect(all()):contains "b\n"
    printed = {}
    local q <close> = process.spawn { "sh", "-c", "for i in 1 2; do echo o$i; echo e$i >&2; done",
      stdout = "inherit", stderr = "inherit" }
    q:wait()
    expect(all()):equals "o1\ne1\no2\ne2\n"
  end)

  it("what the script reads is its own", function()
    local _ <close> = output.with(sink)
    local p <close> = process.spawn { "sh", "-c", "echo a; echo b >&2", stderr = "capture" }
    expect(p.stdout:read "all"):equals "a\n"
    expect(p.stderr:read "all"):equals "b\n"
    p:wait()
    expect(all()):equals ""
  end)

  it("stderr can be read all the same, in every way", function()
    local _ <close> = output.with(sink)
    local p <close> = process.spawn { "sh", "-c", [[
      printf 'one\ntwo\nthree four' >&2; read x; printf ' five\nsix' >&2 ]] }
    expect(p.stderr:read "line"):equals "one"
    expect(p.stderr:read(3)):equals "two"
    expect(p.stderr:read "line"):equals ""
    expect(p.stderr:read()):equals "three four"
    p:write "\n"
    expect(p.stderr:read "all"):equals " five\nsix"
    expect(p.stderr:read "line"):is_nil()
    expect(p.stderr:read()):is_nil()
    expect(p.stderr:read "all"):equals ""
    p:wait()
    expect(all()):equals "one\ntwo\nthree four five\nsix"
    expect(function() p.stderr:read "lines" end):raises "usage"
  end)

  it("much of it, read late, early and never", function()
    local _ <close> = output.with(sink)
    local p <close> = process.spawn { "sh", "-c", "yes | head -c 3000000 >&2" }
    expect(#p.stderr:read(1000000)):equals(1000000)
    orch.sleep(0.02)
    expect(#p.stderr:read "all"):equals(2000000)
    local q <close> = process.spawn { "sh", "-c", "yes | head -c 3000000 >&2; exit 1" }
    local err = expect(function() q:wait() end):raises "process"
    expect(#err.stderr):equals(4096)
    expect(#all()):equals(6000000)
  end)

  it("is ended with its task, and a read with it", function()
    local task = orch.spawn({ hold = true }, function()
      local _ <close> = output.with(sink)
      local p <close> = process.spawn { "sh", "-c", "echo on >&2; sleep 60" }
      p.stderr:read "line"
      p.stderr:read "line"
    end)
    while #printed == 0 do orch.sleep(0.005) end
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(all()):equals "on\n"
  end)
end)

describe("process.run_to", function()
  before_each(function() printed = {} end)

  it("prints into its sink only, in order", function()
    local r = process.run_to("for i in 1 2; do echo o$i; echo e$i >&2; done", {}, sink)
    expect(r.ok):is(true)
    expect(r.stdout):is_nil()
    expect(all()):equals "o1\ne1\no2\ne2\n"
    process.run_to({ "printf", "%s|", "a b", "c" }, { env = { X = "1" } }, sink)
    expect(all()):matches "a b|c|$"
  end)

  it("fails with the end of what was printed as `output`", function()
    local err = expect(function()
      process.run_to("echo begin; echo 'no such scene' >&2; exit 4", nil, sink)
    end):raises "process"
    expect(err.message):matches "failed with exit code 4: no such scene$"
    expect(err.output):equals "begin\nno such scene\n"
    expect(err.stderr):is_nil()
    expect(err.exit_code):equals(4)
    expect(err.command):contains "no such scene"
  end)

  it("passes bytes on as they are", function()
    process.run_to("printf '\\033[31mred\\033[0m \\377\\376\\000 end'", {}, sink)
    expect(all()):equals "\27[31mred\27[0m \255\254\0 end"
  end)

  it("is cancelled before it starts and in flight", function()
    for _, begun in ipairs { false, true } do
      local task = orch.spawn({ hold = true }, process.run_to, "echo on; sleep 60", {}, sink)
      while begun and #printed == 0 do orch.sleep(0.005) end
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
    end
  end)
end)
