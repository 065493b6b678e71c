--- What a database, a transaction and a prepared statement have in common, whatever is
--- behind them: `ask`, `many`, `statements` and `cursor` of theirs do the work.
---
---     methods.add(Database, "db")

local arg = require "orch.arg"
local core = require "orch.core.task"

local methods = {}

local ROWS, ROW, VALUE, CHANGES = 0, 1, 2, 3

local function check_sql(fname, sql, given)
  if type(sql) ~= "string" then arg.check(fname, 1, sql, "string") end
  if given ~= nil and type(given) ~= "table" then
    arg.fail("%s: the parameters should be a table, a list or by name, not %s", fname,
      arg.describe(given))
  end
end

local timeout_only = { timeout = "duration" }
local with_size = { timeout = "duration", size = "integer" }

---For the library: a limit for a call, for `<close>`.
function methods.limit(fname, opts)
  opts = arg.options(fname, opts, timeout_only)
  return opts.timeout and core.open(fname, opts.timeout, false, nil, false)
end
local limit = methods.limit

local function add_one(class, prefix, name, shape)
  local fname = prefix .. ":" .. name
  class[name] = function(self, sql, given, opts)
    check_sql(fname, sql, given)
    local _ <close> = opts and limit(fname, opts)
    return (self:ask(fname, shape, sql, given))
  end
end

---@class orch.db.Statement
---@field private owner table
---@field sql string
local Statement = { __name = "orch.db.statement" }
Statement.__index = Statement

for _, name in ipairs { "query", "row", "value", "exec", "exec_many", "rows" } do
  Statement[name] = function(self, given, opts)
    if self.closed then arg.fail("statement:%s: it is closed", name) end
    return self.owner[name](self.owner, self.sql, given, opts)
  end
end

---Nothing more is done with it; its connections may forget it.
function Statement:close()
  self.closed = true
end
Statement.__close = Statement.close

---Gives a class the methods of the contract; `prefix` is how scripts call such a thing.
---@param class table
---@param prefix string "db" or "tx"
function methods.add(class, prefix)
  add_one(class, prefix, "query", ROWS)
  add_one(class, prefix, "row", ROW)
  add_one(class, prefix, "value", VALUE)
  add_one(class, prefix, "exec", CHANGES)

  local many, script, rows = prefix .. ":exec_many", prefix .. ":script", prefix .. ":rows"
  local prepare = prefix .. ":prepare"

  function class:exec_many(sql, list, opts)
    check_sql(many, sql)
    arg.check(many, 2, list, "table")
    local _ <close> = opts and limit(many, opts)
    return self:many(many, sql, list)
  end

  function class:script(sql, opts)
    check_sql(script, sql)
    if sql:find("\0", 1, true) then arg.fail("%s: a NUL byte in the text", script) end
    local _ <close> = opts and limit(script, opts)
    return (self:statements(script, sql))
  end

  function class:rows(sql, given, opts)
    check_sql(rows, sql, given)
    opts = arg.options(rows, opts, with_size)
    local size = opts.size or 500
    if size < 1 then arg.fail("%s: option `size` should be at least 1, not %d", rows, size) end
    local cursor = self:cursor(rows, sql, given, size)
    return function()
      if not opts.timeout or cursor.piece[cursor.i + 1] then return cursor:next() end
      local _ <close> = core.open(rows, opts.timeout, false, nil, false)
      return cursor:next()
    end, nil, nil, cursor
  end

  function class:prepare(sql)
    check_sql(prepare, sql)
    self:compile(prepare, sql)
    return setmetatable({ owner = self, sql = sql, closed = false }, Statement)
  end
end

return methods
