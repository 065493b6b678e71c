--- A transaction: one connection for the length of a function, committed at its return and
--- rolled back on an error or a cancellation. One within it is a savepoint.
---
---     db:transaction(function(tx) tx:exec("DELETE FROM session") end)

local arg = require "orch.arg"
local blocked = require "orch.db.pg_blocked"
local calls = require "orch.db.pg_calls"
local core = require "orch.core.task"
local errors = require "orch.core.error"
local lock = require("orch.lock").lock

---@class orch.db.pg.Transaction: orch.db.pg.Calls
---@field private conn orch.db.pg.Connection
---@field private outer orch.db.pg.Transaction?
---@field private inner orch.db.pg.Transaction? while there is one, it is the one to use
local Transaction = setmetatable({ __name = "orch.db.Transaction", is_transaction = true },
  { __index = calls })
Transaction.__index = Transaction

--- Seconds for a rollback while everything is being cancelled.
local GRACE = 10

local function raise(self, kind, words, more)
  local err = more or {}
  err.kind, err.database = kind, self.conn.shown
  err.message = ("%s: %s"):format(self.conn.shown, words)
  errors.throw(errors.make(err))
end

local function raise_lost(self)
  raise(self, "network", "the connection of this transaction was lost; nothing of it was kept",
    { retryable = false })
end

local function check_use(self)
  if self.is_over then
    arg.fail("db:transaction: this transaction is over; statements belong into its function")
  end
  if self.inner then
    arg.fail("db:transaction: there is a transaction within this one; use that until it is over")
  end
  if self.conn.raw:transaction() == "lost" then raise_lost(self) end
end

--- One statement at a time, also when several tasks share the transaction: meanwhile it may
--- have come to an end, or to a transaction within it.
---@async
---@return orch.db.pg.Connection
function Transaction:take()
  check_use(self)
  local guard = self.turns:acquire()
  local ok, problem = pcall(check_use, self)
  if not ok then
    guard:release()
    errors.throw(problem)
  end
  self.guard = guard
  return self.conn
end

---For the library: the connection's block was left.
function Transaction:release()
  local guard = self.guard
  self.guard = nil
  guard:release()
end

---For the library.
function Transaction:is_usable()
  return not self.is_over and self.conn.raw:transaction() == "open"
end

local isolations = {
  ["serializable"] = "SERIALIZABLE", ["repeatable read"] = "REPEATABLE READ",
  ["read committed"] = "READ COMMITTED",
}

local spec = { isolation = "string", read_only = "boolean", deferrable = "boolean",
  retry = "boolean|integer|table" }

local function begin_of(opts)
  local words = { "BEGIN" }
  if opts.isolation then
    local level = isolations[opts.isolation:lower():gsub("_", " ")]
    if not level then
      arg.fail('db:transaction: option `isolation` should be "serializable", "repeatable read" or '
        .. '"read committed", not %q', opts.isolation)
    end
    words[#words + 1] = "ISOLATION LEVEL " .. level
  end
  if opts.read_only ~= nil then
    words[#words + 1] = opts.read_only and "READ ONLY" or "READ WRITE"
  end
  if opts.deferrable then words[#words + 1] = "DEFERRABLE" end
  return table.concat(words, " ")
end

local Undoing = { __close = function(undoing)
  if not undoing.done then undoing.conn:close() end
end }

--- After an error or a cancellation. A connection that does not confirm it is closed, which
--- ends the transaction as well.
local function undo(self, sql)
  local conn = self.conn
  local state = conn.raw:transaction()
  if state ~= "open" and state ~= "failed" then return end
  local undoing <close> = setmetatable({ conn = conn }, Undoing)
  local shield <close> = core.open("db:transaction", nil, true, GRACE, false)
  undoing.done = conn.raw:script(sql)
end

--- A failure within it that could not be undone, and that its function has swallowed.
local function check_whole(self)
  if self.doomed then
    raise(self, "db", "the transaction was rolled back, because a part of it could not be undone",
      { code = "25P02" })
  end
end

local function commit(self)
  local conn, state = self.conn, self.conn.raw:transaction()
  if state == "lost" then raise_lost(self) end
  check_whole(self)
  local ok, tag = conn.raw:script "COMMIT"
  if not ok then
    if tag.lost then
      raise(self, "network", "the connection was lost while the transaction was being committed; "
        .. "whether it was is not known", { retryable = false, in_doubt = true })
    end
    conn:fail(tag, {})
  end
  conn:listen()
  if tag == "ROLLBACK" then
    raise(self, "db", "the transaction was rolled back, because a statement in it had failed "
      .. "and its function went on", { code = "25P02" })
  end
end

local function new(session, conn, outer)
  return setmetatable({ conn = conn, settings = session.settings, turns = lock(), outer = outer,
    is_over = false, doomed = false }, Transaction)
end

local Whole = { __close = function(whole)
  local tx = whole.tx
  tx.is_over = true
  tx.conn.holder = whole.pool
  if not whole.committed then undo(tx, "ROLLBACK") end
end }

--- The tasks that `fn` starts are over when it is.
local function perform(tx, fn)
  local _ <close> = blocked.inside:set { conn = tx.conn, outer = blocked.inside:get() }
  local s <close> = core.open("db:transaction", nil, false, nil, false)
  return table.pack(fn(tx))
end

local function once(pool, settings, fn, begin)
  local conn <close> = pool:take()
  local tx = new({ settings = settings }, conn)
  local whole <close> = setmetatable({ tx = tx, pool = pool }, Whole)
  conn:script(begin)
  conn.holder = tx
  local results = perform(tx, fn)
  tx.is_over = true
  local turn <close> = tx.turns:acquire()
  commit(tx)
  whole.committed = true
  return table.unpack(results, 1, results.n)
end

-- ---- within a transaction ----

local Part = { __close = function(part)
  local tx, outer = part.tx, part.tx.outer
  tx.is_over = true
  tx.conn.holder, outer.inner = outer, nil
  if part.kept then return end
  local before = outer.doomed
  outer.doomed = true -- until it is undone: memory may run out on the way
  undo(tx, ("ROLLBACK TO %s; RELEASE %s"):format(part.name, part.name))
  outer.doomed = before
end }

---A transaction within this one: what it did is undone alone when it fails.
---@async
---@param fn async fun(tx: orch.db.pg.Transaction): ...
---@return any ... what `fn` returns
function Transaction:transaction(fn, opts)
  arg.check("db:transaction", 1, fn, "callable")
  if next(arg.options("db:transaction", opts, spec)) then
    arg.fail("db:transaction: a transaction within another one has no options")
  end
  local depth, outer = 1, self.outer
  while outer do depth, outer = depth + 1, outer.outer end
  local name = "orch_" .. depth
  self:script("SAVEPOINT " .. name)
  local tx = new(self, self.conn, self)
  local part <close> = setmetatable({ tx = tx, name = name }, Part)
  self.conn.holder, self.inner = tx, tx
  local results = perform(tx, fn)
  tx.is_over = true
  local turn <close> = tx.turns:acquire()
  check_whole(tx)
  self.conn:script("RELEASE " .. name)
  part.kept = true
  return table.unpack(results, 1, results.n)
end

-- ---- of a database ----

local conflicts = { ["40001"] = true, ["40P01"] = true }

local function retry_options(retry)
  local opts = {}
  if type(retry) == "table" then
    for key, v in next, retry do opts[key] = v end
  elseif math.type(retry) then
    opts.attempts = retry
  end
  opts.base = opts.base or 0.02
  opts.retry_on = opts.retry_on or function(err) return conflicts[err.code] == true end
  return opts
end

local transaction = {}

---@async
---@param pool orch.db.pg.Pool
---@param settings orch.db.pg.Settings
---@param fn async fun(tx: orch.db.pg.Transaction): ...
---@param opts table?
---@return any ...
function transaction.run(pool, settings, fn, opts)
  arg.check("db:transaction", 1, fn, "callable")
  opts = arg.options("db:transaction", opts, spec)
  local begin = begin_of(opts)
  if not opts.retry then return once(pool, settings, fn, begin) end
  return require("orch.retry")(function() return once(pool, settings, fn, begin) end,
    retry_options(opts.retry))
end

return transaction
