local fs = orch.fs
local exe = fs.stat("/proc/self/exe", { follow = false }).target

local dir, name
before_each(function()
  dir = fs.temp_dir()
  name = dir .. "/lock"
end)

describe("lock", function()
  it("excludes other tasks until its block ends", function()
    local order = {}
    local function work(i)
      local _ <close> = fs.lock(name)
      order[#order + 1] = "in " .. i
      orch.sleep(0.005)
      order[#order + 1] = "out " .. i
    end
    orch.gather { { work, 1 }, { work, 2 }, { work, 3 } }
    for i = 1, 6, 2 do
      expect(order[i + 1]):equals((order[i]:gsub("in", "out")))
    end
  end)

  it("lets readers share", function()
    local a <close> = fs.lock(name, { shared = true })
    local other = orch.spawn(function()
      local _ <close> = fs.lock(name, { shared = true, timeout = 5 })
      return true
    end)
    expect(other:await()):equals(true)
    local err = expect(function()
      orch.spawn({ hold = true }, fs.lock, name, { timeout = 0 }):await()
    end):raises("timeout")
    expect(err.path):equals(name)
    a:release()
    a:release()
    orch.spawn(function() fs.lock(name, { timeout = 0 }):release() end):await()
  end)

  it("is freed by a kill, and says who holds it", function()
    fs.write(dir .. "/hold.lua", [[
      local _ <close> = orch.fs.lock(orch.args[1])
      print("locked")
      io.stdout:flush()
      orch.sleep(100)
    ]])
    local s <close> = orch.scope()
    local holder = orch.process.spawn { exe, "run", dir .. "/hold.lua", name }
    for line in holder.stdout:lines() do
      expect(line):equals("locked")
      break
    end
    local err = expect(function() fs.lock(name, { timeout = "20ms" }) end):raises("timeout")
    expect(err.message):contains("process " .. holder.pid .. " holds it")
    expect(err.pid):equals(holder.pid)
    local waiting = s:spawn(function() fs.lock(name):release() end)
    orch.sleep(0.02)
    orch.sh("kill -9 " .. holder.pid)
    waiting:await()
    pcall(holder.wait, holder)
  end)

  it("refuses to wait for itself", function()
    local a <close> = fs.lock(name)
    local err = expect(function() fs.lock(dir .. "/./lock") end):raises("deadlock")
    expect(err.message):contains("fs_lock_test.lua:")
    a:release()
    fs.lock(name):release()
  end)

  it("of a file that its owner removes goes to one of those who wait", function()
    local at_work, most, done = 0, 0, 0
    orch.each({ 1, 2, 3, 4 }, function()
      local guard <close> = fs.lock(name)
      at_work = at_work + 1
      most = math.max(most, at_work)
      orch.sleep "10ms" -- the others wait for this file
      local late = orch.spawn({ hold = true }, fs.lock, name, { timeout = 0 })
      expect(function() late:await() end):raises "timeout"
      at_work, done = at_work - 1, done + 1
      fs.remove(name)
    end)
    expect({ most, done }):equals { 1, 4 }
    expect(fs.exists(name)):is(false)
  end)

  it("that is never released is told", function()
    local unclosed, list = require "orch.unclosed", {}
    local guard = fs.lock(name)
    unclosed.take(list)
    expect(list[1]):matches "the fs.lock of .*fs_lock_test.lua:%d+ was never released"
    guard:release()
  end)

  it("says why it cannot", function()
    expect(function() fs.lock(dir .. "/none/lock") end):raises { code = "ENOENT" }
    expect(function() fs.lock(name, { timeout = {} }) end):raises("usage")
    local _ <close> = fs.lock(dir) -- a folder can be locked as well
  end)

  it("can be cancelled, also while it waits in the kernel", function()
    local task = orch.spawn({ hold = true }, function()
      orch.current_task():cancel("early")
      fs.lock(name)
    end)
    expect(function() task:await() end):raises("cancelled")
    local a <close> = fs.lock(name)
    for round = 1, 20 do
      task = orch.spawn({ hold = true }, fs.lock, name)
      orch.checkpoint()
      if round % 2 == 0 then orch.sleep(0.002) end
      task:cancel("in flight")
      expect(function() task:await() end):raises("cancelled")
    end
    a:release()
    for _ = 1, 20 do -- got in the moment of the cancellation: given back
      task = orch.spawn({ hold = true }, fs.lock, name)
      orch.checkpoint()
      task:cancel("in flight")
      expect(function() task:await() end):raises("cancelled")
      fs.lock(name, { timeout = 5 }):release()
    end
  end)
end)
