-- Prints the table of the rules that come with orch, or puts it into files between the marks
-- <!-- rules --> and <!-- end of rules -->; <!-- rules without why --> leaves that column out:
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

local columns = {
  { "rule", function(rule) return "`" .. rule.id .. "`" end },
  { "", function(rule) return words[rule.severity] end },
  { "where all is well", function(rule) return cell(rule.title) end },
  { "why", function(rule) return cell(rule.why) end },
  { "fix", function(rule) return cell(fixes_of(rule)) end },
}

local rules = require "orch.check.load" { shipped = true }.list

--- Without the column of a name, if one is given.
local function table_text(without)
  local head, line, rows = {}, {}, {}
  for _, column in ipairs(columns) do
    if column[1] ~= without then
      table.insert(head, column[1])
      table.insert(line, "---")
    end
  end
  local function add(cells) table.insert(rows, "| " .. table.concat(cells, " | ") .. " |") end
  add(head)
  rows[1] = rows[1]:gsub("|  |", "| |")
  add(line)
  for _, rule in ipairs(rules) do
    local cells = {}
    for _, column in ipairs(columns) do
      if column[1] ~= without then table.insert(cells, column[2](rule)) end
    end
    add(cells)
  end
  return table.concat(rows, "\n") .. "\n"
end

local AROUND = "^(.*<!%-%- rules([%l ]-) %-%->\n).-(<!%-%- end of rules %-%->.*)$"

if #orch.args == 0 then io.write(table_text()) end
for _, path in ipairs(orch.args) do
  local before, without, after = fs.read(path):match(AROUND)
  if not before then error(path .. " has no marks <!-- rules --> and <!-- end of rules -->", 0) end
  fs.write(path, before .. table_text(without:match "^ without (%l+)$") .. after)
end
