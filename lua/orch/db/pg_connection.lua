--- One connection to PostgreSQL: statements that are sent again are prepared, and what the
--- server says meanwhile goes to the log.
---
---     local conn <close> = pool:take()     -- goes back to who lent it
---     local rows = conn:query(sql, nil, { 7 }, "rows")

local failure = require "orch.db.pg_failure"
local pg_connect = require "orch.db.pg_connect"

---@class orch.db.pg.Connection
---@field raw userdata
---@field holder table whose it is: a pool, or a transaction
---@field idle_since number
local Connection = {}
Connection.__index = Connection

function Connection:__close(err)
  self.holder:release(self, err)
end

local MOST_SEEN = 1000

---@async
---@param settings orch.db.pg.Settings
---@return orch.db.pg.Connection raises as pg_connect.open does
function Connection.open(settings)
  local raw = pg_connect.open(settings)
  return setmetatable({
    raw = raw, settings = settings, shown = settings.place.shown,
    pid = raw:facts(), opened = os.time(), -- nobody else's statement has their name
    prepared = {}, count = 0, uses = 0, numbered = 0, seen = {}, seen_count = 0,
  }, Connection)
end

--- Notices are told even when what they belong to has failed.
function Connection:listen()
  local list = self.raw:notices()
  if not list then return end
  for i = 1, #list, 2 do self.settings.on_notice(list[i], list[i + 1]) end
end

function Connection:fail(raw, sent)
  self:listen()
  failure.raise(self.shown, raw, sent)
end

-- ---- prepared statements ----

function Connection:forget(sent)
  if self.prepared[sent] then
    self.prepared[sent] = nil
    self.count = self.count - 1
  end
end

--- The one that was used longest ago makes room.
local function make_room(self)
  local oldest, used
  for sent, entry in next, self.prepared do
    if not used or entry.used < used then oldest, used = sent, entry.used end
  end
  local name = self.prepared[oldest].name
  self:forget(oldest)
  self.raw:script("DEALLOCATE " .. name)
end

local function prepare(self, sent, origin)
  if self.count >= self.settings.statements then make_room(self) end
  self.numbered = self.numbered + 1
  local name = ("orch_%x_%x_%d"):format(self.pid, self.opened, self.numbered)
  local ok, problem = self.raw:prepare(name, sent)
  if not ok then self:fail(problem, origin) end
  self.prepared[sent], self.count = { name = name, used = self.uses }, self.count + 1
  return name
end

--- Behind a proxy the next statement may meet another server process, which does not know what
--- this one has prepared: then the process is not the one that the connection was told of.
local function keeps_statements(self)
  local settings = self.settings
  if settings.keeps_statements == nil then
    local ok, pid = self.raw:query("SELECT pg_backend_pid()", nil, nil, "value")
    if not ok then return false end -- a transaction that has failed
    settings.keeps_statements = pid == self.pid
  end
  return settings.keeps_statements
end

--- The name under which the server knows a statement; nil: it is sent as it is. The second
--- time it is prepared, or at once when it was asked for.
function Connection:name_of(sent, at_once, origin)
  local entry = self.prepared[sent]
  self.uses = self.uses + 1
  if entry then
    entry.used = self.uses
    return entry.name
  end
  if self.settings.statements == 0 then return nil end
  if not at_once and not self.seen[sent] then
    if self.seen_count >= MOST_SEEN then self.seen, self.seen_count = {}, 0 end
    self.seen[sent], self.seen_count = true, self.seen_count + 1
    return nil
  end
  if not keeps_statements(self) then return nil end
  return prepare(self, sent, origin)
end

---Whether a statement was not executed, and is worth sending once more as it is: its table has
---changed since it was prepared, or somebody has thrown it away (DISCARD, a proxy between).
---@param problem table
---@param sent string
function Connection:is_stale(problem, sent)
  if not self.prepared[sent] then return false end
  local stale = problem.code == "26000"
    or (problem.code == "0A000" and problem.message:find "cached plan" ~= nil)
  if stale then self:forget(sent) end
  return stale and self:is_idle()
end

-- ---- statements ----

---@async
---@param sql string the script's own
---@param named orch.db.Named?
---@param list any[]? parameters
---@param want "rows"|"row"|"value"|"changed"
---@param call {fname: string, at_once: boolean?, prefix: string?}
---@return any result
---@return integer changed
---@return string tag
---@return string[]? json the columns that hold JSON
function Connection:query(sql, named, list, want, call)
  local sent = named and named.sent or sql
  if call.prefix then sent = call.prefix .. sent end
  local origin = { sql = sql, named = named, prefix = call.prefix, fname = call.fname }
  local names = named and named.names
  local name = not call.prefix and self:name_of(sent, call.at_once, origin) or nil
  local raw = self.raw
  local ok, result, changed, tag, json = raw:query(sent, name, list, want, names)
  if not ok and self:is_stale(result, sent) then
    ok, result, changed, tag, json = raw:query(sent, nil, list, want, names)
  end
  if not ok then self:fail(result, origin) end
  self:listen()
  return result, changed, tag, json
end

---Statements of our own or a script's, without parameters.
---@async
---@return string tag of the last one
function Connection:script(sql, sent)
  local ok, tag = self.raw:script(sql)
  if not ok then self:fail(tag, sent or { sql = sql }) end
  self:listen()
  return tag
end

---@return boolean it is connected, and nothing is open on it
function Connection:is_idle()
  return self.raw:transaction() == "idle"
end

function Connection:close()
  self.raw:close()
end

return Connection
