-- SELECT by primary key, 50 at a time: pg_ours.lua URL COUNT
local count = tonumber(orch.args[2])
local db <close> = orch.db.postgres(orch.args[1], { max = 50 })
local find = db:prepare "SELECT abalance FROM pgbench_accounts WHERE aid = $1"

local function ask(n)
  local list, found = {}, 0
  for i = 1, n do list[i] = i * 7919 % 100000 + 1 end
  orch.each(list, function(aid)
    if find:value { aid } == 0 then found = found + 1 end
  end, { concurrency = 50 })
  return found
end

ask(500) -- opens the connections, as pgbench does before it counts
local start = orch.time()
local found = ask(count)
print("rate", count / (orch.time() - start))
print("answer", found)
