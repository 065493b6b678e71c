-- Gemini's generateContent and streamGenerateContent?alt=sse, as a server: POST
-- /v1beta/models/MODEL:METHOD.

local checks = require "mock.check"
local check, fail = checks.check, checks.fail
local json = orch.json

local gemini = { name = "gemini" }

local words = {
  unknown = 'Invalid JSON payload received. Unknown name "%s": Cannot find field.',
  missing = "* %s: is not specified", wrong = "Invalid value at '%s' (%s)",
}

local statuses = { [400] = "INVALID_ARGUMENT", [401] = "INVALID_ARGUMENT",
  [403] = "PERMISSION_DENIED", [404] = "NOT_FOUND", [429] = "RESOURCE_EXHAUSTED",
  [500] = "INTERNAL", [503] = "UNAVAILABLE" }
local texts = {
  [429] = "You exceeded your current quota, please check your plan and billing details.",
  [503] = "The model is overloaded. Please try again later.",
  invalid = "API key not valid. Please pass a valid API key.",
  missing = "Method doesn't allow unregistered callers. Please use API Key." }

function gemini.key(request)
  return request.headers["x-goog-api-key"]
end

-- A wrong key is 400 here, a missing one 403; the wait is said in the body.
function gemini.failure(status, message, after)
  local details = json.array {}
  if message == "invalid" then
    status, details[1] = 400, { ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo",
      reason = "API_KEY_INVALID", domain = "googleapis.com" }
  elseif message == "missing" then
    status = 403
  elseif after then
    details[1] = { ["@type"] = "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay = ("%gs"):format(tonumber(after) or 1) }
  end
  return { status = status, json = { error = { code = status, details = details,
    status = statuses[status] or "INTERNAL",
    message = texts[message or status] or message or "The mock was told to fail" } } }
end

local part = {
  text = "string", thought = "boolean", thoughtSignature = "string",
  inlineData = function(value, at)
    check(value, { mimeType = "string!", data = "string!" }, at .. ".", words)
  end,
  fileData = function(value, at)
    check(value, { mimeType = "string", fileUri = "string!" }, at .. ".", words)
  end,
  functionCall = function(value, at)
    check(value, { id = "string", name = "string!", args = "table" }, at .. ".", words)
  end,
  functionResponse = function(value, at)
    check(value, { id = "string", name = "string!", response = "table!" }, at .. ".", words)
  end,
}

local function check_content(content, at)
  check(content, { role = "string", parts = "table!" }, at .. ".", words)
  for i, item in ipairs(content.parts) do
    check(item, part, ("%s.parts[%d]."):format(at, i - 1), words)
    if item.functionCall and not item.thoughtSignature and i == 1 then
      fail(400, "Function call is missing a thought_signature in functionCall parts.")
    end
  end
end

local config = {
  maxOutputTokens = "integer", temperature = "number", topP = "number", topK = "integer",
  stopSequences = "table", responseMimeType = "string", responseSchema = "table",
  responseJsonSchema = "table", thinkingConfig = "table", seed = "integer",
  candidateCount = "integer",
}

local body = {
  contents = "table!", systemInstruction = function(value, at) check_content(value, at) end,
  generationConfig = function(value, at) check(value, config, at .. ".", words) end,
  tools = "table", toolConfig = "table", safetySettings = "table", cachedContent = "string",
}

local function read_tools(given)
  local tools = {}
  for _, group in ipairs(given.tools or {}) do
    for _, f in ipairs(group.functionDeclarations or {}) do
      check(f, { name = "string!", description = "string!", parameters = "table",
        parametersJsonSchema = "table" }, "tools.function_declarations.", words)
      tools[f.name] = true
    end
  end
  return tools
end

function gemini.read(request, path, given)
  local model, method = path:match "^/v1beta/models/([^/:]+):(%a+)$"
  local is_stream = method == "streamGenerateContent"
  if not is_stream and method ~= "generateContent" then fail(404, "Not Found") end
  if is_stream and request.query.alt ~= "sse" then
    fail(400, "the mock streams with alt=sse only")
  end
  if request.query.key then fail(400, "the key belongs into x-goog-api-key") end
  check(given, body, "", words)
  if #given.contents == 0 then fail(400, words.missing, "GenerateContentRequest.contents") end
  for i, content in ipairs(given.contents) do
    check_content(content, ("contents[%d]"):format(i - 1))
  end
  if model == "missing" then fail(404, "models/missing is not found for API version v1beta") end
  local texts_said, last = {}, given.contents[#given.contents].parts
  for i, item in ipairs(last) do texts_said[i] = item.text or "[data]" end
  return { model = model, prompt = table.concat(texts_said, " "), stream = is_stream,
    tools = read_tools(given), has_result = last[1] and last[1].functionResponse ~= nil,
    json = (given.generationConfig or {}).responseMimeType == "application/json" }
end

local function candidate(parts, reason)
  return { { index = 0, finishReason = reason,
    content = { role = "model", parts = json.array(parts) } } }
end

local function chunk(ask, said, candidates)
  return { candidates = candidates, modelVersion = ask.model, responseId = "mock",
    usageMetadata = { promptTokenCount = said.input, candidatesTokenCount = said.output,
      totalTokenCount = said.input + said.output } }
end

local function last_parts(said)
  return said.call and { { functionCall = { id = "call1", name = said.call.name,
    args = said.call.arguments or {} }, thoughtSignature = "c2lnbmF0dXJl" } } or {}
end

function gemini.answer(ask, said)
  if said.refused then
    return { promptFeedback = { blockReason = "PROHIBITED_CONTENT" }, modelVersion = ask.model,
      usageMetadata = { promptTokenCount = said.input, totalTokenCount = said.input } }
  end
  local parts = last_parts(said)
  if said.text ~= "" then table.insert(parts, 1, { text = said.text }) end
  return chunk(ask, said, candidate(parts, "STOP"))
end

function gemini.begin(_, ask, said)
  ask.said = said
end

function gemini.piece(send, ask, text)
  send { data = json.encode(chunk(ask, ask.said, candidate { { text = text } })) }
end

function gemini.finish(send, ask, said)
  local reason = said.refused and "SAFETY" or "STOP"
  send { data = json.encode(chunk(ask, said, candidate(last_parts(said), reason))) }
end

function gemini.overload(send)
  send { data = json.encode(gemini.failure(503).json) }
end

return gemini
