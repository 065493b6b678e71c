--- The same question to several providers at once.
---
---     local both = { ai.openai {}, ai.anthropic {} }
---     local r = ai.compare("A name for a cat?", both, { timeout = "20s" })
---     print(r.best.text, r.best.provider, r.elapsed)

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local core = require "orch.core.task"
local ask = require "orch.ai.ask"
local entry = require "orch.entry"

local options = {
  timeout = "duration", pick = "string|callable", min_ok = "integer", retry = "retry",
}

local picks = {}

function picks.fastest(responses)
  local best = responses[1]
  for _, response in ipairs(responses) do
    if response.elapsed < best.elapsed then best = response end
  end
  return best
end

local function length(text)
  return utf8.len(text) or #text
end

function picks.longest(responses)
  local best = responses[1]
  for _, response in ipairs(responses) do
    if length(response.text) > length(best.text) then best = response end
  end
  return best
end

local function read_pick(pick)
  if pick == nil then return picks.fastest end
  if type(pick) ~= "string" then
    return function(responses)
      local picked = pick(responses)
      local best = picked
      if math.type(picked) == "integer" then best = responses[picked] end
      for _, response in ipairs(responses) do
        if best == response then return best end
      end
      arg.fail("ai.compare: option `pick` should return one of the responses or its number, "
        .. "not %s", arg.describe(picked))
    end
  end
  local near = not picks[pick] and arg.suggest(pick, arg.keys_of(picks))
  if not picks[pick] then
    arg.fail('ai.compare: option `pick` should be "fastest", "longest" or a function, not %q%s',
      pick, near and ('; did you mean "%s"?'):format(near) or "")
  end
  return picks[pick]
end

local function read_options(opts, count)
  local own, chat = ask.options("ai.compare", opts, options)
  own.pick, own.min_ok = read_pick(own.pick), own.min_ok or 1
  own.retry = ask.retry(own.retry)
  if own.min_ok < 1 or own.min_ok > count then
    arg.fail("ai.compare: option `min_ok` should be from 1 to the number of providers, %d, not %d",
      count, own.min_ok)
  end
  return own, chat
end

--- Asks all and waits for all. Gives both lists in the given order, and the failures in
--- that of their occurrence.
local function ask_all(prompt, providers, keys, own, chat)
  local answers, failures, tasks, order = {}, {}, {}, {}
  local function one(i, key)
    local response, failure = ask.outcome(providers[key], key, ask.chat, providers[key], prompt,
      chat, own)
    if failure then order[#order + 1] = failure end
    answers[i], failures[i] = response, failure
  end
  do
    local s <close> = core.open("ai.compare", nil, false, nil, false)
    for i, key in ipairs(keys) do
      tasks[i] = s:hold_quietly(ask.name(providers[key], key), one, i, key)
    end
    s:wait(1)
  end
  local ok, failed = {}, {}
  for i, key in ipairs(keys) do
    if not (answers[i] or failures[i]) then -- somebody else has cancelled it
      local _, err = tasks[i]:result()
      failures[i] = { provider = ask.name(providers[key], key), error = err, elapsed = 0 }
      order[#order + 1] = failures[i]
    end
    local outcome = answers[i] or failures[i]
    outcome.key = key
    table.insert(answers[i] and ok or failed, outcome)
  end
  return ok, failed, order
end

local Comparison = arg.known("the result of ai.compare",
  { "best", "responses", "failures", "elapsed" })

---@class orch.ai.Comparison
---@field best orch.ai.Response the picked one
---@field responses orch.ai.Response[] in the order of the providers; `elapsed` is each one's
---  time, `key` its place in `providers`
---@field failures orch.ai.Failure[] in the same order, with `key`
---@field elapsed number seconds, all together: as long as the slowest

---Asks all providers at once and waits for all of them, at most `timeout`. Those that are
---still at it then are cancelled and are failures of kind `timeout`. Asks each once, unless
---`retry` says otherwise.
---@async
---@param prompt string|table as for `provider:chat`; the same for all
---@param providers table a list or a table with names (asked in sorted order), of anything
---  that has `chat`
---@param opts {timeout: number|string?, pick: "fastest"|"longest"|fun(responses: orch.ai.Response[]): orch.ai.Response|integer|nil, min_ok: integer?, retry: boolean|table|nil, [string]: any}?
---  `pick` is `fastest` by default; a function may wait, and returns one of the responses or
---  its number. `retry` is true or the options of `orch.retry`. Other options go to every
---  provider: `max_tokens`, `system`, `json`, ...
---@return orch.ai.Comparison
---Raises the first failure, with the others `.suppressed`, when fewer than `min_ok` (1) have
---answered; `.failures` and `.responses` are on it.
return function(prompt, providers, opts)
  arg.check("ai.compare", 1, prompt, "string|table")
  arg.check("ai.compare", 2, providers, "table")
  local keys = ask.is_provider(providers) and {} or entry.keys(providers)
  ask.check("ai.compare", 2, providers, keys)
  local own, chat = read_options(opts, #keys)
  core.checkpoint()
  local started = clock.now()
  local responses, failures, order = ask_all(prompt, providers, keys, own, chat)
  local elapsed = clock.now() - started
  if #responses < own.min_ok then ask.raise(order, responses) end
  return setmetatable({ best = own.pick(responses), responses = responses, failures = failures,
    elapsed = elapsed }, Comparison)
end
