--- Locks and semaphores: first come, first served, and handed over directly.
---
---     local _ <close> = orch.lock("play"):acquire()

local core = require "orch.core.task"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local arg = require "orch.arg"

local lock = {}

--- All locks and semaphores: what is held is told at the end of a run.
local all = setmetatable({}, { __mode = "k" })

---@class orch.Guard
---@field release fun(self: orch.Guard) gives it back; `<close>` calls it
local Guard = { __name = "orch.guard" }
Guard.__index = Guard

function Guard:release()
  local owner = self.owner
  self.owner = false
  if owner then owner:give_back(self) end
end

Guard.__close = Guard.release

--- Made before any waiting: between being woken and having it nothing may fail, not even
--- for want of memory, or what was handed over would be lost. Hence `hold` calls nothing.
local function new_guard()
  return setmetatable(
    { owner = false, holder = core.current(), where = errors.where() }, Guard)
end

local undo = {
  __close = function(self, err)
    if err ~= nil then self.guard:release() end
  end,
}

--- Waits for its turn and takes it; gives it back when leaving the time limit fails.
local function wait_turn(self, guard, timeout)
  local _ <close> = setmetatable({ guard = guard }, undo)
  local s <close> = core.open("waiting for " .. self:describe(), timeout, false, nil, false)
  self.waiting:wait()
  self:hold(guard)
end

---@class orch.Lock
---@field private holder orch.Task|false
---@field private guard orch.Guard|false
local Lock = { __name = "orch.lock" }
Lock.__index = Lock

---@private
function Lock:hold(guard)
  guard.owner = self
  self.holder, self.guard, self.granted = guard.holder, guard, false
end

---@private
function Lock:give_back(guard)
  if self.guard ~= guard then return end
  self.holder, self.guard = false, false
  self.granted = self.waiting:wake() -- whoever was woken takes it when it runs
end

---Takes the lock for this guard; a condition takes it again with the old one.
---@async
---@private
function Lock:take(guard)
  if self.holder or self.granted then self.waiting:wait() end
  self:hold(guard)
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
  local guard = new_guard()
  if (self.holder or self.granted) and timeout then
    wait_turn(self, guard, timeout)
  else
    self:take(guard)
  end
  return guard
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
  return self.holder ~= false or self.granted
end

---@private
function Lock:describe()
  return self.name and ("lock '%s'"):format(self.name) or "an unnamed lock"
end

---@private
function Lock:in_use()
  return self.holder ~= false
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
  local self = setmetatable(
    { name = name, holder = false, guard = false, granted = false }, Lock)
  self.waiting = park.new(self)
  all[self] = true
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
  local guard = new_guard()
  self.guards[guard] = true
  if self.free > 0 then
    self.free = self.free - 1
    self:hold(guard)
  elseif timeout then
    wait_turn(self, guard, timeout)
  else
    self.waiting:wait()
    self:hold(guard)
  end
  return guard
end

---@private
function Semaphore:hold(guard)
  guard.owner = self
end

---@private
function Semaphore:give_back()
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
function Semaphore:in_use()
  return self.free < self.size
end

---@private
function Semaphore:waiting_text()
  local holders = {}
  for guard in pairs(self.guards) do
    if guard.owner then
      holders[#holders + 1] = ("%s (%s)"):format(guard.holder.name, guard.where)
    end
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
  local self = setmetatable({ size = n, free = n }, Semaphore)
  self.guards = setmetatable({}, { __mode = "k" }) -- held ones and old ones
  self.waiting = park.new(self)
  all[self] = true
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
  for owner in pairs(all) do
    if owner:in_use() then list[#list + 1] = owner:waiting_text() end
  end
  table.sort(list)
  return list
end

return lock
