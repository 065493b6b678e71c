--- How long a server asks to wait before the next attempt.
---
---     retry_after(503, response.headers)   -- seconds, or nil

local date = require "orch.http.date"

--- The server's own idea of now, so that a wrong clock on either side does no harm.
local function now(headers)
  return date(headers.date) or os.time()
end

local limited = { [403] = true, [429] = true, [503] = true }

--- GitHub, GitLab and others name the second at which the limit ends; the drafts of
--- RateLimit-Reset count the seconds until then.
local function reset(status, headers)
  if not limited[status] then return nil end
  for _, prefix in ipairs { "x-ratelimit-", "x-rate-limit-", "ratelimit-" } do
    local remaining = headers[prefix .. "remaining"]
    local at = tonumber(headers[prefix .. "reset"])
    if at and (status == 429 or tonumber(remaining) == 0) then
      return at > 1e9 and at - now(headers) or at
    end
  end
end

--- As the RFC has it, and with a fraction: neither hexadecimal nor infinite.
local function number(text)
  local value = text and tonumber(text:match "^%d+%.?%d*$")
  return value and value < math.huge and value or nil
end

---Seconds to wait: from Retry-After (seconds or a date), retry-after-ms, or a rate limit's
---reset where one was hit.
---@param status integer
---@param headers orch.http.Headers
---@return number? seconds not negative
local function retry_after(status, headers)
  local ms = number(headers["retry-after-ms"])
  local text = headers["retry-after"]
  local seconds = ms and ms / 1000 or number(text)
  if seconds then return seconds end
  local at = date(text)
  seconds = at and at - now(headers) or reset(status, headers)
  return seconds and math.max(0, seconds)
end

return retry_after
