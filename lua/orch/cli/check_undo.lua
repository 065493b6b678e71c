-- `orch check --undo [ID] [PATH...]`: takes fixes back; with --list, which ones there are.

local arg = require "orch.arg"
local command = require "orch.cli.command"
local project = require "orch.check.project"
local say = require "orch.check.report.say"
local select = require "orch.check.select"
local undo = require "orch.check.undo"
local undo_place = require "orch.check.undo_place"

local check_undo = {}

local NAMED = 20

-- PATHs that are not there may be what a fix has renamed or removed.
local function wanted_of(folder, words)
  if not words[1] then return nil end
  local ok, paths = pcall(project.paths, folder, words)
  if not ok then
    paths = {}
    for i, word in ipairs(words) do
      paths[i] = require("orch.fs").path.relative(word, folder)
    end
  end
  return paths and select.matcher(paths) or nil
end

local function tell_undone(list, id)
  for i = 1, math.min(#list, NAMED) do
    command.write(("%s   (%s)\n"):format(say.name(list[i].path), say.line(list[i].label)))
  end
  if #list > NAMED then command.write(("and %d more\n"):format(#list - NAMED)) end
  command.write(("%s of %s taken back\n"):format(say.count(#list, "fix", "fixes"), id))
end

---@async
---@param folder string the project's
---@param asked {undo: string|true, force: boolean?}
---@return integer exit_code raises kinds `usage`, `refused`
function check_undo.run(folder, asked)
  for _, one in ipairs(undo.recover(folder)) do
    io.stderr:write(("orch: a fix of '%s' was broken off: the original is back\n"):format(
      say.name(one.path)))
  end
  local id = undo.find(folder, asked.undo)
  local list = undo.run(folder, id, { force = asked.force, wanted = wanted_of(folder, asked) })
  if #list == 0 then
    arg.fail("nothing of %s is left to be taken back%s", id, asked[1] and " there" or "")
  end
  tell_undone(list, id)
  return 0
end

local function rows_of(folder)
  local rows = {}
  local ids = undo_place.ids(folder)
  for i = #ids, 1, -1 do
    local one = undo.read(folder, ids[i])
    local rules, seen = {}, {}
    for _, entry in ipairs(one.kept) do
      if not seen[entry.rule] then seen[entry.rule], rules[#rules + 1] = true, entry.rule end
    end
    if one.kept[1] or one.undone > 0 then
      rows[#rows + 1] = { id = one.id, time = one.time, fixes = #one.kept, undone = one.undone,
        rules = rules }
    end
  end
  return rows
end

---@async
---@param folder string the project's
---@param as_json boolean?
---@return integer exit_code
function check_undo.list(folder, as_json)
  local rows = rows_of(folder)
  if as_json then
    for _, row in ipairs(rows) do require("orch.json").array(row.rules) end
    command.print_json(require("orch.json").array(rows))
    return 0
  end
  if #rows == 0 then
    command.write "no fix has changed anything here\n"
    return 0
  end
  local cells = {}
  for i, row in ipairs(rows) do
    cells[i] = { row.id, row.time and os.date("%Y-%m-%d %H:%M", row.time) or "",
      row.fixes > 0 and tostring(row.fixes) or "", row.undone > 0 and tostring(row.undone) or "",
      table.concat(row.rules, ", ") }
  end
  command.write(require("orch.cli.table").render({ { "ID" }, { "WHEN" },
    { "FIXES", right = true }, { "TAKEN BACK", right = true, optional = true },
    { "RULES", flexible = true } }, cells))
  return 0
end

return check_undo
