-- 200 batches of 1,000 empty tasks, spawned and then joined.
local BATCHES, TASKS = 200, 1000

local function work(i) return i end

local function run(batches)
  for _ = 1, batches do
    local tasks = {}
    for i = 1, TASKS do tasks[i] = orch.spawn(work, i) end
    for i = 1, TASKS do assert(tasks[i]:await() == i) end
  end
end

run(20)
local start = orch.time()
run(BATCHES)
print("rate", BATCHES * TASKS / (orch.time() - start))
