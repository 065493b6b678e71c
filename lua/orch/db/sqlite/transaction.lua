--- A transaction as a scope: `tx` while its function runs, committed when that returns,
--- rolled back when it raises or is cancelled.

local arg = require "orch.arg"
local connection = require "orch.db.sqlite.connection"
local context = require "orch.context"
local core = require "orch.core.task"
local cursor = require "orch.db.sqlite.cursor"
local errors = require "orch.core.error"
local methods = require "orch.db.methods"

local transaction = {}

local FAILED = connection.FAILED

--- The transactions that a task is in, also those of the tasks that it comes from.
local inside = context("db.transaction")

---@class orch.db.SQLiteTransaction
---@field private conn table
local Tx = { __name = "orch.db.transaction" }
Tx.__index = Tx

methods.add(Tx, "tx")

local function enter(self, fname)
  if self.ended then
    errors.throw(errors.make { kind = "closed", message = ("%s: the transaction of %s has ended")
      :format(fname, self.where) })
  end
  if self.inner then
    arg.fail("%s: a transaction within this one is open (of %s); use the tx that its function "
      .. "was given, and one after the other", fname, self.inner.where)
  end
end

local function checked(self, fname, sql, given, answer, detail)
  if answer ~= FAILED then return answer end
  connection.raise(self.settings, fname, sql, given, detail)
end

function Tx:ask(fname, shape, sql, given)
  if self.ended or self.inner then enter(self, fname) end
  local answer, detail = self.conn:ask(fname, sql, given, shape, true)
  if answer ~= FAILED then return answer end
  connection.raise(self.settings, fname, sql, given, detail)
end

function Tx:statements(fname, sql)
  enter(self, fname)
  return checked(self, fname, sql, nil, self.conn:statements(sql, true))
end

function Tx:compile(fname, sql)
  enter(self, fname)
  checked(self, fname, sql, nil, self.conn:prepare(fname, sql))
end

local PIECE = 10000 -- rows of parameters that a trip takes along

---For the library: many rows, a piece at a time.
function transaction.many(conn, settings, fname, sql, list, in_tx)
  local changed = 0
  for first = 1, #list, PIECE do
    local last = math.min(first + PIECE - 1, #list)
    local n, detail = conn:many(fname, sql, list, first, in_tx, last)
    if n == FAILED then
      local at = detail.row and detail.row + first - 1
      detail.row = at
      connection.raise(settings, fname, sql, at and list[at], detail)
    end
    changed = changed + n
  end
  return changed
end
transaction.PIECE = PIECE

function Tx:many(fname, sql, list)
  enter(self, fname)
  if #list <= PIECE then
    return transaction.many(self.conn, self.settings, fname, sql, list, true)
  end
  return self:transaction(function(tx)
    return transaction.many(tx.conn, tx.settings, fname, sql, list, true)
  end)
end

-- cursors

function Tx:cursor(fname, sql, given, size)
  enter(self, fname)
  local new = cursor.new(self, fname, sql, given, size)
  new.conn, new.inside = self.conn, true
  self.cursors[new] = true
  return new
end

function Tx:enter_cursor(reading)
  enter(self, reading.fname)
end

function Tx:end_cursor(reading)
  self.cursors[reading] = nil
end

local function close_cursors(self)
  local reading = next(self.cursors)
  while reading do
    reading:close()
    reading = next(self.cursors)
  end
end

-- begin and end

local function run(self, sql, inside_one)
  local answer, detail = self.conn:statements(sql, inside_one)
  if answer == FAILED then connection.raise(self.settings, "transaction", sql, nil, detail) end
end

--- Which an error may have done already. Needs no memory, and no cancellation gets into it; if
--- it fails all the same, the outer transaction cannot go on as if it had not.
function Tx:__close()
  if self.ended then return end
  close_cursors(self)
  self.ended = true
  if self.begun and self.conn:in_transaction() then
    local answer, detail = self.conn:undo(self.undo)
    if answer == FAILED then
      connection.raise(self.settings, "transaction", self.undo, nil, detail)
    end
  end
  if self.outer then self.outer.inner = nil end
end

--- The outer ones of a savepoint as well: SQLite rolls back all of it.
local function check_begun(self)
  if self.conn:in_transaction() then return end
  connection.raise(self.settings, "transaction", nil, nil, { code = "SQLITE_ABORT",
    primary = "SQLITE_ABORT", words = "the whole transaction was rolled back, by an error or by "
      .. "stopping a statement that writes: there is nothing to commit" })
end

local function call(self, fn)
  local chain = { db = self.db, outer = inside:get() }
  local _ <close> = inside:set(chain)
  local s <close> = core.open("transaction", nil, false, nil, false)
  return table.pack(fn(self))
end

local function perform(self, begin, fn)
  local tx <close> = self
  run(self, begin, self.outer and true)
  self.begun = true
  if self.outer then self.outer.inner = self end
  local results = call(self, fn)
  if self.inner then enter(self, "db:transaction") end -- which could not be undone
  close_cursors(self)
  check_begun(self)
  run(self, self.ending)
  self.ended = true
  if self.outer then self.outer.inner = nil end
  return results
end

local function new(db, conn, fields)
  fields.db, fields.conn, fields.settings = db, conn, db.settings
  fields.cursors, fields.where = {}, errors.where()
  fields.begun, fields.ended = false, false
  return setmetatable(fields, Tx)
end

---A transaction within this one (a savepoint): when `fn` raises, what it did is undone, and
---the outer transaction can go on.
---@async
---@param fn async fun(tx: orch.db.SQLiteTransaction): ...
---@param opts {timeout: number|string?}?
---@return any ... the results of `fn`
function Tx:transaction(fn, opts)
  arg.check("tx:transaction", 1, fn, "callable")
  local _ <close> = opts and methods.limit("tx:transaction", opts)
  enter(self, "tx:transaction")
  local name = "orch_" .. self.depth
  local inner = new(self.db, self.conn, { outer = self, depth = self.depth + 1,
    ending = "RELEASE " .. name, undo = ("ROLLBACK TO %s; RELEASE %s"):format(name, name) })
  local results = perform(inner, "SAVEPOINT " .. name, fn)
  return table.unpack(results, 1, results.n)
end

---For the library: runs `fn` between BEGIN and COMMIT; the connection is nobody else's.
---@async
function transaction.run(db, conn, mode, fn)
  local tx = new(db, conn, { depth = 1, ending = "COMMIT", undo = "ROLLBACK" })
  local results = perform(tx, "BEGIN " .. mode, fn)
  return table.unpack(results, 1, results.n)
end

---For the library: raises kind `usage` where the task, or one that it comes from, is in a
---transaction of this database: it would wait for itself, or not see what was changed.
function transaction.refuse_inside(db, fname)
  if not core.locals() then return end
  local at = inside:get()
  while at do
    if at.db == db then
      arg.fail("%s is called inside %s; use %s, the argument of its function: the database itself "
        .. "would wait for the end of the transaction, or not see what it has changed", fname,
        "db:transaction", (fname:gsub("^db:", "tx:")))
    end
    at = at.outer
  end
end

return transaction
