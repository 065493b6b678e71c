--- Databases: SQLite and PostgreSQL, asked by many tasks at once.
---
---     local db <close> = orch.db.sqlite "players.db"
---     for _, row in ipairs(db:query("SELECT * FROM player WHERE level > ?", { 30 })) do
---       print(row.name, row.level)
---     end

local arg = require "orch.arg"
local value = require "orch.db.value"

local db = {}

--- SQL's null among the parameters; in rows it is nil.
db.null = value.null

---Bytes that are stored as bytes (a blob, a bytea) instead of text.
---@type fun(bytes: string): orch.db.Blob
db.blob = value.blob

---A name of a table or a column for the text of a statement, quoted.
---@type fun(name: string, ...: string): string
db.identifier = value.identifier

---A SQLite database. Nothing is opened until it is first used.
---@param path orch.Path|":memory:"
---@param opts orch.db.SQLiteOptions?
---@return orch.db.SQLite
function db.sqlite(path, opts)
  return require("orch.db.sqlite").open(path, opts)
end

---A PostgreSQL database. Nothing is connected until it is first used.
---@param target string|table "postgres://user@host/name", or a table of its parts
---@param opts table?
---@return orch.db.Postgres
function db.postgres(target, opts)
  return require("orch.db.postgres").open(target, opts)
end

return arg.public("orch.db", db)
