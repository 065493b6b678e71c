--- A provider made of several: when one takes long, the next one is asked as well, and
--- the first to answer counts.
---
---     local quick = ai.hedge { ai.anthropic {}, ai.openai {}, delay = "3s" }
---     print(quick:chat("Hello").provider)

local arg = require "orch.arg"
local core = require "orch.core.task"
local ask = require "orch.ai.ask"
local method = require "orch.ai.method"
local relays = require "orch.ai.relay"
local scopes = require "orch.scope"

local DELAY = 2 -- seconds

---@class orch.ai.Hedge
---@field name string such as "hedge(anthropic, openai)"
local Hedge = { __name = "orch.ai.Hedge" }

local function count_live(tasks)
  local live = 0
  for _, task in ipairs(tasks) do
    if not task:done() then live = live + 1 end
  end
  return live
end

--- Starts `one` for each provider, `delay` apart or as soon as one has failed, until
--- somebody has won; then until all have ended.
local function start_all(self, s, state, one)
  local tasks, last = {}, #self.providers
  for i, provider in ipairs(self.providers) do
    tasks[i] = s:hold_quietly(ask.name(provider, i), one, i, provider)
    if i < last then scopes.move_on_after(self.delay, s.wait, s, count_live(tasks)) end
    if state.over then return tasks end
  end
  while not state.over and count_live(tasks) > 0 do s:wait(count_live(tasks)) end
  return tasks
end

--- The first success of `fn(provider)`, and the failures before it; `discard` gets a
--- result that nobody will have. A wrong call is the script's mistake: another provider
--- would only hide it.
local function compete(self, fn, discard)
  core.checkpoint()
  local state, failures, tasks = {}, {}, nil
  local function one(i, provider)
    local result, failure = ask.outcome(provider, i, fn, provider)
    if failure then
      failures[#failures + 1] = failure
      if failure.error.kind == "usage" then state.over, state.mistake = true, failure.error end
    elseif state.winner then
      discard(result)
    else
      state.over, state.winner = true, result
    end
  end
  local _ <close> = setmetatable({}, { __close = function(_, err)
    if err ~= nil and state.winner then discard(state.winner) end
  end })
  do
    local s <close> = core.open("ai.hedge", nil, false, nil, false)
    tasks = start_all(self, s, state, one)
    s:cancel "another provider has answered"
  end
  if state.winner then return state.winner, failures end
  if state.mistake then error(state.mistake, 0) end
  if #failures == 0 then tasks[1]:await() end -- somebody else has cancelled them all
  ask.raise(failures)
end

---Asks one provider, and the next as well when no answer has come after `delay`, or when
---one has failed. The first answer counts; the others are cancelled.
---@async
---@param prompt string|table
---@param opts orch.ai.ChatOptions?
---@return orch.ai.Response response `failures` lists those that failed before
---Raises the first failure with the others `.suppressed` when all fail, and kind `usage` of
---any provider at once.
function Hedge:chat(prompt, opts)
  local response, failures = compete(self, function(provider)
    return ask.chat(provider, prompt, opts, self.limits)
  end, function() end)
  response.failures = failures
  return response
end

---The same, piece by piece: the first to give a piece goes on.
---@async
---@param prompt string|table
---@param opts orch.ai.ChatOptions?
---@return orch.ai.Stream stream
function Hedge:stream(prompt, opts)
  local relay, failures = compete(self, function(provider)
    return relays.open(provider, prompt, opts, self.limits)
  end, relays.close)
  relay.failures = failures
  if relay.response then relay.response.failures = failures end
  return relay, nil, nil, relay
end

function Hedge:__tostring()
  return self.name
end

method.guard(Hedge, "a hedge")

---@param providers {[integer]: table, delay: number|string?, timeout: number|string?}
---  a list of anything that has `chat`; the next is asked `delay` (2 s) after the one before;
---  `timeout` is for each of them
---@return orch.ai.Hedge provider
return function(providers)
  arg.check("ai.hedge", 1, providers, "table")
  local list, opts = ask.list("ai.hedge", providers)
  local limits = arg.options("ai.hedge", opts, { delay = "duration", timeout = "duration" })
  return setmetatable({ name = ask.title("hedge", list), providers = list, limits = limits,
    delay = limits.delay or DELAY }, Hedge)
end
