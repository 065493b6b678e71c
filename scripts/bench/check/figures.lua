-- The figures of asset checks. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"
local PYTHON = "/usr/bin/python3"
local FOLDER = "build/bench/check"

local function here(path) return "scripts/bench/check/" .. path end
local function sh(command) return "/bin/sh", "-c", command end

local PREPARE = { "/bin/sh", here "prepare.sh", FOLDER }

--- Findings are the point: that there are some (exit 4) is no failure.
local function check(tree, words)
  return sh(("%s check -C %s/%s %s >/dev/null; [ $? = 4 ]"):format(ORCH, FOLDER, tree, words))
end

return {
  {
    name = "check", title = "1,000 mixed assets, header rules", measure = "wall", rounds = 7,
    server = PREPARE, at_most = 1,
    ours = { check("mixed", "--no-cache $(cat " .. FOLDER .. "/header)") }, peers = {},
  },
  {
    name = "check-images", title = "rules for 700 images", measure = "wall", rounds = 11,
    server = PREPARE,
    ours = { check("mixed", "--no-cache $(cat " .. FOLDER .. "/image)") },
    peers = {
      { "Python and Pillow", bar = 10, sh(PYTHON .. " " .. here "pillow.py" .. " " .. FOLDER
        .. "/mixed >/dev/null") },
    },
  },
  {
    name = "check-again", title = "50,000 files, unchanged", measure = "wall", rounds = 11,
    server = PREPARE, -- the round that does not count looks at everything
    ours = { sh(ORCH .. " check -C " .. FOLDER .. "/small >/dev/null; [ $? = 0 -o $? = 4 ]") },
    peers = { { "find -printf", bar = 0.5,
      sh("exec find " .. FOLDER .. "/small -printf '%s %T@ %p\\n' >/dev/null") } },
  },
}
