-- Server-sent events as servers really send them: every line end, several lines of data,
-- comments, and cuts at every byte.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

-- The events of a body that comes in these pieces.
local function events(pieces, opts)
  local steps = { HEAD }
  for i, piece in ipairs(pieces) do
    if i > 1 then steps[#steps + 1] = server.sleep(0.01) end
    steps[#steps + 1] = piece
  end
  steps[#steps + 1] = server.close
  local s <close> = http.stream("GET", server.play(steps).url, opts)
  local list = {}
  for event in s:events() do
    list[#list + 1] = { event = event.event, data = event.data, id = event.id,
      retry = event.retry }
  end
  return list
end

local function data_of(pieces)
  local list = {}
  for i, event in ipairs(events(pieces)) do list[i] = event.data end
  return list
end

describe("stream:events", function()
  it("gives event, data, id and retry", function()
    expect(events { "event: tick\ndata: 1\nid: 7\nretry: 250\n\ndata: 2\n\n" }):equals {
      { event = "tick", data = "1", id = "7", retry = 250 },
      { event = "message", data = "2", id = "7" },
    }
  end)

  it("understands CRLF, LF, CR and a mixture", function()
    for _, text in ipairs {
      "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", "data: a\ndata: b\n\ndata: c\n\n",
      "data: a\rdata: b\r\rdata: c\r\r", "data: a\r\ndata: b\n\rdata: c\r\r\n",
    } do
      expect(data_of { text }):equals { "a\nb", "c" }
    end
  end)

  it("does not count a CRLF that is cut in the middle twice", function()
    expect(data_of { "data: a\r", "\ndata: b\r", "\n\r", "\ndata: c\r\n\r", "\n" })
      :equals { "a\nb", "c" }
  end)

  it("joins lines of data", function()
    expect(data_of { "data: a\ndata:\ndata: b\n\ndata\n\ndata: \ndata: \n\n" })
      :equals { "a\n\nb", "", "\n" }
  end)

  it("takes one space after the colon away, not more", function()
    expect(data_of { "data:a\n\ndata: b\n\ndata:  c\n\ndata: d: e\n\n" })
      :equals { "a", "b", " c", "d: e" }
  end)

  it("passes over comments, unknown fields and events without data", function()
    expect(events { ": ping\n\nwhat: 1\n\nevent: nothing\n\n:\n: ping\ndata: a\n\n" })
      :equals { { event = "message", data = "a" } }
  end)

  it("ignores an id with a NUL and a retry that is no number", function()
    expect(events { "id: a\0b\nretry: soon\nid: 3\ndata: a\n\n" })
      :equals { { event = "message", data = "a", id = "3" } }
  end)

  it("skips a byte order mark", function()
    expect(data_of { "\xef\xbb\xbfdata: a\n\n" }):equals { "a" }
    expect(data_of { "\xef", "\xbb\xbf", "data: a\n\n" }):equals { "a" }
  end)

  it("drops what the end cuts off", function()
    expect(data_of { "data: a\n\ndata: b\n" }):equals { "a" }
    expect(data_of { "data: a\n\ndata: b" }):equals { "a" }
  end)

  it("keeps a UTF-8 sequence that is cut in the middle whole", function()
    local text = "data: grüße 你好 🎮\n\n"
    for cut = 7, #text - 1 do
      expect(data_of { text:sub(1, cut), text:sub(cut + 1) }):equals { "grüße 你好 🎮" }
    end
  end)

  it("comes out the same when every byte comes alone", function()
    local text = ": hi\r\nevent: é\r\ndata: 你\r\ndata: b\r\nid: 1\r\n\r\ndata: 🎮\n\n"
    local pieces = {}
    for i = 1, #text do pieces[i] = text:sub(i, i) end
    expect(events(pieces)):equals { { event = "é", data = "你\nb", id = "1" },
      { event = "message", data = "🎮", id = "1" } }
  end)

  it("gives an event when it is there, not when the next one comes", function()
    local play = server.play { HEAD .. "data: a\n\n", server.hold }
    do
      local s <close> = http.stream("GET", play.url)
      local _, event = orch.move_on_after("5s", s:events())
      expect(event.data):equals "a"
    end
    play:wait "closed"
  end)

  it("takes an event of a megabyte", function()
    local big = ("x"):rep(1 << 20)
    expect(data_of { "data: " .. big .. "\n\ndata: after\n\n" }):equals { big, "after" }
  end)

  it("works in chunks and through gzip", function()
    local text = "data: a\n\ndata: b\n\n"
    local chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n"
    local zipped = orch.process.run { "gzip", stdin = text }.stdout
    for _, answer in ipairs { chunked,
      server.answer(200, { "Content-Encoding: gzip" }, zipped) } do
      local s <close> = http.stream("GET", server.play { answer }.url)
      local list = {}
      for event in s:events() do list[#list + 1] = event.data end
      expect(list):equals { "a", "b" }
    end
  end)

  it("raises when it breaks off, after what came before", function()
    local play = server.play { "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
      .. "data: a\n\ndata: b", server.sleep(0.05), server.reset }
    local s <close> = http.stream("GET", play.url)
    local list = {}
    fault(function()
      for event in s:events() do list[#list + 1] = event.data end
    end, { kind = "network", url = play.url, phase = "receiving" })
    expect(list):equals { "a" }
  end)

  it("raises when nothing comes for too long", function()
    local play = server.play { HEAD .. "data: a\n\n", server.hold }
    local s <close> = http.stream("GET", play.url, { timeout = "200ms" })
    local list = {}
    fault(function()
      for event in s:events() do list[#list + 1] = event.data end
    end, { kind = "timeout", url = play.url })
    expect(list):equals { "a" }
  end)

  it("can be cancelled while nothing comes", function()
    local play = server.play { HEAD, server.hold }
    local task = orch.spawn({ hold = true }, function()
      local s <close> = http.stream("GET", play.url)
      for _ in s:events() do end
    end)
    play:wait "holding"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    play:wait "closed"
  end)
end)

describe("stream:lines", function()
  local function lines(pieces)
    local steps = { "HTTP/1.1 200 OK\r\n\r\n" }
    for _, piece in ipairs(pieces) do
      steps[#steps + 1] = piece
      steps[#steps + 1] = server.sleep(0.01)
    end
    steps[#steps + 1] = server.close
    local s <close> = http.stream("GET", server.play(steps).url)
    local list = {}
    for line in s:lines() do list[#list + 1] = line end
    return list
  end

  it("cuts at line ends, wherever the pieces end", function()
    expect(lines { "a\nb", "\r", "\n\nlast" }):equals { "a", "b", "", "last" }
    expect(lines { "gr\xc3", "\xbc\xc3\x9fe\n" }):equals { "grüße" }
    expect(lines { "\n" }):equals { "" }
    expect(lines {}):equals {}
  end)
end)
