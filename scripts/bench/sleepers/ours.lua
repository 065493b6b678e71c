-- 100,000 tasks that sleep 0.1 s. `memory`: what each takes while all sleep.
local TASKS = 100000

local function rss()
  for line in io.lines("/proc/self/status") do
    local kb = line:match("^VmRSS:%s*(%d+)")
    if kb then return tonumber(kb) * 1024 end
  end
end

local memory = orch.args[1] == "memory"
local before = memory and rss()
local start = orch.time()
local tasks = {}
for i = 1, TASKS do tasks[i] = orch.spawn(orch.sleep, memory and 3 or 0.1) end

if memory then
  orch.sleep(1) -- every task has started and sleeps
  print("bytes", (rss() - before) / TASKS)
  os.exit(0)
end

for i = 1, TASKS do tasks[i]:await() end
print("seconds", orch.time() - start)
