-- The figures of deploying. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"

local function here(path) return "scripts/bench/deploy/" .. path end

return {
  {
    name = "three_at_once", title = "uploads of 1, 2, 3 s", measure = "seconds", rounds = 3,
    at_most = 3.020,
    ours = { ORCH, "run", here "three_at_once.lua" }, peers = {},
  },
}
