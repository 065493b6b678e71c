--- Locks and semaphores: first come, first served, and handed over directly.
---
---     local _ <close> = orch.lock("play"):acquire()

local core = require "orch.core.task"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local arg = require "orch.arg"

local lock = {}

--- Locks and semaphores that somebody holds: told at the end of a run.
local taken = {}

---@class orch.Guard
---@field release fun(self: orch.Guard) gives it back; `<close>` calls it
local Guard = { __name = "orch.guard" }
Guard.__index = Guard

function Guard:release()
  local owner = self.owner
  self.owner = nil
  if owner then owner:give_back(self) end
end

Guard.__close = Guard.release

---@class orch.Lock
---@field private holder orch.Task?
---@field private guard orch.Guard?
local Lock = { __name = "orch.lock" }
Lock.__index = Lock

local function wait_in(queue, timeout, what)
  local s <close> = timeout and core.open("waiting for " .. what, timeout, false, nil, false)
  return queue:wait()
end

---@private
function Lock:take()
  self.holder = core.current()
  self.guard = setmetatable({ owner = self, where = errors.where() }, Guard)
  taken[self] = true
  return self.guard
end

---@private
function Lock:give_back()
  self.holder, self.guard, taken[self] = nil, nil, nil
  self.granted = self.waiting:wake() -- whoever was woken takes it when it runs
end

---Takes the lock; waits while another task holds it.
---@async
---@param timeout number|string? raises kind `timeout` after that
---@return orch.Guard guard give it to `<close>`; raises kind `deadlock` when this task
---  holds the lock already
function Lock:acquire(timeout)
  timeout = arg.check("lock:acquire", 1, timeout, "duration?")
  core.checkpoint()
  if self.holder == core.current() then
    errors.throw(errors.make { kind = "deadlock", message = ("%s is held by this task "
      .. "already (taken at %s, again at %s): a second acquire would wait for ever")
      :format(self:describe(), self.guard.where, errors.where()) })
  end
  if self.holder or self.granted then
    wait_in(self.waiting, timeout, self:describe())
    self.granted = false
  end
  return self:take()
end

---Calls `fn(...)` while holding the lock.
---@async
---@param fn function
---@param ... any arguments of `fn`
---@return any ... its results
function Lock:with(fn, ...)
  arg.check("lock:with", 1, fn, "callable")
  local _ <close> = self:acquire()
  return fn(...)
end

---Whether a task holds it.
---@return boolean
function Lock:locked()
  return self.holder ~= nil or self.granted == true
end

---@private
function Lock:describe()
  return self.name and ("lock '%s'"):format(self.name) or "an unnamed lock"
end

---@private
function Lock:waiting_text()
  if not self.holder then return self:describe() end
  return ("%s held by %s (taken at %s)"):format(self:describe(), self.holder.name,
    self.guard.where)
end

--- Weak: a lock that nobody holds, waits for or keeps is as good as a new one.
local named = setmetatable({}, { __mode = "v" })

---A lock; the same name is the same lock in one run.
---@param name string?
---@return orch.Lock
function lock.lock(name)
  arg.check("lock", 1, name, "string?")
  if name and named[name] then return named[name] end
  local self = setmetatable({ name = name, granted = false }, Lock)
  self.waiting = park.new(self)
  if name then named[name] = self end
  return self
end

---@class orch.Semaphore
---@field private free integer
local Semaphore = { __name = "orch.semaphore" }
Semaphore.__index = Semaphore

---Takes one of the places; waits while there is none.
---@async
---@param timeout number|string? raises kind `timeout` after that
---@return orch.Guard
function Semaphore:acquire(timeout)
  timeout = arg.check("semaphore:acquire", 1, timeout, "duration?")
  core.checkpoint()
  if self.free > 0 then
    self.free = self.free - 1
  else
    wait_in(self.waiting, timeout, self:describe())
  end
  local guard = setmetatable(
    { owner = self, where = errors.where(), holder = core.current() }, Guard)
  self.guards[guard] = true
  taken[self] = true
  return guard
end

---@private
function Semaphore:give_back(guard)
  self.guards[guard] = nil
  if next(self.guards) == nil then taken[self] = nil end
  if not self.waiting:wake() then self.free = self.free + 1 end
end

---Calls `fn(...)` while holding one of the places.
---@async
---@param fn function
---@param ... any arguments of `fn`
---@return any ... its results
function Semaphore:with(fn, ...)
  arg.check("semaphore:with", 1, fn, "callable")
  local _ <close> = self:acquire()
  return fn(...)
end

---Whether every place is taken.
---@return boolean
function Semaphore:locked()
  return self.free == 0
end

---@private
function Semaphore:waiting_text()
  local holders = {}
  for guard in pairs(self.guards) do
    holders[#holders + 1] = ("%s (%s)"):format(guard.holder.name, guard.where)
  end
  table.sort(holders)
  if #holders == 0 then return self:describe() end
  return ("%s held by %s"):format(self:describe(), table.concat(holders, ", "))
end

---@private
function Semaphore:describe()
  return ("a semaphore of %d"):format(self.size)
end

---A semaphore with `n` places.
---@param n integer
---@return orch.Semaphore
function lock.semaphore(n)
  n = arg.check("semaphore", 1, n, "integer")
  if n < 1 then arg.fail("semaphore: argument 1 should be at least 1, not %d", n) end
  local self = setmetatable({ size = n, free = n, guards = {} }, Semaphore)
  self.waiting = park.new(self)
  return self
end

---Whether a value is a lock of this module.
---@param value any
---@return boolean
function lock.is_lock(value)
  return getmetatable(value) == Lock
end

---What is held right now, as sentences: after a run or a test there should be nothing.
---@return string[]
function lock.held()
  local list = {}
  for owner in pairs(taken) do list[#list + 1] = owner:waiting_text() end
  table.sort(list)
  return list
end

return lock
