--- What a rule file says: `check "id" {...}` and its kin, gathered into a set.
---
---     local set = declare.open()
---     local reading <close> = declare.into(set, { source = "checks/textures.lua" })
---     run_the_file()

local arg = require "orch.arg"
local pattern = require "orch.fs.pattern"

local declare = {}

---@alias orch.check.Severity "error"|"warning"|"info"

---@class orch.check.Rule
---@field id string
---@field title string? what holds where all is well
---@field why string? what it costs where it does not hold
---@field files string[] globs from the project's folder; "!x" excludes
---@field config table plain, or a list of `{ glob, key = value }`: the first that matches
---@field severity orch.check.Severity of `file:problem`
---@field scope "file"|"project"
---@field run fun(file_or_files: table, config: table)
---@field fixes table<string, orch.check.Fix>
---@field owner string?
---@field docs string? an address; %s in it is the rule's id
---@field tags string[]
---@field timeout number seconds that it may take for one file, or for the project
---@field cache boolean false: what it finds depends on more than files and code (the time, the
---  environment, what a worker thread opens)
---@field trusted boolean `cache = true` was written out: it is remembered although it asks a
---  server or starts a program, which look at nothing that the rule does not
---@field where string "checks/textures.lua:12"
---@field source string "checks/textures.lua"
---@field line integer
---@field shipped boolean it comes with orch
---@field text_key string? digest of the source, of shipped ones

---@class orch.check.Fix
---@field label string what it does
---@field safe boolean false: it changes what a person has made
---@field timeout number? seconds that it may take; default 60
---@field with string[]? endings of companions that it changes or removes as well, such as ".meta"
---@field run fun(file: orch.check.File, config: table, finding: orch.check.Finding)

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

local severities = { error = true, warning = true, info = true }
local scopes = { file = true, project = true }

local rule_options = {
  title = "string", why = "string", files = "string|table", config = "table",
  severity = "string", scope = "string", run = "function", fixes = "table", owner = "string",
  docs = "string", tags = "table", timeout = "duration", cache = "boolean",
}

local fix_options = { label = "string", safe = "boolean", run = "function", with = "table",
  timeout = "duration" }

local function choice(name, option, value, known)
  if value == nil or known[value] then return end
  local near = arg.suggest(value, arg.keys_of(known))
  arg.fail("%s: option `%s` should be %s, not '%s'%s", name, option,
    table.concat(arg.keys_of(known), ", "), value,
    near and ("; did you mean '%s'?"):format(near) or "")
end

local function globs(name, files)
  local list = type(files) == "string" and { files } or files
  pattern.parse(name, 1, list)
  return list
end

local function check_config(name, config)
  for i, entry in ipairs(config) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" then
      arg.fail("%s: entry %d of `config` should begin with a glob, such as "
        .. '{ "Assets/UI/**", max = 1024 }', name, i)
    end
    pattern.parse(name .. ", `config`", i, entry[1])
  end
end

local function check_fixes(name, fixes)
  local out = {}
  for key, fix in pairs(fixes) do
    if type(key) ~= "string" or type(fix) ~= "table" then
      arg.fail("%s: `fixes` should have tables by name, such as fixes = { resize = { label = "
        .. '"resize it", safe = false, run = function(file, cfg) ... end } }', name)
    end
    local own = name .. ", fix '" .. key .. "'"
    fix = arg.options(own, fix, fix_options)
    if not fix.run then arg.fail("%s has no `run`: the function that mends the file", own) end
    for i, ending in ipairs(fix.with or {}) do
      if type(ending) ~= "string" or ending == "" or ending:find "/" then
        arg.fail('%s: `with` should be a list of endings, such as { ".meta" }, and has %s at %d',
          own, arg.describe(ending), i)
      end
    end
    fix.label, fix.safe = fix.label or key, fix.safe == true
    out[key] = fix
  end
  return out
end

--- What an author leaves out.
local function complete(rule, defaults)
  rule.severity = rule.severity or defaults.severity or "error"
  rule.owner, rule.docs = rule.owner or defaults.owner, rule.docs or defaults.docs
  rule.scope, rule.config = rule.scope or "file", rule.config or {}
  rule.fixes, rule.tags = rule.fixes or {}, rule.tags or {}
  rule.timeout = rule.timeout or (rule.scope == "file" and 10 or 600)
  rule.cache, rule.trusted = rule.cache ~= false, rule.cache == true
end

local function check_options(name, given)
  local rule = arg.options(name, given, rule_options)
  choice(name, "severity", rule.severity, severities)
  choice(name, "scope", rule.scope, scopes)
  rule.files = rule.files and globs(name, rule.files)
  if rule.config then check_config(name, rule.config) end
  if rule.fixes then rule.fixes = check_fixes(name, rule.fixes) end
  return rule
end

local function declare_rule(set, file, id, options, line)
  local name = ("check '%s'"):format(id)
  arg.check(name, 1, options, "table")
  local rule = check_options(name, options)
  if not rule.run then arg.fail("%s has no `run`: the function that looks at a file", name) end
  local other = set.by_id[id]
  if other then
    arg.fail("%s is there already, in %s; give one of them another name", name, other.where)
  end
  rule.files = rule.files or { "**" }
  complete(rule, file.defaults)
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
  options = arg.options("check.defaults", options, { owner = "string", docs = "string",
    severity = "string" })
  choice("check.defaults", "severity", options.severity, severities)
  for key, value in pairs(options) do file.defaults[key] = value end
end

local change_options = {}
for key, types in pairs(rule_options) do change_options[key] = types end
change_options.enabled = "boolean"
change_options.scope, change_options.run, change_options.fixes = nil, nil, nil

--- Kept until all files are read: the rule may come later.
local function configure(set, file, id, options, line)
  arg.check("check.configure", 1, id, "string")
  arg.check("check.configure", 2, options, "table")
  local name = ("check.configure '%s'"):format(id)
  options = arg.options(name, options, change_options)
  choice(name, "severity", options.severity, severities)
  options.files = options.files and globs(name, options.files)
  if options.config then check_config(name, options.config) end
  set.changes[#set.changes + 1] = { id = id, options = options, source = file.source, line = line }
end

local function ignore(set, ...)
  local list = type((...)) == "table" and (...) or { ... }
  pattern.parse("check.ignore", 1, list)
  table.move(list, 1, #list, #set.ignore + 1, set.ignore)
end

local function use(set, file, line, ...)
  local list = type((...)) == "table" and (...) or { ... }
  if #list == 0 then arg.fail 'check.use: which rules? check.use "*" takes all that come with orch' end
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
      for key, value in pairs(change.options) do rule[key] = value end
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
