--- A prepared statement: the server reads and plans it once per connection.
---
---     local find <close> = db:prepare "SELECT name FROM player WHERE id = $1"
---     print(find:value { 7 })

local arg = require "orch.arg"
local calls = require "orch.db.pg_calls"

---@class orch.db.pg.Statement
---@field private session orch.db.pg.Calls
---@field private sql string
local Statement = { __name = "orch.db.Statement" }
Statement.__index = Statement

local function open(self, fname)
  if self.is_closed then arg.fail("%s: the statement is closed", fname) end
  return self.session
end

---@async
---@param params orch.db.Params?
---@param opts orch.db.pg.QueryOptions?
function Statement:query(params, opts)
  return calls.run(open(self, "statement:query"), "statement:query", self.sql, params, opts,
    "rows", true)
end

---@async
function Statement:row(params, opts)
  return calls.run(open(self, "statement:row"), "statement:row", self.sql, params, opts, "row",
    true)
end

---@async
function Statement:value(params, opts)
  return calls.run(open(self, "statement:value"), "statement:value", self.sql, params, opts,
    "value", true)
end

---@async
function Statement:exec(params, opts)
  return calls.run(open(self, "statement:exec"), "statement:exec", self.sql, params, opts,
    "changed", true)
end

---@async
function Statement:exec_many(list, opts)
  return open(self, "statement:exec_many"):exec_many(self.sql, list, opts)
end

---@async
function Statement:rows(params, opts)
  local session = open(self, "statement:rows")
  local named, list = calls.read("statement:rows", self.sql, params)
  return require("orch.db.pg_rows").rows(session, self.sql, named, list, opts, true)
end

---No more calls. The connections drop it when they need the room.
function Statement:close()
  self.is_closed = true
end

Statement.__close = Statement.close

---@param session orch.db.pg.Calls a database or a transaction
---@param sql string
---@return orch.db.pg.Statement
return function(session, sql)
  arg.check("db:prepare", 1, sql, "string")
  return setmetatable({ session = session, sql = sql, is_closed = false }, Statement)
end
