--- What gather, settle, race and as_completed take: a function, a Task, or
--- {fn, args...}; turned into tasks of a scope. Internal.

local core = require "orch.core.task"
local arg = require "orch.arg"
local scope = require "orch.scope"

local entry = {}

local function is_list_of_call(value)
  return type(value) == "table" and arg.is_callable(rawget(value, 1))
end

--- The classic mistake: gather(get(a), get(b)) ran already, one after the other.
local function refuse(fname, key, value, entries, positional)
  if not positional and type(key) == "number" and key > 1 and arg.is_callable(rawget(entries, 1)) then
    arg.fail("%s takes one table of calls: %s { {f, x}, {g, y} }, not %s({f, x}, {g, y})",
      fname, fname, fname)
  end
  if value == nil then
    arg.fail("%s: entry %s is nil, not a function: is its name misspelt?", fname,
      tostring(key))
  end
  arg.fail("%s: entry %s is %s, not a function: the call ran before %s saw it; write "
    .. "function() return f(x) end or {f, x}, not f(x)",
    fname, tostring(key), arg.describe(value), fname)
end

---Starts one entry as a child of `s`.
---@param s orch.Scope
---@param method "start"|"hold"|"hold_quietly" see orch.scope
---@param name string?
---@param value any an entry that `check` has seen
---@return orch.Task
function entry.start(s, method, name, value)
  if type(value) == "function" then return s[method](s, name, value) end
  if arg.is_task(value) then return s[method](s, name, scope.follow, value) end
  if is_list_of_call(value) then
    return s[method](s, name, table.unpack(value, 1, value.n or #value))
  end
  return s[method](s, name, value) -- a table that can be called
end

---Checks all entries before any starts.
---@param fname string
---@param entries table
---@param keys any[]
---@param positional boolean? the entries are the arguments of the call
function entry.check(fname, entries, keys, positional)
  for _, key in ipairs(keys) do
    local value = entries[key]
    if not (arg.is_callable(value) or arg.is_task(value) or is_list_of_call(value)) then
      refuse(fname, key, value, entries, positional)
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

---The entries of a call, checked: a list or keyed table with options, or positional.
---@param fname string
---@param ... any what the call was given
---@return table entries
---@return any[] keys sorted: the order in which they start
---@return integer? concurrency how many at once
---@return boolean positional
function entry.of_call(fname, ...)
  local first = ...
  local is_table = type(first) == "table" and getmetatable(first) == nil
  local entries, keys = first, nil
  if is_table then
    keys = entry.keys(entries)
  else
    entries, keys = { ... }, {}
    for i = 1, select("#", ...) do keys[i] = i end
  end
  entry.check(fname, entries, keys, not is_table)
  local opts = is_table and select(2, ...) or nil
  local cap = arg.options(fname, opts, { concurrency = "integer" }).concurrency
  if cap and cap < 1 then
    arg.fail("%s: option `concurrency` should be at least 1, not %d", fname, cap)
  end
  return entries, keys, cap, not is_table
end

---Runs the entries as children of a new scope, at most `cap` at once, and waits for
---all of them.
---@async
---@param method "start"|"hold_quietly" whether a failure cancels the others
---@return orch.Task[] tasks in the order of `keys`
function entry.run_all(fname, method, entries, keys, cap)
  core.checkpoint()
  local tasks = {}
  local s <close> = core.open(fname, nil, false, nil, false)
  for i, key in ipairs(keys) do
    if cap then s:wait(cap) end
    local name = type(key) == "string" and key or nil
    tasks[i] = entry.start(s, method, name, entries[key])
  end
  s:wait(1)
  return tasks
end

return entry
