--- Which rules look at a file, and with which configuration.
---
---     local chosen = select.new(rules)
---     local list = chosen:of "Assets/UI/button.png"   -- { rule, config, rule, config, ... }

local globs = require "orch.check.globs"

local find, match, sub = string.find, string.match, string.sub
local lower_extension, matches, splitter = globs.lower_extension, globs.matches, globs.splitter

local select = {}

---Whether a path matches a list of globs, as a function.
---@param patterns string[]
---@return fun(path: string): boolean
function select.matcher(patterns)
  local list = globs.compile(patterns)
  return function(path)
    path = lower_extension(path)
    return matches(list, path, splitter(path))
  end
end

--- config = { {"Assets/UI/**", max = 1}, {"**", max = 2} }: the entries, each without its glob.
local function compile_config(rule)
  local list = {}
  for i, entry in ipairs(rule.config) do
    local values = {}
    for key, value in pairs(entry) do if key ~= 1 then values[key] = value end end
    list[i] = { globs = globs.compile { entry[1] }, values = values }
  end
  return list[1] and list or nil
end

local function is_by_place(item)
  local by_place = item.globs.by_place
  for _, entry in ipairs(item.config or {}) do by_place = by_place and entry.globs.by_place end
  return by_place
end

---@class orch.check.Selection
---@field private items table[] a rule with its globs and its configuration, compiled
---@field private by_extension table<string, table[]> those of them that a file with it may be for
---@field private places table<string, table[]> what was found out for a folder and an extension
---@field private of_rule table<orch.check.Rule, table>
---@field private last string folder of the path that was asked for last
local Selection = {}
Selection.__index = Selection

---@param rules orch.check.Rule[]
---@return orch.check.Selection
function select.new(rules)
  local self = setmetatable({ items = {}, by_extension = {}, places = {}, of_rule = {},
    last = "" }, Selection)
  for i, rule in ipairs(rules) do
    local item = { rule = rule, globs = globs.compile(rule.files), config = compile_config(rule) }
    item.by_place = is_by_place(item)
    self.items[i], self.of_rule[rule] = item, item
  end
  return self
end

local function config_of(item, path, parts)
  local entries = item.config
  if not entries then return item.rule.config end
  for i = 1, #entries do
    if matches(entries[i].globs, path, parts) then return entries[i].values end
  end
end

---The configuration of a rule for a file; nil: no entry of it is for that file.
---@param rule orch.check.Rule
---@param path string
---@return table? config
function Selection:config(rule, path)
  path = lower_extension(path)
  return config_of(self.of_rule[rule], path, splitter(path))
end

--- The item with those tests only that a path with this extension can pass; nil without any.
local function narrow(item, extension)
  local tests = {}
  for _, one in ipairs(item.globs.tests) do
    if not one.extension or one.extension == extension then tests[#tests + 1] = one end
  end
  if #tests == 0 then return nil end
  return { rule = item.rule, config = item.config, by_place = item.by_place,
    globs = { tests = tests, excludes = item.globs.excludes } }
end

--- The rules that files with an extension may be for.
local function of_extension(self, extension)
  local list = self.by_extension[extension]
  if list then return list end
  list = {}
  for _, item in ipairs(self.items) do list[#list + 1] = narrow(item, extension) end
  self.by_extension[extension] = list
  return list
end

--- What holds for all files of a folder with one extension: rules and configurations as they
--- are, and items that have to be asked about each file. `open`: there are such.
local function place_of(self, path, extension, parts)
  local list = { open = false }
  for _, item in ipairs(of_extension(self, extension)) do
    local chosen = item.by_place and matches(item.globs, path, parts)
    local config = chosen and config_of(item, path, parts)
    if config then
      list[#list + 1], list[#list + 2] = item.rule, config
    elseif not item.by_place then
      list.open = true
      list[#list + 1], list[#list + 2] = item, false
    end
  end
  return list
end

--- Paths come sorted: most are in the folder of the one before.
local function folder_of(self, path)
  local last = self.last
  if sub(path, 1, #last) == last and not find(path, "/", #last + 1, true) then return last end
  self.last = match(path, "^(.*/)") or ""
  return self.last
end

---The rules for a file: rule, its configuration, rule, its configuration, ... The list may be
---that of other files, too.
---@param path string
---@return table[] list
function Selection:of(path)
  local extension
  path, extension = lower_extension(path)
  local folder, parts = folder_of(self, path), nil
  local key = folder .. "\0" .. extension
  local place = self.places[key]
  if not place then
    parts = splitter(path)
    place = place_of(self, path, extension, parts)
    self.places[key] = place
  end
  if not place.open then return place end
  local list, n = {}, 0
  parts = parts or splitter(path)
  for i = 1, #place, 2 do
    local rule, config = place[i], place[i + 1]
    if not config then
      config = matches(rule.globs, path, parts) and config_of(rule, path, parts)
      rule = rule.rule
    end
    if config then list[n + 1], list[n + 2], n = rule, config, n + 2 end
  end
  return list
end

return select
