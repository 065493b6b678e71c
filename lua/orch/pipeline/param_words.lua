--- The words of the command line that belong to params.
---
---     param_words.read({ "--channel", "beta" }, registry.params, registry)
---     registry.params[1].value   --> "beta"

local arg = require "orch.arg"
local arguments = require "orch.pipeline.arguments"

local refuse = arguments.refuse

local param_words = {}

---Whether a value is among the choices; without any, all are.
---@param param orch.Param
---@param value any
---@return boolean
function param_words.is_choice(param, value)
  for _, choice in ipairs(param.choices or { value }) do
    if choice == value then return true end
  end
  return false
end

--- The param that a word means: param, its value in the same word, whether it is --no-.
local function find(word, registry)
  local by_flag = registry.param_by_name
  local flag, value = word:match "^(%-%-[^=]+)=(.*)$"
  flag = (flag or word):gsub("_", "-")
  if by_flag[flag] then return by_flag[flag], value, false end
  local positive = flag:match "^%-%-no%-(.+)$"
  local param = positive and by_flag["--" .. positive]
  if param and param.type == "boolean" then return param, value, true end
end

--- The index after a param's word, and after its value.
local function after(param, value, at)
  return (value or param.type == "boolean") and at + 1 or at + 2
end

---Passes over a param that `orch.params` has read.
---@param words string[]
---@param at integer
---@param registry orch.Registry
---@return integer? next_at nil when the word is no param
function param_words.skip(words, at, registry)
  local param, value = find(words[at], registry)
  return param and after(param, value, at)
end

local booleans = { ["true"] = true, yes = true, on = true, ["1"] = true,
  ["false"] = false, no = false, off = false, ["0"] = false }

local function convert(param, text)
  if param.type == "string" then return text end
  if param.type == "boolean" then
    if booleans[text] == nil then
      refuse("%s is on or off, not '%s'; write %s or --no-%s", param.flag, text, param.flag,
        param.flag:sub(3))
    end
    return booleans[text]
  end
  local number = tonumber(text)
  if param.type == "integer" then number = number and math.tointeger(number) end
  return number or refuse("%s should be a %snumber, not '%s'", param.flag,
    param.type == "integer" and "whole " or "", text)
end

local function refuse_choice(param, text)
  local names = {}
  for i, choice in ipairs(param.choices) do names[i] = tostring(choice) end
  local near = arg.suggest(text, names)
  refuse("%s should be %s, not '%s'%s", param.flag, table.concat(names, ", "), text,
    near and ("; did you mean '%s'?"):format(near) or "")
end

local function set(param, text)
  local value = convert(param, text)
  if not param_words.is_choice(param, value) then refuse_choice(param, text) end
  param.value, param.given = value, true
end

--- The value in the next word: one that begins with "-" must be meant.
local function next_word(param, words, at, registry)
  local text = words[at + 1]
  if text == nil then
    refuse("option '%s' needs a value: %s %s", param.flag, param.flag,
      param.name:upper():gsub("-", "_"))
  elseif text:find "^%-%-?%a" and (find(text, registry) or arguments.option(text)) then
    refuse("option '%s' needs a value, but '%s' follows; if that is the value, write %s=%s",
      param.flag, text, param.flag, text)
  end
  return text
end

--- A word that is nobody's, but nearly the name of a new param.
local function check_slip(word, fresh)
  local flag, flags = word:match "^[^=]+", {}
  for i, param in ipairs(fresh) do flags[i] = param.flag end
  local near = flag:find "^%-%-%w" and arg.suggest(flag, flags)
  if near then
    refuse("there is no option '%s'; did you mean '%s'?", flag, near)
  end
end

---Reads params out of the words, into their `value` and `given`.
---@param words string[]
---@param fresh orch.Param[] those that are to be read
---@param registry orch.Registry
function param_words.read(words, fresh, registry)
  local at, is_fresh = 1, {}
  for _, param in ipairs(fresh) do is_fresh[param] = true end
  while words[at] and words[at] ~= "--" do
    local word = words[at]
    local param, value, negative = find(word, registry)
    if not param then
      local option = word:find "^%-." and arguments.take(words, at, {})
      if not option and word:find "^%-." then check_slip(word, fresh) end
      at = option or at + 1
    else
      if negative and value then refuse("--no-%s takes no value", param.flag:sub(3)) end
      if is_fresh[param] then
        if param.type == "boolean" then
          set(param, value or (negative and "false" or "true"))
        else
          set(param, value or next_word(param, words, at, registry))
        end
      end
      at = after(param, value, at)
    end
  end
end

return param_words
