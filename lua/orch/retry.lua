--- Trying again with exponential back-off.
---
---     orch.retry(function() return http.get(url) end, { attempts = 5, base = 0.5 })

local core = require "orch.core.task"
local errors = require "orch.core.error"
local clock = require "orch.core.clock"
local arg = require "orch.arg"
local policies = require "orch.retry.policy"

---@class orch.RetryOptions
---@field attempts integer? 5
---@field base number|string|nil the first pause; 0.5 s
---@field factor number? by which the pauses grow; 2
---@field cap number|string|nil the longest pause; 30 s
---@field jitter "full"|"equal"|"none"|nil how much of a pause is left to chance; "full"
---@field timeout number|string|nil for each attempt
---@field max_elapsed number|string|nil for all of them
---@field retry_after_cap number|string|nil the longest wait that an error's `retry_after` may ask
---  for (2 minutes)
---@field retry_on (string|integer)[]|(fun(err: orch.Error): boolean)|nil a function, or kinds and
---  statuses; by default every Error but the kinds `cancelled error usage json deadlock refused`,
---  `status` other than 408, 425, 429 and 5xx, and what says of itself `retryable = false`
---@field on_retry (fun(err: orch.Error, attempt: integer, delay: number))|nil

local function attempt_once(fn, timeout, attempt)
  local s <close> = timeout and core.open("an attempt of retry", timeout, false, nil, false)
  return fn(attempt)
end

---Calls `fn(attempt)` until it succeeds. Never repeats after a cancellation, never
---sleeps after the last attempt, and gives up at once where the pause would overrun
---the deadline it stands under.
---@async
---@param fn fun(attempt: integer): ...
---@param opts orch.RetryOptions?
---@return any ... the results of `fn`; raises the last real error, with `.attempts`
local function retry(fn, opts)
  arg.check("retry", 1, fn, "callable")
  local policy = policies.of("retry", opts)
  core.checkpoint()
  local started = clock.now()
  for attempt = 1, policy.attempts do
    local results = table.pack(xpcall(attempt_once, errors.handler, fn, policy.timeout, attempt))
    if results[1] then return table.unpack(results, 2, results.n) end
    local err = errors.normalize(results[2])
    local delay = policy.pause(attempt, err)
    local now = clock.now()
    local give_up = attempt == policy.attempts
      or errors.is_cancelled(err) or err.kind == "cancelled"
      or not policy.again(err)
      or (policy.max_elapsed and now - started + delay > policy.max_elapsed)
      or now + delay > (core.deadline() or math.huge)
    if give_up then
      err.attempts = attempt
      error(err, 0)
    end
    if policy.on_retry then policy.on_retry(err, attempt, delay) end
    clock.sleep(delay)
  end
end

return retry
