--- The connections of a database: opened when they are needed, lent to one task at a time,
--- kept for the next one, replaced when they break.
---
---     local conn <close> = pool:take()

local Connection = require "orch.db.pg_connection"
local blocked = require "orch.db.pg_blocked"
local clock = require "orch.core.clock"
local core = require "orch.core.task"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local scope = require "orch.scope"

---@class orch.db.pg.Pool
---@field count integer open, or being opened
---@field idle orch.db.pg.Connection[] the one used last is at the end
---@field all table<orch.db.pg.Connection, true> that are open
local Pool = {}
Pool.__index = Pool

local OPEN, CLOSED = {}, {} -- what a waiter may get instead of a connection

--- Seconds after which an idle connection is looked at, and asked whether it works.
local LOOK, ASK, ANSWER = 0.05, 30, 5

---@param settings orch.db.pg.Settings
---@return orch.db.pg.Pool
function Pool.new(settings)
  local self = setmetatable({ settings = settings, count = 0, idle = {}, all = {},
    is_closed = false }, Pool)
  self.waiters = park.new(self)
  return self
end

function Pool:waiting_text()
  return ("a connection to %s: all %d are in use"):format(self.settings.place.shown, self.count)
end

local function raise_closed(self)
  errors.throw(errors.make { kind = "closed", database = self.settings.place.shown,
    message = ("%s: the database is closed"):format(self.settings.place.shown) })
end

--- Whose it is from now on.
local function lend(conn)
  conn.task = core.current()
  return conn
end

local function drop(self, conn)
  self.all[conn] = nil
  conn:close()
end

--- A connection less: the task that waits longest may open another one.
local function free_place(self)
  self.count = self.count - 1
  if self.is_closed or not self.waiters:wake(OPEN) then return end
  self.count = self.count + 1
end

local Place = { __close = function(place)
  if place.filled then return end
  if place.conn then drop(place.pool, place.conn) end
  free_place(place.pool)
end }

--- `count` has this one already.
local function open(self)
  local place <close> = setmetatable({ pool = self, filled = false }, Place)
  if self.is_closed then raise_closed(self) end
  local conn = Connection.open(self.settings)
  place.filled = true
  conn.holder = self
  self.all[conn] = true
  return lend(conn)
end

--- What was handed over to a task that does not get to use it goes on to the next.
local Waiting = { __close = function(waiting)
  local got = waiting.got
  if got == OPEN then
    free_place(waiting.pool)
  elseif got and got ~= CLOSED then
    waiting.pool:release(got)
  end
end }

local function wait(self)
  local waiting <close> = setmetatable({ pool = self }, Waiting)
  local waits <close> = blocked.wait(self)
  local timeout = self.settings.pool_timeout
  if timeout == math.huge then
    waiting.got = self.waiters:wait()
  else
    scope.move_on_after(timeout, function() waiting.got = self.waiters:wait() end)
  end
  local got = waiting.got
  waiting.got = nil
  if got == OPEN then return open(self) end
  if got == CLOSED then raise_closed(self) end
  if got then return lend(got) end
  errors.throw(errors.make { kind = "timeout", timeout = timeout,
    database = self.settings.place.shown,
    message = ("%s: no connection became free within %g s: all of them (%d, option `max`) are in "
      .. "use, other tasks that wait: %d"):format(self.settings.place.shown, timeout, self.count,
      self.waiters:count()) })
end

--- A firewall may have forgotten it without telling anybody.
local function still_answers(conn)
  local _, answers = scope.move_on_after(ANSWER, function() return (conn.raw:script "") end)
  return answers
end

local function is_usable(conn)
  local idle = clock.now() - conn.idle_since
  if idle < LOOK then return conn:is_idle() end
  return conn.raw:alive() and (idle < ASK or still_answers(conn))
end

---A connection for the running task, `<close>`-able.
---@async
---@return orch.db.pg.Connection
function Pool:take()
  if self.is_closed then raise_closed(self) end
  core.checkpoint()
  while #self.idle > 0 do
    local conn = table.remove(self.idle)
    local place <close> = setmetatable({ pool = self, conn = conn }, Place)
    place.filled = is_usable(conn)
    if place.filled then return lend(conn) end
  end
  if self.count >= self.settings.max then return wait(self) end
  self.count = self.count + 1
  return open(self)
end

local function raise_open_transaction(self)
  errors.throw(errors.make { kind = "usage", message = ("%s: a transaction was begun and not "
    .. "ended, and is rolled back: statements of their own may run on different connections; "
    .. "use db:transaction(function(tx) ... end)"):format(self.settings.place.shown) })
end

local function close_old(self, now)
  local oldest = self.idle[1]
  if oldest and now - oldest.idle_since > self.settings.idle_timeout then
    drop(self, table.remove(self.idle, 1))
    self.count = self.count - 1
  end
end

---@param conn orch.db.pg.Connection
---@param err any what its block was left with
function Pool:release(conn, err)
  conn.task = nil
  if conn:is_idle() and not self.is_closed then
    if self.waiters:wake(conn) then return end
    local now = clock.now()
    conn.idle_since = now
    self.idle[#self.idle + 1] = conn
    return close_old(self, now)
  end
  local state = conn.raw:transaction()
  drop(self, conn)
  free_place(self)
  if err == nil and (state == "open" or state == "failed") then raise_open_transaction(self) end
end

---Closes what is idle at once and the others when they come back.
function Pool:close()
  self.is_closed = true
  for _, conn in ipairs(self.idle) do drop(self, conn) end
  self.count = self.count - #self.idle
  self.idle = {}
  self.waiters:wake_all(CLOSED)
end

return Pool
