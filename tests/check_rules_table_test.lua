-- The table of the rules that come with orch is what the rules say.

local fs = require "orch.fs"

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."

it("the tables of rules are up to date (orch run scripts/rule_table.lua FILE...)", function()
  for _, name in ipairs { "lua/orch/check/rules/README.md", "README.md" } do
    local before, path = fs.read(root .. "/" .. name), test.temp_dir() .. "/a.md"
    fs.write(path, before)
    local made = test.run({ "run", "scripts/rule_table.lua", path }, { cwd = root })
    expect(made.stderr):equals ""
    expect(before):contains "| `texture.size` | error | Textures fit the budget"
    expect(fs.read(path)):equals(before)
  end
end)

it("the table is written between its marks only", function()
  local path = test.temp_dir() .. "/a.md"
  fs.write(path, "before\n<!-- rules -->\nold\n<!-- end of rules -->\nbehind\n")
  expect(test.run({ "run", "scripts/rule_table.lua", path }, { cwd = root }).exit_code):equals(0)
  local text = fs.read(path)
  expect(text):matches "^before\n<!%-%- rules %-%->\n| rule "
  expect(text):matches "|\n<!%-%- end of rules %-%->\nbehind\n$"
  fs.write(path, "<!-- rules without why -->\n<!-- end of rules -->\n")
  test.run({ "run", "scripts/rule_table.lua", path }, { cwd = root })
  expect(fs.read(path)):contains "| rule | | where all is well | fix |\n"
  fs.write(path, "none")
  local result = test.run({ "run", "scripts/rule_table.lua", path }, { cwd = root })
  expect(result.stderr):contains "has no marks"
end)
