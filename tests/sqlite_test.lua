-- orch.core.sqlite: values both ways, failures, cancellation, order, two connections.

local sqlite = require "orch.core.sqlite"

local function db_in(folder)
  return sqlite.open(folder .. "/a.db", "rwc", 0)
end

-- The task has asked when this returns, whatever the order of the ready tasks is.
local function start(fn, ...)
  local args, begun = table.pack(...), false
  local task = orch.spawn({ hold = true }, function()
    begun = true
    return fn(table.unpack(args, 1, args.n))
  end)
  while not begun do orch.checkpoint() end
  return task
end

-- Never ends by itself.
local ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
  .. "SELECT count(*) FROM c"

describe("sqlite", function()
  local db, folder

  before_each(function()
    folder = orch.fs.temp_dir()
    db = db_in(folder)
  end)

  after_each(function()
    db:close()
  end)

  it("gives back the values that it was given", function()
    db:script "CREATE TABLE t (i, f, s, b, n)"
    local bytes = "\0\xff'\n" .. ("x"):rep(5000)
    local row = { math.mininteger, 0.1, "größe\0;", sqlite.blob(bytes), nil, n = 5 }
    local rows, names, changes, last = db:query("INSERT INTO t VALUES (?, ?, ?, ?, ?)", row)
    expect(rows):is_nil()
    expect(names):is_nil()
    expect(changes):equals(1)
    expect(last):equals(1)
    rows, names, changes = db:query("SELECT *, typeof(b) AS type FROM t", nil, true)
    expect(rows):equals {
      { i = math.mininteger, f = 0.1, s = "größe\0;", b = bytes, type = "blob" },
    }
    expect(math.type(rows[1].i)):equals "integer"
    expect(names):equals { "i", "f", "s", "b", "n", "type" }
    expect(changes):equals(0)
    rows = db:query("SELECT n, 1.0, true, ? FROM t", { true }, false, "NULL")
    expect(rows):equals { { "NULL", 1.0, 1, 1 } }
    expect(math.type(rows[1][2])):equals "float"
    expect(db:query("SELECT * FROM t WHERE i = 0")):equals {}
    expect(function() db:query("SELECT ?", { 0 / 0 }) end):raises("usage")
  end)

  it("runs a batch as one transaction, all of it or nothing", function()
    db:script "CREATE TABLE a (x UNIQUE); CREATE TABLE b (y)"
    local _, _, changes = db:batch {
      { "INSERT INTO a VALUES (?)", { { 1 }, { 2 }, { 3 } } },
      { "INSERT INTO b SELECT x * ? FROM a", { { 10 } } },
    }
    expect(changes):equals(6)
    expect(db:query "SELECT sum(y) FROM b"):equals { { 60 } }
    local err = expect(function()
      db:batch { { "DELETE FROM b", { {} } }, { "INSERT INTO a VALUES (?)", { { 4 }, { 1 } } } }
    end):raises { kind = "db", code = "SQLITE_CONSTRAINT" }
    expect(err.message):contains "UNIQUE constraint failed: a.x"
    expect(err.sql):equals "INSERT INTO a VALUES (?)"
    expect(db:in_transaction()):is(false)
    expect(db:query "SELECT count(*), sum(x) FROM a"):equals { { 3, 6 } }
    expect(db:query "SELECT sum(y) FROM b"):equals { { 60 } }
    expect(function() db:batch { { "DELETE FROM b" } } end):raises "list of {sql, rows}"
  end)

  it("a statement stays compiled while the table under it changes", function()
    db:script "CREATE TABLE t (a)"
    for i = 1, 100 do -- more texts than the cache keeps
      db:query(("INSERT INTO t VALUES (%d)"):format(i))
    end
    expect(db:query("SELECT * FROM t WHERE a = ?", { 7 }, true)):equals { { a = 7 } }
    db:script "ALTER TABLE t ADD COLUMN b DEFAULT 'new'"
    expect(db:query("SELECT * FROM t WHERE a = ?", { 8 }, true))
      :equals { { a = 8, b = "new" } }
  end)

  it("says what was wrong", function()
    local err = expect(function()
      db:query("SELECT *\nFROM missing" .. (" -- ä"):rep(50))
    end):raises { kind = "db", code = "SQLITE_ERROR", path = folder .. "/a.db" }
    expect(err.message):contains "no such table: missing (SQLITE_ERROR) in: SELECT *"
    expect(err.message):matches "%.%.%.$"
    expect(utf8.len(err.message)):truthy()
    local function message(sql, params)
      return expect(function() db:query(sql, params) end):raises("db").message
    end
    expect(message("SELECT ?, ?", { 1 })):contains "has 2 parameters, 1 were given"
    expect(message "SELECT 1; SELECT 2"):contains "more than one statement"
    expect(message "SELECT 1; nonsense"):contains "more than one statement"
    expect(message " -- nothing"):contains "there is no statement"
    expect(message "SELECT 1\0"):contains "NUL"
    expect(db:query "SELECT 1; -- the end"):equals { { 1 } }
    expect(function() db:query("SELECT ?", { print }) end)
      :raises { kind = "usage", message = "parameter 1 should be a number" }
    expect(function() sqlite.open(folder .. "/none/a.db", "rwc") end)
      :raises { kind = "db", code = "SQLITE_CANTOPEN" }
    expect(function() sqlite.open(folder .. "/b.db", "rw") end)
      :raises { kind = "db", code = "SQLITE_CANTOPEN" }
    orch.fs.write(folder .. "/bad.db", ("garbage"):rep(1000))
    local bad = sqlite.open(folder .. "/bad.db", "rwc")
    expect(function() bad:query "SELECT * FROM sqlite_master" end)
      :raises { kind = "db", code = "SQLITE_NOTADB" }
    bad:close()
  end)

  it("counts what a statement changes, not what its triggers do", function()
    db:script [[CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 0), (2, 0);
      CREATE TRIGGER c AFTER UPDATE OF a ON t BEGIN UPDATE t SET b = b + 1; END]]
    expect(select(3, db:query "UPDATE t SET a = 5 WHERE a = 1")):equals(1)
    expect(select(3, db:query "UPDATE t SET a = 9 WHERE a = 1")):equals(0)
    expect(select(3, db:query "CREATE TABLE u (a)")):equals(0)
    expect(select(3, db:script "UPDATE t SET a = 7; CREATE TABLE v (a); DELETE FROM t")):equals(4)
  end)

  it("what cannot be opened leaves no thread behind", function()
    local function threads()
      return tonumber(orch.fs.read "/proc/self/status":match "Threads:%s*(%d+)")
    end
    collectgarbage()
    collectgarbage "stop"
    local before = threads()
    for _ = 1, 50 do pcall(sqlite.open, folder .. "/none/a.db", "rw") end
    local after = threads()
    collectgarbage "restart"
    expect(after - before):less_than(10) -- those of the pool come when they are needed
  end)

  it("a full disk is an error, and undone", function()
    db:script "CREATE TABLE t (a); PRAGMA max_page_count = 20"
    expect(function()
      db:batch { { "INSERT INTO t VALUES (zeroblob(?))", { { 10 }, { 1000000 } } } }
    end):raises { kind = "db", code = "SQLITE_FULL" }
    expect(db:query "SELECT count(*) FROM t"):equals { { 0 } }
  end)

  it("cancelled before it starts", function()
    local task = orch.spawn({ hold = true }, db.query, db, "CREATE TABLE t (a)")
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(db:query "SELECT * FROM sqlite_master"):equals {}
  end)

  it("cancelled in flight, it is over; cancelled in the queue, it never begins", function()
    local endless = start(db.query, db, ENDLESS)
    local queued = start(db.query, db, "CREATE TABLE t (a)")
    local last = start(db.query, db, "SELECT 1")
    queued:cancel "enough"
    expect(function() queued:await() end):raises "cancelled"
    endless:cancel "enough"
    expect(function() endless:await() end):raises "cancelled"
    expect(last:await()):equals { { 1 } }
    expect(db:query "SELECT * FROM sqlite_master"):equals {}
    expect(orch.move_on_after("20ms", db.script, db, "CREATE TABLE t AS " .. ENDLESS))
      :is(false)
    expect(db:query "SELECT * FROM sqlite_master"):equals {}
  end)

  it("a cancelled batch leaves nothing", function()
    db:script "CREATE TABLE t (a)"
    expect(orch.move_on_after("20ms", db.batch, db, {
      { "INSERT INTO t VALUES (?)", { { 1 }, { 2 } } },
      { "INSERT INTO t " .. ENDLESS, { {} } },
    })):is(false)
    expect(db:in_transaction()):is(false)
    expect(db:query "SELECT count(*) FROM t"):equals { { 0 } }
  end)

  it("what was done before its cancellation is not called cancelled", function()
    db:script "CREATE TABLE t (a)"
    local told = 0
    for i = 1, 300 do
      orch.move_on_after(i * 5e-6, function()
        db:batch { { "INSERT INTO t VALUES (?)", { { i } } } }
        told = told + 1
      end)
    end
    expect(db:query "SELECT count(*) FROM t"):equals { { told } }
  end)

  it("is closed in a task that is cancelled, too", function()
    local task = start(function()
      local _ <close> = setmetatable({}, { __close = function() db:close() end })
      orch.sleep "1h"
    end)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(function() db:query "SELECT 1" end):raises "closed"
  end)

  it("does one after the other, in the order of the calls", function()
    db:script "CREATE TABLE t (a INTEGER PRIMARY KEY, b)"
    local tasks = {}
    for i, n in ipairs { 3, 1, 2, 9, 4 } do
      tasks[i] = start(db.query, db, "INSERT INTO t (b) VALUES (?)", { n })
    end
    orch.wait(tasks)
    local rows = db:query "SELECT b FROM t ORDER BY a"
    expect(rows):equals { { 3 }, { 1 }, { 2 }, { 9 }, { 4 } }
  end)

  it("waits for another writer, as long as it was told to, and can be cancelled", function()
    db:script "PRAGMA journal_mode = WAL; CREATE TABLE t (a); BEGIN IMMEDIATE"
    expect(db:in_transaction()):is(true)
    local other = sqlite.open(folder .. "/a.db", "rw", 0.01)
    expect(function() other:query "INSERT INTO t VALUES (1)" end)
      :raises { kind = "db", code = "SQLITE_BUSY" }
    other:close()
    other = sqlite.open(folder .. "/a.db", "rw", 3600)
    expect(orch.move_on_after("20ms", other.query, other, "INSERT INTO t VALUES (2)"))
      :is(false)
    local waiting = orch.spawn(other.query, other, "INSERT INTO t VALUES (3)")
    orch.sleep "5ms"
    db:script "COMMIT"
    waiting:await()
    expect(db:query "SELECT a FROM t"):equals { { 3 } }
    other:close()
  end)

  it("closes after what was asked for, once", function()
    local query = start(db.query, db, "CREATE TABLE t (a)")
    db:close()
    query:await()
    expect(function() db:query "SELECT 1" end):raises { kind = "closed" }
    db:close()
    local again = sqlite.open(folder .. "/a.db", "r")
    expect(again:query "SELECT name FROM sqlite_master"):equals { { "t" } }
    expect(function() again:query "DROP TABLE t" end):raises { code = "SQLITE_READONLY" }
    -- Not closed: the collector does it.
    again = nil
    collectgarbage()
  end)
end)
