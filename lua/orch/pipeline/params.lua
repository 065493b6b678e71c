--- Params: what a script may be told on the command line.
---
---     local p = orch.params { channel = { "internal", choices = { "internal", "beta" } },
---       version = "1.0", fast = false }
---     print(p.channel)        -- orch run deploy.lua --channel beta
---
--- The type of a param is that of its default. The words are read in the script's body,
--- because what jobs there are may depend on them; words that are neither a param nor an
--- option of orch are refused when the body has ended, for a module of the script may have
--- params of its own. One that is nearly the name of a param is refused at once.

local arg = require "orch.arg"
local arguments = require "orch.pipeline.arguments"
local declare = require "orch.pipeline.declare"
local param_words = require "orch.pipeline.param_words"

local params = {}

---@class orch.Param
---@field name string as the script reads it
---@field flag string "--channel"
---@field type "string"|"boolean"|"integer"|"number"
---@field default any
---@field value any
---@field given boolean it was on the command line
---@field required boolean
---@field choices any[]?
---@field help string?

---`channel = { "internal", choices = { "internal", "beta" } }`
---@class orch.ParamOptions
---@field [1] string|number|boolean|nil the default
---@field default string|number|boolean|nil the same by name
---@field choices (string|number)[]?
---@field help string?
---@field type "string"|"boolean"|"integer"|"number"|nil that of the default
---@field required boolean?

local types = { string = true, boolean = true, integer = true, number = true }

local function type_of(value)
  local kind = math.type(value) or type(value)
  return kind == "float" and "number" or kind
end

local spec_of_param = {
  default = "any", choices = "table", help = "string", type = "string", required = "boolean",
}

local function fail(name, message, ...)
  arg.fail("params: `%s` " .. message, name, ...)
end

--- A param as it was declared: a default, or a table with the default in its first place.
local function read_spec(name, spec)
  if type(spec) ~= "table" then return { default = spec } end
  local opts, default = {}, spec[1]
  for key, value in next, spec do
    if key ~= 1 and math.type(key) then
      fail(name, "has %s without a name; the values to choose from are choices = { ... }",
        arg.describe(value))
    end
    if key ~= 1 then opts[key] = value end
  end
  local read = arg.options(("params: `%s`"):format(name), opts, spec_of_param)
  if default ~= nil then read.default = default end
  return read
end

local function check_type(param)
  local example = param.default
  if example == nil and param.choices then example = param.choices[1] end
  local kind = param.type or type_of(example)
  if kind == "nil" and param.required then kind = "string" end
  if kind == "nil" then
    fail(param.name, "needs a default, or type = \"string\" and required = true")
  elseif not types[kind] then
    local near = arg.suggest(kind, arg.keys_of(types))
    fail(param.name, "should be a string, a boolean, an integer or a number, not '%s'%s", kind,
      near and ("; did you mean '%s'?"):format(near) or "")
  end
  param.type = kind
end

local function fits(param, value)
  local kind = type_of(value)
  return kind == param.type or param.type == "number" and kind == "integer"
end

local function check_values(param)
  local default = param.default
  if default ~= nil and not fits(param, default) then
    fail(param.name, "has the type %s, and %s as its default", param.type, arg.describe(default))
  end
  if param.choices and #param.choices == 0 then fail(param.name, "has no choices") end
  for _, choice in ipairs(param.choices or {}) do
    if not fits(param, choice) then
      fail(param.name, "has the type %s, and %s among its choices", param.type,
        arg.describe(choice))
    end
  end
  if default ~= nil and not param_words.is_choice(param, default) then
    fail(param.name, "has %s as its default, which is not among its choices",
      arg.describe(default))
  end
end

local function new_param(registry, name, spec)
  if type(name) ~= "string" or not name:find "^%a[%w_-]*$" then
    arg.fail("params: %s is not a name for a param; write name = default", arg.describe(name))
  end
  local param = read_spec(name, spec)
  param.name, param.flag = name, "--" .. name:gsub("_", "-")
  param.given, param.required = false, param.required == true
  local known = arguments.option(param.flag)
  if known then
    fail(name, "cannot be used: %s is an option of orch itself (%s)", param.flag,
      (known.help:gsub("[%.;].*$", "")))
  elseif registry.param_by_name[param.flag] then
    fail(name, "is declared twice")
  end
  check_type(param)
  check_values(param)
  return param
end

local function asks_for_help(words)
  for _, word in ipairs(words) do
    if word == "--" then return false end
    if word == "-h" or word == "--help" then return true end
  end
  return false
end

--- A script with jobs is asked for help when its body has told them. In one without any,
--- the body is the work, which must not be done for that.
local function tell_help(registry, file)
  local source = require("orch.cli.script").sources[file]
  if not source or source:find "%f[%w_]job%f[^%w_]" then return end
  io.stdout:write(require("orch.pipeline.usage").text(registry, file))
  os.exit(0)
end

--- Where the script is only looked at, a value that is required and lacking is made up.
local stand_in = { string = "?", boolean = false, integer = 0, number = 0 }

local function settle(registry, fresh, lenient)
  local lacking = {}
  for _, param in ipairs(fresh) do
    if not param.given then param.value = param.default end
    if param.value == nil and param.required then
      if lenient then param.value = stand_in[param.type] else
        lacking[#lacking + 1] = param.flag
      end
    end
  end
  if lacking[1] then
    arguments.refuse("%s %s required: %s %s", table.concat(lacking, ", "),
      #lacking == 1 and "is" or "are", lacking[1], registry.params[1] and "VALUE" or "")
  end
end

---Declares params, and reads them from the command line.
---@param declared table<string, string|number|boolean|orch.ParamOptions> by name; a default alone,
---  or with more about it
---@return table<string, any> values reading one that is not declared raises; raises kind
---  `usage` for a wrong declaration and for a wrong command line
function params.params(declared)
  local registry = declare.registry
  arg.check("params", 1, declared, "table")
  if registry.closed then
    arg.fail("orch.params was called while the jobs run: params belong into the script's body")
  end
  local names, fresh, values = {}, {}, {}
  for name in next, declared do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do
    local param = new_param(registry, name, declared[name])
    fresh[#fresh + 1] = param
    registry.params[#registry.params + 1] = param
    registry.param_by_name[param.flag] = param
  end
  local words = rawget(require "orch", "args") or {}
  local lenient = registry.inspecting or asks_for_help(words)
  if lenient and not registry.inspecting then tell_help(registry, words[0]) end
  param_words.read(words, fresh, registry)
  settle(registry, fresh, lenient)
  for _, param in ipairs(fresh) do values[param.name] = param.value end
  local known = arg.known("the table of params", names)
  known.__fingerprint = "value" -- a job that captures it depends on the values
  return setmetatable(values, known)
end

return params
