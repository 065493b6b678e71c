--- A request body that a function gives chunk by chunk: a task of its own calls it while
--- the request runs, because libcurl cannot.

local tasks = require "orch.core.task"
local arg = require "orch.arg"
require "orch.scope" -- scope:start

local feeder = {}

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

---Feeds in the background, as a child of the current scope.
---@param exchange any
---@param source fun(): string?
---@return orch.Task
function feeder.start(exchange, source)
  return tasks.spawn("http body", 1, feed, exchange, source)
end

---Sends with such a body: a failure of the function ends the request.
---@async
---@return orch.http.Raw
function feeder.send(exchange, request, raw)
  local s <close> = tasks.open("a request's body", nil, false, nil, false)
  s:start("http body", feed, exchange, request.body)
  return raw(request, exchange, exchange:send())
end

return feeder
