-- What a run has grown by at its end, compared to after 10,000 requests: flat.lua URL.
-- REQUESTS says how many there are.
local http, fs = orch.http, orch.fs
local url = orch.args[1]
local count = tonumber(os.getenv "REQUESTS" or 200000)

-- Garbage that waits to be collected is no growth.
local function resident()
  collectgarbage()
  return tonumber(fs.read("/proc/self/status"):match "VmRSS:%s*(%d+)") * 1024
end

local function get_all(n)
  local list = {}
  for i = 1, 10000 do list[i] = url end
  for _ = 1, n // 10000 do
    orch.each(list, function() http.get(url) end, { concurrency = 100 })
  end
end

get_all(10000)
local before = resident()
get_all(count - 10000)
print("bytes", resident() - before)
