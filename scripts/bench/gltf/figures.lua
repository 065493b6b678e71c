-- The figures of glTF. See ../figures.lua, which adds them to the others.
local ORCH, NODE = os.getenv "ORCH" or "build/orch", "/usr/bin/node"
local MODELS = "tests/data/gltf"

local function here(path) return "scripts/bench/gltf/" .. path end

local function figure(t, mode, bar)
  t.rounds, t.answer = 11, "answer%s+(%S+)"
  t.ours = { ORCH, "run", here "ours.lua", MODELS, mode }
  t.peers = { { "gltf-validator", bar = bar, NODE, here "validator.cjs", MODELS, mode } }
  t.peers[1].moonshot = mode == "warm" or nil
  return t
end

return {
  figure({ name = "gltf", title = "check 37 glTF models", measure = "wall" }, "once", 5),
  figure({ name = "gltf-first", title = "the same without the start", measure = "seconds" },
    "once", 5),
  figure({ name = "gltf-warm", title = "the same, the 21st time", measure = "seconds" },
    "warm", 5),
}
