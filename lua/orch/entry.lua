--- What gather, settle, race and as_completed take: a function, a Task, or
--- {fn, args...}; turned into tasks of a scope. Internal.

local arg = require "orch.arg"
local scope = require "orch.scope"

local entry = {}

local function is_list_of_call(value)
  return type(value) == "table" and arg.is_callable(rawget(value, 1))
end

--- The classic mistake: gather(get(a), get(b)) ran already, one after the other.
local function refuse(fname, key, value)
  arg.fail("%s: entry %s is %s, not a function: the call ran before %s saw it; write "
    .. "function() return f(x) end or {f, x}, not f(x)",
    fname, tostring(key), arg.describe(value), fname)
end

---Starts one entry as a child of `s`.
---@param s orch.Scope
---@param method "start"|"hold"
---@param name string?
---@return orch.Task
function entry.start(s, method, name, fname, key, value)
  if type(value) == "function" then return s[method](s, name, value) end
  if arg.is_task(value) then return s[method](s, name, scope.follow, value) end
  if is_list_of_call(value) then
    return s[method](s, name, table.unpack(value, 1, value.n or #value))
  end
  if arg.is_callable(value) then return s[method](s, name, value) end
  refuse(fname, key, value)
end

---Checks all entries before any starts.
function entry.check(fname, entries, keys)
  for _, key in ipairs(keys) do
    local value = entries[key]
    if not (arg.is_callable(value) or arg.is_task(value) or is_list_of_call(value)) then
      refuse(fname, key, value)
    end
  end
end

--- Numbers first, in order, then names: the order in which entries start.
local function before(a, b)
  local number_a, number_b = type(a) == "number", type(b) == "number"
  if number_a ~= number_b then return number_a end
  if number_a then return a < b end
  return tostring(a) < tostring(b)
end

---@param entries table
---@return any[] keys sorted
function entry.keys(entries)
  local keys, n = {}, #entries
  for i = 1, n do keys[i] = i end
  for key in next, entries do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      keys[#keys + 1] = key
    end
  end
  if #keys > n then table.sort(keys, before) end
  return keys
end

---The entries of a call: a list or keyed table with options, or positional.
---@return table entries
---@return table? opts
---@return boolean positional
function entry.of_call(fname, first, ...)
  if arg.is_callable(first) or arg.is_task(first) then
    return { first, ... }, nil, true
  end
  if type(first) == "table" and getmetatable(first) == nil then
    return first, (...), false
  end
  if first == nil then return {}, nil, true end
  refuse(fname, 1, first)
end

return entry
