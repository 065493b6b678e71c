-- The figures of databases. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"
local PYTHON = "/usr/bin/python3"
local PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"

local function here(path) return "scripts/bench/db/" .. path end

local ANSWER = "answer%s+(%S+)"

--- A file of its own for each, in a folder that the first round makes.
local FILES = "build/bench/sqlite/"
local PREPARE = { "/bin/mkdir", "-p", FILES }

local function sqlite(name, title, how, bar_in_c, bar_in_python)
  return {
    name = name, title = title, measure = "seconds", rounds = 7, answer = ANSWER,
    server = PREPARE,
    ours = { ORCH, "run", here "sqlite_ours.lua", FILES .. "ours.db", how },
    peers = {
      { "C API in a loop", bar = bar_in_c, "build/bench/sqlite_loop", FILES .. "c.db" },
      { "sqlite3, to_thread", bar = bar_in_python,
        PYTHON, here "py_sqlite.py", FILES .. "py.db", how },
    },
  }
end

return {
  sqlite("sqlite-many", "10,000 inserts, exec_many", "many", 1 / 1.3),
  sqlite("sqlite-each", "10,000 inserts, a call each", "each", nil, 5),
  {
    name = "postgres", title = "10,000 SELECTs, 50 at once", measure = "rate",
    rounds = 5, answer = ANSWER, server = { PYTHON, here "pg_server.py" },
    ours = { ORCH, "run", here "pg_ours.lua", "$url", "10000" },
    peers = {
      { "pgbench -S -c50", bar = 1 / 1.3, answer = false, value = "tps = (%S+)",
        PGBENCH, "-S", "-n", "-M", "prepared", "-c", "50", "-t", "200",
        "-h", "$host", "-p", "$port", "-U", "$user", "postgres" },
      { "psycopg2, with conn", bar = 5,
        PYTHON, here "py_pg.py", "block", "$host", "$port", "$user", "10000" },
      { "psycopg2, autocommit",
        PYTHON, here "py_pg.py", "autocommit", "$host", "$port", "$user", "10000" },
    },
  },
}
