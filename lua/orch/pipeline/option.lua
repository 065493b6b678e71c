--- The options of a job, each checked and brought into one form.
---
---     option.read(record, { needs = "fetch", timeout = "10m", run = "make" })
---     record.needs, record.timeout    --> { "fetch" }, 600
---
--- On the path of every job: what explains a mistake is in orch.pipeline.complaint.

local arg = require "orch.arg"

local mtype, find = math.type, string.find

---What stands in `orch.job "name" { ... }`.
---@class orch.JobOptions
---@field desc string? what it is for, in `orch list`
---@field run (fun(job: orch.RunningJob): any)|string|(string|string[])[]|nil a function, whose
---  result other jobs can read; a line for sh; a list of lines and of `{ "tool", "argument" }`.
---  Without it the job is a group of what it needs
---@field needs string|string[]|nil jobs that must succeed first: names and globs
---@field after string|string[]|nil jobs that must have ended first, however they ended
---@field inputs string|string[]|nil files, folders and globs, relative to the project's folder
---@field outputs string|string[]|nil the same; they must be written, and stand there next time
---@field env string|table<string|integer, string|number|boolean>|nil variables for `run`:
---  `{ CI = "1", DEBUG = false, "PATH" }`; false unsets, a bare name only says that the job
---  depends on it
---@field cwd string? the folder for `run`
---@field pools string|string[]|table<string, integer>|nil what it takes from `orch.pools`:
---  `"unity"`, `{ unity = 1, memory = 8 }`
---@field priority number? of those that could run, the highest goes first; 0
---@field retry integer|boolean|orch.RetryOptions|nil a number of attempts, or the options of
---  `orch.retry`
---@field timeout number|string|false|nil for each attempt: seconds, or "90m"
---@field stall number|string|false|nil how long it may print nothing
---@field confirm string|boolean|nil a question that is asked before anything runs
---@field when "success"|"failure"|"always"|nil "success" unless it is said

local option = {}

local function wrong(record, key, wanted, value)
  require("orch.pipeline.complaint").option(record, key, wanted, value)
end

--- A key that does not belong to the list.
local function extra_key(t)
  local n = #t
  for key in next, t do
    if mtype(key) ~= "integer" or key < 1 or key > n then return key end
  end
end

---A copy of a list of strings; nil when it is none.
---@param list table
---@return string[]?
function option.strings(list)
  local copy, n = {}, #list
  for i = 1, n do
    local item = list[i]
    if type(item) ~= "string" or item == "" then return nil end
    copy[i] = item
  end
  if extra_key(list) ~= nil then return nil end
  return copy
end
local strings = option.strings

local LIST = 'a string, or a list of strings such as { "a", "b" }'

local function list(record, key, value)
  local first = type(value) == "table" and value[1]
  if type(first) == "string" and first ~= "" and next(value) == 1 and next(value, 1) == nil then
    return { first } -- as most are
  end
  if type(value) == "string" and value ~= "" then return { value } end
  return type(value) == "table" and strings(value) or wrong(record, key, LIST, value)
end

local function text(record, key, value)
  if type(value) ~= "string" then wrong(record, key, "a string", value) end
  return value
end

local function path(record, key, value)
  if type(value) ~= "string" or value == "" or value:find("\0", 1, true) then
    wrong(record, key, "a folder", value)
  end
  return value
end

local DURATION = 'a duration (seconds, or "500ms", "5s", "2m", "1h30m")'

local function duration(record, key, value)
  if not value then return nil end
  if mtype(value) and value > 0 then return value end
  local ok, seconds = pcall(arg.duration, "", "", value)
  if not ok or seconds == 0 then wrong(record, key, DURATION, value) end
  return seconds
end

local function confirm(record, key, value)
  if not value then return nil end
  if value == true then return ("Run %s?"):format(record.name) end
  return text(record, key, value)
end

local function priority(record, key, value)
  if not mtype(value) or value ~= value then wrong(record, key, "a number", value) end
  return value
end

local whens = { success = true, failure = true, always = true }

local function when(record, key, value)
  if not whens[value] then
    require("orch.pipeline.complaint").choice(record, key, value, whens)
  end
  return value
end

local function env(record, key, value)
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" then
    wrong(record, key, 'a table such as { CI = "1", "PATH" }', value)
  end
  local copy = {}
  for name, one in next, value do
    local listed = mtype(name) == "integer"
    local variable = listed and one or name
    if type(variable) ~= "string" or variable == "" or variable:find "[=\0]" then
      wrong(record, key, listed and "a name of a variable, or NAME = value, in each place"
        or "a table with names of variables", variable)
    end
    if not listed and type(one) ~= "boolean" and not mtype(one)
      and (type(one) ~= "string" or one:find("\0", 1, true)) then
      wrong(record, key .. "." .. name, "a string, a number or a boolean", one)
    end
    copy[name] = one
  end
  return copy
end

local function pools(record, key, value)
  if type(value) == "string" then return { [value] = 1 } end
  if type(value) ~= "table" then
    wrong(record, key, "a name, or a table such as { unity = 1 }", value)
  end
  local copy = {}
  for name, amount in next, value do
    if mtype(name) == "integer" and type(amount) == "string" then
      name, amount = amount, 1
    end
    local whole = mtype(amount) and math.tointeger(amount)
    if type(name) ~= "string" or not whole or whole < 1 then
      wrong(record, type(name) == "string" and key .. "." .. name or key,
        "a whole number from 1", amount)
    end
    copy[name] = whole
  end
  return copy
end

local function retry(record, key, value)
  if not value then return nil end
  if value == true then return {} end
  if mtype(value) then
    local attempts = math.tointeger(value)
    if not attempts or attempts < 1 then
      wrong(record, key, "a number of attempts, from 1", value)
    end
    return { attempts = attempts }
  end
  if type(value) ~= "table" then
    wrong(record, key, "a number of attempts, or a table such as { attempts = 3 }", value)
  end
  return require("orch.pipeline.retry_option")(record, value)
end

local RUN = 'a function, a command line, or a list of command lines and { "tool", "argument" }'

local function argv(record, key, value)
  local copy = {}
  for i = 1, #value do
    local word = value[i]
    if mtype(word) then word = tostring(word) end
    if type(word) ~= "string" or word:find("\0", 1, true) then
      wrong(record, key, "a list of words without a NUL in each command", word)
    end
    copy[i] = word
  end
  if not copy[1] or copy[1] == "" or extra_key(value) ~= nil then
    wrong(record, key, 'a list such as { "tool", "argument" } for each command', value)
  end
  return copy
end

local function run(record, key, value)
  local kind = type(value)
  if kind == "function" then return value end
  if kind == "string" and find(value, "%S") and not find(value, "\0", 1, true) then
    return value
  end
  if kind ~= "table" or value[1] == nil then wrong(record, key, RUN, value) end
  local copy = {}
  for i, command in ipairs(value) do
    copy[i] = type(command) == "table" and argv(record, key, command)
      or type(command) == "string" and run(record, key, command)
      or wrong(record, key, RUN, command)
  end
  local extra = extra_key(value)
  if extra ~= nil then
    wrong(record, key, "a list of commands only (env, cwd, timeout are options of the job)", extra)
  end
  return copy
end

local readers = {
  desc = text, needs = list, after = list, inputs = list, outputs = list, env = env,
  cwd = path, pools = pools, retry = retry, timeout = duration, stall = duration,
  confirm = confirm, priority = priority, when = when, run = run,
}

---The names of a job's options.
option.known = readers

---Checks a job's options and puts them into its record.
---@param record orch.Job with `name` and `where`
---@param spec table raises kind `usage` with the option's line
function option.read(record, spec)
  for key, value in next, spec do
    local read = readers[key]
    if not read then require("orch.pipeline.complaint").unknown(record, key, readers) end
    record[key] = read(record, key, value)
  end
end

---For tables such as `orch.pools { unity = 2 }`: their keys, which must be names.
---@return string[] sorted
function option.sorted_names(fname, t)
  local names = {}
  for name, value in next, t do
    if type(name) ~= "string" then
      arg.fail("%s: write name = value; a name is missing before %s", fname, arg.describe(value))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

---@return integer amount raises kind `usage`
function option.amount(fname, name, value)
  local whole = mtype(value) and math.tointeger(value)
  if not whole or whole < 1 then
    arg.fail("%s: `%s` should be a whole number from 1, not %s", fname, name,
      arg.describe(value))
  end
  return whole
end

return option
