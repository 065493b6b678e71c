--- What comes piece by piece: rows and COPY data. Outside of a transaction a connection is
--- theirs until the end; within one it is a cursor, so that the loop may use the transaction.
---
---     for row in db:rows "SELECT * FROM event" do handle(row) end

local arg = require "orch.arg"
local calls = require "orch.db.pg_calls"
local core = require "orch.core.task"
local unclosed = require "orch.unclosed"

local pg_rows = {}

local SIZE, CURSOR_SIZE = 256, 500

---@class orch.db.pg.Rows
---@field private conn orch.db.pg.Connection? while it is open
local Rows = { __name = "orch.db.Rows",
  leak = "the rows of %s were never read to their end: use them in a `for` loop" }
Rows.__index = Rows

--- The connection goes back; it is closed when it is not usable, because it is not idle then.
function Rows:finish()
  local conn = self.conn
  self.conn, self.over = nil, true
  unclosed.remove(self)
  if conn then conn.holder:release(conn) end
end

function Rows:__close()
  unclosed.remove(self)
  local conn <close> = self.conn -- given back whatever happens
  self.conn, self.over = nil, true
  if conn and conn.raw:transaction() == "active" then conn.raw:stop() end
end

local function opened(self)
  self.batch, self.i, self.over = {}, 0, false
  return unclosed.add(self)
end

local function origin_of(self)
  return { sql = self.sql, named = self.named, fname = "db:rows" }
end

local function send(self, name)
  local conn, named = self.conn, self.named
  local ok, problem = conn.raw:stream(named and named.sent or self.sql, name, self.list,
    named and named.names)
  if not ok then conn:fail(problem, origin_of(self)) end
end

local function start(self)
  self.conn = self.session:take()
  local sent = self.named and self.named.sent or self.sql
  send(self, self.conn:name_of(sent, self.at_once, origin_of(self)))
end

local fetch
function fetch(self)
  if not self.conn then start(self) end
  local rows, over, columns = self.conn.raw:fetch(self.size)
  if not rows then
    local sent = self.named and self.named.sent or self.sql
    if not self.begun and self.conn:is_stale(over, sent) then
      send(self, nil)
      return fetch(self)
    end
    self.conn:fail(over, origin_of(self))
  end
  self.begun = true
  self.conn:listen()
  self.over = over
  if columns and self.json then calls.decode(rows, columns, "rows") end
  return rows
end

local function next_item(self)
  while true do
    local i = self.i + 1
    local item = self.batch[i]
    if item ~= nil then
      self.i = i
      return item
    end
    if self.over then return self:finish() end
    local limit <close> = self.timeout and core.open("db:rows", self.timeout, false, nil, false)
      or nil
    self.batch, self.i = self:fetch(), 0
  end
end

-- ---- a cursor of a transaction ----

--- What DECLARE takes: questions, and none that change something on the way.
local function is_question(sql)
  local text = sql:gsub("%-%-[^\n]*", " "):gsub("/%*.-%*/", " "):lower()
  local word = text:match "^[%s(]*(%a+)"
  if word == "select" or word == "values" or word == "table" then
    return not text:find "%f[%a]into%f[%A]"
  end
  if word ~= "with" then return false end
  for _, change in ipairs { "insert", "update", "delete", "merge" } do
    if text:find("%f[%a]" .. change .. "%f[%A]") then return false end
  end
  return true
end

local numbered = 0

local function fetch_from_cursor(self)
  local session, call = self.session, { fname = "db:rows" }
  local conn <close> = session:take()
  if not self.cursor then
    numbered = numbered + 1
    self.cursor = "orch_cursor_" .. numbered
    call.prefix = ("DECLARE %s NO SCROLL CURSOR FOR "):format(self.cursor)
    conn:query(self.sql, self.named, self.list, "changed", call)
  end
  local rows, _, _, columns = conn:query(("FETCH %d FROM %s"):format(self.size, self.cursor), nil,
    nil, "rows", { fname = "db:rows" })
  self.over = #rows < self.size
  if columns and self.json then calls.decode(rows, columns, "rows") end
  return rows
end

local function fetch_everything(self)
  self.over = true
  return self.session:query(self.sql, self.given, { json = self.json })
end

local Cursor = { __name = "orch.db.Rows", leak = Rows.leak }
Cursor.__index = Cursor

function Cursor:finish()
  self.over = true
  unclosed.remove(self)
end

--- In a transaction that has failed or is over the server has closed it already.
function Cursor:__close(err)
  self:finish()
  if self.cursor and err == nil and self.session:is_usable() then
    self.session:script("CLOSE " .. self.cursor)
  end
end

---@param session orch.db.pg.Calls
---@param sql string
---@param named orch.db.Named?
---@param list any[]?
---@param opts table?
---@param at_once boolean prepared at its first use
function pg_rows.rows(session, sql, named, list, opts, at_once)
  opts = arg.options("db:rows", opts, { size = "integer", json = "boolean",
    timeout = "duration" })
  if opts.size and opts.size < 1 then
    arg.fail("db:rows: option `size` should be at least 1, not %d", opts.size)
  end
  local json = opts.json
  if json == nil then json = session.settings.json end
  local self = { session = session, sql = sql, named = named, list = list, json = json,
    at_once = at_once, timeout = opts.timeout or session.settings.timeout }
  if not session.is_transaction then
    self.size, self.fetch = opts.size or SIZE, fetch
    setmetatable(self, Rows)
  else
    self.size = opts.size or CURSOR_SIZE
    self.fetch = is_question(sql) and fetch_from_cursor or fetch_everything
    if named then -- as it was given, for fetch_everything
      self.given = {}
      for i, name in ipairs(named.names) do self.given[name] = list[i] end
    else
      self.given = list
    end
    setmetatable(self, Cursor)
  end
  opened(self)
  return next_item, self, nil, self
end

-- ---- COPY TO STDOUT ----

local SAVEPOINT = "orch_copy"

--- Ending a COPY early would end the transaction: it is undone alone.
local Copy = { __name = "orch.db.Copy",
  leak = "the COPY of %s was never read to its end: use it in a `for` loop" }
Copy.__index = Copy

function Copy:finish()
  local conn = self.conn
  if conn and self.in_transaction then conn:script("RELEASE " .. SAVEPOINT) end
  return Rows.finish(self)
end

function Copy:__close(err)
  unclosed.remove(self)
  local conn <close> = self.conn
  self.conn, self.over = nil, true
  if conn and conn.raw:transaction() == "active" then
    local usable = conn.raw:stop()
    if usable and self.in_transaction and err == nil then
      conn:script(("ROLLBACK TO %s; RELEASE %s"):format(SAVEPOINT, SAVEPOINT))
    end
  end
end

local function start_copy(self)
  local conn = self.session:take()
  self.conn = conn
  if self.in_transaction then conn:script("SAVEPOINT " .. SAVEPOINT) end
  local direction, problem = conn.raw:copy_start(self.sql)
  if not direction then conn:fail(problem, { sql = self.sql }) end
  if direction == "out" then return end
  if direction == "in" then conn.raw:copy_end "wrong direction" end
  arg.fail("db:copy_out: the statement should be COPY ... TO STDOUT")
end

local function fetch_copy(self)
  if not self.conn then start_copy(self) end
  local chunk, problem = self.conn.raw:copy_get()
  if chunk == false then self.conn:fail(problem, { sql = self.sql }) end
  self.over = chunk == nil
  return { chunk }
end

---@param session orch.db.pg.Calls
---@param sql string
function pg_rows.copy_out(session, sql)
  arg.check("db:copy_out", 1, sql, "string")
  local self = opened(setmetatable({ session = session, sql = sql, fetch = fetch_copy,
    in_transaction = session.is_transaction }, Copy))
  return next_item, self, nil, self
end

return pg_rows
