--- What went wrong with PostgreSQL, as an Error: the server's words and where in the script's
--- own statement, however it was sent.
---
---     pg_failure.raise(place.shown, raw, { sql = sql, named = named })

local failure = require "orch.db.failure"
local params = require "orch.db.params"

local pg_failure = {}

--- libpq explains at length, and repeats the address.
local function first_line(text)
  return (text:match "^%s*([^\n]*)":gsub("%s+$", ""))
end

--- The bytes in front of the mistake, in the text that the script gave; nil: not known.
local function offset_of(raw, sent)
  local character = math.tointeger(raw.position)
  if not character or not sent.sql then return nil end
  local text = (sent.prefix or "") .. (sent.named and sent.named.sent or sent.sql)
  local ok, byte = pcall(utf8.offset, text, character)
  local offset = (ok and byte or character) - 1 - #(sent.prefix or "")
  if offset < 0 then return nil end
  return sent.named and require("orch.db.named").original(sent.named, offset) or offset
end

local function kind_of(raw)
  if raw.lost then return "network" end
  if raw.code == "57014" and raw.message:find "timeout" then return "timeout" end
  return "db"
end

local hints = {
  ["42601"] = function(raw)
    return raw.message:find "multiple commands" and "several statements go to db:script" or nil
  end,
  ["26000"] = function() return "behind a proxy such as pgbouncer say prepare = false" end,
  ["42P18"] = function() return "say which type it is: $1::text" end,
}

local function hint_of(raw)
  if raw.hint then return raw.hint end
  local hint = hints[raw.code]
  return hint and hint(raw)
end

---@class orch.db.pg.Sent
---@field sql string? the script's own
---@field named orch.db.Named? how it was sent
---@field prefix string? what was put in front of it
---@field fname string?

---An Error, not raised yet.
---@param database string as a person knows it
---@param raw table what the C part gave
---@param sent orch.db.pg.Sent
---@return orch.Error
function pg_failure.make(database, raw, sent)
  if raw.code == "08P01" and sent.fname then
    local given, wanted = raw.message:match "supplies (%d+) parameters?,.* requires (%d+)"
    if given then params.wrong_count(sent.fname, math.tointeger(wanted), math.tointeger(given)) end
  end
  local words, retryable = first_line(raw.message), nil
  if raw.lost then
    retryable = false
    words = "the connection was lost" .. (words ~= "" and ": " .. words or "") .. (sent.sql
      and "; whether the server did what it was asked for is not known" or "")
  end
  return failure.make {
    database = database, kind = kind_of(raw), code = raw.code, words = words, sql = sent.sql,
    offset = offset_of(raw, sent), detail = raw.detail, hint = hint_of(raw),
    constraint = raw.constraint, table = raw.table, column = raw.column, schema = raw.schema,
    context = raw.context, row = raw.row, retryable = retryable,
  }
end

---Raises it.
function pg_failure.raise(database, raw, sent)
  require("orch.core.error").throw(pg_failure.make(database, raw, sent))
end

return pg_failure
