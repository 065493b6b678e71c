-- ours.lua FOLDER once|warm: checks the models of two suites; how long that took, the first
-- time or the 21st, and the names of those that are valid as one number.
local folder, mode = orch.args[1], orch.args[2]
local files = orch.fs.glob { folder .. "/samples/**/*.{gltf,glb}", folder .. "/kenney/*.glb" }
local gltf = orch.gltf
local valid

local function check(path) valid[path] = gltf.validate(path).valid end

local function pass()
  valid = {}
  local started = orch.time()
  orch.each(files, check)
  return orch.time() - started
end

local seconds = pass()
if mode == "warm" then
  for _ = 1, 20 do seconds = pass() end
end

local verdicts = {}
for i, path in ipairs(files) do verdicts[i] = valid[path] and "1" or "0" end
print("answer", table.concat(verdicts))
print("seconds", seconds)
