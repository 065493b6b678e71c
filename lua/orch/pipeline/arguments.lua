--- The words after FILE, in a script that has jobs or params: names of jobs, the script's
--- params, and orch's own options.
---
---     arguments.parse({ "publish", "--channel=beta", "-j", "4" }, registry)
---     --> { targets = { "publish" }, options = { jobs = 4, force = {}, ... } }

local arg = require "orch.arg"
local core = require "orch.core.error"

local arguments = {}

---Raises kind `usage` for a wrong command line: `command_line` is set, and there is no
---line of the script to show. Such a run ends with exit code 2.
---@param message string
---@param ... any for string.format
function arguments.refuse(message, ...)
  core.throw(core.make { kind = "usage", command_line = true, traceback = "",
    message = message:format(...) })
end
local refuse = arguments.refuse

---One table for the words before FILE and after it.
arguments.options = require "orch.pipeline.options"

local by_word = {}
for _, one in ipairs(arguments.options) do
  by_word[one.flag] = one
  if one.short then by_word[one.short] = one end
end

---@param word string "--jobs" or "-j"
---@return orch.pipeline.Option?
function arguments.option(word)
  return by_word[word]
end

---Whether the next word is the value of this one: for those that only pass words on.
---@param word string
---@return boolean
function arguments.takes_value(word)
  local option = by_word[word]
  return option ~= nil and option.value ~= nil
end

local readers = {}

function readers.count(option, text)
  local n = math.tointeger(tonumber(text))
  if not n or n < 1 then
    refuse("%s should be a whole number from 1, not '%s'", option.flag, text)
  end
  return n
end

function readers.integer(option, text)
  return math.tointeger(tonumber(text))
    or refuse("%s should be a whole number, not '%s'", option.flag, text)
end

function readers.duration(option, text)
  local ok, seconds = pcall(arg.duration, "orch", option.flag, text)
  return ok and seconds or refuse("%s", (seconds.message:gsub("^orch: ", "")))
end

function readers.name(option, text)
  return text ~= "" and text or refuse("%s needs the name of a job", option.flag)
end
readers.names = readers.name

function readers.file(option, text)
  return text ~= "" and text or refuse("%s needs the name of a file", option.flag)
end

function readers.choice(option, text)
  for _, choice in ipairs(option.choices) do
    if choice == text then return text end
  end
  local near = arg.suggest(text, option.choices)
  refuse("%s should be %s, not '%s'%s", option.flag, table.concat(option.choices, ", "), text,
    near and ("; did you mean '%s'?"):format(near) or "")
end

local function store(option, text, into)
  local value = readers[option.kind](option, text)
  if option.kind ~= "names" then
    into[option.key] = value
    return
  end
  local list = into[option.key] or {}
  into[option.key] = list
  list[#list + 1] = value
end

--- "--jobs=4", "-j4", "--jobs", "-j": the option, and the value in the same word.
local function split(word)
  if by_word[word] then return by_word[word] end
  local name, value = word:match "^(%-%-[^=]+)=(.*)$"
  if name then return by_word[name], value end
  local option = by_word[word:sub(1, 2)]
  if option and option.value and not word:find "^%-%-" then return option, word:sub(3) end
end

---Takes the option at words[at], with its value.
---@param words string[]
---@param at integer
---@param into table<string, any> where its value goes
---@return integer? next_at the index after it; nil when it is none of ours; raises kind
---  `usage` for a bad value
function arguments.take(words, at, into)
  local option, value = split(words[at])
  if not option then return nil end
  if not option.value then
    if value then refuse("option '%s' takes no value", option.flag) end
    into[option.key] = true
    return at + 1
  end
  if value then
    store(option, value, into)
    return at + 1
  elseif words[at + 1] == nil then
    refuse("option '%s' needs a value: %s %s", words[at], words[at], option.value)
  end
  store(option, words[at + 1], into)
  return at + 2
end

local function unknown(word, registry)
  local name = word:match "^[^=]+"
  local known = arg.keys_of(by_word)
  for _, param in ipairs(registry.params) do
    table.insert(known, 1, param.flag)
    if param.type == "boolean" then table.insert(known, 1, "--no-" .. param.flag:sub(3)) end
  end
  local near = arg.suggest(name, known)
  local script = registry.params[1] and "neither the script nor orch has an option"
    or "orch has no option"
  refuse("%s '%s'%s", script, name, near and ("; did you mean '%s'?"):format(near) or "")
end

---Parses the words after FILE. Params were read already, by `orch.params` in the body;
---here their words are passed over. Whether the jobs exist is for select to say.
---@param words string[]
---@param registry orch.Registry
---@return {targets: string[], options: table<string, any>} parsed numbers, seconds, and
---  lists for `force`, `only` and `skip`; raises kind `usage`
function arguments.parse(words, registry)
  local targets, options = {}, { force = {}, only = {}, skip = {} }
  local params = registry.params[1] and require "orch.pipeline.param_words"
  local at = 1
  while words[at] do
    local word = words[at]
    if word == "--" then
      table.move(words, at + 1, #words, #targets + 1, targets)
      break
    elseif word:byte() ~= 45 or word == "-" then -- "-"
      targets[#targets + 1] = word
      at = at + 1
    else
      at = params and params.skip(words, at, registry) or arguments.take(words, at, options)
        or unknown(word, registry)
    end
  end
  return { targets = targets, options = options }
end

return arguments
