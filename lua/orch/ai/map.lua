--- Many prompts, one provider: under a cap, within its limits, and resumable.
---
---     local names = ai.map(prompts, ai.openai {}, { requests_per_minute = 500,
---       tokens_per_minute = 200000, resume = "names.jsonl", progress = true })

local arg = require "orch.arg"
local ask = require "orch.ai.ask"
local budgets = require "orch.ai.budget"
local clock = require "orch.core.clock"
local core = require "orch.core.task"
local maps = require "orch.map"
local tokens = require("orch.ai.field").tokens

local options = {
  concurrency = "integer", requests_per_minute = "integer", tokens_per_minute = "integer",
  progress = "boolean|string|callable", resume = "path", collect = "boolean",
  retry = "retry", timeout = "duration",
}

local BYTES_PER_TOKEN = 4  -- of English; others take more tokens
local TOKENS_OF_IMAGE = 1000
local TOKENS_OF_ANSWER = 500 -- until the first one is there

local function read_options(opts)
  local own, chat = ask.options("ai.map", opts, options)
  for _, name in ipairs { "requests_per_minute", "tokens_per_minute" } do
    if own[name] and own[name] < 1 then
      arg.fail("ai.map: option `%s` should be at least 1, not %d", name, own[name])
    end
  end
  own.retry = ask.retry(own.retry)
  return own, chat
end

local function count_bytes(value)
  if type(value) == "string" then return #value end
  if type(value) ~= "table" then return 0 end
  if value.image ~= nil then return TOKENS_OF_IMAGE * BYTES_PER_TOKEN end
  local bytes = 0
  for _, item in next, value do bytes = bytes + count_bytes(item) end
  return bytes
end

local function total_tokens(usage)
  local input, output = tokens(usage, "input_tokens"), tokens(usage, "output_tokens")
  return tokens(usage, "total_tokens") or input and output and input + output
end

--- What a run knows of its answers so far.
local function new_state(provider, own, chat)
  return { provider = provider, chat = chat, own = own, answers = 0, output = 0,
    budget = budgets.new { requests = own.requests_per_minute, tokens = own.tokens_per_minute } }
end

local function estimate(state, prompt)
  local output = state.answers > 0 and state.output / state.answers
    or state.chat.max_tokens or TOKENS_OF_ANSWER
  local bytes = count_bytes(prompt) + count_bytes(state.chat.system)
  return math.ceil(bytes / BYTES_PER_TOKEN + output)
end

local function learn(state, ticket, usage)
  local total = total_tokens(usage)
  if not total then return end
  local output = tokens(usage, "output_tokens")
  if output then state.answers, state.output = state.answers + 1, state.output + output end
  state.budget:correct(ticket, total)
end

local LONGEST_HOLD = 120 -- seconds that a provider may ask for, as in orch.retry

--- Every attempt counts against the limits.
local function attempt(state, prompt)
  local ticket = state.budget:acquire(function() return estimate(state, prompt) end)
  local response, failure = ask.outcome(state.provider, nil, ask.chat, state.provider, prompt,
    state.chat, { timeout = state.own.timeout })
  if response then
    learn(state, ticket, response.usage)
    return response
  end
  local after = tonumber(failure.error.retry_after)
  if after and (failure.error.status == 429 or failure.error.status == 529) then
    state.budget:hold(math.min(after, LONGEST_HOLD)) -- for everybody
  end
  error(failure.error, 0)
end

local function ask_one(state, prompt)
  local key = state.journal and state.journal.key(state.provider, prompt, state.chat)
  local known = key and state.journal:take(key)
  if known then return known end
  local response = ask.limited({ retry = state.own.retry }, state.provider, function()
    return attempt(state, prompt)
  end)
  if key then state.journal:add(key, response) end
  return response
end

---Asks a provider for every prompt, at most `concurrency` (16) at a time.
---@async
---@param prompts (string|table)[] each as for `provider:chat`
---@param provider table anything that has `chat`
---@param opts {concurrency: integer?, requests_per_minute: integer?, tokens_per_minute: integer?, progress: boolean|string|function|nil, resume: string?, collect: boolean?, retry: boolean|table|nil, timeout: number|string?, [string]: any}?
---  Limits hold for any minute; tokens are estimated from the prompt and the answers so far,
---  and corrected by the answer's `usage`. `resume` names a file in which every answer is
---  kept; what is found there is not asked again. `timeout` is for each attempt, `retry` as
---  for `ai.compare`. `progress` as for `orch.map`. Other options go to the provider.
---@return orch.ai.Response[] responses in the order of the prompts
---@return orch.ai.Failure[] failures with `collect`: each with the `index` of its prompt, whose
---  response is missing; without it, the first failure cancels the others and is raised
return function(prompts, provider, opts)
  arg.check("ai.map", 1, prompts, "table")
  if not ask.is_provider(provider) then
    arg.fail("ai.map: argument 2 should be a provider, such as ai.openai {}, not %s",
      arg.describe(provider))
  end
  local own, chat = read_options(opts)
  core.checkpoint()
  local journal <close> = own.resume and require("orch.ai.journal").open(own.resume) or nil
  local state, failures = new_state(provider, own, chat), {}
  state.journal = journal
  local responses = maps.map(prompts, function(prompt, i)
    if not own.collect then return ask_one(state, prompt) end
    local started = clock.now()
    local response, failure = ask.outcome(provider, i, ask_one, state, prompt)
    if response then return response end
    failure.index, failure.elapsed = i, clock.now() - started
    failures[#failures + 1] = failure
  end, { concurrency = own.concurrency, progress = own.progress })
  table.sort(failures, function(a, b) return a.index < b.index end)
  return responses, failures
end
