-- linear.lua ORCH FOLDER N: the time per job that a plan of N jobs takes; the start of orch
-- and a plan of one job are taken away. Small graphs are planned several times.
local program, folder, n = orch.args[1], orch.args[2], math.tointeger(orch.args[3])

local function wall(jobs)
  local out = orch.process.run { "build/bench/stopwatch", program, "run", "-n", "-C", folder,
    "graph.lua", "--n", tostring(jobs) }
  return tonumber(out.stdout:match "wall (%S+)")
end

-- The least of both: small graphs differ by less than what else the machine does.
local all, one = math.huge, math.huge
for _ = 1, n < 100000 and 10 or 1 do
  all, one = math.min(all, wall(n)), math.min(one, wall(1))
end
print(("seconds %.9f"):format((all - one) / (n - 1)))
