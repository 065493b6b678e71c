local http, fs, process = orch.http, orch.fs, orch.process

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

-- A server for the case that runs, and what it was reported.
local function serve(handler, opts)
  local reported = {}
  opts = opts or {}
  opts.on_error = opts.on_error or function(err, request)
    reported[#reported + 1] = request.method .. " " .. request.path .. ": " .. tostring(err)
  end
  return http.serve(opts, handler), reported
end

local function command(server, steps)
  return { "python3", "-S", "-E", here .. "/helper/raw_client.py", tostring(server.port),
    table.unpack(steps) }
end

-- What a client gets that says exactly this.
local function raw(server, ...)
  return process.run(command(server, { ... })).stdout
end

local function get(path, more)
  return "send=GET " .. path .. " HTTP/1.1\\r\\nHost: x\\r\\n" .. (more or "") .. "\\r\\n"
end

local function post(more)
  return "send=POST / HTTP/1.1\\r\\nHost: x\\r\\n" .. more .. "\\r\\n\\r\\n"
end

-- Lets a condition come true, in real time.
local function eventually(what)
  for _ = 1, 500 do
    if what() then return true end
    orch.sleep(0.01)
  end
  return false
end

describe("http.serve: requests", function()
  it("a string is the answer", function()
    local server <close> = serve(function(request) return request.method .. " " .. request.path end)
    local response = http.get(server.url .. "/hello")
    expect(response.status):equals(200)
    expect(response.body):equals "GET /hello"
    expect(response.headers["content-type"]):equals "text/plain; charset=utf-8"
    expect(server.url):equals("http://127.0.0.1:" .. server.port)
  end)

  it("the handler alone is enough", function()
    local server <close> = http.serve(function() return "yes" end)
    expect(http.get(server.url).body):equals "yes"
  end)

  it("path and query come decoded, the target as it was sent", function()
    local seen
    local server <close> = serve(function(request) seen = request return "" end)
    http.get(server.url .. "/a%20b/%C3%A9+?x=1&y=two+words&x=%26&empty=&bare")
    expect(seen.path):equals "/a b/é+"
    expect(seen.query):equals { x = "&", y = "two words", empty = "", bare = "" }
    expect(seen:queries "x"):equals { "1", "&" }
    expect(seen:queries "none"):equals {}
    expect(seen.target):equals "/a%20b/%C3%A9+?x=1&y=two+words&x=%26&empty=&bare"
  end)

  it("headers are found in any case, several of a name joined", function()
    local seen
    local server <close> = serve(function(request) seen = request.headers return "" end)
    http.get(server.url, { headers = { ["X-Thing"] = { "a", "b" }, ["X-One"] = "1" } })
    expect(seen["x-ONE"]):equals "1"
    expect(seen["x-thing"]):equals "a, b"
    expect(seen:all "X-THING"):equals { "a", "b" }
    expect(seen["x-none"]):is_nil()
  end)

  it("the body as text, JSON and forms", function()
    local server <close> = serve(function(request)
      if request.path == "/json" then return { json = request:json() } end
      if request.path == "/form" then return { json = request:form() } end
      return request.body
    end)
    expect(http.post(server.url, { body = "a\0b" }).body):equals "a\0b"
    expect(http.post(server.url .. "/json", { json = { a = { 1, 2 } } }):json())
      :equals { a = { 1, 2 } }
    expect(http.post(server.url .. "/form", { form = { a = "1 & 2", b = "é" } }):json())
      :equals { a = "1 & 2", b = "é" }
  end)

  it("a multipart form with a file", function()
    local path = test.temp_dir() .. "/data.bin"
    fs.write(path, "one\r\n--two\0three")
    local form
    local server <close> = serve(function(request) form = request:form() end)
    http.post(server.url, { multipart = { title = "Hello", file = { path = path } } })
    expect(form.title):equals "Hello"
    expect(form.file.filename):equals "data.bin"
    expect(form.file.body):equals "one\r\n--two\0three"
  end)

  it("who asks", function()
    local remote
    local server <close> = serve(function(request) remote = request.remote end)
    http.get(server.url)
    expect(remote):matches "^127%.0%.0%.1:%d+$"
  end)

  it("a wrong field of a request is told", function()
    local server <close>, reported = serve(function(request) return request.quary end)
    expect(function() http.get(server.url) end):raises { kind = "status", status = 500 }
    expect(reported[1]):contains "a request has no 'quary'; did you mean 'query'?"
  end)

  it("a connection is used again, also for requests sent ahead", function()
    local remotes = {}
    local server <close> = serve(function(request)
      remotes[request.remote] = true
      return request.path
    end)
    local second = "GET /2 HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"
    local got = raw(server, get "/1" .. second, "eof")
    expect(got):matches "^HTTP/1.1 200.*/1HTTP/1.1 200.*/2$"
    expect(next(remotes, next(remotes))):is_nil()
  end)

  it("HTTP/1.0 gets its end by the close", function()
    local server <close> = serve(function()
      return { stream = function(send) send "a" send "b" end }
    end)
    local got = raw(server, "send=GET / HTTP/1.0\\r\\n\\r\\n", "eof")
    expect(got):matches "\r\n\r\nab$"
  end)

  it("nonsense is refused, and the server goes on", function()
    local server <close>, reported = serve(function() return "fine" end)
    raw(server, "send=nonsense\\r\\n\\r\\n", "eof")
    expect(raw(server, "send=GET / HTTP/1.1\\r\\nContent-Length: x\\r\\n\\r\\n", "eof"))
      :matches "^HTTP/1.1 400"
    expect(http.get(server.url).body):equals "fine"
    expect(#reported):equals(0)
  end)
end)

describe("http.serve: answers", function()
  it("nil, a status, tables", function()
    local server <close> = serve(function(request)
      if request.path == "/nil" then return nil end
      if request.path == "/404" then return 404 end
      if request.path == "/table" then
        return { status = 201, body = "made", headers = { ["X-A"] = 1 } }
      end
      if request.path == "/status" then return { status = 410 } end
      if request.path == "/list" then return { json = { 1, 2 } } end
      return { body = "<b>",
        headers = { ["content-type"] = "text/html", ["Set-Cookie"] = { "a=1", "b=2" } } }
    end)
    expect(http.get(server.url .. "/nil").status):equals(204)
    expect(http.get(server.url .. "/404", { check = false }).status):equals(404)
    local made = http.get(server.url .. "/table")
    expect({ made.status, made.body, made.headers["x-a"] }):equals { 201, "made", "1" }
    expect(http.get(server.url .. "/status", { check = false }).status):equals(410)
    local list = http.get(server.url .. "/list")
    expect({ list.body, list.headers["content-type"] }):equals { "[1,2]", "application/json" }
    local page = http.get(server.url)
    expect(page.headers["content-type"]):equals "text/html"
    expect(page.headers:all "set-cookie"):equals { "a=1", "b=2" }
  end)

  it("HEAD gets the headers alone", function()
    local ran = false
    local server <close> = serve(function(request)
      if request.path == "/stream" then
        return { stream = function() ran = true end, headers = { ["Content-Length"] = 7 } }
      end
      if request.path == "/length" then
        return { status = 200, headers = { ["Content-Length"] = 123 } }
      end
      return "twelve bytes"
    end)
    expect(http.head(server.url).headers["content-length"]):equals "12"
    expect(http.head(server.url .. "/stream").headers["content-length"]):equals "7"
    expect(http.head(server.url .. "/length").headers["content-length"]):equals "123"
    expect(ran):equals(false)
  end)

  it("a large body goes out whole", function()
    local body = ("0123456789abcdef"):rep(1 << 20)
    local server <close> = serve(function() return body end)
    expect(http.get(server.url).body == body):truthy()
  end)

  local wrong = {
    { { bodi = "x" }, "has no option `bodi`; did you mean `body`?" },
    { { body = "x", json = {} }, "has both `body` and `json`" },
    { { status = 99 }, "`status` should be from 200 to 999" },
    { 1.5, "not the number 1.5" },
    { { headers = { ["X-A"] = "a\r\nSet-Cookie: b" } }, "the header 'X-A' has a line end" },
    { { headers = { ["X A"] = "a" } }, "cannot be a name" },
    { { headers = { "X-A: a" } }, "`headers` should be { Name = value }" },
    { { headers = { ["X-A"] = true } }, "the header 'X-A' should be a string" },
    { { headers = { ["Transfer-Encoding"] = "gzip" } }, "'Transfer-Encoding' cannot be set" },
    { { body = "abc", headers = { ["Content-Length"] = 5 } }, "says 5, but the body has 3 bytes" },
    { { root = "/tmp" }, "`root` is the folder of a `file`" },
  }
  it("what cannot be an answer is a failure of the handler", function()
    local answer
    local server <close>, reported = serve(function() return answer end)
    for i, case in ipairs(wrong) do
      answer = case[1]
      expect(http.get(server.url, { check = false }).status):equals(500)
      expect(reported[i]):contains(case[2])
    end
  end)
end)

describe("http.serve: handlers that fail", function()
  it("are answered with 500 and reported, and the server goes on", function()
    local server <close>, reported = serve(function(request)
      if request.path == "/bad" then error "no such scene" end
      return "fine"
    end)
    local response = http.get(server.url .. "/bad", { check = false })
    expect(response.status):equals(500)
    expect(response.body).never:contains "scene"
    expect(reported[1]):matches "^GET /bad: .*http_serve_test.lua:%d+: no such scene$"
    expect(http.get(server.url).body):equals "fine"
  end)

  it("are told in the log, without what is secret in the query", function()
    local lines = {}
    local before = orch.log.sink(function(record)
      lines[#lines + 1] = record.task .. ": " .. record.message
    end)
    local _ <close> = orch.defer(function() orch.log.sink(before) end)
    local server <close> = http.serve({}, function() error "broken" end)
    http.get(server.url .. "/x?key=hush", { check = false })
    expect(lines[1]):matches "^GET /x%?key=%*%*%*: http.serve: the handler failed: .*:%d+: broken$"
  end)

  it("a task of theirs that fails is their failure", function()
    local server <close>, reported = serve(function()
      orch.spawn(function() error "the child" end)
      orch.sleep "1h"
    end)
    expect(http.get(server.url, { check = false }).status):equals(500)
    expect(reported[1]):contains "the child"
  end)

  it("what they spawn goes on after the answer", function()
    local order = {}
    local go = orch.event()
    local server <close>, reported = serve(function()
      orch.spawn(function()
        go:wait()
        order[#order + 1] = "job"
        error "too late for an answer"
      end)
      return 202
    end)
    expect(http.get(server.url).status):equals(202)
    order[#order + 1] = "answer"
    go:set()
    eventually(function() return reported[1] end)
    expect(order):equals { "answer", "job" }
    expect(reported[1]):contains "too late for an answer"
  end)

  it("in the middle of a stream, the client sees that it is broken", function()
    local server <close>, reported = serve(function()
      return { stream = function(send)
        send "half"
        error "the disk is gone"
      end }
    end)
    expect(function() http.get(server.url) end):raises()
    expect(reported[1]):contains "the disk is gone"
    expect(raw(server, get "/", "eof")):matches "half\r\n$"
  end)
end)

describe("http.serve: bodies", function()
  it("beyond the limit are answered with 413 while they come", function()
    local calls = 0
    local server <close>, reported = serve(function(request)
      calls = calls + 1
      return tostring(#request.body)
    end, { limit = "64K" })
    expect(http.post(server.url, { body = ("x"):rep(64 << 10) }).body):equals "65536"
    local head = "send=POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 99999999\\r\\n"
    expect(raw(server, head .. "\\r\\n", "fill=1000000", "until=bytes"))
      :matches "^HTTP/1.1 413.*over the limit of 65536 bytes\n$"
    -- Nothing is asked for that will not be taken.
    expect(raw(server, head .. "Expect: 100-continue\\r\\n\\r\\n", "eof")):matches "^HTTP/1.1 413"
    local chunk = "10000\\r\\n" .. ("x"):rep(0x10000) .. "\\r\\n"
    expect(raw(server, post "Transfer-Encoding: chunked",
      "send=" .. chunk, "send=" .. chunk, "send=" .. chunk, "until=bytes")):matches "^HTTP/1.1 413"
    expect(calls):equals(1)
    expect(#reported):equals(0)
    expect(http.post(server.url, { body = "x", timeout = 5 }).body):equals "1"
  end)

  it("the client sees 413 although it sends megabytes more", function()
    local server <close> = serve(function() return "never" end, { limit = "1K" })
    local response = http.post(server.url, { body = ("x"):rep(8 << 20), check = false,
      headers = { Expect = false } })
    expect(response.status):equals(413)
  end)

  it("100-continue is said to those who ask", function()
    local server <close> = serve(function(request) return request.body end)
    expect(raw(server, post "Content-Length: 2\\r\\nExpect: 100-continue",
      "until=\r\n\r\n", "send=hi", "until=hi"))
      :matches "^HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200.*hi$"
  end)

  it("come in chunks, too", function()
    local server <close> = serve(function(request) return request.body end)
    expect(raw(server, post "Transfer-Encoding: chunked"
      .. "3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n", "until=abcde")):matches "\r\n\r\nabcde$"
  end)
end)

describe("http.serve: streams", function()
  it("are sent as they are made", function()
    local order, next_one = {}, orch.event()
    local server <close> = serve(function()
      return { headers = { ["Content-Type"] = "text/plain" }, stream = function(send)
        for i = 1, 3 do
          order[#order + 1] = "send " .. i
          send(i)
          next_one:wait()
          next_one:clear()
        end
      end }
    end)
    local stream <close> = http.stream("GET", server.url)
    for chunk in stream:chunks() do
      order[#order + 1] = "got " .. chunk
      next_one:set()
    end
    expect(order):equals { "send 1", "got 1", "send 2", "got 2", "send 3", "got 3" }
    expect(stream.headers["transfer-encoding"]):equals "chunked"
  end)

  it("wait for the client, and end when it has gone", function()
    local sent, ended = 0, nil
    local piece = ("x"):rep(16 << 10)
    local server <close>, reported = serve(function()
      return { stream = function(send)
        local ok, err = pcall(function()
          while true do
            send(piece)
            sent = sent + #piece
          end
        end)
        ended = err
        error(err, 0)
      end }
    end)
    local client <close> = process.spawn(command(server, { "small", get "/", "read=1000", "hold" }))
    expect(client:read "line"):equals "holding"
    local before
    repeat
      before = sent
      orch.sleep(0.1)
    until before == sent
    expect(sent).never:equals(0)
    expect(sent):less_than(16 << 20)
    expect(ended):is_nil()
    client:kill()
    eventually(function() return ended end)
    expect(ended.kind):equals "closed"
    expect(#reported):equals(0)
  end)

  it("with a length are no longer and no shorter than that", function()
    local server <close>, reported = serve(function(request)
      return { headers = { ["Content-Length"] = 4 }, stream = function(send)
        send(request.path:sub(2))
      end }
    end)
    expect(http.get(server.url .. "/four").body):equals "four"
    expect(function() http.get(server.url .. "/abc") end):raises "http"
    expect(function() http.get(server.url .. "/abcde") end):raises()
    expect(reported[1]):contains "1 bytes more than the header 'Content-Length' said"
    expect(#reported):equals(1)
  end)

  it("server-sent events", function()
    local server <close> = serve(function()
      return { events = function(send)
        send "plain"
        send { event = "tick", data = { n = 1 }, id = 7, retry = 500 }
        send { data = "two\nlines\r\nthree" }
        send { comment = "still here" }
      end }
    end)
    local response = http.get(server.url)
    expect(response.headers["content-type"]):equals "text/event-stream"
    expect(response.body):equals(table.concat {
      "data: plain\n\n", "event: tick\nid: 7\nretry: 500\ndata: {\"n\":1}\n\n",
      "data: two\ndata: lines\ndata: three\n\n", ": still here\n\n" })
    local stream <close> = http.stream("GET", server.url)
    local events = {}
    for event in stream:events() do events[#events + 1] = event.event .. "=" .. event.data end
    expect(events):equals { "message=plain", 'tick={"n":1}', "message=two\nlines\nthree" }
  end)

  it("an event that cannot be one is a failure", function()
    local event
    local server <close>, reported = serve(function()
      return { events = function(send) send(event) end }
    end)
    for i, case in ipairs {
      { { event = "a\nb" }, "has to be one line" }, { {}, "an event needs" },
      { { dat = "x" }, "did you mean `data`?" },
    } do
      event = case[1]
      pcall(http.get, server.url)
      eventually(function() return reported[i] end)
      expect(reported[i]):contains(case[2])
    end
  end)

  it("an idle one is sent its headers at once", function()
    local server <close> = serve(function()
      return { events = function() orch.sleep "1h" end }
    end)
    local stream <close> = http.stream("GET", server.url, { timeout = 10 })
    expect(stream.status):equals(200)
  end)
end)

describe("http.serve: a client that hangs up", function()
  it("cancels its handler", function()
    local order, started = {}, orch.event()
    local server <close>, reported = serve(function()
      local _ <close> = orch.defer(function(err)
        order[#order + 1] = orch.is_cancelled(err) and err.reason
      end)
      started:set()
      orch.sleep "1h"
    end)
    orch.move_on_after(0, function() http.get(server.url) end)
    local task = orch.spawn({ hold = true }, http.get, server.url)
    started:wait()
    task:cancel()
    eventually(function() return order[1] end)
    expect(order):equals { "the client has gone" }
    expect(#reported):equals(0)
  end)

  it("also between two pieces of a stream", function()
    local why
    local server <close>, reported = serve(function()
      return { stream = function(send)
        local _ <close> = orch.defer(function(err) why = err end)
        send "first"
        orch.sleep "1h"
      end }
    end)
    expect(raw(server, get "/", "until=first", "reset")):contains "first"
    eventually(function() return why end)
    expect(orch.is_cancelled(why)):truthy()
    expect(#reported):equals(0)
  end)

  it("after half a request is nobody's business", function()
    local calls = 0
    local server <close>, reported = serve(function() calls = calls + 1 return "" end)
    raw(server, "send=POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 10\\r\\n\\r\\nabc", "close")
    raw(server, "send=GET / HT", "reset")
    http.get(server.url)
    expect(calls):equals(1)
    expect(#reported):equals(0)
  end)

  it("one that has only said all it has to say is answered, if that takes no waiting", function()
    local server <close> = serve(function() return "answer" end)
    expect(raw(server, get "/", "shut", "eof")):matches "answer$"
  end)
end)

describe("http.serve: for mocks", function()
  it("reset and close, before an answer and in the middle of one", function()
    local answer
    local server <close>, reported = serve(function() return answer end)
    answer = { reset = true }
    expect(raw(server, get "/", "eof")):equals "<reset>"
    answer = { close = true }
    expect(raw(server, get "/", "eof")):equals ""
    answer = { stream = function(send) send "half" return { reset = true } end }
    expect(raw(server, get "/", "eof")):matches "half\r\n<reset>$"
    answer = { stream = function(send) send "half" return { close = true } end }
    expect(raw(server, get "/", "eof")):matches "half\r\n$"
    answer = { reset = true }
    expect(function() http.get(server.url) end):raises "network"
    expect(#reported):equals(0)
  end)
end)

describe("http.serve: files", function()
  local dir, content
  before_each(function()
    dir = test.temp_dir()
    content = ("0123456789"):rep(100000)
    fs.mkdir(dir .. "/public/sub")
    fs.write(dir .. "/public/data.bin", content)
    fs.write(dir .. "/public/page.html", "<p>")
    fs.write(dir .. "/secret.txt", "secret")
  end)
  local function files(request)
    return { file = request.path, root = dir .. "/public" }
  end

  it("whole, with type and length", function()
    local server <close> = serve(files)
    local response = http.get(server.url .. "/data.bin")
    expect(response.body == content):truthy()
    expect(response.headers["content-length"]):equals "1000000"
    expect(response.headers["content-type"]):equals "application/octet-stream"
    expect(http.get(server.url .. "/page.html").headers["content-type"])
      :equals "text/html; charset=utf-8"
    expect(http.head(server.url .. "/data.bin").headers["content-length"]):equals "1000000"
  end)

  it("ranges", function()
    local server <close> = serve(files)
    local function range(text, more)
      local headers = { Range = text }
      for name, value in pairs(more or {}) do headers[name] = value end
      return http.get(server.url .. "/data.bin", { headers = headers, check = false })
    end
    local response = range "bytes=999990-"
    expect({ response.status, response.body }):equals { 206, "0123456789" }
    expect(response.headers["content-range"]):equals "bytes 999990-999999/1000000"
    expect(range("bytes=3-5").body):equals "345"
    expect(range("bytes=-2").body):equals "89"
    expect(range("bytes=5-4").status):equals(416)
    expect(range("bytes=1000000-").headers["content-range"]):equals "bytes */1000000"
    expect(range("nonsense").status):equals(200)
    expect(range("bytes=0-1,3-4").status):equals(200)
    local tag = response.headers.etag
    expect(range("bytes=0-1", { ["If-Range"] = tag }).status):equals(206)
    expect(range("bytes=0-1", { ["If-Range"] = '"other"' }).status):equals(200)
    expect(range(nil, { ["If-None-Match"] = tag }).status):equals(304)
  end)

  it("what is not there, or outside, is 404", function()
    local server <close>, reported = serve(files)
    for _, path in ipairs { "/none", "/sub", "/%2e%2e/secret.txt", "/sub/..%2f..%2fsecret.txt",
      "/data.bin/x" } do
      expect(http.get(server.url .. path, { check = false }).status):equals(404)
    end
    expect(#reported):equals(0)
  end)

  it("one that may not be sent is the handler's failure", function()
    local server <close>, reported = serve(function() return { file = "/dev/zero" } end)
    expect(http.get(server.url, { check = false }).status):equals(500)
    expect(reported[1]):contains "cannot send '/dev/zero'"
  end)
end)

describe("http.serve: its end", function()
  it("lets handlers finish, and listens no more", function()
    local order, started, go = {}, orch.event(), orch.event()
    local server = serve(function()
      started:set()
      go:wait()
      order[#order + 1] = "handler"
      return "done"
    end)
    local task = orch.spawn(function() return http.get(server.url).body end)
    started:wait()
    local closer = orch.spawn(function()
      server:close()
      order[#order + 1] = "closed"
    end)
    orch.checkpoint()
    expect(function() http.get(server.url, { connect_timeout = 5 }) end):raises "network"
    order[#order + 1] = "refused"
    go:set()
    expect(task:await()):equals "done"
    closer:await()
    expect(order):equals { "refused", "handler", "closed" }
    server:close()
    server:wait()
  end)

  it("cancels those that take longer than the grace", function()
    local why, started = nil, orch.event()
    local server = serve(function()
      local _ <close> = orch.defer(function(err) why = err end)
      started:set()
      orch.sleep "1h"
    end, { grace = "50ms" })
    local task = orch.spawn(http.get, server.url, { check = false })
    started:wait()
    server:close()
    expect(why.reason):equals "the server is closing"
    expect(task:await().status):equals(503)
  end)

  it("cuts off a client that does not read", function()
    local server = serve(function() return ("x"):rep(32 << 20) end, { grace = "50ms" })
    local client <close> = process.spawn(command(server, { "small", get "/", "read=1000", "hold" }))
    client:read "line"
    server:close()
  end)

  it("closes connections that nobody uses", function()
    local server = serve(function() return "hi" end)
    local client <close> = process.spawn(command(server, { "hold", "eof" }))
    client:read "line"
    client:close_stdin()
    server:close()
    expect(client:wait().ok):truthy()
  end)

  it("a handler may close it", function()
    local server
    server = serve(function()
      server:close()
      return "good bye"
    end)
    local response = http.get(server.url)
    expect({ response.body, response.headers.connection }):equals { "good bye", "close" }
    server:wait()
  end)

  it("wait is woken by it", function()
    local order = {}
    local server = serve(function() return "" end)
    orch.spawn(function()
      orch.checkpoint()
      order[#order + 1] = "close"
      server:close()
    end)
    server:wait()
    order[#order + 1] = "waited"
    expect(order):equals { "close", "waited" }
  end)

  it("comes with the scope that it was started in", function()
    local url
    local ok, err = pcall(function()
      local _ <close> = orch.scope { name = "short", timeout = "100ms" }
      local server <close> = serve(function() orch.sleep "1h" end)
      url = server.url
      http.get(server.url)
    end)
    expect(ok):equals(false)
    expect(err.kind):equals "timeout"
    expect(function() http.get(url) end):raises "network"
  end)
end)

describe("http.serve: where it cannot listen", function()
  it("a port that is taken", function()
    local first <close> = serve(function() return "first" end)
    local err = expect(function() serve(print, { port = first.port }) end):raises "os"
    expect({ err.code, err.host, err.port }):equals { "EADDRINUSE", "127.0.0.1", first.port }
    expect(tostring(err)):matches "^cannot listen on 127.0.0.1:%d+: address already in use; "
    expect(http.get(first.url).body):equals "first"
  end)

  it("an address that is not ours", function()
    local err = expect(function() serve(print, { host = "192.0.2.1" }) end):raises "os"
    expect(err.code):equals "EADDRNOTAVAIL"
  end)

  it("options that are wrong", function()
    for opts, text in pairs {
      [{ prot = 1 }] = "http.serve has no option `prot`; did you mean `port`?",
      [{ port = 70000 }] = "option `port` should be from 0 to 65535",
      [{ host = "example.com" }] = 'option `host` should be an IP address',
      [{ cert = "a.pem" }] = "`cert` and `key` belong together",
    } do
      local err = expect(function() http.serve(opts, print) end):raises "usage"
      expect(err.message):contains(text)
    end
    expect(function() http.serve {} end):raises "usage"
  end)

  it("cancelled before it starts, and at work", function()
    local task = orch.spawn({ hold = true }, http.serve, {}, print)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    local serving = orch.event()
    task = orch.spawn({ hold = true }, function()
      local server <close> = http.serve({}, print)
      serving:set()
      server:wait()
    end)
    serving:wait()
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)

  it("::1 and localhost", function()
    local function who(request) return request.remote end
    local ok, server = orch.try(serve, who, { host = "::1" })
    if not ok then test.skip "this machine has no IPv6" end
    expect(http.get(server.url).body):matches "^%[::1%]:%d+$"
    server:close()
    local named <close> = serve(function() return "local" end, { host = "localhost" })
    expect(http.get(named.url).body):equals "local"
  end)
end)

describe("http.serve: over TLS", function()
  local function certificate()
    local dir = test.temp_dir()
    process.run { "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
      "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
      "-keyout", dir .. "/key.pem", "-out", dir .. "/cert.pem" }
    return { cert = dir .. "/cert.pem", key = dir .. "/key.pem", limit = "1K" }
  end

  it("with a certificate and its key", function()
    local opts = certificate()
    local server <close> = serve(function(request)
      if request.path == "/stream" then
        return { stream = function(send) for i = 1, 100 do send(("%d\n"):format(i)) end end }
      end
      return "safe " .. request.body
    end, opts)
    expect(server.url):matches "^https://127"
    expect(http.post(server.url, { ca = opts.cert, body = "and sound" }).body)
      :equals "safe and sound"
    expect(#http.get(server.url .. "/stream", { ca = opts.cert }).body):equals(292)
    expect(function() http.get(server.url) end):raises "tls"
  end)

  it("with what is none", function()
    local opts = certificate()
    fs.write(opts.cert, "no certificate")
    local err = expect(function() serve(print, opts) end):raises "os"
    expect(tostring(err)):contains "cannot listen on 127.0.0.1:0: GnuTLS failed"
  end)
end)

describe("http.serve: time and order", function()
  it("a server that waits does not hold virtual time", { clock = "virtual" }, function()
    local server <close> = serve(function() return "" end)
    local started = orch.time()
    orch.sleep "1h"
    expect(orch.time() - started):equals(3600)
  end)

  it("is alive while it is all there is", function()
    local hook = orch.event()
    local server <close> = serve(function() hook:set() return "" end)
    -- A process of its own: nothing else of this run could wake the task.
    local client <close> = process.spawn { require("orch.core.runtime").executable(), "-e",
      ("orch.sleep(0.2) orch.http.get %q"):format(server.url) }
    hook:wait()
    client:wait()
  end)

  it("children do not inherit the limit of open files that it needs", function()
    local code = [[
      io.write(orch.sh("ulimit -Sn").stdout)
      local s <close> = orch.http.serve(print)
      io.write(orch.sh("ulimit -Sn").stdout)]]
    local out = process.run { "/bin/sh", "-c", 'ulimit -Sn 256; exec "$0" -e "$1"',
      require("orch.core.runtime").executable(), code }.stdout
    expect(out):equals "256\n256\n"
  end)

  it("a thousand connections at once", function()
    local waiting, go = 0, orch.event()
    local server <close>, reported = serve(function(request)
      waiting = waiting + 1
      go:wait()
      return request.path
    end)
    local client <close> = process.spawn(command(server,
      { "times=1000", get "/all", "until=/all" }))
    expect(eventually(function() return waiting == 1000 end)):truthy()
    go:set()
    expect(client:read "line"):equals "1000"
    expect(#reported):equals(0)
  end)

  it("many requests on few connections", function()
    local server <close> = serve(function(request) return request.path end)
    local bodies = orch.map((function()
      local list = {}
      for i = 1, 500 do list[i] = i end
      return list
    end)(), function(i) return http.get(server.url .. "/" .. i).body end, { concurrency = 20 })
    for i = 1, 500 do expect(bodies[i]):equals("/" .. i) end
  end)
end)
