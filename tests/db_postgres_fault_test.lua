-- orch.db.postgres where things go wrong: nobody there, nobody let in, servers that die,
-- queries that never end. No wait of a database may stop the other tasks.

local db, fs = orch.db, orch.fs
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local postgres = dofile(here .. "/helper/postgres.lua")
local server = dofile(here .. "/helper/server.lua")

local PASSWORD = "pass word/%@:x"

local function local_url(port, query)
  return ("postgres://tester@127.0.0.1:%d/postgres%s"):format(port, query or "")
end

local function fails(url, opts, wanted)
  local pg <close> = db.postgres(url, opts)
  local err = expect(function() pg:value "SELECT 1" end):raises(wanted)
  expect(tostring(err)).never:contains(PASSWORD)
  expect(pg.pool.count):equals(0)
  return err
end

local PASSWORD_IN_URL = "pass%20word%2F%25%40%3Ax"

local function nobody_listens() end

-- With passwords and TLS; it may be stopped, and is started again by whoever does.
local function own_server()
  local ca = server.certificate "ca.pem"
  return postgres.kept("own", { auth = "scram", password = PASSWORD, tls = ca:match "^(.*)/" })
end

-- A database with an empty table on a server that may be stopped.
local function open_own(opts)
  local pg_server = own_server()
  local pg = db.postgres(pg_server:url(nil, PASSWORD_IN_URL), opts)
  orch.retry(function() -- it may still recover from the case before
    pg:script "DROP TABLE IF EXISTS t; CREATE TABLE t (i int)"
  end, { attempts = 100, base = 0.02, cap = 0.05 })
  return pg, pg_server
end

-- How often a task that only sleeps got its turn while `fn` ran.
local function ticks_during(fn)
  local n = 0
  local s <close> = orch.scope()
  s:spawn({ daemon = true }, function()
    while true do
      orch.sleep "5ms"
      n = n + 1
    end
  end)
  fn()
  return n
end

describe("connecting", function()
  it("to nobody is told as it is", function()
    local err = fails(local_url(server.port "refused"), nil, { kind = "network", retryable = true })
    expect(err.message):matches "^tester@127.0.0.1:%d+/postgres: cannot connect: Connection refused"
    err = fails("postgres://tester@no.such.host.invalid/x", nil, "network")
    expect(err.message):contains "the address of 'no.such.host.invalid' is not known"
    err = fails("postgres:///x?host=" .. test.temp_dir(), nil, "network")
    expect(err.message):contains "No such file or directory"
  end)

  it("to a server that says nothing ends in time, and stops nobody", function()
    for _, name in ipairs { "silent", "full" } do
      local ticks = ticks_during(function()
        local err = fails(local_url(server.port(name)), { connect_timeout = "150ms" },
          { kind = "timeout" })
        expect(err.message):contains "cannot connect: nothing came back within 0.15 s"
      end)
      expect(ticks):greater_than(5)
    end
    local pg <close> = db.postgres(local_url(server.port "silent"))
    expect(function() pg:value("SELECT 1", nil, { timeout = "50ms" }) end):raises "timeout"
    local task = orch.spawn({ hold = true }, pg.value, pg, "SELECT 1")
    orch.sleep "10ms"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)

  it("to somebody who hangs up", function()
    expect(fails(local_url(server.port "reset"), nil, { kind = "network" }).message)
      :contains "cannot connect"
  end)

  it("tries one host after the other", function()
    local pg <close> = db.postgres(("postgres://tester@127.0.0.1:%d,localhost:%d/postgres"):format(
      server.port "refused", postgres.shared().port))
    expect(pg:value "SELECT 1"):equals(1)
    local err = fails(("postgres://tester@127.0.0.1:%d,127.0.0.1:%d/postgres"):format(
      server.port "refused", server.port "silent"), { connect_timeout = "50ms" }, "timeout")
    expect(err.message):contains "(the last of 2 addresses)"
  end)

  it("over a Unix socket, by a table, by variables of the task", function()
    local shared = postgres.shared()
    local pg <close> = db.postgres { host = shared.socket, port = shared.port, user = shared.user,
      database = "postgres", application_name = "by table" }
    expect(pg:value "SHOW application_name"):equals "by table"
    expect(pg:value "SELECT inet_client_addr()"):is_nil()
    local _ <close> = orch.with_env { PGHOST = "127.0.0.1", PGPORT = shared.port,
      PGUSER = shared.user, PGDATABASE = "postgres", PGAPPNAME = "by env" }
    local other <close> = db.postgres "postgres://"
    expect(other:value "SHOW application_name"):equals "by env"
    expect(tostring(other)):equals(("postgres tester@127.0.0.1:%d/postgres"):format(shared.port))
  end)

  it("to a database that is not there", function()
    local port = postgres.shared().port
    local err = fails(("postgres://tester@127.0.0.1:%d/nowhere"):format(port), nil,
      { kind = "db", code = "3D000" })
    expect(err.message):contains 'database "nowhere" does not exist'
  end)

  it("with an address that is none", function()
    for url, words in pairs {
      ["mysql://x"] = "does not begin with postgres://",
      ["postgres://u:secret@h:port/x"] = "the port of the host 'h' is not a number",
      ["postgres://h/x?sslmod=require"] = "no option `sslmod`; did you mean `sslmode`",
      ["postgres://h/x?what"] = "has no value",
    } do
      local err = expect(function() db.postgres(url) end):raises { kind = "usage" }
      expect(err.message):contains(words)
      expect(err.message).never:contains "secret"
    end
    for _, url in ipairs { "postgres://u:12/hush-hush@h/x", "postgres://u:hush?hush@h/x" } do
      local err = expect(function() db.postgres(url) end):raises "are written %2F"
      expect(err.message).never:contains "hush"
      expect(orch.secrets.redact(url)).never:contains "hush"
    end
    expect(function() db.postgres { host = "x", colour = "red" } end):raises "no option `colour`"
    expect(function() db.postgres("postgres://x", { maxx = 1 }) end):raises "did you mean `max`"
    expect(function() db.postgres("postgres://x", { max = 0 }) end):raises "at least 1"
  end)
end)

describe("a password", function()
  it("wrong, missing, from the URL, the environment and a file", function()
    local port = own_server().port
    local err = fails(("postgres://tester:wrong@127.0.0.1:%d/postgres"):format(port), nil,
      { kind = "auth", code = "28P01" })
    expect(err.message):contains 'password authentication failed for user "tester"'
    expect(err.retryable).never:equals(true)
    local dir = test.temp_dir()
    local _ <close> = orch.with_env { HOME = dir, PGPASSFILE = dir .. "/pass", PGPASSWORD = false }
    err = fails(local_url(port), nil, { kind = "auth" })
    expect(err.message):contains "PGPASSWORD or ~/.pgpass"

    local function works(target)
      local pg <close> = db.postgres(target)
      expect(pg:value "SELECT current_user"):equals "tester"
      expect(tostring(pg)).never:contains "pass word"
    end
    works(own_server():url(nil, PASSWORD_IN_URL))
    works { host = "127.0.0.1", port = port, user = "tester", password = PASSWORD,
      dbname = "postgres" }
    do
      local _ <close> = orch.with_env { PGPASSWORD = PASSWORD }
      works(local_url(port))
    end
    fs.write(dir .. "/pass", "127.0.0.1:*:*:tester:" .. PASSWORD:gsub("[\\:]", "\\%0") .. "\n",
      { mode = 384 })
    works(local_url(port))
    expect(orch.secrets.redact("a " .. PASSWORD .. " b")):equals "a *** b"
  end)
end)

describe("TLS", function()
  it("checks who the server is", function()
    local ca = server.certificate "ca.pem"
    local port = own_server().port
    local function url(host, mode, root)
      return ("postgres://tester:%s@%s:%d/postgres?sslmode=%s&sslrootcert=%s"):format(
        PASSWORD_IN_URL, host, port, mode, root or ca)
    end
    local pg <close> = db.postgres(url("localhost", "verify-full"))
    expect(pg:value "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"):equals(true)
    local huge = pg:value("SELECT length($1::text)", { ("x"):rep(3 << 20) })
    expect(huge):equals(3 << 20)
    local err = fails(url("127.0.0.1", "verify-full", server.certificate "stranger.pem"), nil,
      { kind = "tls" })
    expect(err.message):contains "certificate verify failed"
    expect(function() pg:value("SELECT pg_sleep(30)", nil, { timeout = "30ms" }) end)
      :raises "timeout"
    expect(pg:value "SELECT 1"):equals(1)
    err = fails(local_url(postgres.shared().port, "?sslmode=require"), nil, { kind = "tls" })
    expect(err.message):contains "does not support SSL"
  end)
end)

describe("a query that never ends", function()
  -- Of this database only: by its application_name.
  local function open(name, opts)
    return db.postgres(postgres.shared():url("application_name=" .. name), opts)
  end

  local function running(watcher, name)
    return watcher:value([[SELECT count(*) FROM pg_stat_activity
      WHERE application_name = $1 AND state = 'active']], { name })
  end

  it("is over on the server when its timeout raises, and the connection lives on", function()
    local watcher <close> = open "watcher"
    local pg <close> = open("sleepy", { max = 1 })
    local pid = pg:value "SELECT pg_backend_pid()"
    for _, call in ipairs { "query", "row", "value", "exec" } do
      local err = expect(function() pg[call](pg, "SELECT pg_sleep(600)", nil,
        { timeout = "20ms" }) end):raises "timeout"
      expect(err.message):contains("db:" .. call .. " timed out after 20ms")
      expect(running(watcher, "sleepy")):equals(0)
    end
    expect(function() pg:script("SELECT pg_sleep(600)", { timeout = "20ms" }) end):raises "timeout"
    expect(function()
      orch.wait_for(function() for _ in pg:rows "SELECT pg_sleep(600)" do end end, "20ms")
    end):raises "timeout"
    expect(function()
      for _ in pg:rows("SELECT pg_sleep(600)", nil, { timeout = "20ms" }) do end
    end):raises "timeout"
    expect(function()
      orch.wait_for(function()
        for _ in pg:copy_out "COPY (SELECT pg_sleep(600)) TO STDOUT" do end
      end, "20ms")
    end):raises "timeout"
    expect(running(watcher, "sleepy")):equals(0)
    expect(pg:value "SELECT pg_backend_pid()"):equals(pid)
  end)

  it("is over when its task was cancelled, before or in flight", function()
    local watcher <close> = open "watcher"
    local pg <close> = open("sleepy2", { max = 1 })
    pg:value "SELECT 1"
    local before = orch.spawn({ hold = true }, pg.value, pg, "SELECT pg_sleep(600)")
    before:cancel "not at all"
    expect(function() before:await() end):raises "cancelled"
    local task = orch.spawn({ hold = true }, pg.value, pg, "SELECT pg_sleep(600)")
    orch.sleep "20ms"
    expect(running(watcher, "sleepy2")):equals(1)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(running(watcher, "sleepy2")):equals(0)
    expect(pg:value "SELECT 1"):equals(1)
  end)

  it("many of them at once, none too late for the next query", function()
    local pg <close> = open("many", { max = 4 })
    orch.each({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, function(i)
      for _ = 1, 8 do
        pcall(pg.value, pg, "SELECT pg_sleep($1)", { 0.002 * (i % 3) }, { timeout = "2ms" })
        expect(pg:value("SELECT $1::int", { i })):equals(i)
      end
    end)
  end)

  it("is ended also when the server had not read it yet", function()
    local watcher <close> = open "watcher"
    local pg <close> = open("large", { max = 1 })
    local pid = pg:value "SELECT pg_backend_pid()"
    expect(function()
      pg:value("SELECT pg_sleep(600), length($1)", { ("x"):rep(32 << 20) }, { timeout = "5ms" })
    end):raises "timeout"
    expect(running(watcher, "large")):equals(0)
    expect(pg:value "SELECT pg_backend_pid()"):equals(pid)
  end)

  it("exec_many that is cancelled keeps nothing", function()
    local pg <close> = open("pipeline", { max = 1, on_notice = nobody_listens })
    pg:script "DROP TABLE IF EXISTS pipeline; CREATE TABLE pipeline (i int)"
    local pid, rows = pg:value "SELECT pg_backend_pid()", {}
    for i = 1, 50000 do rows[i] = { i } end
    expect(function()
      pg:exec_many("INSERT INTO pipeline SELECT $1::int FROM pg_sleep(0.001)", rows,
        { timeout = "100ms" })
    end):raises "timeout"
    expect(pg:row "SELECT count(*) AS n, pg_backend_pid() AS pid FROM pipeline")
      :equals { n = 0, pid = pid }
    pg:exec "DROP TABLE pipeline"
  end)

  it("on a server that does not react is given up", function()
    local watcher <close> = open "watcher"
    local pg <close> = open("stopped", { max = 1, cancel_timeout = "100ms" })
    local pid = pg:value "SELECT pg_backend_pid()"
    local ticks = ticks_during(function()
      orch.sh("kill -STOP ${pid}", { pid = tostring(pid) })
      expect(function() pg:value("SELECT 1", nil, { timeout = "20ms" }) end):raises "timeout"
    end)
    orch.sh("kill -CONT ${pid}", { pid = tostring(pid) })
    expect(ticks):greater_than(5)
    expect(pg:value "SELECT pg_backend_pid()").never:equals(pid)
    expect(watcher:value "SELECT 1"):equals(1)
  end)
end)

describe("a proxy", function()
  local function with_proxy(opts, fn)
    local proxy <close> = orch.process.spawn { "python3", "-S", "-E",
      here .. "/helper/postgres_proxy.py", tostring(postgres.shared().port) }
    do
      local port = tonumber(proxy:read "line")
      local pg <close> = db.postgres(local_url(port, "?sslmode=disable"), opts)
      fn(pg)
    end
    proxy:close_stdin()
    proxy:wait()
  end

  local function prepared(pg)
    for _ = 1, 3 do pg:value "SELECT 1" end
    return pg:value "SELECT count(*) FROM pg_prepared_statements"
  end

  it("that loses a query and its cancellation does not hold up the end", function()
    with_proxy({ cancel_timeout = math.huge }, function(pg)
      expect(function() pg:value("SELECT pg_sleep(600)", nil, { timeout = "20ms" }) end)
        :raises "timeout"
      expect(pg:value "SELECT 1"):equals(1)
    end)
  end)

  it("that may change the server's process gets nothing to remember", function()
    with_proxy({ max = 1 }, function(pg) expect(prepared(pg)):equals(0) end)
    with_proxy({ max = 1, prepare = true }, function(pg) expect(prepared(pg)):equals(1) end)
  end)
end)

describe("a server that dies", function()
  it("in the middle of a transaction leaves nothing, and the next one works", function()
    local pg <close>, pg_server = open_own { max = 3, on_notice = nobody_listens }
    for _, how in ipairs { "stop", "kill" } do
      local err = expect(function()
        pg:transaction(function(tx)
          tx:exec "INSERT INTO t VALUES (1)"
          if how == "stop" then pg_server:stop "immediate" else pg_server:kill() end
          pg_server:start()
          pcall(tx.exec, tx, "INSERT INTO t VALUES (2)")
          tx:exec "INSERT INTO t VALUES (3)"
        end)
      end):raises { kind = "network", retryable = false }
      expect(err.message):contains "the connection of this transaction was lost"
      expect(pg:value "SELECT count(*) FROM t"):equals(0)
    end
  end)

  it("during a statement or a commit says that nobody knows", function()
    local pg <close>, pg_server = open_own { max = 2, on_notice = nobody_listens }
    local task = orch.spawn({ hold = true }, pg.value, pg, "SELECT pg_sleep(600)")
    orch.sleep "50ms"
    pg_server:stop "immediate"
    local err = expect(function() task:await() end):raises { kind = "network", retryable = false }
    expect(err.message):contains "the connection was lost"
    expect(err.message):contains "whether the server did what it was asked for is not known"
    pg_server:start()
    expect(pg:value "SELECT 1"):equals(1)

    local pid
    local committing = orch.spawn({ hold = true }, pg.transaction, pg, function(tx)
      tx:exec "INSERT INTO t VALUES (1)"
      pid = tostring(tx:value "SELECT pg_backend_pid()")
      orch.sh("kill -STOP ${pid}", { pid = pid })
    end)
    orch.sleep "200ms"
    orch.sh("kill -9 ${pid}", { pid = pid })
    expect(function() committing:await() end):raises { kind = "network", in_doubt = true }
  end)

  it("while rows and COPY are under way raises there", function()
    local pg <close>, pg_server = open_own { max = 2, on_notice = nobody_listens }
    local n = 0
    expect(function()
      for _ in pg:rows "SELECT repeat('x', 1000), generate_series(1, 1000000)" do
        n = n + 1
        if n == 10 then pg_server:stop "immediate" end
      end
    end):raises { kind = "network" }
    pg_server:start()
    n = 0
    expect(function()
      pg:copy("COPY t FROM STDIN", function()
        n = n + 1
        if n == 10 then pg_server:stop "immediate" end
        return ("1\n"):rep(50000)
      end)
    end):raises { kind = "network" }
    pg_server:start()
    expect(pg:value "SELECT count(*) FROM t"):equals(0)
    expect({ pg.pool.count, #pg.pool.idle }):equals { 1, 1 }
  end)

  it("between two questions costs the next one a new connection", function()
    local pg <close>, pg_server = open_own()
    orch.gather { function() pg:value "SELECT pg_sleep(0.01)" end,
      function() pg:value "SELECT pg_sleep(0.01)" end }
    pg_server:stop "fast"
    pg_server:start()
    expect(pg:value "SELECT 1"):equals(1)
    expect(pg:value [[SELECT count(*) FROM pg_stat_activity
      WHERE application_name = 'orch']]):equals(1)
  end)
end)
