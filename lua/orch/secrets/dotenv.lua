--- `.env` files: NAME=value, a line each.
---
---     local values = dotenv.parse("KEY='a b' # comment\n", ".env")
---     assert(values.KEY == "a b")
---
--- `export` before a name, comments, 'literal' and "escaped" quotes, which may hold
--- several lines. A dollar sign is a dollar sign: nothing is put in for $NAME.

local errors = require "orch.core.error"

local dotenv = {}

local function refuse(path, text, at, problem)
  local _, line = text:sub(1, at - 1):gsub("\n", "")
  errors.throw(errors.make {
    kind = "usage", path = path, line = line + 1,
    message = ("%s:%d: %s"):format(path, line + 1, problem),
  })
end

local escapes = { n = "\n", r = "\r", t = "\t" }

local function unescape(text)
  return (text:gsub("\\(.)", function(c)
    if c == "\n" then return "" end
    return escapes[c] or (c:find "[\\\"'$`]" and c) or "\\" .. c
  end))
end

--- The place of the quote that ends what `at` is in.
local function closing(text, at, quote)
  if quote == "'" then return text:find("'", at, true) end
  while true do
    local found = text:find('["\\]', at)
    if not found or text:byte(found) == 34 then return found end
    at = found + 2 -- a backslash takes the next one with it
  end
end

--- The value that begins at `at`, and where its line ends.
local function read_value(path, text, at)
  local quote = text:match("^['\"]", at)
  if not quote then
    local value, stop = text:match("^([^\n]*)()", at)
    value = (" " .. value):gsub("%s#.*$", "") -- a # inside of a word is none of ours
    return value:match "^%s*(.*%S)" or "", stop
  end
  local close = closing(text, at + 1, quote)
  if not close then refuse(path, text, at, "the quote is never closed") end
  local value = text:sub(at + 1, close - 1)
  local stop = text:match("^[^%S\n]*()", close + 1)
  if text:find("^#", stop) then stop = text:match("^[^\n]*()", stop) end
  if stop <= #text and text:sub(stop, stop) ~= "\n" then
    refuse(path, text, at, "something follows the closing quote")
  end
  return quote == '"' and unescape(value) or value, stop
end

---@param text string
---@param path string for messages
---@return table<string, string> values the last line of a name counts; raises kind
---  `usage` (`path`, `line`) for a line that is no assignment
function dotenv.parse(text, path)
  text = text:gsub("^\239\187\191", ""):gsub("\r\n", "\n")
  local values, at = {}, 1
  while true do
    at = text:match("^%s*()", at)
    if at > #text then return values end
    if text:find("^#", at) then
      at = text:match("^[^\n]*()", at)
    else
      local begin = text:match("^export[^%S\n]+()", at) or at
      local name, start = text:match("^([%a_][%w_.-]*)[^%S\n]*=[^%S\n]*()", begin)
      if not name then refuse(path, text, at, "this is not NAME=value") end
      values[name], at = read_value(path, text, start)
    end
  end
end

---Reads a file without waiting: it is small, and `secrets.get` may stand anywhere.
---@param path string absolute or relative to the run's folder
---@return table<string, string>? values nil when there is no such file; raises kind `os`
---  when it cannot be read
function dotenv.load(path)
  local file, problem, code = io.open(path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  if text then return dotenv.parse(text, path) end
  if not file and code == 2 then return nil end
  errors.throw(errors.make {
    kind = "os", path = path,
    message = ("cannot read '%s': %s"):format(path,
      file and "it is a folder" or problem:gsub("^.*: ", ""):lower()),
  })
end

return dotenv
