-- What the commands that look at runs have in common: their words, their task, their end.
--
--   return command.new("show", { "run" }, function(asked, project) ... return exit_code end)

local core = require "orch.core.task"
local errors = require "orch.core.error"
local flags = require "orch.cli.flags"
local help = require "orch.cli.help"
local runtime = require "orch.core.runtime"

local HOLD = 2
local EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_READER_GONE = 0, 1, 2, 141

local command = {}

-- Gives the words that are no options their names.
local function name_words(name, asked, names)
  if #asked > #names then
    local taken = #names == 0 and "no words" or #names == 1 and "one word" or #names .. " words"
    return nil, help.fail(("orch %s takes %s, so '%s' is one too many"):format(name, taken,
      asked[#names + 1]), nil, nil, name)
  end
  for i, key in ipairs(names) do asked[key] = asked[i] end
  return asked
end

---Writes to standard output; ends the command when nobody reads it any more.
---@param ... string
function command.write(...)
  if io.stdout:write(...) and io.stdout:flush() then return end
  errors.throw(errors.make { kind = "unread", message = "standard output is closed" })
end

local said = { usage = EXIT_USAGE, state = EXIT_FAILED, os = EXIT_FAILED, db = EXIT_FAILED }

local function failed(err)
  if errors.is(err) and err.kind == "unread" then return EXIT_READER_GONE end
  local code = errors.is(err) and said[err.kind]
  if not code then
    require("orch.cli.report").print(err)
    return EXIT_FAILED
  end
  io.stderr:write("orch: ", (tostring(err):gsub("^orch: ", "")), "\n")
  return code
end

local function body(fn, asked, folder)
  local _ <close> = folder and require("orch.place").cd(folder) or nil
  return fn(asked, require("orch.pipeline.project").find())
end

---@param name string
---@param names string[] of its words that are no options
---@param fn fun(asked: table, p: orch.Project): integer?
---@return async fun(words: string[], outer: table): integer exit_code
function command.new(name, names, fn)
  return function(words, outer)
    local asked, code = flags.parse(name, words)
    if asked then asked, code = name_words(name, asked, names) end
    if not asked then return code end
    local main = core.spawn(name, HOLD, body, fn, asked, outer.folder)
    runtime.guard("interrupt", main)
    main:join()
    local ok, result = main:result()
    io.stdout:flush()
    local signal = runtime.interrupted()
    if signal then return 128 + signal end
    if runtime.exit_code() then return runtime.exit_code() end -- print had no reader
    if not ok then return failed(result) end
    return result or EXIT_OK
  end
end

---A whole number of at least `least`, or a usage error.
---@param flag string
---@param value string?
---@param least integer
---@return integer?
function command.integer(flag, value, least)
  if value == nil then return nil end
  local n = math.tointeger(tonumber(value))
  if not n or n < least then
    require("orch.arg").fail("%s should be a whole number of at least %d, not '%s'", flag,
      least, value)
  end
  return n
end

---@param value any
function command.print_json(value)
  command.write(require("orch.json").pretty(value), "\n")
end

return command
