--- Anthropic's messages (POST /v1/messages, anthropic-version 2023-06-01).
---
---     local claude = orch.ai.anthropic {}
---     print(claude:chat("Hello").text)

local json = require "orch.json"
local field = require "orch.ai.field"
local format = require "orch.ai.format"
local tool = require "orch.ai.tool"

local anthropic = {
  protocol = "anthropic", env = { "ANTHROPIC_API_KEY" },
  base_url = "https://api.anthropic.com/v1", reader = require "orch.ai.anthropic_reader",
  -- The API wants a limit. This one leaves room for thoughts, which count, and is short
  -- enough for an answer that comes in one piece.
  max_tokens = 16384,
}

function anthropic.url(call)
  return call.base_url .. "/messages"
end

function anthropic.headers(key)
  return { ["x-api-key"] = key or nil, ["anthropic-version"] = "2023-06-01" }
end

local function write_part(part)
  if part.text then return { type = "text", text = part.text } end
  local i = part.image
  if i.url then return { type = "image", source = { type = "url", url = i.url } } end
  return { type = "image", source = { type = "base64", media_type = i.type, data = i.data } }
end

local function write_content(m)
  if m.role == "tool" then
    return { { type = "tool_result", tool_use_id = m.id, content = tool.result(m.content),
      is_error = m.failed or nil } }
  end
  if m.native and m.protocol == "anthropic" then return m.native end
  local blocks = {}
  for i, part in ipairs(m.parts) do blocks[i] = write_part(part) end
  for _, call in ipairs(m.tool_calls or {}) do
    blocks[#blocks + 1] = { type = "tool_use", id = call.id, name = call.name,
      input = call.arguments or {} }
  end
  return blocks
end

--- Results of tools are said by the user, all those of one turn in one message.
local function write_messages(messages)
  local list, last = {}, nil
  for _, m in ipairs(messages) do
    local blocks = write_content(m)
    if m.role == "tool" and last == "tool" then
      table.move(blocks, 1, #blocks, #list[#list].content + 1, list[#list].content)
    elseif #blocks == 1 and blocks[1].type == "text" then
      list[#list + 1] = { role = m.role, content = blocks[1].text }
    else
      list[#list + 1] = { role = m.role == "tool" and "user" or m.role, content = blocks }
    end
    last = m.role
  end
  return list
end

local function write_tools(tools)
  local list = {}
  for i, t in ipairs(tools) do
    list[i] = { name = t.name, description = t.description, input_schema = t.parameters }
  end
  return list
end

local function write_choice(choice, is_name)
  if is_name then return { type = "tool", name = choice } end
  return choice and { type = choice == "required" and "any" or choice } or nil
end

local function write_output(call)
  local schema = call.format and call.format.schema
  if not schema and not call.opts.effort then return nil end
  return { effort = call.opts.effort,
    format = schema and { type = "json_schema", schema = format.close(schema) } or nil }
end

---@param call orch.ai.Call
---@return table
function anthropic.body(call)
  local o, system = call.opts, call.system
  if call.format and not call.format.schema then
    system = system and system .. "\n\n" .. format.request or format.request
  end
  return {
    model = call.model, max_tokens = o.max_tokens or anthropic.max_tokens, system = system,
    messages = write_messages(call.messages), temperature = o.temperature, top_p = o.top_p,
    stop_sequences = type(o.stop) == "string" and { o.stop } or o.stop,
    output_config = write_output(call),
    tools = call.tools and write_tools(call.tools) or nil,
    tool_choice = write_choice(call.tool_choice, call.choice_is_name),
    stream = call.stream or nil,
  }
end

local reasons = {
  end_turn = "stop", stop_sequence = "stop", max_tokens = "length",
  model_context_window_exceeded = "length", tool_use = "tool_calls", pause_turn = "pause",
  refusal = "refused",
}

--- What was read from the cache or written to it is input, too, but counted apart.
local function read_usage(raw)
  local input = field.count(raw, "usage", "input_tokens")
  local output = field.count(raw, "usage", "output_tokens")
  local cached = field.count(raw, "usage", "cache_read_input_tokens")
  if input then
    input = input + (cached or 0)
      + (field.count(raw, "usage", "cache_creation_input_tokens") or 0)
  end
  return { input_tokens = input, output_tokens = output, cached_tokens = cached,
    total_tokens = input and output and input + output or nil }
end

---@param raw table
---@return table? answer
function anthropic.answer(raw)
  local blocks = field.list(raw, "content")
  if not blocks or field.text(raw, "type") == "error" then return nil end
  local texts, calls = {}, {}
  for _, block in ipairs(blocks) do
    local kind = field.text(block, "type")
    if kind == "text" then
      texts[#texts + 1] = field.text(block, "text")
    elseif kind == "tool_use" then
      calls[#calls + 1] = { id = field.text(block, "id"), name = field.text(block, "name"),
        arguments = field.table(block, "input") }
    end
  end
  local reason = field.text(raw, "stop_reason")
  local category = field.text(raw, "stop_details", "category")
  local refusal = field.text(raw, "stop_details", "explanation") or category or reason
  return {
    text = table.concat(texts), tool_calls = calls[1] and calls or nil,
    model = field.text(raw, "model"), finish_reason = reasons[reason] or reason,
    refusal = reason == "refusal" and refusal or nil, usage = read_usage(raw),
    native = json.array(blocks),
  }
end

local known = {
  authentication_error = { "key", 401 }, permission_error = { "permission", 403 },
  billing_error = { "quota", 402 }, not_found_error = { "model", 404 },
  request_too_large = { "request", 413 }, rate_limit_error = { "rate_limit", 429 },
  api_error = { "server", 500 }, timeout_error = { "server", 504 },
  overloaded_error = { "overloaded", 529 }, invalid_request_error = { "request", 400 },
}

---@param body any
---@return orch.ai.Said
function anthropic.failure(body)
  local kind = field.text(body, "error", "type")
  local reason, status = table.unpack(known[kind] or {})
  if field.text(body, "error", "details", "error_code") == "enforced_spend_limit_reached" then
    reason = "quota"
  end
  return { message = field.text(body, "error", "message"), type = kind, reason = reason,
    status = status, request_id = field.text(body, "request_id") }
end

return anthropic
