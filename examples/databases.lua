-- Several databases asked at once: players, builds and crashes, each a file of its own, and a
-- report of what they say together. The slowest of them decides how long it takes.
--
--   orch run examples/databases.lua [--postgres postgres://me@host/game]
--
-- With --postgres the crashes are there, in a table that is dropped again.

local db = orch.db
local folder = orch.fs.temp_dir()
local url = orch.args[1] == "--postgres" and orch.args[2]
local players <close> = db.sqlite(folder .. "/players.db")
local builds <close> = db.sqlite(folder .. "/builds.db")
local crashes <close> = url and db.postgres(url) or db.sqlite(folder .. "/crashes.db")

-- What the rest of the studio would have filled. Values are parameters, never part of the text.
local function fill()
  players:script "CREATE TABLE session (player INTEGER, build TEXT, minutes INTEGER)"
  builds:script "CREATE TABLE build (id TEXT PRIMARY KEY, platform TEXT, megabytes REAL)"
  crashes:exec "CREATE TABLE orch_example_crash (build TEXT, signature TEXT)"
  builds:exec_many("INSERT INTO build VALUES (:id, :platform, :megabytes)", {
    { id = "1.4.0-a", platform = "Android", megabytes = 182.5 },
    { id = "1.4.0-i", platform = "iOS", megabytes = 201.25 },
    { id = "1.4.0-w", platform = "WebGL", megabytes = 64 },
  })
  local suffix, sessions, found = { "a", "i", "w", "a" }, {}, {}
  for i = 1, 3000 do
    local build = "1.4.0-" .. suffix[i % 4 + 1]
    sessions[i] = { i * i % (701 - i % 4 * 90), build, i % 90 }
    if i % 97 == 0 then found[#found + 1] = { build = build, signature = "Mesh.Load" } end
  end
  players:exec_many("INSERT INTO session VALUES (?, ?, ?)", sessions)
  crashes:exec_many("INSERT INTO orch_example_crash VALUES (:build, :signature)", found)
end

local function by_build(rows)
  local map = {}
  for _, row in ipairs(rows) do map[row.build] = row end
  return map
end
local _ <close> = orch.defer(function() crashes:exec "DROP TABLE orch_example_crash" end)
fill()
local all = orch.gather {
  builds = function() return builds:query "SELECT * FROM build ORDER BY platform" end,
  played = function()
    return by_build(players:query [[SELECT build, count(DISTINCT player) AS players,
      sum(minutes) AS minutes FROM session GROUP BY build]])
  end,
  crashed = function()
    return by_build(crashes:query [[SELECT build, count(*) AS n
      FROM orch_example_crash GROUP BY build]])
  end,
}

print(("%-10s %8s %8s %8s %8s"):format("platform", "MB", "players", "hours", "crashes"))
for _, build in ipairs(all.builds) do
  local played, crashed = all.played[build.id], all.crashed[build.id]
  print(("%-10s %8.1f %8d %8d %8d"):format(build.platform, build.megabytes, played.players,
    played.minutes // 60, crashed and crashed.n or 0))
end
