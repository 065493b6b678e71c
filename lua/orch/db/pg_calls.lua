--- What a database and a transaction have in common: every call takes a connection, asks and
--- gives it back. A pool takes any, a transaction its own.
---
---     local rows = db:query("SELECT * FROM player WHERE level > :level", { level = 30 })

local arg = require "orch.arg"
local core = require "orch.core.task"
local named_of = require("orch.db.named").of
local params = require "orch.db.params"

---@class orch.db.pg.Calls
---@field take fun(self): orch.db.pg.Connection
---@field settings orch.db.pg.Settings
local calls = {}

---@alias orch.db.Params any[]|table<string, any>

---@class orch.db.pg.QueryOptions
---@field timeout number|string? kind `timeout`, and the server has ended the statement
---@field json boolean? true: columns of json and jsonb are decoded

local spec = { timeout = "duration", json = "boolean" }

--- What has no place in the list would be left out without a word.
local function as_list(fname, given)
  local n = math.tointeger(rawget(given, "n")) or #given
  for key in next, given do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) and key ~= "n" then
      params.list(fname, nil, given) -- says so
    end
  end
  return given
end

--- Text of a statement, and its parameters in the order of their numbers.
local function read(fname, sql, given)
  if type(sql) ~= "string" then arg.check(fname, 1, sql, "string") end
  if given == nil then return nil, nil end
  if type(given) ~= "table" then arg.check(fname, 2, given, "table?") end
  if not params.is_named(given) then return nil, as_list(fname, given) end
  local named = named_of(sql)
  params.same_names(fname, named.names, given)
  if named.has_places then
    arg.fail("%s: the statement has $1 and :name; parameters are either a list or by name", fname)
  end
  local list = { n = #named.names }
  for i, name in ipairs(named.names) do list[i] = given[name] end
  return named, list
end
calls.read = read

local function decode(rows, columns, want)
  local json = require "orch.json"
  if want == "value" then return json.decode(rows) end
  for _, row in ipairs(want == "row" and { rows } or rows) do
    for _, name in ipairs(columns) do
      if row[name] ~= nil then row[name] = json.decode(row[name]) end
    end
  end
  return rows
end
calls.decode = decode

local function ask(self, sql, named, list, want, call)
  local conn <close> = self:take()
  return conn:query(sql, named, list, want, call)
end

local function run(self, fname, sql, given, opts, want, at_once)
  local named, list = read(fname, sql, given)
  local settings = self.settings
  local timeout, as_json = settings.timeout, settings.json
  if opts ~= nil then
    opts = arg.options(fname, opts, spec)
    timeout = opts.timeout or timeout
    if opts.json ~= nil then as_json = opts.json end
  end
  local limit <close> = timeout and core.open(fname, timeout, false, nil, false) or nil
  local call = { fname = fname, at_once = at_once }
  local result, changed, _, columns = ask(self, sql, named, list, want, call)
  if want == "changed" then return changed end
  if as_json and columns and result ~= nil then
    if want ~= "value" or columns[1] then result = decode(result, columns, want) end
  end
  return result
end
calls.run = run

---All rows, as tables by the names of their columns.
---@async
---@param sql string with `$1`, `$2`, ... or `:name`
---@param params orch.db.Params?
---@param opts orch.db.pg.QueryOptions?
---@return table<string, any>[] rows raises kind `db` (`code`, `position`, `detail`, `hint`,
---  `constraint`), `network`, `timeout`, `auth`
function calls:query(sql, params, opts)
  return run(self, "db:query", sql, params, opts, "rows")
end

---The first row.
---@async
---@param sql string
---@param params orch.db.Params?
---@param opts orch.db.pg.QueryOptions?
---@return table<string, any>? row nil when there is none
function calls:row(sql, params, opts)
  return run(self, "db:row", sql, params, opts, "row")
end

---The first column of the first row.
---@async
---@param sql string
---@param params orch.db.Params?
---@param opts orch.db.pg.QueryOptions?
---@return any value nil when there is no row, or it is null
function calls:value(sql, params, opts)
  return run(self, "db:value", sql, params, opts, "value")
end

---A statement that changes something.
---@async
---@param sql string
---@param params orch.db.Params?
---@param opts orch.db.pg.QueryOptions?
---@return integer changed rows
function calls:exec(sql, params, opts)
  return run(self, "db:exec", sql, params, opts, "changed")
end

local function read_many(fname, sql, list)
  arg.check(fname, 1, sql, "string")
  arg.check(fname, 2, list, "table")
  if type(list[1]) ~= "table" or not params.is_named(list[1]) then return nil, list end
  local named, rows = named_of(sql), {}
  for i, given in ipairs(list) do
    arg.check(fname, 2, given, "table")
    rows[i] = select(2, read(fname, sql, given))
  end
  return named, rows
end

---One statement for many rows of parameters: in one trip, all of them or none.
---@async
---@param sql string
---@param list orch.db.Params[]
---@param opts orch.db.pg.QueryOptions?
---@return integer changed rows; an error's `row` says which one it was
function calls:exec_many(sql, list, opts)
  local fname = "db:exec_many"
  local named, rows = read_many(fname, sql, list)
  local timeout = arg.options(fname, opts, spec).timeout or self.settings.timeout
  if #rows == 0 then return 0 end
  local limit <close> = timeout and core.open(fname, timeout, false, nil, false) or nil
  local conn <close> = self:take()
  local ok, changed = conn.raw:many(named and named.sent or sql, rows, named and named.names)
  if not ok then conn:fail(changed, { sql = sql, named = named, fname = fname }) end
  conn:listen()
  return changed
end

---Several statements without parameters: a schema, a dump. Without a transaction of its own
---in it all of it is done or nothing.
---@async
---@param sql string
---@param opts {timeout: number|string?}?
function calls:script(sql, opts)
  arg.check("db:script", 1, sql, "string")
  local timeout = arg.options("db:script", opts, { timeout = "duration" }).timeout
    or self.settings.timeout
  local limit <close> = timeout and core.open("db:script", timeout, false, nil, false) or nil
  local conn <close> = self:take()
  conn:script(sql)
end

---Rows one after the other, in constant memory: `for row in db:rows(sql) do`. The server waits
---for a loop that is slow, and `break` ends the query.
---@async
---@param sql string
---@param params orch.db.Params?
---@param opts {size: integer?, json: boolean?, timeout: number|string?}? how many at most are
---  fetched at a time; how long that may take each time
---@return fun(): table<string, any>? next
function calls:rows(sql, params, opts)
  local named, list = read("db:rows", sql, params)
  return require("orch.db.pg_rows").rows(self, sql, named, list, opts, false)
end

---COPY FROM STDIN: `source` is a string, `{ path = }`, a list or a function that gives one item
---after the other; an item is text as COPY wants it, or a row, a list of values.
---@async
---@param sql string "COPY player (id, name) FROM STDIN"
---@param source string|table|fun(): string|any[]|nil
---@return integer rows
function calls:copy(sql, source)
  return require("orch.db.pg_copy").to_server(self, sql, source)
end

---COPY TO STDOUT: `for chunk in db:copy_out "COPY player TO STDOUT (FORMAT csv)" do`.
---@async
---@param sql string
---@return fun(): string? next whole rows
function calls:copy_out(sql)
  return require("orch.db.pg_rows").copy_out(self, sql)
end

---A statement that is prepared on each connection where it is used.
---@param sql string
---@return orch.db.pg.Statement
function calls:prepare(sql)
  return require("orch.db.pg_statement")(self, sql)
end

return calls
