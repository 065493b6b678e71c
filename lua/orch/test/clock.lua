-- Virtual time for a test case: sleeps, timeouts and retries take no time.
--
--   it("retries for ten minutes", { clock = "virtual" }, function()
--     expect(function() orch.retry(flaky, { base = 60 }) end):raises()
--     expect(test.clock.now()):greater_than(600)
--   end)
--
-- While it is on, time stands still as long as anything can run, and jumps to
-- the next timer whenever nothing can run and no real operation (a file, a
-- process) is in flight. It ends with the case.

local arg = require "orch.arg"
local core = require "orch.core.clock"
local checkpoint = require("orch.core.task").checkpoint

local CHAIN = 32

local clock = {}
local virtual = false

---Makes time virtual until the case ends.
function clock.virtual()
  virtual = true
  core.set_virtual(true)
end

---Back to real time; every case ends with it.
function clock.real()
  if virtual then core.set_virtual(false) end
  virtual = false
end

---Seconds on the clock that `orch.time()` and every timer use.
---@return number seconds
function clock.now()
  return core.now()
end

---Moves virtual time forward. Timers fire in order, each at its own time, and
---what they wake runs in between. Raises kind `usage` while time is real.
---@async
---@param d number|string a duration
function clock.advance(d)
  local seconds = arg.duration("test.clock.advance", "argument 1", d)
  if not virtual then
    require("orch.error") {
      kind = "usage",
      message = "test.clock.advance: time is real here; call "
        .. "test.clock.virtual() first, or it(title, {clock = \"virtual\"}, fn)",
    }
  end
  local left = seconds
  repeat
    left = left - core.step(left)
    -- A woken task may wake another one: let such chains run out.
    for _ = 1, CHAIN do checkpoint() end
  until left < 1e-9
end

return arg.public("test.clock", clock)
