--- Findings that are alike, as a terminal shows them: how many and where, the first few, what
--- they cost together, and one command for all.
---
---     alike.add(entry, group)

local command = require "orch.check.report.command"
local cost = require "orch.check.report.cost"
local say = require "orch.check.report.say"
local text = require "orch.view.text"
local tty = require "orch.tty"

local alike = {}

local SAMPLES = 3       -- files that are named
local FOLDERS = 3
local SHORTEST = 40     -- columns of a detail behind a path; with less it goes below

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

---@param group orch.CheckGroup
---@return string such as "37 files in Assets/Props have the same problem"
function alike.title(group)
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

local function add_samples(entry, group, differ)
  local sheet, findings = entry.sheet, group.findings
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
    command.check({ "--all", "--rule", group.rule }, entry.paths, entry.commands.at))
end

---@param entry orch.CheckEntry
---@param group orch.CheckGroup of many
function alike.add(entry, group)
  local sheet, findings = entry.sheet, group.findings
  local first = findings[1]
  entry:head(group.severity, alike.title(group), group.rule)
  local message, found = same(findings, "message"), same(findings, "found")
  if message then
    sheet:prose(message)
  elseif first.found ~= nil and not found then -- otherwise each has its message below
    sheet:prose(say.line(first.message) .. " (the first; the others are alike)")
  end
  add_samples(entry, group, { found = not found, message = not message })
  add_folders(sheet, group)
  entry:found({ found = found, wanted = same(findings, "wanted") })
  local words = cost.words(group.cost, "waste", "cost")
  if words then sheet:prose("together they " .. words) end
  local paths = count_files(group) == 1 and { first.path }
    or group.folder ~= "" and { group.folder } or entry.paths
  entry:ways(same(findings, "hint"), entry.commands:fix_all(findings, paths))
  entry:owner(group.rule)
end

return alike
