--- Task-local values, inherited by the tasks that a task spawns.
---
---     local tenant = orch.context("tenant", "none")
---     local _ <close> = tenant:set("studio-a")

local core = require "orch.core.task"
local arg = require "orch.arg"
local unclosed = require "orch.unclosed"

---@class orch.Context
local Context = { __name = "orch.context" }
Context.__index = Context

--- The table of locals is shared between tasks until one of them changes it.
local function change(key, value)
  local copy = {}
  for k, v in next, core.locals() or {} do copy[k] = v end
  copy[key] = value
  core.set_locals(copy)
end

local Restore = {
  __name = "orch.context",
  leak = "the cd, with_env or set of %s was never taken back: write "
    .. "`local _ <close> =` before it",
  __close = function(self)
    unclosed.remove(self)
    change(self.key, self.before)
  end,
}

---Its value in this task, or the default.
---@return any
function Context:get()
  local locals = core.locals()
  local value = locals and locals[self]
  if value == nil then return self.default end
  return value
end

---`local _ <close> = v:set(x)`: the value until the block is left.
---@param value any nil: the default
---@return table restore to be closed: takes the value back
function Context:set(value)
  local locals = core.locals()
  local before = locals and locals[self]
  local restore = unclosed.add(setmetatable({ key = self, before = before }, Restore))
  change(self, value)
  return restore
end

---A value of its own for each task, inherited by the tasks that a task spawns.
---@param name string for people
---@param default any what `get` gives where nothing is set
---@return orch.Context
return function(name, default)
  arg.check("context", 1, name, "string")
  return setmetatable({ name = name, default = default }, Context)
end
