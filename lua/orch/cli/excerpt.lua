-- Shows the line of a script that an error is about, with a caret.
--
--   excerpt.lines("deploy.lua:3", "attempt to call a nil value (global 'x')")
--   --> { "   3 | local y = x()", "     |           ^" }
--
-- Lua errors carry no column; the caret goes where the message points.

local WIDTH = 100

local excerpt = {}

---"file:line" in its two parts.
---@param where string?
---@return string? name, integer? line
function excerpt.split(where)
  if type(where) ~= "string" then return nil end
  local name, line = where:match("^(.*):(%d+)$")
  return name, math.tointeger(line)
end

local function source_of(name)
  local text = require("orch.cli.script").sources[name]
  if text then return text end
  local file = io.open(name, "rb")
  if not file then return nil end
  text = file:read("a")
  file:close()
  return text
end

---One line of a source.
---@param name string
---@param number integer
---@return string? text nil when there is no such line
function excerpt.line(name, number)
  local text = source_of(name)
  if not text then return nil end
  local at = 1
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    if at == number then return line end
    at = at + 1
  end
  return nil
end

local function find_word(line, word, after)
  local from = 1
  while true do
    local at, stop = line:find(word, from, true)
    if not at then return nil end
    local left = line:sub(at - 1, at - 1)
    local right = line:sub(stop + 1)
    if not (at > 1 and left:find("[%w_]")) and not right:find("^[%w_]")
      and (not after or right:find(after)) then
      return at
    end
    from = stop + 1
  end
end

-- The column that a run-time message points at.
local function guess(line, message)
  local name = message:match("%(%a+ '([^']+)'%)")
    or message:match("%f[%a]no '([^']+)'")
    or message:match("has no field ['`]([^'`]+)['`]")
    or message:match("%f[%a]label '([^']+)'")
    or message:match("variable '([^']+)'")
    or message:match("^expect%(%.%.%.%):([%w_]+)")
  local call = message:match("^[%w_]+%.([%w_]+): ") or
    message:match(": [%w_]+%.([%w_]+): ")
  local at = name and find_word(line, name)
    or call and find_word(line, call, "^%s*[%(%{\"']")
    or find_word(line, "error", "^%s*[%(%{\"']")
  if at and name == nil and call then
    -- Point at the start of "orch.fs.read", not at its last word.
    while at > 1 and line:sub(at - 1, at - 1):find("[%w_.:]") do at = at - 1 end
  end
  return at or line:find("%S") or 1
end

-- Columns that a terminal needs for a text, near enough.
local function columns(text)
  return utf8.len(text) or #text
end

---The line and a caret below it.
---@param where string? "file:line"
---@param message? string helps to find the column
---@param column? integer bytes from 1; overrides the guess
---@return string[] lines empty when the line cannot be shown
function excerpt.lines(where, message, column)
  local name, number = excerpt.split(where)
  local line = name and excerpt.line(name, number)
  if not line or not line:find("%S") then return {} end
  local secrets = package.loaded["orch.secrets"]
  if secrets then line = secrets.redact(line) end -- half of one is not known any more
  column = column or guess(line, message or "")
  local before = line:sub(1, column - 1):gsub("\t", "  ")
  local rest = line:sub(column):gsub("\t", "  "):gsub("%c", "?")
  before = before:gsub("%c", "?")
  if #before > WIDTH - 20 then
    before = "..." .. before:sub(-(WIDTH // 2))
  end
  local room = WIDTH - columns(before)
  if #rest > room then rest = rest:sub(1, room) .. "..." end
  local margin = string.format("%4d", number)
  return {
    margin .. " | " .. before .. rest,
    (" "):rep(#margin) .. " | " .. (" "):rep(columns(before)) .. "^",
  }
end

return excerpt
