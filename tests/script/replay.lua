-- A tape stands in for the network: the same answers, errors and streams.
local http = orch.http
local host = "https://api.example.com"

local user = http.get(host .. "/users/7", { bearer = "whatever" }):json()
print(user.name, user.id)

local s <close> = http.stream("POST", host .. "/chat", { json = { prompt = "Hi", model = "m" } })
for event in s:events() do print(event.data) end

local ok, err = pcall(http.get, host .. "/down")
print(ok, err.kind, err.message)

-- options: --replay api.tape --tape-unused
-- out: Ada	7
-- out: Hel
-- out: lo
-- out: false	network	GET https://api.example.com/down: cannot connect: connection refused
-- err: orch: the tape's number 4 was not used: DELETE https://api.example.com/users/7
