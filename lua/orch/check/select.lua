--- Which rules look at a file, and with which configuration. Globs are turned into functions
--- once; most of them are of a shape that needs no glob machinery.
---
---     local chosen = select.new(rules)
---     local list = chosen:of "Assets/UI/button.png"   -- { rule, config, rule, config, ... }

local core = require "orch.core.walk"
local pattern = require "orch.fs.pattern"

local find, match, sub = string.find, string.match, string.sub

local select = {}

--- Without characters that mean something in a glob.
local function is_literal(text)
  return not find(text, "[*?%[\\]")
end

local function begins_with(folder, test)
  local prefix = folder .. "/"
  local size = #prefix
  return function(path, parts)
    return sub(path, 1, size) == prefix and (not test or test(path, parts))
  end
end

local function ends_with(tail)
  local size = -#tail
  return function(path) return sub(path, size) == tail end
end

--- "**/*.png", "Assets/**", "Assets/**/*.png", a plain path; anything else goes to C. Second
--- result: the extension that a path must have to match, if there is one. Third: whether the
--- answer is the same for all files of one folder with the same extension.
local function compile_one(text)
  if text == "**" then return function() return true end, nil, true end
  if is_literal(text) then
    local test = begins_with(text)
    return function(path) return path == text or test(path) end, nil, false
  end
  local folder = match(text, "^(.*)/%*%*$")
  if folder and is_literal(folder) then return begins_with(folder), nil, true end
  local tail = match(text, "^%*%*/%*(%.[^.*?%[\\/]+)$")
  if tail then return ends_with(tail), tail, true end
  folder, tail = match(text, "^(.*)/%*%*/%*(%.[^.*?%[\\/]+)$")
  if folder and is_literal(folder) then
    return begins_with(folder, ends_with(tail)), tail, true
  end
  tail = match(text, "%*[^*?%[\\/]*(%.[^.*?%[\\/]+)$")
  local name = match(text, "[^/]*$")
  local by_place = name == "**" or name == "*" or tail ~= nil and name == "*" .. tail
  return function(_, parts) return core.match(text, parts()) or false end, tail, by_place
end

--- "T_Crate.D.PNG" is as good as ".png": globs in rules do not look at the case of what comes
--- after the last dot, as artists' tools do not. So patterns are in lower case there. Second
--- result: the extension.
local function lower_extension(path)
  local extension = match(path, "%.([^./]*)$") or ""
  if not find(extension, "%u") then return path, extension end
  local lower = extension:lower()
  return sub(path, 1, -1 - #extension) .. lower, lower
end

--- An excluded folder excludes all that is in it.
local function compile_exclude(text)
  local test, _, by_place = compile_one(text)
  if find(text, "%*%*$") or is_literal(text) then return test, by_place end
  local below = compile_one(text .. "/**")
  return function(path, parts) return test(path, parts) or below(path, parts) end, false
end

---@class orch.check.Globs
---@field tests {test: function, extension: string?}[]
---@field excludes function[]
---@field by_place boolean the folder and the extension of a path decide

---@return orch.check.Globs
local function compile_list(patterns)
  local includes, excludes = pattern.parse("files", 1, patterns)
  local globs = { tests = {}, excludes = {}, by_place = true }
  for i, text in ipairs(includes) do
    local test, tail, by_place = compile_one((lower_extension(text)))
    globs.tests[i] = { test = test, extension = tail and match(tail, "([^.]*)$") }
    globs.by_place = globs.by_place and by_place
  end
  for i, text in ipairs(excludes) do
    local by_place
    globs.excludes[i], by_place = compile_exclude((lower_extension(text)))
    globs.by_place = globs.by_place and by_place
  end
  if #includes == 0 then globs.tests[1] = { test = function() return true end } end
  return globs
end

local function matches(globs, path, parts)
  local excludes, tests = globs.excludes, globs.tests
  for i = 1, #excludes do if excludes[i](path, parts) then return false end end
  for i = 1, #tests do if tests[i].test(path, parts) then return true end end
  return false
end

--- The names in a path, split when somebody asks.
local function splitter(path)
  local split
  return function()
    split = split or pattern.split(path)
    return split
  end
end

---Whether a path matches a list of globs, as a function.
---@param patterns string[]
---@return fun(path: string): boolean
function select.matcher(patterns)
  local globs = compile_list(patterns)
  return function(path)
    path = lower_extension(path)
    return matches(globs, path, splitter(path))
  end
end

--- config = { {"Assets/UI/**", max = 1}, {"**", max = 2} }: the entries, each without its glob.
local function compile_config(rule)
  local list = {}
  for i, entry in ipairs(rule.config) do
    local values = {}
    for key, value in pairs(entry) do if key ~= 1 then values[key] = value end end
    list[i] = { globs = compile_list { entry[1] }, values = values }
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
  local self = setmetatable({ items = {}, by_extension = {}, places = {}, of_rule = {}, last = "" }, Selection)
  for i, rule in ipairs(rules) do
    local item = { rule = rule, globs = compile_list(rule.files), config = compile_config(rule) }
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
