-- linear.lua ORCH FOLDER N: the time per job that a plan of N jobs takes; the start of orch
-- and a plan of one job are taken away. Small graphs are planned several times.
local program, folder, n = orch.args[1], orch.args[2], math.tointeger(orch.args[3])

local function wall(jobs)
  local out = orch.process.run { "build/bench/stopwatch", program, "run", "-n", "-C", folder,
    "graph.lua", "--n", tostring(jobs) }
  return tonumber(out.stdout:match "wall (%S+)")
end

local best, rounds = math.huge, math.min(10, 100000 // n)
for _ = 1, rounds do best = math.min(best, (wall(n) - wall(1)) / (n - 1)) end
print(("seconds %.9f"):format(best))
