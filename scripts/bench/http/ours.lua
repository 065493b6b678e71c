-- GETs a URL many times, 100 at a time: ours.lua URL COUNT [VERSION CA]
local http = orch.http
local url, count = orch.args[1], tonumber(orch.args[2])
local options = orch.args[4] and { http_version = orch.args[3], ca = orch.args[4] }

local function get_all(n)
  local list, bytes = {}, 0
  for i = 1, n do list[i] = url end
  orch.each(list, function()
    local body = http.get(url, options).body
    bytes = bytes + #body
  end, { concurrency = 100 })
  return bytes
end

get_all(2000)
local start = orch.time()
local bytes = get_all(count)
print("rate", count / (orch.time() - start))
print("answer", bytes)
