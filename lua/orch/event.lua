--- A flag that tasks wait for.
---
---     local ready = orch.event()
---     orch.spawn(function() ready:wait() print "go" end)
---     ready:set()

local core = require "orch.core.task"
local park = require "orch.core.park"

---@class orch.Event
---@field private flag boolean
local Event = { __name = "orch.event" }
Event.__index = Event

---Raises the flag and wakes everybody who waits; does not wait itself.
function Event:set()
  self.flag = true
  self.waiting:wake_all()
end

---Lowers the flag.
function Event:clear()
  self.flag = false
end

---Whether the flag is up.
---@return boolean
function Event:is_set()
  return self.flag
end

---Waits until the flag is up.
---@async
function Event:wait()
  core.checkpoint()
  if not self.flag then self.waiting:wait() end
end

---@private
function Event:waiting_text()
  return "an event that nobody has set"
end

---A flag, lowered at first.
---@return orch.Event
return function()
  local self = setmetatable({ flag = false }, Event)
  self.waiting = park.new(self)
  return self
end
