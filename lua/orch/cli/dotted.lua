-- Finds the script's part in an error that was raised inside orch's own Lua,
-- above all a method that was called with a dot: `q.get()`.
--
--   local message, where, hint = dotted.explain(err, message, "orch/queue.lua:74")

local excerpt = require "orch.cli.excerpt"
local tree = require "orch.tree"

local dotted = {}

local function line_of_script(err)
  return tree.line_of_script(type(err) == "table" and rawget(err, "traceback"))
end

-- `object.method(` in a line, where the object is no library.
local function find_call(where, wanted)
  local name, number = excerpt.split(where)
  local line = name and excerpt.line(name, number)
  if not line then return nil end
  local calls = "%f[%w_]([%a_][%w_]*)%s*%.%s*([%a_][%w_]*)%s*[({\"']"
  for object, method in line:gmatch(calls) do
    local library = rawget(_G, object) ~= nil
      or line:find("orch." .. object .. "." .. method, 1, true)
    if not library and (wanted == nil or method == wanted) then
      return object, method
    end
  end
  return nil
end

local function advice(object, method)
  return ("a method is called with a colon: %s:%s(), not %s.%s()")
    :format(object, method, object, method)
end

local function self_is_missing(message)
  return message:find("value %(local 'self'%)")
    or message:find("^bad argument #1 to '[%w_]+' %(orch%.%a+ expected")
end

---@param err any
---@param message string
---@param where? string "file:line"
---@return string message, string? where, string? hint
function dotted.explain(err, message, where)
  if where and where:find("^orch/") then
    where = line_of_script(err) or where
    if not self_is_missing(message) then return message, where end
    local object, method = find_call(where)
    if not object then
      return message, where, "a method is called with a colon, not with a dot"
    end
    return ("%s was called without its object"):format(method), where,
      advice(object, method)
  end
  local wanted = message:match("^%a[%w_]*:([%a_][%w_]*): ")
  if not wanted or message:find("with a colon", 1, true) then
    return message, where
  end
  local object = find_call(where, wanted)
  return message, where, object and advice(object, wanted)
end

return dotted
