-- 1,000 tasks that give way to each other 1,000 times.
local TASKS, SWITCHES = 1000, 1000

local function work(n)
  local checkpoint = orch.checkpoint
  for _ = 1, n do checkpoint() end
end

local function run(n)
  local tasks = {}
  for i = 1, TASKS do tasks[i] = orch.spawn(work, n) end
  for i = 1, TASKS do tasks[i]:await() end
end

run(100)
local start = orch.time()
run(SWITCHES)
print("rate", TASKS * SWITCHES / (orch.time() - start))
