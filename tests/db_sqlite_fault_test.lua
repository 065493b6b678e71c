-- orch.db.sqlite where things go wrong: killed, full, locked by others, damaged, cancelled at
-- any moment; and a million rows in little memory.

local db = orch.db
local runtime = require "orch.core.runtime"

local ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
  .. "SELECT count(*) FROM c"
local COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ?) "

describe("db.sqlite in trouble", function()
  local folder, path

  before_each(function()
    folder = orch.fs.temp_dir()
    path = folder .. "/a.db"
  end)

  local function make(opts)
    local a = db.sqlite(path, opts)
    a:script "CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b)"
    return a
  end

  --- A script in a process of its own; it prints a line, and then waits to be told.
  local function start(body)
    orch.fs.write(folder .. "/other.lua", body)
    return orch.process.spawn { runtime.executable(), folder .. "/other.lua", path }
  end

  it("kill -9 in a transaction: nothing of it is left", function()
    local a <close> = make()
    a:exec "INSERT INTO t VALUES (1, 'kept')"
    local other <close> = start [[
      local a = orch.db.sqlite(orch.args[1])
      a:transaction(function(tx)
        tx:exec_many("INSERT INTO t (b) VALUES (?)", { { 1 }, { 2 }, { 3 } })
        tx:exec "DELETE FROM t WHERE a = 1"
        print "begun" io.stdout:flush()
        orch.sleep "1h"
      end)]]
    expect(other:read "line"):equals "begun"
    expect(a:value "SELECT group_concat(b) FROM t"):equals "kept"
    other:signal "KILL"
    pcall(other.wait, other)
    expect(a:exec "INSERT INTO t VALUES (2, 'after')"):equals(1)
    expect(a:value "SELECT group_concat(b) FROM t"):equals "kept,after"
    expect(a:value "PRAGMA integrity_check"):equals "ok"
  end)

  it("another process that writes is waited for, and named when it does not end", function()
    local a <close> = make { busy = "50ms" }
    local other <close> = start [[
      local a <close> = orch.db.sqlite(orch.args[1])
      a:transaction(function(tx)
        tx:exec "INSERT INTO t VALUES (1, 'theirs')"
        print "begun" io.stdout:flush()
        io.read()
      end)]]
    expect(other:read "line"):equals "begun"
    local err = expect(function() a:exec "INSERT INTO t VALUES (2, 'ours')" end)
      :raises { kind = "db", code = "SQLITE_BUSY", retryable = true }
    expect(err.message):contains "has been writing for longer than 0.05s (option `busy`)"
    expect(function() a:transaction(function() error "not begun" end) end)
      :raises { code = "SQLITE_BUSY" }
    expect(a:value "SELECT count(*) FROM t"):equals(0)
    local patient <close> = db.sqlite(path, { busy = "1h" })
    expect(orch.move_on_after("30ms", patient.exec, patient, "INSERT INTO t VALUES (3, 'no')"))
      :is(false)
    local waiting = orch.spawn(patient.exec, patient, "INSERT INTO t VALUES (4, 'patient')")
    orch.sleep "5ms"
    other:write "\n"
    other:wait()
    waiting:await()
    expect(a:value "SELECT group_concat(b) FROM t"):equals "theirs,patient"
  end)

  it("a new file that somebody else is making is waited for", function()
    local other <close> = start [[
      local sqlite = require "orch.core.sqlite"
      local a = sqlite.open(orch.args[1], "rwc", 5)
      a:script "CREATE TABLE t (a, b); BEGIN IMMEDIATE; INSERT INTO t VALUES (1, 'theirs')"
      print "begun" io.stdout:flush()
      io.read()
      a:script "COMMIT"
      a:close()]]
    expect(other:read "line"):equals "begun"
    local a <close> = db.sqlite(path)
    local asking = orch.spawn(a.value, a, "SELECT b FROM t")
    orch.sleep "20ms"
    other:write "\n"
    other:wait()
    expect(asking:await()):equals "theirs"
    expect(a:value "PRAGMA journal_mode"):equals "wal"
  end)

  it("two processes and many tasks lose nothing", function()
    local a <close> = make { busy = "30s" }
    local script = [[
      local a <close> = orch.db.sqlite(orch.args[1], { busy = "30s" })
      orch.each({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function()
        for _ = 1, 20 do
          a:transaction(function(tx)
            local n = tx:value "SELECT b FROM t WHERE a = 0"
            tx:exec("UPDATE t SET b = ? WHERE a = 0", { n + 1 })
          end)
        end
      end)]]
    a:exec "INSERT INTO t VALUES (0, 0)"
    orch.fs.write(folder .. "/count.lua", script)
    local function count()
      orch.process.run { runtime.executable(), folder .. "/count.lua", path }
    end
    orch.gather(count, count)
    expect(a:value "SELECT b FROM t"):equals(400)
  end)

  it("a full disk: a sentence, and everything as it was", function()
    orch.fs.mkdir(folder .. "/disk")
    orch.fs.write(folder .. "/full.lua", [[
      local a <close> = orch.db.sqlite(orch.args[1])
      a:script "CREATE TABLE t (b)"
      a:exec "INSERT INTO t VALUES ('kept')"
      local ok, err = pcall(a.transaction, a, function(tx)
        tx:exec "INSERT INTO t VALUES ('lost')"
        tx:exec "INSERT INTO t VALUES (zeroblob(4000000))"
      end)
      print(ok, err.code, err.message)
      print(a:value "SELECT group_concat(b) FROM t")]])
    local mount = 'mount -t tmpfs -o size=1M none "$1" && shift && exec "$@"'
    local result = orch.process.run { "unshare", "-rm", "sh", "-c", mount, "sh",
      folder .. "/disk", runtime.executable(), folder .. "/full.lua", folder .. "/disk/a.db",
      check = false }
    if result.stderr:find "unshare" or result.stderr:find "mount" then
      test.skip("no namespaces here: " .. result.stderr)
    end
    expect(result.stderr):equals ""
    expect(result.stdout):contains "false\tSQLITE_FULL\t"
    expect(result.stdout):contains "the disk is full"
    expect(result.stdout):matches "\nkept\n$"
  end)

  it("no database, a damaged one, a folder, no folder, no permission", function()
    local function told(target, opts)
      local b <close> = db.sqlite(target, opts)
      return expect(function() b:query "SELECT * FROM t" end):raises("db")
    end
    orch.fs.write(folder .. "/text.db", ("no database "):rep(1000))
    local err = told(folder .. "/text.db")
    expect(err.code):equals "SQLITE_NOTADB"
    expect(err.message):contains "no SQLite database"
    expect(told(folder).message):contains "is a folder"
    expect(told(folder .. "/none/a.db").message):contains(
      ("the folder '%s/none' does not exist"):format(folder))
    expect(told(folder .. "/none.db", { mode = "rw" }).message):contains "there is no such file"
    expect(told(folder .. "/none.db", { mode = "r" }).message):contains "there is no such file"
    expect(orch.fs.exists(folder .. "/none.db")):is(false)
    do
      local a <close> = make()
      a:exec(COUNT .. "INSERT INTO t SELECT x, zeroblob(1000) FROM c", { 500 })
    end
    local bytes = orch.fs.read(path)
    orch.fs.write(path, bytes:sub(1, 8192) .. ("\xff"):rep(#bytes - 8192))
    err = told(path)
    expect(err.code):matches "^SQLITE_CORRUPT"
    expect(err.message):contains "restore a backup"
  end)

  it("cancelled before it starts, waiting for its turn, in flight, and as it ends", function()
    local a <close> = make()
    local task = orch.spawn({ hold = true }, a.exec, a, "INSERT INTO t VALUES (1, 1)")
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"

    local begun, go = orch.event(), orch.event()
    local holder = orch.spawn(function()
      a:transaction(function() begun:set() go:wait() end)
    end)
    begun:wait()
    local waiting = orch.spawn({ hold = true }, a.exec, a, "INSERT INTO t VALUES (2, 2)")
    local after = orch.spawn({ hold = true }, a.exec, a, "INSERT INTO t VALUES (3, 3)")
    orch.sleep "2ms"
    waiting:cancel "enough"
    go:set()
    holder:await()
    after:await()
    expect(function() waiting:await() end):raises "cancelled"

    expect(orch.move_on_after("20ms", a.query, a, ENDLESS)):is(false)
    expect(orch.move_on_after("20ms", a.exec, a, "INSERT INTO t " .. COUNT
      .. "SELECT x + 10, 0 FROM c", { 1 << 40 })):is(false)
    expect(function() a:query(ENDLESS, nil, { timeout = "10ms" }) end):raises "timeout"
    expect(a:value "SELECT group_concat(a) FROM t"):equals "3"

    local told = 0
    for i = 1, 200 do -- what was done is never called cancelled, what was not is undone
      orch.move_on_after(i * 5e-6, function()
        a:transaction(function(tx) tx:exec("INSERT INTO t VALUES (?, 0)", { 1000 + i }) end)
        told = told + 1
      end)
    end
    local there = a:value "SELECT count(*) FROM t WHERE a > 1000"
    expect(there >= told and there <= told + 200):is(true)
    expect(a.conn:in_transaction()):is(false)
    expect(a.writing:locked()):is(false)
  end)

  it("a statement that never ends holds nobody up", function()
    local a <close> = make { readers = 8 }
    local others = {}
    for i = 1, 8 do others[i] = orch.spawn({ daemon = true }, a.query, a, ENDLESS) end
    orch.sleep "5ms"
    orch.fs.write(folder .. "/file", "the pool of threads is free")
    expect(orch.fs.read(folder .. "/file")):contains "free"
    expect(a:exec "INSERT INTO t VALUES (1, 1)"):equals(1)
    for _, task in ipairs(others) do task:cancel "enough" end
  end)

  it("a million rows in little memory", function()
    local a <close> = make()
    a:exec(COUNT .. "INSERT INTO t SELECT x, 'some text in a row' FROM c", { 1000000 })
    -- What the cases before have left must not decide when garbage is collected.
    local pause, step = collectgarbage("setpause", 110), collectgarbage("setstepmul", 400)
    local _ <close> = orch.defer(function()
      collectgarbage("setpause", pause)
      collectgarbage("setstepmul", step)
    end)
    collectgarbage()
    local before, most = collectgarbage "count", 0
    local n, sum = 0, 0
    for row in a:rows "SELECT a, b FROM t" do
      n, sum = n + 1, sum + row.a
      if n % 50000 == 0 then most = math.max(most, collectgarbage "count") end
    end
    expect(n):equals(1000000)
    expect(sum):equals(500000500000)
    expect(most - before):less_than(16 * 1024)
  end)

  it("a script that closes nothing and ends in the middle of rows", function()
    orch.fs.write(folder .. "/open.lua", [[
      local a = orch.db.sqlite(orch.args[1])
      a:script "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)"
      for row in a:rows("SELECT a FROM t", nil, { size = 1 }) do
        print(row.a)
        a:transaction(function(tx)
          tx:exec "DELETE FROM t"
          os.exit(3)
        end)
      end]])
    local result = orch.process.run { runtime.executable(), folder .. "/open.lua", path,
      check = false }
    expect(result.stdout):equals "1\n"
    expect(result.stderr):equals ""
    expect(result.exit_code):equals(3)
    local a <close> = db.sqlite(path)
    expect(a:value "SELECT count(*) FROM t"):equals(3)
  end)

  it("rows that nobody reads to the end are told", function()
    orch.fs.write(folder .. "/leak.lua", [[
      local a = orch.db.sqlite(orch.args[1])
      a:script "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)"
      local next = a:rows("SELECT a FROM t", nil, { size = 1 })
      print(next().a)]])
    local result = orch.process.run { runtime.executable(), folder .. "/leak.lua", path,
      check = false }
    expect(result.stdout):equals "1\n"
    expect(result.stderr):contains "leak.lua:4 were neither read to the end nor closed"
  end)
end)
