--- One request to a provider: from what the script says to the answer in the shape that
--- all providers share.
---
---     local answer = call.send(call.new(provider, "chat", "Hello", { max_tokens = 100 }))

local clock = require "orch.core.clock"
local arg = require "orch.arg"
local json = require "orch.json"
local http = require "orch.http"
local failure = require "orch.ai.failure"
local field = require "orch.ai.field"
local format = require "orch.ai.format"
local message = require "orch.ai.message"
local tool = require "orch.ai.tool"

local call = {}

---@class orch.ai.Call
---@field name string of the provider
---@field adapter table the protocol
---@field base_url string
---@field url string
---@field key string|false|nil
---@field model string
---@field opts orch.ai.ChatOptions
---@field messages table[]
---@field system string?
---@field format {schema: table?}?
---@field tools orch.ai.Tool[]?
---@field tool_choice string?
---@field choice_is_name boolean?
---@field stream boolean
---@field started number
---@field ended number? of a stream: when its last event came

call.options = {
  model = "string", max_tokens = "integer", temperature = "number", top_p = "number",
  stop = "string|table", system = "string", json = "boolean|table", tools = "table",
  tool_choice = "string", effort = "string", timeout = "duration", retry = "retry",
  headers = "table", extra = "table",
}

---What was used, as far as the provider counts.
---@class orch.ai.Usage
---@field input_tokens integer? with those that came from a cache
---@field output_tokens integer? with thoughts
---@field total_tokens integer?
---@field cached_tokens integer? of the input
---@field reasoning_tokens integer? of the output

---@class orch.ai.Response
---@field text string
---@field provider string
---@field model string the model that has answered
---@field elapsed number seconds, from the call to the last byte
---@field usage orch.ai.Usage
---@field finish_reason "stop"|"length"|"tool_calls"|"pause"|string
---@field tool_calls orch.ai.ToolCall[]?
---@field json any the value, when `json` was asked for
---@field message orch.ai.Message the answer as a message, for the next turn
---@field request_id string? to be named to the provider's support
---@field raw table the provider's own answer, decoded
local Response = arg.known("the answer of a provider", { "text", "provider", "model", "elapsed",
  "usage", "finish_reason", "tool_calls", "json", "message", "request_id", "raw" })

---@param self orch.ai.Provider
---@param private table what belongs to it and is not to be seen
---@param fname string
---@param opts orch.ai.ChatOptions checked, over the provider's own
---@return orch.ai.Call
function call.new(self, private, fname, prompt, opts, stream)
  local c = { name = self.name, adapter = private.adapter, base_url = self.base_url,
    key = private.key, key_source = private.key_source, http = private.http, stream = stream,
    headers = private.headers, opts = opts, model = opts.model or self.model,
    started = clock.now() }
  c.model_is_default = not opts.model and private.model_is_default
  c.messages, c.system = message.read(fname, prompt, opts.system)
  c.format = format.read(fname, opts.json)
  c.tools = tool.read(fname, opts.tools)
  c.tool_choice, c.choice_is_name = tool.read_choice(fname, opts.tool_choice, c.tools)
  c.url = c.adapter.url(c)
  return c
end

local function merge(into, from)
  for key, value in pairs(from or {}) do into[key] = value end
  return into
end

local function merge_headers(into, from)
  for name, value in pairs(from or {}) do
    into[type(name) == "string" and name:lower() or name] = value
  end
  return into
end

--- Names sorted: the same question is the same text, also for a recording.
local function body_of(c)
  return json.encode(merge(c.adapter.body(c), c.opts.extra), { sorted = true })
end

---The options of the HTTP request.
---@param c orch.ai.Call
---@return table
function call.request(c)
  local headers = { ["content-type"] = "application/json",
    accept = c.stream and "text/event-stream" or "application/json" }
  for _, more in ipairs { c.adapter.headers(c.key), c.headers or {}, c.opts.headers or {} } do
    merge_headers(headers, more)
  end
  return merge(merge({}, c.http), { body = body_of(c), headers = headers,
    timeout = c.opts.timeout, check = false, follow = false })
end

---The answer in our shape.
---@param c orch.ai.Call
---@param raw table
---@param request_id string?
---@param body string? as it came
---@return orch.ai.Response raises kinds `refused`, `json`, `http`, `status`
function call.response(c, raw, request_id, body)
  local answer = c.adapter.answer(raw)
  if not answer then
    if field.any(raw, "error") ~= nil then failure.inside(c, raw) end
    failure.nonsense(c, body or json.encode(raw))
  end
  local usage = answer.usage
  if not usage.total_tokens and usage.input_tokens and usage.output_tokens then
    usage.total_tokens = usage.input_tokens + usage.output_tokens
  end
  local response = setmetatable({
    text = answer.text, provider = c.name, model = answer.model or c.model,
    elapsed = (c.ended or clock.now()) - c.started, usage = usage, finish_reason = answer.finish_reason,
    tool_calls = answer.tool_calls, request_id = request_id, raw = raw,
    message = { role = "assistant", content = answer.text, tool_calls = answer.tool_calls,
      protocol = c.adapter.protocol, native = answer.native },
  }, Response)
  if answer.refusal then failure.refused(c, response, answer.refusal) end
  if c.format and not answer.tool_calls then
    local ok, value = format.decode(answer.text)
    if not ok then failure.not_json(c, response, value) end
    response.json = value
  end
  return response
end

function call.request_id(headers)
  return headers["request-id"] or headers["x-request-id"]
end

---@param c orch.ai.Call
---@return table raw raises kind `http` when the body is no JSON object
function call.decode(c, body)
  local ok, raw = field.decode(body)
  if not ok or type(raw) ~= "table" then failure.nonsense(c, body) end
  return raw
end

---Sends the request and waits for the whole answer.
---@async
---@param c orch.ai.Call
---@return orch.ai.Response
function call.send(c)
  local ok, answer = pcall(http.post, c.url, call.request(c))
  if not ok then failure.pass(c, answer) end
  if answer.status < 200 or answer.status > 299 then failure.status(c, answer) end
  return call.response(c, call.decode(c, answer.body), call.request_id(answer.headers),
    answer.body)
end

local passing = { rate_limit = true, overloaded = true, server = true }
local worth_it = { network = true, timeout = true, http = true }

--- A quota, a wrong key, a refusal will be the same in a minute.
local function is_passing(err)
  return worth_it[err.kind] or err.kind == "status" and (passing[err.reason] or err.status == 408)
end

---Calls `fn(c)`, more than once when the option `retry` says so.
---@async
function call.attempt(c, fn)
  local wanted = c.opts.retry
  if not wanted then return fn(c) end
  local opts = merge({ retry_on = is_passing }, wanted ~= true and wanted or nil)
  return require "orch.retry"(function() return fn(c) end, opts)
end

return call
