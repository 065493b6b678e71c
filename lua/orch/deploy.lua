--- Uploads to stores and servers. Each service is a module of its own, loaded when it is
--- first used; all have `upload { ... }`, and a question whether that is still to be done.
---
---     orch.deploy.ftp.upload { folder = "out/web", url = "ftp://host/game/", user = "ann" }
---     orch.deploy.google_play.upload { file = "game.aab", package = "com.example.cat",
---       key = keys.PLAY_JSON, track = "beta" }
---
--- What an upload returns is plain data, so that `orch.step` can keep it. What they share is
--- in `deploy/`: options in `common`, the file in `source`, what survives a crash in `memo`,
--- requests in `call`, errors in `failure`.

local arg = require "orch.arg"

local services = {
  ftp = true, sftp = true, google_play = true, testflight = true, s3 = true, webdav = true,
  itch = true, steam = true,
}

---@class orch.deploy
local deploy = {}

return setmetatable(deploy, {
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    if not services[name] then
      local near = arg.suggest(name, arg.keys_of(services))
      arg.fail("orch.deploy has no '%s'%s", name, near and ("; did you mean '%s'?"):format(near)
        or "; it has " .. table.concat(arg.keys_of(services), ", "))
    end
    local service = require("orch.deploy." .. name)
    rawset(deploy, name, service)
    return service
  end,
  __pairs = function()
    local names, i = arg.keys_of(services), 0
    return function()
      i = i + 1
      if names[i] then return names[i], deploy[names[i]] end
    end
  end,
})
