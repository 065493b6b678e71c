--- Task-local values, inherited by the tasks that a task spawns.
---
---     local tenant = orch.context("tenant", "none")
---     local _ <close> = tenant:set("studio-a")

local core = require "orch.core.task"
local arg = require "orch.arg"

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
  __close = function(self) change(self.key, self.before) end,
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
---@param value any
function Context:set(value)
  local locals = core.locals()
  local before = locals and locals[self]
  change(self, value)
  return setmetatable({ key = self, before = before }, Restore)
end

---@param name string for people
---@param default any
---@return orch.Context
return function(name, default)
  arg.check("context", 1, name, "string")
  return setmetatable({ name = name, default = default }, Context)
end
