--- So many requests and so many tokens in any minute, first come, first served. Nobody knows
--- beforehand how many tokens an answer takes: they are estimated, and corrected after.
---
---     local budget = budgets.new { requests = 50, tokens = 30000 }
---     local ticket = budget:acquire(function() return 1200 end)
---     budget:correct(ticket, 340)
---
--- Counted is the last minute at every moment, so that no way of counting on the other
--- side (fixed minutes, buckets) finds more than was allowed.

local clock = require "orch.core.clock"
local event = require "orch.event"
local locks = require "orch.lock"
local scopes = require "orch.scope"

local MINUTE = 60

---@class orch.ai.Budget
---@field private first integer
---@field private last integer
---@field private tokens integer of the tickets from `first` to `last`
---@field private held_until number
local Budget = { __name = "orch.ai.Budget" }
Budget.__index = Budget

local function forget_old(self, now)
  while self.first <= self.last and self.tickets[self.first].at + MINUTE <= now do
    self.tokens = self.tokens - self.tickets[self.first].tokens
    self.tickets[self.first].gone = true
    self.tickets[self.first] = nil
    self.first = self.first + 1
  end
end

--- Seconds until so many tokens fit in; a request larger than the limit goes alone.
local function until_tokens_fit(self, tokens, now)
  local used, at = self.tokens, now
  for i = self.first, self.last do
    if used + tokens <= self.limits.tokens then break end
    used, at = used - self.tickets[i].tokens, self.tickets[i].at + MINUTE
  end
  return at - now
end

--- Seconds until a request may go, as things are.
local function delay(self, tokens)
  local now, limits = clock.now(), self.limits
  forget_old(self, now)
  local wait = self.held_until - now
  local surplus = limits.requests and self.last - self.first + 1 - limits.requests or -1
  if surplus >= 0 then
    wait = math.max(wait, self.tickets[self.first + surplus].at + MINUTE - now)
  end
  if limits.tokens then wait = math.max(wait, until_tokens_fit(self, tokens, now)) end
  return wait
end

---Waits until a request may go.
---@async
---@param estimate fun(): integer the tokens it will take; asked again whenever one is
---  known better
---@return table ticket for `correct`
function Budget:acquire(estimate)
  local _ <close> = self.turn:acquire()
  local tokens
  while true do
    tokens = estimate()
    local wait = delay(self, tokens)
    if wait <= 0 then break end
    self.changed:clear()
    scopes.move_on_after(wait, self.changed.wait, self.changed)
  end
  local ticket = { at = clock.now(), tokens = tokens }
  self.last = self.last + 1
  self.tickets[self.last], self.tokens = ticket, self.tokens + tokens
  return ticket
end

---What a request has really taken.
---@param ticket table
---@param tokens integer
function Budget:correct(ticket, tokens)
  if not ticket.gone then self.tokens = self.tokens - ticket.tokens + tokens end
  ticket.tokens = tokens
  self.changed:set()
end

---Lets nobody go for so long: the provider says that it has had enough.
---@param seconds number
function Budget:hold(seconds)
  self.held_until = math.max(self.held_until, clock.now() + seconds)
end

local budgets = {}

---@param limits {requests: integer?, tokens: integer?} in a minute; nil: no limit
---@return orch.ai.Budget
function budgets.new(limits)
  return setmetatable({ limits = limits, tickets = {}, first = 1, last = 0, tokens = 0,
    held_until = -math.huge, turn = locks.lock(), changed = event() }, Budget)
end

return budgets
