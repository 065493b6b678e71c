--- A way to a local server on which connections are reset in the middle of what they send.
---
---     local cut <close> = dofile(here .. "/helper/cut.lua")(store.server.port, 100000, 2)
---     cut.url      -- the first 2 connections end after 100,000 bytes
---     cut:stop()   -- how many did

local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")

local Cut = {}
Cut.__index = Cut

---@async
---@return integer count of connections that were reset
function Cut:stop()
  self.process:close_stdin()
  local _, count = self.process:read("all"):gsub("cut", "")
  self.process:wait()
  return count
end

function Cut:__close()
  self.process:kill(0)
end

---@async
---@param port integer of the server
---@param bytes integer after which a connection is reset
---@param times integer how many are
---@return {url: string, stop: fun(self: table): integer} cut `<close>`-able
return function(port, bytes, times)
  local process = orch.process.spawn { "python3", "-S", "-E", here .. "/cut.py",
    tostring(port), tostring(bytes), tostring(times), check = false }
  return setmetatable({ process = process, url = "http://127.0.0.1:" .. process:read "line" }, Cut)
end
