--- What a rule file says: `check "id" {...}` and its kin, gathered into a set.
---
---     local set = declare.open()
---     local reading <close> = declare.into(set, { source = "checks/textures.lua" })
---     run_the_file()

local arg = require "orch.arg"
local pattern = require "orch.fs.pattern"
local rules = require "orch.check.rule"

local declare = {}

---@class orch.check.Set what rule files have said
---@field list orch.check.Rule[] in order
---@field by_id table<string, orch.check.Rule>
---@field findings orch.check.Finding[] rule files, and rules, that are broken
---@field ignore string[] globs of what nobody checks
---@field sources string[] names of the rule files

---@return orch.check.Set
function declare.open()
  return { list = {}, by_id = {}, findings = {}, ignore = {}, sources = {}, changes = {},
    used = {}, defaults = {} }
end

local function declare_rule(set, file, id, options, line)
  local name = ("check '%s'"):format(id)
  arg.check(name, 1, options, "table")
  local rule = rules.checked(name, options)
  local other = set.by_id[id]
  if other then
    arg.fail("%s is there already, in %s; give one of them another name", name, other.where)
  end
  rules.complete(rule, file.defaults)
  rule.id, rule.source, rule.line, rule.shipped = id, file.source, line, file.shipped or false
  rule.where, rule.text_key = ("%s:%d"):format(file.source, line), file.text_key
  set.by_id[id] = rule
  set.list[#set.list + 1] = rule
end

local function line_of(level)
  return debug.getinfo(level + 1, "l").currentline
end

--- The name is checked before the options are asked for: `check "a b"` is told at once.
local function begin(set, file, id)
  arg.check("check", 1, id, "string")
  if not id:find "^[%w_][%w_.:/-]*$" then
    arg.fail("check: '%s' is no name of a rule; use letters, digits and . _ - : /", id)
  end
  return function(options)
    return declare_rule(set, file, id, options, line_of(2))
  end
end

local function defaults(file, options)
  for key, value in pairs(rules.checked_defaults("check.defaults", options)) do
    file.defaults[key] = value
  end
end

--- Kept until all files are read: the rule may come later.
local function configure(set, file, id, options, line)
  arg.check("check.configure", 1, id, "string")
  arg.check("check.configure", 2, options, "table")
  options = rules.checked_change(("check.configure '%s'"):format(id), options)
  set.changes[#set.changes + 1] = { id = id, options = options, source = file.source, line = line }
end

local function ignore(set, ...)
  local list = type((...)) == "table" and (...) or { ... }
  local _, excluded = pattern.parse("check.ignore", 1, list)
  if excluded[1] then
    arg.fail("check.ignore: '!%s' takes nothing back; `files` of a rule can leave out more",
      excluded[1])
  end
  table.move(list, 1, #list, #set.ignore + 1, set.ignore)
end

local function use(set, file, line, ...)
  local list = type((...)) == "table" and (...) or { ... }
  if #list == 0 then
    arg.fail 'check.use: which rules? check.use "*" takes all that come with orch'
  end
  for i, one in ipairs(list) do arg.check("check.use", i, one, "string") end
  set.used[#set.used + 1] = { patterns = list, source = file.source, line = line }
end

--- Where words go to: the file that is read now, or the script that runs.
local current

---Reads a rule file's words into a set until the guard is closed.
---@param set orch.check.Set
---@param file {source: string, shipped: boolean?, text_key: string?}
---@return table guard for `<close>`
function declare.into(set, file)
  local before = current
  file.defaults = {}
  current = { set = set, file = file }
  return setmetatable({}, { __close = function() current = before end })
end

---The set of what a script itself declares, without any rule file.
---@return orch.check.Set
function declare.script()
  if not declare.scripts then
    local source = require("orch").args
    declare.scripts = declare.open()
    declare.script_file = { source = source and source[0] or "script", defaults = {} }
  end
  return declare.scripts
end

local function here()
  if current then return current.set, current.file end
  return declare.script(), declare.script_file
end

---@param words table the callable table `check`
function declare.add_words(words)
  function words.defaults(options)
    local _, file = here()
    defaults(file, options)
  end
  function words.configure(id, options)
    local set, file = here()
    configure(set, file, id, options, line_of(2))
  end
  function words.ignore(...) ignore((here()), ...) end
  function words.use(...)
    local set, file = here()
    use(set, file, line_of(2), ...)
  end
end

---`check "id"`: a function that takes the options.
---@param id string
---@return fun(options: table)
function declare.begin(id)
  local set, file = here()
  return begin(set, file, id)
end

---Carries out what `check.configure` has asked for.
---@param set orch.check.Set
---@param complain fun(change: table, text: string) what to do with a change that fits no rule
function declare.apply(set, complain)
  for _, change in ipairs(set.changes) do
    local rule = set.by_id[change.id]
    if rule then
      rules.change(rule, change.options)
    else
      local near = arg.suggest(change.id, arg.keys_of(set.by_id))
      complain(change, ("check.configure: there is no rule '%s'%s"):format(change.id,
        near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  for i = #set.list, 1, -1 do
    local rule = set.list[i]
    if rule.enabled == false then
      table.remove(set.list, i)
      set.by_id[rule.id] = nil
    end
  end
end

return declare
