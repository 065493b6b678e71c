-- Explains a script that does not compile: the line, the column, and in one
-- sentence what Lua wants there.
--
--   syntax.raise("x += 1", "a.lua", "a.lua:1: syntax error near '+'")

local excerpt = require "orch.cli.excerpt"

local syntax = {}

-- What people who know another language write; `%1` is the first capture.
local hints = {
  { "near '[+%-*/%%]'", "[%w_%]]%s*[+%-*/%%]=",
    "Lua has no '+=' and the like; write x = x + 1" },
  { "near '%.%.'", "%.%.=", "Lua has no '..='; write s = s .. more" },
  { "near '%+'", "%+%+", "Lua has no '++'; write x = x + 1" },
  { "near '!'", "!=", "Lua writes 'not equal' as ~=" },
  { "near '!'", "!", "Lua writes '!' as not" },
  { "near '&'", "&&", "Lua writes '&&' as and" },
  { "near '|'", "||", "Lua writes '||' as or" },
  { "near '='", "%f[%a]if%f[%A].-[^=~<>]=[^=]",
    "a comparison is written with ==" },
  { "near '{'", "%)%s*{", "a block begins with then or do, not with {" },
  { "near", "%f[%a]await%f[%A]",
    "a call waits by itself in orch; leave out 'await'" },
  { "near", "%f[%a]async%f[%A]",
    "every function may wait in orch; leave out 'async'" },
  { "near 'else'", "%f[%a]else%s+if%f[%A]",
    "'else if' opens a second block; write elseif" },
  { "near", "%f[%a]const%s+[%a_]", "write local x <const> = ..." },
  { "near", "%f[%a]var%s+[%a_]", "write local instead of var" },
  { "near", "%f[%a]let%s+[%a_]", "write local instead of let" },
  { "near", "^%s*continue%s*$",
    "Lua has no continue; put 'goto continue' and a label '::continue::'" },
  { "near '%?'", "%?", "Lua has no '? :'; write cond and a or b" },
  { "near '//'", "//", "a comment begins with --" },
  { "near", "^%s*//", "a comment begins with --" },
  { "near", "%s//%s+%a+[%s%p]+%a", "a comment begins with --" },
  { "near '/'", "^%s*/%*", "a comment begins with --; --[[...]] for more lines" },
  { "near", "^%s*def%s+[%a_]", "a function is written function f(x) ... end" },
  { "near", "^%s*import%s", "a module is loaded with local x = require \"x\"" },
  { "near", "^%s*from%s.*%f[%a]import%f[%A]",
    "a module is loaded with local x = require \"x\"" },
  { "near '#'", "^%s*#", "a comment begins with --" },
}

local function hint_for(message, line)
  for _, hint in ipairs(hints) do
    if message:find(hint[1]) and line:find(hint[2]) then return hint[3] end
  end
  local opener, opened = message:match("%(to close '(%S+)' at line (%d+)%)")
  if opener and message:find("'end' expected") then
    return "the '" .. opener .. "' of line " .. opened .. " has no end"
  elseif opener == "{" and message:find "near '[%a_]" then
    return "a comma is missing in front of this, or a 'function()', or the '{' of line "
      .. opened .. " is never closed"
  elseif opener then
    return "the '" .. opener .. "' of line " .. opened .. " is never closed"
  elseif message:find("unexpected symbol near '[})]'") then
    return "an 'end' is missing in front of it, or a value"
  elseif message:find("unfinished string") then
    return "the string is not closed on its line; use [[...]] for more lines"
  elseif message:find("unfinished long") then
    return "the long string or comment is never closed with ]]"
  elseif message:find("<eof> expected") then
    return "there is an 'end' or a bracket too many"
  elseif message:find("near <eof>") then
    return "the file ends in the middle of a statement"
  end
  return nil
end

local function offset_of_line(source, number)
  local at = 1
  for _ = 2, number do
    at = (source:find("\n", at, true) or #source) + 1
  end
  return at
end

-- Lua names the token but not which of its occurrences: the first one up to
-- which the source fails in the same way is it.
local function column_of(source, number, message)
  local start = offset_of_line(source, number)
  local stop = source:find("\n", start, true) or #source + 1
  local line = source:sub(start, stop - 1)
  local token = message:match("near '(.*)'$")
  if not token or token == "" then
    return message:find("near <eof>") and #line + 1 or nil
  end
  local from, found = 1, nil
  while true do
    local at, last = line:find(token, from, true)
    if not at then break end
    found = found or at
    local _, problem = load(source:sub(1, start + last - 1) .. " ", "=s", "t")
    local text = problem and problem:match("^s:%d+: (.*)$")
    if text == message then return at end
    from = at + 1
  end
  return found
end

---Raises the Error for a failed `load`.
---@param source string
---@param path string
---@param problem string Lua's message
function syntax.raise(source, path, problem)
  local number, message = problem:match(":(%d+): (.*)$")
  if not number then
    require("orch.error") { kind = "script", message = problem, path = path }
  end
  number = math.tointeger(number)
  local line = excerpt.line(path, number) or ""
  local opened = message:match("%(to close '%S+' at line (%d+)%)")
  require("orch.error") {
    kind = "script",
    message = path .. ":" .. number .. ": " .. message,
    path = path,
    where = path .. ":" .. number,
    opened_at = opened and path .. ":" .. opened,
    line = number,
    column = column_of(source, number, message),
    hint = hint_for(message, line),
  }
end

---A file beside `path` whose name is nearly the same.
---@param path string
---@return string?
function syntax.similar_file(path)
  local ok, names = pcall(function()
    local folder = path:match("^(.*)/[^/]*$")
    local list = {}
    for _, entry in ipairs(require("orch.fs").list(folder or ".")) do
      list[#list + 1] = type(entry) == "table" and entry.name or entry
    end
    return list
  end)
  if not ok then return nil end
  local folder, base = path:match("^(.*/)([^/]*)$")
  base = base or path
  local near = require("orch.arg").suggest(base, names)
  if not near then
    -- The commonest slip is to leave out the extension.
    for _, name in ipairs(names) do
      if name == base .. ".lua" then near = name end
    end
  end
  return near and (folder or "") .. near
end

return syntax
