-- ai.fallback and ai.hedge: providers made of several, and that they nest.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
local providers = dofile(here .. "/helper/providers.lua")
local compare = require "orch.ai.compare"
local fallback, hedge = require "orch.ai.fallback", require "orch.ai.hedge"
local answering, failing = providers.answering, providers.failing
local streaming = providers.streaming

local function timed(fn, ...)
  local started = orch.time()
  local result = fn(...)
  return result, orch.time() - started
end

local function chat(provider, ...)
  return timed(provider.chat, provider, ...)
end

local function read(stream)
  local texts = {}
  for text in stream do texts[#texts + 1] = text end
  return texts
end

describe("ai.fallback", { clock = "virtual" }, function()
  it("asks the next one when one fails, and says who failed", function()
    local c = answering("c", 9)
    local safe = fallback { failing("a", 1), answering("b", 2), c }
    local r, elapsed = chat(safe, "hi", { max_tokens = 5 })
    expect(r.text):equals "b: hi"
    expect(elapsed):equals(3)
    expect(c.calls):equals(0)
    expect(#r.failures):equals(1)
    expect(r.failures[1].provider):equals "a"
    expect(r.failures[1].error.message):equals "a is down"
    expect(safe.name):equals "fallback(a, b, c)"
  end)

  it("takes one who is too slow for one who fails", function()
    local slow = answering("slow", 60)
    local r, elapsed = chat(fallback { slow, answering("b", 1), timeout = "5s" }, "hi")
    expect(r.provider):equals "b"
    expect(elapsed):equals(6)
    expect(slow.live):equals(0)
    expect(r.failures[1].error.kind):equals "timeout"
  end)

  it("raises the first failure with the others when all fail", function()
    local err = expect(function() fallback { failing("a", 1), failing("b", 0) }:chat "hi" end)
      :raises "network"
    expect(err.message):equals "a is down"
    expect(err.suppressed[1].message):equals "b is down"
  end)

  it("does not hide a wrong call", function()
    local b = answering("b", 1)
    expect(function() fallback { failing("a", 0, { kind = "usage" }), b }:chat "hi" end):raises "usage"
    expect(b.calls):equals(0)
  end)

  it("a cancellation is no failure", function()
    local b = answering("b", 1)
    local task = orch.spawn({ hold = true }, function() fallback { answering("a", 9), b }:chat "hi" end)
    orch.sleep(1)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(b.calls):equals(0)
  end)

  it("cancelled before it starts, nobody is asked", function()
    local a = answering("a", 9)
    local task = orch.spawn({ hold = true }, function() fallback { a }:chat "hi" end)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(a.calls):equals(0)
  end)

  it("retries before it goes on", function()
    local a = failing("a", 0)
    local r = fallback { a, answering("b", 1), retry = { attempts = 3, base = 1 } }:chat "hi"
    expect({ a.calls, r.provider }):equals { 3, "b" }
  end)

  it("streams, from the next one while nothing has come yet", function()
    local a = streaming("a", 1, { { kind = "network", message = "reset" } })
    local b = streaming("b", 1, { "x", "y" })
    local s <close> = fallback { a, b }:stream "hi"
    expect(read(s)):equals { "x", "y" }
    expect(s.response.text):equals "xy"
    expect(s.response.failures[1].provider):equals "a"
    expect({ a.closed, b.closed }):equals { 1, 1 }
    expect(s()):is_nil()
  end)

  it("raises what breaks off in the middle", function()
    local a = streaming("a", 1, { "x", { kind = "http", message = "broke off" } })
    local b = streaming("b", 1, { "y" })
    local got = {}
    expect(function()
      for text in fallback { a, b }:stream "hi" do got[#got + 1] = text end
    end):raises "http"
    expect(got):equals { "x" }
    expect({ a.closed, b.opened }):equals { 1, 0 }
  end)

  it("a stream's timeout is for the first piece", function()
    local a = streaming("a", 6, { "x" })
    local b = streaming("b", 4, { "x", "y", "z" })
    local s <close> = fallback { a, b, timeout = "5s" }:stream "hi"
    expect(#read(s)):equals(3)
    expect(a.closed):equals(1)
  end)

  it("an empty stream is an answer; a provider without streams gives one piece", function()
    local s <close> = fallback { streaming("a", 1, {}) }:stream "hi"
    expect(read(s)):equals {}
    expect(s.response.text):equals ""
    local s <close> = fallback { failing("a", 0), answering("b", 1) }:stream "hi"
    expect(s:text()):equals "b: hi"
    expect(s.response.provider):equals "b"
  end)

  it("a provider that streams something else is a liar", function()
    local function stream_of(source, answer)
      local liar = { name = "liar", chat = function() return answer end }
      if source ~= nil then liar.stream = function() return source end end
      local s <close> = fallback { liar }:stream "hi"
      return s:text(), s.response
    end
    for wanted, source in pairs { ["a stream"] = 5, ["a piece of text"] = function() return {} end } do
      local err = expect(function() stream_of(source) end):raises "error"
      expect(err.message):contains("in the place of " .. wanted)
      expect(err.provider):equals "liar"
    end
    expect(function() stream_of(nil, 7) end):raises "in the place of an answer"
    local given = { "a", "b" }
    local text, response = stream_of(setmetatable({ response = "none" }, {
      __call = function() return table.remove(given, 1) end }))
    expect(text):equals "ab"
    expect(response.text):equals "ab"
  end)

  it("leaving a loop over a stream closes it", function()
    local a = streaming("a", 1, { "x", "y" })
    for _ in fallback { a }:stream "hi" do break end
    expect(a.closed):equals(1)
  end)

  it("wrong calls", function()
    expect(function() fallback {} end):raises "nobody is asked"
    expect(function() fallback { answering("a", 1), 7 } end):raises "provider 2 should be a table"
    expect(function() fallback { answering("a", 1), delay = 1 } end):raises "has no option `delay`"
    expect(function() fallback(answering("a", 1)) end):raises "a list of providers"
  end)
end)

describe("ai.hedge", { clock = "virtual" }, function()
  it("asks the second only when the first takes long", function()
    local b = answering("b", 1)
    local r, elapsed = chat(hedge { answering("a", 1.5), b, delay = "2s" }, "hi")
    expect({ r.provider, elapsed, b.calls }):equals { "a", 1.5, 0 }
  end)

  it("the first to answer counts, the other is cancelled", function()
    local a = answering("a", 60)
    local r, elapsed = chat(hedge { a, answering("b", 1), delay = "2s" }, "hi")
    expect({ r.provider, elapsed, a.live }):equals { "b", 3, 0 }
    local b = answering("b", 60)
    r, elapsed = chat(hedge { answering("a", 5), b }, "hi")
    expect({ r.provider, elapsed, b.calls, b.live }):equals { "a", 5, 1, 0 }
  end)

  it("asks the second at once when the first fails", function()
    local r, elapsed = chat(hedge { failing("a", 0.5), answering("b", 1), delay = "10s" }, "hi")
    expect({ r.provider, elapsed }):equals { "b", 1.5 }
    expect(r.failures[1].provider):equals "a"
  end)

  it("a failure of the second does not end the first, but brings the third", function()
    local r, elapsed = chat(hedge { answering("a", 9), failing("b", 1), answering("c", 2), delay = 3 }, "hi")
    expect({ r.provider, elapsed }):equals { "c", 6 }
    local r, elapsed = chat(hedge { answering("a", 9), failing("b", 1), delay = 3 }, "hi")
    expect({ r.provider, elapsed }):equals { "a", 9 }
  end)

  it("raises the first failure with the others when all fail", function()
    local err, elapsed = timed(function()
      return expect(function()
        hedge { failing("a", 5), failing("b", 1), delay = 2 }:chat "hi"
      end):raises "network"
    end)
    expect(elapsed):equals(5)
    expect(err.message):equals "b is down"
    expect(err.suppressed[1].message):equals "a is down"
  end)

  it("does not hide a wrong call", function()
    local b = answering("b", 1)
    expect(function() hedge { failing("a", 0, { kind = "usage" }), b }:chat "hi" end):raises "usage"
    expect(b.calls):equals(0)
  end)

  it("cancelled in flight, nobody goes on", function()
    local a, b = answering("a", 60), answering("b", 60)
    local task = orch.spawn({ hold = true }, function() hedge { a, b, delay = 1 }:chat "hi" end)
    orch.sleep(5)
    expect({ a.live, b.live }):equals { 1, 1 }
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect({ a.live, b.live }):equals { 0, 0 }
  end)

  it("cancelled before it starts, nobody is asked", function()
    local a = answering("a", 9)
    local task = orch.spawn({ hold = true }, function() hedge { a }:chat "hi" end)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(a.calls):equals(0)
  end)

  it("streams from the first to give a piece, and closes the other", function()
    local a, b = streaming("a", 10, { "x" }), streaming("b", 1, { "y", "z" })
    local s <close> = hedge { a, b, delay = 2 }:stream "hi"
    expect(a.closed):equals(1)
    expect(b.closed):equals(0)
    expect(read(s)):equals { "y", "z" }
    expect(s.response.provider):equals "b"
    expect(b.closed):equals(1)
  end)

  it("two that give a piece at the same time: one is closed", function()
    local a, b = streaming("a", 3, { "x" }), streaming("b", 1, { "y" })
    local s <close> = hedge { a, b, delay = 2 }:stream "hi"
    expect(a.closed + b.closed):equals(1)
    expect(#read(s)):equals(1)
    expect(a.closed + b.closed):equals(2)
  end)
end)

describe("providers made of providers", { clock = "virtual" }, function()
  it("nest, and can be compared", function()
    local safe = fallback { hedge { answering("a", 60), failing("b", 1), delay = 1 }, answering("c", 1),
      timeout = 10 }
    local r = compare("hi", { safe, answering("d", 1) })
    expect(r.responses[1].text):equals "c: hi"
    expect(r.responses[1].elapsed):equals(11)
    expect(safe.name):equals "fallback(hedge(a, b), c)"
    local s <close> = hedge { fallback { failing("a", 0), streaming("b", 1, { "x" }) } }:stream "hi"
    expect(s:text()):equals "x"
  end)
end)
