-- What may follow on a command line that is being typed: commands, options and their
-- values, scripts, and the jobs and params of the script that is named or meant.
--
--   complete.line("orch run deploy.lua --cha")
--   --> { items = { { "--channel", "where the builds go" } } }

local known = require "orch.cli.complete_known"
local options = require "orch.cli.options"

local complete = {}

---The words of a shell's command line, the last of them unfinished.
---@param line string
---@return string[] words
function complete.split(line)
  local words, word, quote, at = {}, "", nil, 1
  local open = false
  while at <= #line do
    local c = line:sub(at, at)
    if c == "\\" and quote ~= "'" then
      at = at + 1
      word, open = word .. line:sub(at, at), true
    elseif quote then
      if c == quote then quote = nil else word = word .. c end
    elseif c == "'" or c == '"' then
      quote, open = c, true
    elseif c:find "%s" then
      if open then words[#words + 1] = word end
      word, open = "", false
    else
      word, open = word .. c, true
    end
    at = at + 1
  end
  words[#words + 1] = word
  return words
end

local function is_command(word)
  for _, one in ipairs(options.commands) do
    if one[1] == word then return true end
  end
  return false
end

-- Options ------------------------------------------------------------------------

--- The options of a command; a run has those of a pipeline as well.
local function options_of(context)
  local list, seen = {}, {}
  local function take(more)
    for _, one in ipairs(more or {}) do
      if not seen[one.flag] then seen[one.flag], list[#list + 1] = true, one end
    end
  end
  local command = context.command or "run"
  if command == "run" or command == "resume" or command == "watch" then
    take(require "orch.pipeline.options")
  end
  if not context.file_given then take(options[command]) end
  take { { flag = "--help", short = "-h", help = "Print help." } }
  return list
end

local function params_of(context)
  if not context.file_given then return {} end
  local registry, list = known.registry(context), {}
  for _, param in ipairs(registry and registry.params or {}) do
    list[#list + 1] = { flag = param.flag, help = param.help, choices = param.choices,
      value = param.type ~= "boolean" and param.name or nil }
    if param.type == "boolean" then
      list[#list + 1] = { flag = "--no-" .. param.flag:sub(3), help = param.help }
    end
  end
  return list
end

local function find_option(context, word)
  for _, list in ipairs { options_of(context), context.file_given and params_of(context) or {} } do
    for _, one in ipairs(list) do
      if one.flag == word or one.short == word then return one end
    end
  end
end

local values_of = {
  force = known.jobs, only = known.jobs, skip = known.jobs, explain = known.jobs, job = known.jobs,
  run = known.runs, rule = known.rules, undo = known.fixes,
  from = function() return known.words(require("orch.check.shipped").rules()) end,
  fail_on = function() return known.words { "error", "warning", "info", "never" } end,
}

--- What the value of an option may be; nil: a file, or anything.
local function values(context, option)
  if option.choices then
    local items = {}
    for i, choice in ipairs(option.choices) do items[i] = { tostring(choice) } end
    return items
  end
  local find = values_of[option.key]
  if context.command == "check" and option.key == "explain" then find = known.rules end
  return find and find(context)
end

--- Whether the next word is, or may become, the value of an option; `[=FILE]` never is.
local function takes(option, word, unfinished)
  if not option.value then return false end
  if not option.maybe then return true end
  if unfinished then return not option.value:find "^%[=" and not word:find "^%-" end
  return word:find(option.maybe) ~= nil
end

--- The value in the same word: "--channel=be".
local function inline_values(context, word)
  local flag = word:match "^(%-%-[^=]+)="
  local option = find_option(context, flag)
  local items = option and values(context, option)
  if not items then return nil end
  for _, item in ipairs(items) do item[1] = flag .. "=" .. item[1] end
  return items
end

local function flags(context)
  local items = {}
  for _, list in ipairs { params_of(context), options_of(context) } do
    for _, one in ipairs(list) do items[#items + 1] = { one.flag, one.help } end
  end
  return items
end

-- Where the cursor is ------------------------------------------------------------

local positional = {
  list = function(_, n, word) return n == 1 and known.scripts(word) end,
  graph = function(_, n, word) return n == 1 and known.scripts(word) end,
  info = function(context, n, word)
    return n == 1 and known.jobs(context) or n == 2 and known.scripts(word)
  end,
  logs = function(context, n) return n == 1 and known.jobs(context) end,
  resume = function(_, n) return n == 1 and known.runs() end,
  show = function(_, n) return n == 1 and known.runs() end,
  report = function(_, n) return n == 1 and known.runs() end,
  diff = function(_, n) return n <= 2 and known.runs() end,
  help = function(_, n) return n == 1 and known.commands() end,
  new = function(_, n) return n == 1 and known.words { "check", "pipeline" } end,
  completion = function(_, n) return n == 1 and known.words { "bash", "zsh", "fish" } end,
}

--- Reads the finished words: the command, the script, how many words there were.
local function read(words)
  local context, at, count = {}, 2, 0
  while at < #words do
    local word = words[at]
    if word:find "^%-." then
      local option = find_option(context, word)
      if option and takes(option, words[at + 1], at + 1 == #words) then
        if option.key == "folder" then context.folder = words[at + 1] end
        at = at + 1
        if at == #words then context.option = option end
      end
    elseif not context.command and not context.file and is_command(word) then
      context.command = word
    else
      local command = context.command or "run"
      count = count + 1
      context.given = context.given or {}
      context.given[word] = true
      if (command == "run" or command == "watch") and count == 1 then
        context.file, context.file_given = word, true
      end
      if command == "info" and count == 1 and words[#words - 1] == word then
        context.given = nil
      end
    end
    at = at + 1
  end
  context.count = count
  return context
end

--- Jobs that are not on the line yet.
local function further_jobs(context)
  local items = {}
  for _, item in ipairs(known.jobs(context)) do
    if not context.given[item[1]] then items[#items + 1] = item end
  end
  return items
end

local function candidates(context, word)
  if context.option then return values(context, context.option) end
  if word:find "^%-%-[^=]+=" then return inline_values(context, word) end
  if word:find "^%-" then return flags(context) end
  local command = context.command
  if command and command ~= "run" and command ~= "watch" then
    local find = positional[command]
    return find and find(context, context.count + 1, word) or nil
  elseif context.file_given then
    local items = further_jobs(context)
    return items[1] and items or nil
  elseif command then
    return known.scripts(word)
  end
  local items = known.commands()
  return table.move(known.scripts(word), 1, 1 << 20, #items + 1, items)
end

---@async
---@param line string from its beginning up to the cursor
---@return {files: boolean?, items: {[1]: string, [2]: string?}[], word: string} found
---  `files`: it is for the shell to complete a path; `word`: what is there already
function complete.line(line)
  local words = complete.split(line)
  while #words > 1 and words[1]:find "^[%a_][%w_]*=" do table.remove(words, 1) end
  local word = words[#words]
  if #words < 2 or word:find "^[~$]" then return { files = true, items = {}, word = word } end
  local context = read(words)
  local _ <close> = context.folder and require("orch.place").cd(context.folder) or nil
  local items = candidates(context, word)
  local found = { files = items == nil or nil, items = {}, word = word }
  for _, item in ipairs(items or {}) do
    if item[1]:sub(1, #word) == word then found.items[#found.items + 1] = item end
  end
  return found
end

return complete
