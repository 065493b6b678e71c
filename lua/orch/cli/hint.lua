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

local function global_hint(name)
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
  if scope == "global" then return global_hint(name) end
  if scope == "method" then
    return field_hint(name, line) or method_hint(name)
  end
  return field_hint(name, line)
end

---@param err any an Error, or whatever was raised
---@param message string
---@param where? string "file:line"
---@return string? sentence
function hint.of(err, message, where)
  if type(err) == "table" and rawget(err, "hint") then return err.hint end
  if message:find("stack overflow", 1, true) then
    return "a function calls itself without an end"
  end
  if message:find("index a %a+ value %(local 'self'%)") then
    return "a method is called with a colon: q:get(), not q.get()"
  end
  return nil_hint(message, where)
end

return hint
