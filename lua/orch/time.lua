--- Sleeping and the clock.
---
---     orch.sleep("500ms")

local clock = require "orch.core.clock"
local arg = require "orch.arg"

local time = {}

---Waits; `sleep(0)` is a checkpoint.
---@async
---@param duration number|string seconds, or "500ms", "5s", "2m", "1h30m"
function time.sleep(duration, ...)
  if type((...)) == "table" then arg.options("sleep", (...), {}) end
  if type(duration) ~= "number" or not (duration >= 0) then
    duration = arg.check("sleep", 1, duration, "duration")
  end
  return clock.sleep(duration)
end

---The live monotonic clock, finer than a microsecond; virtual in tests that say so.
---@return number seconds
function time.time()
  return clock.now()
end

return time
