-- The figures of pictures. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"
local FOLDER = "build/bench/images"

local function here(path) return "scripts/bench/images/" .. path end

return {
  {
    name = "headers", title = "headers of 1,000 images", measure = "wall", rounds = 7,
    answer = "answer%s+(%S+)", server = { "/bin/sh", here "prepare.sh", FOLDER },
    ours = { ORCH, "run", here "ours.lua", FOLDER },
    peers = {
      { "identify -ping", bar = 20, "/bin/sh", here "identify.sh", FOLDER },
    },
  },
}
