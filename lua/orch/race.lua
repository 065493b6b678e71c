--- Many things at once, one of them wanted.
---
---     local page, from = orch.first_success { main = { get, a }, mirror = { get, b } }

local core = require "orch.core.task"
local errors = require "orch.core.error"
local arg = require "orch.arg"
local entry = require "orch.entry"

local race = {}

--- Runs in every racer: notes the order in which they end.
local function run(order, key, fn, ...)
  local _ <close> = setmetatable({}, {
    __close = function() order[#order + 1] = key end,
  })
  return fn(...)
end

local function as_call(value)
  if arg.is_task(value) then return { require("orch.scope").follow, value } end
  if type(value) == "table" and not arg.is_callable(value) then return value end
  return { value }
end

--- Starts all; `decide(tasks, order)` looks after each end and says who has won.
local function compete(fname, entries, decide)
  arg.check(fname, 1, entries, "table")
  local keys = entry.keys(entries)
  if #keys == 0 then arg.fail("%s: nobody takes part: the list is empty", fname) end
  entry.check(fname, entries, keys)
  core.checkpoint()
  local s <close> = core.open(fname, nil, false, nil, false)
  local tasks, order = {}, {}
  for _, key in ipairs(keys) do
    local call = as_call(entries[key])
    local name = type(key) == "string" and key or nil
    tasks[key] = s:hold(name, run, order, key, table.unpack(call, 1, call.n or #call))
  end
  local winner
  for live = #keys, 1, -1 do
    s:wait(live)
    winner = decide(tasks, order)
    if winner ~= nil then break end
  end
  s:cancel("another one has won")
  return tasks, order, winner
end

---The first to finish, win or fail; the others are cancelled and joined.
---@async
---@param entries table as for `gather`
---@return any value of the winner; its error is raised
---@return any key
function race.race(entries)
  local tasks, _, winner = compete("race", entries, function(tasks, order)
    for _, key in ipairs(order) do
      if tasks[key]:done() then return key end
    end
  end)
  return tasks[winner]:await(), winner
end

---The first to succeed; the others are cancelled and joined. When all fail, raises
---the first failure with the others `.suppressed`.
---@async
---@param entries table as for `gather`
---@return any value
---@return any key
function race.first_success(entries)
  local tasks, order, winner = compete("first_success", entries, function(tasks, order)
    for _, key in ipairs(order) do
      if tasks[key]:done() and tasks[key]:result() then return key end
    end
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
    else
      errors.suppress(first, err)
    end
  end
  error(first, 0)
end

return race
