--- What scripts find changed in the standard library: require may wait, os.exit
--- unwinds, and io and os follow the task's own folder and environment.

local runtime = require "orch.core.runtime"

--- os.exit as before, but every task is cancelled first and cleans up.
---@param code boolean|integer|nil
local function exit(code)
  if code == nil or code == true then code = 0 end
  if code == false then code = 1 end
  code = math.tointeger(code)
  if not code then
    require("orch.arg").fail("os.exit: argument 1 should be a whole number or a boolean")
  end
  if code < 0 or code > 255 then
    require("orch.arg").fail("os.exit: argument 1 should be from 0 to 255, not %d", code)
  end
  runtime.exit(code)
end

os.exit = exit
require "orch.compat"
require = require "orch.require"
