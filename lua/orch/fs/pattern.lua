--- Glob patterns as lists: braces are expanded and exclusions are set apart here;
--- the matching itself is C.
---
---     pattern.parse("fs.glob", 1, { "a/{b,c}/*", "!a/b/tmp" })

local arg = require "orch.arg"
local core = require "orch.core.walk"

local pattern = {}

--- Where the brace that opens at `from` ends, and where its commas are.
local function brace(text, from)
  local depth, commas, i = 0, {}, from
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" then
      i = i + 1
    elseif c == "{" then
      depth = depth + 1
    elseif c == "}" then
      depth = depth - 1
      if depth == 0 then return i, commas end
    elseif c == "," and depth == 1 then
      commas[#commas + 1] = i
    end
    i = i + 1
  end
end

local function find_open(text, from)
  while true do
    local at = text:find("[{\\]", from)
    if not at or text:sub(at, at) == "{" then return at end
    from = at + 2
  end
end

--- "a{b,c}" -> "ab", "ac"; without a comma, or never closed, a brace is a brace.
local function expand(text, from, out)
  local open = find_open(text, from)
  if not open then
    out[#out + 1] = text
    return out
  end
  local close, commas = brace(text, open)
  if not close or #commas == 0 then return expand(text, open + 1, out) end
  commas[#commas + 1] = close
  local start = open + 1
  for _, comma in ipairs(commas) do
    local choice = text:sub(start, comma - 1)
    expand(text:sub(1, open - 1) .. choice .. text:sub(close + 1), open, out)
    start = comma + 1
  end
  return out
end

local function add(fname, i, text, includes, excludes)
  if type(text) ~= "string" or text == "" or text == "!" or text:find("\0", 1, true) then
    arg.fail("%s: argument %d should be a pattern or a list of patterns, and has %s",
      fname, i, arg.describe(text))
  end
  local list = includes
  if text:sub(1, 1) == "!" then
    list, text = excludes, text:sub(2)
  end
  for _, one in ipairs(expand(text, 1, {})) do
    list[#list + 1] = one:gsub("^%./+", "")
  end
end

---@param patterns string|string[] "!x" excludes; "\!x" is a name with a "!"
---@return string[] includes, string[] excludes
function pattern.parse(fname, i, patterns)
  local includes, excludes = {}, {}
  arg.check(fname, i, patterns, "string|table")
  if type(patterns) == "string" then patterns = { patterns } end
  for _, text in ipairs(patterns) do add(fname, i, text, includes, excludes) end
  if #includes == 0 and #excludes == 0 then
    arg.fail("%s: argument %d should have at least one pattern", fname, i)
  end
  return includes, excludes
end

---@return string[] parts of a path
function pattern.split(path)
  local parts = {}
  for part in path:gmatch("[^/]+") do parts[#parts + 1] = part end
  return parts
end

--- An excluded folder excludes all that is in it.
local function is_excluded(excludes, parts)
  local upto = {}
  for _, part in ipairs(parts) do
    upto[#upto + 1] = part
    for _, one in ipairs(excludes) do
      if core.match(one, upto) then return true end
    end
  end
  return false
end

---A function that says whether a path matches. With exclusions only, everything
---else does.
---@return fun(path: string): boolean
function pattern.compile(fname, i, patterns)
  local includes, excludes = pattern.parse(fname, i, patterns)
  return function(path)
    local parts = pattern.split(path:gsub("^%./+", ""))
    if is_excluded(excludes, parts) then return false end
    for _, one in ipairs(includes) do
      if core.match(one, parts) then return true end
    end
    return #includes == 0
  end
end

---A function that says whether a path is none of what the patterns exclude; each is
---written without its "!".
---@return fun(path: string): boolean
function pattern.compile_exclusions(fname, i, patterns)
  local list = {}
  for n, text in ipairs(type(patterns) == "string" and { patterns } or patterns) do
    list[n] = type(text) == "string" and "!" .. text or text
  end
  return pattern.compile(fname, i, list)
end

return pattern
