--- The option `progress`: a function that is told how far a request is, or a bar.
---
---     http.download(url, "game.zip", { progress = "game.zip" })
---     http.upload("game.zip", url, { progress = function(done, total) end })

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local scopes = require "orch.scope"

local watch = {}

local INTERVAL = 0.1

---@class orch.http.Progress
---@field received integer bytes of the answer's body, as they came
---@field expected integer? as the server says
---@field sent integer bytes of the request's body
---@field total integer? to be sent

---What there is to tell, also after the request is closed. `meter.base` bytes were there
---before.
---@param meter table
---@return orch.http.Progress?
local function look(meter)
  local exchange = meter.exchange
  if not exchange then return meter.last end
  local ok, received, expected, sent, total = pcall(exchange.progress, exchange)
  if not ok then return meter.last end -- closed meanwhile
  local base = meter.base or 0
  meter.last = { received = received + base, expected = expected and expected + base,
    sent = sent, total = total }
  return meter.last
end

watch.look = look

--- The function to call, and what closes it.
local function teller(fname, shown)
  if arg.is_callable(shown) then return shown end
  if type(shown) == "table" then
    if type(shown.set) ~= "function" then
      arg.fail("%s: option `progress` should be true, a label, a function or an orch.progress",
        fname)
    end
    return function(done, total) shown:set(done, total) end
  end
  local bar = require "orch.progress" { label = type(shown) == "string" and shown or "",
    unit = "bytes" }
  return function(done, total) bar:set(done, total) end, bar
end

watch.teller = teller

---Tells `tell(done, total, details)`: of the body that is sent, if there is one, otherwise of
---the one that is received.
local function report(tell, meter, sends, at_end)
  local now = look(meter)
  if not now then return end
  if sends then return tell(now.sent, now.total or at_end and now.sent or nil, now) end
  return tell(now.received, now.expected or at_end and now.received or nil, now)
end

---Runs `fn(...)` while what its requests do is told at most ten times a second, and once at
---its end.
---@async
---@param fname string
---@param shown boolean|string|table|function|nil
---@param meter table for the request: `request.meter`
---@param sends boolean whether what is sent counts
---@param fn function
---@return any ... its results
function watch.run(fname, shown, meter, sends, fn, ...)
  if not shown then return fn(...) end
  local tell, bar = teller(fname, shown)
  local _ <close> = bar
  return (function(...)
    report(tell, meter, sends, true)
    return ...
  end)((function(...)
    local s <close> = scopes.scope { name = "progress of " .. fname }
    s:spawn({ name = "progress", daemon = true }, function()
      while true do
        clock.sleep(INTERVAL)
        report(tell, meter, sends, false)
      end
    end)
    return fn(...)
  end)(...))
end

return watch
