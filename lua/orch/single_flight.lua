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

--- One run, and those who wait for it.
local Flight = {}
Flight.__index = Flight

function Flight:waiting_text()
  if not self.leader then return "a run that the next task takes over" end
  return ("the run that %s has started (%s)"):format(self.leader.name, self.where)
end

--- One caller of a flight; made before it leads, so that no failure, not even of
--- memory, leaves the others without a leader.
local Turn = {
  __close = function(self)
    if not self.leads then return end
    self.flight.leader = nil
    if not self.flight.waiting:wake(LEAD) then self.flights[self.key] = nil end
  end,
}

--- Runs `fn` for everybody who waits. When this caller is cancelled, the next in the
--- queue takes over.
local function lead(turn, fn)
  local flight = turn.flight
  flight.leader, flight.where = core.current(), errors.where()
  local results = table.pack(xpcall(fn, errors.handler))
  turn.leads = false
  turn.flights[turn.key] = nil
  flight.waiting:wake_all(nil, results)
  return results
end

local function raise_circle(flight)
  errors.throw(errors.make { kind = "deadlock", message = ("the run that this task has "
    .. "started (%s) waits for itself (%s)"):format(flight.where, errors.where()) })
end

local function new_flight()
  local flight = setmetatable({}, Flight)
  flight.waiting = park.new(flight)
  return flight
end

local function fly(own_flights, key, fn)
  core.checkpoint()
  local flight = own_flights[key]
  if flight and flight.leader == core.current() then raise_circle(flight) end
  local turn <close> = setmetatable({ flights = own_flights, key = key,
    flight = flight or new_flight(), leads = not flight }, Turn)
  local role, results
  if flight then
    role, results = flight.waiting:wait()
    turn.leads = role == LEAD
  else
    own_flights[key] = turn.flight
  end
  if turn.leads then results = lead(turn, fn) end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

---Callers with the same key at the same time share one run of `fn`: that of the first
---of them; when it is cancelled the next one runs its own. Nothing is remembered
---afterwards.
---@async
---@param key any not nil
---@param fn function
---@return any ... the results of `fn`; raises its error in every caller
function single_flight.single_flight(key, fn)
  if key == nil then arg.fail("single_flight: argument 1 should be a key, not nil") end
  arg.check("single_flight", 2, fn, "callable")
  return fly(flights, key, fn)
end

---A function that runs `fn` at its first call and remembers the results. Callers at
---the same time share the run; a failure is not remembered.
---@param fn function
---@return async fun(): ... the results, or the error of the run that failed
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
