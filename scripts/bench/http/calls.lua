-- Three calls of a second at once: calls.lua URL. What they take beyond the second.
local http = orch.http
local url = orch.args[1]

local function call() return http.get(url).body end

local start = orch.time()
local a, b, c = orch.gather(call, call, call)
print("seconds", orch.time() - start - 1)
print("answer", #a + #b + #c)
