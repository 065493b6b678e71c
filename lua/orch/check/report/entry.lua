--- One finding, or a group of them, as a terminal shows it.
---
---     error   Assets/Props/T_Crate_N.png       texture.size
---               4096 x 4096 is bigger than the 2048 px budget for this folder
---               found: 4096 x 4096   wanted: at most 2048 px
---               wastes 16.0 MiB of VRAM
---               how:   resize it in your paint program, or raise the budget
---               fix:   orch check --fix --unsafe Assets/Props/T_Crate_N.png
---
--- Who may be asked and where more stands is told with a rule's first finding only.

local alike = require "orch.check.report.alike"
local command = require "orch.check.report.command"
local cost = require "orch.check.report.cost"
local say = require "orch.check.report.say"
local text = require "orch.view.text"
local tty = require "orch.tty"

local HEAD = 8          -- columns: "warning"
local RELATED = 5
local CODE = 4          -- columns of a line number
local PART = 2000       -- bytes of a line of a source that are looked at

local colors = { error = "bad", warning = "warn", info = "bar" }

---@class orch.CheckEntry
---@field sheet orch.Sheet
---@field commands orch.CheckCommands
---@field private rules table<string, table>
---@field paths string[]
---@field private told table<string, boolean> rules whose owner has been named
local Entry = {}
Entry.__index = Entry

--- "error   where       rule": the rule goes to a column of its own where there is room.
function Entry:head(severity, where, rule)
  local sheet, word = self.sheet, say.severities[severity] or "error"
  local width = tty.width(where)
  rule = say.name(rule)
  local column = math.max(width, self.where_columns) + 2
  if HEAD + column + #rule > sheet.columns then column = width + 2 end
  local start = sheet.paint(text.pad(word, HEAD), colors[severity] or "bad")
    .. sheet.paint(where, "strong")
  if HEAD + column + #rule <= sheet.columns then
    sheet:line(start, (" "):rep(column - width), sheet.paint(rule, "dim"))
  else
    sheet:line(start)
    sheet:prose(rule, nil, "dim")
  end
end

function Entry:found(finding)
  local sheet = self.sheet
  local found, wanted = finding.found, finding.wanted
  if found == nil and wanted == nil then return end
  if found ~= nil and wanted ~= nil then
    local a, b = say.line(found), say.line(wanted)
    if 10 + 7 + tty.width(a) + 11 + tty.width(b) <= sheet.columns then
      return sheet:line((" "):rep(10), sheet.paint("found:", "dim"), " ", a, "   ",
        sheet.paint("wanted:", "dim"), " ", b)
    end
  end
  if found ~= nil then sheet:field("found:", found) end
  if wanted ~= nil then sheet:field("wanted:", wanted) end
end

--- The line of a source with marks below the place.
local function add_code(sheet, finding)
  local code = finding.code
  if type(code) ~= "table" or type(code.text) ~= "string" then return end
  local column = say.code_start(code)
  local from = math.max(1, column - sheet.columns // 2)
  local before = say.text(code.text:sub(from, column - 1))
  local line = before .. say.text(code.text:sub(column, column + PART))
  local skip = before:match "^%s*"
  line, before = line:sub(#skip + 1), before:sub(#skip + 1)
  local number = finding.line and ("%4d"):format(finding.line) or (" "):rep(CODE)
  local room = sheet.columns - 10 - #number - 3
  sheet:line((" "):rep(10), sheet.paint(number .. " |", "dim"), " ", text.cut(line, room))
  local at = tty.width(before)
  if at >= room then return end
  local marks = math.max(1, math.min(say.code_width(code, column), room - at))
  sheet:line((" "):rep(10 + #number), sheet.paint(" |", "dim"), " ", (" "):rep(at),
    sheet.paint(("^"):rep(marks), "bad"))
end

local function add_related(sheet, finding)
  local list = finding.related or {}
  for i = 1, math.min(#list, RELATED) do
    local one = list[i]
    local place = one.path and say.place(one) or ""
    sheet:field("see:", one.note and place .. "   (" .. say.line(one.note) .. ")" or place)
  end
  if #list > RELATED then
    sheet:field("see:", ("and %d more"):format(#list - RELATED), "dim")
  end
end

function Entry:owner(id)
  local rule = self.rules[id]
  if self.told[id] or not rule then return end
  self.told[id] = true
  local parts, docs = {}, say.docs(rule)
  if type(rule.owner) == "string" then parts[1] = say.line(rule.owner) end
  if docs then parts[#parts + 1] = say.line(docs) end
  if #parts > 0 then self.sheet:field("ask:", table.concat(parts, ", "), "dim") end
end

--- What one finding and a group of equal ones have in common.
function Entry:ways(hint, fix, label)
  local sheet = self.sheet
  if hint then sheet:field("how:", hint) end
  if fix then sheet:command("fix:", fix, label) end
end

---@param finding table
function Entry:one(finding)
  local sheet = self.sheet
  self:head(finding.severity, say.place(finding), finding.rule)
  sheet:prose(finding.message)
  add_code(sheet, finding)
  if finding.pointer then sheet:field("at:", say.name(finding.pointer)) end
  self:found(finding)
  local words = cost.words(finding.cost)
  if words then sheet:prose(words) end
  add_related(sheet, finding)
  self:ways(finding.hint, self.commands:fix(finding))
  self:owner(finding.rule)
end

---@param group orch.CheckGroup
function Entry:add(group)
  if #group.findings == 1 then return self:one(group.findings[1]) end
  alike.add(self, group)
end

local entries = {}

--- The column of rules: behind the longest place that leaves room for it.
local function where_columns(groups, columns)
  local widest = 0
  for _, group in ipairs(groups) do
    local where = #group.findings == 1 and say.place(group.findings[1]) or alike.title(group)
    local width = tty.width(where)
    if HEAD + width + 2 + #group.rule <= columns then widest = math.max(widest, width) end
  end
  return math.min(widest, 100)
end

---@param sheet orch.Sheet
---@param result table
---@param groups orch.CheckGroup[] that will be shown
---@param paths? string[] as the person gave them
---@param at? string and the folder of -C
---@return orch.CheckEntry
function entries.new(sheet, result, groups, paths, at)
  return setmetatable({
    sheet = sheet, commands = command.of(result, at), rules = say.rules(result), paths = paths or {},
    told = {}, where_columns = where_columns(groups, sheet.columns),
  }, Entry)
end

return entries
