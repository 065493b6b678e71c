-- A server that was never closed ends with the script, and is told.
local server = orch.http.serve({}, function(request) return request.path end)
print(orch.http.get(server.url .. "/here").body)

-- out: /here
-- err: orch: warning: the http.serve of unclosed_server.lua:2 was never closed: write `local server <close> = http.serve(...)`, or call `server:wait()`
