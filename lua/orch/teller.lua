--- The option `progress` of what takes long: true, a label, a function or an `orch.progress`.
---
---     local tell, bar = teller.of("http.get", "game.zip")
---     local _ <close> = bar
---     tell(5 << 20, 12 << 20)                    -- bytes done, and of how many

local arg = require "orch.arg"
local clock = require "orch.core.clock"

local teller = {}

---At most so often, in seconds, is worth telling.
teller.INTERVAL = 0.1

---@param fname string for messages
---@param shown true|string|orch.Progress|fun(done: integer, total: integer?, ...)
---@return fun(done: integer, total: integer?, ...) tell
---@return orch.Progress? bar `<close>`-able, where one was made for this
function teller.of(fname, shown)
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

---Runs `fn(...)`, and `report(tell, at_end)` now and then meanwhile, and once when it has ended
---well.
---@async
---@param fname string
---@param shown any the option
---@param report fun(tell: function, at_end: boolean)
---@param fn function
---@return any ... its results
function teller.during(fname, shown, report, fn, ...)
  if not shown then return fn(...) end
  local tell, bar = teller.of(fname, shown)
  local _ <close> = bar
  return (function(...)
    report(tell, true)
    return ...
  end)((function(...)
    local s <close> = require("orch.scope").scope { name = "progress of " .. fname }
    s:spawn({ name = "progress", daemon = true }, function()
      while true do
        clock.sleep(teller.INTERVAL)
        report(tell, false)
      end
    end)
    return fn(...)
  end)(...))
end

return teller
