-- orch.db: several databases at once, the same calls for each, errors that tell them apart.

local db = orch.db
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

local function three()
  local folder, all = orch.fs.temp_dir(), {}
  for i, name in ipairs { "players", "builds", "crashes" } do
    all[i] = db.sqlite(("%s/%s.db"):format(folder, name))
    all[i]:script "CREATE TABLE t (n INTEGER)"
    all[i]:exec_many("INSERT INTO t VALUES (?)", { { i }, { i * 10 } })
  end
  return table.unpack(all)
end

describe("orch.db", function()
  it("asks several databases in one gather", function()
    local players, builds, crashes = three()
    local sums = orch.gather {
      players = function() return players:value "SELECT sum(n) FROM t" end,
      builds = function() return builds:value "SELECT sum(n) FROM t" end,
      crashes = function() return crashes:value "SELECT sum(n) FROM t" end,
    }
    expect(sums):equals { players = 11, builds = 22, crashes = 33 }
    for _, one in ipairs { players, builds, crashes } do one:close() end
  end)

  it("the first failure ends the others, and says which database it was", function()
    local players, builds, crashes = three()
    local endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
      .. "SELECT count(*) FROM c"
    local err = expect(function()
      orch.gather(
        function() return players:query(endless) end,
        function() return builds:query "SELECT * FROM missing" end,
        function() return crashes:query(endless) end)
    end):raises { kind = "db", code = "SQLITE_ERROR" }
    expect(err.message):contains "builds.db': no such table: missing"
    expect(err.database):contains "builds.db"
    for _, one in ipairs { players, builds, crashes } do
      expect(one:value "SELECT count(*) FROM t"):equals(2)
      one:close()
    end
  end)

  it("asks SQLite and PostgreSQL in one gather", function()
    local server <close> = dofile(here .. "/helper/postgres.lua").start()
    local players = three()
    local central <close> = db.postgres(server:url())
    central:exec "CREATE TABLE t (n bigint)"
    central:exec_many("INSERT INTO t VALUES (:n)", { { n = 5 }, { n = 6 } })
    local SUM = "SELECT sum(n) AS sum FROM t WHERE n > :min"
    local sums = orch.gather {
      here = function() return players:value(SUM, { min = 0 }) end,
      there = function() return math.tointeger(central:value(SUM, { min = 0 })) end,
    }
    expect(sums):equals { here = 11, there = 11 }
    players:transaction(function(mine)
      central:transaction(function(theirs)
        theirs:exec("INSERT INTO t VALUES (:n)", mine:row "SELECT max(n) AS n FROM t")
      end)
    end)
    expect(central:value "SELECT count(*) FROM t"):equals(3)
    players:close()
  end)

  it("a name that it does not have", function()
    expect(function() return db.sqlit end):raises "did you mean 'sqlite'?"
  end)

  it("needs no thread of a pool, and no server", function()
    local result = orch.thread(function()
      local ok, err = pcall(function()
        return require("orch.db").sqlite(":memory:"):query "SELECT 1"
      end)
      return ok, tostring(err)
    end)
    expect(result):is(false)
  end)
end)
