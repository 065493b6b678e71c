-- orch.http and answers that say no: what the Error carries, what is tried again, and
-- when.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local YES = server.answer(200, {}, "yes")

local function date(seconds)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + seconds)
end

describe("a status of 400 or more", function()
  for _, status in ipairs { 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 529, 599 } do
    it(("%d is an Error of its own"):format(status), function()
      local play = server.play { server.answer(status, { "X: y" }, "said so") }
      local err = fault(function() http.get(play.url) end,
        { kind = "status", status = status, url = play.url, method = "GET" })
      expect(err.message):contains(tostring(status))
      expect(err.response.status):equals(status)
      expect(err.response.ok):equals(false)
      expect(err.response.body):equals "said so"
      expect(err.response.headers.x):equals "y"
      expect(err.retry_after):is_nil()
      expect(play:count "request"):equals(1)
    end)

    it(("%d is an answer with check=false"):format(status), function()
      local r = http.get(server.play { server.answer(status, {}, "said so") }.url,
        { check = false })
      expect(r.status):equals(status)
      expect(r.ok):equals(false)
      expect(r.body):equals "said so"
    end)
  end

  it("below 400 is none", function()
    for _, status in ipairs { 200, 201, 206, 299, 304, 399 } do
      expect(http.get(server.play { server.answer(status) }.url).status):equals(status)
    end
  end)

  it("keeps the password of the URL to itself", function()
    local play = server.play { server.answer(401, { 'WWW-Authenticate: Basic realm="x"' }) }
    local err = fault(function() http.get((play.url:gsub("//", "//me:secret@"))) end,
      { kind = "status", status = 401 })
    expect(err.url).never:contains "secret"
    expect(err.response.url).never:contains "secret"
  end)

  it("with a huge body says it in a sentence all the same", function()
    local play = server.play { server.answer(500, {}, ("long "):rep(1 << 18)) }
    local err = fault(function() http.get(play.url) end, { kind = "status", status = 500 })
    expect(#err.response.body):equals(5 << 18)
  end)

  it("is told by a stream when it is opened", function()
    local play = server.play { server.answer(404, {}, "nothing here") }
    local err = fault(function() local _ <close> = http.stream("GET", play.url) end,
      { kind = "status", status = 404, url = play.url })
    expect(err.response.body):equals "nothing here"
  end)
end)

describe("Retry-After", function()
  local function after(status, value)
    local play = server.play { server.answer(status, { "Retry-After: " .. value }) }
    return fault(function() http.get(play.url) end,
      { kind = "status", status = status }).retry_after
  end

  it("is given in seconds", function()
    for _, status in ipairs { 413, 429, 503, 529 } do
      expect(after(status, "7")):equals(7)
    end
    expect(after(429, "0")):equals(0)
    expect(after(429, " 12 ")):equals(12)
  end)

  it("as a date is seconds from now", function()
    expect(after(429, date(30))):near(30, 2)
    expect(after(503, date(3600))):near(3600, 2)
    expect(after(503, date(-3600))):equals(0)
  end)

  it("that makes no sense is none", function()
    for _, value in ipairs { "soon", "", "Fri, 99 Foo 2026 00:00:00 GMT" } do
      expect(after(429, value)):is_nil()
    end
  end)
end)

describe("retry", { clock = "virtual" }, function()
  it("waits as long as the server says", function()
    local play = server.turns { { server.answer(429, { "Retry-After: 40" }) }, { YES } }
    local started = orch.time()
    expect(http.get(play.url, { retry = true }).body):equals "yes"
    expect(orch.time() - started >= 40):equals(true)
    expect(orch.time() - started):less_than(60)
    expect(play:count "request"):equals(2)
  end)

  it("waits until the date that the server says", function()
    local play = server.turns { { server.answer(503, { "Retry-After: " .. date(40) }) }, { YES } }
    local started = orch.time()
    expect(http.get(play.url, { retry = true }).body):equals "yes"
    expect(orch.time() - started):greater_than(35)
    expect(orch.time() - started):less_than(60)
  end)

  it("does not wait for ever because a server says so", function()
    local play = server.turns { { server.answer(429, { "Retry-After: 86400" }) }, { YES } }
    local started = orch.time()
    expect(http.get(play.url, { retry = true }).body):equals "yes"
    expect(orch.time() - started):less_than(200)

    play = server.turns { { server.answer(429, { "Retry-After: 86400" }) }, { YES } }
    started = orch.time()
    http.get(play.url, { retry = { retry_after_cap = "10s" } })
    expect(orch.time() - started):less_than(20)
  end)

  it("gives up at once where the deadline does not allow the wait", function()
    local play = server.play { server.answer(429, { "Retry-After: 60" }) }
    local started = orch.time()
    fault(function()
      orch.wait_for(http.get, "30s", play.url, { retry = true })
    end, { kind = "status", status = 429, retry_after = 60, attempts = 1 })
    expect(orch.time() - started):less_than(1)
  end)

  it("backs off without Retry-After", function()
    local play = server.turns { { server.answer(500) }, { server.answer(529) },
      { server.answer(408) }, { YES } }
    expect(http.get(play.url, { retry = { attempts = 4, base = "1s" } }).body):equals "yes"
    expect(play:count "request"):equals(4)
  end)

  it("gives up with the last error", function()
    local play = server.play { server.answer(503, {}, "busy") }
    local err = fault(function() http.get(play.url, { retry = { attempts = 3 } }) end,
      { kind = "status", status = 503, attempts = 3, url = play.url })
    expect(err.response.body):equals "busy"
    expect(play:count "request"):equals(3)
  end)

  it("does not repeat what will not get better", function()
    for _, status in ipairs { 400, 401, 403, 404, 413 } do
      local play = server.play { server.answer(status) }
      fault(function() http.get(play.url, { retry = true }) end,
        { kind = "status", status = status })
      expect(play:count "request"):equals(1)
    end
  end)

  it("repeats broken and missing answers", function()
    local play = server.turns { { server.close }, { server.reset },
      { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", server.close }, { YES } }
    expect(http.get(play.url, { retry = { attempts = 5 } }).body):equals "yes"
    expect(play:count "request"):equals(4)
  end)

  it("leaves a POST alone unless told otherwise", function()
    local play = server.play { server.answer(503) }
    fault(function() http.post(play.url, { body = "x", retry = true }) end,
      { kind = "status", status = 503 })
    expect(play:count "request"):equals(1)
    local told = server.turns { { server.body, server.answer(503) }, { server.body, YES } }
    expect(http.post(told.url, { body = "x", retry = { attempts = 2, methods = { "POST" } } }).body)
      :equals "yes"
    expect(told:wait("body", 2).text):equals "x"
  end)

  it("sends a PUT again, body and all", function()
    local play = server.turns { { server.body, server.answer(503) }, { server.body, YES } }
    http.put(play.url, { body = "all of it", retry = true })
    expect(play:wait("body", 1).text):equals "all of it"
    expect(play:wait("body", 2).text):equals "all of it"
  end)

  it("says that a body cannot be sent again", function()
    local play = server.play { server.body, server.answer(503) }
    local once = true
    local err = expect(function()
      http.put(play.url, { retry = true, body = function()
        if once then once = false return "gone after this" end
      end })
    end):raises()
    expect(err.message):contains "again"
    expect(play:count "request"):less_than(2)
  end)
end)
