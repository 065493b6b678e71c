-- Anthropic's messages, as a server: POST /v1/messages, anthropic-version 2023-06-01.

local checks = require "mock.check"
local check, fail = checks.check, checks.fail
local json = orch.json

local anthropic = { name = "anthropic", headers = { ["request-id"] = "req_mock" } }

local words = {
  unknown = "%s: Extra inputs are not permitted", missing = "%s: Field required",
  wrong = "%s: Input should be a valid %s",
}

local types = { [400] = "invalid_request_error", [401] = "authentication_error",
  [403] = "permission_error", [404] = "not_found_error", [413] = "request_too_large",
  [429] = "rate_limit_error", [500] = "api_error", [529] = "overloaded_error" }
local texts = { [529] = "Overloaded", invalid = "invalid x-api-key",
  missing = "x-api-key header is required",
  [429] = "Number of requests has exceeded your per-minute rate limit" }

function anthropic.key(request)
  return request.headers["x-api-key"]
end

local function error_of(status, message)
  return { type = "error", request_id = "req_mock", error = { type = types[status] or "api_error",
    message = texts[message or status] or message or "The mock was told to fail" } }
end

function anthropic.failure(status, message, after)
  return { status = status, headers = { ["retry-after"] = after, ["request-id"] = "req_mock" },
    json = error_of(status, message) }
end

local blocks = {
  text = { type = "string!", text = "string!", citations = "table", cache_control = "table" },
  image = { type = "string!", source = "table!", cache_control = "table" },
  tool_use = { type = "string!", id = "string!", name = "string!", input = "table!" },
  tool_result = { type = "string!", tool_use_id = "string!", content = function() end,
    is_error = "boolean" },
  thinking = { type = "string!", thinking = "string!", signature = "string!" },
}

local function check_block(block, at)
  local spec = blocks[type(block) == "table" and block.type]
  if not spec then fail(400, "%s: Input tag is not one of the expected tags", at) end
  check(block, spec, at .. ".", words)
  if block.type ~= "image" then return end
  local by_url = block.source.type == "url"
  check(block.source, by_url and { type = "string!", url = "string!" }
    or { type = "string!", media_type = "string!", data = "string!" }, at .. ".source.", words)
end

local message = {
  role = function(value, at)
    if value ~= "user" and value ~= "assistant" then
      fail(400, "%s: Input should be 'user' or 'assistant'", at)
    end
  end,
  content = function(value, at)
    if value == "" then fail(400, "%s: text content blocks must be non-empty", at) end
    for i, block in ipairs(type(value) == "table" and value or {}) do
      check_block(block, ("%s.%d"):format(at, i - 1))
    end
  end,
}

local body = {
  model = "string!", max_tokens = "integer!", messages = "table!", system = function() end,
  temperature = "number", top_p = "number", top_k = "integer", stop_sequences = "table",
  stream = "boolean", tools = "table", tool_choice = "table", metadata = "table",
  thinking = "table",
  output_config = function(value, at)
    check(value, { effort = "string", format = "table" }, at .. ".", words)
    if not value.format then return end
    check(value.format, { type = "string!", schema = "table!" }, at .. ".format.", words)
    if value.format.schema.additionalProperties ~= false then
      fail(400, "%s.schema: For 'object' type, 'additionalProperties' must be explicitly set to "
        .. "false", at)
    end
  end,
}

local function read_text(content)
  if type(content) == "string" then return content end
  local list = {}
  for _, block in ipairs(content) do
    list[#list + 1] = block.text or block.type == "tool_result" and "[result]" or "[image]"
  end
  return table.concat(list, " ")
end

local function results(given)
  local last = given.messages[#given.messages].content
  return type(last) == "table" and last[1] and last[1].type == "tool_result"
end

function anthropic.read(request, path, given)
  if path ~= "/v1/messages" then fail(404, "Not Found") end
  if request.headers["anthropic-version"] ~= "2023-06-01" then
    fail(400, "anthropic-version: header is required")
  end
  check(given, body, "", words)
  if #given.messages == 0 then fail(400, "messages: at least one message is required") end
  for i, m in ipairs(given.messages) do
    check(m, message, ("messages.%d."):format(i - 1), words)
  end
  if given.model == "missing" then fail(404, "model: missing") end
  local tools, format = {}, (given.output_config or {}).format
  for i, tool in ipairs(given.tools or {}) do
    check(tool, { name = "string!", description = "string", input_schema = "table!",
      strict = "boolean" }, ("tools.%d."):format(i - 1), words)
    tools[tool.name] = true
  end
  return { model = given.model, prompt = read_text(given.messages[#given.messages].content),
    stream = given.stream, tools = tools, has_result = results(given),
    json = format ~= nil or tostring(given.system):find "JSON" ~= nil }
end

local function reason_of(said)
  return said.call and "tool_use" or said.refused and "refusal" or "end_turn"
end

local function details_of(said)
  return said.refused and { type = "refusal", category = "cyber",
    explanation = "This request was declined by a safety classifier." } or json.null
end

local function message_of(ask, content, output)
  return { id = "msg_mock", type = "message", role = "assistant", model = ask.model,
    content = json.array(content), stop_reason = json.null, stop_sequence = json.null,
    usage = { input_tokens = ask.input, output_tokens = output, cache_read_input_tokens = 0,
      cache_creation_input_tokens = 0 } }
end

function anthropic.answer(ask, said)
  ask.input = said.input
  local content = {}
  if said.text ~= "" then content[1] = { type = "text", text = said.text } end
  if said.call then
    content[#content + 1] = { type = "tool_use", id = "toolu_mock1", name = said.call.name,
      input = said.call.arguments or {} }
  end
  local whole = message_of(ask, content, said.output)
  whole.stop_reason, whole.stop_details = reason_of(said), details_of(said)
  return whole
end

local function send_event(send, data)
  send { event = data.type, data = json.encode(data) }
end

local function send_block(send, index, block, delta)
  send_event(send, { type = "content_block_start", index = index, content_block = block })
  for _, d in ipairs(delta or {}) do
    send_event(send, { type = "content_block_delta", index = index, delta = d })
  end
  if delta then send_event(send, { type = "content_block_stop", index = index }) end
end

function anthropic.begin(send, ask, said)
  ask.input = said.input
  send_event(send, { type = "message_start", message = message_of(ask, {}, 1) })
  send_event(send, { type = "ping" })
  if said.text ~= "" then send_block(send, 0, { type = "text", text = "" }) end
end

function anthropic.piece(send, _, text)
  send_event(send, { type = "content_block_delta", index = 0,
    delta = { type = "text_delta", text = text } })
end

function anthropic.finish(send, _, said)
  if said.text ~= "" then send_event(send, { type = "content_block_stop", index = 0 }) end
  if said.call then -- the input comes in two pieces
    local input = json.encode(said.call.arguments or {})
    send_block(send, 0, { type = "tool_use", id = "toolu_mock1", name = said.call.name,
      input = json.decode "{}" }, { { type = "input_json_delta", partial_json = input:sub(1, 3) },
      { type = "input_json_delta", partial_json = input:sub(4) } })
  end
  send_event(send, { type = "message_delta", usage = { output_tokens = said.output },
    delta = { stop_reason = reason_of(said), stop_sequence = json.null,
      stop_details = details_of(said) } })
  send_event(send, { type = "message_stop" })
end

function anthropic.overload(send)
  send { event = "error", data = json.encode(error_of(529)) }
end

return anthropic
