--- Many things at once, one of them wanted.
---
---     local page, from = orch.first_success { main = { get, a }, mirror = { get, b } }

local core = require "orch.core.task"
local errors = require "orch.core.error"
local arg = require "orch.arg"
local entry = require "orch.entry"

local race = {}

local function note(order, key)
  if order.has[key] then return end
  order[#order + 1] = key
  order.has[key] = true
end

--- Runs in every racer: notes the order in which they end.
local function run(order, key, fn, ...)
  local _ <close> = setmetatable({}, { __close = function() note(order, key) end })
  return fn(...)
end

local function as_call(value)
  if arg.is_task(value) then return { require("orch.scope").follow, value } end
  if type(value) == "table" and not arg.is_callable(value) then return value end
  return { value }
end

local function start(s, entries, keys, order)
  local tasks = {}
  for _, key in ipairs(keys) do
    local call = as_call(entries[key])
    local name = type(key) == "string" and key or nil
    tasks[key] = s:hold_quietly(name, run, order, key,
      table.unpack(call, 1, call.n or #call))
  end
  return tasks
end

--- Some end without a note: for want of memory; or, cancelled by somebody before the
--- first step, after all others.
local function note_all(order, keys, tasks, ended)
  for _, key in ipairs(keys) do
    if ended(tasks[key]) then note(order, key) end
  end
end

--- Starts all; after each end `has_won(task)` is asked of those that have ended, in
--- the order of their ends. Gives the tasks, the keys in that order and the winner.
local function compete(fname, entries, opts, has_won)
  arg.check(fname, 1, entries, "table")
  arg.options(fname, opts, {})
  local keys = entry.keys(entries)
  if #keys == 0 then arg.fail("%s: nobody takes part: the list is empty", fname) end
  entry.check(fname, entries, keys)
  core.checkpoint()
  local order = { has = {} }
  local s <close> = core.open(fname, nil, false, nil, false)
  local tasks = start(s, entries, keys, order)
  for live = #keys, 1, -1 do
    s:wait(live)
    note_all(order, keys, tasks, core.failed)
    for _, key in ipairs(order) do
      if tasks[key]:done() and has_won(tasks[key]) then
        s:cancel("another one has won")
        return tasks, order, key
      end
    end
  end
  note_all(order, keys, tasks, function(task) return task:done() end)
  return tasks, order, nil
end

---The first to finish, win or fail; the others are cancelled and joined.
---@async
---@param entries table as for `gather`
---@return any value of the winner; its error is raised
---@return any key
function race.race(entries, opts)
  local tasks, order, winner = compete("race", entries, opts, function() return true end)
  winner = winner or order[1]
  local ok, value = tasks[winner]:result()
  if not ok then error(value, 0) end
  return value, winner
end

---The first to succeed; the others are cancelled and joined. When all fail, raises
---the first failure with the others `.suppressed`.
---@async
---@param entries table as for `gather`
---@return any value
---@return any key
function race.first_success(entries, opts)
  local tasks, order, winner = compete("first_success", entries, opts, function(task)
    return (task:result())
  end)
  if winner ~= nil then
    local _, value = tasks[winner]:result()
    return value, winner
  end
  local first
  for _, key in ipairs(order) do
    local _, err = tasks[key]:result()
    if not first then
      first = err
    elseif err ~= first then
      errors.suppress(first, err)
    end
  end
  error(first, 0)
end

return race
