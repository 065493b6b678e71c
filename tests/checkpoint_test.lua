-- Rule 2, call by call: every call that may wait is a checkpoint, even when its answer
-- is ready, and does nothing in a task that was cancelled. (condition:wait needs its
-- lock first: condition_test.lua.)

local ran

local function f()
  ran = true
  return 1
end

--- A provider whose answer is ready.
local answering = { chat = function()
  ran = true
  return { text = "x" }
end }

--- name -> call; each finds its answer ready.
local function all_calls()
  local lock, places, event = orch.lock(), orch.semaphore(1), orch.event()
  local queue, limit = orch.queue(), orch.rate_limiter { rate = 50 }
  local done, once = orch.spawn(function() end), orch.once(function() end)
  event:set()
  for i = 1, 9 do queue:put(i) end
  once()
  return {
    sleep = function() orch.sleep(0) end,
    checkpoint = function() orch.checkpoint() end,
    await = function() done:await() end,
    join = function() done:join() end,
    wait_for = function() orch.wait_for(f, 1) end,
    move_on_after = function() orch.move_on_after(1, f) end,
    gather = function() orch.gather(f) end,
    ["gather of nothing"] = function() orch.gather {} end,
    settle = function() orch.settle { f } end,
    race = function() orch.race { f } end,
    first_success = function() orch.first_success { f } end,
    wait = function() orch.wait { done } end,
    ["wait for nothing"] = function() orch.wait {} end,
    as_completed = function() for _ in orch.as_completed { f } do end end,
    ["as_completed of nothing"] = function() for _ in orch.as_completed {} do end end,
    map = function() orch.map({ 1 }, f) end,
    ["each of nothing"] = function() orch.each({}, f) end,
    retry = function() orch.retry(f) end,
    ["lock:acquire"] = function() lock:acquire():release() end,
    ["lock:acquire with a timeout"] = function() lock:acquire(1):release() end,
    ["lock:with"] = function() lock:with(f) end,
    ["semaphore:acquire"] = function() places:acquire():release() end,
    ["event:wait"] = function() event:wait() end,
    ["queue:get"] = function() queue:get() end,
    ["queue:put"] = function() queue:put(1) end,
    ["queue:iter"] = function() for _ in queue:iter() do break end end,
    ["barrier:wait"] = function() orch.barrier(1):wait() end,
    ["rate_limiter:acquire"] = function() limit:acquire() end,
    single_flight = function() orch.single_flight("checkpoint_test", f) end,
    once = once,
    thread = function() orch.thread(function() end) end,
    ["fs.exists"] = function() orch.fs.exists "/" end,
    ["process.run"] = function() orch.process.run { "true" } end,
    ["ai.compare"] = function() orch.ai.compare("x", { answering }) end,
    ["ai.fallback"] = function() orch.ai.fallback { answering }:chat "x" end,
    ["ai.hedge"] = function() orch.ai.hedge { answering }:chat "x" end,
    ["ai.map"] = function() orch.ai.map({ "x" }, answering) end,
    ["ai.map of nothing"] = function() orch.ai.map({}, answering) end,
  }
end

local calls
before_each(function() calls = all_calls() end)

local names = {}
for name in pairs(all_calls()) do names[#names + 1] = name end
table.sort(names)

for _, name in ipairs(names) do
  describe(name, function()
    it("lets every other ready task run", function()
      local other = false
      orch.spawn(function() other = true end)
      calls[name]()
      expect(other):equals(true)
    end)

    it("raises at once in a cancelled task and does nothing", function()
      ran = false
      local passed = false
      local t = orch.spawn({ hold = true }, function()
        orch.current_task():cancel()
        calls[name]()
        passed = true
      end)
      t:join()
      expect({ t:result() }):contains(false)
      expect({ passed, ran }):equals { false, false }
    end)
  end)
end
