--- Words for a POSIX shell: quoting values, and putting them into a command line at
--- places where the quotes protect them.
---
---     quote.fill("sh", "rm -- ${files}", { files = { "a b", "it's" } })

local arg = require "orch.arg"

local quote = {}

---One word for a shell. Always in single quotes: nothing in them means anything to a shell, and a bare word
--- could be a keyword or an assignment.
---@param text string without NUL
---@return string
function quote.word(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function quote_item(fname, what, value)
  if math.type(value) then value = tostring(value) end
  if type(value) ~= "string" then
    arg.fail("%s: %s should be a string, a number or a list of them, not %s", fname, what,
      arg.describe(value))
  elseif value:find("\0", 1, true) then
    arg.fail("%s: %s has a NUL byte, which no program can be given", fname, what)
  end
  return quote.word(value)
end

---@param what string what `value` is, for messages
---@param value string|number|(string|number)[] a list gives its items, one by one
---@return string
function quote.value(fname, what, value)
  if type(value) ~= "table" then return quote_item(fname, what, value) end
  local words = {}
  for i = 1, #value do
    words[i] = quote_item(fname, ("item %d of %s"):format(i, what), value[i])
  end
  if next(value) ~= nil and #value == 0 then
    arg.fail("%s: %s should be a list, not a table with names", fname, what)
  end
  return table.concat(words, " ")
end

---A command as a person would type it.
---@param argv string[]
---@return string
function quote.command(argv)
  local words = {}
  for i, word in ipairs(argv) do
    words[i] = word:find "^[%w_@%%+=:,./-]+$" and word or quote.word(word)
  end
  return table.concat(words, " ")
end

-- Scanning a command line ----------------------------------------------------

---@class orch.quote.Scan
---@field text string
---@field at integer
---@field out string[]
---@field stack {kind: string, depth: integer}[] what we are in, innermost last
---@field unsure string? why we cannot tell any more what we are in
---@field heredoc {word: string, tabs: boolean}? begins with the next line

local function refuse(scan, name, where)
  arg.fail("%s: ${%s} stands %s, where quoting cannot protect it; %s", scan.fname, name,
    where, where:find "quotes" and "take it out of the quotes, it is quoted by itself"
    or "move it out of there")
end

local refusals = {
  single = "inside single quotes", double = "inside double quotes",
  backquote = "inside backquotes", arithmetic = "inside $(( ))",
}

local function push(scan, kind)
  scan.stack[#scan.stack + 1] = { kind = kind, depth = 0 }
end

local function copy(scan, length)
  scan.out[#scan.out + 1] = scan.text:sub(scan.at, scan.at + length - 1)
  scan.at = scan.at + length
end

local function unknown(scan, name)
  local near = arg.suggest(name, arg.keys_of(scan.values))
  arg.fail("%s: the command has ${%s}, but the values have no `%s`%s", scan.fname, name, name,
    near and ("; did you mean ${%s}?"):format(near)
    or (" (a variable of the shell's is written $%s)"):format(name))
end

--- At a "${".
local function placeholder(scan, kind)
  local name = scan.text:match("^%${([%a_][%w_]*)}", scan.at)
  if not name then
    -- The shell's own ${x:-y}: harmless when it holds no quotes of its own.
    local simple = scan.text:match("^%${[^{}'\"`\\$]*}", scan.at)
    if not simple then scan.unsure = "after a ${...} that this scan cannot follow" end
    return copy(scan, simple and #simple or 2)
  end
  local value = scan.values[name]
  if value == nil and kind == "single" then return copy(scan, #name + 3) end
  if value == nil then unknown(scan, name) end
  if scan.unsure then refuse(scan, name, scan.unsure) end
  if refusals[kind] then refuse(scan, name, refusals[kind]) end
  scan.out[#scan.out + 1] = quote.value(scan.fname, "${" .. name .. "}", value)
  scan.at = scan.at + #name + 3
end

--- Copies text that the shell does not look into, up to `stop`.
local function skip(scan, stop, where)
  local part = scan.text:sub(scan.at, stop)
  for name in part:gmatch "%${([%a_][%w_]*)}" do
    if scan.values[name] ~= nil then refuse(scan, name, where) end
  end
  copy(scan, #part)
end

local function skip_heredoc(scan)
  local heredoc = scan.heredoc
  scan.heredoc = nil
  local from = scan.at
  while from <= #scan.text do
    local stop = scan.text:find("\n", from, true) or #scan.text + 1
    local line = scan.text:sub(from, stop - 1)
    if heredoc.tabs then line = line:gsub("^\t+", "") end
    from = stop + 1
    if line == heredoc.word then break end
  end
  skip(scan, from - 1, "in a here-document")
end

--- Where the shell reads words: outside all quotes, or in a $( ).
local function plain(scan, char, frame)
  local text, at = scan.text, scan.at
  if char == "\\" then return copy(scan, 2) end
  if char == "'" then
    if text:sub(at - 1, at - 1) == "$" then scan.unsure = "after $'...'" end
    push(scan, "single")
  elseif char == '"' then
    push(scan, "double")
  elseif char == "#" and text:sub(at - 1, at - 1):find "^[%s;&|()]?$" then
    return skip(scan, (text:find("\n", at, true) or #text + 1) - 1, "in a comment")
  elseif char == "\n" and scan.heredoc then
    copy(scan, 1)
    return skip_heredoc(scan)
  elseif text:find("^<<<", at) then
    return copy(scan, 3)
  elseif text:find("^<<", at) then
    local tabs, word = text:match("^<<(%-?)[ \t]*[\\'\"]?([%w_]+)", at)
    if not word or scan.heredoc then scan.unsure = "after a here-document" end
    scan.heredoc = word and { word = word, tabs = tabs == "-" }
    return copy(scan, 2)
  elseif frame.kind == "command" then
    if char == "(" then
      frame.depth = frame.depth + 1
    elseif char == ")" then
      frame.depth = frame.depth - 1
      if frame.depth < 0 then table.remove(scan.stack) end
    elseif text:find("^case%f[^%w_]", at) and not text:sub(at - 1, at - 1):find "[%w_]" then
      -- Its patterns end in parentheses that open nowhere.
      scan.unsure = "after a `case` inside $( )"
    end
  end
  copy(scan, 1)
end

local function dollar(scan, kind)
  local text, at = scan.text, scan.at
  if text:find("^%${", at) then return placeholder(scan, kind) end
  if kind ~= "single" and kind ~= "backquote" then
    if text:find("^%$%(%(", at) then
      push(scan, "arithmetic")
      return copy(scan, 3)
    elseif text:find("^%$%(", at) then
      push(scan, "command")
      return copy(scan, 2)
    elseif text:find("^%$%$", at) then
      return copy(scan, 2)
    end
  end
  copy(scan, 1)
end

local closing = { single = "'", double = '"', backquote = "`" }

local function step(scan)
  local char = scan.text:sub(scan.at, scan.at)
  local frame = scan.stack[#scan.stack]
  local kind = frame.kind
  if char == "$" then return dollar(scan, kind) end
  if char == closing[kind] then
    table.remove(scan.stack)
    return copy(scan, 1)
  end
  if kind == "single" then return copy(scan, 1) end
  if char == "`" then
    push(scan, "backquote")
    return copy(scan, 1)
  end
  if kind == "top" or kind == "command" then return plain(scan, char, frame) end
  if char == "\\" then return copy(scan, 2) end
  if kind == "arithmetic" then
    if char == "(" then
      frame.depth = frame.depth + 1
    elseif char == ")" and frame.depth > 0 then
      frame.depth = frame.depth - 1
    elseif char == ")" then
      table.remove(scan.stack)
      return copy(scan, 2)
    end
  end
  copy(scan, 1)
end

---Puts quoted values in place of each ${name}.
---@param template string a command line
---@param values table<string, string|number|(string|number)[]>
---@return string
---Raises kind `usage` for an unknown name, and where a value would not be protected.
function quote.fill(fname, template, values)
  local scan = {
    fname = fname, text = template, at = 1, out = {}, values = values,
    stack = { { kind = "top", depth = 0 } },
  }
  while scan.at <= #template do
    -- Most of a command line is plain words.
    local word = template:match("^[%w_ ./=,:-]+", scan.at)
    if word and not word:find("case", 1, true) then
      copy(scan, #word)
    else
      step(scan)
    end
  end
  return table.concat(scan.out)
end

return quote
