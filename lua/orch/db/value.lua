--- What goes into a database: SQL's null and blobs as Lua values, and what else is one.
---
---     tx:exec("INSERT INTO icon VALUES (?, ?)", { value.null, value.blob(bytes) })

local arg = require "orch.arg"

local value = {}

--- SQL's null in parameters, where nil would make a list shorter. In rows it is nil.
value.null = setmetatable({}, {
  __name = "orch.db.null",
  __tostring = function() return "db.null" end,
  __newindex = function() arg.fail("db.null has no fields") end,
})

---@class orch.db.Blob
---@field [1] string the bytes
local Blob = { __name = "orch.db.blob" }
value.Blob = Blob

---Bytes that are stored as bytes: a blob in SQLite, a bytea in PostgreSQL.
---@param bytes string
---@return orch.db.Blob
function value.blob(bytes)
  arg.check("db.blob", 1, bytes, "string")
  return setmetatable({ bytes }, Blob)
end

---@param v any
---@return boolean
function value.is_null(v)
  if v == nil or v == value.null then return true end
  if type(v) ~= "userdata" then return false end
  local json = package.loaded["orch.json"]
  return json ~= nil and v == json.null
end

---@param v any
---@return string? bytes nil when it is no blob
function value.bytes(v)
  if type(v) == "table" and getmetatable(v) == Blob then return v[1] end
end

---What is wrong with a value as a parameter, in the words that follow its name.
---@param v any
---@return string? problem nil when it is a string, a number, a boolean, null or a blob
function value.problem(v)
  local kind = type(v)
  if kind == "string" or kind == "boolean" or value.is_null(v) or value.bytes(v) then return nil end
  if kind == "number" then
    return v ~= v and "is not a number (0/0): use db.null" or nil
  end
  if kind == "table" and getmetatable(v) == nil then
    return "is a table, which no column holds: use json.encode(t), or db.blob(bytes) for bytes"
  end
  return ("should be a number, a string, a boolean, db.null or a db.blob, not %s")
    :format(arg.describe(v))
end

---The name of a table or a column for the text of a statement: what a parameter cannot be.
---`db.identifier("stats", "player")` is `"stats"."player"`.
---@param name string
---@param ... string further parts, joined with a dot
---@return string quoted in both databases' way
function value.identifier(name, ...)
  local parts = { name, ... }
  for i = 1, select("#", ...) + 1 do
    local part = arg.check("db.identifier", i, parts[i], "string")
    if part == "" or part:find("\0", 1, true) then
      arg.fail("db.identifier: argument %d should be a name, not %s", i,
        part == "" and "empty" or "a string with a NUL byte")
    end
    parts[i] = '"' .. part:gsub('"', '""') .. '"'
  end
  return table.concat(parts, ".")
end

return value
