--- When to try again, from what a provider says with a refusal for now: `Retry-After`,
--- and the headers that tell when which of its limits is filled again.
---
---     err.retry_after = limit.retry_after(429, response.headers)

local after = require "orch.http.retry_after"
local arg = require "orch.arg"

local limit = {}

--- Seconds since 1970 of an RFC 3339 time, such as "2026-11-22T10:00:00Z".
local function instant(text)
  local y, m, d, h, min, s, zone = text:match "^(%d+)-(%d+)-(%d+)[Tt](%d+):(%d+):([%d.]+)(.*)$"
  if not y then return nil end
  y, m, s = tonumber(y), tonumber(m), tonumber(s)
  if not s then return nil end
  if m <= 2 then y, m = y - 1, m + 12 end
  local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + d - 719469
  local sign, zh, zm = zone:match "^([+-])(%d+):(%d+)$"
  local offset = sign and (sign .. "1") * (zh * 3600 + zm * 60) or 0
  return days * 86400 + h * 3600 + min * 60 + s - offset
end

--- "1s", "6m0s", "20ms" (OpenAI), or an instant (Anthropic).
local function seconds(text)
  local ok, value = pcall(arg.duration, "", "", text)
  if ok then return value end
  local at = instant(text)
  return at and math.max(0, at - os.time()) or nil
end

local families = {
  { "x-ratelimit-remaining-%s", "x-ratelimit-reset-%s", { "requests", "tokens" } },
  { "anthropic-ratelimit-%s-remaining", "anthropic-ratelimit-%s-reset",
    { "requests", "tokens", "input-tokens", "output-tokens" } },
}

--- The limits that are used up: the one that takes longest decides.
local function from_limits(headers)
  local longest
  for _, family in ipairs(families) do
    for _, what in ipairs(family[3]) do
      local reset = headers[family[2]:format(what)]
      if reset and tonumber(headers[family[1]:format(what)]) == 0 then
        local wait = seconds(reset)
        if wait and wait > (longest or -1) then longest = wait end
      end
    end
  end
  return longest
end

---@param status integer
---@param headers table case-insensitive
---@return number? seconds
function limit.retry_after(status, headers)
  local wait = after(status, headers) or from_limits(headers)
  return wait and wait < math.huge and wait or nil
end

return limit
