--- The text of a glTF as Lua values. JSON that is not is an issue; numbers without a double
--- (1e999) become the largest one, which is out of range wherever it stands.

local core = require "orch.core.json"

local document = {}

--- What an infinite number was.
document.HUGE = 1.7976931348623157e308

local function finite(before, number)
  local value = tonumber(number)
  if value == math.huge then return before .. "1.7976931348623157e308" end
  if value == -math.huge then return before .. "-1.7976931348623157e308" end
end

local BOM = "\xEF\xBB\xBF"

---@param text string
---@return boolean ok
---@return any value or why not
function document.decode(text)
  if text:sub(1, 3) == BOM then return false, "it begins with a byte order mark" end
  local ok, value = pcall(core.decode, text, true)
  if ok then return true, value end
  if type(value) ~= "table" or value.kind ~= "json" then error(value, 0) end
  if value.message:find("out of range", 1, true) then
    local tame = text:gsub("([%s:,%[])(%-?%d[%d.]*[eE]%+?%d+)", finite)
    if tame ~= text then
      ok, value = pcall(core.decode, tame, true)
      if ok then return true, value end
      if type(value) ~= "table" or value.kind ~= "json" then error(value, 0) end
    end
  end
  return false, value.message
end

local array_mark = core.array

---@return boolean
function document.is_array(value)
  return type(value) == "table" and (value[1] ~= nil or getmetatable(value) == array_mark)
end

---@return boolean
function document.is_object(value)
  return type(value) == "table" and value[1] == nil and getmetatable(value) ~= array_mark
end

--- The names of an object in the text that begins at `at`, and where it ends.
local function names_at(text, at)
  local names, depth = {}, 0
  while true do
    local kind
    kind, at = text:match('(["%[%]{}])()', at)
    if not kind then return names, #text end
    if kind == '"' then
      local from = at
      repeat
        at = text:find('["\\]', at)
        local escape = text:byte(at) == 92
        at = at + (escape and 2 or 1)
      until not escape
      if depth == 1 and text:find("^%s*:", at) then
        names[#names + 1] = core.decode(text:sub(from - 1, at - 1))
      end
    elseif kind == "{" or kind == "[" then
      depth = depth + 1
    else
      depth = depth - 1
      if depth == 0 then return names, at end
    end
  end
end

--- In which order names stand is of no meaning in JSON; but which of two attributes is said
--- to disagree with the other depends on it. Asked for where they do, so seldom.
---@param text string that was decoded
---@return table<string, string[][]> orders the names of the objects after "attributes", one
---  after the other: by all their names sorted
function document.orders(text)
  local orders, at = {}, 1
  while true do
    local from = text:match('"attributes"%s*:%s*(){', at)
    if not from then return orders end
    local names
    names, at = names_at(text, from)
    local sorted = table.move(names, 1, #names, 1, {})
    table.sort(sorted)
    local key = table.concat(sorted, "\0")
    orders[key] = orders[key] or {}
    table.insert(orders[key], names)
  end
end

return document
