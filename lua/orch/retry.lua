--- Trying again with exponential back-off.
---
---     orch.retry(function() return http.get(url) end, { attempts = 5, base = 0.5 })
---
--- The pauses follow "Exponential Backoff And Jitter" (M. Brooker, AWS, 2015).

local core = require "orch.core.task"
local errors = require "orch.core.error"
local clock = require "orch.core.clock"
local arg = require "orch.arg"

local options = {
  attempts = "integer", base = "duration", factor = "number", cap = "duration",
  jitter = "string", timeout = "duration", max_elapsed = "duration",
  retry_on = "table|callable", on_retry = "callable", retry_after_cap = "duration",
}

--- Kinds that another attempt would not mend.
local hopeless = {
  cancelled = true, error = true, usage = true, json = true, deadlock = true, refused = true,
}
local passing_status = { [408] = true, [425] = true, [429] = true }

local function worth_it(err)
  if hopeless[err.kind] or err.retryable == false then return false end
  if err.kind ~= "status" then return true end
  local status = math.tointeger(err.status) or 0
  return passing_status[status] or (status >= 500 and status <= 599)
end

local function filter(retry_on)
  if retry_on == nil then return worth_it end
  if arg.is_callable(retry_on) then return retry_on end
  local wanted = {}
  for key, value in next, retry_on do
    if math.type(key) ~= "integer" or not (math.type(value) or type(value) == "string") then
      arg.fail("retry: option `retry_on` should be a function or a list of kinds and "
        .. "statuses, such as { \"timeout\", 503 }")
    end
    wanted[value] = true
  end
  return function(err) return wanted[err.kind] or wanted[err.status] end
end

local jitters = {
  full = function(d) return math.random() * d end,
  equal = function(d) return d / 2 + math.random() * d / 2 end,
  none = function(d) return d end,
}

local function read_options(opts)
  opts = arg.options("retry", opts, options)
  opts.attempts = opts.attempts or 5
  opts.base, opts.factor = opts.base or 0.5, opts.factor or 2
  opts.cap, opts.jitter = opts.cap or 30, opts.jitter or "full"
  opts.retry_after_cap = opts.retry_after_cap or 120
  if opts.attempts < 1 then
    arg.fail("retry: option `attempts` should be at least 1, not %d", opts.attempts)
  end
  if not (opts.factor >= 0) then
    arg.fail("retry: option `factor` should not be negative, as %g is", opts.factor)
  end
  if not jitters[opts.jitter] then
    arg.fail("retry: option `jitter` should be full, equal or none, not %q", opts.jitter)
  end
  return opts
end

--- Seconds before the next attempt.
local function pause(opts, attempt, err)
  local growth = math.min(opts.factor ^ (attempt - 1), 1e300) -- 0 * inf is no number
  local delay = math.min(opts.cap, opts.base * growth)
  delay = jitters[opts.jitter](delay)
  local after = tonumber(err.retry_after)
  if not after then return delay end
  return math.max(delay, math.min(after, opts.retry_after_cap))
end

local function attempt_once(fn, timeout, attempt)
  local s <close> = timeout and core.open("an attempt of retry", timeout, false, nil, false)
  return fn(attempt)
end

---Calls `fn(attempt)` until it succeeds. Never repeats after a cancellation, never
---sleeps after the last attempt, and gives up at once where the pause would overrun
---the deadline it stands under.
---@async
---@param fn fun(attempt: integer): ...
---@param opts {attempts: integer?, base: number|string?, factor: number?, cap: number|string?, jitter: "full"|"equal"|"none"|nil, timeout: number|string?, max_elapsed: number|string?, retry_after_cap: number|string?, retry_on: (string|integer)[]|fun(err: orch.Error): boolean|nil, on_retry: fun(err: orch.Error, attempt: integer, delay: number)|nil}?
---  `timeout` is for each attempt; `retry_after_cap` the longest wait that an error's
---  `retry_after` may ask for (2 minutes); `retry_on` a function, or kinds and statuses; by default
---  every Error but the kinds `cancelled error usage json deadlock refused`, `status` other
---  than 408, 425, 429 and 5xx, and what says of itself `retryable = false`
---@return any ... the results of `fn`; raises the last real error, with `.attempts`
local function retry(fn, opts)
  arg.check("retry", 1, fn, "callable")
  opts = read_options(opts)
  local is_worth_it = filter(opts.retry_on)
  core.checkpoint()
  local started = clock.now()
  for attempt = 1, opts.attempts do
    local results = table.pack(xpcall(attempt_once, errors.handler, fn, opts.timeout, attempt))
    if results[1] then return table.unpack(results, 2, results.n) end
    local err = errors.normalize(results[2])
    local delay = pause(opts, attempt, err)
    local now = clock.now()
    local give_up = attempt == opts.attempts
      or errors.is_cancelled(err) or err.kind == "cancelled"
      or not is_worth_it(err)
      or (opts.max_elapsed and now - started + delay > opts.max_elapsed)
      or now + delay > (core.deadline() or math.huge)
    if give_up then
      err.attempts = attempt
      error(err, 0)
    end
    if opts.on_retry then opts.on_retry(err, attempt, delay) end
    clock.sleep(delay)
  end
end

return retry
