-- compare, fallback, hedge and map over the real providers and HTTP, against the mocks: what
-- fails is failed by a server.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
package.path = here .. "/../examples/?.lua;" .. package.path
local ai, secrets = orch.ai, orch.secrets
local mocks = require "mock_providers"

local KEY = "key-of-the-mocks"

--- The three providers of a mock, and the mock.
local function three(settings)
  local mock = mocks.serve(settings)
  local list = {}
  for i, name in ipairs { "openai", "anthropic", "gemini" } do
    list[i] = ai[name] { base_url = mock[name], key = KEY }
  end
  return mock, list
end

local function by_provider(list)
  local result = {}
  for _, item in ipairs(list) do result[item.provider] = item end
  return result
end

describe("ai.compare against servers", function()
  it("one answers, one is overloaded, one drops the connection", function()
    local mock <close>, list = three { openai = { fail = 529 }, gemini = { fail = "reset" } }
    local r = ai.compare("hello", list)
    expect(r.best.provider):equals "anthropic"
    expect(r.best.text):contains "heard: hello"
    local failures = by_provider(r.failures)
    expect(failures.openai.error.kind):equals "status"
    expect(failures.openai.error.reason):equals "overloaded"
    expect(failures.gemini.error.kind):equals "network"
    expect(#mock.requests):equals(3)
    expect(ai.cost(r)):greater_than(0)
  end)

  it("one lies, one refuses, one hangs", function()
    local mock <close>, list = three { openai = { fail = "garbage" }, anthropic = { fail = "refuse" },
      gemini = { fail = "hang" } }
    local err = expect(function() ai.compare("hello", list, { timeout = "300ms" }) end):raises()
    expect(#err.suppressed):equals(2)
    local failures = by_provider(err.failures)
    expect(failures.openai.error.kind):equals "http"
    expect(failures.anthropic.error.kind):equals "refused"
    expect(failures.gemini.error.kind):equals "timeout"
    expect(failures.gemini.error.message):equals "gemini did not answer within 300 ms"
    expect(mock.server.url):matches "^http://127"
  end)

  it("retries what will pass, and only that", function()
    local mock <close>, list = three { openai = { fail = 503, times = 1 }, anthropic = { fail = 529, times = 9 },
      gemini = { key = "another-key" } }
    local r = ai.compare("hello", list, { retry = { attempts = 2, base = "1ms" } })
    expect(r.best.provider):equals "openai"
    expect(by_provider(r.failures).anthropic.error.attempts):equals(2)
    expect(by_provider(r.failures).gemini.error.reason):equals "key"
    expect(#mock.requests):equals(5)
  end)

  it("hands its options on, and asks for JSON", function()
    local _ <close>, list = three { openai = { text = '{"n":1}' }, anthropic = { text = '{"n":2}' },
      gemini = { text = '{"n":3}' } }
    local r = ai.compare("hello", list, { json = { type = "object", properties = {
      n = { type = "integer" } } }, max_tokens = 50, pick = function(answers)
        return answers[2].json.n
      end })
    expect(r.best.json.n):equals(2)
  end)

  it("the key is masked everywhere", function()
    local _ <close>, list = three { openai = { fail = 401 } }
    local err = expect(function() ai.compare("hello " .. KEY, { list[1] }) end):raises "status"
    expect(tostring(err)).never:contains(KEY)
    expect(secrets.redact("Bearer " .. KEY)):equals "Bearer ***"
  end)

  it("cancelled in flight, the requests are over and others work", function()
    local _ <close>, list = three { openai = { delay = 60 }, anthropic = { delay = 60 } }
    local task = orch.spawn({ hold = true }, ai.compare, "hello", list)
    orch.sleep "100ms"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(list[3]:chat("hello").text):contains "hello"
  end)
end)

describe("fallback and hedge against servers", function()
  it("the next one answers when one is down, has a wrong key or answers nonsense", function()
    for _, fail in ipairs { "reset", "garbage", 500, 401, "refuse" } do
      local _ <close>, list = three { openai = { fail = fail } }
      local r = ai.fallback(list):chat "hello"
      expect(r.provider):equals "anthropic"
      expect(#r.failures):equals(1)
    end
  end)

  it("streams from the next one when a stream does not begin", function()
    local _ <close>, list = three { openai = { fail = 503 }, anthropic = { text = "one two three" } }
    local pieces = {}
    local s <close> = ai.fallback(list):stream "hello"
    for text in s do pieces[#pieces + 1] = text end
    expect(table.concat(pieces)):equals "one two three"
    expect(#pieces):greater_than(1)
    expect(s.response.provider):equals "anthropic"
    expect(s.response.usage.output_tokens):greater_than(0)
    expect(s.response.failures[1].provider):equals "openai"
  end)

  it("raises a stream that breaks off in the middle", function()
    local _ <close>, list = three { openai = { fail = "break", text = "one two three four" } }
    local got = ""
    local err = expect(function()
      for text in ai.fallback(list):stream "hello" do got = got .. text end
    end):raises "http"
    expect(got ~= ""):truthy()
    expect(err.text):equals(got)
  end)

  it("a hedged stream goes on in the task that asked, the loser is closed", function()
    local _ <close>, list = three { openai = { delay = 60 }, anthropic = { text = "one two", pace = 0.02 } }
    local s <close> = ai.hedge { list[1], list[2], delay = "50ms" }:stream "hello"
    expect(s:text()):equals "one two"
    expect(s.response.provider):equals "anthropic"
  end)

  it("a hedge takes the first answer and drops the other request", function()
    local _ <close>, list = three { openai = { delay = 60 } }
    local r = ai.hedge { list[1], list[2], delay = "20ms" }:chat "hello"
    expect(r.provider):equals "anthropic"
  end)
end)

describe("ai.map against servers", function()
  it("keeps within what the provider allows", function()
    local mock <close>, list = three { openai = { rate = 3, per = 60 } }
    local responses, failures = ai.map({ "a", "b", "c", "d" }, list[1], { collect = true })
    expect(failures[1].error.reason):equals "rate_limit"
    expect(failures[1].error.retry_after == nil or failures[1].error.retry_after > 0):truthy()
    expect(#mock.requests):equals(4)
    local n = 0
    for _ in pairs(responses) do n = n + 1 end
    expect(n):equals(3)
  end)

  it("a provider that pushes back is asked again when it says so", function()
    local mock <close>, list = three { anthropic = { rate = 2, per = 0.3 } }
    mock.settings.anthropic.after = nil
    local responses = ai.map({ "a", "b", "c", "d" }, list[2],
      { retry = { attempts = 20, base = "50ms", retry_after_cap = "100ms" }, concurrency = 2 })
    expect(#responses):equals(4)
    expect(responses[4].text):contains "heard: d"
  end)

  it("takes providers made of providers, and resumes", function()
    local path = test.temp_dir() .. "/answers.jsonl"
    local mock <close>, list = three { openai = { fail = 500 } }
    local safe = ai.fallback(list)
    ai.map({ "a", "b" }, safe, { resume = path })
    local asked = #mock.requests
    local responses = ai.map({ "a", "b" }, safe, { resume = path })
    expect(#mock.requests):equals(asked)
    expect(responses[2].text):contains "heard: b"
    expect(ai.cost(responses)):greater_than(0)
  end)
end)
