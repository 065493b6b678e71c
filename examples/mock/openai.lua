-- OpenAI's chat completions, as a server: POST /v1/chat/completions.

local checks = require "mock.check"
local check, fail = checks.check, checks.fail
local json = orch.json

local openai = { name = "openai", headers = { ["x-request-id"] = "req_mock" } }

local words = {
  unknown = "Unrecognized request argument supplied: %s",
  missing = "Missing required parameter: '%s'.",
  wrong = "Invalid type for '%s': expected %s.",
}

local types = { [400] = "invalid_request_error", [401] = "invalid_request_error",
  [404] = "invalid_request_error", [429] = "rate_limit_error", [500] = "server_error",
  [503] = "service_unavailable_error" }
local texts = { [429] = "Rate limit reached for requests", [503] = "The server is overloaded",
  invalid = "Incorrect API key provided: wr***ng.",
  missing = "You didn't provide an API key. You need to provide your API key in an "
    .. "Authorization header using Bearer auth." }

function openai.key(request)
  return (request.headers.authorization or ""):match "^Bearer (.+)$"
end

function openai.failure(status, message, after)
  local code = ({ [401] = "invalid_api_key", [404] = "model_not_found",
    [429] = "rate_limit_exceeded" })[status]
  return { status = status, headers = { ["Retry-After"] = after, ["x-request-id"] = "req_mock" },
    json = { error = { message = texts[message or status] or message or "The mock was told to fail",
      type = types[status] or "server_error", param = json.null, code = code or json.null } } }
end

local part = { type = "string!", text = "string", image_url = function(value, at)
  check(value, { url = "string!", detail = "string" }, at .. ".", words)
end }

local message = {
  role = "string!", name = "string", tool_call_id = "string", refusal = "string",
  content = function(value, at)
    if type(value) ~= "table" then return end
    for i, item in ipairs(value) do check(item, part, ("%s[%d]."):format(at, i - 1), words) end
  end,
  tool_calls = function(value, at)
    for i, call in ipairs(value) do
      local place = ("%s[%d]."):format(at, i - 1)
      check(call, { id = "string!", type = "string!", ["function"] = "table!" }, place, words)
      check(call["function"], { name = "string!", arguments = "string!" }, place .. "function.",
        words)
    end
  end,
}

local function schema_is_closed(schema, at)
  if type(schema) ~= "table" then return end
  if schema.type == "object" and schema.additionalProperties ~= false then
    fail(400, "Invalid schema for response_format '%s': 'additionalProperties' is required to be "
      .. "supplied and to be false.", at)
  end
  for _, inner in pairs(schema.properties or {}) do schema_is_closed(inner, at) end
end

local body = {
  model = "string!", messages = "table!", max_completion_tokens = "integer", max_tokens = "integer",
  temperature = "number", top_p = "number", stop = function() end, stream = "boolean",
  stream_options = "table", tools = "table", tool_choice = function() end, seed = "integer",
  reasoning_effort = "string", user = "string",
  response_format = function(value, at)
    check(value, { type = "string!", json_schema = "table" }, at .. ".", words)
    if value.type ~= "json_schema" then return end
    local wanted = check(value.json_schema, { name = "string!", schema = "table",
      strict = "boolean", description = "string" }, at .. ".json_schema.", words)
    if wanted.strict then schema_is_closed(wanted.schema, wanted.name) end
  end,
}

local function read_text(content)
  if type(content) == "string" then return content end
  local list = {}
  for _, item in ipairs(type(content) == "table" and content or {}) do
    list[#list + 1] = item.text or "[image]"
  end
  return table.concat(list, " ")
end

function openai.read(_, path, given)
  if path ~= "/v1/chat/completions" then fail(404, "Invalid URL (POST %s)", path) end
  check(given, body, "", words)
  if given.stream_options and not given.stream then
    fail(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
  end
  local all = {}
  for i, m in ipairs(given.messages) do
    check(m, message, ("messages[%d]."):format(i - 1), words)
    all[i] = read_text(m.content)
  end
  local format = given.response_format and given.response_format.type
  if format == "json_object" and not table.concat(all):find "[Jj][Ss][Oo][Nn]" then
    fail(400, "'messages' must contain the word 'json' in some form, to use 'response_format' of "
      .. "type 'json_object'.")
  end
  if given.model == "missing" then fail(404, "The model `missing` does not exist") end
  local tools = {}
  for _, tool in ipairs(given.tools or {}) do tools[tool["function"].name] = true end
  return { model = given.model, prompt = all[#all] or "", stream = given.stream, tools = tools,
    json = format ~= nil, has_result = given.messages[#given.messages].role == "tool",
    usage = (given.stream_options or {}).include_usage, json_words = format }
end

local function calls_of(said)
  local call = said.call
  return call and { { id = "call_mock1", type = "function", ["function"] = { name = call.name,
    arguments = json.encode(call.arguments or {}) } } } or nil
end

local function usage_of(said)
  return { prompt_tokens = said.input, completion_tokens = said.output,
    total_tokens = said.input + said.output }
end

local function reason_of(said)
  return said.call and "tool_calls" or said.refused and "content_filter" or "stop"
end

function openai.answer(ask, said)
  return { id = "chatcmpl-mock", object = "chat.completion", created = 1790000000,
    model = ask.model, choices = { { index = 0, logprobs = json.null, finish_reason = reason_of(said), message = {
      role = "assistant", content = said.call and json.null or said.text, refusal = json.null,
      tool_calls = calls_of(said) } } }, usage = usage_of(said) }
end

local function send_chunk(send, ask, delta, reason, usage)
  local choices = { { index = 0, delta = delta, finish_reason = reason or json.null } }
  send { data = json.encode { id = "chatcmpl-mock", object = "chat.completion.chunk",
    created = 1790000000, model = ask.model, usage = usage or ask.usage and json.null or nil,
    choices = usage and json.array() or choices } }
end

function openai.begin(send, ask)
  send_chunk(send, ask, { role = "assistant", content = "" })
end

function openai.piece(send, ask, text)
  send_chunk(send, ask, { content = text })
end

function openai.finish(send, ask, said)
  local call = (calls_of(said) or {})[1]
  if call then -- the arguments come in two pieces
    local fn, text = call["function"], call["function"].arguments
    call.index, fn.arguments = 0, text:sub(1, 3)
    send_chunk(send, ask, { tool_calls = { call } })
    local rest = { index = 0, ["function"] = { arguments = text:sub(4) } }
    send_chunk(send, ask, { tool_calls = { rest } })
  end
  send_chunk(send, ask, json.decode "{}", reason_of(said))
  if ask.usage then send_chunk(send, ask, nil, nil, usage_of(said)) end
  send { data = "[DONE]" }
end

function openai.overload(send)
  send { data = json.encode { error = { message = "The server is overloaded", param = json.null,
    type = "server_error", code = "server_is_overloaded" } } }
end

return openai
