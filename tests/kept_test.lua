-- What a script keeps longer than it lives: scopes, streams, half-read files.

describe("a Scope kept beyond its task", function()
  it("is closed", function()
    local kept
    orch.spawn({ hold = true }, function() kept = orch.scope() end):await()
    collectgarbage()
    expect(function() kept:spawn(function() end) end):raises "closed"
    expect(function() kept:cancel() end):raises "closed"
    require("orch.core.runtime").leaks() -- it was never closed, and that is told
  end)

  it("leaves nobody behind whom a cancellation cannot reach", { clock = "virtual" }, function()
    local task = orch.spawn({ hold = true }, function()
      local s = orch.scope { shield = true }
      s:spawn(orch.sleep, math.huge)
      orch.sleep(1)
    end)
    orch.sleep(0.5)
    task:cancel "enough"
    task:join() -- a shield holds for the grace
    expect(function() task:await() end):raises "cancelled"
    require("orch.core.runtime").leaks()
  end)
end)

describe("a FIFO", function()
  local fs = orch.fs

  it("is no file to hash, and does not block a thread", function()
    local path = test.temp_dir() .. "/fifo"
    orch.process.run { "mkfifo", path }
    expect(function() orch.wait_for(fs.hash, "5s", path) end):raises { code = "EINVAL" }
  end)

  it("can be read on after a cancelled wait for its next line", function()
    local path = test.temp_dir() .. "/fifo"
    orch.process.run { "mkfifo", path }
    local writer <close> = orch.process.spawn { "sh", "-c",
      "{ echo zero; sleep 0.3; echo one; } > " .. path }
    local next_line = fs.lines(path)
    expect(next_line()):equals "zero"
    pcall(orch.wait_for, next_line, "20ms")
    expect(next_line()):equals "one"
    expect(next_line()):is_nil()
    writer:wait()
  end)
end)

describe("a table with holes", function()
  it("is copied to a thread by its fields, not by the length it claims", function()
    local t = { 1, 2, nil, 4, nil, nil, nil, 8 }
    local n, last = orch.thread(function(copy)
      local count = 0
      for _ in pairs(copy) do count = count + 1 end
      return count, copy[8]
    end, t)
    expect({ n, last }):equals { 4, 8 }
  end)
end)
