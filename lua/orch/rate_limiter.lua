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
  local passed = math.max(0, now - self.at) -- a test may have ended virtual time
  self.tokens = math.min(self.burst, self.tokens + passed * self.rate)
  self.at = now
end

---Waits until `n` (1) may go. One that is cancelled meanwhile takes nothing.
---@async
---@param n integer? at most `burst`
function RateLimiter:acquire(n)
  n = arg.check("rate_limiter:acquire", 1, n, "integer?") or 1
  if n < 0 or n > self.burst then
    arg.fail("rate_limiter:acquire: argument 1 should be from 0 to the burst of %g, not %d",
      self.burst, n)
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
---@param fn function
---@param ... any arguments of `fn`
---@return any ... its results
function RateLimiter:with(fn, ...)
  arg.check("rate_limiter:with", 1, fn, "callable")
  self:acquire()
  return fn(...)
end

local function need_positive(name, value)
  if value and value > 0 and value < math.huge then return end
  arg.fail("rate_limiter: option `%s` should be a positive number, not %s", name,
    arg.describe(value))
end

---A limit of so many per second, or per `per`, first come, first served.
---@param opts {rate: number, per: number|string?, burst: number?} `rate` in `per` (1 s); at
---  most `burst` (the rate, at least 1) at once after a pause
---@return orch.RateLimiter
return function(opts)
  opts = arg.options("rate_limiter", opts,
    { rate = "number", per = "duration", burst = "number" })
  need_positive("rate", opts.rate)
  need_positive("per", opts.per or 1)
  local burst = opts.burst or math.max(1, opts.rate)
  if not (burst >= 1) then
    arg.fail("rate_limiter: option `burst` should be at least 1, not %g", burst)
  end
  return setmetatable({
    rate = opts.rate / (opts.per or 1), burst = burst, tokens = burst,
    at = clock.now(), turn = locks.lock(),
  }, RateLimiter)
end
