--- Parameters by name for PostgreSQL, which knows only `$1`: a small lexer that leaves
--- strings, identifiers, comments and casts alone.
---
---     named.of("SELECT :id::int").sent   -- SELECT $1::int

local named = {}

local find, sub = string.find, string.sub

--- Where a comment that begins at `at` ends; they nest.
local function after_comment(sql, at)
  local depth, from = 1, at + 2
  while depth > 0 do
    local i = find(sql, "[*/][*/]", from)
    if not i then return #sql + 1 end
    local two = sub(sql, i, i + 1)
    depth = depth + (two == "/*" and 1 or two == "*/" and -1 or 0)
    from = (two == "/*" or two == "*/") and i + 2 or i + 1
  end
  return from
end

--- Whether what ends in front of `at` is a word or a number.
local function is_behind_word(sql, at)
  return at > 1 and find(sql, "^[%w_$\128-\255]", at - 1) ~= nil
end

--- In E'...' a backslash protects a quote, also where the string goes on in the next line;
--- elsewhere '' is two strings side by side.
local function after_string(sql, at)
  local escapes = at > 1 and find(sql, "^[eE]", at - 1) and not is_behind_word(sql, at - 1)
  local from = at + 1
  while true do
    local i = find(sql, escapes and "[\\']" or "'", from)
    if not i then return #sql + 1 end
    local more = i
    if sub(sql, i, i) == "'" then
      more = escapes and sql:match("^%s*\n%s*()'", i + 1)
      if not more then return i + 1 end
    end
    from = more + (more == i and 2 or 1)
  end
end

local function after_dollar(sql, at)
  local tag = sql:match("^%$%$", at) or sql:match("^%$[%a_\128-\255][%w_\128-\255]*%$", at)
  if not tag or is_behind_word(sql, at) then return at + 1 end
  local _, last = find(sql, tag, at + #tag, true)
  return (last or #sql) + 1
end

--- Where what is at `at` ends, and the name if it is a parameter.
local function after(sql, at, c)
  if c == "'" then return after_string(sql, at) end
  if c == '"' then return (find(sql, '"', at + 1, true) or #sql) + 1 end
  if c == "$" then return after_dollar(sql, at) end
  if c == "-" then
    return sub(sql, at, at + 1) == "--" and (find(sql, "[\r\n]", at) or #sql) + 1 or at + 1
  end
  if c == "/" then return sub(sql, at, at + 1) == "/*" and after_comment(sql, at) or at + 1 end
  local name = sql:match("^:([%a_][%w_]*)", at)
  if name then return at + #name + 1, not is_behind_word(sql, at) and name or nil end
  return find(sql, "^:[:=]", at) and at + 2 or at + 1
end

---@class orch.db.Named
---@field sent string what the server gets
---@field has_places boolean it has `$1` as well
---@field names string[] each once, in the order of their numbers
---@field private map integer[][] {bytes of `sent` in front, bytes of the script's text in front,
---  whether it is a parameter}

local function translate(sql)
  local out, names, numbers, map = {}, {}, {}, { { 0, 0, false } }
  local has_places = false
  local from, at, length = 1, 1, 0
  while true do
    local i = find(sql, "[:'\"$/-]", at)
    if not i then break end
    local next_at, name = after(sql, i, sub(sql, i, i))
    has_places = has_places or find(sql, "^%$%d", i) and not is_behind_word(sql, i)
    if name then
      if not numbers[name] then
        names[#names + 1] = name
        numbers[name] = "$" .. #names
      end
      out[#out + 1] = sub(sql, from, i - 1)
      out[#out + 1] = numbers[name]
      length = length + (i - from)
      map[#map + 1] = { length, i - 1, true }
      length = length + #numbers[name]
      map[#map + 1] = { length, next_at - 1, false }
      from = next_at
    end
    at = next_at
  end
  out[#out + 1] = sub(sql, from)
  return { sent = table.concat(out), names = names, map = map, has_places = has_places }
end

local MOST_KEPT = 500
local kept, count = {}, 0

---@param sql string with `:name`
---@return orch.db.Named
function named.of(sql)
  local known = kept[sql]
  if known then return known end
  if count >= MOST_KEPT then kept, count = {}, 0 end
  known = translate(sql)
  kept[sql], count = known, count + 1
  return known
end

---Where a byte of what was sent is in the script's own text.
---@param statement orch.db.Named
---@param offset integer bytes in front of it
---@return integer offset
function named.original(statement, offset)
  local best = statement.map[1]
  for _, piece in ipairs(statement.map) do
    if piece[1] <= offset then best = piece end
  end
  return best[3] and best[2] or best[2] + offset - best[1]
end

return named
