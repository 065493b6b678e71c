-- http.stream: an answer piece by piece.

local http = orch.http

local server

local function serving(handle, fn)
  local s <close> = http.serve({ grace = "500ms" }, handle)
  server = s
  return fn(s.url)
end

--- Answers with pieces, each sent for itself.
local function pieces(list, kind)
  return function()
    return { headers = { ["Content-Type"] = kind or "text/plain" }, stream = function(send)
      for _, piece in ipairs(list) do
        send(piece)
        orch.sleep(0.002)
      end
    end }
  end
end

local function collect(iterator)
  local list = {}
  for item in iterator do list[#list + 1] = item end
  return list
end

describe("a stream", function()
  it("has a head before its body, and pieces", function()
    local go = orch.event()
    serving(function()
      return { status = 201, headers = { ["X-A"] = "a" }, stream = function(send)
        send "one "
        go:wait()
        send "two"
      end }
    end, function(url)
      local s <close> = http.stream("POST", url, { body = "x" })
      expect({ s.status, s.ok, s.headers["x-a"], s.method, s.url, s.reason, s.http_version })
        :equals { 201, true, "a", "POST", url, "Created", "1.1" }
      expect(s:read()):equals "one "
      go:set()
      expect(table.concat(collect(s:chunks()))):equals "two"
      expect(s:read()):is_nil()
      expect(s:progress().received):equals(7)
      expect(function() return s.stauts end):raises "usage"
    end)
  end)

  it("gives lines, cut anywhere, and the last without an end", function()
    serving(pieces { "on", "e\r", "\ntwo\n\nthr", "ee gr\xC3", "\xBC\xC3", "\x9Fe\nlast" },
      function(url)
        local s <close> = http.stream("GET", url)
        expect(collect(s:lines())):equals { "one", "two", "", "three grüße", "last" }
      end)
  end)

  it("gives pieces that do not end within a character", function()
    serving(pieces { "a\xE6", "\x97", "\xA5\xF0\x9F", "\x8E\xAEb", "\xC3" }, function(url)
      local s <close> = http.stream("GET", url)
      local list = collect(s:chunks { utf8 = true })
      expect(table.concat(list)):equals "a日🎮b\xC3"
      for i = 1, #list - 1 do expect(utf8.len(list[i])):is_a "number" end
    end)
  end)

  it("gives pieces of a size", function()
    serving(pieces { "abc", "d", "efghij", "k" }, function(url)
      local s <close> = http.stream("GET", url)
      expect(collect(s:chunks { size = 4 })):equals { "abcd", "efgh", "ijk" }
      local t <close> = http.stream("GET", url)
      expect(collect(t:chunks { size = 11 })):equals { "abcdefghijk" }
    end)
  end)

  it("gives server-sent events", function()
    serving(pieces({ "id: 1\nda", "ta: gr\xC3", "\xBCn\r", "\n\r\nevent: x\ndata: 2\n\ndata: cut" },
      "text/event-stream"), function(url)
      local s <close> = http.stream("GET", url)
      expect(collect(s:events())):equals {
        { event = "message", data = "grün", id = "1" }, { event = "x", data = "2", id = "1" } }
      expect(s.last_event_id):equals "1"
    end)
    serving(pieces({ "id: 1\ndata: a\n\nid: 2\n\nid: 3\ndata: cut" }, "text/event-stream"),
      function(url)
        local s <close> = http.stream("GET", url)
        local next_event = s:events()
        next_event()
        expect(s.last_event_id):equals "1"
        expect(next_event()):is_nil()
        expect(s.last_event_id):equals "2"
      end)
  end)

  it("says that JSON is no event stream", function()
    serving(function() return { json = { a = 1 } } end, function(url)
      local s <close> = http.stream("GET", url)
      local err = expect(function() s:events() end):raises "http"
      expect(err.message):contains "application/json, not server-sent events"
      expect(s:json()):equals { a = 1 }
    end)
  end)

  it("goes into a text, a value or a file", function()
    local path = test.temp_dir() .. "/x"
    serving(pieces { "[1,", "2]" }, function(url)
      local s <close> = http.stream("GET", url)
      expect(s:text()):equals "[1,2]"
      local t <close> = http.stream("GET", url)
      expect(t:json()):equals { 1, 2 }
      local u <close> = http.stream("GET", url)
      expect(u:save(path)):equals(5)
      expect(orch.fs.read(path)):equals "[1,2]"
    end)
  end)

  it("raises a bad status, unless it need not", function()
    serving(function() return { status = 404, body = "not here", headers = {
      ["Content-Type"] = "text/plain" } } end, function(url)
      local err = expect(function() http.stream("GET", url) end)
        :raises { kind = "status", status = 404 }
      expect(err.message):contains "404 Not Found: not here"
      expect(err.response.body):equals "not here"
      local s <close> = http.stream("GET", url, { check = false })
      expect(s.status):equals(404)
      expect(s:text()):equals "not here"
    end)
  end)

  it("is opened again by retry", function()
    local n = 0
    local function handle()
      n = n + 1
      return n < 3 and { status = 503, body = "busy" } or "there"
    end
    serving(handle, function(url)
      local s <close> = http.stream("GET", url, { retry = { base = 0 } })
      expect({ s:text(), n }):equals { "there", 3 }
      n = -9
      local t <close> = http.stream("GET", url,
        { retry = { base = 0, attempts = 2 }, check = false })
      expect({ t.status, t:text(), n }):equals { 503, "busy", -7 }
    end)
  end)

  it("follows redirects", function()
    serving(function(request)
      if request.path == "/end" then return "there" end
      return { status = 307, headers = { Location = "/end" }, body = ("x"):rep(100) }
    end, function(url)
      local s <close> = http.stream("GET", url)
      expect({ s:text(), s.history[1].status, s.url }):equals { "there", 307, url .. "/end" }
    end)
  end)

  it("may be left early, which frees the connection", function()
    local gone = orch.event()
    serving(function()
      return { stream = function(send)
        local _ <close> = orch.defer(function() gone:set() end)
        while true do send(("x"):rep(65536)) end
      end }
    end, function(url)
      local s <close> = http.stream("GET", url)
      for chunk in s:chunks() do
        expect(#chunk):greater_than(0)
        break
      end
      s:close()
      s:close()
      gone:wait()
      local err = expect(function() s:read() end):raises "closed"
      expect(err.message):contains "is closed already"
    end)
  end)

  it("is cancelled while it waits for a piece", function()
    local never = orch.event()
    serving(function()
      return { stream = function(send) send "x" never:wait() end }
    end, function(url)
      local first = orch.event()
      local task = orch.spawn({ hold = true }, function()
        local s <close> = http.stream("GET", url)
        s:read()
        first:set()
        s:read()
      end)
      first:wait()
      orch.sleep(0.01)
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      never:set()
    end)
  end)

  it("does not keep a line or an event without end", function()
    serving(function()
      return { headers = { ["Content-Type"] = "text/event-stream" },
        stream = function(send) while true do send(("x"):rep(10000)) end end }
    end, function(url)
      for _, what in ipairs { "lines", "events", "text" } do
        local s <close> = http.stream("GET", url, { limit = "100K" })
        local err = expect(function()
          local all = s[what](s)
          if what ~= "text" then all() end
        end):raises "http"
        expect(err.message):contains "more than 102400 bytes"
      end
    end)
  end)

  it("times out as a whole, or when it stalls", function()
    serving(function()
      return { stream = function(send) while true do send "x" orch.sleep(0.02) end end }
    end, function(url)
      local s <close> = http.stream("GET", url, { timeout = 0.2 })
      expect(function() collect(s:chunks()) end):raises "timeout"
    end)
  end)

  it("that nobody closed is told", function()
    local dir = test.temp_dir()
    orch.fs.write(dir .. "/leak.lua", [[
      local server <close> = orch.http.serve({}, function()
        return { stream = function(send) send "x" orch.sleep(1) end }
      end)
      local s = orch.http.stream("GET", server.url)
      s:read()
      os.exit(0)
    ]])
    local r = test.run { dir .. "/leak.lua" }
    expect(r.stderr):contains "leak.lua:4"
    expect(r.stderr):contains "neither read to its end nor closed"
  end)

  it("says what is wrong with its arguments", function()
    expect(function() http.stream "http://x/" end):raises "usage"
    expect(function() http.stream("GET", "http://x/", { progress = true }) end):raises "usage"
    serving(pieces { "x" }, function(url)
      local s <close> = http.stream("GET", url)
      expect(function() s:chunks { siz = 1 } end):raises "usage"
      expect(function() s:chunks { size = 0 } end):raises "usage"
      expect(function() s:chunks { size = 1, utf8 = true } end):raises "usage"
    end)
  end)
end)
