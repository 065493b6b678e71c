-- Applies the options of a run: --seed, --grace, --slow, --timeout, --trace.

local arg = require "orch.arg"
local runtime = require "orch.core.runtime"

local settings = {}

---@param text? string
---@return integer? seed raises kind `usage`
function settings.seed(text)
  local n = math.tointeger(tonumber(text))
  if text and not n then
    arg.fail("--seed should be a whole number, not '%s'", text)
  end
  return n
end

---@param found table<string, string> what was typed
---@param key string
---@return number? seconds raises kind `usage`
function settings.duration(found, key)
  if found[key] == nil then return nil end
  return arg.duration("orch", "--" .. key, found[key])
end

---@param found table<string, string>
---@return {seed: integer?, timeout: number?}
function settings.apply(found)
  local grace = settings.duration(found, "grace")
  local slow = settings.duration(found, "slow")
  local timeout = settings.duration(found, "timeout")
  local seed = settings.seed(found.seed)
  if grace then runtime.set_grace(grace) end
  if slow then runtime.set_slow(slow) end
  if seed then
    runtime.shuffle(seed)
    math.randomseed(seed)
  end
  if found.trace then require("orch.core.trace").on() end
  return { seed = seed, timeout = timeout }
end

return settings
