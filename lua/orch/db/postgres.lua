--- PostgreSQL over a pool of connections: many tasks ask at once, and nobody waits for
--- somebody else's query.
---
---     local db <close> = orch.db.postgres "postgres://ada@db.example.com/stats"
---     local rows = db:query("SELECT id, name FROM player WHERE level > $1", { 30 })

local arg = require "orch.arg"
local calls = require "orch.db.pg_calls"
local core = require "orch.core.postgres"
local value = require "orch.db.value"

core.setup(value.null, value.Blob)

---@class orch.db.PostgresOptions
---@field max integer? connections at most; 10
---@field pool_timeout number|string? how long a task waits for one; 30 s
---@field connect_timeout number|string? for each address; 10 s
---@field cancel_timeout number|string? for the server to end a cancelled statement; 5 s: then its
---  connection is closed
---@field idle_timeout number|string? after which an unused one is closed; 5 m
---@field timeout number|string? for each statement, unless it says otherwise
---@field prepare boolean? false: nothing is prepared; true: also behind a proxy, which must know
---  how; otherwise not behind a proxy such as pgbouncer
---@field statements integer? how many are kept prepared on each connection; 100
---@field json boolean? true: columns of json and jsonb are decoded
---@field on_notice (fun(severity: string, message: string))? instead of the log

---@class orch.db.pg.Settings
---@field place orch.db.pg.Place
---@field max integer
---@field pool_timeout number
---@field connect_timeout number
---@field cancel_timeout number
---@field idle_timeout number
---@field timeout number?
---@field statements integer
---@field keeps_statements boolean? nil: not known yet
---@field json boolean
---@field on_notice fun(severity: string, message: string)

local spec = {
  max = "integer", pool_timeout = "duration", connect_timeout = "duration",
  cancel_timeout = "duration", idle_timeout = "duration", timeout = "duration",
  prepare = "boolean", statements = "integer", json = "boolean", on_notice = "callable",
}

---@class orch.db.Postgres: orch.db.pg.Calls
---@field private pool orch.db.pg.Pool
local Postgres = setmetatable({ __name = "orch.db.Postgres" }, { __index = calls })
Postgres.__index = Postgres

function Postgres:__tostring()
  return "postgres " .. self.settings.place.shown
end

---For the library.
function Postgres:take()
  return self.pool:take()
end

---Runs `fn(tx)` in a transaction: committed when it returns, rolled back when it raises or is
---cancelled. `tx` has the calls of a database, all on one connection; `db` within it uses others.
---@async
---@param fn async fun(tx: orch.db.pg.Transaction): ...
---@param opts? {isolation: "serializable"|"repeatable read"|"read committed"|nil, read_only: boolean?, deferrable: boolean?, retry: boolean|integer|orch.RetryOptions|nil}
---  `retry`: again after a serialization failure or a deadlock; `fn` runs again then
---@return any ... what `fn` returns; raises as `query` does, and kind `network` with `in_doubt`
---  when the connection is lost during the commit
function Postgres:transaction(fn, opts)
  return require("orch.db.pg_transaction").run(self.pool, self.settings, fn, opts)
end

---Closes the connections: idle ones at once, the others when their tasks give them back.
function Postgres:close()
  self.pool:close()
end

Postgres.__close = Postgres.close

local levels = { WARNING = "warn", NOTICE = "info", INFO = "info" }

local function log_notice(shown)
  return function(severity, message)
    require("orch.log")[levels[severity] or "debug"](message, { database = shown })
  end
end

local postgres = {}

---@param target string|table
---@param opts orch.db.PostgresOptions?
---@return orch.db.Postgres
function postgres.open(target, opts)
  opts = arg.options("db.postgres", opts, spec)
  local place = require("orch.db.pg_place").of(target)
  local max = opts.max or 10
  if max < 1 then arg.fail("db.postgres: option `max` should be at least 1, not %d", max) end
  local settings = {
    place = place, max = max, pool_timeout = opts.pool_timeout or 30,
    connect_timeout = opts.connect_timeout or place.connect_timeout or 10,
    cancel_timeout = opts.cancel_timeout or 5, idle_timeout = opts.idle_timeout or 300,
    timeout = opts.timeout,
    statements = opts.prepare == false and 0 or math.max(opts.statements or 100, 0),
    keeps_statements = opts.prepare,
    json = opts.json or false, on_notice = opts.on_notice or log_notice(place.shown),
  }
  return setmetatable({ settings = settings, pool = require("orch.db.pg_pool").new(settings) },
    Postgres)
end

return postgres
