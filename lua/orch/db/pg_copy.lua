--- COPY FROM STDIN: whatever gives text or rows, sent as fast as the server takes it.
---
---     db:copy("COPY player (id, name) FROM STDIN", { { 1, "ada" }, { 2, "linus" } })

local arg = require "orch.arg"
local core = require "orch.core.task"
local fs = require "orch.fs"
local value = require "orch.db.value"

local pg_copy = {}

local PIECE = 64 * 1024

local escapes = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function wrong(i, problem)
  arg.fail("db:copy: column %d of a row %s", i, problem)
end

--- A value in COPY's text format.
local function field(v, i)
  local kind = type(v)
  if kind == "string" then
    if v:find("\0", 1, true) then wrong(i, "has a NUL byte: use db.blob and a bytea") end
    return v:find "[\\\n\r\t]" and v:gsub("[\\\n\r\t]", escapes) or v
  end
  if kind == "number" then
    if math.type(v) == "integer" then return ("%d"):format(v) end
    if v ~= v then return "NaN" end
    if v == math.huge then return "Infinity" elseif v == -math.huge then return "-Infinity" end
    return ("%.17g"):format(v)
  end
  if kind == "boolean" then return v and "t" or "f" end
  if value.is_null(v) then return "\\N" end
  local bytes = value.bytes(v)
  if bytes then return "\\\\x" .. require "orch.hex" (bytes) end
  wrong(i, value.problem(v))
end

local function line_of(row)
  local fields = {}
  for i = 1, math.tointeger(rawget(row, "n")) or #row do
    local text = field(row[i], i)
    fields[i] = text
  end
  return table.concat(fields, "\t") .. "\n"
end

--- Rows are written as COPY's default format; for csv and binary only bytes will do.
local function takes_rows(sql)
  local text = sql:lower()
  return not text:find "%f[%a]csv%f[%A]" and not text:find "%f[%a]binary%f[%A]"
    and not text:find "%f[%a]delimiter"
end

--- Text of an item, a string or a row.
local function text_of(item, rows_allowed)
  if type(item) == "string" then return item end
  if type(item) ~= "table" or value.bytes(item) then
    arg.fail("db:copy: an item should be text or a row (a list of values), not %s",
      arg.describe(item))
  end
  if not rows_allowed then
    arg.fail("db:copy: rows as lists need COPY's text format; leave FORMAT and DELIMITER out, "
      .. "or give text")
  end
  return line_of(item)
end

local function from_list(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

local function from_file(path)
  arg.check("db:copy", 2, path, "path")
  local at, size = 0, fs.stat(path).size
  return function()
    if at >= size then return nil end
    local piece = fs.read(path, { offset = at, length = PIECE })
    at = at + #piece
    return #piece > 0 and piece or nil
  end
end

local function items_of(source)
  if type(source) == "string" then return from_list { source } end
  if arg.is_callable(source) then return source end
  arg.check("db:copy", 2, source, "string|table|callable")
  return source.path and from_file(source.path) or from_list(source)
end

--- Each call of `items` gives an item or nil; they are sent in pieces of a sensible size.
local function send(conn, items, rows_allowed)
  local parts, n, size = {}, 0, 0
  local function flush()
    if n > 0 and not conn.raw:copy_put(table.concat(parts, "", 1, n)) then n = -1 end
    parts, size = {}, 0
    if n < 0 then return false end
    n = 0
    return true
  end
  for item in items do
    local text = text_of(item, rows_allowed)
    n, size = n + 1, size + #text
    parts[n] = text
    if size >= PIECE and not flush() then return end
  end
  flush()
end

--- A COPY that was begun and not ended makes the server forget what it got.
local Unfinished = { __close = function(self)
  if self.conn.raw:transaction() ~= "active" then return end
  local shield <close> = core.open("db:copy", nil, true, 10, false)
  self.conn.raw:copy_end "the client did not finish"
end }

local function start(conn, sql)
  local direction, problem = conn.raw:copy_start(sql)
  if not direction then conn:fail(problem, { sql = sql }) end
  if direction == "in" then return end
  if direction == "out" then conn.raw:stop() end
  arg.fail("db:copy: the statement should be COPY ... FROM STDIN")
end

---@async
---@param session orch.db.pg.Calls
---@param sql string
---@param source string|table|fun(): string|any[]|nil
---@return integer rows
function pg_copy.to_server(session, sql, source)
  arg.check("db:copy", 1, sql, "string")
  local items, rows_allowed = items_of(source), takes_rows(sql)
  local conn <close> = session:take()
  start(conn, sql)
  local unfinished <close> = setmetatable({ conn = conn }, Unfinished)
  send(conn, items, rows_allowed)
  local rows, problem = conn.raw:copy_end()
  if not rows then conn:fail(problem, { sql = sql }) end
  conn:listen()
  return rows
end

return pg_copy
