--- SQLite: one connection that writes, some that read at the same time, each with a thread of
--- its own, so that neither a long statement nor a locked file holds anybody else up.
---
---     local db <close> = orch.db.sqlite("players.db", { busy = "30s" })
---     db:transaction(function(tx)
---       tx:exec("UPDATE player SET gold = gold - :price WHERE id = :id", { id = 7, price = 30 })
---     end)

local arg = require "orch.arg"
local connection = require "orch.db.sqlite.connection"
local core = require "orch.core.task"
local cursor = require "orch.db.sqlite.cursor"
local errors = require "orch.core.error"
local lock = require "orch.lock"
local methods = require "orch.db.methods"
local place = require "orch.place"
local readers = require "orch.db.sqlite.readers"
local settings_of = require "orch.db.sqlite.settings"
local transaction = require "orch.db.sqlite.transaction"

local sqlite = {}

local FAILED = connection.FAILED

---@class orch.db.Limit
---@field timeout number|string? the statement is stopped, kind `timeout`

---@class orch.db.SQLite
---@field query async fun(self, sql: string, params: table?, opts: orch.db.Limit?): table[]
---@field row async fun(self, sql: string, params: table?, opts: orch.db.Limit?): table?
---@field value async fun(self, sql: string, params: table?, opts: orch.db.Limit?): any
---@field exec async fun(self, sql: string, params: table?, opts: orch.db.Limit?): integer
---@field exec_many async fun(self, sql: string, list: table[], opts: orch.db.Limit?): integer
---@field script async fun(self, sql: string, opts: orch.db.Limit?): integer
---@field rows async fun(self, sql: string, params: table?, opts: table?): fun(): table?
---@field prepare async fun(self, sql: string): orch.db.Statement
---@field private settings orch.db.SQLiteSettings
local Database = { __name = "orch.db.sqlite" }
Database.__index = Database

methods.add(Database, "db")

local function check_open(self, fname)
  if self.closed then
    errors.throw(errors.make { kind = "closed",
      message = ("%s: '%s' is closed"):format(fname, self.settings.name) })
  end
  transaction.refuse_inside(self, fname)
end

--- The connection that writes; with the lock held.
local function writer(self, fname)
  if self.conn then return self.conn end
  if self.settings.mode == "r" and not self.single then
    connection.raise(self.settings, fname, nil, nil, { needs_writer = true })
  end
  self.conn = connection.open(self.settings, "writer")
  return self.conn
end

--- The file must be there, and in its mode, before somebody reads.
local function prepare_file(self, fname)
  if self.conn or self.settings.mode == "r" then return end
  local _ <close> = self.writing:acquire()
  writer(self, fname)
end

function Database:write(fname, shape, sql, given)
  local _ <close> = self.writing:acquire()
  local answer, detail = writer(self, fname):ask(fname, sql, given, shape, false)
  if answer ~= FAILED then return answer end
  connection.raise(self.settings, fname, sql, given, detail)
end

--- The texts that a reader has refused.
local function note_writes(self, sql)
  if self.noted >= 500 then self.writes, self.noted = {}, 0 end
  self.writes[sql], self.noted = true, self.noted + 1
end

local function read(self, fname, shape, sql, given)
  if not self.conn then prepare_file(self, fname) end
  local reader <close> = self.readers:take()
  local answer, detail = reader.conn:ask(fname, sql, given, shape, false)
  if answer ~= FAILED then return true, answer end
  if self.settings.mode ~= "r" then
    if detail.needs_writer then note_writes(self, sql) end
    if detail.needs_writer or detail.ask_writer then return false end
  end
  connection.raise(self.settings, fname, sql, given, detail)
end

function Database:ask(fname, shape, sql, given)
  check_open(self, fname)
  if not (self.single or shape == connection.CHANGES or self.writes[sql]) then
    local done, answer = read(self, fname, shape, sql, given)
    if done then return answer end
  end
  return self:write(fname, shape, sql, given)
end

function Database:many(fname, sql, list)
  check_open(self, fname)
  if #list > transaction.PIECE then
    return self:transaction(function(tx) return tx:exec_many(sql, list) end)
  end
  local _ <close> = self.writing:acquire()
  return transaction.many(writer(self, fname), self.settings, fname, sql, list, false)
end

function Database:statements(fname, sql)
  check_open(self, fname)
  local _ <close> = self.writing:acquire()
  local changes, detail = writer(self, fname):statements(sql, false)
  if changes ~= FAILED then return changes end
  connection.raise(self.settings, fname, sql, nil, detail)
end

function Database:compile(fname, sql)
  check_open(self, fname)
  local _ <close> = self.writing:acquire()
  local answer, detail = writer(self, fname):prepare(fname, sql)
  if answer == FAILED then connection.raise(self.settings, fname, sql, nil, detail) end
end

-- rows

function Database:cursor(fname, sql, given, size)
  check_open(self, fname)
  return cursor.new(self, fname, sql, given, size)
end

--- With a reader of its own a statement sees one moment, and nobody waits for it. The one
--- connection of ":memory:" is shared: a piece is read between the others' transactions.
function Database:enter_cursor(reading)
  check_open(self, reading.fname)
  if self.single then
    local guard = self.writing:acquire()
    reading.conn = reading.conn or writer(self, reading.fname)
    return guard
  elseif not reading.conn then
    prepare_file(self, reading.fname)
    reading.reader = self.readers:lend()
    reading.conn = reading.reader.conn
  end
end

function Database:end_cursor(reading)
  local reader = reading.reader
  reading.reader = nil
  if reader then self.readers:give(reader) end
end

-- transactions

local transaction_options = { timeout = "duration", mode = "string" }
local modes = { immediate = "IMMEDIATE", deferred = "DEFERRED", exclusive = "EXCLUSIVE" }

---Runs `fn(tx)` in a transaction: committed when it returns, rolled back when it raises or is
---cancelled. What `fn` spawns is joined before. Others that write wait for their turn.
---@async
---@param fn async fun(tx: orch.db.SQLiteTransaction): ...
---@param opts {timeout: number|string?, mode: "immediate"|"deferred"|"exclusive"|nil}?
---@return any ... the results of `fn`; raises what `fn` raises, kind `db`, kind `timeout`
function Database:transaction(fn, opts)
  arg.check("db:transaction", 1, fn, "callable")
  opts = arg.options("db:transaction", opts, transaction_options)
  local mode = modes[opts.mode or "immediate"]
  if not mode then
    arg.fail('db:transaction: option `mode` should be "immediate", "deferred" or "exclusive", '
      .. "not %q", opts.mode)
  end
  check_open(self, "db:transaction")
  local limit <close> = opts.timeout
    and core.open("db:transaction", opts.timeout, false, nil, false)
  local _ <close> = self.writing:acquire()
  local conn = writer(self, "db:transaction")
  local guard <close> = setmetatable({}, { __close = function()
    if self.conn == conn and conn:in_transaction() then -- could not be rolled back
      self.conn = nil
      conn:close()
    end
  end })
  return transaction.run(self, conn, mode, fn)
end

-- the whole file

local function copy(self, target)
  if self.single then
    local _ <close> = self.writing:acquire()
    return writer(self, "db:backup"):backup(target)
  end
  prepare_file(self, "db:backup")
  local reader <close> = self.readers:lend()
  return reader.conn:backup(target)
end

---Copies the database, as it is at one moment, while others go on using it. The file appears
---when it is whole.
---@async
---@param path orch.Path replaced when it is there; raises kinds `db` and `os`
function Database:backup(path)
  local shown = arg.check("db:backup", 1, path, "path")
  check_open(self, "db:backup")
  local fs = require "orch.fs"
  local part = place.target("db:backup", shown) .. (".%08x.part"):format(math.random(0, 2 ^ 32 - 1))
  local _ <close> = setmetatable({}, { __close = function()
    local s <close> = core.open("backup", nil, true, nil, false)
    if fs.exists(part) then fs.remove(part) end
  end })
  local answer, detail = copy(self, part)
  if answer == FAILED then
    if detail.primary == "SQLITE_CANTOPEN" then detail.words = "cannot make the file" end
    detail.words = ("backup to '%s': %s"):format(shown, detail.words)
    detail.primary = ""
    connection.raise(self.settings, "db:backup", nil, nil, detail)
  end
  fs.move(part, place.resolve(shown))
end

---Waits for what is being written, and closes; `<close>` does the same. What still reads ends
---with an error of kind `closed`.
---@async
function Database:close()
  if self.closed then return end
  transaction.refuse_inside(self, "db:close")
  self.closed = true
  if self.writing:locked() then
    local s <close> = core.open("db:close", nil, true, nil, false)
    self.writing:acquire():release()
  end
  local conn = self.conn
  self.conn = nil
  self.readers:close(conn)
end

Database.__close = Database.close

---A database; nothing is opened until it is first used.
---@param path orch.Path|":memory:"
---@param opts orch.db.SQLiteOptions?
---@return orch.db.SQLite
function sqlite.open(path, opts)
  local settings = settings_of(path, opts)
  local self = setmetatable({ settings = settings, single = settings.single, writes = {}, noted = 0,
    writing = lock.lock(), readers = readers.new(settings), closed = false }, Database)
  self.writing.name = ("the writer of '%s'"):format(path)
  return self
end

return sqlite
