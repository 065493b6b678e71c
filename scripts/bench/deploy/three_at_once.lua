-- Three uploads that take 1, 2 and 3 s, at once, while a message is kept up to date: seconds until
-- all have arrived. The server takes its time by itself; what is over 3 s is ours.

local PUTS = { a = 1, b = 2, c = 3 }
local arrived, messages = 0, 0

local server <close> = orch.http.serve({ port = 0 }, function(request)
  if request.method == "POST" then
    messages = messages + 1
    return 200
  elseif request.method == "PUT" then
    orch.sleep(PUTS[request.path:match "([^/]+)$"])
    arrived = arrived + 1
    return 201
  end
  return request.method == "HEAD" and 404 or 405
end)

local dir = orch.fs.temp_dir()
for name in pairs(PUTS) do orch.fs.write(dir .. "/" .. name, ("x"):rep(256 << 10)) end
local chat = orch.notify.webhook { url = server.url .. "/chat", secret = "of the benchmark" }

local started = orch.time()
do
  local live <close> = orch.notify.live({ chat }, { title = "Deploy", every = "200ms" })
  local uploads = {}
  for name in pairs(PUTS) do
    uploads[name] = function()
      orch.deploy.webdav.upload { file = dir .. "/" .. name, url = server.url .. "/" .. name,
        atomic = false, progress = function(done, total)
          live:set(name, { done = done, total = total })
        end }
      live:set(name, { state = "ok" })
    end
  end
  orch.spawn({ name = "ticks", daemon = true }, function()
    for second = 0.2, 60, 0.2 do
      orch.sleep "200ms"
      live:set("time", ("%.1f s"):format(second))
    end
  end)
  orch.gather(uploads)
end
local seconds = orch.time() - started

assert(arrived == 3, "not all three have arrived")
assert(messages >= 12, ("only %d messages were sent"):format(messages))
print(("seconds %.4f"):format(seconds))
print(("messages %d"):format(messages))
