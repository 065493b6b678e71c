-- orch.db.sqlite: values, parameters, readers, transactions, rows, and what is told.

local db = orch.db

local ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
  .. "SELECT count(*) FROM c"
local COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ?) "

describe("db.sqlite", function()
  local folder, a

  before_each(function()
    folder = orch.fs.temp_dir()
    a = db.sqlite(folder .. "/a.db", { readers = 2 })
    a:script "CREATE TABLE player (id INTEGER PRIMARY KEY, name TEXT UNIQUE, x)"
  end)

  after_each(function() a:close() end)

  local function message(fn, ...)
    local args = table.pack(...)
    return expect(function() fn(table.unpack(args, 1, args.n)) end):raises().message
  end

  it("gives back the values that it was given", function()
    local bytes = "\0\xff'\n" .. ("x"):rep(5000)
    local values = { math.mininteger, math.maxinteger, 0.1, 1.0, 1e300, -0.0, "größe\0;", "",
      db.blob(bytes), db.blob "", db.null, true, false, 1 << 53 | 1 }
    for i, value in ipairs(values) do
      a:exec("INSERT INTO player (id, x) VALUES (?, ?)", { i, value })
    end
    local rows = a:query "SELECT x, typeof(x) AS type FROM player ORDER BY id"
    local got = {}
    for i, row in ipairs(rows) do got[i] = { row.type, row.x } end
    expect(got):equals {
      { "integer", math.mininteger }, { "integer", math.maxinteger }, { "real", 0.1 },
      { "real", 1.0 }, { "real", 1e300 }, { "real", -0.0 }, { "text", "größe\0;" },
      { "text", "" }, { "blob", bytes }, { "blob", "" }, { "null" }, { "integer", 1 },
      { "integer", 0 }, { "integer", 1 << 53 | 1 },
    }
    expect(math.type(rows[4].x)):equals "float"
    expect(a:value("SELECT ? IS NULL", { orch.json.null })):equals(1)
    expect(tostring(db.null)):equals "db.null"
  end)

  it("a row, a value, what has changed, and nothing", function()
    expect(a:exec "INSERT INTO player (name) VALUES ('ada'), ('bo')"):equals(2)
    expect(a:row("SELECT * FROM player WHERE id = ?", { 1 })):equals { id = 1, name = "ada" }
    expect(a:row "SELECT * FROM player WHERE id = 9"):is_nil()
    expect(a:value "SELECT name FROM player ORDER BY id DESC"):equals "bo"
    expect(a:value "SELECT x FROM player"):is_nil()
    expect(a:query "SELECT * FROM player WHERE id = 9"):equals {}
    expect(a:exec "DELETE FROM player"):equals(2)
    expect(a:exec "CREATE TABLE more (a)"):equals(0)
    expect(a:value "INSERT INTO player (name) VALUES ('eve') RETURNING id"):equals(1)
    expect(a:value "INSERT INTO player (name) VALUES ('kim') RETURNING id"):equals(2)
  end)

  it("parameters by place and by name", function()
    expect(a:value("SELECT ?1 || ?2 || ?1", { "a", "b" })):equals "aba"
    expect(a:value("SELECT :a || @b || $c || :a", { a = 1, b = 2, c = 3 })):equals "1231"
    expect(a:value("SELECT ?2", table.pack(nil, 7))):equals(7)
    expect(a:value("SELECT :n", { n = 7 })):equals(7)
    expect(a:exec_many("INSERT INTO player (id) VALUES (:n)", { { n = 5 }, { n = 6 } })):equals(2)
    local function wrong(sql, given) return message(a.query, a, sql, given) end
    expect(wrong("SELECT ?, ?", { 1 })):equals
      "db:query: the statement has 2 parameters, 1 was given"
    expect(wrong("SELECT 1", { 1 })):equals "db:query: the statement has 0 parameters, 1 was given"
    expect(wrong("SELECT :level", { levle = 1 })):equals
      "db:query: the statement has no parameter :levle; did you mean :level?"
    expect(wrong("SELECT :a, :b", { a = 1, b = nil })):equals
      "db:query: parameter :b was not given (was it nil? for SQL's null give db.null)"
    expect(wrong("SELECT :a", { a = nil })):contains "parameter :a was not given"
    expect(wrong("SELECT ?, :a", { a = 1 })):contains "give them as a list"
    expect(wrong("SELECT ?, ?", { 1, x = 2 })):contains "either a list or by name"
    expect(wrong("SELECT ?", { {} })):equals("db:query: parameter 1 is a table, which no column "
      .. "holds: use json.encode(t), or db.blob(bytes) for bytes")
    expect(wrong("SELECT :a", { a = print })):contains "parameter :a should be a number, a string"
    expect(wrong("SELECT ?", { 0 / 0 })):contains "is not a number"
    expect(wrong("SELECT ?", 7)):contains "the parameters should be a table"
    expect(wrong(7)):contains "db:query: argument 1 should be a string"
  end)

  it("thousands of parameters by name take no time that grows with their cube", function()
    local names, given = {}, {}
    for i = 1, 5000 do
      names[i], given["name_" .. i] = "(:name_" .. i .. ")", i
    end
    expect(a:value("SELECT sum(column1) FROM (VALUES " .. table.concat(names, ",") .. ")", given,
      { timeout = "20s" })):equals(12502500)
  end)

  it("a failing commit is told, also by those who want one row only", function()
    a:script [[CREATE TABLE item (id INTEGER PRIMARY KEY,
      player INTEGER REFERENCES player(id) DEFERRABLE INITIALLY DEFERRED)]]
    local INSERT = "INSERT INTO item (player) VALUES (99), (98) RETURNING id"
    for _, call in ipairs { "value", "row", "query" } do
      expect(function() a[call](a, INSERT) end):raises { code = "SQLITE_CONSTRAINT_FOREIGNKEY" }
    end
    expect(a:value "SELECT count(*) FROM item"):equals(0)
    a:script "INSERT INTO player (id) VALUES (99), (98)"
    expect(a:row(INSERT)):equals { id = 1 }
    expect(a:value "SELECT count(*) FROM item"):equals(2)
  end)

  it("a reader asks the connection that writes about what is only there", function()
    a:exec "INSERT INTO player (id) VALUES (7)"
    expect(a:value "SELECT last_insert_rowid()"):equals(7)
    expect(a:value "SELECT Changes()"):equals(1)
    a:script "CREATE TEMP TABLE seen (id); INSERT INTO seen VALUES (5)"
    expect(a:query "SELECT id FROM seen"):equals { { id = 5 } }
    for row in a:rows "SELECT id FROM seen" do expect(row.id):equals(5) end
    a:exec("ATTACH ? AS other", { folder .. "/other.db" })
    a:exec "CREATE TABLE other.t (a)"
    expect(a:query "SELECT * FROM other.t"):equals {}
    expect(message(a.query, a, "SELECT * FROM missing")):contains "no such table: missing"
    local r <close> = db.sqlite(folder .. "/a.db", { mode = "r" })
    expect(message(r.query, r, "SELECT * FROM seen")):contains "no such table: seen"
  end)

  it("exec tells the rows that the statement changed, not those of its triggers", function()
    a:script [[INSERT INTO player (id) VALUES (1), (2);
      CREATE TRIGGER t AFTER UPDATE OF name ON player BEGIN
        UPDATE player SET x = new.name WHERE id = new.id;
      END;
      CREATE VIRTUAL TABLE note USING fts5(text)]]
    expect(a:exec "UPDATE player SET name = 'a' WHERE id = 1"):equals(1)
    expect(a:exec_many("UPDATE player SET name = ? WHERE id = ?", { { "b", 1 }, { "c", 2 } }))
      :equals(2)
    expect(a:exec "INSERT INTO note VALUES ('some words')"):equals(1)
  end)

  it("statements of virtual tables are not closed twice", function()
    a:script "CREATE VIRTUAL TABLE note USING fts5(text)"
    for i = 1, 50 do a:exec("INSERT INTO note VALUES (?)", { "some words " .. i }) end
    expect(a:value "SELECT count(*) FROM note WHERE note MATCH 'words'"):equals(50)
    local b = db.sqlite(folder .. "/a.db")
    local next, _, _, cursor = b:rows("SELECT text FROM note", nil, { size = 1 })
    expect(next().text):equals "some words 1"
    b:close()
    cursor:close()
    a:close()
  end)

  it("a value is never part of the statement", function()
    local evil = "x'); DROP TABLE player; --"
    a:exec("INSERT INTO player (name) VALUES (:n)", { n = evil })
    expect(a:value("SELECT name FROM player WHERE name = ?", { evil })):equals(evil)
    local names = { "ada", evil, 'quote " and \' quote' }
    a:exec_many("INSERT OR IGNORE INTO player (name) VALUES (?)",
      { { names[1] }, { names[2] }, { names[3] } })
    local found = a:query([[SELECT name FROM player
      WHERE name IN (SELECT value FROM json_each(:names)) ORDER BY id]],
      { names = orch.json.encode(names) })
    expect(#found):equals(3)
    local odd = 'a "table"; --'
    a:exec("CREATE TABLE " .. db.identifier("main", odd) .. " (a)")
    expect(a:value("SELECT count(*) FROM " .. db.identifier(odd))):equals(0)
    expect(db.identifier("s", 'a"b')):equals '"s"."a""b"'
    expect(function() db.identifier "" end):raises "usage"
    expect(function() db.identifier("a", 7) end):raises "usage"
  end)

  it("SQL that is wrong: the words of SQLite, and where", function()
    local err = expect(function() a:query "SELECT *\n  FORM player" end):raises {
      kind = "db", code = "SQLITE_ERROR" }
    expect(err.position):equals { line = 2, column = 3 }
    expect(err.message):equals(("'%s/a.db': near \"FORM\": syntax error (SQLITE_ERROR) "
      .. "at line 2, column 3: FORM player"):format(folder))
    expect(err.sql):equals "SELECT *\n  FORM player"
    expect(err.retryable):is(false)
    err = expect(function() a:query "SELECT 'größe', levle FROM player" end):raises "db"
    expect(err.position):equals { line = 1, column = 17 }
    err = expect(function() a:script "CREATE TABLE b (c);\n\nCREATE TABEL d (e);" end):raises "db"
    expect(err.position):equals { line = 3, column = 8 }
    expect(a:query 'SELECT 1 FROM b'):equals {}
    expect(message(a.query, a, 'SELECT "Ada"')):contains "text is written 'Ada'"
    expect(message(a.query, a, "SELECT 1; SELECT 2")):contains "more than one statement"
    expect(message(a.query, a, "")):contains "no statement"
    expect(message(a.query, a, "SELECT 1\0")):contains "NUL"
    err = expect(function() a:query("SELECT " .. ("x"):rep(1000)) end):raises "db"
    expect(#err.sql):less_than(210)
    expect(#err.message):less_than(1000)
  end)

  it("constraints say which, and never a value", function()
    a:exec("INSERT INTO player (name) VALUES (?)", { "secret name" })
    local err = expect(function()
      a:exec_many("INSERT INTO player (name) VALUES (:n)", { { n = "b" }, { n = "secret name" } })
    end):raises { kind = "db", code = "SQLITE_CONSTRAINT_UNIQUE", constraint = "player.name",
      row = 2 }
    expect(err.message):contains "row 2: UNIQUE constraint failed: player.name"
    expect(err.message:find("secret", 1, true)):is_nil()
    expect(a:value "SELECT count(*) FROM player"):equals(1)
    a:script "CREATE TABLE item (player INTEGER REFERENCES player(id), n INTEGER CHECK (n > 0))"
    expect(function() a:exec "INSERT INTO item VALUES (99, 1)" end)
      :raises { code = "SQLITE_CONSTRAINT_FOREIGNKEY" }
    expect(function() a:exec "INSERT INTO item VALUES (1, 0)" end)
      :raises { code = "SQLITE_CONSTRAINT_CHECK", constraint = "n > 0" }
  end)

  it("many rows are one transaction, also when they take several trips", function()
    local rows = {}
    for i = 1, 25000 do rows[i] = { i, "p" .. i } end
    expect(a:exec_many("INSERT INTO player (id, name) VALUES (?, ?)", rows)):equals(25000)
    a:exec "DELETE FROM player"
    rows[20001] = { 1, "again" }
    local err = expect(function()
      a:exec_many("INSERT INTO player (id, name) VALUES (?, ?)", rows)
    end):raises { code = "SQLITE_CONSTRAINT_PRIMARYKEY", row = 20001 }
    expect(err.message):contains "row 20001"
    expect(a:value "SELECT count(*) FROM player"):equals(0)
    expect(a:exec_many("INSERT INTO player (name) VALUES (?)", {})):equals(0)
    expect(message(a.exec_many, a, "INSERT INTO player (name) VALUES (?)", { 7 }))
      :contains "item 1 of the list should be a table of parameters"
  end)

  it("prepared statements", function()
    local add <close> = a:prepare "INSERT INTO player (name) VALUES (:name)"
    local get = a:prepare "SELECT name FROM player WHERE id = ?"
    expect(add:exec { name = "ada" }):equals(1)
    expect(add:exec_many { { name = "b" }, { name = "c" } }):equals(2)
    expect(get:value { 2 }):equals "b"
    expect(get:row { 3 }):equals { name = "c" }
    for row in a:prepare("SELECT name FROM player ORDER BY id"):rows() do
      expect(row.name):equals "ada"
      break
    end
    get:close()
    expect(function() get:query { 1 } end):raises "it is closed"
    local err = expect(function() a:prepare "SELEC 1" end):raises "db"
    expect(err.position):equals { line = 1, column = 1 }
  end)

  it("readers read side by side, and while somebody writes", function()
    a:exec "INSERT INTO player (name) VALUES ('ada')"
    a:transaction(function(tx)
      tx:exec "UPDATE player SET name = 'changed'"
      local s <close> = orch.scope()
      s:spawn(function()
        expect(function() a:query "SELECT 1" end):raises "usage"
        expect(tx:value "SELECT name FROM player"):equals "changed"
      end)
    end)
    local open, go = orch.event(), orch.event()
    local writing = orch.spawn(function()
      a:transaction(function(tx)
        tx:exec "UPDATE player SET name = 'again'"
        open:set()
        go:wait()
      end)
    end)
    open:wait()
    local names = orch.gather {
      function() return a:value "SELECT name FROM player" end,
      function() return a:value "SELECT name FROM player" end,
      function() return a:value "SELECT name FROM player" end,
    }
    expect(names):equals { "changed", "changed", "changed" }
    go:set()
    writing:await()
    expect(a:value "SELECT name FROM player"):equals "again"
    expect(a.readers.count):equals(2)
  end)

  it("more reading tasks than readers take turns", function()
    local results = orch.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, function(n)
      return a:value(COUNT .. "SELECT count(*) FROM c", { n * 1000 })
    end)
    expect(results):equals { 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000 }
    expect(a.readers.count):equals(2)
  end)

  it("a transaction commits, and gives what its function gave", function()
    local x, y = a:transaction(function(tx)
      expect(tx:exec("INSERT INTO player (name) VALUES (?)", { "ada" })):equals(1)
      expect(tx:exec_many("INSERT INTO player (name) VALUES (?)", { { "b" }, { "c" } })):equals(2)
      tx:script "UPDATE player SET x = 1; UPDATE player SET x = 2 WHERE id = 2"
      expect(tx:row "SELECT * FROM player WHERE id = 2"):equals { id = 2, name = "b", x = 2 }
      return tx:value "SELECT count(*) FROM player", nil
    end)
    expect(x):equals(3)
    expect(y):is_nil()
    expect(a:value "SELECT count(*) FROM player"):equals(3)
  end)

  it("a transaction is rolled back by an error and by a cancellation", function()
    expect(function()
      a:transaction(function(tx)
        tx:exec "INSERT INTO player (name) VALUES ('ada')"
        error "no"
      end)
    end):raises "no"
    local begun = orch.event()
    local task = orch.spawn({ hold = true }, a.transaction, a, function(tx)
      tx:exec "INSERT INTO player (name) VALUES ('bo')"
      begun:set()
      orch.sleep "1h"
    end)
    begun:wait()
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(function()
      a:transaction(function(tx)
        tx:exec "INSERT INTO player (name) VALUES ('cy')"
        tx:query(ENDLESS)
      end, { timeout = "20ms" })
    end):raises "timeout"
    expect(a:value "SELECT count(*) FROM player"):equals(0)
    local kept
    a:transaction(function(tx) kept = tx end)
    expect(function() kept:query "SELECT 1" end):raises "closed"
  end)

  it("what a transaction spawns is joined before it commits", function()
    a:transaction(function(tx)
      for i = 1, 5 do
        orch.spawn(function()
          orch.sleep(0.001 * i)
          tx:exec("INSERT INTO player (id) VALUES (?)", { i })
        end)
      end
    end)
    expect(a:value "SELECT sum(id) FROM player"):equals(15)
    expect(function()
      a:transaction(function(tx)
        orch.spawn(function() tx:exec "INSERT INTO player (id) VALUES (1)" end)
      end)
    end):raises { code = "SQLITE_CONSTRAINT_PRIMARYKEY" }
  end)

  it("a transaction within a transaction is a savepoint", function()
    a:transaction(function(tx)
      tx:exec "INSERT INTO player (name) VALUES ('ada')"
      expect(function()
        tx:transaction(function(inner)
          inner:exec "DELETE FROM player"
          inner:transaction(function(third) third:exec "INSERT INTO player (name) VALUES ('x')" end)
          error "no"
        end)
      end):raises "no"
      tx:transaction(function(inner)
        expect(function() tx:exec "SELECT 1" end):raises "a transaction within this one is open"
        inner:exec "INSERT INTO player (name) VALUES ('bo')"
      end)
      expect(tx:value "SELECT count(*) FROM player"):equals(2)
    end)
    expect(a:value "SELECT group_concat(name) FROM player"):equals "ada,bo"
  end)

  it("what a stopped statement that writes took with it is said", function()
    local function stop(tx)
      expect(function()
        tx:exec("INSERT INTO player (x) " .. ENDLESS:gsub("count%(%*%)", "x"), nil,
          { timeout = "10ms" })
      end):raises "timeout"
    end
    local err = expect(function()
      a:transaction(function(tx)
        tx:exec "INSERT INTO player (id) VALUES (1)"
        stop(tx)
      end)
    end):raises { kind = "db", code = "SQLITE_ABORT" }
    expect(err.message):contains "the whole transaction was rolled back"
    expect(message(a.transaction, a, function(tx)
      tx:exec "INSERT INTO player (id) VALUES (1)"
      pcall(tx.transaction, tx, stop)
    end)):contains "the whole transaction was rolled back"
    expect(a:value "SELECT count(*) FROM player"):equals(0)
    a:transaction(function(tx)
      tx:exec "INSERT INTO player (id) VALUES (1)"
      expect(function() tx:value(ENDLESS, nil, { timeout = "10ms" }) end):raises "timeout"
    end) -- one that reads takes nothing
    expect(a:value "SELECT count(*) FROM player"):equals(1)
  end)

  it("a transaction's time begins with its call, not with its turn", function()
    local begun, go = orch.event(), orch.event()
    local holder = orch.spawn(function()
      a:transaction(function() begun:set() go:wait() end)
    end)
    begun:wait()
    local ran = false
    expect(function()
      a:transaction(function() ran = true end, { timeout = "10ms" })
    end):raises { kind = "timeout", message = "db:transaction timed out after 10ms" }
    go:set()
    holder:await()
    expect(ran):is(false)
  end)

  it("a transaction that began by reading is told why it cannot write", function()
    local b <close> = db.sqlite(folder .. "/a.db")
    local err = expect(function()
      a:transaction(function(tx)
        tx:value "SELECT count(*) FROM player"
        b:exec "INSERT INTO player (id) VALUES (1)"
        tx:exec "INSERT INTO player (id) VALUES (2)"
      end, { mode = "deferred" })
    end):raises { code = "SQLITE_BUSY_SNAPSHOT", retryable = true }
    expect(err.message):contains "has written since this transaction began to read"
  end)

  it("the database inside its own transaction is refused; another one is not", function()
    local b <close> = db.sqlite(folder .. "/b.db")
    a:transaction(function()
      for _, call in ipairs { "query", "exec", "row", "value", "script" } do
        local err = expect(function() a[call](a, "SELECT 1") end):raises "usage"
        expect(err.message):contains("use tx:" .. call)
      end
      expect(function() a:transaction(print) end):raises "use tx:transaction"
      expect(function() a:exec_many("SELECT 1", {}) end):raises "use tx:exec_many"
      expect(function() for _ in a:rows "SELECT 1" do end end):raises "use tx:rows"
      expect(function() a:close() end):raises "usage"
      b:transaction(function(tx)
        tx:script "CREATE TABLE t (a)"
        expect(function() a:query "SELECT 1" end):raises "usage"
      end)
    end)
    expect(b:value "SELECT count(*) FROM t"):equals(0)
  end)

  it("writers take turns in the order of their calls", function()
    a:script "CREATE TABLE log (n)"
    local order = {}
    for i = 1, 6 do
      order[i] = orch.spawn(function()
        if i % 2 == 0 then
          a:exec("INSERT INTO log VALUES (?)", { i })
        else
          a:transaction(function(tx)
            orch.sleep "3ms"
            tx:exec("INSERT INTO log VALUES (?)", { i })
          end)
        end
      end)
      orch.sleep "1ms" -- in line now, whatever the order of the ready tasks is
    end
    orch.wait(order)
    expect(a:value "SELECT group_concat(n) FROM log"):equals "1,2,3,4,5,6"
  end)

  it("BEGIN and COMMIT of one's own are refused", function()
    expect(message(a.exec, a, "BEGIN")):contains "use transaction(fn)"
    expect(message(a.query, a, "BEGIN")):contains "use transaction(fn)"
    expect(message(a.script, a, "BEGIN; INSERT INTO player (id) VALUES (1)"))
      :contains "use transaction(fn)"
    expect(message(a.transaction, a, function(tx) tx:exec "COMMIT" end))
      :contains "has ended the transaction"
    expect(a:value "SELECT count(*) FROM player"):equals(0)
    a:script "BEGIN; INSERT INTO player (id) VALUES (1); COMMIT"
    expect(a:value "SELECT count(*) FROM player"):equals(1)
    expect(message(a.transaction, a, function(tx)
      tx:exec "INSERT INTO player (id) VALUES (2)"
      expect(function() tx:exec "INSERT OR ROLLBACK INTO player (id) VALUES (1)" end)
        :raises "the whole transaction was rolled back"
      tx:exec "INSERT INTO player (id) VALUES (3)"
    end)):contains "the transaction is over already"
    expect(a:value "SELECT count(*) FROM player"):equals(1)
  end)

  it("rows come a piece at a time, of one moment", function()
    a:exec(COUNT .. "INSERT INTO player (id) SELECT x FROM c", { 1000 })
    local sum, n = 0, 0
    for row in a:rows("SELECT id FROM player WHERE id > :min ORDER BY id", { min = 10 },
      { size = 7 }) do
      n, sum = n + 1, sum + row.id
      if n == 3 then a:exec "UPDATE player SET id = id + 100000 WHERE id > 500" end
    end
    expect(n):equals(990)
    expect(sum):equals(500500 - 55)
    for row in a:rows "SELECT id FROM player ORDER BY id" do
      expect(row.id):equals(1)
      break
    end
    for _ in a:rows "SELECT 1 WHERE 0" do error "there is none" end
    expect(a.readers.lent):equals(0)
    expect(a:exec "DELETE FROM player"):equals(1000)
    local got = {}
    for row in a:rows "INSERT INTO player (id) VALUES (5), (6) RETURNING id" do
      got[#got + 1] = row.id
    end
    expect(got):equals { 5, 6 }
  end)

  it("rows within rows, more than there are readers, with queries in them", function()
    a:exec_many("INSERT INTO player (id) VALUES (?)", { { 1 }, { 2 } })
    local n = 0
    for _ in a:rows("SELECT id FROM player", nil, { size = 1 }) do
      for _ in a:rows("SELECT id FROM player", nil, { size = 1 }) do
        for _ in a:rows("SELECT id FROM player", nil, { size = 1 }) do
          for row in a:rows("SELECT id FROM player", nil, { size = 1 }) do
            n = n + a:value("SELECT id FROM player WHERE id = ?", { row.id })
          end
        end
      end
    end
    expect(n):equals(24)
    expect(a.readers.lent):equals(0)
    expect(a.readers.count):equals(2)
  end)

  it("rows of a transaction see it, and end with it", function()
    local kept
    a:transaction(function(tx)
      tx:exec_many("INSERT INTO player (id) VALUES (?)", { { 1 }, { 2 }, { 3 } })
      local n = 0
      for row in tx:rows("SELECT id FROM player ORDER BY id", nil, { size = 1 }) do
        n = n + row.id
        tx:exec("UPDATE player SET x = 1 WHERE id = ?", { row.id })
      end
      expect(n):equals(6)
      kept = tx:rows("SELECT id FROM player", nil, { size = 1 })
      expect(kept().id):equals(1)
    end)
    expect(kept()):is_nil()
    expect(a:value "SELECT sum(x) FROM player"):equals(3)
  end)

  it("an error or a cancellation in a rows loop gives the reader back", function()
    a:exec_many("INSERT INTO player (id) VALUES (?)", { { 1 }, { 2 }, { 3 } })
    expect(function()
      for _ in a:rows("SELECT id FROM player", nil, { size = 1 }) do error "no" end
    end):raises "no"
    expect(function() for _ in a:rows "SELECT nothing FROM player" do end end):raises "db"
    expect(function() for _ in a:rows(ENDLESS, nil, { timeout = "20ms" }) do end end)
      :raises "timeout"
    expect(orch.move_on_after("20ms", function()
      for _ in a:rows("SELECT id FROM player", nil, { size = 1 }) do orch.sleep "1h" end
    end)):is(false)
    expect(a.readers.lent):equals(0)
    expect(a.readers.idle):truthy()
  end)

  it("a database in memory has one connection, and everything works", function()
    local m <close> = db.sqlite ":memory:"
    m:script "CREATE TABLE t (a INTEGER)"
    m:exec_many("INSERT INTO t VALUES (?)", { { 1 }, { 2 }, { 3 } })
    for row in m:rows("SELECT rowid, a FROM t", nil, { size = 1 }) do
      m:exec("UPDATE t SET a = a * 10 WHERE rowid = ?", { row.rowid })
    end
    expect(m:value "SELECT group_concat(a) FROM t"):equals "10,20,30"
    local go, begun = orch.event(), orch.event()
    local writing = orch.spawn(function()
      m:transaction(function(tx)
        tx:exec "DELETE FROM t"
        begun:set()
        go:wait()
        tx:exec "INSERT INTO t VALUES (7)"
      end)
    end)
    begun:wait()
    local reading = orch.spawn(function() return m:value "SELECT sum(a) FROM t" end)
    orch.sleep "5ms"
    expect(reading:done()):is(false)
    go:set()
    expect(reading:await()):equals(7)
    writing:await()
    local returned = 0
    for row in m:rows("INSERT INTO t VALUES (1), (2) RETURNING a", nil, { size = 1 }) do
      returned = returned + row.a
      m:transaction(function(tx)
        for new in tx:rows("INSERT INTO t VALUES (3), (4) RETURNING a", nil, { size = 1 }) do
          tx:exec_many("DELETE FROM t WHERE a = ?", { { new.a } })
        end
      end)
    end
    expect(returned):equals(3)
    expect(m:exec "DELETE FROM t WHERE a < 7"):equals(2)
    m:backup(folder .. "/m.db")
    local copy <close> = db.sqlite(folder .. "/m.db", { mode = "r" })
    expect(copy:value "SELECT a FROM t"):equals(7)
  end)

  it("a backup is of one moment and replaces the file that is there", function()
    a:exec(COUNT .. "INSERT INTO player (id, x) SELECT x, zeroblob(200) FROM c", { 5000 })
    local stop = false
    local writing = orch.spawn(function()
      while not stop do a:exec "UPDATE player SET id = id + 100000" end
    end)
    orch.fs.write(folder .. "/copy.db", "something else")
    a:backup(folder .. "/copy.db")
    stop = true
    writing:await()
    local copy <close> = db.sqlite(folder .. "/copy.db")
    expect(copy:value "PRAGMA integrity_check"):equals "ok"
    expect(copy:value "SELECT count(*) FROM player"):equals(5000)
    expect(copy:value "SELECT max(id) - min(id) FROM player"):equals(4999)
    expect(#orch.fs.glob(folder .. "/*.part")):equals(0)
    local err = expect(function() a:backup(folder .. "/none/copy.db") end):raises "db"
    expect(err.message):contains "cannot make the file"
  end)

  it("options", function()
    local function value(opts, sql)
      local b <close> = db.sqlite(folder .. "/options.db", opts)
      return b:transaction(function(tx) return tx:value(sql) end)
    end
    expect(value(nil, "PRAGMA journal_mode")):equals "wal"
    expect(value(nil, "PRAGMA synchronous")):equals(1)
    expect(value(nil, "PRAGMA foreign_keys")):equals(1)
    expect(value({ foreign_keys = false }, "PRAGMA foreign_keys")):equals(0)
    expect(value({ synchronous = "extra" }, "PRAGMA synchronous")):equals(3)
    expect(value({ pragma = { cache_size = -4321 } }, "PRAGMA cache_size")):equals(-4321)
    expect(message(db.sqlite, "x.db", { mode = "w" })):contains '"rwc", "rw" or "r"'
    expect(message(db.sqlite, "x.db", { bussy = 1 })):contains "did you mean `busy`?"
    expect(message(db.sqlite, "x.db", { readers = 0 })):contains "at least 1"
    expect(message(db.sqlite, "x.db", { synchronous = "no" })):contains "synchronous"
    expect(message(db.sqlite, "x.db", { pragma = { a = "1; DROP TABLE x" } })):contains "pragma"
    expect(message(db.sqlite, "")):contains "a path"
    local old <close> = db.sqlite(folder .. "/old.db", { wal = false })
    old:script "CREATE TABLE t (a); INSERT INTO t VALUES (1)"
    expect(old:value "PRAGMA journal_mode"):equals "delete"
    expect(old:value "PRAGMA synchronous"):equals(2)
    expect(message(function()
      local impatient <close> = db.sqlite(folder .. "/old.db", { wal = false, busy = "10ms" })
      for _ in impatient:rows("SELECT 1 UNION ALL SELECT a FROM t", nil, { size = 1 }) do
        impatient:exec "INSERT INTO t VALUES (2)"
      end
    end)):contains "(without `wal`) a rows() loop reading"
    expect(function() a:query "SELECT load_extension('x')" end)
      :raises { kind = "db", message = "not authorized" }
  end)

  it("a file that is read only", function()
    a:exec "INSERT INTO player (id) VALUES (1)"
    local r <close> = db.sqlite(folder .. "/a.db", { mode = "r" })
    expect(r:value "SELECT id FROM player"):equals(1)
    expect(message(r.exec, r, "DELETE FROM player")):contains 'with mode = "r", for reading only'
    expect(message(r.query, r, "DELETE FROM player")):contains 'with mode = "r", for reading only'
    expect(message(r.transaction, r, print)):contains 'with mode = "r", for reading only'
  end)

  it("close waits for who writes; afterwards nothing works", function()
    local b = db.sqlite(folder .. "/b.db")
    b:script "CREATE TABLE t (a)"
    local begun = orch.event()
    local writing = orch.spawn(function()
      b:transaction(function(tx)
        begun:set()
        orch.sleep "5ms"
        tx:exec "INSERT INTO t VALUES (1)"
      end)
    end)
    begun:wait()
    b:close()
    expect(writing:done()):is(true)
    b:close()
    expect(function() b:query "SELECT 1" end):raises "closed"
    expect(function() b:transaction(print) end):raises "closed"
    expect(orch.fs.exists(folder .. "/b.db-wal")):is(false)
    local never <close> = db.sqlite(folder .. "/never.db")
    never:close()
    expect(orch.fs.exists(folder .. "/never.db")):is(false)
  end)

  it("a closed database in the middle of rows", function()
    local b = db.sqlite(folder .. "/a.db")
    a:exec_many("INSERT INTO player (id) VALUES (?)", { { 1 }, { 2 }, { 3 } })
    expect(function()
      for _ in b:rows("SELECT id FROM player", nil, { size = 1 }) do b:close() end
    end):raises "closed"
    expect(b.readers.count):equals(0)
    a:close()
    expect(orch.fs.exists(folder .. "/a.db-wal")):is(false)
  end)
end)
