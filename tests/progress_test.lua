-- orch.progress: silent without a terminal, a line on one (a pseudo-terminal
-- made by script(1)), and never in the way.

local progress = require "orch.progress"
local exe = orch.fs.stat("/proc/self/exe", { follow = false }).target

local function orch_run(code, terminal)
  local path = orch.fs.temp_dir() .. "/p.lua"
  orch.fs.write(path, code)
  if not terminal then
    return orch.process.run { exe, "run", path }
  end
  if not orch.fs.exists "/usr/bin/script" then test.skip "script(1) is not installed" end
  return orch.process.run { "script", "-qec", "stty cols " .. terminal .. "; exec "
    .. exe .. " run " .. path, "/dev/null", env = { TERM = "xterm", NO_COLOR = "1" } }
end

describe("progress without a terminal", function()
  it("gives the items of a list", function()
    local seen = {}
    for i, item in progress({ "a", "b" }, "checking") do seen[i] = item end
    expect(seen):equals { "a", "b" }
    for _ in progress({}, { label = "none", unit = "files" }) do error "no item" end
    for i, item in progress { 1, false, 3 } do seen[i] = item end
    expect(seen):equals { 1, false, 3 }
  end)

  it("counts to a number", function()
    local sum = 0
    for i in progress(4) do sum = sum + i end
    expect(sum):equals(10)
    for i in progress(4) do
      if i == 2 then break end
    end
    expect(function()
      for i in progress(4, "x") do error("at " .. i) end
    end):raises("at 1")
  end)

  it("is an object", function()
    local p <close> = progress { total = 10, label = "upload", unit = "bytes" }
    p:add()
    p:add(3)
    p:set(10, 20)
    p:done()
    p:done()
    p:add(1)
  end)

  it("counts for others", function()
    local calls = {}
    local counter <close> = progress.counter(3, function(done, total)
      calls[#calls + 1] = done .. "/" .. total
    end)
    counter.add(1)
    counter.add(2)
    expect(calls):equals { "1/3", "3/3" }
    local bar = progress.counter(3, "label")
    bar.add(3)
    bar.close()
    expect(orch.map({ 1, 2 }, function(x) return x end, { progress = true })):equals { 1, 2 }
  end)

  it("prints nothing", function()
    local result = orch_run [[
      for i in orch.progress(3, "loop") do orch.sleep(0.12) end
      local p <close> = orch.progress { total = 2, label = "object" }
      p:add(1)
    ]]
    expect(result.stderr .. result.stdout):equals("")
  end)

  it("refuses wrong arguments", function()
    expect(function() progress() end):raises("progress: argument 1")
    expect(function() progress("x") end):raises("progress: argument 1")
    expect(function() progress(1, { lable = "x" }) end):raises("did you mean `label`")
    expect(function() progress { total = "many" } end):raises("total")
  end)
end)

describe("progress on a terminal", function()
  it("draws a line and leaves a summary", function()
    local out = orch_run([[
      for i in orch.progress(4, { label = "checking", unit = "files" }) do orch.sleep(0.11) end
    ]], 80).stdout
    expect(out):matches("\rchecking  %[#+%.+%]   %d+%%  %d/4 files  [%d.]+/s  ETA 0:00\27%[K")
    expect(out):matches("\r\27%[Kchecking: 4 files in 0:00 %([%d.]+/s%)\r\n$")
  end)

  it("says where it stopped", function()
    local out = orch_run([[
      for i in orch.progress(9, "x") do orch.sleep(0.11) if i == 3 then break end end
    ]], 80).stdout
    expect(out):matches("x: stopped at 2 of 9 in ")
  end)

  it("fits the width, and draws nothing for short loops", function()
    local out = orch_run([[
      for i in orch.progress(3, "a label that is much too long for this") do orch.sleep(0.11) end
    ]], 30).stdout
    for drawn in out:gmatch("\r([^\r\27]*)\27%[K") do
      expect(#drawn):less_than(30)
    end
    expect(orch_run("for i in orch.progress(1000, 'x') do end", 80).stdout):equals("")
  end)

  it("makes room for log lines", function()
    local out = orch_run([[
      for i in orch.progress(4, "loop") do
        orch.sleep(0.11)
        if i == 3 then orch.log.info("a line") end
      end
    ]], 80).stdout
    expect(out):matches("\r\27%[K%d%d:%d%d:%d%d info  a line\r\n")
  end)

  it("shows bytes and unknown totals", function()
    local out = orch_run([[
      local p <close> = orch.progress { label = "read", unit = "bytes" }
      for i = 1, 3 do orch.sleep(0.11) p:add(1500000) end
    ]], 80).stdout
    expect(out):matches("\rread  [%d.]+ MB  [%d.]+ MB/s\27%[K")
    expect(out):matches("read: 4.3 MB in 0:00 %([%d.]+ MB/s%)")
  end)
end)
