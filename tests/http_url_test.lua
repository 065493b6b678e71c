-- URLs, queries and the time a server asks for, as text.

local headers = require "orch.http.headers"
local query = require "orch.http.query"
local retry_after = require "orch.http.retry_after"
local url = require "orch.http.url"

describe("url.shown", function()
  it("hides credentials and secret values", function()
    for given, shown in pairs {
      ["user:secret@host/x"] = "host/x", ["https//user:secret@host/x"] = "https//host/x",
      ["/users/@me"] = "/users/@me",
      ["http://h/x?a=1"] = "http://h/x?a=1",
      ["http://ann:pw@h/x"] = "http://h/x",
      ["http://ann@h/x"] = "http://h/x",
      ["https://h/x?key=1&b=2"] = "https://h/x?key=***&b=2",
      ["https://h/x?b=2&API_KEY=1&access_token=z#frag"] =
        "https://h/x?b=2&API_KEY=***&access_token=***",
      ["https://h/?X-Amz-Signature=1&X-Amz-Credential=2&X-Amz-Date=3"] =
        "https://h/?X-Amz-Signature=***&X-Amz-Credential=***&X-Amz-Date=3",
      ["https://h/?sig=1&client_secret=2&password="] =
        "https://h/?sig=***&client_secret=***&password=",
      ["https://h/?monkey=1&keyboard=2&author=x"] = "https://h/?monkey=1&keyboard=2&author=x",
      ["https://h/a@b"] = "https://h/a@b",
      ["no url?token=x"] = "no url?token=***",
    } do
      expect(url.shown(given)):equals(shown)
    end
  end)
end)

describe("url.resolve", function()
  -- RFC 3986, 5.4
  it("does what the standard says", function()
    local base = "http://a/b/c/d;p?q"
    for reference, wanted in pairs {
      ["g:h"] = "g:h", g = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
      ["/g"] = "http://a/g", ["//g"] = "http://g", ["?y"] = "http://a/b/c/d;p?y",
      ["g?y"] = "http://a/b/c/g?y", ["#s"] = "http://a/b/c/d;p?q#s", [";x"] = "http://a/b/c/;x",
      [""] = "http://a/b/c/d;p?q", ["."] = "http://a/b/c/", [".."] = "http://a/b/",
      ["../g"] = "http://a/b/g", ["../.."] = "http://a/", ["../../g"] = "http://a/g",
      ["../../../g"] = "http://a/g", ["/./g"] = "http://a/g", ["/../g"] = "http://a/g",
      ["g."] = "http://a/b/c/g.", ["..g"] = "http://a/b/c/..g", ["./g/."] = "http://a/b/c/g/",
      ["g/../h"] = "http://a/b/c/h", ["g?y/../x"] = "http://a/b/c/g?y/../x",
    } do
      expect(url.resolve(base, reference)):equals(wanted)
    end
    expect(url.resolve("http://a", "g")):equals "http://a/g"
  end)
end)

describe("url.origin", function()
  it("is scheme, host and port", function()
    expect(url.origin "http://u:p@H/x"):equals "http://h:80"
    expect(url.origin "https://h:443/x?a"):equals "https://h:443"
    expect(url.origin "https://h/"):equals "https://h:443"
    expect(url.origin "http://[::1]:8080/"):equals "http://[::1]:8080"
  end)
end)

describe("url.check", function()
  it("takes the credentials out", function()
    expect({ url.check("f", "http://ann:p%40w@h/x") }):equals { "http://h/x", "ann:p@w" }
    expect({ url.check("f", "HTTP://h") }):equals { "http://h" }
    expect({ url.check("f", "http://h:8080/a?b@c") }):equals { "http://h:8080/a?b@c" }
    expect({ url.check("f", " http://[::1]:1/ ") }):equals { "http://[::1]:1/" }
    expect({ url.check("f", "http://h:65535/") }):equals { "http://h:65535/" }
    expect(function() url.check("f", "http://h:65536/") end):raises "http"
  end)
end)

describe("query.encode", function()
  it("keeps numbers exact", function()
    expect(query.encode("f", "query", { a = 0.1, b = 1 / 3, c = 2.0, d = -7 }))
      :equals "a=0.1&b=0.33333333333333331&c=2&d=-7"
    expect(query.encode("f", "form", { a = "~*-._ +&=" }, true)):equals "a=%7E*-._+%2B%26%3D"
    expect(query.encode("f", "query", { a = "~*-._ +&=" })):equals "a=~%2A-._%20%2B%26%3D"
  end)
end)

describe("retry_after", function()
  local function after(status, ...)
    return retry_after(status, headers(table.concat({ "HTTP/1.1 429 x", ... }, "\r\n") .. "\r\n"))
  end
  local now = "Date: Sun, 06 Nov 1994 08:49:37 GMT"

  it("knows seconds and the three forms of a date", function()
    expect(after(429, "Retry-After: 7")):equals(7)
    expect(after(429, "retry-after: 1.5")):equals(1.5)
    expect(after(429, "Retry-After-Ms: 250", "Retry-After: 1")):equals(0.25)
    for _, date in ipairs { "Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT",
      "Sun Nov  6 08:50:07 1994" } do
      expect(after(429, now, "Retry-After: " .. date)):equals(30)
    end
    expect(after(429, now, "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT")):equals(0)
    expect(after(429, "Date: Thu, 29 Feb 2024 23:59:59 GMT",
      "Retry-After: Fri, 01 Mar 2024 00:00:04 GMT")):equals(5)
  end)

  it("knows when a rate limit ends", function()
    expect(after(403, now, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 7")):equals(7)
    expect(after(429, "Date: Mon, 01 Jan 2024 00:00:00 GMT",
      "X-RateLimit-Reset: 1704067230")):equals(30)
    expect(after(429, "RateLimit-Reset: 12")):equals(12)
    expect(after(403, "X-RateLimit-Remaining: 10", "X-RateLimit-Reset: 7")):is_nil()
    expect(after(500, "X-RateLimit-Reset: 7")):is_nil()
  end)

  it("is nil for what makes no sense", function()
    for _, text in ipairs { "soon", "", "-1", "Sun, 06 Foo 1994 08:50:07 GMT", "nan", "0x10",
      "1e999", ("9"):rep(400) } do
      expect(after(429, "Retry-After: " .. text)):is_nil()
    end
  end)
end)

describe("headers", function()
  it("are read from a head", function()
    local h = headers "HTTP/1.1 200 OK\r\nA: 1\r\nb:2 \r\nA:  3\r\nLong: x\r\n  y\r\nempty:\r\n\r\n"
    expect({ h.a, h.B, h.long, h.empty, h.none }):equals { "1, 3", "2", "x y", "" }
    expect(h:all "A"):equals { "1", "3" }
    local names = {}
    for name, value in pairs(h) do names[#names + 1] = name .. "=" .. value end
    expect(names):equals { "a=1, 3", "b=2", "long=x y", "empty=" }
    expect(headers ""["a"]):is_nil()
  end)
end)
