-- One more sentence for an uncaught error: what was probably meant, or how to
-- get out of it.
--
--   hint.of(err)   --> "did you mean 'string.format'?"

local excerpt = require "orch.cli.excerpt"

local hint = {}

local function string_keys(t)
  local list = {}
  for key in pairs(t) do
    if type(key) == "string" then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local function suggest(word, list)
  return require("orch.arg").suggest(word, list)
end

-- The tables that a script can only know by these names.
local function known_table(path)
  local value = _G
  for part in path:gmatch("[^.]+") do
    if type(value) ~= "table" then return nil end
    value = rawget(value, part)
  end
  return type(value) == "table" and value or nil
end

local function field_hint(name, line)
  local escaped = name:gsub("%p", "%%%0")
  local base = line:match("([%a_][%w_.]*)%s*[.:]%s*" .. escaped .. "%f[^%w_]")
  local fields = base and known_table(base)
  local near = fields and suggest(name, string_keys(fields))
  return near and "did you mean '" .. base .. "." .. near .. "'?"
end

local NO_AWAIT = "there is no await in orch: a call waits by itself; write f(x)"
local EXIT = "a script ends with os.exit(n)"
local ARGS = "the script's arguments are in orch.args"

-- What people who know another language look for.
local foreign_globals = {
  await = NO_AWAIT, async = NO_AWAIT, arg = ARGS, argv = ARGS, sys = EXIT,
  exit = EXIT, quit = EXIT, asyncio = NO_AWAIT,
}
local foreign_fields = {
  await = NO_AWAIT, async = NO_AWAIT, run = NO_AWAIT, arg = ARGS, argv = ARGS,
  exit = EXIT, quit = EXIT,
}

local of_tests = { describe = true, it = true, expect = true, test = true,
  before_each = true, after_each = true }

local function test_hint(name, file)
  if not of_tests[name] then return nil end
  if file and file:find("_test%.lua$") then
    return "this is a test file: orch test " .. file
  end
  return name .. " belongs in a *_test.lua file, which is run by 'orch test'"
end

local function global_hint(name)
  if foreign_globals[name] then return foreign_globals[name] end
  local near = suggest(name, string_keys(_G))
  if near then return "did you mean '" .. near .. "'?" end
  local orch = rawget(_G, "orch")
  local ok, value = pcall(function() return orch[name] end)
  if ok and value ~= nil then
    return "did you mean 'orch." .. name .. "'?"
  end
  return nil
end

-- What scripts call with a colon, besides strings.
local methods = {
  "acquire", "await", "cancel", "clear", "close", "done", "get", "is_set", "iter",
  "join", "locked", "notify", "notify_all", "put", "release", "result", "set",
  "size", "spawn", "traceback", "wait", "with",
}

local function method_hint(name)
  if name == "release" or name == "unlock" then
    return "close what acquire returned: local _ <close> = lock:acquire()"
  end
  local near = suggest(name, methods)
  if near and near ~= name then return "did you mean ':" .. near .. "'?" end
  near = suggest(name, string_keys(string))
  return near and string[name] == nil
    and "if it is a string, did you mean ':" .. near .. "'?"
end

local function nil_hint(message, where)
  local scope, name = message:match("nil value %((%a+) '([^']+)'%)")
  if not scope then return nil end
  local file, number = excerpt.split(where)
  local line = file and excerpt.line(file, number) or ""
  if scope == "global" then
    return test_hint(name, file) or global_hint(name)
  end
  if scope == "method" then
    return field_hint(name, line) or method_hint(name)
  end
  return field_hint(name, line)
end

local function is_loop(where)
  local file, number = excerpt.split(where)
  local line = file and excerpt.line(file, number) or ""
  return line:find("%f[%a]for%f[%A].*%f[%a]in%f[%A]")
end

---@param err any an Error, or whatever was raised
---@param message string
---@param where? string "file:line"
---@return string? sentence
---@return boolean? instead it takes the place of a suggestion in the message
function hint.of(err, message, where)
  local own = type(err) == "table" and rawget(err, "hint")
  if own then return not message:find(own, 1, true) and own or nil end
  if message:find("stack overflow", 1, true) then
    return "a function calls itself without an end"
  end
  if message == "attempt to call a table value" and is_loop(where) then
    return "loop over it with ipairs(list) or pairs(table)"
  end
  if message:find("^attempt to %a+ .*%f[%w]a Task%f[%W]") then
    return "task:await() gives its result"
  end
  local field = message:match("^orch has no '([^']+)'")
  if foreign_fields[field] then return foreign_fields[field], true end
  return nil_hint(message, where)
end

return hint
