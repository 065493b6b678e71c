--- The option `progress` of archives: a function that is told how far it is, or a bar.
---
---     orch.archive.create("a.zip", { folder = "a", progress = function(done, total, name) end })

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local scopes = require "orch.scope"

local watch = {}

local INTERVAL = 0.1

--- The function to call, and what closes it.
local function teller(fname, shown)
  if arg.is_callable(shown) then return shown end
  if type(shown) == "table" then
    if type(shown.set) ~= "function" then
      arg.fail("%s: option `progress` should be true, a label, a function or an orch.progress",
        fname)
    end
    return function(done, total) shown:set(done, total) end
  end
  local bar = require "orch.progress" { label = type(shown) == "string" and shown or "",
    unit = "bytes" }
  return function(done, total) bar:set(done, total) end, bar
end

---Runs `fn(...)` while what its meter says is told at most ten times a second, and at its end.
---@async
---@param fname string
---@param shown any the option
---@param meter table of orch.core.archive
---@param fn function
---@return any ... its results
function watch.run(fname, shown, meter, fn, ...)
  if not shown then return fn(...) end
  local tell, bar = teller(fname, shown)
  local _ <close> = bar
  return (function(...)
    local _, total, name = meter:look()
    tell(total, total, name)
    return ...
  end)((function(...)
    local s <close> = scopes.scope { name = "progress of " .. fname }
    s:spawn({ name = "progress", daemon = true }, function()
      while true do
        clock.sleep(INTERVAL)
        tell(meter:look())
      end
    end)
    return fn(...)
  end)(...))
end

return watch
