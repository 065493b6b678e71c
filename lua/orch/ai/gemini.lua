--- Google's Gemini (POST /v1beta/models/MODEL:generateContent). The key goes into a
--- header, never into the address.
---
---     local gemini = orch.ai.gemini {}
---     print(gemini:chat("Hello").text)

local json = require "orch.json"
local field = require "orch.ai.field"

local gemini = {
  protocol = "gemini", env = { "GEMINI_API_KEY", "GOOGLE_API_KEY" },
  base_url = "https://generativelanguage.googleapis.com/v1beta",
  reader = require "orch.ai.gemini_reader",
}

function gemini.url(call)
  local model = call.model:gsub("^models/", "")
  if not model:find "/" then model = "models/" .. model end -- tunedModels/... stays
  model = model:gsub("[^%w%-._~/@]", function(c) return ("%%%02X"):format(c:byte()) end)
  return ("%s/%s:%s"):format(call.base_url, model,
    call.stream and "streamGenerateContent?alt=sse" or "generateContent")
end

function gemini.headers(key)
  return { ["x-goog-api-key"] = key or nil }
end

local function write_part(part)
  if part.text then return { text = part.text } end
  local i = part.image
  if i.url then return { fileData = { mimeType = i.type, fileUri = i.url } } end
  return { inlineData = { mimeType = i.type, data = i.data } }
end

local function write_result(m)
  local result = m.content
  if type(result) ~= "table" or #result > 0 then result = { result = result } end
  if m.failed then result = { error = m.content } end
  return { functionResponse = { id = m.id, name = m.name, response = result } }
end

local function write_parts(m)
  if m.role == "tool" then return { write_result(m) } end
  if m.native and m.protocol == "gemini" then return m.native end
  local parts = {}
  for i, part in ipairs(m.parts) do parts[i] = write_part(part) end
  for _, call in ipairs(m.tool_calls or {}) do
    parts[#parts + 1] = { functionCall = { id = call.id, name = call.name,
      args = call.arguments or {} } }
  end
  return parts
end

local function write_contents(messages)
  local list, last = {}, nil
  for _, m in ipairs(messages) do
    local parts = write_parts(m)
    if m.role == "tool" and last == "tool" then
      local together = list[#list].parts
      table.move(parts, 1, #parts, #together + 1, together)
    else
      list[#list + 1] = { role = m.role == "assistant" and "model" or "user", parts = parts }
    end
    last = m.role
  end
  return list
end

local function write_config(call)
  local o = call.opts
  local config = {
    maxOutputTokens = o.max_tokens, temperature = o.temperature, topP = o.top_p,
    stopSequences = type(o.stop) == "string" and { o.stop } or o.stop,
    thinkingConfig = o.effort and { thinkingLevel = o.effort } or nil,
  }
  if call.format then
    config.responseMimeType = "application/json"
    config.responseJsonSchema = call.format.schema
  end
  return next(config) and config or nil
end

local function write_tools(tools)
  local list = {}
  for i, t in ipairs(tools) do
    list[i] = { name = t.name, description = t.description or "",
      parametersJsonSchema = next(t.parameters.properties or {}) and t.parameters or nil }
  end
  return { { functionDeclarations = list } }
end

local modes = { auto = "AUTO", none = "NONE", required = "ANY" }

local function write_choice(choice, is_name)
  if not choice then return nil end
  return { functionCallingConfig = { mode = modes[choice] or "ANY",
    allowedFunctionNames = is_name and { choice } or nil } }
end

---@param call orch.ai.Call
---@return table
function gemini.body(call)
  return {
    contents = write_contents(call.messages),
    systemInstruction = call.system and { parts = { { text = call.system } } } or nil,
    generationConfig = write_config(call),
    tools = call.tools and write_tools(call.tools) or nil,
    toolConfig = write_choice(call.tool_choice, call.choice_is_name),
  }
end

local reasons = { STOP = "stop", MAX_TOKENS = "length" }
local refusals = {
  SAFETY = true, RECITATION = true, BLOCKLIST = true, PROHIBITED_CONTENT = true, SPII = true,
  IMAGE_SAFETY = true, IMAGE_PROHIBITED_CONTENT = true, IMAGE_RECITATION = true,
  MODEL_ARMOR = true,
}

local function read_usage(raw)
  local input = field.count(raw, "usageMetadata", "promptTokenCount")
  local thoughts = field.count(raw, "usageMetadata", "thoughtsTokenCount")
  local output = field.count(raw, "usageMetadata", "candidatesTokenCount")
  if output or thoughts then output = (output or 0) + (thoughts or 0) end
  return { input_tokens = input, output_tokens = output or input and 0 or nil,
    total_tokens = field.count(raw, "usageMetadata", "totalTokenCount"),
    cached_tokens = field.count(raw, "usageMetadata", "cachedContentTokenCount"),
    reasoning_tokens = thoughts }
end

local function read_parts(parts)
  local texts, calls = {}, {}
  for _, part in ipairs(parts) do
    local text, call = field.text(part, "text"), field.table(part, "functionCall")
    if text and field.any(part, "thought") ~= true then texts[#texts + 1] = text end
    if call and field.text(call, "name") then
      calls[#calls + 1] = { id = field.text(call, "id"), name = call.name,
        arguments = field.table(call, "args") or {} }
    end
  end
  return table.concat(texts), calls[1] and calls or nil
end

---@param raw table
---@return table? answer
function gemini.answer(raw)
  local candidate = field.table(raw, "candidates", 1)
  local blocked = field.text(raw, "promptFeedback", "blockReason")
  if not candidate and not blocked then return nil end
  local parts = field.list(candidate, "content", "parts") or {}
  local text, calls = read_parts(parts)
  local word = blocked or field.text(candidate, "finishReason")
  local refused = blocked or refusals[word]
  local reason = refused and "refused" or reasons[word] or word and word:lower()
  if calls and reason == "stop" then reason = "tool_calls" end
  local said = field.text(candidate, "finishMessage")
    or field.text(raw, "promptFeedback", "blockReasonMessage")
  return {
    text = text, tool_calls = calls, model = field.text(raw, "modelVersion"),
    finish_reason = reason, refusal = refused and (said and word .. ": " .. said or word) or nil,
    usage = read_usage(raw), native = json.array(parts),
  }
end

local known = {
  INVALID_ARGUMENT = { "request", 400 }, FAILED_PRECONDITION = { "request", 400 },
  UNAUTHENTICATED = { "key", 401 }, PERMISSION_DENIED = { "permission", 403 },
  NOT_FOUND = { "model", 404 }, RESOURCE_EXHAUSTED = { "rate_limit", 429 },
  INTERNAL = { "server", 500 }, UNAVAILABLE = { "overloaded", 503 },
  DEADLINE_EXCEEDED = { "server", 504 },
}

--- "3.5s", or "3s" and nanoseconds apart.
local function seconds(delay)
  local wait = type(delay) == "string" and tonumber(delay:match "^([%d.]+)s$")
  return wait and wait < math.huge and wait or nil
end

---@param body any
---@return orch.ai.Said
function gemini.failure(body)
  body = field.table(body, 1) or body -- without alt=sse, errors come in a list
  local status = field.text(body, "error", "status")
  local reason = table.unpack(known[status] or {})
  local said = { message = field.text(body, "error", "message"), type = status, reason = reason,
    code = field.any(body, "error", "code"),
    status = field.count(body, "error", "code") or (known[status] or {})[2] }
  for _, detail in ipairs(field.table(body, "error", "details") or {}) do
    said.retry_after = seconds(field.any(detail, "retryDelay")) or said.retry_after
    if field.text(detail, "reason") == "API_KEY_INVALID" then -- and the status is 400
      said.reason, said.type = "key", "API_KEY_INVALID"
    end
  end
  return said
end

return gemini
