--- The option `progress`: a function that is told how far a request is, or a bar.
---
---     http.download(url, "game.zip", { progress = "game.zip" })
---     http.upload("game.zip", url, { progress = function(done, total) end })

local teller = require "orch.teller"

local watch = {}

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

---Tells `tell(done, total, details)`: of the body that is sent, if there is one, otherwise of
---the one that is received.
local function report(tell, meter, sends, at_end)
  local now = look(meter)
  if not now then return end
  if sends then return tell(now.sent, now.total or at_end and now.sent or nil, now) end
  return tell(now.received, now.expected or at_end and now.received or nil, now)
end

---Runs `fn(...)` while what its requests do is told.
---@async
---@param fname string
---@param shown boolean|string|table|function|nil
---@param meter table for the request: `request.meter`
---@param sends boolean whether what is sent counts
---@param fn function
---@return any ... its results
function watch.run(fname, shown, meter, sends, fn, ...)
  return teller.during(fname, shown, function(tell, at_end)
    report(tell, meter, sends, at_end)
  end, fn, ...)
end

return watch
