-- orch.ai: providers against servers that speak their protocols: what is asked, field by
-- field, and what comes of every kind of answer.

local fs, json = orch.fs, orch.json

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."
package.path = package.path .. ";" .. root .. "/examples/?.lua"
local mock = require "mock_providers"

local names = { "openai", "anthropic", "gemini" }
local variables = { openai = "OPENAI_API_KEY", anthropic = "ANTHROPIC_API_KEY",
  gemini = "GEMINI_API_KEY" }

local png = "\137PNG\r\n\26\n" .. ("\0"):rep(8)
local png_base64 = "iVBORw0KGgoAAAAAAAAAAA=="

local weather = { name = "weather", description = "The weather in a city", parameters = {
  type = "object", properties = { city = { type = "string" } }, required = { "city" } } }

local function provider(server, name, opts)
  opts = opts or {}
  opts.base_url, opts.key = server[name], opts.key or "test-key-1"
  return orch.ai[name](opts)
end

-- What the mock was asked last.
local function asked(server)
  return server.requests[#server.requests].body
end

-- A server that gives every request the same answer.
local function fixed(answer)
  local server = orch.http.serve({ port = 0 }, function(request)
    return type(answer) == "function" and answer(request) or answer
  end)
  return server
end

for _, name in ipairs(names) do
  describe(name, function()
    it("answers in the shape of all", function()
      local server <close> = mock.serve { [name] = { text = "Felix" } }
      local p = provider(server, name)
      local r = p:chat "A name for a cat?"
      expect(r.text):equals "Felix"
      expect(r.provider):equals(name)
      expect(r.model):equals(p.model)
      expect(r.finish_reason):equals "stop"
      expect(r.elapsed):greater_than(0)
      expect(r.usage.input_tokens):equals(5)
      expect(r.usage.output_tokens):equals(2)
      expect(r.usage.total_tokens):equals(7)
      expect(r.tool_calls):is_nil()
      expect(r.message.role):equals "assistant"
      expect(r.message.content):equals "Felix"
      expect(r.raw):is_a "table"
      expect(function() return r.txt end):raises "did you mean 'text'"
    end)

    it("takes the model of the call, of the provider, its own", function()
      local server <close> = mock.serve()
      expect(provider(server, name):chat("x").model):equals(
        require("orch.ai.model")[name])
      local p = provider(server, name, { model = "m1", max_tokens = 7 })
      expect(p:chat("x").model):equals "m1"
      expect(p:chat("x", { model = "m2" }).model):equals "m2"
      expect(tostring(p)):equals(name .. " (m1)")
    end)

    it("goes on with what was said", function()
      local server <close> = mock.serve()
      local p = provider(server, name)
      local first = p:chat "One"
      local r = p:chat { { role = "system", content = "Be brief." },
        { role = "user", content = "One" }, first.message, { role = "user", content = "Two" } }
      expect(r.text):matches "Two$"
    end)

    for _, streamed in ipairs { false, true } do
      it("calls a tool and takes its result" .. (streamed and ", streamed" or ""), function()
        local server <close> = mock.serve { [name] = {
          call = { name = "weather", arguments = { city = "Oslo" } } } }
        local p = provider(server, name)
        local r
        if streamed then
          local s <close> = p:stream("Warm in Oslo?", { tools = { weather } })
          expect(s:text()):equals ""
          r = s.response
        else
          r = p:chat("Warm in Oslo?", { tools = { weather } })
        end
        expect(r.finish_reason):equals "tool_calls"
        expect(#r.tool_calls):equals(1)
        local call = r.tool_calls[1]
        expect(call.name):equals "weather"
        expect(call.arguments):equals { city = "Oslo" }
        server.settings[name].text = "Cold."
        local last = p:chat({ { role = "user", content = "Warm in Oslo?" }, r.message,
          { role = "tool", id = call.id, name = call.name, content = { degrees = -3 } } },
          { tools = { weather } })
        expect(last.text):equals "Cold."
        expect(last.finish_reason):equals "stop"
      end)
    end

    it("gives JSON, of a shape or of any", function()
      local server <close> = mock.serve { [name] = { text = '{"names": ["Felix"]}' } }
      local p = provider(server, name)
      expect(p:chat("x", { json = true }).json):equals { names = { "Felix" } }
      local schema = { type = "object", required = { "names" },
        properties = { names = { type = "array", items = { type = "string" } } } }
      expect(p:chat("x", { json = schema }).json.names[1]):equals "Felix"
      expect(schema.additionalProperties):is_nil()
      server.settings[name].text = function() return "```json\n[1, 2]\n```" end
      expect(orch.try(p.chat, p, "x", { json = true })):equals(true)
    end)

    it("a key that is missing, wrong or damaged", function()
      local _ <close> = orch.cd(test.temp_dir()) -- no .env here
      local _ <close> = orch.with_env { OPENAI_API_KEY = false, ANTHROPIC_API_KEY = false,
        GEMINI_API_KEY = false, GOOGLE_API_KEY = false }
      local err = expect(function() orch.ai[name] {} end):raises "usage"
      expect(err.message):contains("there is no key; set " .. variables[name])
      err = expect(function() orch.ai[name] { key = "abcd\nef" } end):raises "usage"
      expect(err.message):contains "was it copied whole?"

      local server <close> = mock.serve { [name] = { key = "right-key" } }
      err = expect(function() provider(server, name, { key = "wrong" }):chat "x" end):raises "status"
      expect(err.reason):equals "key"
      expect(err.message):contains "the key is that of the option `key`"
      err = expect(function()
        orch.ai[name] { base_url = server[name] }:chat "x"
      end):raises "status"
      expect(err.message):contains("no key was given; set " .. variables[name])

      do
        local _ <close> = orch.with_env { [variables[name]] = "right-key" }
        expect(orch.ai[name] { base_url = server[name] }:chat("x").finish_reason):equals "stop"
      end
      fs.write(".env", variables[name] .. "=wrong\n")
      err = expect(function()
        orch.ai[name] { base_url = server[name] }:chat "x"
      end):raises "status"
      expect(err.message):contains("the key is that of " .. variables[name])
      expect(err.provider):equals(name)
    end)

    it("the key is in no address, no field and no print", function()
      local server <close> = mock.serve()
      local p = provider(server, name, { key = "sk-very-secret-key" })
      p:chat "x"
      expect(server.requests[1].path).never:contains "secret"
      for field, value in pairs(p) do
        expect(tostring(field) .. tostring(value)).never:contains "secret"
      end
      expect(orch.secrets.redact "it is sk-very-secret-key"):equals "it is ***"
      provider(server, name, { key = "ollama" })
      expect(orch.secrets.redact "ollama runs"):equals "ollama runs" -- no secret, but a word
    end)

    it("refusals and overload are told apart", function()
      local server <close> = mock.serve()
      local s, p = server.settings[name], provider(server, name)
      local function fail(how, kind)
        s.fail = how
        local err = expect(function() p:chat "x" end):raises(kind)
        expect(err.provider):equals(name)
        expect(err.model):equals(p.model)
        return err
      end
      s.after = 7
      local err = fail(429, "status")
      expect(err.status):equals(429)
      expect(err.reason):equals "rate_limit"
      expect(err.retry_after):equals(7)
      expect(err.message):matches "^%a+: 429 "
      expect(err.message):contains "try again in 7 s"
      s.after = nil
      for _, status in ipairs { 503, 529 } do
        err = fail(status, "status")
        expect(err.status):equals(status)
        expect(err.reason):equals "overloaded"
        expect(err.retry_after):is_nil()
      end
      expect(fail(500, "status").reason):equals "server"
      expect(fail(400, "status").reason):equals "request"
      expect(fail(413, "status").reason):equals "request"
      err = fail("refuse", "refused")
      expect(err.reason):is_a "string"
      expect(err.message):contains "refused to answer"
      expect(err.response.usage.input_tokens):greater_than(0)
      expect(fail("garbage", "http").message):contains "Bad gateway"
      expect(fail("reset", "network").url):contains(server[name])
      s.fail = nil
      err = expect(function() p:chat("x", { model = "missing" }) end):raises "status"
      expect(err.reason):equals "model"
      expect(err.message):contains "missing"
    end)

    it("retries what will pass, when asked to", function()
      local server <close> = mock.serve { [name] = { fail = 503, times = 2 } }
      local p = provider(server, name)
      expect(function() p:chat "x" end):raises "status"
      expect(#server.requests):equals(1)
      server.settings[name].times = 2
      expect(p:chat("x", { retry = { base = "1ms" } }).finish_reason):equals "stop"
      expect(#server.requests):equals(4)
      server.settings[name].fail, server.settings[name].times = 401, nil
      local err = expect(function() p:chat("x", { retry = true }) end):raises "status"
      expect(err.attempts):equals(1)
      expect(#server.requests):equals(5)
    end)

    it("a limit of requests", function()
      local server <close> = mock.serve { [name] = { rate = 2, per = 60 } }
      local p = provider(server, name)
      p:chat "1"
      p:chat "2"
      local err = expect(function() p:chat "3" end):raises "status"
      expect(err.status):equals(429)
      expect(err.retry_after):near(60, 2)
    end)

    it("gives up after its timeout, and says who was asked", function()
      local server <close> = mock.serve { [name] = { fail = "hang" } }
      local err = expect(function() provider(server, name):chat("x", { timeout = "50ms" }) end)
        :raises "timeout"
      expect(err.provider):equals(name)
    end)

    it("cancelled before it starts", function()
      local server <close> = mock.serve()
      local p = provider(server, name)
      local task = orch.spawn({ hold = true }, p.chat, p, "x")
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      expect(#server.requests):equals(0)
    end)

    it("cancelled in flight", function()
      local server <close> = mock.serve { [name] = { delay = "1h" } }
      local p = provider(server, name)
      local task = orch.spawn({ hold = true }, p.chat, p, "x")
      while #server.requests == 0 do orch.sleep(0.001) end
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
    end)
  end)
end

describe("what is asked", function()
  local function ask(name, prompt, opts, more)
    local server <close> = mock.serve()
    provider(server, name, more):chat(prompt, opts)
    return asked(server), server.requests[1]
  end

  local everything = { max_tokens = 100, temperature = 0.5, top_p = 0.9, stop = { "END" },
    system = "Be brief.", effort = "low" }

  it("only what was given", function()
    expect(ask("openai", "Hello")):equals { model = "gpt-6-luna",
      messages = { { role = "user", content = "Hello" } } }
    expect(ask("anthropic", "Hello")):equals { model = "claude-sonnet-5-5", max_tokens = 16384,
      messages = { { role = "user", content = "Hello" } } }
    expect(ask("gemini", "Hello")):equals {
      contents = { { role = "user", parts = { { text = "Hello" } } } } }
  end)

  it("everything, openai", function()
    local body, request = ask("openai", "Hello", everything)
    expect(body):equals { model = "gpt-6-luna", max_tokens = 100, temperature = 0.5, top_p = 0.9,
      stop = { "END" }, reasoning_effort = "low", messages = {
        { role = "system", content = "Be brief." }, { role = "user", content = "Hello" } } }
    expect(request.path):equals "/v1/chat/completions"
    expect(request.headers.authorization):equals "Bearer test-key-1"
    expect(request.headers["content-type"]):equals "application/json"
  end)

  it("everything, anthropic", function()
    local body, request = ask("anthropic", "Hello", everything)
    expect(body):equals { model = "claude-sonnet-5-5", max_tokens = 100, temperature = 0.5,
      top_p = 0.9, stop_sequences = { "END" }, output_config = { effort = "low" },
      system = "Be brief.", messages = { { role = "user", content = "Hello" } } }
    expect(request.path):equals "/v1/messages"
    expect(request.headers["x-api-key"]):equals "test-key-1"
    expect(request.headers["anthropic-version"]):equals "2023-06-01"
    expect(request.headers.authorization):is_nil()
  end)

  it("everything, gemini", function()
    local body, request = ask("gemini", "Hello", everything)
    expect(body):equals { systemInstruction = { parts = { { text = "Be brief." } } },
      contents = { { role = "user", parts = { { text = "Hello" } } } },
      generationConfig = { maxOutputTokens = 100, temperature = 0.5, topP = 0.9,
        stopSequences = { "END" }, thinkingConfig = { thinkingLevel = "low" } } }
    expect(request.path):equals "/v1beta/models/gemini-3.8-flash:generateContent"
    expect(request.headers["x-goog-api-key"]):equals "test-key-1"
  end)

  it("fields of the provider's own, and headers", function()
    local body, request = ask("openai", "x", { extra = { seed = 7 }, headers = { ["X-Two"] = "2" } },
      { headers = { ["x-one"] = "1", ["X-TWO"] = "1" } })
    expect(body.seed):equals(7)
    expect(request.headers["x-one"]):equals "1"
    expect(request.headers["x-two"]):equals "2"
  end)

  local schema = { type = "object", required = { "name" },
    properties = { name = { type = "string" }, age = { type = "integer" } } }
  local closed = { type = "object", required = { "name" }, additionalProperties = false,
    properties = { name = { type = "string" }, age = { type = "integer" } } }

  it("JSON of a shape", function()
    expect(ask("openai", "x", { json = schema }).response_format):equals { type = "json_schema",
      json_schema = { name = "answer", schema = closed, strict = false } }
    local strict = { type = "object", properties = { name = { type = "string" } },
      required = { "name" } }
    expect(ask("openai", "x", { json = strict }).response_format.json_schema.strict):equals(true)
    expect(ask("anthropic", "x", { json = schema }).output_config):equals {
      format = { type = "json_schema", schema = closed } }
    expect(ask("gemini", "x", { json = schema }).generationConfig):equals {
      responseMimeType = "application/json", responseJsonSchema = schema }
  end)

  it("any JSON", function()
    local body = ask("openai", "x", { json = true, system = "Be brief." })
    expect(body.response_format):equals { type = "json_object" }
    expect(body.messages[1].content):matches "^Be brief%.\n\nAnswer with one JSON value"
    expect(ask("anthropic", "x", { json = true }).system):matches "^Answer with one JSON value"
    expect(ask("gemini", "x", { json = true }).generationConfig):equals {
      responseMimeType = "application/json" }
  end)

  it("tools", function()
    local opts = { tools = { weather, { name = "now" } }, tool_choice = "weather" }
    local none = json.decode '{"type":"object","properties":{}}'
    local body = ask("openai", "x", opts)
    expect(body.tools):equals {
      { type = "function", ["function"] = weather },
      { type = "function", ["function"] = { name = "now", parameters = none } } }
    expect(body.tool_choice):equals { type = "function", ["function"] = { name = "weather" } }
    body = ask("anthropic", "x", opts)
    expect(body.tools[1]):equals { name = "weather", description = weather.description,
      input_schema = weather.parameters }
    expect(body.tool_choice):equals { type = "tool", name = "weather" }
    body = ask("gemini", "x", opts)
    expect(body.tools):equals { { functionDeclarations = {
      { name = "weather", description = weather.description,
        parametersJsonSchema = weather.parameters },
      { name = "now", description = "" } } } }
    expect(body.toolConfig):equals { functionCallingConfig = { mode = "ANY",
      allowedFunctionNames = { "weather" } } }
    opts.tool_choice = "required"
    expect(ask("openai", "x", opts).tool_choice):equals "required"
    expect(ask("anthropic", "x", opts).tool_choice):equals { type = "any" }
    expect(ask("gemini", "x", opts).toolConfig):equals { functionCallingConfig = { mode = "ANY" } }
  end)

  it("results of tools, together in one turn", function()
    local talk = { { role = "user", content = "x" },
      { role = "assistant", tool_calls = { { id = "1", name = "now", arguments = {} } } },
      { role = "tool", id = "1", name = "now", content = "noon" },
      { role = "tool", id = "2", name = "weather", content = "no such city", failed = true } }
    local body = ask("openai", talk)
    expect(body.messages[2]):equals { role = "assistant", content = json.null, tool_calls = {
      { id = "1", type = "function", ["function"] = { name = "now", arguments = "{}" } } } }
    expect(body.messages[3]):equals { role = "tool", tool_call_id = "1", content = "noon" }
    body = ask("anthropic", talk)
    expect(#body.messages):equals(3)
    expect(body.messages[3]):equals { role = "user", content = {
      { type = "tool_result", tool_use_id = "1", content = "noon" },
      { type = "tool_result", tool_use_id = "2", content = "no such city", is_error = true } } }
    talk[2] = { role = "assistant", protocol = "gemini", native = { { thoughtSignature = "s",
      functionCall = { name = "now" } } } }
    body = ask("gemini", talk)
    expect(body.contents[2].parts[1].thoughtSignature):equals "s"
    expect(body.contents[3]):equals { role = "user", parts = {
      { functionResponse = { id = "1", name = "now", response = { result = "noon" } } },
      { functionResponse = { id = "2", name = "weather", response = { error = "no such city" } } } } }
  end)

  it("images: a file, bytes, an address", function()
    local path = test.temp_dir() .. "/shot.bin" -- the bytes tell what it is
    fs.write(path, png)
    local prompt = { "What is this?", { image = path }, { image = { bytes = png } },
      { image = "https://example.com/a.png" } }
    local data = { url = "data:image/png;base64," .. png_base64 }
    expect(ask("openai", prompt).messages[1].content):equals {
      { type = "text", text = "What is this?" },
      { type = "image_url", image_url = data }, { type = "image_url", image_url = data },
      { type = "image_url", image_url = { url = "https://example.com/a.png" } } }
    local source = { type = "base64", media_type = "image/png", data = png_base64 }
    expect(ask("anthropic", prompt).messages[1].content):equals {
      { type = "text", text = "What is this?" },
      { type = "image", source = source }, { type = "image", source = source },
      { type = "image", source = { type = "url", url = "https://example.com/a.png" } } }
    local inline = { inlineData = { mimeType = "image/png", data = png_base64 } }
    expect(ask("gemini", prompt).contents[1].parts):equals {
      { text = "What is this?" }, inline, inline,
      { fileData = { fileUri = "https://example.com/a.png" } } }
  end)

  it("OpenAI's own limit is max_completion_tokens, and its tools want no thoughts", function()
    local openai = require "orch.ai.openai"
    local call = { base_url = openai.base_url, model = "gpt-6-luna", messages = {},
      opts = { max_tokens = 9 }, tools = { weather } }
    local body = openai.body(call)
    expect(body.max_completion_tokens):equals(9)
    expect(body.max_tokens):is_nil()
    expect(body.reasoning_effort):equals "none"
    call.tools = nil
    expect(openai.body(call).reasoning_effort):is_nil()
  end)

  it("wrong arguments", function()
    local server <close> = mock.serve()
    local p = provider(server, "openai")
    local function says(text, prompt, opts)
      local err = expect(function() p:chat(prompt, opts) end):raises "usage"
      expect(err.message):contains(text)
    end
    says("provider:chat has no option `temprature`; did you mean `temperature`?", "x", { temprature = 1 })
    says("argument 1 should be a text or a list of messages, not nil", nil)
    says("argument 1 is an empty list of messages", {})
    says("the role should be system, user, assistant or tool, not the string \"uesr\"; did you mean 'user'?",
      { { role = "uesr", content = "x" } })
    says("message 1 has no option `contnet`; did you mean `content`?", { { role = "user", contnet = "x" } })
    says("message 1 says nothing", "")
    says("there is only a system message", { { role = "system", content = "x" } })
    says("should be a text, { text = ... } or { image = ... }", { { role = "user", content = { 7 } } })
    says("the result of a tool needs `id` and `name`", { { role = "tool", content = "x" } })
    says("tool 1: the name should be", "x", { tools = { { name = "a b" } } })
    says("`tools` should be a list", "x", { tools = { name = "a" } })
    says("there are two tools 'a'", "x", { tools = { { name = "a" }, { name = "a" } } })
    says("`tool_choice` without `tools`", "x", { tool_choice = "auto" })
    says("or one of the tools (weather), not \"wether\"", "x",
      { tools = { weather }, tool_choice = "wether" })
    says("option `json` should be true or a JSON schema", "x", { json = {} })
    says("is no PNG, JPEG, GIF or WebP image", { { image = { bytes = "hello" } } })
    says("an image needs one of `path`, `url`, `bytes`", { { image = { type = "image/png" } } })
    expect(function() p:chat { "x", { image = "no/such.png" } } end):raises "os"
    expect(#server.requests):equals(0)
    expect(function() orch.ai.openai { base_url = "localhost:1/v1" } end):raises "base_url should be"
    expect(function() return orch.ai.anthropc end):raises "did you mean 'anthropic'"
  end)

  it("addresses", function()
    local server <close> = mock.serve()
    local p = orch.ai.openai { base_url = server.openai .. "/", key = "k1234" }
    expect(p:chat("x").finish_reason):equals "stop"
    p = orch.ai.openai { base_url = server.url .. "/openai", key = "k1234", name = "local" }
    local err = expect(function() p:chat "x" end):raises "status"
    expect(err.message):contains("base_url includes the version: is it " .. server.url .. "/openai/v1?")
    expect(err.provider):equals "local"
    provider(server, "gemini", { model = "models/a b" }):chat "x"
    expect(server.requests[#server.requests].path):equals "/v1beta/models/a b:generateContent"
  end)

  it("no key is sent where none is wanted", function()
    local seen
    local server <close> = fixed(function(request)
      seen = request.headers.authorization
      return { json = { choices = { { message = { content = "hi" }, finish_reason = "stop" } } } }
    end)
    local _ <close> = orch.with_env { OPENAI_API_KEY = "sk-of-somebody" }
    local p = orch.ai.openai { base_url = server.url .. "/v1", key = false }
    expect(p:chat("x").text):equals "hi"
    expect(seen):is_nil()
    orch.ai.openai { base_url = server.url .. "/v1" }:chat "x"
    expect(seen):equals "Bearer sk-of-somebody"
  end)

  it("a key of GOOGLE_API_KEY", function()
    local server <close> = mock.serve { gemini = { key = "google-key" } }
    local _ <close> = orch.cd(test.temp_dir())
    local _ <close> = orch.with_env { GEMINI_API_KEY = false, GOOGLE_API_KEY = "google-key" }
    expect(orch.ai.gemini { base_url = server.gemini }:chat("x").text):is_a "string"
  end)
end)

describe("answers as the documents show them", function()
  local function answer(name, body, opts)
    local server <close> = fixed({ json = json.decode(body) })
    return orch.ai[name] { base_url = server.url .. "/v1", key = "k1234" }:chat("x", opts)
  end

  it("openai", function()
    local r = answer("openai", [[{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion",
      "created":1741569952,"model":"gpt-6-luna-2026-09-22","choices":[{"index":0,"message":{"role":"assistant",
      "content":"Hello! How can I assist you today?","refusal":null,"annotations":[]},"logprobs":null,
      "finish_reason":"length"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,
      "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":
      {"reasoning_tokens":3,"audio_tokens":0}},"service_tier":"default"}]])
    expect(r.text):equals "Hello! How can I assist you today?"
    expect(r.model):equals "gpt-6-luna-2026-09-22"
    expect(r.finish_reason):equals "length"
    expect(r.usage):equals { input_tokens = 19, output_tokens = 10, total_tokens = 29,
      cached_tokens = 4, reasoning_tokens = 3 }
    expect(r.raw.service_tier):equals "default"
  end)

  it("openai refuses", function()
    local err = expect(function()
      answer("openai", [[{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,
        "refusal":"I'm sorry, I cannot assist with that request."},"finish_reason":"stop"}]}]])
    end):raises "refused"
    expect(err.reason):equals "I'm sorry, I cannot assist with that request."
  end)

  it("a tool call with arguments that are no JSON", function()
    local r = answer("openai", [[{"model":"m","choices":[{"message":{"content":null,"tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":"{city: Oslo"}}]},
      "finish_reason":"tool_calls"}]}]])
    expect(r.tool_calls):equals { { id = "c1", name = "f", text = "{city: Oslo" } }
    expect(r.text):equals ""
    expect(r.usage.input_tokens):is_nil()
  end)

  it("anthropic, with thoughts and a cache", function()
    local r = answer("anthropic", [[{"id":"msg_013Zva2CMHLNnjNjJJKqJ2EF","type":"message","role":"assistant",
      "model":"claude-sonnet-5-5","content":[{"type":"thinking","thinking":"Hm.","signature":"c2ln"},
      {"type":"text","text":"Hi! "},{"type":"text","text":"My name is Claude."}],"stop_reason":"end_turn",
      "stop_sequence":null,"stop_details":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":5,
      "cache_read_input_tokens":100,"output_tokens":25}}]])
    expect(r.text):equals "Hi! My name is Claude."
    expect(r.usage):equals { input_tokens = 115, output_tokens = 25, total_tokens = 140,
      cached_tokens = 100 }
    expect(r.message.native[1].signature):equals "c2ln"
  end)

  it("anthropic's reasons", function()
    for theirs, ours in pairs { stop_sequence = "stop", max_tokens = "length", pause_turn = "pause",
      model_context_window_exceeded = "length", brand_new = "brand_new" } do
      expect(answer("anthropic", ([[{"type":"message","model":"m","content":[],"stop_reason":"%s"}]])
        :format(theirs)).finish_reason):equals(ours)
    end
  end)

  it("gemini, with thoughts", function()
    local r = answer("gemini", [[{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true},
      {"text":"AI learns ","thoughtSignature":"c2ln"},{"text":"patterns."}],"role":"model"},
      "finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":8,
      "candidatesTokenCount":20,"totalTokenCount":40,"thoughtsTokenCount":12,
      "promptTokensDetails":[{"modality":"TEXT","tokenCount":8}]},"modelVersion":"gemini-3.8-flash",
      "responseId":"x"}]])
    expect(r.text):equals "AI learns patterns."
    expect(r.finish_reason):equals "length"
    expect(r.usage):equals { input_tokens = 8, output_tokens = 32, total_tokens = 40,
      reasoning_tokens = 12 }
  end)

  it("gemini blocks", function()
    local err = expect(function()
      answer("gemini", [[{"candidates":[{"finishReason":"SAFETY","finishMessage":"Not this.",
        "index":0}],"modelVersion":"m"}]])
    end):raises "refused"
    expect(err.reason):equals "SAFETY: Not this."
  end)

  it("JSON that is none, or was cut off", function()
    local body = [[{"model":"m","choices":[{"message":{"content":"{\"a\": 1"},"finish_reason":"%s"}]}]]
    local err = expect(function() answer("openai", body:format "stop", { json = true }) end):raises "json"
    expect(err.message):contains "m was asked for JSON, but this is none"
    expect(err.text):equals '{"a": 1'
    err = expect(function() answer("openai", body:format "length", { json = true }) end):raises "json"
    expect(err.message):contains "raise `max_tokens`"
    local fenced = [[{"model":"m","choices":[{"message":{"content":"```json\n[1]\n```"}}]}]]
    expect(answer("openai", fenced, { json = true }).json):equals { 1 }
  end)
end)

describe("errors as the documents show them", function()
  local function fail(name, status, body, headers)
    local server <close> = fixed { status = status, body = body, headers = headers }
    local p = orch.ai[name] { base_url = server.url .. "/v1", key = "k1234" }
    local ok, err = orch.try(p.chat, p, "x")
    expect(ok):equals(false)
    return err
  end

  it("openai: no money is not a limit of requests", function()
    local err = fail("openai", 429, [[{"error":{"message":"You exceeded your current quota, please check your plan and billing details.",
      "type":"insufficient_quota","param":null,"code":"insufficient_quota"}}]])
    expect(err.reason):equals "quota"
    expect(err.code):equals "insufficient_quota"
    expect(err.type):equals "insufficient_quota"
    expect(err.message):equals("openai: 429 insufficient_quota: You exceeded your current quota, "
      .. "please check your plan and billing details.")
  end)

  it("openai: limits in headers", function()
    local body = [[{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}]]
    local err = fail("openai", 429, body, { ["x-ratelimit-remaining-requests"] = "10",
      ["x-ratelimit-reset-requests"] = "8s", ["x-ratelimit-remaining-tokens"] = "0",
      ["x-ratelimit-reset-tokens"] = "6m0s" })
    expect(err.retry_after):equals(360)
    expect(fail("openai", 429, body, { ["retry-after-ms"] = "1500" }).retry_after):equals(1.5)
  end)

  it("openai: a filter refuses the prompt", function()
    local err = fail("openai", 400, [[{"error":{"message":"Your request was rejected as a result of our safety system.",
      "type":"invalid_request_error","code":"content_policy_violation"}}]])
    expect(err.kind):equals "refused"
    expect(err.status):equals(400)
  end)

  it("openrouter: an error with status 200", function()
    local err = fail("openai", 200, [[{"error":{"code":502,"message":"Provider returned error"}}]])
    expect(err.kind):equals "status"
    expect(err.status):equals(502)
    expect(err.reason):equals "server"
  end)

  it("ollama and others: a bare text", function()
    expect(fail("openai", 404, [[{"error":"model 'x' not found"}]]).message)
      :contains "openai: 404: model 'x' not found"
    expect(fail("openai", 500, "out of memory").message):contains "openai: 500: out of memory"
    expect(fail("openai", 502, "<html>").message):contains "openai: 502: no reason given"
  end)

  it("anthropic: overloaded, and when its limit is filled", function()
    local err = fail("anthropic", 529, [[{"type":"error","error":{"type":"overloaded_error",
      "message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}]])
    expect(err.reason):equals "overloaded"
    expect(err.type):equals "overloaded_error"
    expect(err.request_id):equals "req_011CSHoEeqs5C35K2UUqR7Fy"
    expect(err.message):equals "anthropic: 529 overloaded_error: Overloaded"
    local body = [[{"type":"error","error":{"type":"rate_limit_error","message":"Too many"}}]]
    err = fail("anthropic", 429, body, { ["anthropic-ratelimit-tokens-remaining"] = "0",
      ["anthropic-ratelimit-tokens-reset"] = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 90) })
    expect(err.retry_after):near(90, 3)
    err = fail("anthropic", 429, [[{"type":"error","error":{"type":"rate_limit_error","message":"Spent",
      "details":{"error_code":"enforced_spend_limit_reached"}}}]])
    expect(err.reason):equals "quota"
  end)

  it("gemini: a wrong key is a 400, the wait is in the body", function()
    local err = fail("gemini", 400, [[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.",
      "status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",
      "reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]])
    expect(err.reason):equals "key"
    expect(err.status):equals(400)
    err = fail("gemini", 429, [[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED",
      "details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"46.5s"}]}}]])
    expect(err.retry_after):equals(46.5)
  end)

  it("a redirect is not followed with a key", function()
    local err = fail("openai", 302, "", { Location = "https://elsewhere.example/v1" })
    expect(err.kind):equals "http"
    expect(err.message):contains "to https://elsewhere.example/v1; keys are not sent elsewhere"
  end)

  it("what is no answer", function()
    expect(fail("openai", 200, "").message):contains "it is empty"
    expect(fail("anthropic", 200, "[]").kind):equals "http"
    expect(fail("gemini", 200, '{"candidates":7}').kind):equals "http"
    expect(fail("openai", 200, '{"choices":[]}').kind):equals "http"
    expect(fail("openai", 200, '"hello"').kind):equals "http"
  end)

  it("nobody there", function()
    local server = fixed { body = "" }
    local url = server.url
    server:close()
    local err = expect(function()
      orch.ai.openai { base_url = url .. "/v1", key = "k1234" }:chat "x"
    end):raises "network"
    expect(err.provider):equals "openai"
  end)
end)
