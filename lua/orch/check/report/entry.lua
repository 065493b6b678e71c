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

local command = require "orch.check.report.command"
local cost = require "orch.check.report.cost"
local say = require "orch.check.report.say"
local text = require "orch.view.text"
local tty = require "orch.tty"

local HEAD = 8          -- columns: "warning"
local SAMPLES = 3       -- files of a group that are named
local FOLDERS = 3
local SHORTEST = 40     -- columns of a detail behind a path; with less it goes below
local RELATED = 5
local CODE = 4          -- columns of a line number
local PART = 2000       -- bytes of a line of a source that are looked at

local colors = { error = "bad", warning = "warn", info = "bar" }

---@class orch.CheckEntry
---@field private sheet orch.Sheet
---@field private commands orch.CheckCommands
---@field private rules table<string, table>
---@field private paths string[]
---@field private told table<string, boolean> rules whose owner has been named
local Entry = {}
Entry.__index = Entry

--- "error   where       rule": the rule goes to a column of its own where there is room.
local function head(self, severity, where, rule)
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

local function add_found(sheet, finding)
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

local function add_owner(self, id)
  local rule = self.rules[id]
  if self.told[id] or not rule then return end
  self.told[id] = true
  local parts, docs = {}, say.docs(rule)
  if type(rule.owner) == "string" then parts[1] = say.line(rule.owner) end
  if docs then parts[#parts + 1] = say.line(docs) end
  if #parts > 0 then self.sheet:field("ask:", table.concat(parts, ", "), "dim") end
end

--- What one finding and a group of equal ones have in common.
local function add_ways(self, finding, fix, label)
  local sheet = self.sheet
  if finding.hint then sheet:field("how:", finding.hint) end
  if fix then sheet:command("fix:", fix, label) end
end

---@param finding table
function Entry:one(finding)
  local sheet = self.sheet
  head(self, finding.severity, say.place(finding), finding.rule)
  sheet:prose(finding.message)
  add_code(sheet, finding)
  if finding.pointer then sheet:field("at:", say.name(finding.pointer)) end
  add_found(sheet, finding)
  local words = cost.words(finding.cost)
  if words then sheet:prose(words) end
  add_related(sheet, finding)
  add_ways(self, finding, self.commands:fix(finding))
  add_owner(self, finding.rule)
end

local function same(findings, field)
  local value = findings[1][field]
  for _, finding in ipairs(findings) do
    if finding[field] ~= value then return nil end
  end
  return value
end

local function inside(folder)
  return folder == "" and "the project's folder" or say.name(folder)
end

local function count_files(group)
  local seen, n = {}, 0
  for _, finding in ipairs(group.findings) do
    if not seen[finding.path] then seen[finding.path], n = true, n + 1 end
  end
  return n
end

--- "37 files in Assets/Props have the same problem".
local function title_of(group)
  local n = count_files(group)
  if n == 1 then return ("%d times in %s"):format(#group.findings,
    say.name(group.findings[1].path)) end
  local folder = group.folder == "" and "" or " in " .. say.name(group.folder)
  if n ~= #group.findings then
    return say.count(#group.findings, "finding") .. folder .. " say the same"
  end
  return say.count(n, "file") .. folder .. " have the same problem"
end

local function add_folders(sheet, group)
  local list, parts, left = group.folders, {}, 0
  if #list < 2 then return end
  for i, one in ipairs(list) do
    if i <= FOLDERS or #list == FOLDERS + 1 then
      parts[#parts + 1] = ("%s in %s"):format(say.number(one.count), inside(one.folder))
    else
      left = left + one.count
    end
  end
  if left > 0 then
    parts[#parts + 1] = ("%s in %s"):format(say.number(left),
      say.count(#list - FOLDERS, "other folder"))
  end
  sheet:prose(say.list(parts), nil, "dim")
end

--- What tells one file of a group from the next.
local function detail_of(finding, differ)
  local parts = {}
  if differ.found and finding.found ~= nil then parts[1] = say.line(finding.found) end
  if not parts[1] and differ.message then parts[1] = say.line(finding.message) end
  for _, name in ipairs(cost.units(finding.cost)) do
    parts[#parts + 1] = cost.short(name, finding.cost[name])
  end
  return table.concat(parts, "  ")
end

local function add_samples(self, group, differ)
  local sheet, findings = self.sheet, group.findings
  local places, widest = {}, 0
  for i = 1, SAMPLES do
    places[i] = say.place(findings[i])
    widest = math.max(widest, tty.width(places[i]))
  end
  for i = 1, SAMPLES do
    local detail = detail_of(findings[i], differ)
    local width = tty.width(places[i])
    local column = 10 + widest + 2
    if column + tty.width(detail) > sheet.columns then column = 10 + width + 2 end
    local fits = column + math.min(tty.width(detail), SHORTEST) <= sheet.columns
    sheet:line((" "):rep(10), places[i], fits and detail ~= "" and (" "):rep(column - 10 - width)
      .. sheet.paint(text.cut(detail, sheet.columns - column), "dim") or "")
    if not fits then sheet:prose(detail, 12, "dim") end
  end
  sheet:command(("and %s more:"):format(say.number(#findings - SAMPLES)),
    command.check({ "--all", "--rule", group.rule }, self.paths))
end

---@param group orch.CheckGroup of many
function Entry:many(group)
  local sheet, findings = self.sheet, group.findings
  local first = findings[1]
  head(self, group.severity, title_of(group), group.rule)
  local message, found = same(findings, "message"), same(findings, "found")
  if message then
    sheet:prose(message)
  elseif first.found ~= nil and not found then -- otherwise each has its message below
    sheet:prose(say.line(first.message) .. " (the first; the others are alike)")
  end
  add_samples(self, group, { found = not found, message = not message })
  add_folders(sheet, group)
  add_found(sheet, { found = found, wanted = same(findings, "wanted") })
  local words = cost.words(group.cost, "waste", "cost")
  if words then sheet:prose("together they " .. words) end
  local paths = count_files(group) == 1 and { first.path }
    or group.folder ~= "" and { group.folder } or self.paths
  add_ways(self, { hint = same(findings, "hint") }, self.commands:fix_all(findings, paths))
  add_owner(self, group.rule)
end

---@param group orch.CheckGroup
function Entry:add(group)
  if #group.findings == 1 then self:one(group.findings[1]) else self:many(group) end
end

local entries = {}

--- The column of rules: behind the longest place that leaves room for it.
local function where_columns(groups, columns)
  local widest = 0
  for _, group in ipairs(groups) do
    local where = #group.findings == 1 and say.place(group.findings[1]) or title_of(group)
    local width = tty.width(where)
    if HEAD + width + 2 + #group.rule <= columns then widest = math.max(widest, width) end
  end
  return math.min(widest, 100)
end

---@param sheet orch.Sheet
---@param result table
---@param groups orch.CheckGroup[] that will be shown
---@param paths? string[] as the person gave them
---@return orch.CheckEntry
function entries.new(sheet, result, groups, paths)
  return setmetatable({
    sheet = sheet, commands = command.of(result), rules = say.rules(result), paths = paths or {},
    told = {}, where_columns = where_columns(groups, sheet.columns),
  }, Entry)
end

return entries
