--- Names and values as a query or a form: percent-encoded text.
---
---     query.encode("http.get", "query", { tag = { "a", "b" }, page = 2 })  -- "page=2&tag=a&tag=b"

local arg = require "orch.arg"

local query = {}

local function escape(c)
  return ("%%%02X"):format(c:byte())
end

--- A form writes a space as "+", and needs no escape for "*" (WHATWG URL); a query
--- is safest with "%20".
local function encode(text, is_form)
  if not text:find "[^%w%-._~]" then return text end
  if is_form then return (text:gsub("[^%w%-._* ]", escape):gsub(" ", "+")) end
  return (text:gsub("[^%w%-._~]", escape))
end

local function text_of(fname, what, name, value)
  local kind = math.type(value) or type(value)
  if kind == "string" then return value end
  if kind == "integer" or kind == "boolean" then return tostring(value) end
  if kind == "float" and value - value == 0 then -- neither infinite nor no number
    if value % 1 == 0 and math.abs(value) < 2 ^ 53 then return ("%d"):format(value) end
    local short = ("%.14g"):format(value)
    return tonumber(short) == value and short or ("%.17g"):format(value)
  end
  arg.fail("%s: option `%s`: the value of '%s' should be a string, a number, a boolean or a "
    .. "list of them, not %s", fname, what, name, arg.describe(value))
end

local function add(parts, fname, what, name, value, is_form)
  if type(name) ~= "string" then
    arg.fail("%s: option `%s` should have names, { name = value }, or be a list of pairs, "
      .. "{ { name, value }, ... }", fname, what)
  end
  if type(value) == "table" and getmetatable(value) == nil then
    for _, item in ipairs(value) do
      add(parts, fname, what, name, type(item) == "table" and item[1] or item, is_form)
    end
    return
  end
  parts[#parts + 1] = encode(name, is_form) .. "="
    .. encode(text_of(fname, what, name, value), is_form)
end

---Encodes a table of names and values (in the order of the names; a list gives a name
---several times) or, where the order matters, a list of pairs.
---@param fname string
---@param what string the option's name, for messages
---@param values table
---@param is_form boolean? as a form rather than as a query
---@return string
function query.encode(fname, what, values, is_form)
  local parts = {}
  if values[1] ~= nil then
    for _, pair in ipairs(values) do
      if type(pair) ~= "table" or pair[2] == nil then
        arg.fail("%s: option `%s` should be { name = value } or a list of pairs, "
          .. "{ { name, value }, ... }", fname, what)
      end
      add(parts, fname, what, pair[1], pair[2], is_form)
    end
    return table.concat(parts, "&")
  end
  for key in next, values do
    if type(key) ~= "string" then add(parts, fname, what, key) end
  end
  for _, name in ipairs(arg.keys_of(values)) do
    add(parts, fname, what, name, values[name], is_form)
  end
  return table.concat(parts, "&")
end

return query
