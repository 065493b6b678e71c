-- orch.http and redirects: how far, with which method, and with whose credentials.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local YES = server.answer(200, {}, "yes")

local function to(status, location)
  return server.answer(status, { "Location: " .. location })
end

-- A play that goes on to another one.
local function goes_to(target, status)
  return server.play { server.body, to(status or 302, target) }
end

describe("a redirect", function()
  it("is followed, and the answer says where it ended", function()
    local last = server.play { YES }
    local r = http.get(goes_to(goes_to(last.url).url).url)
    expect(r.body):equals "yes"
    expect(r.url):equals(last.url)
  end)

  it("may be relative", function()
    local last = server.play { YES }
    expect(http.get(goes_to(last.path).url).url):equals(last.url)
    local name = last.path:match "[^/]*$"
    expect(http.get(goes_to("../play/./" .. name .. "?q=1").url).url):equals(last.url .. "?q=1")
    expect(http.get(goes_to((last.url:gsub("^http:", ""))).url).url):equals(last.url)
  end)

  it("is not followed when told so", function()
    local last = server.play { YES }
    local r = http.get(goes_to(last.url).url, { follow = false })
    expect(r.status):equals(302)
    expect(r.headers.location):equals(last.url)
    expect(last:count "request"):equals(0)
  end)

  it("without a Location is an answer", function()
    expect(http.get(server.play { server.answer(302, {}, "where?") }.url).status):equals(302)
  end)

  it("with an empty Location is one as well", function()
    local play = server.play { "HTTP/1.1 302 Found\r\nLocation:\r\nContent-Length: 0\r\n\r\n" }
    expect(http.get(play.url).status):equals(302)
  end)

  it("keeps a space of the query one", function()
    local last = server.play { YES }
    http.get(goes_to(last.url .. "?a b").url)
    expect(last:wait("request").target):equals(last.path .. "?a%20b")
  end)

  it("20 times is fine, 21 times is not", function()
    local last = server.play { YES }
    local function chain(n)
      local turns = {}
      local url = server.url() .. "/play/"
      for i = 1, n do turns[i] = { to(302, "?" .. i) } end
      turns[n + 1] = { YES }
      return server.turns(turns), url
    end
    expect(http.get(chain(20).url).body):equals "yes"
    local play = chain(21)
    local err = fault(function() http.get(play.url) end, { kind = "http", method = "GET" })
    expect(err.message):contains "20"
    expect(err.message):contains "redirect"
    expect(play:count "request"):equals(21)
    expect(last:count "request"):equals(0)
  end)

  it("for ever ends", function()
    local play = server.play { to(302, "?again") }
    local err = fault(function() http.get(play.url) end, { kind = "http" })
    expect(err.message):contains "redirect"
    expect(err.message):contains(play.path)
  end)

  it("as many times as `follow` says", function()
    local play = server.turns { { to(302, "?1") }, { to(302, "?2") }, { YES } }
    fault(function() http.get(play.url, { follow = 1 }) end, { kind = "http" })
    play = server.turns { { to(302, "?1") }, { to(302, "?2") }, { YES } }
    expect(http.get(play.url, { follow = 2 }).body):equals "yes"
  end)

  it("to what is no web page is refused", function()
    for _, location in ipairs { "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x",
      "teapot://x", "javascript:alert(1)" } do
      local play = goes_to(location)
      local err = fault(function() http.get(play.url) end, { kind = "http", method = "GET" })
      expect(err.message):contains(location:match "^%a+")
    end
  end)

  it("to where nobody listens names that place", function()
    local url = server.url "refused" .. "/x"
    fault(function() http.get(goes_to(url).url) end, { kind = "network", url = url })
  end)

  it("to a broken URL is refused", function()
    for _, location in ipairs { "http://127.0.0.1:99999/", "http://[::1/" } do
      local from = goes_to(location).url
      fault(function() http.get(from) end, { kind = "http", url = from, method = "GET" })
    end
  end)

  it("to another scheme goes by that one's proxy", function()
    local first = goes_to "http://nowhere.invalid/x"
    local proxy <close> = http.serve({ grace = "500ms" }, function(request)
      return request.target
    end)
    local _ <close> = orch.with_env { http_proxy = proxy.url, https_proxy = "", no_proxy = "" }
    local r = http.get(first:on "tls:good", { ca = server.certificate "ca.pem" })
    expect(r.body):equals "http://nowhere.invalid/x"
  end)

  it("in a stream, too", function()
    local last = server.play { YES }
    local s <close> = http.stream("GET", goes_to(last.url).url)
    expect(s.url):equals(last.url)
    local text = ""
    for chunk in s:chunks() do text = text .. chunk end
    expect(text):equals "yes"
  end)

  it("ends at its timeout, which covers all of them", function()
    local play = server.play { server.sleep(0.1), to(302, "?again") }
    local err = fault(function() http.get(play.url, { timeout = "350ms" }) end,
      { kind = "timeout" })
    expect(play:count "request"):less_than(6)
    expect(err.elapsed):greater_than(0.34)
  end)
end)

describe("the method", function()
  local rules = { -- what becomes of a POST
    [301] = "GET", [302] = "GET", [303] = "GET", [307] = "POST", [308] = "POST",
  }
  for _, status in ipairs { 301, 302, 303, 307, 308 } do
    it(("of a POST after %d is %s"):format(status, rules[status]), function()
      local last = server.play { server.body, YES }
      http.post(goes_to(last.url, status).url, { body = "text", headers = { ["X-Mine"] = "1" } })
      expect(last:wait("request").method):equals(rules[status])
      expect(last:wait("body").text):equals(rules[status] == "POST" and "text" or "")
      expect(last:header "x-mine"):equals "1"
      if rules[status] == "GET" then
        expect(last:header "content-length"):is_nil()
        expect(last:header "content-type"):is_nil()
      end
    end)
  end

  it("of a PUT stays, but for 303", function()
    for status, method in pairs { [302] = "PUT", [303] = "GET", [307] = "PUT" } do
      local last = server.play { server.body, YES }
      http.put(goes_to(last.url, status).url, { body = "text" })
      expect(last:wait("request").method):equals(method)
    end
  end)

  it("of a HEAD stays", function()
    local last = server.play { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" }
    http.head(goes_to(last.url, 303).url)
    expect(last:wait("request").method):equals "HEAD"
  end)
end)

describe("credentials", function()
  -- What arrives of them at `target`, sent by a redirect of the main port.
  local function arrive(target, opts, url_of)
    local first = goes_to(target)
    http.get(url_of and url_of(first.url) or first.url, opts)
    return first
  end

  local secrets = {
    headers = { Authorization = "Basic c2VjcmV0", Cookie = "a=secret", ["X-Other"] = "1" },
  }

  it("stay on the host they were given for", function()
    local last = server.play { YES }
    local first = arrive(last:on "other", secrets)
    expect(first:header "authorization"):equals "Basic c2VjcmV0"
    expect(last:header "authorization"):is_nil()
    expect(last:header "cookie"):is_nil()
    expect(last:header "x-other"):equals "1"
  end)

  it("go on to the same host", function()
    local last = server.play { YES }
    arrive(last.url, secrets)
    expect(last:header "authorization"):equals "Basic c2VjcmV0"
    expect(last:header "cookie"):equals "a=secret"
  end)

  it("of bearer and of the URL stay as well", function()
    local last = server.play { YES }
    local first = arrive(last:on "other", { bearer = "secret" })
    expect(first:header "authorization"):equals "Bearer secret"
    expect(last:header "authorization"):is_nil()

    last = server.play { YES }
    first = arrive(last:on "other", nil, function(url) return url:gsub("//", "//me:secret@") end)
    expect(first:header "authorization"):equals "Basic bWU6c2VjcmV0"
    expect(last:header "authorization"):is_nil()
  end)

  it("of a Host header neither: that is the name of another server", function()
    local opts = { headers = { Host = "inside.example" } }
    local same, other = server.play { YES }, server.play { YES }
    http.get(goes_to(same.url).url, opts)
    expect(same:header "host"):equals "inside.example"
    http.get(goes_to(other:on "other").url, opts)
    expect(other:header "host"):equals("127.0.0.1:" .. server.port "other")
  end)

  it("do not come back after a detour", function()
    local last = server.play { YES }
    local detour = goes_to(last.url)
    arrive(detour:on "other", secrets)
    expect(last:header "authorization"):is_nil()
  end)

  it("another name for the same machine is another host", function()
    local last = server.play { YES }
    arrive((last.url:gsub("127%.0%.0%.1", "localhost")), secrets)
    expect(last:header "authorization"):is_nil()
  end)
end)

describe("cookies", function()
  local SET = server.answer(200, { "Set-Cookie: id=7; Path=/", "Set-Cookie: k=v; Path=/" })

  it("are kept by a client, and by it alone", function()
    local play = server.play { SET }
    local one, two = http.client {}, http.client {}
    one:get(play.url)
    one:get(play.url)
    two:get(play.url)
    local sent = play:header("cookie", 2)
    expect(sent):contains "id=7"
    expect(sent):contains "k=v"
    expect(play:header("cookie", 1)):is_nil()
    expect(play:header("cookie", 3)):is_nil()
  end)

  it("are not kept without one", function()
    local play = server.play { SET }
    http.get(play.url)
    http.get(play.url)
    expect(play:header("cookie", 2)):is_nil()
  end)

  it("that a redirect sets go with the next request", function()
    local last = server.play { YES }
    local first = server.play { server.answer(302,
      { "Location: " .. last.url, "Set-Cookie: id=7; Path=/" }) }
    http.client({}):get(first.url)
    expect(last:header "cookie"):equals "id=7"
  end)

  it("are not sent to another host", function()
    local play = server.play { SET }
    local client = http.client {}
    client:get(play.url)
    client:get((play.url:gsub("127%.0%.0%.1", "localhost")))
    expect(play:header("cookie", 2)):is_nil()
  end)

  it("of a client and of a request are one header", function()
    local play = server.play { YES }
    local client = http.client { base_url = server.url(), cookies = { a = "1" } }
    client:get(play.path, { cookies = { b = "2" } })
    client:get(play.path, { headers = { Cookie = "c=3" } })
    for n, expected in ipairs { "a=1; b=2", "a=1; c=3" } do
      local found = {}
      for _, pair in ipairs(play:wait("request", n).headers) do
        if pair[1]:lower() == "cookie" then found[#found + 1] = pair[2] end
      end
      expect(found):equals { expected }
    end
  end)

  it("go by the URL, whatever Host an earlier request has named", function()
    local play = server.play { YES }
    for _ = 1, 3 do http.get(play.url, { headers = { Host = "bank.example" } }) end
    local client = http.client { base_url = server.url(), cookies = { a = "1" } }
    client:get(play.path)
    expect(play:header("cookie", 4)):equals "a=1"
  end)

  it("that have expired are forgotten", function()
    local play = server.turns { { SET }, { server.answer(200,
      { "Set-Cookie: id=7; Path=/; Max-Age=0" }) }, { YES } }
    local client = http.client {}
    for _ = 1, 3 do client:get(play.url) end
    expect(play:header("cookie", 3)):equals "k=v"
  end)
end)
