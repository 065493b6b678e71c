--- A request body that a function gives chunk by chunk: a task of its own calls it while
--- the request runs, because libcurl cannot.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local tasks = require "orch.core.task"
require "orch.scope" -- scope:start

local feeder = {}

local DAEMON = 1

local function feed(exchange, source)
  for chunk in source do
    if type(chunk) ~= "string" then
      arg.fail("http: option `body`: the function should return a string or nil, not %s",
        arg.describe(chunk))
    end
    if not exchange:feed(chunk) then return end
  end
  exchange:feed(nil)
end

---@class orch.http.Feeding
---@field task orch.Task
---@field error any what the function has raised

---Feeds in the background until the scope of the caller ends. A failure of the function
---ends the request; `result` then raises it.
---@param exchange any
---@param source fun(): string?
---@return orch.http.Feeding
function feeder.start(exchange, source)
  local feeding = {}
  feeding.task = tasks.spawn("http body", DAEMON, function()
    local ok, err = xpcall(feed, errors.handler, exchange, source)
    if ok then return end
    feeding.error = err
    exchange:close()
  end)
  return feeding
end

---What a protected call on such a request gave.
---@param feeding orch.http.Feeding
---@param ok boolean
---@return any ... what followed `ok`
function feeder.result(feeding, ok, ...)
  if ok then return ... end
  error(feeding.error or (...), 0)
end

---Sends with such a body: a failure of the function ends the request, and an answer that
---comes early ends the function.
---@async
---@return orch.http.Raw
function feeder.send(exchange, request, raw)
  local s <close> = tasks.open("a request's body", nil, false, nil, false)
  local task = s:start("http body", feed, exchange, request.body)
  local answer = raw(request, exchange, exchange:send())
  task:cancel "the answer is here"
  return answer
end

return feeder
