--- Keeps one message of one channel up to date, in a task of its own: never two requests at
--- once, never more often than `every`, and what fails is told once.
---
---     local sender = senders.new(channel, { every = 2, content = fn, keep = keep })
---     sender:start()
---     sender:touch()
---     sender:finish()      -- the last state, under the caller's time limit

local channels = require "orch.notify.channel"
local clock = require "orch.core.clock"
local core = require "orch.core.task"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local scopes = require "orch.scope"

local senders = {}

local DAEMON = 1
local LONGEST_PAUSE = 60 -- seconds between attempts while a service is down

---@class orch.notify.Sender
---@field name string of the channel
---@field failures integer deliveries that failed
---@field is_current boolean the latest state has been delivered
---@field private channel orch.notify.Channel
---@field private version integer grows with each change
---@field private sent integer the version that was delivered
local Sender = {}
Sender.__index = Sender

---@param channel orch.notify.Channel
---@param o {owner: string, every: number, content: (fun(): orch.notify.Content), kept: table?, keep: (fun(handle: table))?}
---  `owner`: whose warnings they are; `kept`: the handle of a message that is there already;
---  `keep` is told of a new one
---@return orch.notify.Sender
function senders.new(channel, o)
  local updates = channel.can_update and not channel.few_updates
  return setmetatable({
    channel = channels.with_retry(channel, false), name = channel.name, owner = o.owner,
    every = o.every, content = o.content, handle = o.kept, keep = o.keep, updates = updates, version = 1, failures = 0,
    sent = o.kept and not updates and 1 or 0, -- its beginning has been told
    in_row = 0, not_before = 0, bell = park.new "notify.live",
  }, Sender)
end

--- Something has changed. Does not wait, and wakes nobody who would only look at the clock.
function Sender:touch()
  self.version = self.version + 1
  if self.is_idle then self.bell:wake_all() end
end

local function warn(self, err)
  if self.warned then return end
  self.warned = true
  pcall(require("orch.log").warn, ("%s: %s; the run goes on"):format(self.owner, tostring(err)))
end

local function post(self, content)
  self.handle = nil
  self.handle = self.channel:post(content)
  if self.keep then self.keep(self.handle) end
end

--- One request; the final one of a channel that cannot change messages answers the first. Once,
--- another message is posted at once where the service will not change the one that there was:
--- somebody has deleted it.
local function deliver(self, content)
  local channel, handle = self.channel, self.handle
  if not handle then return post(self, content) end
  if not channel.can_update then return channel:reply(handle, content) end
  local ok, err = pcall(channel.update, channel, handle, content)
  if ok then return end
  err = errors.normalize(err)
  if err.kind ~= "rejected" or self.reposted then error(err, 0) end
  self.reposted = true
  post(self, content)
end

--- When to try again, if at all.
local function note_failure(self, err)
  self.failures, self.in_row = self.failures + 1, self.in_row + 1
  self.is_slow = err.kind == "timeout"
  local pause = math.min(self.every * 2 ^ math.min(self.in_row - 1, 10), LONGEST_PAUSE)
  self.not_before = clock.now() + math.max(pause, self.every)
  self.asked_until = err.retry_after and clock.now() + err.retry_after or 0
  self.dead = err.retryable == false or err.kind == "usage"
  warn(self, err)
end

--- Held back from a cancellation: whether a message that was on its way has arrived could not
--- be told.
local function attempt(self)
  local version = self.version
  local ok, err = pcall(function()
    local s <close> = core.open("notify " .. self.name, nil, true, self.grace, false)
    self.request = s
    deliver(self, self.content())
  end)
  self.request = nil
  if ok then
    self.sent, self.in_row, self.is_slow = version, 0, false
    self.asked_until = 0
    self.not_before = clock.now() + self.every
  elseif not self.abandoned then
    note_failure(self, errors.normalize(err))
  end
end

--- Until the bell rings or the time has come.
local function rest(self, until_when)
  local left = until_when - clock.now()
  if left > 0 then scopes.move_on_after(left, self.bell.wait, self.bell) end
end

local function work(self)
  while not self.stopping and not self.dead do
    local due = math.max(self.not_before, self.asked_until or 0, self.channel.limit.not_before)
    local begun = self.sent > 0 and not self.updates -- only the end is told after that
    if self.sent == self.version or begun then
      self.is_idle = not begun
      self.bell:wait()
      self.is_idle = false
    elseif due > clock.now() then
      rest(self, due)
    else
      attempt(self)
    end
  end
end

---Begins to deliver, in a task of the current scope.
---@param grace number seconds for which a request outlives a cancellation
function Sender:start(grace)
  self.grace = grace
  self.task = core.spawn("notify " .. self.name, DAEMON, work, self)
end

---Waits for the request that is on its way, then delivers the last state, whatever `every`
---says. What the service asked to wait is waited for. Not called twice.
---@async
function Sender:finish()
  self.stopping = true
  self.bell:wake_all()
  self.task:join()
  if self.dead or self.sent == self.version then return end
  if self.in_row > 0 and self.is_slow then return end -- it would not answer now either
  local due = math.max(self.asked_until or 0, self.channel.limit.not_before)
  local wait = due - clock.now()
  if wait >= self.grace then return end -- nobody would be there any more
  if wait > 0 then clock.sleep(wait) end
  attempt(self)
end

---The time is over: ends a request that is on its way.
function Sender:abandon()
  self.stopping, self.abandoned = true, true
  self.bell:wake_all()
  if self.request then self.request:cancel "the time for the last update is over" end
end

---@return boolean whether the latest state was delivered
function Sender:is_done()
  return self.sent == self.version
end

return senders
