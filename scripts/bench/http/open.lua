-- 10,000 requests that are open at once: open.lua URL. What each of those takes
-- that were: the server tells how many.
local http, fs = orch.http, orch.fs
local url, COUNT = orch.args[1], 10000

local function peak()
  return tonumber(fs.read("/proc/self/status"):match "VmHWM:%s*(%d+)") * 1024
end

local function get_one() return http.get(url).body end

get_one() -- everything is loaded
local before = peak()
local tasks, most = {}, 0
for i = 1, COUNT do tasks[i] = orch.spawn(get_one) end
for i = 1, COUNT do most = math.max(most, tonumber(tasks[i]:await())) end
print("answer", COUNT) -- all have succeeded
print("bytes", (peak() - before) / most)
print("open at once", most)
