--- Checks of arguments and options: every wrong call gets one sentence that names
--- the function, what was given and what belongs there.
---
---     local opts = arg.options("fs.write", opts, { sync = "boolean" })

local core = require "orch.core.error"

local find = string.find

local arg = {}

local function fail(message, ...)
  core.throw(core.make { kind = "usage", message = message:format(...) })
end
arg.fail = fail

---What a value is, in the words of a message.
---@param value any
---@return string
function arg.describe(value)
  local kind = math.type(value) or type(value)
  if kind == "string" then
    if #value > 40 then return "a string" end
    return "the string " .. ("%q"):format(value):gsub("\\\n", "\\n")
  elseif kind == "integer" or kind == "float" then
    return "the number " .. tostring(value)
  elseif kind == "nil" then
    return "nil"
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "userdata" or kind == "table" then
    local mt = getmetatable(value)
    local name = type(mt) == "table" and rawget(mt, "__name")
    if type(name) == "string" then
      name = name:gsub("^orch%.", ""):gsub("^%l", string.upper)
      return (name:find "^[AEIOU]" and "an " or "a ") .. name
    end
  end
  return "a " .. kind
end

local function is_callable(value)
  if type(value) == "function" then return true end
  local mt = getmetatable(value)
  return type(mt) == "table" and rawget(mt, "__call") ~= nil
end
arg.is_callable = is_callable

local function is_task(value)
  local mt = type(value) == "userdata" and getmetatable(value)
  return type(mt) == "table" and rawget(mt, "__name") == "orch.task"
end
arg.is_task = is_task

local units = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }

---@param text string such as "500ms" or "1h30m"
---@return number? seconds nil when it is not a duration
local function parse_duration(text)
  local total, rest = 0, text:gsub("%s", "")
  if rest == "" then return nil end
  while rest ~= "" do
    local number, unit, after = rest:match("^(%d+%.?%d*)(%a+)(.*)$")
    if not number or not units[unit] then
      return total == 0 and tonumber(rest) or nil
    end
    total, rest = total + tonumber(number) * units[unit], after
  end
  return total
end

local sizes = { [""] = 0, B = 0, K = 10, M = 20, G = 30, T = 40 }

local function parse_size(text)
  local number, unit = text:match("^%s*(%d+%.?%d*)%s*(%a?)[iI]?[bB]?%s*$")
  local shift = sizes[(unit or "?"):upper()]
  if not number or not shift then return nil end
  return math.floor(tonumber(number) * (1 << shift))
end

--- Special types: name -> check(value) -> the value to use, or nil; and words.
local special = {
  integer = { function(v) return math.type(v) and math.tointeger(v) end, "a whole number" },
  callable = { function(v) return is_callable(v) and v or nil end, "a function" },
  task = { function(v) return is_task(v) and v or nil end, "a Task" },
  path = {
    function(v)
      if type(v) ~= "string" or v == "" or v:find("\0", 1, true) then return nil end
      return v
    end,
    "a path",
  },
  duration = {
    function(v)
      if type(v) == "string" then v = parse_duration(v) end
      if type(v) ~= "number" or v ~= v or v < 0 then return nil end
      return v
    end,
    'a duration (seconds, or "500ms", "5s", "2m", "1h30m")',
  },
  size = {
    function(v)
      if type(v) == "string" then v = parse_size(v) end
      v = math.tointeger(v)
      return v and v >= 0 and v or nil
    end,
    'a size (bytes, or "64K", "8G")',
  },
  retry = {
    function(v)
      if type(v) == "boolean" or type(v) == "table" then return v end
    end,
    "true, or a table such as { attempts = 3 }",
  },
  any = { function(v) return v end, "a value" },
}

local articles = { integer = "a whole number", ["nil"] = "nil" }
local function words(kind)
  if special[kind] then return special[kind][2] end
  return articles[kind] or (kind:match("^[aeiou]") and "an " or "a ") .. kind
end

--- The types "a|b?" -> {kinds}, optional; parsed once each.
local parsed = {}
local function parse(types)
  local entry = { optional = types:sub(-1) == "?" }
  for kind in types:gsub("%?$", ""):gmatch("[^|]+") do entry[#entry + 1] = kind end
  parsed[types] = entry
  return entry
end

--- The value to use, or nil and what was expected.
local function match(value, types)
  local entry = parsed[types] or parse(types)
  if value == nil and entry.optional then return nil end
  for _, kind in ipairs(entry) do
    local rule = special[kind]
    if rule then
      local use = rule[1](value)
      if use ~= nil then return use end
    elseif type(value) == kind then
      return value
    end
  end
  local names = {}
  for i, kind in ipairs(entry) do names[i] = words(kind) end
  return nil, table.concat(names, " or ")
end

local function given(value)
  if type(value) == "string" and value:find("\0", 1, true) then
    return "a string with a NUL byte"
  end
  return arg.describe(value)
end

---Checks that argument `i` of `fname` is a path: what `check` does for "path", for
---calls that are made by the ten thousand.
---@return string path
function arg.path(fname, i, value)
  if type(value) == "string" and value ~= "" and not find(value, "\0", 1, true) then
    return value
  end
  return arg.check(fname, i, value, "path")
end

---Checks argument `i` of `fname`.
---@param types string a Lua type name, "integer", "callable", "task", "path",
---  "duration", "size", "retry" or "any"; alternatives with "|", optional with "?"
---@return any value converted (durations to seconds, sizes to bytes)
function arg.check(fname, i, value, types)
  local use, wanted = match(value, types)
  if wanted then
    fail("%s: argument %d should be %s, not %s", fname, i, wanted, given(value))
  end
  return use
end

---@return number seconds
function arg.duration(fname, what, value)
  local use, wanted = match(value, "duration")
  if wanted then fail("%s: %s should be %s, not %s", fname, what, wanted, given(value)) end
  return use
end

---@return integer bytes
function arg.size(fname, what, value)
  local use, wanted = match(value, "size")
  if wanted then fail("%s: %s should be %s, not %s", fname, what, wanted, given(value)) end
  return use
end

--- Edit distance with transpositions (Damerau 1964), for short words.
local function distance(a, b)
  local before, last, row = nil, nil, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    before, last, row = last, row, { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] and before[j - 2] + 1 or row[j])
      end
    end
  end
  return row[#b]
end

---The word of `list` that is nearest to `word`.
---@param word string
---@param list string[]
---@return string? nearest nil when none is near
function arg.suggest(word, list)
  local best, best_cost
  for _, candidate in ipairs(list) do
    local cost = distance(word:lower(), candidate:lower())
    if not best or cost < best_cost or (cost == best_cost and candidate < best) then
      best, best_cost = candidate, cost
    end
  end
  if best and best_cost <= math.max(1, #word // 3) then return best end
end

local function keys_of(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end
arg.keys_of = keys_of

local function unknown_option(fname, key, spec)
  local habit = require("orch.habit").of(key, spec)
  if habit then fail("%s has no option `%s`; %s", fname, key, habit) end
  local near = type(key) == "string" and arg.suggest(key, keys_of(spec))
  if near then
    fail("%s has no option `%s`; did you mean `%s`?", fname, tostring(key), near)
  end
  local known = keys_of(spec)
  fail("%s has no option `%s`; it knows %s", fname, tostring(key),
    #known == 0 and "no options" or table.concat(known, ", "))
end

---Checks an option table; all options are optional.
---@param opts table?
---@param spec table<string, string> name -> types as for `check`
---@return table copy with durations in seconds and sizes in bytes
function arg.options(fname, opts, spec)
  local copy = {}
  if opts == nil then return copy end
  if type(opts) ~= "table" then
    fail("%s: the options should be a table, not %s", fname, given(opts))
  end
  for key, value in next, opts do
    local types = spec[key]
    if not types then unknown_option(fname, key, spec) end
    local use, wanted = match(value, types)
    if wanted then
      fail("%s: option `%s` should be %s, not %s", fname, key, wanted, given(value))
    end
    copy[key] = use
  end
  return copy
end

---Makes reading an unknown field of a public table a usage error.
---@generic T: table
---@param name string such as "orch.fs"
---@param tbl T
---@return T
function arg.public(name, tbl)
  return setmetatable(tbl, {
    __index = function(_, key)
      if type(key) ~= "string" then return nil end
      local near = arg.suggest(key, keys_of(tbl))
      fail("%s has no '%s'%s", name, key,
        near and ("; did you mean '%s'?"):format(near) or "")
    end,
  })
end

---A metatable for results: reading a field that none has is a usage error. Apart from
---that such a table is a plain one, and is copied to a thread as one (`__plain`).
---@param name string such as "the result of a process"
---@param fields string[] all there may be
---@return table metatable
function arg.known(name, fields)
  local known = {}
  for _, field in ipairs(fields) do known[field] = true end
  return {
    __plain = true,
    __index = function(_, key)
      if known[key] or type(key) ~= "string" then return nil end
      local near = arg.suggest(key, fields)
      fail("%s has no '%s'%s", name, key, near and ("; did you mean '%s'?"):format(near)
        or "; it has " .. table.concat(fields, ", "))
    end,
  }
end

return arg
