-- The C client below its policy: send, open, read, save and feed, each with its result,
-- a failure, cancelled before it starts and cancelled in flight.

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local server = dofile(here .. "/helper/server.lua")
local wire = require "orch.http.wire"
local fs = orch.fs

local function get(url, more)
  local request = { method = "GET", url = url, rewindable = true }
  for name, value in pairs(more or {}) do request[name] = value end
  return request
end

local head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"

--- Runs `fn` in a scope that is cancelled before it, or once the server has seen the
--- request, and says whether anything came of it.
local function cancelled(play, fn)
  local finished = false
  local task = orch.spawn({ hold = true }, function()
    fn()
    finished = true
  end)
  if play then play:wait "request" end
  task:cancel "enough"
  expect(function() task:await() end):raises "cancelled"
  return finished
end

describe("send", function()
  it("gives the whole answer and what is known about it", function()
    local play = server.play { head .. "abc", server.sleep(0.02), "def" }
    local raw = wire.send(get(play.url, { headers = { "X-One: 1" }, settings = { fresh = true } }))
    expect(raw.status):equals(200)
    expect(raw.body):equals "abcdef"
    expect(raw.head):equals(head)
    expect(raw.http_version):equals "1.1"
    local timings = raw:timings()
    expect(timings.total >= timings.first_byte):truthy()
    expect(timings.reused):is(false)
    expect(raw:progress()):equals { received = 6, expected = 6, sent = 0, total_upload = 0 }
  end)

  it("says which kind of failure it was and how far it got", function()
    local play = server.play { head .. "abc", server.reset }
    local err = expect(function() wire.send(get(play.url)) end):raises "network"
    expect(err.phase):equals "receiving"
    expect(err.received):equals(3)
    expect(err.expected):equals(6)
    expect(err.url):equals(play.url)
    expect(err.method):equals "GET"
  end)

  it("never starts when it is cancelled before", function()
    local play = server.play { head .. "abcdef" }
    expect(cancelled(nil, function() wire.send(get(play.url)) end)):is(false)
    expect(play:count "request"):equals(0)
  end)

  it("closes its connection when it is cancelled in flight", function()
    local play = server.play { server.hold }
    expect(cancelled(play, function() wire.send(get(play.url)) end)):is(false)
    play:wait "closed"
  end)

  it("refuses a second start and a use after its end", function()
    local play = server.play { head .. "abcdef" }
    local raw = wire.send(get(play.url))
    expect(function() raw.exchange:send() end):raises { kind = "usage", message = "has been sent" }
    expect(function() raw.exchange:read() end):raises "not a stream"
    raw.exchange:close()
    expect(function() raw.exchange:timings() end):raises { kind = "usage", message = "is closed" }
  end)

  it("leaves nothing of a failed request to the next one", function()
    local play = server.play { head .. "abcdef" }
    expect(function() wire.send(get(play.url, { resolve = { "no entry" } })) end):raises "http"
    for _ = 1, 3 do expect(wire.send(get(play.url)).body):equals "abcdef" end
  end)

  it("is named as the script called it, where it cannot wait", function()
    for _, name in ipairs { "get", "post", "delete" } do
      local err = expect(function()
        ("x"):gsub("x", function() return orch.http[name]("http://127.0.0.1:9/").body end)
      end):raises "usage"
      expect(err.message):contains("http." .. name .. " was called inside string.gsub")
    end
  end)

  it("keeps a body in memory up to a limit only", function()
    local play = server.play { head .. "abcdef" }
    local err = expect(function()
      wire.send(get(play.url, { settings = { limit = 5 } }))
    end):raises "http"
    expect(err.message):matches "`limit`"
  end)
end)

describe("open and read", function()
  it("return with the head, and then what has come", function()
    local play = server.play { head .. "abc", server.sleep(0.05), "def" }
    local stream <close> = wire.open(get(play.url))
    expect(stream.status):equals(200)
    local parts = {}
    for part in function() return stream:read() end do parts[#parts + 1] = part end
    expect(table.concat(parts)):equals "abcdef"
    expect(stream:read()):is_nil()
  end)

  it("raise a failure of the head and of the body", function()
    local refused = get("http://127.0.0.1:" .. server.port "refused")
    expect(function() wire.open(refused) end):raises { kind = "network", phase = "connecting" }
    local play = server.play { head .. "abc", server.close }
    local stream <close> = wire.open(get(play.url))
    expect(stream:read()):equals "abc"
    expect(function() stream:read() end):raises { kind = "http", received = 3, expected = 6 }
  end)

  it("never start when they are cancelled before", function()
    local play = server.play { head .. "abcdef" }
    expect(cancelled(nil, function() wire.open(get(play.url)) end)):is(false)
    expect(play:count "request"):equals(0)
  end)

  it("close the connection of a head that is cancelled in flight", function()
    local play = server.play { server.hold }
    expect(cancelled(play, function() wire.open(get(play.url)) end)):is(false)
    play:wait "closed"
  end)

  it("leave the stream usable when a read is cancelled", function()
    local play = server.play { head .. "abc", server.sleep(0.1), "def" }
    local stream <close> = wire.open(get(play.url))
    expect(stream:read()):equals "abc"
    expect(cancelled(nil, function() stream:read() end)):is(false)
    expect(stream:read()):equals "def"
  end)

  it("let one task read at a time", function()
    local play = server.play { head .. "abc", server.hold }
    local stream <close> = wire.open(get(play.url))
    expect(stream:read()):equals "abc"
    local reader = orch.spawn({ daemon = true }, function() stream:read() end)
    orch.sleep(0)
    expect(function() stream:read() end):raises { kind = "usage", message = "already waiting" }
    reader:cancel()
  end)

  it("receive no more than the window while nobody reads", function()
    local size = 8 << 20
    local play = server.play {
      "HTTP/1.1 200 OK\r\nContent-Length: " .. size .. "\r\n\r\n", server.fill(size),
    }
    local stream <close> = wire.open(get(play.url))
    orch.sleep(0.1)
    expect(stream:progress().received):less_than(1 << 20)
    local got = 0
    for part in function() return stream:read() end do got = got + #part end
    expect(got):equals(size)
  end)
end)

describe("save", function()
  it("puts the rest of the body into a file, from an offset on", function()
    local path = fs.temp_file()
    fs.write(path, "0123456789")
    local play = server.play { head .. "abc", server.sleep(0.02), "def" }
    local stream <close> = wire.open(get(play.url))
    expect(stream:save(path, 4, true)):equals(10)
    expect(fs.read(path)):equals "0123abcdef"
  end)

  it("keeps what came before a failure, and names a file that it cannot write", function()
    local path = fs.temp_file()
    local play = server.play { head .. "abc", server.close }
    local stream <close> = wire.open(get(play.url))
    expect(function() stream:save(path, 0) end):raises "http"
    expect(fs.read(path)):equals "abc"
    local whole = server.play { head .. "abcdef" }
    local second <close> = wire.open(get(whole.url))
    expect(function() second:save("/dev/null/x", 0) end)
      :raises { kind = "os", code = "ENOTDIR", path = "/dev/null/x" }
  end)

  it("never starts when it is cancelled before", function()
    local path = fs.temp_dir() .. "/out"
    local play = server.play { head .. "abcdef" }
    local stream <close> = wire.open(get(play.url))
    expect(cancelled(nil, function() stream:save(path, 0) end)):is(false)
    expect(fs.exists(path)):is(false)
  end)

  it("ends with its file closed when it is cancelled in flight", function()
    local path = fs.temp_file()
    local play = server.play { head .. "abc", server.hold }
    local stream <close> = wire.open(get(play.url))
    expect(cancelled(play, function() stream:save(path, 0) end)):is(false)
    play:wait "closed"
    expect(fs.read(path)):equals "abc"
  end)
end)

describe("a body", function()
  it("is sent from strings and regions of files, and read again where that is allowed", function()
    local path = fs.temp_file()
    fs.write(path, "0123456789")
    local play = server.play { server.body, head .. "abcdef" }
    wire.send { method = "POST", url = play.url, headers = { "Content-Type: x/y" },
      body = { "a", { path = path, offset = 2, size = 3 }, "b" } }
    expect(play:wait "body".text):equals "a234b"
  end)

  it("that a function gives goes chunk by chunk", function()
    local play = server.play { server.body, head .. "abcdef" }
    local n = 0
    local raw = wire.send { method = "POST", url = play.url,
      headers = { "Transfer-Encoding: chunked", "Content-Type: x/y" },
      body = function()
        n = n + 1
        orch.sleep(0.001)
        return n <= 3 and ("%d"):rep(3):format(n, n, n) or nil
      end }
    expect(raw.status):equals(200)
    expect(play:wait "body".text):equals "111222333"
  end)

  it("ends the request with the failure of its function or file", function()
    local play = server.play { server.body, head .. "abcdef" }
    local function post(body)
      wire.send { method = "POST", url = play.url, body = body }
    end
    expect(function() post(function() error "no more" end) end):raises "no more"
    expect(function() post { { path = "/dev/null/x", offset = 0, size = 3 } } end)
      :raises { kind = "os", path = "/dev/null/x" }
    local short = fs.temp_file()
    expect(function() post { { path = short, offset = 0, size = 3 } } end)
      :raises { kind = "http", message = "shorter" }
  end)

  it("is cancelled with its request", function()
    local play = server.play { server.body, server.hold }
    local open = true
    expect(cancelled(play, function()
      wire.send { method = "POST", url = play.url, headers = { "Transfer-Encoding: chunked" },
        body = function()
          local _ <close> = orch.defer(function() open = false end)
          orch.sleep(60)
        end }
    end)):is(false)
    expect(open):is(false)
  end)
end)

describe("a jar", function()
  it("keeps the cookies of the requests that share it", function()
    local jar = wire.jar()
    local first = server.play { "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n" }
    local second = server.play { head .. "abcdef" }
    wire.send(get(first.url, { jar = jar }))
    expect(#jar:list()):equals(1)
    wire.send(get(second.url, { jar = jar }))
    expect(second:header "Cookie"):equals "a=1"
    jar:clear()
    expect(jar:list()):equals {}
  end)
end)

describe("a URL", function()
  it("is taken apart and put together as libcurl does", function()
    local parts = wire.parse_url "https://u:p@host:81/a/b?x=1#f"
    expect(parts):equals { scheme = "https", user = "u", password = "p", host = "host",
      port = "81", path = "/a/b", query = "x=1", fragment = "f" }
    expect(wire.join_url("http://h/a/b?x", "../c")):equals "http://h/c"
    local none, why = wire.parse_url "http://[::1"
    expect(none):is_nil()
    expect(why):is_a "string"
  end)
end)

describe("wire.with", function()
  it("lets another transport answer until it is closed", function()
    do
      local _ <close> = wire.with { send = function() return "fake" end }
      expect(wire.send {}):equals "fake"
    end
    expect(wire.transport):is(wire.real)
  end)
end)
