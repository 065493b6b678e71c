--- What compare, fallback, hedge and map have in common: providers as tables with
--- `chat`, asked once under limits, their failures as data. Internal.
---
---     local own, chat = ask.options("ai.compare", opts, { timeout = "duration" })
---     local response = ask.chat(provider, "Hello", chat, own)

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local core = require "orch.core.task"
local errors = require "orch.core.error"
require "orch.scope" -- gives scopes their methods

local ask = {}

---@class orch.ai.Failure
---@field provider string
---@field error orch.Error
---@field elapsed number seconds

---Whether a value can be asked.
---@param value any
---@return boolean
function ask.is_provider(value)
  return type(value) == "table" and arg.is_callable(value.chat)
end

---@param provider table
---@param key any? its place among others
---@return string
function ask.name(provider, key)
  local name = provider.name
  if type(name) == "string" then return name end
  return type(key) == "string" and key or key and "provider " .. tostring(key) or "the provider"
end

---Refuses what is no list of providers.
---@param fname string
---@param i integer the argument
---@param providers any
---@param keys any[]
function ask.check(fname, i, providers, keys)
  if ask.is_provider(providers) then
    arg.fail("%s: argument %d should be a list of providers: { provider }", fname, i)
  end
  if #keys == 0 then arg.fail("%s: nobody is asked: the list of providers is empty", fname) end
  for _, key in ipairs(keys) do
    local value = providers[key]
    if not ask.is_provider(value) then
      arg.fail("%s: provider %s should be a table with `chat`, such as ai.openai {}, not %s",
        fname, tostring(key), arg.describe(value))
    end
  end
end

---Reads `{p1, p2, option = value}`.
---@param fname string
---@param given table
---@return table[] list
---@return table opts what has a name
function ask.list(fname, given)
  local list, opts, keys = {}, {}, {}
  if ask.is_provider(given) then ask.check(fname, 1, given, keys) end
  for i, provider in ipairs(given) do list[i], keys[i] = provider, i end
  for key, value in next, given do
    if not list[key] then opts[key] = value end
  end
  ask.check(fname, 1, list, keys)
  return list, opts
end

---@param what string
---@param list table[]
---@return string title such as "hedge(openai, anthropic)"
function ask.title(what, list)
  local names = {}
  for i, provider in ipairs(list) do names[i] = ask.name(provider, i) end
  return ("%s(%s)"):format(what, table.concat(names, ", "))
end

---Splits options into one's own, checked, and those for the providers, who check them.
---@param fname string
---@param opts table?
---@param spec table<string, string> as for `arg.options`
---@return table own
---@return table chat
function ask.options(fname, opts, spec)
  if type(opts) ~= "table" then return arg.options(fname, opts, spec), {} end
  local own, chat, names = {}, {}, arg.keys_of(spec)
  for key, value in next, opts do
    if spec[key] then
      own[key] = value
    else
      local near = type(key) == "string" and arg.suggest(key, names)
      if near then arg.fail("%s has no option `%s`; did you mean `%s`?", fname, key, near) end
      chat[key] = value
    end
  end
  return arg.options(fname, own, spec), chat
end

local function too_late(provider, seconds)
  errors.throw(errors.make { kind = "timeout", provider = ask.name(provider), timeout = seconds,
    message = ("%s did not answer within %s"):format(ask.name(provider),
      require("orch.tree").duration(seconds)) })
end

--- Runs `fn` under a deadline that names the provider.
local function within(seconds, provider, fn)
  if not seconds then return fn() end
  local s
  local ok, result = pcall(function()
    local guard <close> = core.open("ai", seconds, false, nil, false)
    s = guard
    return fn()
  end)
  if ok then return result end
  local ours = errors.is(result) and result.kind == "timeout" and result.scope == s
  if ours and not result.suppressed then too_late(provider, seconds) end
  error(result, 0)
end

local passing_kind = { network = true, timeout = true, http = true }
local passing_status = { [408] = true, [425] = true, [429] = true }
local lasting_reason = { quota = true, key = true, permission = true, model = true,
  request = true, refused = true }

--- A quota, a wrong key, a refusal will be the same in a minute.
local function is_passing(err)
  if err.kind ~= "status" then return passing_kind[err.kind] end
  local status = math.tointeger(err.status) or 0
  return (passing_status[status] or status >= 500) and not lasting_reason[err.reason]
end

---The options of a retry, or nil: `retry_on` is by default what will pass.
---@param retry boolean|table|nil
---@return table?
function ask.retry(retry)
  if not retry then return nil end
  local opts = { retry_on = is_passing }
  for key, value in next, retry ~= true and retry or {} do opts[key] = value end
  return opts
end

---Raises about what a provider has given: it may be anybody's.
---@param provider table
---@param given any
---@param wanted string
function ask.nonsense(provider, given, wanted)
  errors.throw(errors.make { kind = "error", provider = ask.name(provider),
    message = ("%s gave %s in the place of %s"):format(ask.name(provider), arg.describe(given),
      wanted) })
end

---@param provider table
---@param response any
---@return table response raises when it is none
function ask.check_response(provider, response)
  if type(response) == "table" and type(response.text) == "string" then return response end
  ask.nonsense(provider, response, "an answer, which is a table with `text`")
end

---Asks a provider under limits.
---@async
---@param limits {timeout: number?, retry: table?} seconds for all attempts together
---@param provider table
---@param fn fun(): any
---@return any what `fn` returned
function ask.limited(limits, provider, fn)
  return within(limits.timeout, provider, function()
    if not limits.retry then return fn() end
    return require "orch.retry"(fn, limits.retry)
  end)
end

---Asks a provider and waits for its answer, under limits.
---@async
---@return orch.ai.Response response with `provider` and `elapsed` (all attempts together)
function ask.chat(provider, prompt, chat, limits)
  local started = clock.now()
  local response = ask.limited(limits, provider, function()
    return ask.check_response(provider, provider:chat(prompt, chat))
  end)
  response.elapsed = clock.now() - started
  if response.provider == nil then response.provider = ask.name(provider) end
  return response
end

---The outcome as data: the result, or nil and the failure. A cancellation passes.
---@async
---@param provider table
---@param fn function
---@param ... any arguments of `fn`
---@return any result
---@return orch.ai.Failure? failure
function ask.outcome(provider, key, fn, ...)
  local started = clock.now()
  local ok, result = xpcall(fn, errors.handler, ...)
  if ok then return result end
  return nil, { provider = ask.name(provider, key), error = errors.normalize(result),
    elapsed = clock.now() - started }
end

---Raises the first failure with the others as its `.suppressed`.
---@param failures orch.ai.Failure[]
---@param responses table[]? what succeeded nevertheless
function ask.raise(failures, responses)
  local first = failures[1].error
  for i = 2, #failures do
    if failures[i].error ~= first then errors.suppress(first, failures[i].error) end
  end
  first.failures, first.responses = failures, responses
  if first.where == "?" then first.where = errors.where() end -- it failed in a task of ours
  error(first, 0)
end

return ask
