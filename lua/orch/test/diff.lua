-- Says where two values differ, so that a failed `equals` can be read.
--
--   diff.compare({a = 1, b = 2}, {a = 1, b = 3})
--   --> { {path = ".b", expected = "2", got = "3"} }
--
-- Tables are compared by content (metatables do not count), cycles included;
-- NaN equals NaN, for tests compare what a function gave.

local show = require "orch.test.show"
local lines = require "orch.test.lines"

local MAX_SHOWN = 10
local VALUE_BYTES = 120

local function same_scalar(a, b)
  return a == b or (a ~= a and b ~= b)
end

local function step(path, key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then
    return path .. "." .. key
  end
  return path .. "[" .. show(key, 40) .. "]"
end

local function differ(found, path, expected, got)
  found[#found + 1] = { path = path, expected = expected, got = got }
end

-- Keys that are tables only match by identity, as everywhere in Lua.
local function walk(expected, got, path, found, seen)
  if type(expected) ~= "table" or type(got) ~= "table" then
    if not same_scalar(expected, got) then
      differ(found, path, show(expected, VALUE_BYTES), show(got, VALUE_BYTES))
    end
    return
  end
  if rawequal(expected, got) then return end
  local met = seen[expected]
  if not met then
    met = {}
    seen[expected] = met
  end
  if met[got] then return end
  met[got] = true

  for _, key in ipairs(show.sorted_keys(expected)) do
    local value = rawget(got, key)
    if value == nil then
      differ(found, step(path, key),
        show(rawget(expected, key), VALUE_BYTES), "nothing")
    else
      walk(rawget(expected, key), value, step(path, key), found, seen)
    end
  end
  for _, key in ipairs(show.sorted_keys(got)) do
    if rawget(expected, key) == nil then
      differ(found, step(path, key),
        "nothing", show(rawget(got, key), VALUE_BYTES))
    end
  end
end

local diff = {}

---Compares two values deeply.
---@param expected any
---@param got any
---@return {path: string, expected: string, got: string}[]? differences nil when they are equal
function diff.compare(expected, got)
  local found = {}
  walk(expected, got, "", found, {})
  if #found > 0 then return found end
  return nil
end

---@param expected any
---@param got any
---@return boolean
function diff.equal(expected, got)
  return diff.compare(expected, got) == nil
end

---The difference as text of a few lines, for a person.
---@param expected any
---@param got any
---@return string? text nil when a diff would say no more than the message does
function diff.text(expected, got)
  if type(expected) == "string" and type(got) == "string" then
    return lines.text(expected, got)
  end
  if type(expected) ~= "table" or type(got) ~= "table" then return nil end
  local found = diff.compare(expected, got) or {}
  local out = {}
  for i = 1, math.min(#found, MAX_SHOWN) do
    local one = found[i]
    out[i] = string.format("%s: expected %s, got %s",
      one.path == "" and "value" or one.path, one.expected, one.got)
  end
  if #found > MAX_SHOWN then
    out[#out + 1] = string.format("and %d more differences",
      #found - MAX_SHOWN)
  end
  return table.concat(out, "\n")
end

return diff
