-- examples/mock_providers.lua: it runs by itself, and refuses what the real ones refuse.

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."
package.path = package.path .. ";" .. root .. "/examples/?.lua"
local mock = require "mock_providers"
local script = root .. "/examples/mock_providers.lua"

it("serves until it is told to stop", function()
  local p <close> = orch.process.spawn { require("orch.core.runtime").executable(), "run", script,
    "openai.text=hello there", "gemini.fail=503" }
  local lines = {}
  for i = 1, 3 do lines[i] = p:read "line" end
  local openai, gemini = lines[1]:match 'base_url = "(.-)"', lines[3]:match 'base_url = "(.-)"'
  expect(orch.ai.openai { base_url = openai, key = "any" }:chat("x").text):equals "hello there"
  local err = expect(function() orch.ai.gemini { base_url = gemini, key = "any" }:chat "x" end)
    :raises "status"
  expect(err.reason):equals "overloaded"
end)

it("refuses settings that it does not know", function()
  local result = test.run({ "run", script, "openai.dleay=2" }, { timeout = 20 })
  expect(result.exit_code):equals(2)
  expect(result.stderr):contains "'openai.dleay=2' is no setting; write port=8080"
end)

it("says which setting it does not know", function()
  expect(function() mock.serve { opnai = {} } end):raises "'opnai' is no provider"
  expect(function() mock.serve { openai = { dleay = 2 } } end):raises "'dleay' is no setting"
  expect(function() mock.serve { gemini = { fail = "lie" } } end):raises "'lie' is no way to fail"
end)

describe("an answer that is not the whole one", function()
  for _, name in ipairs { "openai", "anthropic", "gemini" } do
    it(name, function()
      local server <close> = mock.serve()
      local provider = orch.ai[name] { base_url = server[name], key = "any" }
      local settings = server.settings[name]
      settings.fail = "break"
      expect(function() provider:chat "x" end):raises "http"
      settings.fail = "cut"
      expect(function() provider:chat "x" end):raises { message = "broke off" }
      settings.fail = "overload"
      expect(function() provider:chat "x" end):raises { kind = "status", reason = "overloaded" }
    end)
  end
end)

describe("a request that the real one would refuse", function()
  local headers = {
    openai = { Authorization = "Bearer test" }, gemini = { ["x-goog-api-key"] = "test" },
    anthropic = { ["x-api-key"] = "test", ["anthropic-version"] = "2023-06-01" },
  }
  local paths = { openai = "/chat/completions", anthropic = "/messages",
    gemini = "/models/m:generateContent" }

  local function refuses(name, body, sentence, change)
    local server <close> = mock.serve()
    local sent = {}
    for key, value in pairs(headers[name]) do sent[key] = value end
    for key, value in pairs(change or {}) do sent[key] = value end
    local r = orch.http.post(server[name] .. paths[name], { json = body, headers = sent, check = false })
    expect(r.body):contains(sentence)
    expect(r.status):greater_than(399)
    expect(r:json().error):is_a "table"
    return r
  end

  it("openai", function()
    local messages = { { role = "user", content = "x" } }
    local r = refuses("openai", { messages = messages }, "Missing required parameter: 'model'")
    expect(r.status):equals(400)
    expect(r:json().error.type):equals "invalid_request_error"
    refuses("openai", { model = "m", messages = messages, maxtokens = 1 },
      "Unrecognized request argument supplied: maxtokens")
    refuses("openai", { model = "m", messages = messages, temperature = "hot" },
      "Invalid type for 'temperature'")
    refuses("openai", { model = "m", messages = messages, response_format = { type = "json_object" } },
      "must contain the word 'json'")
    refuses("openai", { model = "m", messages = messages, stream_options = { include_usage = true } },
      "only allowed when 'stream' is enabled")
    r = refuses("openai", { model = "m", messages = messages }, "invalid_api_key",
      { Authorization = "Bearer wrong" })
    expect(r.status):equals(401)
  end)

  it("anthropic", function()
    local messages = { { role = "user", content = "x" } }
    local r = refuses("anthropic", { model = "m", messages = messages }, "max_tokens: Field required")
    expect(r:json().error.type):equals "invalid_request_error"
    refuses("anthropic", { model = "m", max_tokens = 1, messages = { { role = "system", content = "x" } } },
      "messages.0.role: Input should be 'user' or 'assistant'")
    refuses("anthropic", { model = "m", max_tokens = 1, messages = messages, stop = "x" },
      "stop: Extra inputs are not permitted")
    refuses("anthropic", { model = "m", max_tokens = 1, messages = messages }, "anthropic-version",
      { ["anthropic-version"] = "2020-01-01" })
    r = refuses("anthropic", {}, "authentication_error", { ["x-api-key"] = "wrong" })
    expect(r.status):equals(401)
  end)

  it("gemini", function()
    local contents = { { role = "user", parts = { { text = "x" } } } }
    local r = refuses("gemini", { contents = contents, temperature = 1 },
      "Unknown name \\\"temperature\\\": Cannot find field.")
    expect(r:json().error.status):equals "INVALID_ARGUMENT"
    refuses("gemini", { contents = { { parts = { { txt = "x" } } } } }, "Unknown name \\\"contents[0].parts[0].txt")
    refuses("gemini", { contents = { { role = "model", parts = { { functionCall = { name = "f" } } } } } },
      "missing a thought_signature")
    r = refuses("gemini", { contents = contents }, "API_KEY_INVALID", { ["x-goog-api-key"] = "wrong" })
    expect(r.status):equals(400)
  end)
end)
