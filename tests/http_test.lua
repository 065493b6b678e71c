-- The HTTP client as scripts see it, against http.serve: options, bodies, headers, answers.

local http, fs, json = orch.http, orch.fs, orch.json

--- Answers with what it was asked.
local function echo(request)
  local headers = {}
  for name, value in pairs(request.headers) do headers[name:lower()] = value end
  return { json = { method = request.method, target = request.target, headers = headers,
    body = request.body } }
end

local handler
local server

local function url(path) return server.url .. (path or "/") end

--- Runs `fn` while a server answers with `handle`.
local function serving(handle, fn)
  local s <close> = http.serve({ grace = "500ms" }, handle)
  server = s
  return fn(s.url)
end

local function asked(method, path, opts)
  return http.request(method, url(path), opts):json()
end

local function usage(fn, text)
  local err = expect(fn):raises "usage"
  expect(err.message):contains(text)
end

describe("a request", function()
  it("gives an answer", function()
    serving(function()
      return { status = 201, headers = { ["X-One"] = "a", ["Set-Cookie"] = { "a=1", "b=2" } },
        body = "hello" }
    end, function()
      local r = http.get(url "/x")
      expect(r.status):equals(201)
      expect(r.ok):equals(true)
      expect(r.reason):equals "Created"
      expect(r.body):equals "hello"
      expect(r.url):equals(url "/x")
      expect(r.method):equals "GET"
      expect(r.http_version):equals "1.1"
      expect(r.headers["x-one"]):equals "a"
      expect(r.headers["X-ONE"]):equals "a"
      expect(r.headers.nothing):is_nil()
      expect(r.headers:all "set-cookie"):equals { "a=1", "b=2" }
      expect(r.elapsed >= 0 and r.timings.total >= 0):equals(true)
      expect(r.history):equals {}
      local names = {}
      for name in pairs(r.headers) do names[name] = true end
      expect(names["x-one"]):equals(true)
      usage(function() return r.sttus end, "did you mean 'status'?")
      expect(tostring(r)):equals("GET " .. url "/x" .. ": 201 Created, 5 bytes")
      usage(function() r.headers.x = "y" end, "cannot be changed")
    end)
  end)

  it("has every method", function()
    serving(echo, function()
      for _, name in ipairs { "get", "post", "put", "patch", "delete" } do
        expect(http[name](url "/"):json().method):equals(name:upper())
      end
      expect(http.head(url "/").body):equals ""
      expect(asked("options", "/").method):equals "OPTIONS"
    end)
  end)

  it("says what is wrong with its arguments", function()
    usage(function() http.get(7) end, "http.get: argument 1 should be a string")
    usage(function() http.get("http://x/", { tiemout = 1 }) end, "did you mean `timeout`?")
    usage(function() orch.map({ "http://x/" }, http.get) end,
      "write function(url) return http.get(url) end")
    usage(function() http.get("http://x/", { resolve = { "x" } }) end, "host:port:address")
    usage(function() http.get("http://x/", { netrc = "/no/netrc" }) end, "/no/netrc")
    usage(function() http.get("http://x/", { timeout = "soon" }) end, "option `timeout`")
    usage(function() http.request("http://x/", "GET") end, "the method comes first")
    usage(function() http.request("GE T", "http://x/") end, "is no method")
    usage(function() http.get("http://x/", { http_version = "3" }) end, "http_version")
    usage(function() http.get("http://x/", { follow = -1 }) end, "follow")
    usage(function() http.get("http://x/", { body = "a", json = {} }) end, "exclude each other")
    usage(function() http.get("http://x/", { auth = "me" }) end, "user:password")
    usage(function() http.get("http://x/", { auth = "a:b", bearer = "c" }) end, "exclude")
    usage(function() http.get("http://x/", { retry = { atempts = 1 } }) end, "attempts")
    usage(function() return http.gett end, "did you mean 'get'?")
  end)

  it("says what is wrong with a URL", function()
    for text, why in pairs {
      ["example.com/x"] = "did you mean 'https://example.com/x'?",
      ["ftp://x/"] = "the scheme 'ftp'", ["http:///x"] = "names no host",
      ["http://x:99999/"] = "the port '99999'", ["http://x:abc/"] = "the port 'abc'",
      ["http://x/\r\nA: b"] = "control character", [""] = "no scheme",
      ["http://a b/"] = "cannot be one",
    } do
      local err = expect(function() http.get(text) end):raises "http"
      expect(err.message):contains(why)
    end
  end)

  it("has a host in any language", function()
    expect(function() http.get "http://b\u{FC}cher.invalid/" end)
      :raises { kind = "network", phase = "resolving" }
    expect(function() http.get "http://\xFF.invalid/" end):raises "http"
  end)

  it("encodes what a URL cannot have, and leaves alone what is encoded", function()
    serving(echo, function()
      expect(asked("GET", "/a b/ü?q=x y%20z").target):equals "/a%20b/%C3%BC?q=x%20y%20z"
    end)
  end)

  it("waits for its own task only, and can be cancelled before and in flight", function()
    serving(function() orch.sleep(60) end, function()
      for _, early in ipairs { true, false } do
        local task = orch.spawn({ hold = true }, function()
          if early then orch.current_task():cancel "early" end
          http.get(url "/")
        end)
        orch.sleep(early and 0 or 0.02)
        task:cancel "enough"
        expect(function() task:await() end):raises "cancelled"
      end
    end)
  end)
end)

describe("the query", function()
  it("is sorted, encoded, and joined with what the URL has", function()
    serving(echo, function()
      expect(asked("GET", "/?z=0#top", { query = { b = "x y&", a = { 1, true, 2.5 } } }).target)
        :equals "/?z=0&a=1&a=true&a=2.5&b=x%20y%26"
      expect(asked("GET", "/", { query = { { "b", 1 }, { "a", 2 } } }).target):equals "/?b=1&a=2"
      expect(asked("GET", "/", { query = "?a=1" }).target):equals "/?a=1"
      expect(asked("GET", "/", { query = {} }).target):equals "/"
    end)
  end)

  it("refuses what has no form in it", function()
    usage(function() http.get("http://x/", { query = { a = print } }) end, "the value of 'a'")
    usage(function() http.get("http://x/", { query = { "a" } }) end, "list of pairs")
    usage(function() http.get("http://x/", { query = { a = 1 / 0 } }) end, "the value of 'a'")
  end)

  it("has whole numbers without an exponent, and no fragment", function()
    serving(echo, function()
      expect(asked("GET", "/", { query = { a = 1e15 } }).target):equals "/?a=1000000000000000"
      expect(asked("GET", "/", { query = "a#b=1" }).target):equals "/?a%23b=1"
    end)
  end)
end)

describe("headers", function()
  it("are sent; numbers and lists, too", function()
    serving(echo, function()
      local got = asked("GET", "/", { headers = { ["X-A"] = 1, ["x-b"] = { "1", "2" },
        ["User-Agent"] = "mine", ["X-Empty"] = "", Accept = false } }).headers
      expect(got["x-a"]):equals "1"
      expect(got["x-b"]):equals "1, 2"
      expect(got["user-agent"]):equals "mine"
      expect(got["x-empty"]):equals ""
      expect(got.accept):is_nil()
      expect(asked("GET", "/").headers["user-agent"]):matches "^orch/"
      expect(asked("GET", "/").headers["accept-encoding"]):contains "gzip"
      expect(asked("GET", "/", { compressed = false }).headers["accept-encoding"]):is_nil()
    end)
  end)

  it("cannot be split", function()
    for _, value in ipairs { "a\r\nB: c", "a\nb", "a\rb", "a\0b" } do
      usage(function() http.get("http://x/", { headers = { ["X-A"] = value } }) end, "'X-A'")
    end
    usage(function() http.get("http://x/", { headers = { ["X-A\r\nB"] = "1" } }) end, "name of a")
    usage(function() http.get("http://x/", { headers = { ["X A"] = "1" } }) end, "name of a")
    usage(function() http.get("http://x/", { headers = { "X-A: 1" } }) end, "not a list")
    usage(function() http.get("http://x/", { headers = { ["X-A"] = {} , b = print } }) end, "'b'")
    usage(function() http.get("http://x/", { bearer = "a\nb" }) end, "Authorization")
    usage(function() http.get("http://x/", { auth = "a:b\nc" }) end, "auth")
    usage(function() http.get("http://x/", { cookies = { a = "b; c" } }) end, "cookie 'a'")
    usage(function() http.get("http://x/", { cookies = { ["a=b"] = "c" } }) end, "cookie 'a=b'")
    usage(function() http.get("http://x/", { cookies = { "a=b" } }) end, "{ name = text }")
    usage(function() http.get("http://x/", { cookies = { a = {} } }) end, "{ name = text }")
    expect(function() http.get "http://a%00b:c@x/" end):raises "http"
  end)

  it("cannot make one request two", function()
    for _, name in ipairs { "Content-Length", "transfer-encoding" } do
      usage(function() http.post("http://x/", { body = "abc", headers = { [name] = "1" } }) end,
        "is made from the body")
    end
  end)

  it("carry credentials", function()
    serving(echo, function()
      local basic = "Basic " .. orch.hash.base64 "ann:p:w"
      expect(asked("GET", "/", { auth = "ann:p:w" }).headers.authorization):equals(basic)
      expect(asked("GET", "/", { auth = { "ann", "p:w" } }).headers.authorization):equals(basic)
      expect(asked("GET", "/", { auth = { user = "ann", password = "p:w" } })
        .headers.authorization):equals(basic)
      local inline = server.url:gsub("//", "//ann:p%%3Aw@")
      expect(http.get(inline):json().headers.authorization):equals(basic)
      expect(asked("GET", "/", { bearer = "t" }).headers.authorization):equals "Bearer t"
      expect(asked("GET", "/", { cookies = { b = 2, a = 1 } }).headers.cookie):equals "a=1; b=2"
    end)
  end)
end)

describe("a body", function()
  it("that is not there is told where one is usual", function()
    serving(echo, function()
      for method, length in pairs { POST = "0", PUT = "0", PATCH = "0" } do
        local got = asked(method, "/").headers
        expect(got["content-length"]):equals(length)
        expect(got["content-type"]):is_nil()
      end
      expect(asked("DELETE", "/").headers["content-length"]):is_nil()
    end)
    usage(function() http.head("http://x/", { body = "a" }) end, "HEAD")
  end)

  it("is JSON, a form, text, a file or what a function gives", function()
    local path = fs.temp_file()
    fs.write(path, "from the disk")
    serving(echo, function()
      local got = asked("POST", "/", { json = { a = 1 } })
      expect(got.body):equals '{"a":1}'
      expect(got.headers["content-type"]):equals "application/json"
      got = asked("POST", "/", { form = { a = "x y", ["ü"] = "1+1" } })
      expect(got.body):equals "a=x+y&%C3%BC=1%2B1"
      expect(got.headers["content-type"]):equals "application/x-www-form-urlencoded"
      got = asked("POST", "/", { body = "text" })
      expect(got.body):equals "text"
      expect(got.headers["content-type"]):equals "application/octet-stream"
      expect(got.headers["content-length"]):equals "4"
      got = asked("PUT", "/", { body = "text", headers = { ["content-type"] = "text/plain" } })
      expect(got.headers["content-type"]):equals "text/plain"
      got = asked("PUT", "/", { body = { path = path } })
      expect(got.body):equals "from the disk"
      expect(got.headers["content-length"]):equals "13"
      local pieces = { "one ", "two" }
      got = asked("POST", "/", { body = function() return table.remove(pieces, 1) end })
      expect(got.body):equals "one two"
      expect(got.headers["transfer-encoding"]):equals "chunked"
      got = asked("POST", "/")
      expect(got.body):equals ""
    end)
  end)

  it("that is missing is told", function()
    expect(function() http.post("http://x/", { body = { path = "no/such" } }) end)
      :raises { kind = "os", code = "ENOENT" }
    usage(function() http.post("http://x/", { body = { path = "." } }) end, "is a folder")
    usage(function() http.post("http://x/", { body = { pth = "x" } }) end, "path")
    expect(function() http.post("http://x/", { json = { f = print } }) end):raises "json"
  end)

  it("may have several parts", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/a.txt", "file one")
    serving(function(request) return { headers = { ["X-Type"] = request.headers["content-type"],
      ["X-Length"] = request.headers["content-length"] }, body = request.body } end, function()
      local r = http.post(url "/", { multipart = {
        version = 1.5, flag = true, file = { path = dir .. "/a.txt" },
        more = { { value = "x", filename = 'a"\r\nb.json' }, "plain" },
        ['q"\nname'] = "v",
      } })
      local mark = r.headers["x-type"]:match "^multipart/form%-data; boundary=(orch%-%x+)$"
      expect(r.headers["x-length"]):equals(tostring(#r.body))
      local function part(head, body)
        return ("--%s\r\n%s\r\n\r\n%s\r\n"):format(mark, head, body)
      end
      local disposition = "Content-Disposition: form-data; name="
      expect(r.body):equals(part(disposition .. '"file"; filename="a.txt"\r\n'
          .. "Content-Type: text/plain", "file one")
        .. part(disposition .. '"flag"', "true")
        .. part(disposition .. '"more"; filename="a%22%0D%0Ab.json"\r\n'
          .. "Content-Type: application/json", "x")
        .. part(disposition .. '"more"', "plain")
        .. part(disposition .. '"q%22%0D%0Aname"', "v")
        .. part(disposition .. '"version"', "1.5") .. "--" .. mark .. "--\r\n")
      r = http.post(url "/", { multipart = {
        { name = "z", value = "1" }, { name = "a", value = "2" },
      } })
      expect(r.body:find('"z"', 1, true) < r.body:find('"a"', 1, true)):equals(true)
    end)
    usage(function() http.post("http://x/", { multipart = { a = print } }) end, "the part 'a'")
    usage(function() http.post("http://x/", { multipart = { a = { type = "x" } } }) end,
      "either `path` or `value`")
    usage(function() http.post("http://x/", { multipart = { "a" } }) end, "should have a name")
  end)
end)

describe("an answer", function()
  it("that is no JSON says where", function()
    serving(function(request)
      if request.path == "/empty" then return { body = "" } end
      return { headers = { ["Content-Type"] = "text/html" },
        body = '{"name": "x",\n "size": oops, "and": "so on and so on and so on and so on"}' }
    end, function()
      local err = expect(function() http.get(url "/?key=secret"):json() end):raises "json"
      expect(err.line):equals(2)
      expect(err.column):equals(10)
      expect(err.url):equals(url "/?key=***")
      expect(err.snippet):contains "oops"
      expect(err.message):contains "text/html"
      expect(err.message):contains "line 2, column 10"
      expect(err.message):contains "oops"
      err = expect(function() http.get(url "/empty"):json() end):raises "json"
      expect(err.message):contains "it is empty"
    end)
  end)

  it("is text in UTF-8", function()
    serving(function(request)
      if request.path == "/bom" then return { body = "\xEF\xBB\xBFa" } end
      return { headers = { ["Content-Type"] = "text/plain; charset=ISO-8859-1" },
        body = "gr\xFC\xDFe" }
    end, function()
      expect(http.get(url "/"):text()):equals "grüße"
      expect(http.get(url "/bom"):text()):equals "a"
    end)
  end)

  it("of 400 or more raises what the server says", function()
    local answers = {
      ["/json"] = { json = { error = { message = "no such scene", code = 7 } } },
      ["/list"] = { json = { errors = { { detail = "too large" } } } },
      ["/flat"] = { json = { error = "nope" } },
      ["/text"] = { body = "\n first line \nsecond",
        headers = { ["Content-Type"] = "text/plain" } },
      ["/html"] = { body = "<html>x</html>", headers = { ["Content-Type"] = "text/html" } },
    }
    serving(function(request)
      local answer = answers[request.path]
      answer.status = 422
      return answer
    end, function()
      local said = { json = ": no such scene", list = ": too large", flat = ": nope",
        text = ": first line", html = "" }
      for name, text in pairs(said) do
        local err = expect(function() http.post(url("/" .. name .. "?token=abc")) end)
          :raises { kind = "status", status = 422, method = "POST" }
        expect(err.message):matches("^POST http://127.0.0.1:%d+/" .. name
          .. "%?token=%*%*%*: 422 Unprocessable %a+" .. text .. "$")
        expect(err.url):equals(url("/" .. name .. "?token=***"))
        expect(err.response.status):equals(422)
        local r = http.get(url("/" .. name), { check = false })
        expect(r.ok):equals(false)
        expect(function() r:check() end):raises { kind = "status" }
      end
    end)
  end)

  it("does not grow beyond the limit", function()
    serving(function() return ("x"):rep(100000) end, function()
      expect(#http.get(url "/", { limit = "100K" }).body):equals(100000)
      expect(function() http.get(url "/", { limit = "50K" }) end):raises "http"
    end)
  end)
end)

describe("time limits", function()
  it("cover the redirects", function()
    serving(function(request)
      orch.sleep(0.08)
      local n = tonumber(request.path:match "%d+")
      if n == 0 then return "there" end
      return { status = 302, headers = { Location = "/" .. n - 1 } }
    end, function()
      expect(http.get(url "/1", { timeout = "10s" }).body):equals "there"
      local err = expect(function() http.get(url "/9", { timeout = 0.2 }) end):raises "timeout"
      expect(orch.is_timeout(err)):equals(true)
      expect(err.url):matches "/%d$"
    end)
  end)
end)

describe("redirects", function()
  it("follow the rules for methods", function()
    serving(function(request)
      if request.path == "/end" then return echo(request) end
      return { status = tonumber(request.path:match "%d+"), headers = { Location = "/end" } }
    end, function()
      local function ends(method, status)
        local r = http.request(method, url("/" .. status),
          { body = method ~= "GET" and "text" or nil })
        local got = r:json()
        expect(r.history[1].status):equals(status)
        return got.method, got.body, got.headers["content-type"]
      end
      for _, status in ipairs { 301, 302, 303, 307, 308 } do
        expect((ends("GET", status))):equals "GET"
      end
      for _, status in ipairs { 301, 302, 303 } do
        expect({ ends("POST", status) }):equals { "GET", "" }
      end
      for _, status in ipairs { 307, 308 } do
        expect({ ends("POST", status) }):equals { "POST", "text", "application/octet-stream" }
      end
      expect({ ends("PUT", 302) }):equals { "PUT", "text", "application/octet-stream" }
      expect({ ends("PUT", 303) }):equals { "GET", "" }
      expect({ ends("DELETE", 301) }):equals { "DELETE", "text", "application/octet-stream" }
      local once = false
      local err = expect(function()
        http.post(url "/307", { body = function() once = not once return once and "x" or nil end })
      end):raises "http"
      expect(err.message):contains "cannot be sent again"
    end)
  end)

  it("take credentials to no other host", function()
    local other <close> = http.serve({}, echo)
    serving(function(request)
      if request.path == "/here" then return echo(request) end
      return { status = 302,
        headers = { Location = request.path == "/away" and other.url .. "/" or "/here" } }
    end, function()
      local opts = { secret_headers = { "X-Mine" }, headers = { ["X-Api-Key"] = "k",
        ["X-Mine"] = "m", ["X-Open"] = "o", Cookie = "c=1", ["x-goog-api-key"] = "g" } }
      for _, way in ipairs { "auth", "bearer" } do
        local given = { [way] = "a:b" }
        for key, value in pairs(opts) do given[key] = value end
        local here = asked("GET", "/stay", given).headers
        expect(here["x-api-key"]):equals "k"
        expect(here.authorization):is_a "string"
        local there = asked("GET", "/away", given).headers
        for _, name in ipairs { "authorization", "cookie", "x-api-key", "x-mine",
          "x-goog-api-key" } do
          expect(there[name]):is_nil()
        end
        expect(there["x-open"]):equals "o"
      end
    end)
  end)
end)

describe("retry", { clock = "virtual" }, function()
  local function failing(times, status, headers)
    local count = { n = 0 }
    return count, function(request)
      count.n = count.n + 1
      if count.n <= times then
        return { status = status or 503, headers = headers, body = "busy" }
      end
      return echo(request)
    end
  end

  it("repeats what may be repeated", function()
    for _, method in ipairs { "GET", "PUT", "DELETE", "HEAD", "OPTIONS" } do
      local count, handle = failing(2)
      serving(handle, function()
        expect(http.request(method, url "/", { retry = true }).status):equals(200)
        expect(count.n):equals(3)
      end)
    end
  end)

  it("repeats a POST only when told so, and says why not", function()
    local count, handle = failing(2)
    serving(handle, function()
      local err = expect(function() http.post(url "/", { retry = true, body = "x" }) end)
        :raises { kind = "status", attempts = 1 }
      expect(err.message):contains 'methods = { "POST" }'
      expect(count.n):equals(1)
      local r = http.post(url "/", { retry = { methods = { "post" } }, body = "x" })
      expect(r:json().body):equals "x"
      expect(count.n):equals(3)
    end)
  end)

  it("cannot repeat what a function gave", function()
    local count, handle = failing(1)
    serving(handle, function()
      local err = expect(function()
        http.put(url "/", { retry = true, body = function() return nil end })
      end):raises "status"
      expect(err.message):contains "can be read only once"
      expect(count.n):equals(1)
    end)
  end)

  it("leaves alone what another attempt would not mend", function()
    for _, status in ipairs { 400, 401, 404, 501 } do
      local count, handle = failing(1, status)
      serving(handle, function()
        expect(function() http.get(url "/", { retry = true }) end):raises { status = status }
        expect(count.n):equals(1)
      end)
    end
  end)

  it("returns the last answer with check=false", function()
    local count, handle = failing(9)
    serving(handle, function()
      local r = http.get(url "/", { retry = { attempts = 3 }, check = false })
      expect({ r.status, r.body, count.n }):equals { 503, "busy", 3 }
    end)
  end)

  it("waits as the server says, up to the cap", function()
    for after, wanted in pairs { ["7"] = 7, ["3600"] = 120 } do
      local _, handle = failing(1, 429, { ["Retry-After"] = after })
      serving(handle, function()
        local started = orch.time()
        http.get(url "/", { retry = { base = 0 } })
        expect(orch.time() - started):near(wanted, 0.01)
      end)
    end
    local _, handle = failing(1, 429, { ["Retry-After"] = "3600" })
    serving(handle, function()
      local started, said = orch.time(), nil
      http.get(url "/", { retry = { base = 0, cap = 9, on_retry = function(err) said = err end } })
      expect(orch.time() - started):near(9, 0.01)
      expect(said.retry_after):equals(3600)
    end)
  end)

  it("sends a POST again when nothing of it had left us", function()
    local err = expect(function()
      http.post("http://127.0.0.1:1/", { body = "x", retry = { attempts = 3, base = 0 } })
    end):raises "network"
    expect(err.attempts):equals(3)
  end)
end)

describe("the environment of the task", function()
  it("names the proxy", function()
    serving(function(request) return request.target end, function()
      local _ <close> = orch.with_env { http_proxy = server.url, no_proxy = "" }
      expect(http.get("http://nowhere.invalid/x").body):equals "http://nowhere.invalid/x"
      local _ <close> = orch.with_env { no_proxy = "127.0.0.1" }
      expect(http.get(url "/direct").body):equals "/direct"
      local _ <close> = orch.with_env { http_proxy = false, all_proxy = false }
      expect(http.get(url "/none").body):equals "/none"
      expect(http.get("http://nowhere.invalid/y", { proxy = server.url }).body)
        :equals "http://nowhere.invalid/y"
    end)
  end)

  it("is not what another spelling of the host is called", function()
    for _, host in ipairs { "127.1", "%31%32%37.0.0.1" } do
      local err = expect(function() http.get("http://" .. host .. ":1/") end):raises "network"
      expect(err.message):contains "cannot connect to 127.0.0.1:1"
    end
  end)
end)

describe("a client", function()
  it("puts paths below its base", function()
    serving(echo, function()
      for _, base in ipairs { "/v1", "/v1/" } do
        local api = http.client { base_url = server.url .. base }
        for path, target in pairs {
          ["users"] = "/v1/users", ["/users"] = "/v1/users", [""] = base, ["?a=1"] = base .. "?a=1",
          ["//x/y"] = "/v1/x/y", ["a%20b/"] = "/v1/a%20b/", [server.url .. "/z"] = "/z",
        } do
          expect(api:get(path):json().target):equals(target)
        end
      end
    end)
  end)

  it("says that a base is a path only", function()
    usage(function() http.client { base_url = "http://x/v1?a=1" } end, "`query`")
  end)

  it("carries defaults, which a request changes or takes away", function()
    serving(echo, function()
      local api = http.client { base_url = server.url, bearer = "t", query = { v = 1 },
        headers = { ["X-A"] = "a", ["X-B"] = "b" }, timeout = "10s" }
      local got = api:get("/"):json()
      expect(got.headers.authorization):equals "Bearer t"
      expect(got.target):equals "/?v=1"
      got = api:post("/", { query = { w = 2 }, json = {},
        headers = { ["x-a"] = false, ["x-b"] = "c" } }):json()
      expect(got.target):equals "/?v=1&w=2"
      expect(got.headers["x-a"]):is_nil()
      expect(got.headers["x-b"]):equals "c"
      expect(api:get("/", { bearer = false }):json().headers.authorization):is_nil()
      expect(api:get("/", { bearer = "u" }):json().headers.authorization):equals "Bearer u"
      expect(api:get("/", { auth = "a:b" }):json().headers.authorization):matches "^Basic "
      local basic = http.client { base_url = server.url, auth = "a:b" }
      expect(basic:get("/"):json().headers.authorization):matches "^Basic "
      expect(basic:get("/", { auth = false }):json().headers.authorization):is_nil()
      expect(basic:get("/", { bearer = "t" }):json().headers.authorization):equals "Bearer t"
      expect(api:head("/").status):equals(200)
      expect(api:request("delete", "/"):json().method):equals "DELETE"
    end)
  end)

  it("gives its credentials to its own host only", function()
    local other <close> = http.serve({}, echo)
    serving(echo, function()
      local api = http.client { base_url = server.url, bearer = "t", query = { key = "k" },
        headers = { ["X-Api-Key"] = "k", ["X-Open"] = "o" } }
      local got = api:get(other.url .. "/x"):json()
      expect(got.target):equals "/x"
      expect(got.headers.authorization):is_nil()
      expect(got.headers["x-api-key"]):is_nil()
      expect(got.headers["x-open"]):equals "o"
    end)
  end)

  it("keeps cookies, its own", function()
    serving(function(request)
      if request.path == "/in" then return { headers = { ["Set-Cookie"] = "s=1; Path=/" } } end
      return request.headers.cookie or "none"
    end, function()
      local one, two = http.client { base_url = server.url }, http.client { base_url = server.url }
      one:get "in"
      expect(one:get("x").body):equals "s=1"
      expect(two:get("x").body):equals "none"
      expect(http.get(url "/x").body):equals "none"
      expect(one:cookies()[1].name .. one:cookies()[1].value):equals "s1"
      one:clear_cookies()
      expect(one:get("x").body):equals "none"
      local none = http.client { base_url = server.url, cookies = false }
      none:get "in"
      expect(none:get("x").body):equals "none"
      local given = http.client { base_url = server.url, cookies = { a = "b" } }
      expect(given:get("x").body):equals "a=b"
    end)
  end)

  it("keeps to its rate", { clock = "virtual" }, function()
    serving(function() return "x" end, function()
      local api = http.client { base_url = server.url, rate_limiter = { rate = 1, burst = 1 } }
      local started = orch.time()
      for _ = 1, 4 do api:get "/" end
      expect(orch.time() - started):near(3, 0.01)
    end)
  end)

  it("says how it is called", function()
    local api = http.client { base_url = "http://x" }
    usage(function() api.get "/" end, "with a colon")
    usage(function() api:gett "/" end, "did you mean 'get'?")
    usage(function() api:get() end, "client:get: argument 1")
    usage(function() http.client { base = "x" } end, "base_url")
    usage(function() http.client { json = {} } end, "json")
    usage(function() http.client { retry = { foo = 1 } } end, "foo")
    expect(function() http.client { base_url = "x.com" } end):raises "http"
  end)
end)

describe("an upload", function()
  it("sends a file", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/game 1.zip", ("z"):rep(300000))
    serving(function(request)
      return { json = { request.method, request.target, #request.body,
        request.headers["content-type"], request.headers["content-length"] } }
    end, function()
      local told
      local r = http.upload(dir .. "/game 1.zip", url "/in/",
        { progress = function(done, total) told = { done, total } end })
      expect(r:json()):equals { "PUT", "/in/game%201.zip", 300000, "application/octet-stream",
        "300000" }
      expect(told):equals { 300000, 300000 }
      r = http.upload(dir .. "/game 1.zip", url "/x", { method = "post",
        headers = { ["Content-Type"] = "application/zip" } })
      expect(r:json()):equals { "POST", "/x", 300000, "application/zip", "300000" }
      usage(function() http.upload(dir .. "/game 1.zip", url "/x", { resume = true }) end,
        "HTTP has no way")
      usage(function() http.upload(dir .. "/game 1.zip", url "/x", { method = "GET" }) end,
        "PUT, POST")
      usage(function() http.upload(dir, url "/x") end, "is a folder")
      usage(function() http.upload(url "/x", dir) end, "the file comes first")
      expect(function() http.upload(dir .. "/none", url "/x") end):raises { code = "ENOENT" }
    end)
  end)
end)
