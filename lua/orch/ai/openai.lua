--- OpenAI's chat completions (POST /v1/chat/completions), and every server that speaks
--- the same: Ollama, llama.cpp, vLLM, OpenRouter and others.
---
---     local gpt = orch.ai.openai {}
---     local llama = orch.ai.openai { base_url = "http://localhost:11434/v1", model = "llama3.2" }

local json = require "orch.json"
local field = require "orch.ai.field"
local format = require "orch.ai.format"
local tool = require "orch.ai.tool"

local openai = {
  protocol = "openai", env = { "OPENAI_API_KEY" }, base_url = "https://api.openai.com/v1",
  reader = require "orch.ai.openai_reader",
}

function openai.url(call)
  return call.base_url .. "/chat/completions"
end

function openai.headers(key)
  return { Authorization = key and "Bearer " .. key or nil }
end

local function write_part(part)
  if part.text then return { type = "text", text = part.text } end
  local i = part.image
  return { type = "image_url",
    image_url = { url = i.url or ("data:%s;base64,%s"):format(i.type, i.data) } }
end

local function write_calls(calls)
  local list = {}
  for i, call in ipairs(calls) do
    list[i] = { id = call.id, type = "function", ["function"] = { name = call.name,
      arguments = call.text or json.encode(call.arguments) } }
  end
  return list
end

local function write_message(m)
  if m.role == "tool" then
    return { role = "tool", tool_call_id = m.id, content = tool.result(m.content) }
  end
  if m.native and m.protocol == "openai" then return m.native end
  local content = json.null
  if #m.parts == 1 and m.parts[1].text then
    content = m.parts[1].text -- a list would do, but not for every server
  elseif #m.parts > 0 then
    content = {}
    for i, part in ipairs(m.parts) do content[i] = write_part(part) end
  end
  return { role = m.role, content = content,
    tool_calls = m.tool_calls and write_calls(m.tool_calls) or nil }
end

local function write_messages(call)
  local list = {}
  local system = call.system
  if call.format and not call.format.schema then -- OpenAI wants to read the word JSON
    system = system and system .. "\n\n" .. format.request or format.request
  end
  if system then list[1] = { role = "system", content = system } end
  for _, m in ipairs(call.messages) do list[#list + 1] = write_message(m) end
  return list
end

local function write_format(wanted)
  if not wanted.schema then return { type = "json_object" } end
  local schema = format.close(wanted.schema)
  return { type = "json_schema", json_schema = { name = "answer", schema = schema,
    strict = format.is_strict(schema) } }
end

local function write_tools(tools)
  local list = {}
  for i, t in ipairs(tools) do
    list[i] = { type = "function", ["function"] = { name = t.name, description = t.description,
      parameters = t.parameters } }
  end
  return list
end

local function write_choice(choice, is_name)
  return is_name and { type = "function", ["function"] = { name = choice } } or choice
end

---The body of a request. `max_tokens` is `max_completion_tokens` at OpenAI, whose newer
---models know no other, and `max_tokens` elsewhere, where few know the new name.
---@param call orch.ai.Call
---@return table
function openai.body(call)
  local o = call.opts
  local own = call.base_url == openai.base_url
  local effort = o.effort
  -- In chat completions, GPT-6 calls functions only when it does not reason.
  if own and call.tools and not effort and call.model:find "^gpt%-6%-" then effort = "none" end
  return {
    model = call.model, messages = write_messages(call),
    [own and "max_completion_tokens" or "max_tokens"] = o.max_tokens,
    temperature = o.temperature, top_p = o.top_p, stop = o.stop, reasoning_effort = effort,
    response_format = call.format and write_format(call.format) or nil,
    tools = call.tools and write_tools(call.tools) or nil,
    tool_choice = write_choice(call.tool_choice, call.choice_is_name),
    stream = call.stream or nil,
    stream_options = call.stream and { include_usage = true } or nil,
  }
end

local function read_calls(list)
  local calls = {}
  for _, given in ipairs(list or {}) do
    local name = field.text(given, "function", "name")
    if name then
      calls[#calls + 1] = tool.decode({ id = field.text(given, "id"), name = name },
        field.text(given, "function", "arguments"))
    end
  end
  return calls[1] and calls or nil
end

local reasons = {
  stop = "stop", length = "length", tool_calls = "tool_calls", function_call = "tool_calls",
  content_filter = "refused",
}

---@param raw table what the server has answered, or the reader has put together
---@return table? answer nil when it is none
function openai.answer(raw)
  local choice = field.table(raw, "choices", 1)
  local said = field.table(choice, "message")
  if not said then return nil end
  local given = field.list(said, "tool_calls")
  local calls = read_calls(given)
  local reason = field.text(choice, "finish_reason")
  local refusal = field.text(said, "refusal")
  local text = field.text(said, "content") or ""
  return {
    text = text, tool_calls = calls, model = field.text(raw, "model"),
    finish_reason = refusal and "refused" or reasons[reason] or reason,
    refusal = refusal or reason == "content_filter" and reason or nil,
    usage = {
      input_tokens = field.count(raw, "usage", "prompt_tokens"),
      output_tokens = field.count(raw, "usage", "completion_tokens"),
      total_tokens = field.count(raw, "usage", "total_tokens"),
      cached_tokens = field.count(raw, "usage", "prompt_tokens_details", "cached_tokens"),
      reasoning_tokens = field.count(raw, "usage", "completion_tokens_details",
        "reasoning_tokens"),
    },
    native = { role = "assistant", content = text, tool_calls = calls and given or nil },
  }
end

local refusals = {
  content_filter = true, content_policy_violation = true, invalid_prompt = true,
}

---What an error says. Some compatible servers send a bare text.
---@param body any
---@return orch.ai.Said
function openai.failure(body)
  local err = field.any(body, "error")
  if type(err) == "string" then return { message = err } end
  local code = field.any(err, "code")
  local said = { message = field.text(err, "message") or field.text(body, "message"),
    type = field.text(err, "type"), code = code,
    status = math.type(code) and math.tointeger(code) or nil } -- OpenRouter
  if refusals[code] then said.reason = "refused" end
  if code == "insufficient_quota" or said.type == "insufficient_quota"
    or code == "credit_balance_exhausted" then said.reason = "quota" end
  if code == "server_is_overloaded" or code == "slow_down" then said.reason = "overloaded" end
  if code == "rate_limit_exceeded" then said.reason = "rate_limit" end
  if code == "model_not_found" then said.reason = "model" end
  if code == "invalid_api_key" then said.reason = "key" end
  return said
end

return openai
