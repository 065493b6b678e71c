--- JSON, exact and strict: a 64-bit integer stays an integer, a double comes
--- back the same, `null`, `[]` and `{}` keep their meaning.
---
---     local build = orch.json.decode '{"name": "game", "size": 9007199254740993}'
---     assert(build.size == 9007199254740993)
---     assert(orch.json.encode { tags = orch.json.array {} } == '{"tags":[]}')
---
--- What comes in is RFC 8259 and UTF-8, nothing looser; a byte order mark at the
--- start is skipped. A number with a point or an exponent is a float, any other
--- an integer. A name that stands twice in an object keeps its last value.
--- Values are at most 1000 levels deep.
local arg = require "orch.arg"
local core = require "orch.core.json"

local json = {}

--- JSON's null. `nil` would make the field vanish from a table.
---@type userdata
json.null = core.null

local array_mark = core.array
array_mark.__name = "json.array"

---@class JsonDecodeOptions
---@field big_floats? boolean an integer of more than 64 bits becomes the nearest float instead of an error

--- The value of a JSON text. Raises kind `json` with `.line` and `.column` (in
--- characters, both from 1) and the reason.
---@param text string
---@param opts? JsonDecodeOptions
---@return any value tables, strings, numbers, booleans, `json.null`
function json.decode(text, opts)
  arg.check("json.decode", 1, text, "string")
  local o = arg.options("json.decode", opts, { big_floats = "boolean" })
  return core.decode(text, o.big_floats)
end

---@class JsonEncodeOptions
---@field sorted? boolean write names in byte order, so that equal values give equal text

--- The value as JSON on one line. Raises kind `json` with `.at`, the place of
--- what JSON cannot say: "cannot encode a function at .jobs[3].run".
---@param value any
---@param opts? JsonEncodeOptions
---@return string
function json.encode(value, opts)
  local o = arg.options("json.encode", opts, { sorted = "boolean" })
  return core.encode(value, o.sorted)
end

---@class JsonPrettyOptions
---@field indent? integer spaces per level, 1 to 16; 2 by default

--- The value as JSON for people: a line for each item, names sorted. Raises like
--- `encode`.
---@param value any
---@param opts? JsonPrettyOptions
---@return string text without a newline at the end
function json.pretty(value, opts)
  local o = arg.options("json.pretty", opts, { indent = "integer" })
  local indent = o.indent or 2
  if indent < 1 or indent > 16 then
    arg.fail("json.pretty: option `indent` should be 1 to 16, not %d", indent)
  end
  return core.encode(value, true, indent)
end

--- Marks a table as a list, so that it is written as `[]` even when empty.
---@generic T
---@param list? T[] the table itself is marked; a new one by default
---@return T[]
function json.array(list)
  arg.check("json.array", 1, list, "table?")
  list = list or {}
  local mark = getmetatable(list)
  if mark ~= nil and mark ~= array_mark then
    arg.fail("json.array: argument 1 has a metatable already")
  end
  return setmetatable(list, array_mark)
end

--- The value of a JSON file. Raises kind `os`, or `json` with `.path`.
---@async
---@param path string
---@param opts? JsonDecodeOptions
---@return any
function json.load(path, opts)
  arg.check("json.load", 1, path, "path")
  local o = arg.options("json.load", opts, { big_floats = "boolean" })
  local text = require("orch.fs").read(path)
  local ok, value = pcall(core.decode, text, o.big_floats)
  if ok then return value end
  if type(value) == "table" and value.kind == "json" and not value.path then
    value.path = path
    value.message = path .. ": " .. value.message
  end
  error(value, 0)
end

--- Writes the value to a file, pretty and sorted, ending with a newline; the
--- file is replaced in one step. Raises kind `json` with `.path`, or `os`.
---@async
---@param path string
---@param value any
---@param opts? JsonPrettyOptions
function json.save(path, value, opts)
  arg.check("json.save", 1, path, "path")
  local ok, text = pcall(json.pretty, value, opts)
  if not ok then
    if type(text) == "table" and text.kind == "json" then
      text.path = path
      text.message = path .. ": " .. text.message
    end
    error(text, 0)
  end
  require("orch.fs").write(path, text .. "\n")
end

return arg.public("orch.json", json)
