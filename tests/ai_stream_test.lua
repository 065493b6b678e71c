-- orch.ai: answers that come piece by piece, and all the ways in which they do not.

local json = orch.json

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."
package.path = package.path .. ";" .. root .. "/examples/?.lua"
local mock = require "mock_providers"

local function provider(server, name, opts)
  opts = opts or {}
  opts.base_url, opts.key = server[name], "test-key-1"
  return orch.ai[name](opts)
end

local function collect(stream)
  local pieces = {}
  for text in stream do pieces[#pieces + 1] = text end
  return pieces
end

for _, name in ipairs { "openai", "anthropic", "gemini" } do
  describe(name, function()
    it("comes in pieces, and is whole at the end", function()
      local server <close> = mock.serve { [name] = { text = "one two three" } }
      local s <close> = provider(server, name):stream "x"
      expect(s.response):is_nil()
      expect(collect(s)):equals { "one", " two", " three" }
      local r = s.response
      expect(r.text):equals "one two three"
      expect(r.provider):equals(name)
      expect(r.finish_reason):equals "stop"
      expect(r.usage.input_tokens):equals(1)
      expect(r.usage.output_tokens):equals(4)
      expect(r.usage.total_tokens):equals(5)
      expect(r.elapsed):greater_than(0)
      expect(s:read()):is_nil()
      expect(s:text()):equals ""
    end)

    it("is the same as an answer in one piece", function()
      local server <close> = mock.serve { [name] = { text = "one two" } }
      local p = provider(server, name)
      local whole = p:chat "x"
      local s <close> = p:stream "x"
      s:text()
      expect(s.response.message):equals(whole.message)
      expect(s.response.usage):equals(whole.usage)
      expect(s.response.model):equals(whole.model)
    end)

    it("arrives while it is written", function()
      local server <close> = mock.serve { [name] = { text = "one two" } }
      local said
      server.settings[name].text = function() return "one two" end
      server.settings[name].pace = "1h"
      local s <close> = provider(server, name):stream "x"
      said = s:read()
      expect(said):equals "one" -- and the rest is an hour away
    end)

    it("a loop that is left closes it", function()
      local server <close> = mock.serve { [name] = { text = "one two three", pace = 0.01 } }
      for text in provider(server, name):stream "x" do
        expect(text):equals "one"
        break
      end
      -- The framework fails the case if the connection is still there.
    end)

    it("is told when nobody reads it", function()
      local file = test.temp_dir() .. "/left.lua"
      orch.fs.write(file, ([[
        package.path = package.path .. ";%s/examples/?.lua"
        local server <close> = require("mock_providers").serve {}
        local p = orch.ai.%s { base_url = server.%s, key = "any" }
        local s = p:stream "x"
      ]]):format(root:sub(1, 1) == "/" and root or orch.fs.path.absolute(root), name, name))
      local result = test.run({ "run", file }, { timeout = 20 })
      expect(result.stderr):matches "the provider:stream of %S*left%.lua:4 was neither read to its end"
    end)

    it("asks for a stream", function()
      local server <close> = mock.serve()
      local s <close> = provider(server, name):stream "x"
      s:text()
      local request = server.requests[1]
      if name == "gemini" then
        expect(request.path):matches ":streamGenerateContent$"
        expect(request.body.stream):is_nil()
      else
        expect(request.body.stream):equals(true)
      end
      if name == "openai" then
        expect(request.body.stream_options):equals { include_usage = true }
      end
    end)

    it("JSON is decoded at the end", function()
      local server <close> = mock.serve { [name] = { text = '{"a": [1, 2]}' } }
      local s <close> = provider(server, name):stream("x", { json = true })
      s:text()
      expect(s.response.json):equals { a = { 1, 2 } }
    end)

    it("a refusal comes at the end", function()
      local server <close> = mock.serve { [name] = { fail = "refuse" } }
      local s <close> = provider(server, name):stream "x"
      local err = expect(function() s:text() end):raises "refused"
      expect(err.provider):equals(name)
      expect(expect(function() s:read() end):raises "refused"):is(err)
    end)

    it("an error before the first piece is that of chat", function()
      local server <close> = mock.serve { [name] = { fail = 429, after = 3 } }
      local err = expect(function() provider(server, name):stream "x" end):raises "status"
      expect(err.status):equals(429)
      expect(err.retry_after):equals(3)
      server.settings[name] = { fail = 503, times = 1 }
      local s <close> = provider(server, name):stream("x", { retry = { base = "1ms" } })
      expect(s:text()):matches "x$"
    end)

    it("an error in the middle keeps what had come", function()
      local server <close> = mock.serve { [name] = { text = "one two three four", fail = "overload" } }
      local s <close> = provider(server, name):stream "x"
      local err = expect(function() collect(s) end):raises "status"
      expect(err.reason):equals "overloaded"
      expect(err.status):equals(({ openai = 503, anthropic = 529, gemini = 503 })[name])
      expect(err.text):equals "one two"
      expect(s.response):is_nil()
    end)

    it("breaks off", function()
      local server <close> = mock.serve { [name] = { text = "one two three four", fail = "break" } }
      local s <close> = provider(server, name):stream "x"
      local err = expect(function() collect(s) end):raises "http"
      expect(err.message):contains(name .. ": the answer broke off after 7 bytes of text")
      expect(err.text):equals "one two"
    end)

    it("is cut", function()
      local server <close> = mock.serve { [name] = { text = "one two three four", fail = "cut" } }
      local s <close> = provider(server, name):stream "x"
      local ok, err = orch.try(collect, s)
      expect(ok):equals(false)
      expect(err.kind == "http" or err.kind == "network"):truthy()
      expect(err.provider):equals(name)
      expect(err.text):equals "one two"
    end)

    it("a page instead of a stream", function()
      local server <close> = mock.serve { [name] = { fail = "garbage" } }
      local err = expect(function() provider(server, name):stream "x" end):raises "http"
      expect(err.message):contains "Bad gateway"
    end)

    it("gives up after its timeout", function()
      local server <close> = mock.serve { [name] = { text = "one two three", pace = "1h" } }
      local err = expect(function()
        local s <close> = provider(server, name):stream("x", { timeout = "100ms" })
        collect(s)
      end):raises "timeout"
      expect(err.provider):equals(name)
      expect(err.text):equals "one"
    end)

    it("cancelled before it starts", function()
      local server <close> = mock.serve()
      local p = provider(server, name)
      local task = orch.spawn({ hold = true }, p.stream, p, "x")
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      expect(#server.requests):equals(0)
    end)

    it("cancelled in flight", function()
      local server <close> = mock.serve { [name] = { text = "one two", pace = "1h" } }
      local p, seen = provider(server, name), {}
      local task = orch.spawn({ hold = true }, function()
        for text in p:stream "x" do seen[#seen + 1] = text end
      end)
      while #seen == 0 do orch.sleep(0.001) end
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      expect(seen):equals { "one" }
    end)
  end)
end

describe("streams as the documents show them", function()
  local function replay(name, text, kind, opts)
    local server <close> = orch.http.serve({ port = 0 }, function()
      return { body = text, headers = { ["Content-Type"] = kind or "text/event-stream; charset=utf-8" } }
    end)
    local s <close> = orch.ai[name] { base_url = server.url .. "/v1", key = "k1234" }:stream("x", opts)
    local pieces = collect(s)
    return s.response, pieces
  end

  it("openai: comments, a usage of its own, tool calls in pieces", function()
    local r, pieces = replay("openai", [[
: OPENROUTER PROCESSING

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-6-luna","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","model":"gpt-6-luna","choices":[{"index":0,"delta":{"content":"Let me look."},"finish_reason":null}],"usage":null,"obfuscation":"x7"}

data: {"id":"chatcmpl-123","model":"gpt-6-luna","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}]}

data: {"id":"chatcmpl-123","model":"gpt-6-luna","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"now","arguments":"{}"}}]},"finish_reason":null}]}

data: {"id":"chatcmpl-123","model":"gpt-6-luna","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\""}}]},"finish_reason":null}]}

data: {"id":"chatcmpl-123","model":"gpt-6-luna","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":\"Oslo\"}"}}]},"finish_reason":null}]}

data: {"id":"chatcmpl-123","model":"gpt-6-luna","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"id":"chatcmpl-123","model":"gpt-6-luna","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}

data: [DONE]

]])
    expect(pieces):equals { "Let me look." }
    expect(r.tool_calls):equals { { id = "call_1", name = "weather", arguments = { city = "Oslo" } },
      { id = "call_2", name = "now", arguments = {} } }
    expect(r.finish_reason):equals "tool_calls"
    expect(r.usage.total_tokens):equals(21)
  end)

  it("openai: without [DONE] it is not whole", function()
    local err = expect(function()
      replay("openai", 'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n')
    end):raises "http"
    expect(err.message):contains "the stream ended without the final [DONE]"
    expect(err.text):equals "Hi"
  end)

  it("anthropic: thoughts, pings, unknown events", function()
    local r, pieces = replay("anthropic", [[
event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-sonnet-5-5","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":472,"cache_read_input_tokens":8,"output_tokens":2}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm. "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Yes."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grüße"}}

event: something_new
data: {"type":"something_new","index":1}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"!"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":89}}

event: message_stop
data: {"type":"message_stop"}

]])
    expect(pieces):equals { "Grüße", "!" }
    expect(r.text):equals "Grüße!"
    expect(r.usage):equals { input_tokens = 480, output_tokens = 89, total_tokens = 569,
      cached_tokens = 8 }
    expect(r.message.native[1]):equals { type = "thinking", thinking = "Hm. Yes.", signature = "EqQB" }
  end)

  it("anthropic: an error event", function()
    local err = expect(function()
      replay("anthropic", 'event: error\r\ndata: {"type": "error", "error": {"type": "overloaded_error", '
        .. '"message": "Overloaded"}}\r\n\r\n')
    end):raises "status"
    expect(err.status):equals(529)
    expect(err.type):equals "overloaded_error"
    expect(err.text):equals ""
  end)

  it("gemini: thoughts apart, signatures kept, a call", function()
    local r, pieces = replay("gemini", [[
data: {"candidates": [{"content": {"parts": [{"text": "Hm.","thought": true}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 5},"modelVersion": "gemini-3.8-flash"}

data: {"candidates": [{"content": {"parts": [{"text": "One "}],"role": "model"},"index": 0}],"modelVersion": "gemini-3.8-flash"}

data: {"candidates": [{"content": {"parts": [{"text": "two"}],"role": "model"},"index": 0}]}

data: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "now","args": {}},"thoughtSignature": "c2ln"}],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 5,"candidatesTokenCount": 7,"thoughtsTokenCount": 3,"totalTokenCount": 15}}

]])
    expect(pieces):equals { "One ", "two" }
    expect(r.finish_reason):equals "tool_calls"
    expect(r.tool_calls[1].name):equals "now"
    expect(r.usage.output_tokens):equals(10)
    expect(r.message.native):equals { { text = "Hm.", thought = true }, { text = "One two" },
      { functionCall = { name = "now", args = json.decode "{}" }, thoughtSignature = "c2ln" } }
  end)

  it("gemini: a blocked prompt", function()
    expect(function()
      replay("gemini", 'data: {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}\n\n')
    end):raises "refused"
  end)

  it("a server that does not stream", function()
    local r, pieces = replay("openai",
      '{"model":"m","choices":[{"message":{"content":"all at once"},"finish_reason":"stop"}]}',
      "application/json")
    expect(pieces):equals { "all at once" }
    expect(r.text):equals "all at once"
  end)

  it("a server that does not end after the last event", function()
    local server <close> = orch.http.serve({ port = 0, grace = 0 }, function()
      return { events = function(send)
        send { data = '{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}' }
        send { data = "[DONE]" }
        orch.sleep "1h"
      end }
    end)
    local s <close> = orch.ai.openai { base_url = server.url .. "/v1", key = "k1234" }:stream "x"
    expect(s:text()):equals "Hi"
    expect(s.response.finish_reason):equals "stop"
  end)

  it("events that are no JSON", function()
    local err = expect(function() replay("openai", "data: {oops\n\n") end):raises "http"
    expect(err.message):contains "{oops"
  end)
end)
