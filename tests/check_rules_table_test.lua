-- The table of the rules that come with orch is what the rules say.

local fs = require "orch.fs"

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."

local function between(path)
  return fs.read(root .. "/" .. path):match "<!%-%- rules %-%->\n(.-)<!%-%- end of rules %-%->"
end

it("the table of rules is up to date (orch run scripts/rule_table.lua FILE...)", function()
  local made = test.run({ "run", "scripts/rule_table.lua" }, { cwd = root })
  expect(made.stderr):equals ""
  expect(made.stdout):contains "| `texture.size` | error | Textures fit the budget"
  expect(between "lua/orch/check/rules/README.md"):equals(made.stdout)
  expect(between "README.md" or made.stdout):equals(made.stdout)
end)

it("the table is written between its marks only", function()
  local path = test.temp_dir() .. "/a.md"
  fs.write(path, "before\n<!-- rules -->\nold\n<!-- end of rules -->\nbehind\n")
  expect(test.run({ "run", "scripts/rule_table.lua", path }, { cwd = root }).exit_code):equals(0)
  local text = fs.read(path)
  expect(text):matches "^before\n<!%-%- rules %-%->\n| rule "
  expect(text):matches "|\n<!%-%- end of rules %-%->\nbehind\n$"
  fs.write(path, "none")
  local result = test.run({ "run", "scripts/rule_table.lua", path }, { cwd = root })
  expect(result.stderr):contains "has no marks"
end)
