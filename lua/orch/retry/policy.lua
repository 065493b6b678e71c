--- When to try again, and after which pause: what orch.retry and the jobs of a pipeline
--- have in common.
---
---     local policy = policy.of("retry", { attempts = 3 })
---     if policy.again(err) then sleep(policy.pause(1, err)) end
---
--- The pauses follow "Exponential Backoff And Jitter" (M. Brooker, AWS, 2015).

local arg = require "orch.arg"

local policy = {}

---The options, for `arg.options`.
policy.options = {
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

local function filter(fname, retry_on)
  if retry_on == nil then return worth_it end
  if arg.is_callable(retry_on) then return retry_on end
  local wanted = {}
  for key, value in next, retry_on do
    if math.type(key) ~= "integer" or not (math.type(value) or type(value) == "string") then
      arg.fail("%s: option `retry_on` should be a function or a list of kinds and "
        .. "statuses, such as { \"timeout\", 503 }", fname)
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

local function read_options(fname, opts)
  opts = arg.options(fname, opts, policy.options)
  opts.attempts = opts.attempts or 5
  opts.base, opts.factor = opts.base or 0.5, opts.factor or 2
  opts.cap, opts.jitter = opts.cap or 30, opts.jitter or "full"
  opts.retry_after_cap = opts.retry_after_cap or 120
  if opts.attempts < 1 then
    arg.fail("%s: option `attempts` should be at least 1, not %d", fname, opts.attempts)
  end
  if not (opts.factor >= 0) then
    arg.fail("%s: option `factor` should not be negative, as %g is", fname, opts.factor)
  end
  if not jitters[opts.jitter] then
    arg.fail("%s: option `jitter` should be full, equal or none, not %q", fname, opts.jitter)
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

---@class orch.RetryPolicy
---@field attempts integer
---@field timeout number? seconds for each attempt
---@field max_elapsed number? seconds
---@field on_retry function?
---@field again fun(err: orch.Error): boolean whether another attempt may mend it
---@field pause fun(attempt: integer, err: orch.Error): number seconds before the next one

---@param fname string for messages
---@param opts table? the options of orch.retry
---@return orch.RetryPolicy policy raises kind `usage`
function policy.of(fname, opts)
  opts = read_options(fname, opts)
  opts.again = filter(fname, opts.retry_on)
  opts.pause = function(attempt, err) return pause(opts, attempt, err) end
  return opts
end

return policy
