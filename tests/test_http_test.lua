-- Fakes for HTTP in tests: test.http.

local fs = require "orch.fs"
local wire = require "orch.http.wire"

local function send(method, url, body, headers)
  return wire.send { method = method, url = url, headers = headers or {}, body = body }
end

local function get(url) return send("GET", url) end

local function fails(fn, ...)
  local ok, err = orch.try(fn, ...)
  if ok then expect(ok):equals "a failure" end
  return err
end

describe("test.http", function()
  it("answers with JSON, text, a status, and what a function returns", function()
    test.http {
      ["GET https://h/json"] = { json = { a = 1 } },
      ["GET https://h/text"] = "hello",
      ["DELETE https://h/text"] = 204,
      ["POST https://h/echo"] = function(request)
        return { status = 201, json = { got = request:json().x } }
      end,
    }
    local raw = get "https://h/json"
    expect(raw.status):equals(200)
    expect(raw.body):equals '{"a":1}'
    expect(raw.head):equals
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n"
    expect(get("https://h/text").body):equals "hello"
    raw = send("DELETE", "https://h/text")
    expect({ raw.status, raw.body }):equals { 204, "" }
    raw = send("POST", "https://h/echo", '{"x": 7}')
    expect({ raw.status, raw.body }):equals { 201, '{"got":7}' }
  end)

  it("keeps the requests", function()
    local fake = test.http { ["*"] = 200 }
    send("POST", "https://h/a/b?x=1&y=a%20b", "k=v&w=x+y",
      { "X-One: 1", "X-Two: a", "x-two: b" })
    local request = fake.requests[1]
    expect(request.method):equals "POST"
    expect(request.url):equals "https://h/a/b?x=1&y=a%20b"
    expect(request.path):equals "/a/b"
    expect(request.query):equals { x = "1", y = "a b" }
    expect(request.headers["x-one"]):equals "1"
    expect(request.headers["X-TWO"]):equals "a, b"
    expect(request.body):equals "k=v&w=x+y"
    expect(request:form()):equals { k = "v", w = "x y" }
    expect(fails(request.json, request).kind):equals "json"
  end)

  it("reads bodies of functions and files", function()
    local path = test.temp_dir() .. "/file"
    fs.write(path, "0123456789")
    local fake = test.http { ["*"] = 200 }
    local list = { "a", "b" }
    send("PUT", "http://h/", function() return table.remove(list, 1) end)
    send("PUT", "http://h/", { "<", { path = path, offset = 2, size = 3 }, ">" })
    expect(fake.requests[1].body):equals "ab"
    expect(fake.requests[2].body):equals "<234>"
  end)

  it("takes the most specific fake", function()
    test.http {
      ["*"] = "any", ["GET *"] = "any GET", ["https://h/*"] = "host",
      ["https://h/a/*"] = "folder", ["GET https://h/a/b"] = "exact",
      ["https://h/a/b"] = "exact address", ["/c"] = "path", ["https://h/q?x=1"] = "query",
      ["https://h/q?x=*&y=2"] = "two", ["https://h/q"] = "no query",
    }
    expect(send("PUT", "http://other/").body):equals "any"
    expect(get("http://other/").body):equals "any GET"
    expect(get("https://h/x").body):equals "host"
    expect(get("https://h/a/x").body):equals "folder"
    expect(get("HTTPS://H:443/a/b?anything=1").body):equals "exact"
    expect(send("PUT", "https://h/a/b").body):equals "exact address"
    expect(get("http://whatever/c").body):equals "path"
    expect(get("https://h/q?x=1").body):equals "query"
    expect(get("https://h/q?y=2&x=5").body):equals "two"
    expect(get("https://h/q?x=5").body):equals "no query"
  end)

  it("gives a list one after the other, the last one for ever", function()
    test.http { ["*"] = { 503, { status = 429, headers = { ["Retry-After"] = 1 } },
      function() return "ok" end } }
    expect(get("http://h/").status):equals(503)
    expect(get("http://h/").head):contains "\r\nRetry-After: 1\r\n"
    expect(get("http://h/").body):equals "ok"
    expect(get("http://h/").body):equals "ok"
  end)

  it("fails as asked", function()
    test.http {
      ["/a"] = { error = "tls" },
      ["/b"] = { error = { kind = "timeout", message = "timed out", elapsed = 3 } },
      ["/c"] = function() orch.error { kind = "network", message = "mine" } end,
    }
    local err = fails(get, "http://h/a?key=hidden")
    expect({ err.kind, err.method }):equals { "tls", "GET" }
    expect(err.message):equals "GET http://h/a?key=***: tls"
    err = fails(get, "http://h/b")
    expect({ err.kind, err.elapsed }):equals { "timeout", 3 }
    expect(fails(get, "http://h/c").message):equals "mine"
  end)

  it("streams, with pauses and breaks", { clock = "virtual" }, function()
    test.http {
      ["/chunks"] = { chunks = { "a", { delay = "1m" }, { data = "b", delay = 1 },
        { error = "network" } } },
      ["/events"] = { delay = 2, events = { "one\ntwo", { event = "delta", id = "7",
        data = { x = 1 } } } },
    }
    local started = orch.time()
    local stream = wire.open { method = "GET", url = "http://h/chunks", headers = {} }
    expect({ stream:read(), stream:read() }):equals { "a", "b" }
    expect(orch.time() - started):near(61, 0.001)
    expect(fails(stream.read, stream).kind):equals "network"
    stream:close()
    expect(fails(stream.read, stream).kind):equals "closed"
    started = orch.time()
    stream = wire.open { method = "GET", url = "http://h/events", headers = {} }
    expect(stream.head):contains "Content-Type: text/event-stream"
    expect(orch.time() - started):near(2, 0.001)
    expect(stream:read()):equals "data: one\ndata: two\n\n"
    expect(stream:read()):equals 'event: delta\nid: 7\ndata: {"x":1}\n\n'
    expect(stream:read()):is_nil()
    stream:close()
  end)

  it("delays in virtual time", { clock = "virtual" }, function()
    test.http { ["*"] = { delay = "1h", body = "x" } }
    local started = orch.time()
    expect(get("http://h/").elapsed):near(3600, 0.001)
    expect(orch.time() - started):near(3600, 0.001)
    expect(orch.is_timeout(fails(orch.wait_for, get, "1m", "http://h/"))):truthy()
  end)

  it("knows redirects and HEAD", function()
    test.http { ["/a/b"] = { status = 302, headers = { location = "../c" } }, ["HEAD /"] = "x" }
    expect(get("http://h/a/b").redirect_url):equals "http://h/c"
    local raw = send("HEAD", "http://h/")
    expect(raw.body):equals ""
    expect(raw.head):contains "Content-Length: 1"
  end)

  it("keeps cookies as a server's answers would", function()
    local fake = test.http {
      ["POST /login"] = { headers = { ["Set-Cookie"] = { "sid=1; Path=/; HttpOnly",
        "deep=2; Path=/a", "all=3; Domain=h.com", "s=4; Secure", "old=5; Max-Age=0" } } },
      ["*"] = 200,
    }
    local api = orch.http.client { base_url = "http://x.h.com" }
    api:post "login"
    for _, path in ipairs { "", "a/b", "ab", "https://x.h.com/", "http://y.h.com/",
      "http://other.com/" } do api:get(path) end
    local seen = {}
    for i = 2, 7 do seen[i - 1] = fake.requests[i].headers.cookie or "none" end
    expect(seen):equals { "all=3; sid=1", "all=3; deep=2; sid=1", "all=3; sid=1",
      "all=3; s=4; sid=1", "all=3", "none" }
    api:clear_cookies()
    api:get ""
    expect(fake.requests[8].headers.cookie):is_nil()
  end)

  it("is under the request's own time limit", { clock = "virtual" }, function()
    test.http { ["/slow"] = { delay = "1h" }, ["/stream"] = { chunks = { "a", { delay = "1h" } } } }
    local started = orch.time()
    local err = fails(orch.http.get, "http://h/slow", { timeout = 5 })
    expect({ err.kind, err.url }):equals { "timeout", "http://h/slow" }
    expect(orch.time() - started):near(5, 0.001)
    err = fails(orch.http.get, "http://h/stream", { timeout = 7 })
    expect(err.message):contains "timed out after 7 s"
  end)

  it("is what retries, redirects, streams and downloads see", { clock = "virtual" }, function()
    local http = orch.http
    local fake = test.http {
      ["GET /flaky"] = { { error = "network" }, 503, "up" },
      ["GET /old"] = { status = 301, headers = { Location = "/new" } }, ["GET /new"] = "moved",
      ["GET /events"] = { events = { "one", { event = "two", data = { n = 2 } } } },
      ["GET /file"] = ("x"):rep(1000),
    }
    expect(http.get("http://h/flaky", { retry = true }).body):equals "up"
    expect(#fake.requests):equals(3)
    expect(http.get("http://h/old").url):equals "http://h/new"
    local got = {}
    do
      local s <close> = http.stream("GET", "http://h/events")
      for event in s:events() do got[#got + 1] = event.event .. "=" .. event.data end
    end
    expect(got):equals { "message=one", 'two={"n":2}' }
    local path, told = test.temp_dir() .. "/file", {}
    http.download("http://h/file", path, { progress = function(done, total)
      told = { done, total }
    end })
    expect(#fs.read(path)):equals(1000)
    expect(told):equals { 1000, 1000 }
  end)

  it("lets through what it is told to", function()
    local outer <close> = test.http { ["/real"] = "real" }
    local inner <close> = test.http { ["/real"] = { pass = true }, ["*"] = "fake" }
    expect(get("http://h/real").body):equals "real"
    expect(get("http://h/").body):equals "fake"
    expect({ #outer.requests, #inner.requests }):equals { 1, 2 }
  end)

  it("a request without a fake names the nearest one", function()
    local fake = test.http { ["GET https://api.example.com/users"] = 200,
      ["POST https://api.example.com/upload?part=1"] = 200 }
    local function says(words, method, url)
      local err = fails(send, method, url)
      expect(err.kind):equals "usage"
      expect(err.message):equals(words)
    end
    says('no fake answers GET https://api.example.com/user; the nearest fake is '
      .. '"GET https://api.example.com/users", but the address differs',
      "GET", "https://api.example.com/user")
    says('no fake answers PUT https://api.example.com/users; the nearest fake is '
      .. '"GET https://api.example.com/users", but the method differs',
      "PUT", "https://api.example.com/users")
    says('no fake answers POST https://api.example.com/upload?part=2; the nearest fake is '
      .. '"POST https://api.example.com/upload?part=1", but the query parameter part is "2"',
      "POST", "https://api.example.com/upload?part=2")
    says('no fake answers POST https://api.example.com/upload; the nearest fake is '
      .. '"POST https://api.example.com/upload?part=1", but the query parameter part is missing',
      "POST", "https://api.example.com/upload")
    expect(#fake.requests):equals(4)
    fake:close()
    test.http {}
    says("no fake answers GET http://h/; there are no fakes at all", "GET", "http://h/")
  end)

  it("refuses what is no fake", function()
    local function wrong(words, answers)
      local err = fails(test.http, answers)
      expect(err.kind):equals "usage"
      expect(err.message):contains(words)
    end
    wrong("argument 1 should be a table")
    wrong("has no option `jsn`; did you mean `json`?", { ["GET /"] = { jsn = 1 } })
    wrong("has no option `jsn`", { ["GET /"] = { 200, { jsn = 1 } } })
    wrong("there is no method GTE (GET?)", { ["GTE /"] = 200 })
    wrong("the address has no scheme", { ["GET h/path"] = 200 })
    wrong("the number 1 is none", { 200 })
    wrong("a function that returns one of these, not true", { ["/"] = true })
    test.http { ["/"] = function() end }
    expect(fails(get, "http://h/").message):contains "not nil"
  end)
end)

describe("fakes", function()
  local before = wire.transport

  it("are left behind here", function()
    test.http { ["*"] = 200 }
    test.http { ["*"] = 201 }
    expect(get("http://h/").status):equals(201)
  end)

  it("and are gone with the case", function()
    expect(wire.transport):is(before)
  end)

  it("end in a block of their own", function()
    do
      local _ <close> = test.http { ["*"] = 200 }
      expect(wire.transport).never:is(before)
    end
    expect(wire.transport):is(before)
  end)

  it("a request can be cancelled before and while it waits", { clock = "virtual" }, function()
    local fake = test.http { ["*"] = { delay = "1h" } }
    local early = orch.spawn({ hold = true }, get, "http://h/")
    early:cancel "enough"
    expect(function() early:await() end):raises "cancelled"
    expect(#fake.requests):equals(0)
    local late = orch.spawn({ hold = true }, get, "http://h/")
    orch.sleep "1s"
    late:cancel "enough"
    expect(function() late:await() end):raises "cancelled"
    expect(#fake.requests):equals(1)
  end)
end)
