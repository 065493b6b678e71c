--- Waiting, under a lock, until something has changed.
---
---     local c = orch.condition()
---     local _ <close> = c.lock:acquire()
---     c:wait(function() return #jobs > 0 end)

local core = require "orch.core.task"
local park = require "orch.core.park"
local arg = require "orch.arg"
local locks = require "orch.lock"

---@class orch.Condition
---@field lock orch.Lock
local Condition = { __name = "orch.condition" }
Condition.__index = Condition

local function need_lock(self, fname)
  if self.lock.holder ~= core.current() then
    arg.fail("condition:%s: this task does not hold the condition's lock; write "
      .. "local _ <close> = c.lock:acquire() before it", fname)
  end
end

--- The caller's own guard goes on being the one.
local again = {
  __close = function(self)
    if self.lock.guard == self.guard then return end
    local s <close> = core.open("condition", nil, true, math.huge, false)
    self.lock:take(self.guard)
  end,
}

--- Gives the lock back, waits to be notified, and has the lock again on every path.
local function wait_once(self)
  local lock = self.lock
  local _ <close> = setmetatable({ lock = lock, guard = lock.guard }, again)
  lock:give_back(lock.guard)
  self.waiting:wait()
end

---Waits for a notification; with `pred`, until `pred()` holds. Meanwhile others may
---take the lock; this task has it again afterwards, also after an error.
---@async
---@param pred (fun(): any)? looked at once before any waiting; raises kind `usage` when
---  this task does not hold the lock
function Condition:wait(pred)
  arg.check("condition:wait", 1, pred, "callable?")
  need_lock(self, "wait")
  core.checkpoint()
  if not pred then return wait_once(self) end
  while not pred() do wait_once(self) end
end

---Wakes `n` (1) of those who wait.
---@param n integer?
function Condition:notify(n)
  n = arg.check("condition:notify", 1, n, "integer?") or 1
  if n < 0 then arg.fail("condition:notify: argument 1 should not be negative, as %d is", n) end
  need_lock(self, "notify")
  for _ = 1, n do
    if not self.waiting:wake() then return end
  end
end

---Wakes everybody who waits.
function Condition:notify_all()
  need_lock(self, "notify_all")
  self.waiting:wake_all()
end

---@private
function Condition:waiting_text()
  return "a condition that nobody has notified"
end

---A condition; `c.lock` is the lock to be held round `wait` and `notify`.
---@param lock orch.Lock? its own one by default
---@return orch.Condition
return function(lock)
  if lock ~= nil and not locks.is_lock(lock) then
    arg.fail("condition: argument 1 should be a lock, not %s", arg.describe(lock))
  end
  local self = setmetatable({ lock = lock or locks.lock() }, Condition)
  self.waiting = park.new(self)
  return self
end
