--- A meeting point for `n` tasks.
---
---     local b = orch.barrier(3)   -- each of three tasks: b:wait()

local core = require "orch.core.task"
local park = require "orch.core.park"
local arg = require "orch.arg"

---@class orch.Barrier
local Barrier = { __name = "orch.barrier" }
Barrier.__index = Barrier

---Waits until `n` tasks have come; then all go on and the barrier is new again.
---@async
---@return integer index each has another one: 1 for the first that came, `n` for the last
function Barrier:wait()
  core.checkpoint()
  if self.waiting:count() + 1 < self.size then return self.waiting:wait() end
  local index = 1
  while self.waiting:wake(index) do index = index + 1 end
  return index
end

---@private
function Barrier:waiting_text()
  return ("a barrier of %d where %d wait"):format(self.size, self.waiting:count())
end

---A barrier for `n` tasks.
---@param n integer how many tasks meet, at least 1
---@return orch.Barrier
return function(n)
  n = arg.check("barrier", 1, n, "integer")
  if n < 1 then arg.fail("barrier: argument 1 should be at least 1, not %d", n) end
  local self = setmetatable({ size = n }, Barrier)
  self.waiting = park.new(self)
  return self
end
