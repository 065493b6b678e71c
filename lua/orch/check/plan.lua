--- What a check has to run, and what it knows from before: a file whose content, whose rules and
--- whatever else they looked at are as they were is not looked at again.
---
---     local plan = plan.make(ask)      -- plan.items: files; plan.kept: findings

local code = require "orch.core.code"
local core = require "orch.core.task"
local json = require "orch.json"

local plan = {}

---@class orch.check.Item a file that something has to be run for, or whose row is out of date
---@field index integer in the list of files
---@field todo table[] rule, config, rule, config, ...
---@field findings table<string, orch.check.Finding[]> what is known already, by rule
---@field depends table<string, table<string, string>>
---@field old_keys table<string, string>? of rules that nobody asked for this time

local function decode(text)
  return text and json.decode(text) or {}
end

---Whether all that a rule looked at besides the file looks as it did.
---@param depends table<string, string|false>|false|nil false: never
---@param now table<string, string|false>
---@return boolean
function plan.still_holds(depends, now)
  if depends == false then return false end
  for path, stamp in pairs(depends or {}) do
    if not stamp or now[path] ~= stamp then return false end
  end
  return true
end

local still_holds = plan.still_holds

---The id of a set of rules with their keys.
---@param keys table<string, string> rule -> hexadecimal key
---@return string id 16 bytes
function plan.id_of(keys)
  local list = {}
  for rule, key in pairs(keys) do list[#list + 1] = rule .. "=" .. key end
  table.sort(list)
  return code.hash(table.concat(list, "\n"))
end

--- Paths that rows depend on, all at once: one trip.
local function look_at_depends(ask, rows)
  local paths = {}
  for _, row in pairs(rows) do
    if row[5] then
      row.depends = decode(row[5])
      for _, depends in pairs(row.depends) do
        for path in pairs(depends or {}) do paths[path] = true end
      end
    end
  end
  return ask.tree:stamps(paths)
end

--- What is right in a row although not all of it is: the rules whose keys are the same.
local function partly(ask, item, row)
  local old, todo, chosen = ask.known_keys[row[3]] or {}, {}, item.todo
  local findings, depends = decode(row[4]), row.depends or {}
  for i = 1, #chosen, 2 do
    local rule = chosen[i]
    local id = rule.id
    if old[id] == ask.keys[id] and rule.cache and still_holds(depends[id], ask.now) then
      item.findings[id], item.depends[id] = findings[id], depends[id]
    else
      todo[#todo + 1], todo[#todo + 2] = rule, chosen[i + 1]
    end
  end
  item.todo = todo
  if not ask.partial then return end
  item.old_keys = old
  for id in pairs(old) do
    if not ask.keys[id] then item.findings[id], item.depends[id] = findings[id], depends[id] end
  end
end

local function keep(out, findings, wanted)
  for rule, list in pairs(findings) do
    if wanted[rule] then table.move(list, 1, #list, #out + 1, out) end
  end
end

--- All rules that are asked for have seen this very content.
local function is_complete(ask, row)
  if row[3] ~= ask.rules_id then return false end
  for _, depends in pairs(row.depends or {}) do
    if not still_holds(depends, ask.now) then return false end
  end
  return not ask.always
end

---@class orch.check.Ask
---@field tree orch.check.Tree
---@field files orch.check.Listing
---@field rows table<string, table> of the cache
---@field known_keys table<string, table<string, string>> of the cache
---@field keys table<string, string> rule -> hexadecimal key
---@field rules_id string id of `keys`
---@field always boolean a rule is not to be remembered
---@field partial boolean only some of the rules were asked for
---@field selection orch.check.Selection
---@field wanted (fun(path: string): boolean)? which files are asked for; nil: all

---@param ask orch.check.Ask
---@return {items: orch.check.Item[], kept: orch.check.Finding[], count: integer, todo: integer, known: integer}
---  `count`: files asked for; `todo`: those for which a rule has to run; `known`: those that are
---  as they were
function plan.make(ask)
  local files, rows, items, kept = ask.files, ask.rows, {}, {}
  local count, todo, known = 0, 0, 0
  ask.now = look_at_depends(ask, rows)
  for i, path in ipairs(files.paths) do
    if not ask.wanted or ask.wanted(path) then
      count = count + 1
      local row = rows[path]
      if row and row[2] ~= files.contents[i] then row = nil end
      if row and is_complete(ask, row) then
        known = known + 1
        if row[4] then keep(kept, decode(row[4]), ask.keys) end
      else
        local item = { index = i, todo = ask.selection:of(path), findings = {}, depends = {} }
        if row then partly(ask, item, row) end
        keep(kept, item.findings, ask.keys)
        if #items % 256 == 255 then core.checkpoint() end -- others have a turn, too
        if item.todo[1] then todo = todo + 1 end
        if row and not item.todo[1] then known = known + 1 end
        if item.todo[1] or not ask.partial then items[#items + 1] = item end
      end
    end
  end
  return { items = items, kept = kept, count = count, todo = todo,
    known = known }
end

return plan
