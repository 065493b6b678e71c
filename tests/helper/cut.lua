--- A way to a local server on which connections are reset in the middle of what they send.
---
---     local cut <close> = dofile(here .. "/helper/cut.lua")(store.server.port, 100000, 2)
---     cut.url      -- the first 2 connections end after 100,000 bytes

local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")

---@async
---@param port integer of the server
---@param bytes integer after which a connection is reset
---@param times integer how many are
---@return {url: string} cut `<close>`-able
return function(port, bytes, times)
  local process = orch.process.spawn { "python3", "-S", "-E", here .. "/cut.py",
    tostring(port), tostring(bytes), tostring(times), check = false }
  local own = process:read "line"
  return setmetatable({ url = "http://127.0.0.1:" .. own }, { __close = function()
    process:kill(0)
  end })
end
