--- A queue between tasks, with an end.
---
---     local q = orch.queue(10)
---     orch.spawn(function() for item in q:iter() do handle(item) end end)
---     q:put("a") q:close()

local core = require "orch.core.task"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local arg = require "orch.arg"

---@class orch.Queue
---@field private first integer
---@field private last integer
---@field private promised integer places that belong to putters who were woken and have
---  not run yet: whoever comes now must not take them
local Queue = { __name = "orch.queue" }
Queue.__index = Queue

local CLOSED = {} -- what those who wait get when the queue is closed

local function raise_closed(fname)
  errors.throw(errors.make { kind = "closed",
    message = ("queue:%s: the queue is closed"):format(fname) })
end

local function push(self, value)
  self.last = self.last + 1
  self.items[self.last] = value
end

local function pop(self)
  local value = self.items[self.first]
  self.items[self.first] = nil
  self.first = self.first + 1
  return value
end

--- A place is free: it goes to the putter that waits longest.
local function promise(self)
  if self.putters:wake() then self.promised = self.promised + 1 end
end

---The number of values in the queue.
---@return integer
function Queue:size()
  return self.last - self.first + 1
end

Queue.__len = Queue.size

---Puts a value in; waits while the queue is full.
---@async
---@param value any not nil; raises kind `closed` after close()
function Queue:put(value)
  if value == nil then arg.fail("queue:put: nil cannot be put into a queue") end
  core.checkpoint()
  local had_to_wait = not self.is_closed and self:size() + self.promised >= self.maxsize
  if had_to_wait then
    self.putters:wait()
    self.promised = self.promised - 1
  end
  if self.is_closed then raise_closed("put") end
  if not self.getters:wake(value) then
    push(self, value)
  elseif had_to_wait then
    promise(self) -- the value took no place
  end
end

--- The next value, or CLOSED when there will never be one.
local function take(self)
  core.checkpoint()
  if self:size() > 0 then
    local value = pop(self)
    promise(self)
    return value
  end
  if self.is_closed then return CLOSED end
  return self.getters:wait()
end

---Takes the oldest value out; waits while there is none.
---@async
---@return any value raises kind `closed` when the queue is closed and empty
function Queue:get()
  local value = take(self)
  if value == CLOSED then raise_closed("get") end
  return value
end

---No more values: those who wait to put fail, those who wait to get are told.
function Queue:close()
  if self.is_closed then return end
  self.is_closed = true
  self.promised = self.promised + self.putters:wake_all()
  self.getters:wake_all(CLOSED)
end

---Iterates until the queue is closed and empty.
---@async
---@return fun(): any
function Queue:iter()
  return function()
    local value = take(self)
    if value ~= CLOSED then return value end
  end
end

---@private
function Queue:waiting_text()
  return self:size() > 0 and "a full queue that nobody empties"
    or "an empty queue that nobody fills or closes"
end

---A queue; `put` waits while it holds `maxsize` values.
---@param maxsize integer? at least 1; unbounded when absent
---@return orch.Queue
return function(maxsize)
  maxsize = arg.check("queue", 1, maxsize, "integer?") or math.huge
  if maxsize < 1 then arg.fail("queue: argument 1 should be at least 1, not %d", maxsize) end
  local self = setmetatable({ items = {}, first = 1, last = 0, promised = 0,
    maxsize = maxsize, is_closed = false }, Queue)
  self.getters, self.putters = park.new(self), park.new(self)
  return self
end
