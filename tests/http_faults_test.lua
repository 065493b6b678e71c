-- orch.http against a server that breaks off, lies, dawdles or says nothing: each
-- failure has its kind, says where it happened and leaves nothing behind.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local OK = "HTTP/1.1 200 OK\r\n"

local function sorted(cases)
  local names = {}
  for name in pairs(cases) do names[#names + 1] = name end
  table.sort(names)
  return ipairs(names)
end

-- A GET of what the server plays fails like this.
local function get_fails(steps, fields, opts)
  local play = server.play(steps)
  fields.url, fields.method = play.url, "GET"
  return fault(function() http.get(play.url, opts) end, fields), play
end

describe("connecting", function()
  it("is refused", function()
    local url = server.url "refused" .. "/x"
    local err = fault(function() http.get(url) end,
      { kind = "network", url = url, method = "GET", phase = "connecting" })
    expect(err.message):contains "refused"
    expect(err.detail):is_a "string"
    expect(err.received):equals(0)
  end)

  it("never ends", function()
    local url = server.url "full" .. "/x"
    local err = fault(function() http.get(url, { connect_timeout = "200ms" }) end,
      { kind = "timeout", url = url, method = "GET", phase = "connecting" })
    expect(err.message):contains "connect"
    fault(function() http.get(url, { timeout = "200ms" }) end,
      { kind = "timeout", url = url, phase = "connecting" })
  end)

  it("to a name that does not exist", function()
    local url = ("http://%s.invalid/x"):format(("x"):rep(70)) -- no resolver is asked
    fault(function() http.get(url) end,
      { kind = "network", url = url, method = "GET", phase = "resolving" })
  end)

  it("is reset", function()
    local url = server.url "reset" .. "/x"
    local err = fault(function() http.get(url) end,
      { kind = "network", url = url, method = "GET", received = 0 })
    expect(err.message):contains "reset"
  end)
end)

describe("an answer that breaks off", function()
  it("before its first byte", function()
    local err, play = get_fails({ server.close }, { kind = "network", phase = "waiting" })
    expect(err.received):equals(0)
    expect(play:count "request"):equals(1)
  end)

  it("with a reset before its first byte", function()
    local err = get_fails({ server.reset }, { kind = "network" })
    expect(err.message):contains "reset"
  end)

  it("with a reset in the header", function()
    local err = get_fails({ OK .. "Content-Le", server.reset }, { kind = "network" })
    expect(err.message):contains "reset"
  end)

  it("in the header", function()
    get_fails({ OK .. "Content-Le", server.close }, {})
    get_fails({ OK .. "X: y\r\n", server.close }, {})
    get_fails({ "HTT", server.close }, {})
  end)

  it("with a reset in the body", function()
    local err = get_fails({ OK .. "Content-Length: 1000\r\n\r\n" .. ("x"):rep(100),
      server.sleep(0.05), server.reset },
      { kind = "network", phase = "receiving", received = 100, expected = 1000 })
    expect(err.message):contains "reset"
    expect(err.message):contains "100"
    expect(err.message):contains "1000"
  end)

  it("in a body with a length", function()
    local err = get_fails({ OK .. "Content-Length: 1000\r\n\r\n" .. ("x"):rep(100),
      server.close }, { kind = "http", phase = "receiving", received = 100, expected = 1000 })
    expect(err.message):contains "100"
    expect(err.message):contains "1000"
  end)

  it("in a chunk, or before the last one", function()
    for _, body in ipairs { "5\r\nab", "2\r\nab\r\n", "" } do
      get_fails({ OK .. "Transfer-Encoding: chunked\r\n\r\n" .. body, server.close },
        { kind = "http", phase = "receiving" })
    end
  end)

  it("is told to a stream at the place where it happens", function()
    local play = server.play { OK .. "Content-Length: 9\r\n\r\nab", server.sleep(0.05),
      server.reset }
    local s <close> = http.stream("GET", play.url)
    expect(s.status):equals(200)
    local got = {}
    fault(function()
      for chunk in s:chunks() do got[#got + 1] = chunk end
    end, { kind = "network", url = play.url, received = 2, expected = 9 })
    expect(table.concat(got)):equals "ab"
  end)
end)

describe("an answer that is wrong", function()
  local cases = {
    ["is no HTTP"] = { "SSH-2.0-OpenSSH_9.2\r\n", server.close },
    ["has no header at all"] = { "hello", server.close },
    ["has no number for a status"] = { "HTTP/1.1 abc OK\r\n\r\n", server.close },
    ["has a status beyond all bounds"] = { "HTTP/1.1 99999 OK\r\n\r\n", server.close },
    ["is of a version that nobody knows"] = { "HTTP/7.1 200 OK\r\n\r\n", server.close },
    ["has a header without a colon"] = { OK .. "what is this\r\n\r\n", server.close },
    ["has a NUL in a header"] = { OK .. "X: a\0b\r\n\r\n", server.close },
    ["has a length that is no number"] = { OK .. "Content-Length: banana\r\n\r\nx", server.close },
    ["has a negative length"] = { OK .. "Content-Length: -5\r\n\r\nx", server.close },
    ["has garbage for a chunk's size"] =
      { OK .. "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", server.close },
    ["has a chunk of a size beyond all bounds"] =
      { OK .. "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab", server.close },
    ["has garbage after a chunk"] =
      { OK .. "Transfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n", server.close },
    ["is no gzip though it says so"] =
      { server.answer(200, { "Content-Encoding: gzip" }, "this is not gzip") },
  }
  for _, name in sorted(cases) do
    it(name, function() get_fails(cases[name], { kind = "http" }) end)
  end

  it("has a header of 1 MB", function()
    local long = "X: " .. ("x"):rep(1 << 20)
    for _, steps in ipairs { { OK .. long .. "\r\n\r\n" }, { OK .. long, server.hold } } do
      local err = get_fails(steps, { kind = "http" })
      expect(err.message):contains "header"
      expect(err.message).never:contains "memory"
    end
  end)

  it("is longer than it says: the rest belongs to nobody", function()
    local play = server.turns {
      { OK .. "Content-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" },
      { server.answer(200, {}, "good") },
    }
    expect(http.get(play.url).body):equals "ab"
    expect(http.get(play.url).body):equals "good"
  end)

  it("has a length and chunks: the chunks hold", function()
    local play = server.play { OK .. "Content-Length: 90\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "3\r\nabc\r\n0\r\n\r\n" }
    expect(http.get(play.url).body):equals "abc"
  end)

  it("is broken in the middle of a gzip", function()
    local lines = {}
    for i = 1, 20000 do lines[i] = tostring(i * 7919 % 100003) end
    local text = table.concat(lines, "\n")
    local whole = orch.process.run { "gzip", stdin = text }.stdout
    local function packed(bytes) return server.answer(200, { "Content-Encoding: gzip" }, bytes) end
    expect(http.get(server.play { packed(whole) }.url).body):equals(text)

    local half = #whole // 2
    local hole = whole:sub(1, half) .. ("\0"):rep(1000) .. whole:sub(half + 1001)
    get_fails({ packed(hole) }, { kind = "http" })
    local wrong_sum = whole:sub(1, -9) .. "\1\2\3\4" .. whole:sub(-4)
    get_fails({ packed(wrong_sum) }, { kind = "http" })
    get_fails({ ("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"):format(OK, #whole,
      whole:sub(1, half)), server.close }, { kind = "http", received = half, expected = #whole })
  end)
end)

describe("an answer that is strange but right", function()
  it("has 10,000 headers", function()
    local lines = {}
    for i = 1, 10000 do lines[i] = ("X-%d: %d"):format(i, i) end
    local r = http.get(server.play { server.answer(200, lines, "yes") }.url)
    expect(r.body):equals "yes"
    expect(r.headers["x-1"]):equals "1"
    expect(r.headers["X-10000"]):equals "10000"
  end)

  it("comes after 1xx", function()
    local play = server.play { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
      .. "Link: </x>\r\n\r\n" .. server.answer(200, { "X: y" }, "yes") }
    local r = http.get(play.url)
    expect(r.status):equals(200)
    expect(r.body):equals "yes"
    expect(r.headers.x):equals "y"
    expect(r.headers.link):is_nil()
  end)

  it("has no body: 204, 304 and HEAD, whatever the length says", function()
    local none = server.turns_of_connection { { "HTTP/1.1 204 No\r\n\r\n" },
      { "HTTP/1.1 304 Not\r\nContent-Length: 300\r\n\r\n" },
      { OK .. "Content-Length: 300\r\n\r\n" }, { server.answer(200, {}, "yes") } }
    expect(http.get(none.url).status):equals(204)
    expect(http.get(none.url).status):equals(304)
    local head = http.head(none.url)
    expect(head.headers["content-length"]):equals "300"
    expect(head.body):equals ""
    expect(http.get(none.url).body):equals "yes"
    local first = none:wait("request", 1).connection
    expect(none:wait("request", 4).connection):equals(first)
  end)

  it("has trailers", function()
    local play = server.play { OK .. "Transfer-Encoding: chunked\r\n\r\n"
      .. "2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n" }
    expect(http.get(play.url).body):equals "ab"
  end)

  it("ends with the connection", function()
    expect(http.get(server.play { OK .. "\r\nabc", server.close }.url).body):equals "abc"
    expect(http.get(server.play { "HTTP/1.0 200 OK\r\n\r\nabc", server.close }.url).body)
      :equals "abc"
  end)

  it("is a 200 with invalid JSON", function()
    local url = server.play { server.answer(200, { "Content-Type: application/json" },
      '{"a": 1,\n "b": }') }.url
    local r = http.get(url)
    expect(r.status):equals(200)
    local err = expect(function() r:json() end):raises "json"
    expect(err.message):contains "line 2, column 7"
    expect(err.message):contains(url)
  end)
end)

describe("a server that dawdles", function()
  it("never answers", function()
    local err, play = get_fails({ server.hold }, { kind = "timeout", phase = "waiting" },
      { timeout = "150ms" })
    expect(err.received):equals(0)
    play:wait "closed"
  end)

  it("sends a byte at a time", function()
    local err, play = get_fails({ OK .. "Content-Length: 1000\r\n\r\n",
      server.drip("x", 0.02) }, { kind = "timeout", phase = "receiving", expected = 1000 },
      { timeout = "300ms" })
    expect(err.received):greater_than(0)
    expect(err.received):less_than(1000)
    expect(err.message):contains "1000"
    play:wait "gone"
  end)

  it("sends its header a byte at a time", function()
    local _, play = get_fails({ OK .. "X: ", server.drip("y", 0.02) }, { kind = "timeout" },
      { timeout = "200ms" })
    play:wait "gone"
  end)

  it("stalls in the middle of a body", function()
    local err, play = get_fails({ OK .. "Content-Length: 1000\r\n\r\nabc", server.hold },
      { kind = "timeout", phase = "receiving", received = 3, expected = 1000 },
      { stall = "1s" })
    expect(err.elapsed):greater_than(0.5)
    play:wait "closed"
  end)

  it("sends more than may be kept", function()
    local _, play = get_fails({ OK .. "\r\n", server.fill(10000000) }, { kind = "http" },
      { limit = "1M" })
    expect(play:wait("filled").bytes):less_than(10000000)
  end)

  it("never ends its header", function()
    local err, play = get_fails({ OK, server.drip("X: " .. ("y"):rep(50000) .. "\r\n", 0) },
      { kind = "http" })
    expect(err.message):contains "header"
    play:wait "gone"
  end)

  it("sends little that unpacks to much", function()
    local bomb = orch.process.run { "sh", "-c", "head -c 50000000 /dev/zero | gzip" }.stdout
    expect(#bomb):less_than(100000)
    local err = get_fails({ server.answer(200, { "Content-Encoding: gzip" }, bomb) },
      { kind = "http" }, { limit = "1M" })
    expect(err.message):contains "limit"
  end)

  it("is given up by wait_for, too", function()
    local play = server.play { server.hold }
    expect(function() orch.wait_for(http.get, "100ms", play.url) end):raises "timeout"
    play:wait "closed"
  end)

  it("stops reading an upload", function()
    local play = server.play { server.sleep(30) }
    local body = ("x"):rep(16 << 20)
    fault(function() http.post(play.url, { body = body, timeout = "300ms" }) end,
      { kind = "timeout", url = play.url, method = "POST" })
  end)
end)

describe("an answer before the upload has ended", function()
  local body = ("x"):rep(16 << 20)

  it("counts, and the rest is not sent", function()
    local play = server.play { server.answer(413, {}, "too much"), server.drain }
    local err = fault(function() http.post(play.url, { body = body }) end,
      { kind = "status", status = 413, url = play.url, method = "POST" })
    expect(err.response.body):equals "too much"
  end)

  it("counts as well when the server says it and hangs up", function()
    local play = server.play { server.answer(413, {}, "too much"), server.sleep(0.1),
      server.close }
    local err = expect(function() http.post(play.url, { body = body }) end):raises()
    expect(err.kind == "status" and err.status == 413 or err.kind == "network")
      :truthy()
  end)

  it("does not come: the server hangs up in the middle", function()
    local play = server.play { server.sleep(0.05), server.reset }
    fault(function() http.post(play.url, { body = body }) end,
      { kind = "network", url = play.url, method = "POST" })
    expect(play:count "request"):equals(1)
  end)
end)

describe("a wrong URL", function()
  local cases = {
    [""] = "usage|http", ["http://"] = "http", ["//127.0.0.1/x"] = "http",
    ["not a url"] = "http", ["http://127.0.0.1:99999/x"] = "http",
    ["http://[::1/x"] = "http", ["http://a b/"] = "http", ["http:///x"] = "http",
    ["/only/a/path"] = "http", ["127.0.0.1/x"] = "http",
    ["teapot://127.0.0.1/x"] = "http", ["file:///etc/passwd"] = "http",
    ["gopher://127.0.0.1/x"] = "http", ["dict://127.0.0.1/x"] = "http",
  }
  for _, url in sorted(cases) do
    local kinds = cases[url]
    it(("%q"):format(url), function()
      local err = expect(function() http.get(url) end):raises()
      expect(("|" .. kinds .. "|"):find("|" .. err.kind .. "|", 1, true) or err.kind):is_a "number"
      expect(err.message):contains(url)
      expect(err.message).never:matches "%c"
    end)
  end

  it("names the scheme that is unknown", function()
    local err = expect(function() http.get "teapot://127.0.0.1/x" end):raises "http"
    expect(err.message):contains "teapot"
    err = expect(function() http.get "htp://127.0.0.1/x" end):raises "http"
    expect(err.message):contains "http"
  end)

  it("is told without its password", function()
    local url = server.url "refused" .. "/x"
    local with = url:gsub("//", "//me:secret@")
    local err = fault(function() http.get(with) end, { kind = "network", url = url })
    for key, value in pairs(err) do
      if type(value) == "string" then expect(key .. value).never:contains "secret" end
    end
  end)
end)

describe("a cancelled request", function()
  it("frees its connection while it waits", function()
    local play = server.play { server.hold }
    local task = orch.spawn({ hold = true }, http.get, play.url)
    play:wait "holding"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(play:wait("closed").how):is_a "string"
  end)

  it("frees its connection in the middle of a body", function()
    local play = server.play { OK .. "Content-Length: 1000000000\r\n\r\n",
      server.fill(1000000000) }
    local task = orch.spawn({ hold = true }, function()
      local s <close> = http.stream("GET", play.url)
      s:chunks()()
      orch.sleep "1m"
    end)
    play:wait "request"
    orch.sleep(0.1)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(play:wait("filled").bytes):less_than(1000000000)
    play:wait "gone"
  end)

  it("frees its connection in the middle of an upload", function()
    local play = server.play { server.sleep(0.3), server.body }
    local task = orch.spawn({ hold = true }, http.post, play.url, { body = ("x"):rep(64 << 20) })
    play:wait "request"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    play:wait "gone"
    expect(play:count "body"):equals(0)
  end)

  it("that never began sends nothing", function()
    local play = server.play { server.answer(200) }
    local task = orch.spawn({ hold = true }, http.get, play.url)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(http.get(play.url).status):equals(200)
    expect(play:count "request"):equals(1)
  end)

  it("does not disturb others on the same pool", function()
    local quick = server.play { server.answer(200, {}, "yes") }
    local slow = server.play { server.hold }
    local tasks = {}
    for i = 1, 20 do tasks[i] = orch.spawn({ hold = true }, http.get, slow.url) end
    slow:wait("holding", 20)
    for i = 1, 20, 2 do tasks[i]:cancel "enough" end
    expect(http.get(quick.url).body):equals "yes"
    for i = 2, 20, 2 do tasks[i]:cancel "enough" end
    slow:wait("closed", 20)
    for i = 1, 20 do expect(function() tasks[i]:await() end):raises "cancelled" end
  end)

  it("that is left by break ends, too", function()
    local play = server.play { OK .. "Content-Length: 1000000000\r\n\r\n",
      server.fill(1000000000) }
    do
      local s <close> = http.stream("GET", play.url)
      for _ in s:chunks() do break end
    end
    play:wait "gone"
  end)
end)
