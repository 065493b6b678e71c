-- ai.compare over providers that are slow, fail, lie, break off or never answer.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
local providers = dofile(here .. "/helper/providers.lua")
local compare = require "orch.ai.compare"
local answering, failing = providers.answering, providers.failing

local function names(list)
  local result = {}
  for i, item in ipairs(list) do result[i] = item.provider end
  return result
end

describe("ai.compare", { clock = "virtual" }, function()
  it("asks all at once and takes as long as the slowest", function()
    local a, b, c = answering("a", 3), answering("b", 1), answering("c", 2)
    local r = compare("hi", { a, b, c }, { max_tokens = 7 })
    expect(r.elapsed):equals(3)
    expect(names(r.responses)):equals { "a", "b", "c" }
    expect(r.failures):equals {}
    expect(r.best.provider):equals "b"
    expect(r.best.text):equals "b: hi"
    expect({ r.responses[1].elapsed, r.responses[2].elapsed }):equals { 3, 1 }
    expect({ r.responses[1].key, r.responses[3].key }):equals { 1, 3 }
    expect(a.options[1]):equals { max_tokens = 7 }
  end)

  it("keeps failures as data, in the given order", function()
    local r = compare("hi", { failing("late", 2), answering("b", 1), failing("early", 1) })
    expect(names(r.failures)):equals { "late", "early" }
    expect(r.failures[1].error.kind):equals "network"
    expect(r.failures[1].elapsed):equals(2)
    expect({ r.failures[1].key, r.failures[2].key }):equals { 1, 3 }
    expect(r.best.provider):equals "b"
    expect(r.elapsed):equals(2)
  end)

  it("at the timeout those still running are cancelled, and are failures", function()
    local slow = answering("slow", 60)
    local r = compare("hi", { slow, answering("b", 1) }, { timeout = "5s" })
    expect(r.elapsed):equals(5)
    expect(slow.live):equals(0)
    local failure = r.failures[1]
    expect(failure.error.kind):equals "timeout"
    expect(failure.error.message):equals "slow did not answer within 5.0 s"
    expect(failure.elapsed):equals(5)
  end)

  it("does not pass its own timeout on, and does not wait for it in vain", function()
    local a = answering("a", 1)
    expect(compare("hi", { a }, { timeout = "1h" }).elapsed):equals(1)
    expect(a.options[1]):equals {}
  end)

  it("tells its own timeout from the provider's", function()
    local r = compare("hi", { failing("a", 1, { kind = "timeout", message = "low speed" }),
      answering("b", 1) }, { timeout = "5s" })
    expect(r.failures[1].error.message):equals "low speed"
  end)

  it("a liar is a failure", function()
    local r = compare("hi", {
      providers.new("nonsense", function() return "not an answer" end),
      providers.new("silent", function() end),
      providers.new("empty", function() return {} end),
      providers.new("broken", function() return orch.json.decode "{\"text\": " end),
      providers.new("buggy", function() error "attempt to do something" end),
      answering("b", 1),
    })
    expect(names(r.failures)):equals { "nonsense", "silent", "empty", "broken", "buggy" }
    expect(r.failures[1].error.message):contains "nonsense gave"
    expect(r.failures[4].error.kind):equals "json"
    expect(r.failures[5].error.message):contains "attempt to do something"
  end)

  it("raises the first failure with the others when all fail", function()
    local err = expect(function()
      compare("hi", { failing("a", 3), failing("b", 1, { kind = "refused" }), failing("c", 2) })
    end):raises "refused"
    expect(err.message):equals "b is down"
    expect(#err.suppressed):equals(2)
    expect(err.suppressed[1].message):equals "c is down"
    expect(names(err.failures)):equals { "b", "c", "a" }
  end)

  it("min_ok asks for more than one", function()
    local list = { answering("a", 1), failing("b", 2), answering("c", 3) }
    expect(#compare("hi", list, { min_ok = 2 }).responses):equals(2)
    local err = expect(function() compare("hi", list, { min_ok = 3 }) end):raises "network"
    expect(names(err.responses)):equals { "a", "c" }
    expect(err.suppressed):is_nil()
  end)

  it("picks the longest, or what a function says, which may wait", function()
    local list = { answering("a", 1, "üüüü"), answering("b", 2, "abcde"), answering("c", 3, "12345") }
    expect(compare("hi", list, { pick = "longest" }).best.provider):equals "b"
    expect(compare("hi", list, { pick = "fastest" }).best.provider):equals "a"
    local r = compare("hi", list, { pick = function(responses)
      orch.sleep(1)
      return responses[3]
    end })
    expect(r.best.provider):equals "c"
    expect(r.elapsed):equals(3)
    expect(compare("hi", list, { pick = function() return 2 end }).best.provider):equals "b"
    expect(function() compare("hi", list, { pick = function() end }) end):raises "usage"
    expect(function() compare("hi", list, { pick = function() return 4 end }) end)
      :raises "or its number, not the number 4"
  end)

  it("equally fast: the first of the list", function()
    expect(compare("hi", { answering("a", 1), answering("b", 1) }).best.provider):equals "a"
  end)

  it("does not retry unless it is told to, and then what will pass", function()
    local flaky = providers.new("flaky", function(self)
      if self.calls < 3 then orch.error { kind = "status", status = 529, message = "overloaded" } end
      return providers.response("flaky", "at last")
    end)
    local r = compare("hi", { flaky, answering("b", 1) })
    expect({ flaky.calls, #r.failures }):equals { 1, 1 }
    flaky.calls = 0
    r = compare("hi", { flaky, answering("b", 1) }, { retry = { base = 1, jitter = "none" } })
    expect({ flaky.calls, #r.failures }):equals { 3, 0 }
    expect(r.responses[1].elapsed):equals(3) -- 1 and 2 s of pause
    for _, fields in ipairs {
      { kind = "refused" }, { kind = "status", status = 401 }, { kind = "json" },
      { kind = "status", status = 429, reason = "quota" }, { kind = "error" },
    } do
      local hopeless = failing("a", 0, fields)
      compare("hi", { hopeless, answering("b", 1) }, { retry = true })
      expect(hopeless.calls):equals(1)
    end
  end)

  it("a retry stands under the timeout and honours retry_after", function()
    local busy = failing("busy", 0, { kind = "status", status = 429, retry_after = 60 })
    local r = compare("hi", { busy, answering("b", 1) }, { retry = true, timeout = 10 })
    expect(busy.calls):equals(1)
    expect(r.failures[1].error.status):equals(429)
    expect(r.elapsed):equals(1)
  end)

  it("takes names, in sorted order", function()
    local r = compare("hi", { zoe = answering("x", 1), adam = answering("x", 2), eve = failing("y", 1) })
    expect({ r.responses[1].key, r.responses[2].key, r.failures[1].key }):equals {
      "adam", "zoe", "eve" }
  end)

  it("the same provider may stand in it twice", function()
    local a = answering("a", 1)
    expect(#compare("hi", { a, a }).responses):equals(2)
    expect(a.calls):equals(2)
  end)

  it("cancelled before it starts, nobody is asked", function()
    local a = answering("a", 1)
    local task = orch.spawn({ hold = true }, compare, "hi", { a })
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(a.calls):equals(0)
  end)

  it("cancelled in flight, everybody has ended", function()
    local a, b = answering("a", 10), answering("b", 20)
    local task = orch.spawn({ hold = true }, compare, "hi", { a, b }, { timeout = 60, retry = true })
    orch.sleep(1)
    expect({ a.live, b.live }):equals { 1, 1 }
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect({ a.live, b.live }):equals { 0, 0 }
  end)

  it("a deadline around it is not a failure of the providers", function()
    local err = expect(function()
      orch.wait_for(compare, 2, "hi", { answering("a", 10) }, { timeout = 60 })
    end):raises "timeout"
    expect(err.message):contains "wait_for"
  end)

  it("wrong calls", function()
    local a = answering("a", 1)
    local function message(...)
      local args = table.pack(...)
      return expect(function() compare(table.unpack(args, 1, args.n)) end):raises("usage").message
    end
    expect(message("hi", {})):equals "ai.compare: nobody is asked: the list of providers is empty"
    expect(message("hi", a)):contains "should be a list of providers: { provider }"
    expect(message("hi", { "openai" })):contains
      'provider 1 should be a table with `chat`, such as ai.openai {}, not the string "openai"'
    expect(message("hi", { a }, { timout = 1 })):contains "did you mean `timeout`?"
    expect(message("hi", { a }, { pick = "fastes" })):contains 'did you mean "fastest"?'
    expect(message("hi", { a }, { min_ok = 2 })):contains "from 1 to the number of providers, 1"
    expect(message(nil, { a })):contains "argument 1"
    expect(a.calls):equals(0)
  end)
end)
