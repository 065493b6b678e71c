-- orch.http on a kept-alive connection that dies: what is not idempotent is never sent
-- twice, what is may be.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local YES = server.answer(200, {}, "yes")

-- The first request of a connection is answered, the second one kills it.
local function dies_on_second(how)
  return server.turns_of_connection { { YES }, { server.body, how } }
end

local function bodies(play)
  local count = 0
  for i = 1, play:count "request" do
    local method = play:wait("request", i).method
    if method == "POST" or method == "PATCH" then count = count + 1 end
  end
  return count
end

describe("a kept-alive connection that dies before the answer", function()
  for _, how in ipairs { "close", "reset" } do
    it("with a " .. how .. ": a POST is not sent again", function()
      local play = dies_on_second(server[how])
      expect(http.get(play.url).body):equals "yes"
      fault(function() http.post(play.url, { body = "one upload" }) end,
        { kind = "network", url = play.url, method = "POST" })
      orch.sleep(0.1)
      expect(bodies(play)):equals(1)
      expect(play:count "body"):equals(1)
    end)

    it("with a " .. how .. ": neither are PATCH and a streamed POST", function()
      local play = dies_on_second(server[how])
      expect(http.get(play.url).body):equals "yes"
      fault(function() http.patch(play.url, { body = "x" }) end, { kind = "network" })
      expect(http.get(play.url).body):equals "yes"
      fault(function()
        http.request("POST", play.url, { body = ("x"):rep(1 << 20) })
      end, { kind = "network" })
      orch.sleep(0.1)
      expect(bodies(play)):equals(2)
    end)

    it("with a " .. how .. ": a GET is sent again, on a new one", function()
      local play = dies_on_second(server[how])
      expect(http.get(play.url).body):equals "yes"
      expect(http.get(play.url).body):equals "yes"
      expect(play:count "request"):equals(3)
      expect(play:wait("request", 3).connection)
        .never:equals(play:wait("request", 2).connection)
    end)

    it("with a " .. how .. ": a PUT is sent again, but not with retry = false", function()
      for _, retry in ipairs { "default", false } do
        local play = dies_on_second(server[how])
        expect(http.get(play.url).body):equals "yes"
        local opts = { body = "a piece" }
        if retry == false then
          opts.retry = false
          fault(function() http.put(play.url, opts) end, { kind = "network" })
        else
          expect(http.put(play.url, opts).body):equals "yes"
        end
        orch.sleep(0.1)
        expect(play:count "request"):equals(retry == false and 2 or 3)
      end
    end)

    it("with a " .. how .. ": a POST with an empty body is not sent again", function()
      local play = dies_on_second(server[how])
      expect(http.get(play.url).body):equals "yes"
      fault(function() http.post(play.url) end, { kind = "network" })
      orch.sleep(0.1)
      expect(bodies(play)):equals(1)
    end)
  end

  it("a POST goes again when retry says so", function()
    local play = server.turns_of_connection { { YES }, { server.body, server.close } }
    expect(http.get(play.url).body):equals "yes"
    local r = http.post(play.url, { body = "one upload",
      retry = { attempts = 3, base = 0, methods = { "POST" } } })
    expect(r.body):equals "yes"
    expect(bodies(play)):equals(2)
  end)

  it("a POST that was answered in part is not sent again", function()
    local play = server.turns_of_connection { { YES },
      { server.body, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", server.close } }
    expect(http.get(play.url).body):equals "yes"
    fault(function() http.post(play.url, { body = "x" }) end, { kind = "http" })
    expect(bodies(play)):equals(1)
  end)
end)

describe("a connection", function()
  it("is kept for the next request", function()
    local play = server.play { YES }
    for _ = 1, 5 do http.get(play.url) end
    http.post(play.url, { body = "x" })
    local first = play:wait("request", 1).connection
    for i = 2, 6 do expect(play:wait("request", i).connection):equals(first) end
  end)

  it("that closed while it was idle is not used again: a POST succeeds", function()
    local play = server.turns { { YES, server.close }, { server.body, YES } }
    expect(http.get(play.url).body):equals "yes"
    orch.sleep(0.05) -- its FIN has arrived
    expect(http.post(play.url, { body = "x" }).body):equals "yes"
    expect(play:count "body"):equals(1)
  end)

  it("is closed when the server says so", function()
    local play = server.play { server.answer(200, { "Connection: close" }, "yes") }
    http.get(play.url)
    http.get(play.url)
    expect(play:wait("request", 2).connection)
      .never:equals(play:wait("request", 1).connection)
  end)
end)
