-- Prints the table of the rules that come with orch, or puts it into files between the marks
-- <!-- rules --> and <!-- end of rules -->:
--
--   orch run scripts/rule_table.lua
--   orch run scripts/rule_table.lua README.md lua/orch/check/rules/README.md

local fs = orch.fs

local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

local function fixes_of(rule)
  local list = {}
  for _, fix in pairs(rule.fixes) do
    list[#list + 1] = fix.label .. (fix.safe and "" or " (unsafe)")
  end
  table.sort(list)
  return table.concat(list, "; ")
end

local words = { error = "error", warning = "warning", info = "note" }

local function table_text()
  local lines = { "| rule | | where all is well | why | fix |", "| --- | --- | --- | --- | --- |" }
  for _, rule in ipairs(require "orch.check.load" { shipped = true }.list) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s | %s |"):format(rule.id, words[rule.severity],
      cell(rule.title), cell(rule.why), cell(fixes_of(rule)))
  end
  return table.concat(lines, "\n") .. "\n"
end

local AROUND = "^(.*<!%-%- rules %-%->\n).-(<!%-%- end of rules %-%->.*)$"

local text = table_text()
if #orch.args == 0 then io.write(text) end
for _, path in ipairs(orch.args) do
  local before, after = fs.read(path):match(AROUND)
  if not before then error(path .. " has no marks <!-- rules --> and <!-- end of rules -->", 0) end
  fs.write(path, before .. text .. after)
end
