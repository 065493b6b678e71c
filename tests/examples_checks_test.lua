-- The small game with faults: what its rules find, and what --fix leaves of that.

local fs = require "orch.fs"
local json = require "orch.json"

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."

local function run(folder, ...)
  return test.run({ ... }, { cwd = folder, timeout = 60, env = { NO_COLOR = "1", COLUMNS = "80" } })
end

local function found_in(game)
  local list = {}
  for _, one in ipairs(json.decode(run(game, "check", "--json", "-").stdout).findings) do
    list[#list + 1] = ("%s %s %s"):format(one.severity, one.path:gsub("^Assets/", ""), one.rule)
  end
  table.sort(list)
  return list
end

it("examples/checks: a game with faults, and rules that find them", function()
  local game = test.temp_dir() .. "/game"
  local made = run(root, "run", "examples/checks/make_game.lua", game)
  expect(made.stderr):equals ""
  expect(made.stdout):contains("now run  orch check -C " .. game)
  local before = {
    "error Levels/cave.json level.spawns",
    "error Models/crate.gltf model.references",
    "error Props/T_Barrel_N.png texture.normal-map",
    "error Props/T_Wall_D.png texture.size",
    "error UI/broken.png asset.broken",
    "info Props/leaf.png texture.unused-alpha",
    "warning Models/crate.gltf model.empty",
    "warning Props/T_Crate_N.png texture.normal-map",
    "warning Props/leaf.png texture.name",
    "warning Sounds/SFX/door.wav audio.channels",
    "warning Sounds/SFX/door.wav audio.silence",
    "warning Text/credits.txt files.line-endings",
    "warning UI/title.png texture.multiple-of-four",
  }
  expect(found_in(game)):equals(before)
  expect(run(game, "check").exit_code):equals(4)
  expect(run(game, "test", "checks").stdout):contains "2 passed, 0 failed"
  local fixed = run(game, "check", "--fix", "--unsafe")
  expect(fixed.stdout):contains "3 fixed; to take it back: orch check --undo"
  table.remove(before, 12)
  table.remove(before, 8)
  table.remove(before, 4)
  expect(found_in(game)):equals(before)
  expect(fs.read(game .. "/Assets/Text/credits.txt")):equals "Made by\nAnn\nand Ben\n"
end)
