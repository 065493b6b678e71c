--- A provider made of several: the next one is asked when one fails.
---
---     local safe = ai.fallback { ai.anthropic {}, ai.openai {}, timeout = "20s" }
---     print(safe:chat("Hello").provider)

local arg = require "orch.arg"
local core = require "orch.core.task"
local ask = require "orch.ai.ask"
local method = require "orch.ai.method"
local relays = require "orch.ai.relay"

---@class orch.ai.Fallback
---@field name string such as "fallback(anthropic, openai)"
local Fallback = { __name = "orch.ai.Fallback" }

--- The first result of `fn(provider)`, and the failures before it. A wrong call is the
--- script's mistake: another provider would only hide it.
local function try_all(self, fn)
  core.checkpoint()
  local failures = {}
  for i, provider in ipairs(self.providers) do
    local result, failure = ask.outcome(provider, i, fn, provider)
    if not failure then return result, failures end
    if failure.error.kind == "usage" then error(failure.error, 0) end
    failures[#failures + 1] = failure
  end
  ask.raise(failures)
end

---Asks one provider after the other until one answers.
---@async
---@param prompt string|table
---@param opts orch.ai.ChatOptions?
---@return orch.ai.Response response `failures` lists those that failed before
---Raises the first failure with the others `.suppressed` when all fail, and kind `usage` of
---any provider at once.
function Fallback:chat(prompt, opts)
  local response, failures = try_all(self, function(provider)
    return ask.chat(provider, prompt, opts, self.limits)
  end)
  response.failures = failures
  return response
end

---The same, piece by piece. Another provider is asked until the first piece has come; what
---fails afterwards is raised, because half an answer has been given out.
---@async
---@param prompt string|table
---@param opts orch.ai.ChatOptions?
---@return orch.ai.Stream stream
function Fallback:stream(prompt, opts)
  local relay, failures = try_all(self, function(provider)
    return relays.open(provider, prompt, opts, self.limits)
  end)
  relay.failures = failures
  if relay.response then relay.response.failures = failures end
  return relay, nil, nil, relay
end

function Fallback:__tostring()
  return self.name
end

method.guard(Fallback, "a fallback")

---@param providers {[integer]: table, timeout: number|string?, retry: boolean|table|nil}
---  a list of anything that has `chat`; `timeout` is for each of them: for its answer, or
---  its first piece when it streams; `retry` as for `ai.compare`, before the next is asked
---@return orch.ai.Fallback provider
return function(providers)
  arg.check("ai.fallback", 1, providers, "table")
  local list, opts = ask.list("ai.fallback", providers)
  local limits = arg.options("ai.fallback", opts, { timeout = "duration", retry = "retry" })
  limits.retry = ask.retry(limits.retry)
  return setmetatable({ name = ask.title("fallback", list), providers = list, limits = limits },
    Fallback)
end
