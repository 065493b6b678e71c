-- 10,000 inserts in a transaction: all of them in one call ("many"), or each with a call
-- of its own that waits ("each"). The rows are there already.
local path, how = orch.args[1], orch.args[2]
local N = 10000

for _, ending in ipairs { "", "-wal", "-shm" } do
  if orch.fs.exists(path .. ending) then orch.fs.remove(path .. ending) end
end
local db <close> = orch.db.sqlite(path)
db:script "CREATE TABLE player (id INTEGER PRIMARY KEY, name TEXT, score REAL)"
local INSERT = "INSERT INTO player VALUES (?, ?, ?)"

local rows = {}
for i = 1, N do rows[i] = { i, "player " .. i, i * 0.5 } end

local function many()
  db:exec_many(INSERT, rows)
end

local function each()
  db:transaction(function(tx)
    for i = 1, N do tx:exec(INSERT, rows[i]) end
  end)
end

local started = orch.time();
(how == "many" and many or each)()
print("seconds", orch.time() - started)
print("answer", db:value "SELECT count(*) || ' ' || sum(score) FROM player")
