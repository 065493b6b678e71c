--- A rule: what its author may say of it, checked, and what he leaves out.
---
---     local rule = rules.checked("check 'texture.size'", { run = look, max = 3 })
---     rules.complete(rule, {})

local arg = require "orch.arg"
local pattern = require "orch.fs.pattern"

local rules = {}

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

local severities = { error = true, warning = true, info = true }
local scopes = { file = true, project = true }

local rule_options = {
  title = "string", why = "string", files = "string|table", config = "table",
  severity = "string", scope = "string", run = "function", fixes = "table", owner = "string",
  docs = "string", tags = "table", timeout = "duration", cache = "boolean",
}

local fix_options = { label = "string", safe = "boolean", run = "function", with = "table",
  timeout = "duration" }

local change_options = {}
for key, types in pairs(rule_options) do change_options[key] = types end
change_options.enabled = "boolean"
change_options.scope, change_options.run, change_options.fixes = nil, nil, nil

local default_options = { owner = "string", docs = "string", severity = "string" }

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

--- What holds for a rule and for a change of one.
local function checked(name, given, known)
  local options = arg.options(name, given, known)
  choice(name, "severity", options.severity, severities)
  options.files = options.files and globs(name, options.files)
  if options.config then check_config(name, options.config) end
  return options
end

---@param name string for messages, such as "check 'texture.size'"
---@param given table
---@return table options a copy; raises kind `usage`
function rules.checked(name, given)
  local options = checked(name, given, rule_options)
  if not options.run then arg.fail("%s has no `run`: the function that looks at a file", name) end
  choice(name, "scope", options.scope, scopes)
  options.files = options.files or { "**" }
  if options.fixes then options.fixes = check_fixes(name, options.fixes) end
  return options
end

---The options of `check.configure`, by which a rule is changed.
---@param name string
---@param given table
---@return table options a copy; raises kind `usage`
function rules.checked_change(name, given)
  return checked(name, given, change_options)
end

---@param name string
---@param given table
---@return table defaults a copy; raises kind `usage`
function rules.checked_defaults(name, given)
  return checked(name, given, default_options)
end

---Fills in what an author leaves out.
---@param rule table of `rule.checked`
---@param defaults table of `check.defaults`
function rules.complete(rule, defaults)
  rule.severity = rule.severity or defaults.severity or "error"
  rule.owner, rule.docs = rule.owner or defaults.owner, rule.docs or defaults.docs
  rule.scope, rule.config = rule.scope or "file", rule.config or {}
  rule.fixes, rule.tags = rule.fixes or {}, rule.tags or {}
  rule.timeout = rule.timeout or (rule.scope == "file" and 10 or 600)
  rule.cache, rule.trusted = rule.cache ~= false, rule.cache == true
end

---Changes a rule that is complete.
---@param rule orch.check.Rule
---@param change table of `rules.checked_change`
function rules.change(rule, change)
  for key, value in pairs(change) do rule[key] = value end
  if change.cache then rule.trusted = true end
end

---A rule of orch's own that has no `run`: findings that come about otherwise go under it.
---@param given {id: string, title: string, why: string, severity: orch.check.Severity, files: string[], scope: "file"|"project"|nil, cache: boolean?}
---@return orch.check.Rule
function rules.pseudo(given)
  local rule = { scope = "file", config = {}, fixes = {}, tags = {}, shipped = true,
    where = "orch", source = "orch", line = 0, timeout = 0, cache = false }
  for key, value in pairs(given) do rule[key] = value end
  return rule
end

return rules
