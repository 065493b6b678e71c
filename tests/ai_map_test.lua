-- ai.map: order, caps, limits by the minute, the journal; and what answers cost.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
local providers = dofile(here .. "/helper/providers.lua")
local budgets = require "orch.ai.budget"
local cost, prices = require "orch.ai.cost", require "orch.ai.price"
local map = require "orch.ai.map"
local fs, json = orch.fs, orch.json
local answering, failing = providers.answering, providers.failing

local function list(n)
  local prompts = {}
  for i = 1, n do prompts[i] = "p" .. i end
  return prompts
end

local function texts(responses)
  local result = {}
  for i, response in ipairs(responses) do result[i] = response.text end
  return result
end

--- Notes when it is called.
local function noting(tokens, seconds)
  local times = {}
  local provider = providers.new("noting", function()
    times[#times + 1] = orch.time()
    orch.sleep(seconds or 0)
    return providers.response("noting", "x", tokens and tokens / 2)
  end)
  return provider, times
end

--- More than `limit` of them in any minute?
local function most_in_a_minute(times)
  local most = 0
  for i, from in ipairs(times) do
    local n = 0
    for k = i, #times do
      if times[k] < from + 60 then n = n + 1 end
    end
    most = math.max(most, n)
  end
  return most
end

describe("ai.map", { clock = "virtual" }, function()
  it("keeps the order, whoever ends first", function()
    local a = providers.new("a", function(_, prompt)
      orch.sleep(10 - tonumber(prompt:sub(2)))
      return providers.response("a", "for " .. prompt)
    end)
    local responses, failures = map(list(5), a, { temperature = 0 })
    expect(texts(responses)):equals { "for p1", "for p2", "for p3", "for p4", "for p5" }
    expect(failures):equals {}
    expect(a.options[1]):equals { temperature = 0 }
  end)

  it("at most so many at a time", function()
    local most = 0
    local a = providers.new("a", function(self)
      most = math.max(most, self.live)
      orch.sleep(1)
      return providers.response("a", "x")
    end)
    local started = orch.time()
    map(list(10), a, { concurrency = 4 })
    expect({ most, orch.time() - started }):equals { 4, 3 }
  end)

  it("never more requests in a minute than allowed, and no fewer", function()
    local a, times = noting()
    local started = orch.time()
    map(list(10), a, { requests_per_minute = 3 })
    expect(most_in_a_minute(times)):equals(3)
    expect(orch.time() - started):equals(180) -- 3 at once, 3 after a minute, ...
  end)

  it("estimates tokens, and corrects them by what was used", function()
    -- 500 are assumed for an answer, 1000 used; from the second minute on it knows better.
    local a, times = noting(1000, 1)
    map(list(12), a, { tokens_per_minute = 3000, concurrency = 1 })
    expect(most_in_a_minute(times)):equals(3)
    -- They are far too many for the first guess, but each takes little.
    local b, cheap = noting(20, 1)
    local started = orch.time()
    map(list(20), b, { tokens_per_minute = 1010, max_tokens = 1000, concurrency = 8 })
    expect(#cheap):equals(20)
    expect(orch.time() - started):less_than(60)
  end)

  it("one that is larger than the limit goes alone", function()
    local a, times = noting(5000)
    map(list(3), a, { tokens_per_minute = 1000, concurrency = 1 })
    expect(most_in_a_minute(times)):equals(1)
  end)

  it("the first failure cancels the others and is raised", function()
    local a = providers.new("a", function(_, prompt)
      orch.sleep(prompt == "p2" and 1 or 5)
      if prompt == "p2" then orch.error { kind = "refused", message = "no" } end
      return providers.response("a", "x")
    end)
    expect(function() map(list(3), a) end):raises "refused"
    expect({ a.calls, a.live }):equals { 3, 0 }
  end)

  it("collect gives failures as data", function()
    local a = providers.new("a", function(_, prompt)
      orch.sleep(1)
      if prompt == "p2" or prompt == "p4" then orch.error { kind = "refused", message = "no" } end
      return providers.response("a", prompt)
    end)
    local responses, failures = map(list(5), a, { collect = true })
    expect({ responses[1].text, responses[2], responses[5].text }):equals { "p1", nil, "p5" }
    expect({ failures[1].index, failures[2].index }):equals { 2, 4 }
    expect(failures[1].error.kind):equals "refused"
    expect(failures[1].provider):equals "a"
    expect(failures[1].elapsed):equals(1)
  end)

  it("a retry counts against the limits, and a 429 holds everybody up", function()
    local times = {}
    local a = providers.new("a", function(self)
      times[#times + 1] = orch.time()
      if self.calls == 1 then
        orch.error { kind = "status", status = 429, message = "slow down", retry_after = 30 }
      end
      orch.sleep(1)
      return providers.response("a", "x")
    end)
    local started = orch.time()
    map(list(4), a, { retry = { jitter = "none" }, concurrency = 1, requests_per_minute = 2 })
    for i, time in ipairs(times) do times[i] = time - started end
    expect(times):equals { 0, 30, 60, 90, 120 }
  end)

  it("tokens that were not counted in numbers are not counted", function()
    local a = providers.new("a", function()
      return { text = "x", usage = { total_tokens = "many", input_tokens = 0 / 0, output_tokens = {} } }
    end)
    expect(#map(list(3), a, { tokens_per_minute = 10000 })):equals(3)
  end)

  it("tells the progress", function()
    local seen = {}
    map(list(3), answering("a", 1), { progress = function(done, total)
      seen[#seen + 1] = done .. "/" .. total
    end })
    expect(seen):equals { "1/3", "2/3", "3/3" }
  end)

  it("a timeout is for each attempt, not for the wait before it", function()
    local a = noting(nil, 1)
    local responses = map(list(4), a, { requests_per_minute = 1, timeout = "5s" })
    expect(#responses):equals(4)
    expect(function() map(list(1), answering("a", 9), { timeout = "5s" }) end):raises "timeout"
  end)

  it("cancelled before it starts, and in flight", function()
    local a = answering("a", 10)
    local task = orch.spawn({ hold = true }, map, list(3), a)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(a.calls):equals(0)
    task = orch.spawn({ hold = true }, map, list(30), a, { requests_per_minute = 2, collect = true })
    orch.sleep(1)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect({ a.calls, a.live }):equals { 2, 0 }
  end)

  it("nothing to do, and wrong calls", function()
    local a = answering("a", 1)
    expect((map({}, a))):equals {}
    expect(function() map({ "x" }, { a }) end):raises "argument 2 should be a provider"
    expect(function() map("x", a) end):raises "usage"
    expect(function() map({ "x" }, a, { concurency = 1 }) end):raises "did you mean `concurrency`"
    expect(function() map({ "x" }, a, { requests_per_minute = 0 }) end):raises "at least 1"
    expect(function() map({ "x" }, a, { concurrency = 0 }) end):raises "at least 1"
  end)
end)

describe("ai.map with a journal", function()
  local path
  before_each(function() path = test.temp_dir() .. "/answers.jsonl" end)

  it("asks again only for what is missing", function()
    local asked = {}
    local function provider(bad)
      return providers.new("a", function(_, prompt)
        asked[#asked + 1] = prompt
        if prompt == bad then orch.error { kind = "refused", message = "no" } end
        return providers.response("a", "for " .. prompt)
      end)
    end
    expect(function() map(list(5), provider "p3", { resume = path, concurrency = 1 }) end):raises()
    expect(asked):equals { "p1", "p2", "p3" }
    asked = {}
    local responses = map(list(5), provider(), { resume = path, concurrency = 1 })
    expect(asked):equals { "p3", "p4", "p5" }
    expect(texts(responses)):equals { "for p1", "for p2", "for p3", "for p4", "for p5" }
    expect(responses[1].usage.output_tokens):equals(10)
    asked = {}
    map(list(5), provider(), { resume = path })
    expect(asked):equals {}
  end)

  it("the same prompt twice is two answers", function()
    local n = 0
    local function provider()
      return providers.new("a", function()
        n = n + 1
        return providers.response("a", "answer " .. n)
      end)
    end
    local first = texts(map({ "p", "p" }, provider(), { resume = path, concurrency = 1 }))
    local second = texts(map({ "p", "p", "p" }, provider(), { resume = path, concurrency = 1 }))
    expect(first):equals { "answer 1", "answer 2" }
    expect(second):equals { "answer 1", "answer 2", "answer 3" }
  end)

  it("other options, another model or another provider are another question", function()
    local a, b = answering("a", 0), answering("b", 0)
    map({ "p" }, a, { resume = path })
    map({ "p" }, a, { resume = path, temperature = 1 })
    map({ "p" }, b, { resume = path })
    a.model = "a-2"
    map({ "p" }, a, { resume = path })
    map({ { { role = "user", content = "p" } } }, a, { resume = path })
    expect({ a.calls, b.calls }):equals { 4, 1 }
    local _, lines = fs.read(path):gsub("\n", "")
    expect(lines):equals(6)
  end)

  it("an answer is written when it is there, whatever happens then", function()
    local a = providers.new("a", function(_, prompt)
      orch.sleep(prompt == "p1" and 0 or 10)
      return providers.response("a", prompt)
    end)
    local task = orch.spawn({ hold = true }, map, list(2), a, { resume = path })
    repeat orch.sleep "1ms" until fs.exists(path) and fs.read(path):find '"p1"'
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)

  it("a torn last line is asked again, wherever it was torn", function()
    map(list(2), answering("a", 0), { resume = path, concurrency = 1 })
    local whole = fs.read(path)
    for cut = 0, #whole - 2, 7 do -- without its line feed alone it is whole
      fs.write(path, whole:sub(1, cut))
      local a = answering("a", 0)
      local responses = map(list(2), a, { resume = path, concurrency = 1 })
      expect(texts(responses)):equals { "a: p1", "a: p2" }
      expect(a.calls):greater_than(0)
      local b = answering("a", 0)
      map(list(2), b, { resume = path })
      expect(b.calls):equals(0)
    end
  end)

  it("a line that is no answer is asked again, whoever wrote it", function()
    map(list(1), answering("a", 0), { resume = path })
    local head, key = fs.read(path):match '^([^\n]*\n).*"key":"(%x+)"'
    for _, line in ipairs { '{"response":{"text":"x"}}', '{"key":null,"response":{"text":"x"}}',
      '{"key":"KEY","response":{}}', '{"key":"KEY","response":{"text":5}}', "[1]", "5" } do
      fs.write(path, head .. line:gsub("KEY", key) .. "\n")
      local a = answering("a", 0)
      expect(texts(map(list(1), a, { resume = path }))):equals { "a: p1" }
      expect(a.calls):equals(1)
    end
  end)

  it("is not written into a file that is something else", function()
    fs.write(path, "my notes\n")
    local err = expect(function() map(list(1), answering("a", 0), { resume = path }) end):raises "usage"
    expect(err.message):contains "is no journal of ai.map"
    expect(fs.read(path)):equals "my notes\n"
  end)

  it("two runs do not share one", function()
    local err
    local a = providers.new("a", function()
      err = expect(function() map(list(1), answering("b", 0), { resume = path }) end):raises()
      return providers.response("a", "x")
    end)
    local other = orch.spawn(function() map(list(1), a, { resume = path }) end)
    other:await()
    expect(err.kind == "deadlock" or err.kind == "closed"):truthy()
    map(list(1), a, { resume = path }) -- the lock was given back
  end)

  it("a full disk and prompts that are no data are told", function()
    local err = expect(function()
      map({ { "p", f = print } }, answering("a", 0), { resume = path })
    end):raises "usage"
    expect(err.message):contains "should be plain data"
    expect(function() map(list(1), answering("a", 0), { resume = path .. "/x" }) end):raises "os"
  end)

  it("follows the task's folder", function()
    local _ <close> = orch.cd(test.temp_dir())
    map(list(1), answering("a", 0), { resume = "answers.jsonl" })
    expect(fs.exists "answers.jsonl"):truthy()
  end)
end)

describe("a budget", { clock = "virtual" }, function()
  local function tokens(n)
    return function() return n end
  end

  it("first come, first served", function()
    local budget, order = budgets.new { requests = 1 }, {}
    orch.each({ "a", "b", "c" }, function(name)
      budget:acquire(tokens(1))
      order[#order + 1] = name
    end)
    expect(order):equals { "a", "b", "c" }
  end)

  it("a correction lets those go who wait; a late one is harmless", function()
    local budget = budgets.new { tokens = 100 }
    local ticket = budget:acquire(tokens(90))
    local started = orch.time()
    orch.spawn(function()
      orch.sleep(5)
      budget:correct(ticket, 10)
    end)
    budget:acquire(tokens(80))
    expect(orch.time() - started):equals(5)
    orch.sleep(100)
    budget:acquire(tokens(1))
    budget:correct(ticket, 1000)
    budget:acquire(tokens(90))
    expect(orch.time() - started):equals(105)
  end)

  it("one that is cancelled while it waits takes nothing", function()
    local budget = budgets.new { requests = 1 }
    local started = orch.time()
    budget:acquire(tokens(1))
    local task = orch.spawn({ hold = true }, budget.acquire, budget, tokens(1))
    orch.sleep(1)
    task:cancel "enough"
    budget:acquire(tokens(1))
    expect(orch.time() - started):equals(60)
  end)
end)

describe("ai.cost", function()
  local function answer(model, input, output, cached)
    return { text = "x", model = model,
      usage = { input_tokens = input, output_tokens = output, cached_tokens = cached } }
  end

  prices["test-1"] = { input = 2, cached = 0.5, output = 10, dated = true,
    above = { tokens = 1000000, input = 4, output = 20 } }
  prices["test-2"] = { input = 1, output = 1 }

  it("counts by the million", function()
    expect(cost(answer("test-1", 1000000, 100000))):near(3)
    expect(cost(answer("test-1", 1000000, 0, 600000))):near(1.1)
    expect(cost(answer("test-1", 2000000, 100000))):near(10)
    expect(cost(answer("test-2", 10, 0, 5))):near(0.00001)
  end)

  it("does not guess", function()
    expect(cost(answer("test-3", 1, 1))):is_nil()
    expect(cost(answer("openai/test-1", 1, 1))):is_nil()
    expect(cost(answer("test-2-2026-01-02", 1, 1))):is_nil()
    expect(cost(answer(nil, 1, 1))):is_nil()
    expect(cost(answer("test-1", 1, nil))):is_nil()
    expect(cost { text = "x", model = "test-1" }):is_nil()
    expect(cost { answer("test-1", 1, 1), answer("test-3", 1, 1) }):is_nil()
    for _, count in ipairs { "many", -1, 0 / 0, 1 / 0 } do
      expect(cost(answer("test-1", count, 1))):is_nil()
      expect(cost(answer("test-1", 1, count))):is_nil()
    end
    expect(function() cost { 5 } end):raises "answer 1 should be what a provider has answered"
  end)

  it("a price that was put in by hand is checked when it is used", function()
    for price, words in pairs { [{ input = 1 }] = "should have input and output",
      [{ input = 1, output = -1 }] = "0 or more", [{ input = 1, output = 0 / 0 }] = "0 or more",
      [{ input = 1, output = 1, above = { input = 2, output = 2 } }] = "should have `tokens`",
      [5] = "should be a table" } do
      prices["test-6"] = price
      expect(function() cost(answer("test-6", 1, 1)) end):raises(words)
    end
    prices["test-6"] = nil
  end)

  it("knows a dated name where the table says so", function()
    expect(cost(answer("test-1-2026-01-02", 1000000, 0))):near(2)
    expect(cost(answer("test-1-20260102", 1000000, 0))):near(2)
  end)

  it("adds up lists and comparisons", function()
    local two = { answer("test-1", 1000000, 0), answer("test-2", 1000000, 0) }
    expect(cost(two)):near(3)
    expect(cost { best = two[1], responses = two, failures = {}, elapsed = 1 }):near(3)
    expect(cost {}):equals(0)
  end)

  it("every price of ours is whole, dated and has a source", function()
    for _, price in pairs(dofile(here .. "/../lua/orch/ai/prices.lua")) do
      expect(price.input):less_than(price.output)
      expect(price.date):matches "^2%d%d%d%-%d%d%-%d%d$"
      expect(price.source):matches "^https://"
    end
  end)

  it("the default models have one", function()
    for _, model in pairs(require "orch.ai.model") do
      if not prices[model] then expect("a price"):equals(model) end
    end
  end)

  it("takes a file", function()
    local path = fs.temp_file { suffix = ".lua" }
    fs.write(path, 'return { ["test-4"] = { input = 1, output = 2, date = "2026-11-22" } }')
    prices(path)
    expect(cost(answer("test-4", 1000000, 1000000))):near(3)
    fs.write(path, 'return { ["test-5"] = { input = 1, outptu = 2 } }')
    expect(function() prices(path) end):raises "did you mean `output`"
    fs.write(path, 'return { ["test-5"] = 3 }')
    expect(function() prices(path) end):raises "should be a table such as"
    fs.write(path, "return 3")
    expect(function() prices(path) end):raises "should return a table"
    fs.write(path, "retrun 3")
    expect(function() prices(path) end):raises "usage"
    expect(json.encode(prices["test-5"] or "none")):equals '"none"'
  end)
end)
