local logs = require "orch.pipeline.log"
local output = require "orch.output"
local process = require "orch.process"
local fs = orch.fs

local path

describe("pipeline.log", function()
  before_each(function() path = fs.temp_dir() .. "/jobs/build%3Aios/1/log" end)

  it("is made with the first output, folders included", function()
    local log = logs.open(path)
    log:write ""
    log:close()
    expect(fs.exists(path)):is(false)
    log = logs.open(path)
    log:write "x"
    expect(fs.read(path)):equals "x"
    log:close()
    expect(log.bytes):equals(1)
  end)

  it("keeps bytes as they are", function()
    local text = "\27[31mred\27[0m \255\254\0\r 10%\r 20%\n"
    local log <close> = logs.open(path)
    log:write(text)
    log:write_later(text)
    expect(fs.read(path)):equals(text .. text)
  end)

  it("tells of whole lines, and of the last one at the end", function()
    local told = {}
    local log = logs.open(path, function(text) told[#told + 1] = text end)
    log:write "a"
    log:write "b\nc\nd"
    log:write "e"
    log:write "\n"
    log:write "f\n"
    log:write "g"
    expect(told):equals { "ab\nc\n", "de\n", "f\n" }
    log:close()
    log:close()
    expect(told):equals { "ab\nc\n", "de\n", "f\n", "g\n" }
    expect(fs.read(path)):equals "ab\nc\nde\nf\ng"
  end)

  it("tells of a line without end in parts", function()
    local told, size = 0, 0
    local log <close> = logs.open(path, function(text) told, size = told + 1, size + #text end)
    for _ = 1, 100 do log:write(("x"):rep(10000)) end
    expect(told):greater_than(10)
    expect(size):greater_than(900000)
    expect(fs.stat(path).size):equals(1000000)
  end)

  it("whoever looks on may print", function()
    local shown = {}
    local log
    log = logs.open(path, function(text)
      shown[#shown + 1] = text
      expect(output.current()):is_nil()
    end)
    local _ <close> = log
    local _ <close> = output.with(log)
    print "a"
    process.run { "echo", "b", stdout = "inherit" }
    expect(shown):equals { "a\n", "b\n" }
  end)

  it("gives its last lines, open or closed", function()
    local log = logs.open(path)
    expect(log:tail(3)):equals {}
    log:write "1\n\n3\n4"
    expect(log:tail(3)):equals { "", "3", "4" }
    expect(log:tail(20)):equals { "1", "", "3", "4" }
    log:write(("y"):rep(200000) .. "\n")
    log:write(("line\n"):rep(50000) .. "end\n")
    expect(log:tail(2)):equals { "line", "end" }
    log:close()
    expect(log:tail(1)):equals { "end" }
    expect(logs.tail(path, 1)):equals { "end" }
    expect(logs.tail(path .. "x", 1)):equals {}
  end)

  it("masks secrets, also those that come in pieces and in two streams of a command", function()
    local secret = orch.secrets.mask "hunter2-is-long"
    local told = {}
    local log = logs.open(path, function(text) told[#told + 1] = text end)
    log:write("whole " .. secret .. "\n")
    log:write "split hunt"
    log:write "er2-is"
    log:write_later "-long|hunter or not\n"
    for i = 1, #secret do log:write(secret:sub(i, i)) end
    log:write "\nhunter2"
    expect(fs.read(path)):equals "whole ***\nsplit ***|hunter or not\n***\n"
    log:close()
    expect(fs.read(path)):equals "whole ***\nsplit ***|hunter or not\n***\nhunter2"
    expect(table.concat(told)):equals "whole ***\nsplit ***|hunter or not\n***\nhunter2\n"
  end)

  it("masks what a command prints byte by byte", function()
    orch.secrets.mask "hunter3-is-long"
    local log <close> = logs.open(path)
    process.run_to([[
      for c in h u n t e r 3 - i s - l o n g; do printf %s $c; sleep 0.002; done; echo
    ]], {}, log)
    expect(fs.read(path)):equals "***\n"
  end)

  it("has what a command prints, but not where `log` is false", function()
    local log <close> = logs.open(path)
    local _ <close> = output.with(log)
    expect(process.run({ "echo", "a key", log = false }).stdout):equals "a key\n"
    expect(process.run({ "echo", "a step" }).stdout):equals "a step\n"
    expect(fs.read(path)):equals "a step\n"
  end)

  it("knows when something was printed last", function()
    local log <close> = logs.open(path)
    local before = log.last_activity
    orch.sleep(0.005)
    log:write "x"
    expect(log.last_activity):greater_than(before)
  end)

  it("is over when it is closed: what comes later is dropped", function()
    local log = logs.open(path)
    log:write "a"
    log:close()
    log:write "b"
    log:write_later "c"
    expect(fs.read(path)):equals "a"
  end)

  it("a full disk is an Error that names the file", function()
    local folder = fs.temp_dir()
    fs.link(folder .. "/log", "/dev/full")
    local log = logs.open(folder .. "/log")
    expect(function() log:write "x" end):raises { kind = "os", code = "ENOSPC" }
    local err = expect(function() process.run_to("yes", {}, log) end):raises "os"
    expect(err.message):equals(("cannot write '%s/log': no space left on device"):format(folder))
    log:close()
  end)

  it("stores what is printed fast, in little memory", function()
    local size = 64 << 20
    local lines = 0
    local log <close> = logs.open(path, function(text) lines = lines + #text end)
    -- What the cases before have left must not decide when garbage is collected.
    local pause, step = collectgarbage("setpause", 110), collectgarbage("setstepmul", 400)
    local _ <close> = orch.defer(function()
      collectgarbage("setpause", pause)
      collectgarbage("setstepmul", step)
    end)
    collectgarbage()
    local before, most = collectgarbage "count", 0
    do
      local scope <close> = orch.scope()
      scope:spawn({ daemon = true }, function()
        while true do
          orch.sleep(0.002)
          most = math.max(most, collectgarbage "count")
        end
      end)
      process.run_to("yes | head -c " .. size, {}, log)
    end
    expect(log.bytes):equals(size)
    expect(lines):equals(size)
    expect(fs.stat(path).size):equals(size)
    expect(most - before):less_than(16 << 10) -- KB
  end)
end)
