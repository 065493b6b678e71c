--- So many per second, in the order of asking: a token bucket (RFC 2697 has the idea).
---
---     local limit = orch.rate_limiter { rate = 10 }
---     limit:with(http.get, url)

local clock = require "orch.core.clock"
local arg = require "orch.arg"
local locks = require "orch.lock"

---@class orch.RateLimiter
local RateLimiter = { __name = "orch.rate_limiter" }
RateLimiter.__index = RateLimiter

local function refill(self)
  local now = clock.now()
  self.tokens = math.min(self.burst, self.tokens + (now - self.at) * self.rate)
  self.at = now
end

---Waits until `n` (1) may go. One that is cancelled meanwhile takes nothing.
---@async
---@param n integer? at most `burst`
function RateLimiter:acquire(n)
  n = arg.check("rate_limiter:acquire", 1, n, "integer?") or 1
  if n > self.burst then
    arg.fail("rate_limiter:acquire: %d at once is more than the burst of %g", n, self.burst)
  end
  local _ <close> = self.turn:acquire()
  refill(self)
  while self.tokens < n - 1e-9 do
    clock.sleep((n - self.tokens) / self.rate)
    refill(self)
  end
  self.tokens = self.tokens - n
end

---Calls `fn(...)` when it may go.
---@async
---@return any ... its results
function RateLimiter:with(fn, ...)
  arg.check("rate_limiter:with", 1, fn, "callable")
  self:acquire()
  return fn(...)
end

---@param opts {rate: number, per: number|string?, burst: number?} `rate` in `per` (1 s); at
---  most `burst` (the rate, at least 1) at once after a pause
---@return orch.RateLimiter
return function(opts)
  opts = arg.options("rate_limiter", opts,
    { rate = "number", per = "duration", burst = "number" })
  if not opts.rate or opts.rate <= 0 then
    arg.fail("rate_limiter: option `rate` should be a positive number")
  end
  local burst = opts.burst or math.max(1, opts.rate)
  return setmetatable({
    rate = opts.rate / (opts.per or 1), burst = burst, tokens = burst,
    at = clock.now(), turn = locks.lock(),
  }, RateLimiter)
end
