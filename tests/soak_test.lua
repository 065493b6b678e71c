-- A million of this, thousands of that, and nothing left behind.

local fs, process = orch.fs, orch.process

local function slurp(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- AddressSanitizer keeps freed memory for a while and is slow.
local sanitized = slurp("/proc/self/maps"):find "libasan" ~= nil

local function times(n)
  return sanitized and n // 10 or n
end

local function resident_kb()
  collectgarbage()
  collectgarbage()
  return tonumber(slurp("/proc/self/status"):match "VmRSS:%s+(%d+)")
end

local function lua_kb()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

local function descriptors()
  return #fs.list "/proc/self/fd"
end

local function threads()
  return tonumber(slurp("/proc/self/status"):match "Threads:%s+(%d+)")
end

-- Children that nobody has waited for, other than the guard of the commands.
local function children()
  local n = 0
  local pid = slurp("/proc/self/stat"):match "%d+"
  for child in slurp("/proc/self/task/" .. pid .. "/children"):gmatch "%d+" do
    if not slurp("/proc/" .. child .. "/comm"):find "^command" then n = n + 1 end
  end
  return n
end

-- `load(n)` finds its level, and takes no memory that stays the next two times.
local function stays_flat(n, load, allowed_kb)
  n = times(n)
  load(n)
  local open, lua_level, level = descriptors(), lua_kb(), resident_kb()
  load(n)
  collectgarbage() -- what the collector has not got to yet is no leak
  load(n)
  expect(lua_kb() - lua_level):less_than(allowed_kb or 256)
  if not sanitized then expect(resident_kb() - level):less_than(level // 10 + 2048) end
  expect(descriptors()):equals(open)
  expect(children()):equals(0)
end

describe("memory stays flat over", function()
  it("a million tasks spawned and joined", function()
    stays_flat(1000000, function(n)
      local sum = 0
      for _ = 1, n // 1000 do
        local tasks = {}
        for i = 1, 1000 do tasks[i] = orch.spawn(function(x) return x end, i) end
        for i = 1, 1000 do sum = sum + tasks[i]:await() end
      end
      expect(sum):equals(n // 1000 * 500500)
    end)
  end)

  it("100,000 tasks sleeping at once", function()
    stays_flat(100000, function(n)
      local woken = 0
      local s <close> = orch.scope {}
      for _ = 1, n do
        s:spawn(function()
          orch.sleep(0.1)
          woken = woken + 1
        end)
      end
      s:close()
      expect(woken):equals(n)
    end)
  end)

  it("100,000 tasks cancelled while they wait", function()
    stays_flat(100000, function(n)
      local cleaned = 0
      local ok = orch.move_on_after(0.05, function()
        for _ = 1, n do
          orch.spawn(function()
            local _ <close> = orch.defer(function() cleaned = cleaned + 1 end)
            orch.sleep(60)
          end)
        end
        orch.sleep(60)
      end)
      expect(ok):is(false)
      expect(cleaned):less_than(n + 1) -- those that never ran have nothing to clean
    end)
  end)

  it("100,000 failures, timeouts and suppressed errors", function()
    stays_flat(100000, function(n)
      for _ = 1, n // 10 do
        pcall(orch.gather, { { error, "a" }, { error, "b" }, { orch.sleep, 60 } })
        pcall(orch.wait_for, orch.sleep, 0, 60)
        orch.settle { orch.checkpoint, { error, "c" } }
      end
    end)
  end)

  it("locks, queues and coroutines", function()
    stays_flat(200000, function(n)
      local queue, lock = orch.queue(10), orch.lock()
      orch.gather(function()
        for i = 1, n // 10 do queue:put(i) end
        queue:close()
      end, function()
        for _ in queue:iter() do
          local _ <close> = lock:acquire()
          coroutine.wrap(orch.checkpoint)()
        end
      end)
    end)
  end)

  it("100,000 reads of a small file", { timeout = 120 }, function()
    local path = test.temp_dir() .. "/small"
    fs.write(path, ("x"):rep(4096))
    local all = {}
    stays_flat(100000, function(n)
      for i = #all + 1, n do all[i] = path end
      for i = n + 1, #all do all[i] = nil end
      orch.each(all, function(p) assert(#fs.read(p) == 4096) end, { concurrency = 64 })
    end, 4096)
  end)

  it("2,100 commands", { timeout = 120 }, function()
    local all = {}
    stays_flat(700, function(n)
      for i = 1, n do all[i] = i end
      for i = n + 1, #all do all[i] = nil end
      orch.each(all, function(i)
        assert(process.run { "/bin/echo", i }.stdout == i .. "\n")
      end, { concurrency = 8 })
    end)
  end)

  it("worker threads that end and that are cancelled", { timeout = 120 }, function()
    stays_flat(400, function(n)
      local list = {}
      for i = 1, n do list[i] = i end
      local sum = 0
      orch.each(list, function(i)
        if i % 4 == 0 then
          orch.move_on_after(0.001, orch.thread, function() while true do end end)
        elseif i % 4 == 1 then
          pcall(orch.thread, function() error "there" end)
        else
          sum = sum + orch.thread(function(x) return x end, i)
        end
      end, { concurrency = 4 })
      expect(sum):greater_than(0)
    end)
    expect(threads()):less_than(40)
  end)
end)

describe("the loop", function()
  -- A timer that is due as the loop begins to turn makes a task ready; the loop
  -- must not then sleep until the next event.
  it("wakes a short sleep while only a long one is left", { timeout = 30 }, function()
    local long = orch.spawn({ daemon = true }, orch.sleep, 60)
    for _ = 1, times(1000) do orch.sleep(0.0003) end
    long:cancel()
  end)
end)
