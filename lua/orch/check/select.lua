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
--- result: the extension that a path must have to match, if there is one.
local function compile_one(text)
  if text == "**" then return function() return true end end
  if is_literal(text) then
    local test = begins_with(text)
    return function(path) return path == text or test(path) end, nil
  end
  local folder = match(text, "^(.*)/%*%*$")
  if folder and is_literal(folder) then return begins_with(folder) end
  local tail = match(text, "^%*%*/%*(%.[^*?%[\\/]+)$")
  if tail then return ends_with(tail), tail end
  folder, tail = match(text, "^(.*)/%*%*/%*(%.[^*?%[\\/]+)$")
  if folder and is_literal(folder) then return begins_with(folder, ends_with(tail)), tail end
  tail = match(text, "%*[^*?%[\\/]*(%.[^.*?%[\\/]+)$")
  return function(_, parts) return core.match(text, parts()) or false end, tail
end

--- "T_Crate.D.PNG" is as good as ".png": globs in rules do not look at the case of what comes
--- after the last dot, as artists' tools do not. So patterns are in lower case there.
local function lower_extension(path)
  local stem, extension = match(path, "^(.*)%.([^./]*)$")
  return stem and find(extension, "%u") and stem .. "." .. extension:lower() or path
end

---@return {test: function, extension: string?}[] includes, function[] excludes
local function compile_list(patterns)
  local includes, excludes = pattern.parse("files", 1, patterns)
  local tests, against = {}, {}
  for i, text in ipairs(includes) do
    local test, tail = compile_one(lower_extension(text))
    tests[i] = { test = test, extension = tail and match(tail, "([^.]*)$") }
  end
  for i, text in ipairs(excludes) do
    text = lower_extension(text)
    local test = compile_one(text)
    -- An excluded folder excludes all that is in it.
    local below = not is_literal(text) and not find(text, "%*%*$") and compile_one(text .. "/**")
    against[i] = below and function(path, parts)
      return test(path, parts) or below(path, parts)
    end or test
  end
  if #includes == 0 then tests[1] = { test = function() return true end } end
  return tests, against
end

---Whether a path matches a list of globs, as a function.
---@param patterns string[]
---@return fun(path: string): boolean
function select.matcher(patterns)
  local tests, excludes = compile_list(patterns)
  return function(path)
    path = lower_extension(path)
    local split
    local function parts()
      split = split or pattern.split(path)
      return split
    end
    for i = 1, #excludes do if excludes[i](path, parts) then return false end end
    for i = 1, #tests do if tests[i].test(path, parts) then return true end end
    return false
  end
end

--- config = { {"Assets/UI/**", max = 1}, {"**", max = 2} }: the entries, each without its glob.
local function compile_config(rule)
  local list = {}
  for i, entry in ipairs(rule.config) do
    local values = {}
    for key, value in pairs(entry) do if key ~= 1 then values[key] = value end end
    list[i] = { test = select.matcher { entry[1] }, values = values, pattern = entry[1], index = i }
  end
  return list[1] and list or nil
end

---@class orch.check.Selection
---@field private any table[] rules that may match whatever the extension is
---@field private by_extension table<string, table[]>
---@field used table<table, boolean> entries of configurations that some file has matched
---@field entries table<orch.check.Rule, table[]>
local Selection = {}
Selection.__index = Selection

---@param rules orch.check.Rule[] of files
---@return orch.check.Selection
function select.new(rules)
  local self = setmetatable({ any = {}, by_extension = {}, used = {}, entries = {} }, Selection)
  for index, rule in ipairs(rules) do
    local tests, excludes = compile_list(rule.files)
    local item = { rule = rule, index = index, tests = tests, excludes = excludes,
      config = compile_config(rule) }
    self.entries[rule] = item.config
    local extensions, all = {}, true
    for _, one in ipairs(tests) do
      if one.extension then extensions[one.extension] = true else all = false end
    end
    if all then
      for extension in pairs(extensions) do
        local list = self.by_extension[extension] or {}
        self.by_extension[extension], list[#list + 1] = list, item
      end
    else
      self.any[#self.any + 1] = item
    end
  end
  return self
end

--- Those for any extension and those for this one, in the order of their declaration.
local function merged(self, extension)
  local own = self.by_extension[extension]
  if not own then return self.any end
  if not own.merged then
    local list = table.move(self.any, 1, #self.any, 1, {})
    table.move(own, 1, #own, #list + 1, list)
    table.sort(list, function(a, b) return a.index < b.index end)
    own.merged = list
  end
  return own.merged
end

local function is_chosen(item, path, parts)
  local excludes, tests = item.excludes, item.tests
  for i = 1, #excludes do if excludes[i](path, parts) then return false end end
  for i = 1, #tests do if tests[i].test(path, parts) then return true end end
  return false
end

---The configuration of a rule for a file; nil: no entry of it is for that file.
---@param rule orch.check.Rule
---@param path string
---@return table? config
function Selection:config(rule, path)
  local entries = self.entries[rule]
  if not entries then return rule.config end
  for i = 1, #entries do
    if entries[i].test(path) then
      self.used[entries[i]] = true
      return entries[i].values
    end
  end
end

---The rules for a file: rule, its configuration, rule, its configuration, ...
---@param path string
---@return table[] list
function Selection:of(path)
  path = lower_extension(path)
  local list, n, split = {}, 0, nil
  local function parts()
    split = split or pattern.split(path)
    return split
  end
  local items = merged(self, match(path, "%.([^./]*)$") or "")
  for i = 1, #items do
    local item = items[i]
    if is_chosen(item, path, parts) then
      local config = self:config(item.rule, path)
      if config then list[n + 1], list[n + 2], n = item.rule, config, n + 2 end
    end
  end
  return list
end

return select
