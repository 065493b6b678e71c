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

--- The table of locals is shared between tasks, so a change is a new table.
local function changed(locals, key, value)
  local copy = {}
  for k, v in next, locals or {} do copy[k] = v end
  copy[key] = value
  return copy
end

local Restore = {
  __name = "orch.context",
  leak = "the cd, with_env or set of %s was never taken back: write "
    .. "`local _ <close> =` before it",
  __close = function(self)
    unclosed.remove(self)
    local locals = core.locals()
    if locals == self.new then -- as a rule; needs no memory
      core.set_locals(self.old)
    else
      core.set_locals(changed(locals, self.key, self.old and self.old[self.key]))
    end
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
  local old = core.locals()
  local new = changed(old, self, value)
  local restore = unclosed.add(setmetatable({ key = self, old = old, new = new }, Restore))
  core.set_locals(new)
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
