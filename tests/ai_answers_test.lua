-- Answers in which any field may be missing or of another type: what comes of them is an
-- answer or an Error that names the provider, never an error of Lua's.

local ai, json = orch.ai, orch.json

local whole = {
  openai = [[{"model":"m","choices":[{"finish_reason":"stop","message":{"role":"assistant",
    "content":"hi","refusal":null,"tool_calls":[{"id":"1","type":"function","function":
    {"name":"f","arguments":"{}"}}]}}],"usage":{"prompt_tokens":1,"completion_tokens":2,
    "prompt_tokens_details":{"cached_tokens":1}},"error":null}]],
  anthropic = [[{"type":"message","model":"m","content":[{"type":"text","text":"hi"},
    {"type":"tool_use","id":"1","name":"f","input":{"a":1}}],"stop_reason":"end_turn",
    "stop_details":{"category":"a","explanation":"b"},"usage":{"input_tokens":1,
    "output_tokens":2,"cache_read_input_tokens":3}}]],
  gemini = [[{"candidates":[{"finishReason":"STOP","finishMessage":"x","content":{"role":"model",
    "parts":[{"text":"a"},{"text":"hi"},{"functionCall":{"id":"1","name":"f","args":{"a":1}}}]}}],
    "promptFeedback":{"blockReasonMessage":"x"},"modelVersion":"m","usageMetadata":
    {"promptTokenCount":1,"thoughtsTokenCount":1,"candidatesTokenCount":1}}]],
}

local errors = {
  openai = [[{"error":{"message":"m","type":null,"code":"c"},"message":"a"}]],
  anthropic = [[{"type":"error","error":{"type":"api_error","message":"m",
    "details":{"error_code":"x"}},"request_id":"r"}]],
  gemini = [[{"error":{"code":400,"message":"m","status":null,
    "details":[{"reason":"x","retryDelay":"3s"}]}}]],
}

local streams = {
  openai = { [[{"model":"m","choices":[{"delta":{"role":"assistant","content":"a"}}]}]],
    [[{"choices":[{"delta":{"content":"b","refusal":null,"tool_calls":[{"index":0,"id":"i",
      "type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}}]}]],
    [[{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},
      "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}]] },
  anthropic = { [[{"type":"message_start","message":{"model":"m","usage":{"input_tokens":1}}}]],
    [[{"type":"content_block_start","index":0,"content_block":{"type":"thinking"}}]],
    [[{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta",
      "thinking":"t"}}]],
    [[{"type":"message_delta","delta":{"stop_reason":"end_turn","content":[]},"usage":{}}]],
    [[{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"z"}}]],
    [[{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"t"}}]],
    [[{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","name":"f"}}]],
    [[{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",
      "partial_json":"{}"}}]],
    [[{"type":"content_block_stop","index":2}]], [[{"type":"message_stop"}]] },
  gemini = { [[{"candidates":[{"content":{"role":"model","parts":[{"text":"a","thought":false},
      {"text":"b"}]}}],"modelVersion":"m","usageMetadata":{"promptTokenCount":1}}]],
    [[{"candidates":[{"content":{"parts":[{"text":"c","thoughtSignature":"x"}]},
      "finishReason":"STOP","finishMessage":"x"}]}]] },
}

local odd = { "null", "true", "0", "-5", "1.5", "9223372036854775807", '""', '"x"', '"SAFETY"',
  "[]", "{}", "[1]", '[{"text":null},{"text":"a"}]', '[[{"a":1}]]', '{"text":1}' }

--- Calls `fn` with the text of `doc`, once for each of its fields and each odd value.
local function each_change(doc, fn)
  local root = json.decode(doc)
  local function walk(node)
    for key, value in pairs(node) do
      for _, text in ipairs(odd) do
        node[key] = json.decode(text)
        fn(json.encode(root))
      end
      node[key] = value
      if type(value) == "table" then walk(value) end
    end
  end
  walk(root)
end

local answer

local function provider(name)
  test.http { ["POST *"] = function() return answer end }
  return ai[name] { base_url = "http://mock/v1", key = "key-of-the-mock" }
end

local function expect_typed(name, err, sent)
  local good = err.provider == name and tostring(err):find(name, 1, true)
    and err.kind ~= "error" and err.kind ~= "usage"
  if not good then expect(tostring(err) .. " <- " .. sent):equals "an Error of the provider" end
end

--- Asks, and hands the answer back for a second turn.
local function ask(name, p, sent)
  local ok, err = orch.try(function()
    local r = p:chat "x"
    expect(r.text):is_a "string"
    ai.cost(r)
    answer = { body = whole[name] }
    p:chat { r.message, { role = "user", content = "go on" } }
  end)
  if not ok then expect_typed(name, err, sent) end
end

local function read(name, p, texts)
  answer = { events = texts }
  local ok, err = orch.try(function()
    local s <close> = p:stream "x"
    s:text()
    answer = { body = whole[name] }
    p:chat { s.response.message, { role = "user", content = "go on" } }
  end)
  if not ok then expect_typed(name, err, table.concat(texts, "\n")) end
end

for _, name in ipairs { "openai", "anthropic", "gemini" } do
  describe(name, function()
    it("any field of an answer may be anything", function()
      local p = provider(name)
      each_change(whole[name], function(text)
        answer = { body = text }
        ask(name, p, text)
      end)
    end)

    it("any field of an error may be anything", function()
      local p = provider(name)
      for _, status in ipairs { 200, 400, 429, 500 } do
        each_change(errors[name], function(text)
          answer = { body = text, status = status }
          ask(name, p, text)
        end)
      end
    end)

    it("any field of a stream's events may be anything", function()
      local p, texts = provider(name), table.move(streams[name], 1, #streams[name], 1, {})
      if name == "openai" then texts[#texts + 1] = "[DONE]" end
      for i, event in ipairs(streams[name]) do
        each_change(event, function(text)
          texts[i] = text
          read(name, p, texts)
        end)
        texts[i] = event
        table.insert(texts, i, errors[name])
        read(name, p, texts)
        table.remove(texts, i)
      end
    end)

    it("a password in base_url is not told", function()
      test.http { ["POST *"] = function() return answer end }
      local p = ai[name] { base_url = "http://me:zq47@mock/api", key = "key-of-the-mock" }
      for _, one in ipairs { { body = "nonsense" }, { status = 404 },
        { status = 301, headers = { Location = "http://me:zq47@other/" } } } do
        answer = one
        local ok, err = orch.try(p.chat, p, "x")
        expect(ok):equals(false)
        expect(err.message .. err.url).never:contains "zq47"
        expect(err.message):contains "://"
      end
    end)

    it("when to try again may be told in any way", function()
      local p = provider(name)
      for _, value in ipairs { "", "x", "-1", "inf", ("9"):rep(400), "2026-11-22T10:00:1.2.3Z",
        "2026-99-99T99:99:99+99:99", "Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "6m0s" } do
        for _, header in ipairs { "Retry-After", "retry-after-ms", "x-ratelimit-reset-requests",
          "anthropic-ratelimit-tokens-reset" } do
          answer = { status = 429, headers = { [header] = value,
            ["x-ratelimit-remaining-requests"] = "0",
            ["anthropic-ratelimit-tokens-remaining"] = "0" } }
          local ok, err = orch.try(p.chat, p, "x")
          expect(ok):equals(false)
          expect_typed(name, err, header .. ": " .. value)
          expect(err.retry_after == nil or err.retry_after < math.huge):truthy()
        end
      end
    end)
  end)
end
