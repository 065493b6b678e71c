-- orch.db.postgres against a real server: statements, types, parameters, rows, COPY,
-- transactions. What goes wrong with servers is in db_postgres_fault_test.lua.

local db, fs, json = orch.db, orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local postgres = dofile(here .. "/helper/postgres.lua")

local NAME = "tester@127.0.0.1:%d/postgres"

local function open(opts)
  return db.postgres(postgres.shared():url(), opts)
end

-- A database with an empty table, for one case.
local function with_table(fn, opts)
  return function()
    local pg <close> = open(opts)
    pg:script "SET client_min_messages = warning; DROP TABLE IF EXISTS item; RESET ALL"
    pg:exec "CREATE TABLE item (id int PRIMARY KEY, name text, n bigint)"
    fn(pg)
    pg:exec "DROP TABLE item"
  end
end

describe("a statement", function()
  it("gives rows by the names of their columns, null as nil", function()
    local pg <close> = open()
    expect(pg:query "SELECT 1 AS a, 'x' AS b, NULL AS c UNION ALL SELECT 2, 'y', 'z' ORDER BY a")
      :equals { { a = 1, b = "x" }, { a = 2, b = "y", c = "z" } }
    expect(pg:query "SELECT 1 WHERE false"):equals {}
    expect(pg:row "SELECT 1 AS a WHERE false"):is_nil()
    expect(pg:row "SELECT 7 AS a, 8 AS b"):equals { a = 7, b = 8 }
    expect(pg:value "SELECT 7, 8"):equals(7)
    expect(pg:value "SELECT NULL"):is_nil()
  end)

  it("counts what it has changed", with_table(function(pg)
    expect(pg:exec "INSERT INTO item SELECT i, 'x', 0 FROM generate_series(1, 5) i"):equals(5)
    expect(pg:exec("UPDATE item SET n = 1 WHERE id > $1", { 3 })):equals(2)
    expect(pg:exec "SELECT * FROM item"):equals(0)
    expect(pg:exec "DELETE FROM item"):equals(5)
  end))

  it("many rows go in one trip, all or none", with_table(function(pg)
    local rows = {}
    for i = 1, 3000 do rows[i] = { i, "name " .. i, db.null } end
    expect(pg:exec_many("INSERT INTO item VALUES ($1, $2, $3)", rows)):equals(3000)
    expect(pg:row "SELECT count(*) AS rows, count(n) AS n FROM item"):equals { rows = 3000, n = 0 }
    local err = expect(function()
      pg:exec_many("INSERT INTO item VALUES (:id, :name)",
        { { id = 4001, name = "a" }, { id = 5, name = "b" }, { id = 4002, name = "c" } })
    end):raises { kind = "db", code = "23505", row = 2, constraint = "item_pkey" }
    expect(err.message).never:contains "4001"
    expect(pg:value "SELECT count(*) FROM item"):equals(3000)
    expect(pg:exec_many("DELETE FROM item", {})):equals(0)
    expect(function() pg:exec_many("DELETE FROM item WHERE id = $1", { { 1 }, { 1, 2 } }) end)
      :raises "row 2 has 2 parameters, the first one 1"
  end))

  it("a script is several statements, done together", with_table(function(pg)
    pg:script "INSERT INTO item VALUES (1); INSERT INTO item VALUES (2)"
    expect(function() pg:script "INSERT INTO item VALUES (3); INSERT INTO item VALUES (1)" end)
      :raises { code = "23505" }
    expect(pg:value "SELECT count(*) FROM item"):equals(2)
    expect(function() pg:query "SELECT 1; SELECT 2" end):raises "several statements go to db:script"
  end))

  it("that is asked for again is prepared, and the oldest makes room", function()
    local pg <close> = open { max = 1, statements = 2 }
    local function prepared()
      return pg:value "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'orch%'"
    end
    expect(pg:value("SELECT $1::int", { 1 })):equals(1)
    expect(prepared()):equals(0)
    for i = 1, 3 do expect(pg:value("SELECT $1::int", { i })):equals(i) end
    expect(prepared()):equals(2) -- the question itself has been prepared by now
    for i = 1, 5 do
      expect(pg:value("SELECT $1::int + " .. i, { i })):equals(2 * i)
      expect(pg:value("SELECT $1::int + " .. i, { i })):equals(2 * i)
    end
    expect(prepared()):less_than(3)
    local off <close> = open { max = 1, prepare = false }
    for i = 1, 3 do off:value("SELECT $1::int", { i }) end
    expect(off:value "SELECT count(*) FROM pg_prepared_statements"):equals(0)
  end)

  it("is prepared under a name that nobody else uses", function()
    local seen = {}
    for _ = 1, 2 do
      local pg <close> = open { max = 2 }
      local a <close> = pg:take()
      local b <close> = pg:take()
      for _, conn in ipairs { a, b } do
        for _ = 1, 2 do conn:query("SELECT 1", nil, nil, "value", {}) end
        local name = conn:query("SELECT name FROM pg_prepared_statements", nil, nil, "value", {})
        expect(seen[name]):is_nil()
        seen[name] = true
      end
    end
  end)

  it("goes on when what was prepared no longer fits", with_table(function(pg)
    pg:exec "INSERT INTO item VALUES (1, 'a', 2)"
    for _ = 1, 3 do pg:row "SELECT * FROM item" end
    pg:exec "ALTER TABLE item ADD COLUMN more text DEFAULT 'new'"
    expect(pg:row "SELECT * FROM item"):equals { id = 1, name = "a", n = 2, more = "new" }
    for _ = 1, 3 do pg:value "SELECT 1" end
    for _ = 1, 3 do for row in pg:rows "SELECT 2 AS two" do expect(row.two):equals(2) end end
    pg:exec "DEALLOCATE ALL"
    expect(pg:value "SELECT 1"):equals(1)
    for row in pg:rows "SELECT 2 AS two" do expect(row.two):equals(2) end
  end, { max = 1 }))

  it("db:prepare gives a statement with the same calls", with_table(function(pg)
    local add <close> = pg:prepare "INSERT INTO item (id, name) VALUES (:id, :name)"
    expect(add:exec { id = 1, name = "a" }):equals(1)
    expect(add:exec_many { { id = 2, name = "b" }, { id = 3, name = "c" } }):equals(2)
    local find = pg:prepare "SELECT id, name FROM item WHERE id >= $1 ORDER BY id"
    expect(find:value { 2 }):equals(2)
    expect(find:row { 3 }):equals { id = 3, name = "c" }
    expect(#find:query { 1 }):equals(3)
    local names = {}
    for row in find:rows { 2 } do names[#names + 1] = row.name end
    expect(names):equals { "b", "c" }
    find:close()
    expect(function() find:query { 1 } end):raises "the statement is closed"
  end))
end)

describe("types", function()
  local function back(sql, ...)
    local pg <close> = open { max = 1 }
    local given = select("#", ...) > 0 and { n = select("#", ...), ... } or nil
    return pg:value("SELECT " .. sql, given)
  end

  it("come back as they went", function()
    for _, case in ipairs {
      { "int2", -32768 }, { "int4", 2147483647 }, { "int8", math.maxinteger },
      { "int8", math.mininteger }, { "int8", (1 << 53) + 1 }, { "oid", 4294967295 },
      { "float8", 0.1 }, { "float8", 1e308 }, { "float8", 5e-324 }, { "float8", -2.0 },
      { "float8", math.huge }, { "float8", -math.huge }, { "float4", 0.5 },
      { "bool", true }, { "bool", false }, { "text", "" }, { "text", "ünïcödé '\\\n\t" },
      { "varchar(9)", "abc" }, { "numeric", 12345678901234567 }, { "uuid",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" },
    } do
      local got = back("$1::" .. case[1], case[2])
      expect(got):equals(case[2])
      expect(math.type(got)):equals(math.type(case[2]))
    end
    local nan = back("$1::float8", 0 / 0)
    expect(nan ~= nan):truthy()
    expect(back("$1::text", db.null)):is_nil()
    expect(back("$1::text", json.null)):is_nil()
    expect(back("$1::text IS NULL AND $2 = 'x'", nil, "x")):equals(true)
  end)

  it("bytes are bytes, NUL and all", function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    local bytes = table.concat(all):rep(40)
    expect(back("$1::bytea", db.blob(bytes)) == bytes):truthy()
    expect(back("length($1::bytea)", db.blob(bytes))):equals(#bytes)
    expect(back("$1::bytea", db.blob "")):equals ""
    local pg <close> = open { max = 1 }
    pg:exec "SET bytea_output = 'escape'"
    expect(pg:value("SELECT $1::bytea", { db.blob(bytes) }) == bytes):truthy()
    expect(function() back("$1::text", "a\0b") end):raises "parameter 1 has a NUL byte"
  end)

  it("numeric is text unless it is an integer that fits", function()
    expect(back "12.50::numeric"):equals "12.50"
    expect(back "9223372036854775808::numeric"):equals "9223372036854775808"
    expect(back "9223372036854775807::numeric"):equals(math.maxinteger)
    expect(back "(-9223372036854775808)::numeric"):equals(math.mininteger)
    expect(back "(-9223372036854775809)::numeric"):equals "-9223372036854775809"
    expect(back("$1::numeric", 0.1)):equals "0.1"
    expect(back("$1::numeric", "3.14159265358979323846")):equals "3.14159265358979323846"
  end)

  it("dates are ISO whatever the server likes, arrays and intervals are text", function()
    local pg <close> = db.postgres(postgres.shared():url "options=-c%20datestyle%3DGerman")
    expect(pg:value "SELECT date '2024-02-29'"):equals "2024-02-29"
    expect(pg:value "SELECT timestamp '2024-02-29 01:02:03.5'"):equals "2024-02-29 01:02:03.5"
    expect(pg:value "SELECT ARRAY[1,2,NULL]"):equals "{1,2,NULL}"
    expect(pg:value("SELECT $1::int[]", { "{4,5}" })):equals "{4,5}"
  end)

  it("JSON is text, or decoded when asked for", function()
    local pg <close> = open()
    local sql = [[SELECT '{"a":[1,2.5,null]}'::jsonb AS j, NULL::json AS k, '[1]' AS t]]
    expect(pg:row(sql)):equals { j = '{"a": [1, 2.5, null]}', t = "[1]" }
    expect(pg:row(sql, nil, { json = true }).j.a[2]):equals(2.5)
    expect(pg:value(sql, nil, { json = true }).a[1]):equals(1)
    local always <close> = open { json = true }
    expect(always:query(sql)[1].j.a[1]):equals(1)
    expect(always:row(sql).t):equals "[1]"
    for row in always:rows(sql) do expect(row.j.a[1]):equals(1) end
    expect(always:value "SELECT '[1]'"):equals "[1]"
  end)
end)

describe("parameters", function()
  it("are never part of the statement", with_table(function(pg)
    for i, text in ipairs { "'; DROP TABLE item; --", "\\'; SELECT 1; --", "$1", ":name", "%s",
      "Robert'); DROP TABLE item;--", "\"", "''", "E'\\''", "\u{2019}" } do
      pg:exec("INSERT INTO item VALUES ($1, $2)", { i, text })
      expect(pg:value("SELECT name FROM item WHERE name = :name", { name = text })):equals(text)
    end
    expect(pg:value "SELECT count(*) FROM item"):equals(10)
  end))

  it("have names outside of strings, identifiers, comments and casts", function()
    local pg <close> = open()
    local row = pg:row([[
      SELECT :a::int AS a, ':a' AS b, E'\':a' AS c, $$ :a $$ AS d, $x$ :a $$ $x$ AS e,
        :a::text || :b AS f, ':a'':b' AS ":a", 1 /* :a /* :b */ :c */ AS g, 5 -- :nope
        / :a::int AS h, (ARRAY[1,2,3])[1 : 2] AS i]], { a = 5, b = "x" })
    expect(row):equals { a = 5, b = ":a", c = "':a", d = " :a ", e = " :a $$ ", f = "5x",
      [":a"] = ":a':b", g = 1, h = 1, i = "{1,2}" }
    expect(pg:row("SELECT E'a\\'b'\n'c\\' :b' AS a, :a AS b -- :b\r, (ARRAY[1,2])[b.i:b.i] AS c "
      .. "FROM (SELECT 2 AS i) b", { a = "x" })):equals { a = "a'bc' :b", b = "x", c = "{2}" }
    local long = ("SELECT concat(%s:a::text)"):format(("'x', "):rep(50))
    expect(#pg:value(long, { a = "y" })):equals(51)
  end)

  it("in a long statement are found in one go", function()
    local named = require "orch.db.named"
    expect(#named.of(("'x', "):rep(200000) .. ":a").names):equals(1)
  end)

  it("that do not fit are told with what there is", function()
    local pg <close> = open()
    for _, case in ipairs {
      { "SELECT :name", { nmae = 1 }, "no parameter :nmae; did you mean :name?" },
      { "SELECT :name, :x", { name = 1 }, "parameter :x was not given" },
      { "SELECT 1", { x = 1 }, "has no parameter :x; it has none by name" },
      { "SELECT $1::int", { 1, 2 }, "the statement has 1 parameter, 2 were given" },
      { "SELECT $1::int, $2::int", { 1 }, "the statement has 2 parameters, 1 was given" },
      { "SELECT $1::int", { 1, name = 2 }, "either a list or by name" },
      { "SELECT $1::int + :a", { a = 1 }, "the statement has $1 and :name" },
      { "SELECT $1::int", { {} }, "parameter 1 is a table, which no column holds" },
      { "SELECT :t::int", { t = {} }, "parameter :t is a table" },
      { "SELECT $1::int", { print }, "parameter 1 should be a string, a number" },
      { "SELECT 1\0", {}, "the statement has a NUL byte" },
    } do
      expect(function() pg:query(case[1], case[2]) end):raises { kind = "usage" }
      expect(function() pg:query(case[1], case[2]) end):raises(case[3])
    end
    expect(function() pg:query(7) end):raises "db:query: argument 1 should be a string"
    expect(function() pg:query("SELECT 1", nil, { timeot = 1 }) end):raises "did you mean `timeout`"
  end)
end)

describe("an error", function()
  it("has the server's words and where in the script's own statement", function()
    local pg <close> = open()
    local shown = NAME:format(postgres.shared().port)
    local err = expect(function() pg:query "SELECT 1,\n  selec 2" end)
      :raises { kind = "db", code = "42601" }
    expect(err.message):equals(shown
      .. [[: syntax error at or near "2" (42601) at line 2, column 9: selec 2]])
    expect(err.position):equals { line = 2, column = 9 }
    -- Names become numbers, and ü is one character of two bytes.
    err = expect(function()
      pg:query("SELECT 'ü', :long_name::int, :long_name::int,\n 'ü' , nowhere", { long_name = 7 })
    end):raises { code = "42703" }
    expect(err.position):equals { line = 2, column = 8 }
    expect(err.sql):contains ":long_name"
    err = expect(function()
      for _ in pg:rows("SELECT\n :a::int + nothing", { a = 1 }) do end
    end):raises { code = "42703" }
    expect(err.position):equals { line = 2, column = 12 }
    expect(function()
      pg:transaction(function(tx)
        for _ in tx:rows("SELECT\n :a::int + nothing", { a = 1 }) do end
      end)
    end):raises { code = "42703", position = { line = 2, column = 12 } }
  end)

  it("shows no parameter, and what it is about", with_table(function(pg)
    pg:exec "INSERT INTO item VALUES (1)"
    local err = expect(function()
      pg:exec("INSERT INTO item VALUES ($1, $2)", { 1, "hush-hush" })
    end):raises { kind = "db", code = "23505", constraint = "item_pkey", table = "item" }
    expect(err.detail):equals "Key (id)=(1) already exists."
    expect(tostring(err)).never:contains "hush-hush"
    expect(err.database):equals(NAME:format(postgres.shared().port))
  end))

  it("that nobody catches is printed whole, the hint once", function()
    local path = test.temp_dir() .. "/wrong.lua"
    local function run(sql)
      fs.write(path, ("local db <close> = orch.db.postgres(orch.args[1]) db:script %q"):format(sql))
      local out = orch.process.run { require("orch.core.runtime").executable(), "run", path,
        postgres.shared():url(), check = false }
      expect(out.exit_code):equals(1)
      return out.stderr
    end
    expect(run "CREATE TEMP TABLE n (name text NOT NULL); INSERT INTO n VALUES (NULL)")
      :contains 'null value in column "name" of relation "n" violates not-null constraint (23502)'
    local _, count = run "SELECT nmae FROM (SELECT 1 AS name) x"
      :gsub("Perhaps you meant to reference the column", "")
    expect(count):equals(1)
  end)

  it("leaves the connection as it was", function()
    local pg <close> = open { max = 1 }
    local pid = pg:value "SELECT pg_backend_pid()"
    for _ = 1, 3 do expect(function() pg:query "SELECT 1/0" end):raises { code = "22012" } end
    expect(pg:value "SELECT pg_backend_pid()"):equals(pid)
  end)
end)

describe("rows", function()
  it("come one after the other, and break ends the query", function()
    local pg <close> = open { max = 1 }
    local sum = 0
    for row in pg:rows("SELECT i FROM generate_series(1, $1) i", { 1000 }, { size = 7 }) do
      sum = sum + row.i
    end
    expect(sum):equals(500500)
    local pid = pg:value "SELECT pg_backend_pid()"
    for row in pg:rows "SELECT generate_series(1, 100000000) AS i" do
      if row.i == 5 then break end
    end
    expect(pg:value "SELECT pg_backend_pid()"):equals(pid)
    for _ in pg:rows "SELECT 1 WHERE false" do error "no row" end
    expect(function()
      for row in pg:rows "SELECT 10 / (5 - i) AS x FROM generate_series(1, 10) i" do
        expect(row.x):is_a "number"
      end
    end):raises { code = "22012" }
    expect(pg:value "SELECT 1"):equals(1)
  end)

  it("a million, without the memory for them", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/stream.lua", [[
      local db <close> = orch.db.postgres(orch.args[1])
      local function peak()
        return tonumber(orch.fs.read("/proc/self/status"):match "VmHWM:%s*(%d+)")
      end
      db:value "SELECT 1"
      local before, n, bytes = peak(), 0, 0
      for row in db:rows "SELECT i, repeat('x', 100) AS x FROM generate_series(1, 1000000) i" do
        n, bytes = n + 1, bytes + #row.x
      end
      for row in db:rows "SELECT i, repeat('x', 100) AS x FROM generate_series(1, 1000000) i" do
        if row.i == 500 then orch.sleep "50ms" break end
      end
      print(orch.json.encode { n = n, bytes = bytes, kb = peak() - before })
    ]])
    local out = orch.process.run { require("orch.core.runtime").executable(), "run",
      dir .. "/stream.lua", postgres.shared():url(), timeout = "60s" }
    local got = json.decode(out.stdout)
    expect(got.n):equals(1000000)
    expect(got.bytes):equals(100000000)
    -- AddressSanitizer keeps freed memory for a while.
    if not fs.read("/proc/self/maps"):find "libasan" then expect(got.kb):less_than(20 << 10) end
  end)

  it("a huge one is one", function()
    local pg <close> = open()
    local size = 32 << 20
    expect(#pg:value("SELECT repeat('x', $1)", { size })):equals(size)
    expect(pg:value("SELECT length($1::text)", { ("ü"):rep(size // 2) })):equals(size // 2)
    for row in pg:rows("SELECT repeat('y', $1) AS y", { size }) do expect(#row.y):equals(size) end
  end)
end)

describe("COPY", function()
  it("100,000 rows both ways", with_table(function(pg)
    local i = 0
    expect(pg:copy("COPY item FROM STDIN", function()
      i = i + 1
      if i <= 100000 then return { i, i % 7 == 0 and db.null or "a\tb\\c\n" .. i, -i } end
    end)):equals(100000)
    expect(pg:row "SELECT count(*) AS n, count(name) AS named, sum(n) AS sum FROM item")
      :equals { n = 100000, named = 85715, sum = -5000050000 }
    expect(pg:value "SELECT name FROM item WHERE id = 99999"):equals "a\tb\\c\n99999"
    local chunks, bytes, all = 0, 0, {}
    for chunk in pg:copy_out "COPY item TO STDOUT" do
      chunks, bytes, all[#all + 1] = chunks + 1, bytes + #chunk, chunk
    end
    expect(chunks):greater_than(10)
    expect(bytes):greater_than(1 << 20)
    pg:exec "CREATE TEMP TABLE again (LIKE item)"
    expect(pg:copy("COPY again FROM STDIN", all)):equals(100000)
    expect(pg:value "SELECT count(*) FROM again a JOIN item i ON a.id = i.id AND a.n = i.n "
      ):equals(100000)
  end, { max = 1 }))

  it("from text, a list, a file", with_table(function(pg)
    local path = test.temp_dir() .. "/items.csv"
    fs.write(path, "7,seven,\n8,\"ei,ght\",9\n")
    expect(pg:copy("COPY item FROM STDIN (FORMAT csv)", { path = path })):equals(2)
    expect(pg:copy("COPY item (id, name) FROM STDIN", "1\tone\n2\ttwo\n")):equals(2)
    expect(pg:copy("COPY item (id, n) FROM STDIN", { { 3, math.mininteger }, { 4, db.null } }))
      :equals(2)
    expect(pg:value "SELECT name FROM item WHERE id = 8"):equals "ei,ght"
    expect(function() pg:copy("COPY item FROM STDIN CSV", { { 1 } }) end):raises "text format"
    expect(function() pg:copy("COPY item FROM STDIN", { 5 }) end):raises "text or a row"
    expect(function() pg:copy("SELECT 1", "") end):raises "should be COPY ... FROM STDIN"
    expect(function() pg:copy("COPY item TO STDOUT", "") end):raises "should be COPY ... FROM STDIN"
    expect(function() for _ in pg:copy_out "SELECT 1" do end end):raises "COPY ... TO STDOUT"
    expect(function() pg:query "COPY item TO STDOUT" end):raises "needs db:copy_out"
    expect(function() pg:query "COPY item FROM STDIN" end):raises "needs db:copy"
    expect(pg:value "SELECT count(*) FROM item"):equals(6)
  end, { max = 1 }))

  it("keeps nothing of what was not finished", with_table(function(pg)
    local pid = pg:value "SELECT pg_backend_pid()"
    local n = 0
    expect(function()
      pg:copy("COPY item (id) FROM STDIN", function()
        n = n + 1
        if n > 1000 then error { kind = "mine", message = "no more" } end
        return { n }
      end)
    end):raises "mine"
    expect(function() pg:copy("COPY item (id) FROM STDIN", "1\nx\n") end)
      :raises { kind = "db", code = "22P02" }
    local task = orch.spawn({ hold = true }, pg.copy, pg, "COPY item (id) FROM STDIN", function()
      orch.sleep(60)
    end)
    orch.sleep "20ms"
    task:cancel "enough"
    task:join()
    task = orch.spawn({ hold = true }, pg.copy, pg, "COPY item (id) FROM STDIN", function()
      orch.current_task():cancel "before its end is said"
    end)
    task:join()
    for _ in pg:copy_out "COPY (SELECT generate_series(1, 10000000)) TO STDOUT" do break end
    expect(pg:row "SELECT count(*) AS n, pg_backend_pid() AS pid FROM item")
      :equals { n = 0, pid = pid }
  end, { max = 1 }))
end)

describe("a transaction", function()
  it("keeps what its function did, and gives its results", with_table(function(pg)
    local a, b = pg:transaction(function(tx)
      tx:exec "INSERT INTO item VALUES (1)"
      expect(tx:value "SELECT count(*) FROM item"):equals(1)
      expect(pg:value "SELECT count(*) FROM item"):equals(0) -- another connection
      return "a", nil
    end)
    expect(a):equals "a"
    expect(b):is_nil()
    expect(pg:value "SELECT count(*) FROM item"):equals(1)
  end))

  it("is undone by an error and by a cancellation", with_table(function(pg)
    expect(function()
      pg:transaction(function(tx)
        tx:exec "INSERT INTO item VALUES (1)"
        error { kind = "mine", message = "on purpose" }
      end)
    end):raises "mine"
    local task = orch.spawn({ hold = true }, pg.transaction, pg, function(tx)
      tx:exec "INSERT INTO item VALUES (2)"
      tx:exec "SELECT pg_sleep(60)"
    end)
    orch.sleep "30ms"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(orch.move_on_after("30ms", pg.transaction, pg, function(tx)
      tx:exec "INSERT INTO item VALUES (3)"
      orch.sleep(60)
    end)):equals(false)
    expect(pg:value "SELECT count(*) FROM item"):equals(0)
    expect(pg.pool.count):equals(#pg.pool.idle)
  end))

  it("that goes on after a failed statement is not taken for a success", with_table(function(pg)
    local err = expect(function()
      pg:transaction(function(tx)
        tx:exec "INSERT INTO item VALUES (1)"
        pcall(tx.exec, tx, "SELECT 1/0")
      end)
    end):raises { kind = "db", code = "25P02" }
    expect(err.message):contains "was rolled back, because a statement in it had failed"
    expect(pg:value "SELECT count(*) FROM item"):equals(0)
  end))

  it("within another one is undone alone", with_table(function(pg)
    pg:transaction(function(tx)
      tx:exec "INSERT INTO item VALUES (1)"
      expect(function()
        tx:transaction(function(inner)
          inner:exec "INSERT INTO item VALUES (2)"
          expect(function() tx:exec "SELECT 1" end):raises "a transaction within this one"
          inner:exec "SELECT 1/0"
        end)
      end):raises { code = "22012" }
      expect(tx:transaction(function(inner)
        inner:exec "INSERT INTO item VALUES (3)"
        return inner:transaction(function(third)
          third:exec "INSERT INTO item VALUES (4)"
          return "deep"
        end)
      end)):equals "deep"
    end)
    expect(pg:value "SELECT string_agg(id::text, ',' ORDER BY id) FROM item"):equals "1,3,4"
  end))

  it("can be used while its rows are read, and after break", with_table(function(pg)
    pg:exec "INSERT INTO item SELECT i, '', 0 FROM generate_series(1, 20) i"
    pg:transaction(function(tx)
      for row in tx:rows("SELECT id FROM item WHERE id <= :most ORDER BY id", { most = 15 },
        { size = 4 }) do
        tx:exec("UPDATE item SET n = 1 WHERE id = $1", { row.id })
        if row.id == 10 then break end
      end
      local ids = {}
      for row in tx:rows "DELETE FROM item WHERE id > 18 RETURNING id" do ids[#ids + 1] = row.id end
      expect(ids):equals { 19, 20 }
      for _ in tx:copy_out "COPY (SELECT generate_series(1, 1000000)) TO STDOUT" do break end
      expect(tx:copy("COPY item (id) FROM STDIN", "30\n")):equals(1)
    end)
    expect(pg:row "SELECT count(*) AS n, sum(n) AS sum FROM item"):equals { n = 19, sum = 10 }
  end))

  it("takes turns where tasks share it, and is over when it is over", with_table(function(pg)
    local kept
    pg:transaction(function(tx)
      kept = tx
      orch.each({ 1, 2, 3, 4, 5, 6 }, function(i)
        tx:exec("INSERT INTO item VALUES ($1)", { i })
      end)
    end)
    expect(pg:value "SELECT count(*) FROM item"):equals(6)
    expect(function() kept:exec "SELECT 1" end):raises "this transaction is over"
    expect(function() pg:exec "BEGIN" end):raises "use db:transaction"
    expect(pg:value "SELECT 1"):equals(1)
  end))

  it("waits for the tasks that its function has started", with_table(function(pg)
    pg:transaction(function(tx)
      orch.spawn(function() tx:exec "INSERT INTO item SELECT 1 FROM pg_sleep(0.02)" end)
    end)
    expect(pg:value "SELECT count(*) FROM item"):equals(1)
    expect(function()
      pg:transaction(function(tx)
        orch.spawn(function() tx:exec "INSERT INTO item SELECT 2 FROM pg_sleep(60)" end)
        orch.sleep "5ms"
        error { kind = "mine", message = "enough" }
      end)
    end):raises "mine"
    expect(pg:value "SELECT count(*) FROM item"):equals(1)
    expect(pg.pool.count):equals(#pg.pool.idle)
  end))

  it("has one transaction within it at a time", function()
    local pg <close> = open { max = 1 }
    expect(function()
      pg:transaction(function(tx)
        local function part()
          tx:transaction(function(inner)
            for _ = 1, 3 do inner:value "SELECT pg_sleep(0.002)" end
          end)
        end
        orch.gather(part, part)
      end)
    end):raises "there is a transaction within this one"
    expect({ pg.pool.count, #pg.pool.idle }):equals { 1, 1 }
  end)

  it("has isolation, and is tried again after a conflict if told to", with_table(function(pg)
    pg:exec "INSERT INTO item VALUES (1, '', 0)"
    expect(pg:transaction(function(tx) return tx:value "SHOW transaction_isolation" end,
      { isolation = "serializable", read_only = true, deferrable = true })):equals "serializable"
    expect(function()
      pg:transaction(function(tx) tx:exec "DELETE FROM item" end, { read_only = true })
    end):raises { code = "25006" }
    expect(function() pg:transaction(print, { isolation = "chaos" }) end):raises '"serializable"'
    local function add(retry)
      local runs = 0
      return function()
        pg:transaction(function(tx)
          runs = runs + 1
          local n = tx:value "SELECT n FROM item"
          if runs == 1 then orch.sleep "30ms" end
          tx:exec("UPDATE item SET n = $1", { n + 1 })
        end, { isolation = "repeatable read", retry = retry })
        return runs
      end
    end
    local runs = orch.gather { add(10), add(10), add(10) }
    expect(pg:value "SELECT n FROM item"):equals(3)
    expect(runs[1] + runs[2] + runs[3]):greater_than(3)
    expect(function() orch.gather { add(), add() } end):raises { code = "40001" }
  end))
end)

describe("the pool", function()
  it("50 tasks on 5 connections", function()
    local pg <close> = open { max = 5 }
    local busy, most, list = 0, 0, {}
    for i = 1, 50 do list[i] = i end
    local got = orch.map(list, function(i)
      local conn <close> = pg:take()
      busy = busy + 1
      most = math.max(most, busy)
      local value = conn:query("SELECT $1::int * 2 FROM pg_sleep(0.01)", nil, { i }, "value", {})
      busy = busy - 1
      return value
    end, { concurrency = 50 })
    for i = 1, 50 do expect(got[i]):equals(2 * i) end
    expect(most):equals(5)
    expect(pg:value "SELECT 1"):equals(1)
    expect({ pg.pool.count, #pg.pool.idle }):equals { 5, 5 }
  end)

  it("is first come, first served, also past a waiter that gives up", function()
    local pg <close> = open { max = 1 }
    local order = {}
    local first = pg:take()
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = orch.spawn({ hold = true }, function()
        pg:value "SELECT 1"
        order[#order + 1] = i
      end)
      orch.checkpoint()
    end
    orch.sleep "5ms"
    tasks[2]:cancel "no"
    first.holder:release(first)
    for i = 1, 4 do tasks[i]:join() end
    expect(order):equals { 1, 3, 4 }
    expect({ pg.pool.count, #pg.pool.idle }):equals { 1, 1 }
  end)

  it("says who has all of it", function()
    local pg <close> = open { max = 2, pool_timeout = "20ms" }
    local s <close> = orch.scope()
    for _ = 1, 2 do s:spawn({ daemon = true }, pg.value, pg, "SELECT pg_sleep(600)") end
    orch.sleep "20ms"
    local err = expect(function() pg:value "SELECT 1" end):raises "timeout"
    expect(err.message):contains
      "no connection became free within 0.02 s: all of them (2, option `max`) are in use"
  end)

  it("is not waited for by those who have all of it", function()
    local pg <close> = open { max = 2 }
    local function waits_for_itself()
      pg:transaction(function(tx)
        tx:value "SELECT pg_sleep(0.01)"
        orch.gather { function() pg:value "SELECT 1" end }
      end)
    end
    local err = expect(function() orch.gather { waits_for_itself, waits_for_itself } end)
      :raises "deadlock"
    expect(err.message):contains "all connections (2, option `max`) are in use"
    local one <close> = open { max = 1 }
    expect(function()
      for _ in one:rows "SELECT generate_series(1, 10)" do one:value "SELECT 1" end
    end):raises "deadlock"
    expect(one:value "SELECT 1"):equals(1)
    waits_for_itself()
    expect({ pg.pool.count, #pg.pool.idle }):equals { 2, 2 }
  end)

  it("closes what is open, and says that it is closed", function()
    local pg = open()
    pg:value "SELECT 1"
    pg:close()
    pg:close()
    expect(function() pg:value "SELECT 1" end):raises "closed"
    expect(pg.pool.count):equals(0)
  end)

  it("several databases at once", function()
    local a <close> = open()
    local b <close> = open()
    local got = orch.gather {
      a = function() return a:value "SELECT 1" end,
      b = function() return b:value "SELECT 2" end,
      c = function()
        local lite <close> = db.sqlite ":memory:"
        return lite:value "SELECT 3"
      end,
    }
    expect(got):equals { a = 1, b = 2, c = 3 }
  end)
end)

describe("what the server says meanwhile", function()
  it("goes to whoever wants it", function()
    local heard = {}
    local pg <close> = open { on_notice = function(severity, text)
      heard[#heard + 1] = severity .. ": " .. text
    end }
    pg:script "DO $$ BEGIN RAISE NOTICE 'hello %', 5; RAISE WARNING 'careful'; END $$"
    expect(heard):equals { "NOTICE: hello 5", "WARNING: careful" }
  end)
end)
