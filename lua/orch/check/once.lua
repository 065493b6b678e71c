--- What several rules need, worked out once in a check.
---
---     local index = check.once("guids", function() return orch.unity.index "." end)

local arg = require "orch.arg"
local asset = require "orch.asset"
local single_flight = require "orch.single_flight"
local track = require "orch.check.track"

---Calls `fn` for the first rule that asks in a check, and gives its result to all of them. All
---depend on the files that it looks at.
---@async
---@generic T
---@param name string of what it is; rules that use the same name get the same
---@param fn fun(): T
---@return T
return function(name, fn)
  arg.check("check.once", 1, name, "string")
  arg.check("check.once", 2, fn, "callable")
  local memory = asset.memory()
  if not memory then return fn() end
  local key, run = "once\0" .. name, track.run()
  local entry = memory[key]
  if not entry then
    entry = { run = run, get = single_flight.once(fn) }
    memory[key] = entry
  end
  local value = entry.get()
  if run and entry.run and run ~= entry.run then track.share(run, entry.run) end
  return value
end
