--- Requests to a service: again where that does no harm, its words where it refuses.
---
---     local answer = call.request(channel, "post to #builds", "POST", url, { json = body },
---       { judge = judge })
---
--- A message is sent again only when it cannot have arrived: nobody listened, or the service
--- asked to wait (429). What can be repeated (`again = true`: updates, statuses) is also
--- repeated after a broken answer.

local clock = require "orch.core.clock"
local failure = require "orch.notify.failure"
local new_retry_after = require "orch.http.retry_after"

local call = {}

local TIMEOUT, CONNECT_TIMEOUT = 30, 10
local ATTEMPTS, LONGEST_WAIT = 4, 60
local MOST_ASKED = 100 -- attempts where the service asks to wait each time
local CAREFUL = 10 -- seconds after such a wish in which requests go one by one

local unsent = { resolving = true, connecting = true, handshake = true }

local function is_worth_it(err, again)
  if err.retryable == false then return false end
  if unsent[err.phase] and err.kind ~= "tls" then return true end
  if not again then return false end
  return err.kind == "network" or err.kind == "timeout" or err.kind == "http" and err.phase ~= nil
    or err.kind == "status" and (err.status or 0) >= 500
end

local function options_of(channel, opts)
  local merged = { timeout = TIMEOUT, connect_timeout = CONNECT_TIMEOUT, check = false,
    follow = false }
  for name, value in next, channel.http or {} do merged[name] = value end
  for name, value in next, opts do merged[name] = value end
  return merged
end

--- What a status says that nobody has explained.
local function plain_words(response)
  local fault = require "orch.http.fault"
  local said = fault.said(response.body, response.headers["content-type"])
  local reason = fault.reason(response.status, response.raw.head)
  return ("%d %s%s"):format(response.status, reason, said and ": " .. said or "")
end

--- While a service asks to be left alone, the requests of a channel go one by one, in the order
--- in which they came. A wish that is longer than anybody waits is for the service to repeat.
local function wait_for_turn(channel)
  local limit = channel.limit
  if clock.now() < limit.careful_until then
    limit.turns = limit.turns or require("orch.lock").lock()
    return limit.turns:acquire()
  end
end

local function leave_alone(limit)
  local wait = limit.not_before - clock.now()
  if wait > 0 and wait <= LONGEST_WAIT then clock.sleep(wait) end
end

local function note_limit(limit, seconds)
  limit.not_before = math.max(limit.not_before, clock.now() + (seconds or 1))
  limit.careful_until = limit.not_before + CAREFUL
end

local function attempt(channel, what, method, url, opts, how)
  local turn <close> = wait_for_turn(channel)
  leave_alone(channel.limit)
  local http = require "orch.http"
  local ok, response = pcall(http.request, method, url, options_of(channel, opts))
  if not ok then failure.transport(channel.service, what, response) end
  local fields = how.judge and how.judge(response, channel)
  if fields == nil and response.status >= 300 then fields = {} end
  if not fields then return response end
  fields.what, fields.status = what, fields.status or response.status
  fields.words = fields.words or fields.reason or plain_words(response)
  fields.retry_after = fields.retry_after or new_retry_after(fields.status, response.headers)
  if fields.status == 429 then note_limit(channel.limit, fields.retry_after) end
  failure.throw(channel.service, fields)
end

--- To wait is not to fail: it is limited by the time alone.
local function retry_on(again)
  local failed = 0
  return function(err)
    if err.status == 429 then return true end
    failed = failed + 1
    return failed < ATTEMPTS and is_worth_it(err, again)
  end
end

---Sends a request.
---@async
---@param channel orch.notify.Channel
---@param what string the end of a sentence: "post to #builds"
---@param method string
---@param url string
---@param opts orch.http.Options
---@param how {judge: (fun(response: orch.http.Response, channel: table): table|false|nil)?, again: boolean?}
---  `judge` gives the fields of an Error for an answer that is no success, false for one that is
---@return orch.http.Response
function call.request(channel, what, method, url, opts, how)
  if channel.retry == false then
    return attempt(channel, what, method, url, opts, how)
  end
  local policy = { attempts = MOST_ASKED, max_elapsed = LONGEST_WAIT }
  for name, value in next, type(channel.retry) == "table" and channel.retry or {} do
    policy[name] = value
  end
  policy.retry_on = policy.retry_on or retry_on(how.again)
  return require "orch.retry"(function()
    return attempt(channel, what, method, url, opts, how)
  end, policy)
end

---The JSON of an answer; raises kind `http` for what is none.
---@param channel orch.notify.Channel
---@param what string
---@param response orch.http.Response
---@return table
function call.json(channel, what, response)
  local ok, value = pcall(require("orch.json").decode, response.body)
  if ok and type(value) == "table" then return value end
  failure.throw(channel.service, { kind = "http", what = what, status = response.status,
    words = "its answer is not what its documents say: is this its address?" })
end

return call
