--- The errors of databases: their own words, where in the statement, and never a parameter.
---
---     failure.raise { database = "players", code = "42601", sql = sql, character = 8,
---       words = 'syntax error at or near "FORM"' }

local errors = require "orch.core.error"

local failure = {}

local MOST_SQL = 200

--- The first `most` bytes, cut between two characters.
local function cut(text, most)
  if #text <= most then return text end
  while most > 0 and text:byte(most + 1) & 0xc0 == 0x80 do most = most - 1 end
  return text:sub(1, most) .. "..."
end

---Where a byte of a statement is.
---@param sql string
---@param offset integer bytes in front of it
---@return {line: integer, column: integer} position from 1, the column in characters
function failure.position(sql, offset)
  local before = sql:sub(1, offset)
  local _, lines = before:gsub("\n", "")
  local line = before:match "[^\n]*$"
  return { line = lines + 1, column = (utf8.len(line) or #line) + 1 }
end

---The same for the n-th character, from 1, as PostgreSQL counts.
---@param sql string
---@param n integer
function failure.position_of_character(sql, n)
  local ok, byte = pcall(utf8.offset, sql, n)
  return failure.position(sql, ok and byte and byte - 1 or math.min(n - 1, #sql))
end

--- The line of the statement that a position is in, without what is left and right of it.
local function line_of(sql, wanted)
  local n = 0
  for line in (sql .. "\n"):gmatch "(.-)\r?\n" do
    n = n + 1
    if n == wanted then return cut(line:match "^%s*(.-)%s*$", 120) end
  end
  return ""
end

--- ` at line 2, column 8: SELECT ...`, or just the statement's beginning.
local function where(fields, position)
  if not fields.sql then return "" end
  if position then
    return (" at line %d, column %d: %s"):format(position.line, position.column,
      line_of(fields.sql, position.line))
  end
  local text = fields.sql:gsub("%s+", " ")
  return " in: " .. cut(text:match "^ ?(.-) ?$", 120)
end

---@class orch.db.Failure
---@field database string how a person knows it: a path, or user@host/name; never a password
---@field kind string? default "db"; "timeout", "network", "auth"
---@field code string? SQLSTATE or SQLite's name
---@field words string the database's own
---@field sql string?
---@field offset integer? the bytes of `sql` in front of the mistake
---@field character integer? its character in `sql`, from 1
---@field detail string?
---@field hint string?
---@field constraint string?
---@field retryable boolean?
---@field [string] any further fields of the Error

---An Error of a database, not raised yet.
---@param fields orch.db.Failure
---@return orch.Error
function failure.make(fields)
  local err = {}
  for key, v in next, fields do err[key] = v end
  err.words, err.offset, err.character = nil, nil, nil
  err.kind = fields.kind or "db"
  local sql = fields.sql
  if sql and fields.offset then err.position = failure.position(sql, fields.offset) end
  if sql and fields.character then
    err.position = failure.position_of_character(sql, fields.character)
  end
  err.sql = sql and cut(sql, MOST_SQL)
  err.message = ("%s: %s%s%s%s%s"):format(fields.database, fields.words,
    fields.code and (" (%s)"):format(fields.code) or "", where(fields, err.position),
    fields.detail and "; " .. fields.detail or "", fields.hint and "; " .. fields.hint or "")
  return errors.make(err)
end

---Raises it.
---@param fields orch.db.Failure
function failure.raise(fields)
  errors.throw(failure.make(fields))
end

return failure
