--- One run for many callers.
---
---     local config = orch.once(function() return json.load "config.json" end)
---     config()   -- read once, however many tasks ask

local core = require "orch.core.task"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local arg = require "orch.arg"

local single_flight = {}

local LEAD = {} -- told to the waiter that takes over

local flights = {}

--- Runs `fn` for everybody who waits. When this caller is cancelled, the next in the
--- queue takes over.
local function lead(table_of_flights, key, flight, fn)
  local ended
  local _ <close> = setmetatable({}, {
    __close = function()
      if ended or flight.waiting:wake(LEAD) then return end
      table_of_flights[key] = nil
    end,
  })
  local results = table.pack(xpcall(fn, errors.handler))
  ended = true
  table_of_flights[key] = nil
  flight.waiting:wake_all(nil, results)
  return results
end

local function fly(table_of_flights, key, fn)
  core.checkpoint()
  local flight = table_of_flights[key]
  local role, results = LEAD, nil
  if flight then
    role, results = flight.waiting:wait()
  else
    flight = { waiting = park.new("the run that another task has started") }
    table_of_flights[key] = flight
  end
  if role == LEAD then results = lead(table_of_flights, key, flight, fn) end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

---Callers with the same key at the same time share one run of `fn`. Nothing is
---remembered afterwards.
---@async
---@param key any
---@param fn function
---@return any ... the results of `fn`, or its error
function single_flight.single_flight(key, fn)
  if key == nil then arg.fail("single_flight: argument 1 should be a key, not nil") end
  arg.check("single_flight", 2, fn, "callable")
  return fly(flights, key, fn)
end

---A function that runs `fn` at its first call and remembers the results. Callers at
---the same time share the run; a failure is not remembered.
---@param fn function
---@return async fun(): ...
function single_flight.once(fn)
  arg.check("once", 1, fn, "callable")
  local own, remembered = {}, nil
  return function()
    if not remembered then
      local results = table.pack(fly(own, "once", fn))
      remembered = remembered or results
    else
      core.checkpoint()
    end
    return table.unpack(remembered, 1, remembered.n)
  end
end

return single_flight
