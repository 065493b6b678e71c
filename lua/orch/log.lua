--- Log lines for people: time, level, message and fields, on standard error.
---
---     orch.log.info("uploaded", { file = "game.zip", seconds = 12.5 })
---     -- 14:03:59 info  uploaded file=game.zip seconds=12.5
---
--- Lines below the level (`info` at the start) are dropped. Every line goes
--- through one sink, which can be replaced.
local arg = require "orch.arg"
local context = require "orch.context"
local task = require "orch.core.task"

local log = {}

local levels = { debug = 1, info = 2, warn = 3, error = 4, off = 5 }
local styles = { debug = "dim", warn = "yellow", error = "red" }
local current = "info"
local prefixes = context "log.prefix"

local function is_plain(text)
  return text ~= "" and not text:find("[%s%c\"=]")
end

--- Keeps a record on one line, and a terminal from obeying what it contains.
local function escape(text)
  return (text:gsub("%c", function(c)
    local names = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
    return names[c] or ("\\x%02x"):format(c:byte())
  end))
end

local function show(value)
  if type(value) == "table" and getmetatable(value) == nil then
    local ok, text = pcall(function()
      return require("orch.json").encode(value, { sorted = true })
    end)
    if ok then return text end
  end
  local text = tostring(value)
  if is_plain(text) then return text end
  return '"' .. escape((text:gsub('["\\]', "\\%0"))) .. '"'
end

local function show_fields(fields)
  local keys, parts = {}, {}
  for key in pairs(fields) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do
    parts[i] = escape(tostring(key)) .. "=" .. show(fields[key])
  end
  return table.concat(parts, " ")
end

---@class LogRecord
---@field time integer seconds since 1970
---@field level "debug"|"info"|"warn"|"error"
---@field message string
---@field fields table? as given
---@field prefix string? of this task
---@field task string? its name, unless it is the script's body

--- The record as one line, without the newline.
---@param record LogRecord
---@param colour? boolean where standard error shows colours
---@return string
function log.format(record, colour)
  local function paint(text, style)
    if not colour or not style then return text end
    return require("orch.tty").style(text, style, "stderr")
  end
  local parts = {
    paint(os.date("%H:%M:%S", record.time), "dim"),
    paint(("%-5s"):format(record.level), styles[record.level]),
  }
  if record.task then parts[#parts + 1] = "[" .. escape(record.task) .. "]" end
  local message = escape(record.message)
  if record.prefix then message = escape(record.prefix) .. ": " .. message end
  parts[#parts + 1] = message
  if record.fields and next(record.fields) ~= nil then
    parts[#parts + 1] = paint(show_fields(record.fields), "dim")
  end
  return table.concat(parts, " ")
end

--- To whom the prints of the running task go, if not to the terminal.
local function to_output(sink, record)
  if not sink.message then return sink:write(log.format(record) .. "\n") end
  local text = record.prefix and (record.prefix .. ": " .. record.message) or record.message
  sink:message(record.level, text, record.fields)
end

--- A closed or full standard error is no reason to stop a build.
local function to_stderr(record)
  local output = package.loaded["orch.output"]
  local taken = output and output.current()
  if taken then return to_output(taken, record) end
  local shown = package.loaded["orch.progress"]
  if shown then shown.clear() end
  local ok, colour = pcall(function() return require("orch.tty").color "stderr" end)
  pcall(io.stderr.write, io.stderr, log.format(record, ok and colour), "\n")
end

local sink = to_stderr

local function task_name()
  local running = task.current()
  local name = running and running.name
  return name ~= "main" and name or nil
end

local function write(level, message, fields)
  if levels[level] < levels[current] then return end
  arg.check("log." .. level, 1, message, "any")
  arg.check("log." .. level, 2, fields, "table?")
  local record = {
    time = os.time(), level = level, message = tostring(message), fields = fields,
    prefix = prefixes:get(), task = task_name(),
  }
  local secrets = package.loaded["orch.secrets"] -- a sink may write anywhere
  sink(secrets and secrets.scrub(record) or record)
end

--- What only somebody who looks for a fault wants to know.
---@param message string
---@param fields? table names and values, printed as `name=value`, sorted
function log.debug(message, fields) write("debug", message, fields) end

--- What happens.
---@param message string
---@param fields? table names and values, printed as `name=value`, sorted
function log.info(message, fields) write("info", message, fields) end

--- What somebody should look at.
---@param message string
---@param fields? table names and values, printed as `name=value`, sorted
function log.warn(message, fields) write("warn", message, fields) end

--- What went wrong.
---@param message string
---@param fields? table names and values, printed as `name=value`, sorted
function log.error(message, fields) write("error", message, fields) end

--- Sets the lowest level that is written.
---@param name? "debug"|"info"|"warn"|"error"|"off" nil changes nothing
---@return string before
function log.level(name)
  local before = current
  arg.check("log.level", 1, name, "string?")
  if name and not levels[name] then
    local near = arg.suggest(name, arg.keys_of(levels))
    arg.fail("log.level: argument 1 should be debug, info, warn, error or off, "
      .. "not %q%s", name, near and ("; did you mean '%s'?"):format(near) or "")
  end
  current = name or before
  return before
end

--- Replaces the function that gets every record; nil brings back standard error.
--- An error in it reaches whoever logs.
---@param fn? fun(record: LogRecord)
---@return fun(record: LogRecord) before
function log.sink(fn)
  arg.check("log.sink", 1, fn, "callable?")
  local before = sink
  sink = fn or to_stderr
  return before
end

--- `local _ <close> = log.prefix("upload")`: put before the messages of this task,
--- and of those that it spawns meanwhile, until the block is left.
---@param text string
function log.prefix(text)
  arg.check("log.prefix", 1, text, "string")
  local outer = prefixes:get()
  return prefixes:set(outer and (outer .. ": " .. text) or text)
end

return arg.public("orch.log", log)
