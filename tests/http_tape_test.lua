-- Record and replay: what a tape holds, and that a run cannot tell it from a network.

local fs = require "orch.fs"
local wire = require "orch.http.wire"
local tape = require "orch.http.tape"

local FORM = "Content-Type: application/x-www-form-urlencoded"

local path

before_each(function() path = test.temp_dir() .. "/api.tape" end)

local function send(method, url, body, headers)
  return wire.send { method = method, url = url, headers = headers or {}, body = body }
end

local function get(url, headers) return send("GET", url, nil, headers) end

local function chunks_of(stream)
  local list = {}
  for chunk in stream.read, stream do list[#list + 1] = chunk end
  stream:close()
  return list
end

local function open(url)
  return wire.open { method = "GET", url = url, headers = {} }
end

--- What `run` does with a network of fakes goes on the tape.
local function record(answers, run, opts)
  opts = opts or {}
  opts.mode = opts.mode or "all"
  local fake <close> = test.http(answers)
  local recorder <close> = tape(path, opts)
  run(fake)
end

local function replay(run, opts)
  opts = opts or {}
  opts.mode = opts.mode or "none"
  local player <close> = tape(path, opts)
  return run(player)
end

local function fails(fn, ...)
  local ok, err = orch.try(fn, ...)
  if ok then expect(ok):equals "a failure" end
  return err
end

describe("a tape", function()
  it("replays what was answered, byte by byte", function()
    local bodies = {
      compact = '{"b":1,"a":[1.50,1e3,{"x":"\\u00e9 \\" {"}],"e":{},"l":[]}',
      pretty = '{\n  "b": 1,\n  "a": [\n    1,\n    {}\n  ]\n}\n',
      tabs = '[\n\t1,\n\t{\n\t\t"a": null\n\t}\n]',
      python = '{"a": 1, "b": [1, 2, "x, y: z"]}\n',
      odd = '{ "a":1 ,"b" : 2}',
      text = "one\ntwo\r\n\nthree",
      umlaut = "größer \u{1F600}\n",
      control = "a\27[0m",
      binary = ("\0\1\254\255"):rep(100),
      single = "\255",
      twice = '{"a":1,"a":2,"big":123456789012345678901234567890}',
    }
    local answers, names = {}, {}
    for name, body in pairs(bodies) do
      answers["GET /" .. name] = { body = body, status = 207,
        headers = { ["X-Name"] = { name, "twice" } } }
      names[#names + 1] = name
    end
    local heads = {}
    record(answers, function()
      for _, name in ipairs(names) do heads[name] = get("http://h/" .. name).head end
    end)
    replay(function()
      for _, name in ipairs(names) do
        local raw = get("http://h/" .. name)
        expect(raw.body):equals(bodies[name])
        expect(raw.head):equals(heads[name])
        expect(raw.status):equals(207)
        expect(raw.http_version):equals "1.1"
        expect(raw:timings().total):equals(raw.elapsed)
      end
    end)
  end)

  it("is text that shows JSON as JSON and lines as lines", function()
    record({ ["POST /"] = { json = { answer = 42 } }, ["GET /"] = "one\ntwo\n" }, function()
      send("POST", "http://h/", '{ "question" :  null }')
      get "http://h/"
    end)
    local text = fs.read(path)
    expect(text):contains '\n    "json": {"question": null}\n'
    expect(text):contains '\n    "json": {"answer": 42}\n'
    expect(text):contains '\n    "text": ["one\\n", "two\\n"]\n'
    expect(text):matches '^{"orch_tape": 1, "recorded": "%d+%-%d%d%-%d%dT[%d:]+Z"}\n{\n'
  end)

  it("replays streams in the chunks in which they came", function()
    local smile = "\u{1F600}"
    local chunks = { "data: a\n", "\ndata: " .. smile:sub(1, 2), smile:sub(3) .. "\n\n", "\0" }
    record({ ["/"] = { chunks = chunks }, ["/events"] = { events = { "a", "b" } } }, function()
      expect(chunks_of(open "http://h/")):equals(chunks)
      chunks_of(open "http://h/events")
    end)
    replay(function()
      expect(chunks_of(open "http://h/")):equals(chunks)
      expect(chunks_of(open "http://h/events")):equals { "data: a\n\n", "data: b\n\n" }
    end)
    replay(function() -- and whole where that is asked for
      expect(get("http://h/").body):equals(table.concat(chunks))
    end)
  end)

  it("replays failures as the same Errors", function()
    record({
      ["/down"] = { error = { kind = "network", message = "refused", phase = "connecting" } },
      ["/late"] = { error = { kind = "timeout", message = "timed out", elapsed = 2.5 } },
      ["/tls"] = { error = "tls" },
      ["/cut"] = { chunks = { "half" }, error = { kind = "http", received = 4, expected = 8 } },
    }, function()
      for _, name in ipairs { "down", "late", "tls" } do pcall(get, "http://h/" .. name) end
      pcall(chunks_of, open "http://h/cut")
      pcall(get, "http://h/cut")
    end)
    replay(function()
      local err = fails(get, "http://h/down")
      expect(err.kind):equals "network"
      expect(err.message):equals "GET http://h/down: refused"
      expect(err.phase):equals "connecting"
      expect(err.method):equals "GET"
      expect(fails(get, "http://h/late").elapsed):equals(2.5)
      expect(fails(get, "http://h/tls").kind):equals "tls"
      local stream = open "http://h/cut"
      expect(stream:read()):equals "half"
      err = fails(stream.read, stream)
      expect({ err.kind, err.received, err.expected }):equals { "http", 4, 8 }
      stream:close()
      expect(fails(get, "http://h/cut").received):equals(4)
    end)
  end)

  it("knows redirects, and answers without a body", function()
    record({
      ["GET /old"] = { status = 302, headers = { Location = "new?key=abc&page=2" } },
      ["HEAD /"] = "text", ["DELETE /"] = 204,
    }, function()
      get "http://h/old"
      send("HEAD", "http://h/")
      send("DELETE", "http://h/")
    end)
    replay(function()
      expect(get("http://h/old").redirect_url):equals "http://h/new?key=***&page=2"
      expect(send("HEAD", "http://h/").body):equals ""
      expect(send("DELETE", "http://h/").status):equals(204)
    end)
  end)

  it("replays into a file, also behind what is there", function()
    local big = ("0123456789"):rep(200)
    record({ ["/"] = { body = big }, ["/json"] = { json = { 1, 2 } } }, function()
      local stream = open "http://h/"
      expect(stream:save(path .. ".a", 0)):equals(2000)
      stream:close()
      fs.write(path .. ".b", "xxx")
      stream = open "http://h/json"
      expect(stream:save(path .. ".b", 3)):equals(8)
      stream:close()
    end)
    local text = fs.read(path)
    expect(text):contains '"json": [1, 2]'
    fs.remove(path .. ".a")
    fs.write(path .. ".b", "yyy")
    replay(function()
      local stream = open "http://h/"
      expect(stream:progress().expected):equals(2000)
      expect(stream:save(path .. ".a", 0)):equals(2000)
      expect(stream:progress().received):equals(2000)
      stream:close()
      stream = open "http://h/json"
      expect(stream:save(path .. ".b", 3)):equals(8)
      stream:close()
      expect(fs.read(path .. ".a")):equals(big)
      expect(fs.read(path .. ".b")):equals "yyy[1,2]"
    end)
  end)

  it("puts large bodies beside itself", function()
    local big = ("\0\1\2\3"):rep(1000)
    record({ ["/"] = { body = big }, ["/stream"] = { chunks = { "a", big, big } } }, function()
      get "http://h/"
      chunks_of(open "http://h/stream")
    end, { limit = 1000 })
    expect(#fs.read(path)):less_than(2000)
    expect(fs.list(path .. ".bodies")):equals { "1.bin", "2.bin" }
    replay(function()
      expect(get("http://h/").body):equals(big)
      expect(table.concat(chunks_of(open "http://h/stream"))):equals("a" .. big .. big)
    end)
    fs.remove(path .. ".bodies/1.bin")
    replay(function()
      expect(fails(get, "http://h/").message):contains "has lost a body"
    end)
  end)

  it("of the same run looks the same", function()
    local function run()
      record({ ["/slow"] = { delay = "20ms" }, ["/fast"] = {} }, function()
        local slow = orch.spawn(get, "http://h/slow")
        orch.sleep "2ms"
        get "http://h/fast" -- ends first
        slow:await()
      end)
      return (fs.read(path):gsub('"elapsed": [%d.]+', ""):gsub('"recorded": "[^"]*"', ""))
    end
    local first = run()
    expect(first:find("/slow", 1, true)):less_than(first:find("/fast", 1, true))
    expect(run()):equals(first)
  end)

  it("keeps every exchange that ended, whatever happens then", function()
    local fake <close> = test.http { ["*"] = "x" }
    local recorder <close> = tape(path, { mode = "all" })
    get "http://h/1"
    get "http://h/2"
    local text = fs.read(path)
    expect(text):contains "http://h/2"
    fs.write(path .. ".copy", text:sub(1, -20)) -- killed while it wrote
    recorder:close()
    local player <close> = tape(path .. ".copy", { mode = "none" })
    expect(get("http://h/1").body):equals "x"
    expect(fails(get, "http://h/2").message):contains "does not know GET http://h/2"
  end)

  it("is read in whatever layout, and says where it is broken", function()
    local head = '{"orch_tape": 1}\n'
    local line = '{"request":{"method":"GET","url":"http://h/"},'
      .. '"response":{"status":200,"json":{"a":1}}}\n'
    fs.write(path, head .. line .. line)
    replay(function() expect(get("http://h/").body):equals '{"a":1}' end)
    local other = line:gsub('":', '": '):gsub("{", "{\n\t"):gsub("}\n", "\n}\n")
    fs.write(path, head .. other:gsub("\n", "\r\n"))
    replay(function() expect(get("http://h/").status):equals(200) end)

    local function refuses(text, words)
      fs.write(path, text)
      local err = fails(tape, path, { mode = "none" })
      expect(err.kind):equals "http"
      expect(err.message):contains(words)
      return err
    end
    expect(refuses(head .. '{\n  "n": 1,\n  oops\n}\n' .. line, "line 4: ").line):equals(4)
    refuses("hello\n", "this is no tape")
    refuses("", "this is no tape")
    refuses('{"orch_tape": 99}\n', "made by a newer orch")
    refuses(head .. '{"n": 1}\n', "line 2: request is missing")
    refuses(head .. line .. line:gsub("200", '"200"'),
      'line 3: response.status should be an integer, not the string "200"')
    refuses(head .. line:gsub('"json":{"a":1}', '"text":["a",null]'),
      "response.text[2] should be a text, not null")
  end)

  it("any field may be of another type: it is told, never an error of Lua's", function()
    local one = { n = 1, elapsed = 0.001, ended = "closed",
      request = { method = "GET", url = "http://h/", headers = { "A: b" }, text = { "a", "b" },
        json = { a = 1 } },
      response = { status = 200, redirect_url = "http://h/b", head = { "HTTP/1.1 200 OK", "A: b" },
        head_at = 0.001, layout = "indent 2", chunks = { { at = 0.001, text = "a" } } },
      error = { kind = "network", message = "x" } }
    local whole = { json = { a = 1 }, text = { "a" }, base64 = "AAAA", file = "1.bin" }
    local null, list = orch.json.null, orch.json.array {}
    local function check()
      fs.write(path, '{"orch_tape": 1}\n' .. orch.json.encode(one) .. "\n", { sync = false })
      for _, url in ipairs { "http://h/", "http://h/other" } do
        local _, err = orch.try(function()
          local player <close> = tape(path, { mode = "none" })
          player:unused()
          send("GET", url, '{"a":1}')
          chunks_of(open(url))
        end)
        if err and (err.kind == "error" or err.kind == "usage") then
          expect(tostring(err) .. " <- " .. fs.read(path)):equals "a sentence"
        end
      end
    end
    local function walk(block)
      for key, value in pairs(block) do
        for _, odd in ipairs { null, true, -1, 1.5, "x", list, { a = 1 }, { { 1 } }, { null } } do
          block[key] = odd
          check()
        end
        block[key] = value
        if type(value) == "table" then walk(value) end
      end
    end
    walk(one)
    one.error, one.ended, one.response.chunks = nil, nil, nil
    for name, value in pairs(whole) do
      one.response[name] = value
      walk { response = one.response }
      walk(one.response)
      one.response[name] = nil
    end
  end)

  it("what is put behind the JSON of an answer does not get into it", function()
    record({ ["/"] = { json = { answer = 42 } } }, function() get "http://h/" end)
    fs.write(path, (fs.read(path):gsub('("json": {"answer": 42})', '%1,\n    "note": "mine"')))
    replay(function() expect(get("http://h/").body):equals '{"answer":42}' end)
  end)

  it("holds headers, addresses and messages that are not UTF-8", function()
    record({ ["*"] = { headers = { ["X-Name"] = "gr\246\223e" }, status = 302 },
      ["/down"] = { error = { kind = "network", message = "\255 is down" } } }, function()
      get("http://h/", { "X-Mine: \252" })
      fails(get, "http://h/down")
    end)
    expect(utf8.len(fs.read(path))):truthy()
    replay(function()
      expect(get("http://h/", { "X-Mine: \252" }).head):contains "X-Name: gr\246\223e\r\n"
      expect(fails(get, "http://h/down").message):contains "\255 is down"
    end, { headers = { "X-Mine" } })
  end)
end)

describe("redaction", function()
  local function recorded(run, opts)
    record({ ["*"] = function(request)
      return { body = request.body, headers = { ["Set-Cookie"] = "sid=hidden1; Path=/",
        ["X-Session-Token"] = "hidden2", Location = "http://h/?sig=hidden3" } }
    end }, run, opts)
    return fs.read(path)
  end

  it("keeps credentials off the tape", function()
    local text = recorded(function()
      send("POST", "http://me:hidden4@h/x?a=1&key=hidden5&X-Amz-Signature=hidden6",
        '{"password": "hid\\"den7", "n": {"api_key":"hidden8"}, "key": "seen1", '
          .. '"link": "http://s/?token=hidden9&b=seen2"}', {
          "Authorization: Bearer hidden10", "Cookie: a=hidden11", "X-Api-Key: hidden12",
          "x-goog-api-key: hidden13", "Proxy-Authorization: Basic hidden14", "Accept: seen3" })
      send("POST", "http://h/token",
        "grant_type=seen4&client_secret=hidden15&refresh_token=hidden16", { FORM })
    end)
    expect(text).never:contains "hidden"
    expect(text).never:contains "den7"
    for i = 1, 4 do expect(text):contains("seen" .. i) end
    expect(text):contains '"Authorization: Bearer ***"'
    expect(text):contains '"Set-Cookie: sid=***; Path=/"'
    expect(text):contains '"http://me:***@h/x?a=1&key=***&X-Amz-Signature=***"'
  end)

  it("takes further names, and spares some", function()
    local text = recorded(function()
      send("POST", "http://h/?licence=hidden&key=seen1", '{"licence": 12345, "password": "seen2"}',
        { "X-Studio: hidden" })
    end, { redact = { "Licence", "x-studio", key = false, password = false } })
    expect(text).never:contains "hidden"
    expect(text).never:contains "12345"
    expect(text):contains "seen1"
    expect(text):contains "seen2"
  end)

  it("covers registered secrets, also across chunks", function()
    local before = package.loaded["orch.secrets"]
    local _ <close> = orch.defer(function() package.loaded["orch.secrets"] = before end)
    package.loaded["orch.secrets"] = { redact = function(text)
      return (text:gsub("hunter2", "***"))
    end }
    local chunks = { "a hun", "te", "r2 b", " c", " hunter2" }
    record({ ["*"] = { chunks = chunks } }, function()
      chunks_of(open "http://h/bot-hunter2/x")
      send("PUT", "http://h/", "I am hunter2.")
    end)
    expect(fs.read(path)).never:contains "hunter"
    package.loaded["orch.secrets"] = nil -- elsewhere nobody knows it
    replay(function()
      expect(chunks_of(open "http://h/bot-other/x")):equals { "a *** b", " c", " ***" }
      expect(send("PUT", "http://h/", "I am somebody.").status):equals(200)
    end)
  end)

  it("covers registered secrets in forms, bytes and names of files", function()
    local secrets = orch.secrets
    secrets.mask "zq-47&key"
    local file = test.temp_dir() .. "/zq-47&key.txt"
    fs.write(file, "x")
    record({ ["*"] = { chunks = { "\0zq-4", "7&key\255" } } }, function()
      chunks_of(open "http://h/")
      get "http://h/"
      send("POST", "http://h/", "a=zq-47%26key&b=1", { FORM })
      send("POST", "http://h/", "\1\2zq-47&key\254")
      send("POST", "http://h/", { "a", { path = file } })
    end)
    local text = fs.read(path)
    expect(text):equals(secrets.redact(text))
    replay(function()
      expect(chunks_of(open "http://h/")):equals { "\0***\255" }
      expect(get("http://h/").body):equals "\0***\255"
      expect(send("POST", "http://h/", "a=zq-47%26key&b=1", { FORM }).status):equals(200)
      expect(send("POST", "http://h/", "\1\2zq-47&key\254").status):equals(200)
      expect(send("POST", "http://h/", { "a", { path = file } }).status):equals(200)
    end)
  end)

  it("does not count in matching", function()
    recorded(function()
      send("POST", "http://h/?key=one", '{"access_token":"one","q":1}',
        { "Authorization: Bearer one" })
    end)
    replay(function()
      expect(send("POST", "http://h/?key=two", '{"access_token":"two","q":1}').status):equals(200)
    end)
  end)
end)

describe("matching", function()
  it("takes query and JSON in any order, forms too", function()
    record({ ["*"] = "x" }, function()
      send("POST", "HTTP://H:80/a?b=2&a=1#frag", '{"x": 1.0, "y": [1, {"z": null}]}')
      send("POST", "https://h/", "a=1&b=x%20y", { FORM })
    end)
    replay(function(player)
      send("POST", "http://h/a?a=1&b=2", '{"y":[1,{"z":null}],"x":1}')
      send("POST", "https://h:443", "b=x+y&a=1", { FORM })
      expect(#player:unused()):equals(0)
    end)
  end)

  it("does not see the boundary of a multipart body", function()
    local function upload(boundary, name)
      local body = ("--%s\r\nContent-Disposition: form-data; name=%s\r\n\r\n1\r\n--%s--\r\n")
        :format(boundary, name, boundary)
      return send("POST", "http://h/", body,
        { ('Content-Type: multipart/form-data; boundary="%s"'):format(boundary) })
    end
    record({ ["*"] = "x" }, function() upload("abc-1+2", "a") end)
    expect(fs.read(path)).never:contains "abc-1"
    replay(function()
      expect(fails(upload, "xyz", "b").message):contains "the body from byte"
      expect(upload("xyz", "a").body):equals "x"
    end)
  end)

  it("takes files by their content", function()
    fs.write(path .. ".one", "hello")
    fs.write(path .. ".two", "..hello..")
    local function upload(name, offset)
      return send("PUT", "http://h/",
        { "[", { path = path .. name, offset = offset, size = 5 }, "]" })
    end
    record({ ["*"] = function(request) return request.body end }, function()
      expect(upload(".one", 0).body):equals "[hello]"
    end)
    replay(function()
      expect(fails(upload, ".two", 0).message):contains "the file in part 2 of the body"
      expect(upload(".two", 2).body):equals "[hello]"
    end)
  end)

  it("reads bodies that come from functions", function()
    local function source(...)
      local list, i = { ... }, 0
      return function()
        i = i + 1
        return list[i]
      end
    end
    record({ ["*"] = function(request) return request.body end }, function()
      expect(send("PUT", "http://h/", source("a", "b")).body):equals "ab"
      send("PUT", "http://h/", source(("x"):rep(50), ("y"):rep(60)))
    end, { limit = 100 })
    replay(function()
      expect(fails(send, "PUT", "http://h/", source("a", "c")).message)
        :contains 'the body from byte 2 was "b" and is now "c"'
      expect(send("PUT", "http://h/", source("ab")).body):equals "ab"
      expect(send("PUT", "http://h/", source(("x"):rep(50) .. ("y"):rep(60))).status):equals(200)
    end, { limit = 100 })
  end)

  it("uses each exchange once, in their order", function()
    local n = 0
    record({ ["*"] = function()
      n = n + 1
      return tostring(n)
    end }, function()
      for _ = 1, 3 do get "http://h/" end
    end)
    replay(function(player)
      expect(get("http://h/").body):equals "1"
      expect(#player:unused()):equals(2)
      expect(get("http://h/").body):equals "2"
      expect(get("http://h/").body):equals "3"
      expect(fails(get, "http://h/").message):contains
        "has GET http://h/ only 3 times, and that has been used"
    end)
  end)

  it("gives concurrent requests each their own", function()
    record({ ["*"] = function(request) return request.query.i end }, function()
      orch.map({ 1, 2, 3, 4 }, function(i) return get("http://h/?i=" .. i) end)
    end)
    replay(function()
      local bodies = orch.map({ 4, 2, 3, 1 }, function(i)
        return get("http://h/?i=" .. i).body
      end)
      expect(bodies):equals { "4", "2", "3", "1" }
    end)
  end)

  it("compares ranges, and the headers that it is told to", function()
    record({ ["*"] = "x" }, function()
      get("http://h/", { "Range: bytes=5-", "Accept-Language: de" })
    end)
    replay(function()
      expect(fails(get, "http://h/").message)
        :contains 'the header range was "bytes=5-" and is now absent'
      expect(fails(get, "http://h/", { "range: bytes=5-", "accept-language: en" }).message)
        :contains "the header accept-language"
      get("http://h/", { "range: bytes=5-", "accept-language: de" })
    end, { headers = { "Accept-Language" } })
  end)
end)

describe("a request that the tape does not know", function()
  before_each(function()
    record({ ["*"] = "x" }, function()
      get "https://api.example.com/users?page=1&size=10"
      send("POST", "https://api.example.com/chat",
        '{"model":"small","messages":[{"role":"user","content":"Hello"}]}')
    end)
  end)

  local function says(words, ...)
    local args = table.pack(...)
    replay(function()
      local err = fails(send, table.unpack(args, 1, args.n))
      expect(err.kind):equals "http"
      expect(err.message):contains(words)
      expect(err.message):contains '(--tape-mode new)'
      expect(err.tape):equals(path)
    end)
  end

  it("is told what came nearest and how it differs", function()
    says('does not know GET https://api.example.com/users?page=2; the nearest that it has, '
      .. 'number 1 (GET https://api.example.com/users?page=1&size=10), differs: the query '
      .. 'parameter page was "1" and is now "2"; the query parameter size was "10" and is now '
      .. 'absent',
      "GET", "https://api.example.com/users?page=2")
    says('number 2, differs: the body at .messages[1].content was "Hello" and is now "Hallo"',
      "POST", "https://api.example.com/chat",
      '{"model":"small","messages":[{"role":"user","content":"Hallo"}]}')
    says("the body at .messages[2] was absent and is now {\"content\":\"more\"}",
      "POST", "https://api.example.com/chat",
      '{"model":"small","messages":[{"role":"user","content":"Hello"},{"content":"more"}]}')
    says('the method was "POST" and is now "PUT"', "PUT", "https://api.example.com/chat",
      '{"model":"small","messages":[{"role":"user","content":"Hello"}]}')
    says('the path was "/users" and is now "/user"', "GET",
      "https://api.example.com/user?page=1&size=10")
    says('the host was "https://api.example.com" and is now "https://api.example.org"', "GET",
      "https://api.example.org/users?page=1&size=10")
    says("the body was JSON and is now no body", "POST", "https://api.example.com/chat")
  end)

  it("is told with fields, and without secrets", function()
    replay(function()
      local err = fails(get, "https://api.example.com/users?page=1&size=10&key=hidden")
      expect(err.nearest.n):equals(1)
      expect(err.nearest.differences)
        :equals { 'the query parameter key was absent and is now "***"' }
      expect(err.message).never:contains "hidden"
      expect(err.url):equals "https://api.example.com/users?page=1&size=10&key=***"
    end)
  end)

  it("is told when the tape is empty", function()
    fs.write(path, '{"orch_tape": 1}\n')
    says("it has no request at all", "GET", "http://h/")
  end)
end)

describe("modes", function()
  local function network(run)
    local n = 0
    local fake <close> = test.http { ["*"] = function()
      n = n + 1
      return "live " .. n
    end }
    run()
    return n
  end

  it("once records what is not there, and then replays", function()
    for _, body in ipairs { "live 1", "live 1" } do
      network(function()
        local t <close> = tape(path)
        expect(get("http://h/").body):equals(body)
      end)
    end
    network(function()
      local t <close> = tape(path)
      expect(fails(get, "http://h/other").kind):equals "http"
      expect({ t.recorded, t.replayed }):equals { 0, 0 }
    end)
  end)

  it("new replays what is known and records the rest", function()
    network(function()
      local t <close> = tape(path, { mode = "new" })
      get "http://h/1"
    end)
    fs.append(path, '{\n  "n": 2, "torn')
    expect(network(function()
      local t <close> = tape(path, { mode = "new" })
      expect(get("http://h/1").body):equals "live 1"
      expect(get("http://h/1").body):equals "live 1" -- the network's first
      local body, i = { "a", "b" }, 0
      send("PUT", "http://h/2", function()
        i = i + 1
        return body[i]
      end)
      expect({ t.recorded, t.replayed }):equals { 2, 1 }
    end)):equals(2)
    replay(function(player)
      for _ = 1, 2 do expect(get("http://h/1").body):equals "live 1" end
      expect(send("PUT", "http://h/2", "ab").body):equals "live 2"
      expect(player:unused()):equals {}
    end)
  end)

  it("all begins anew, at the first request", function()
    network(function()
      do
        local t <close> = tape(path, { mode = "all", limit = 1 })
        get "http://h/1"
      end
      local old = fs.read(path)
      local t <close> = tape(path, { mode = "all" })
      expect(fs.read(path)):equals(old)
      get "http://h/2"
      expect(fs.read(path)).never:contains "http://h/1"
      expect(fs.exists(path .. ".bodies")):equals(false)
    end)
  end)

  it("all without a request leaves an empty tape", function()
    do local t <close> = tape(path, { mode = "all" }) end
    replay(function(player) expect(player:unused()):equals {} end)
  end)

  it("none needs a tape", function()
    local err = fails(tape, path, { mode = "none" })
    expect({ err.kind, err.code }):equals { "os", "ENOENT" }
    expect(err.message):contains "record it first"
  end)

  it("wrong options are told", function()
    local function wrong(opts, words)
      local err = fails(tape, path, opts)
      expect(err.kind):equals "usage"
      expect(err.message):contains(words)
    end
    wrong({ mode = "onse" }, "did you mean 'once'?")
    wrong({ modes = "once" }, "did you mean `mode`?")
    wrong({ speed = 0 }, "more than 0")
    wrong({ redact = { { "x" } } }, "list of names")
    wrong({ headers = { 1 } }, "headers")
    expect(fails(tape).message):contains "http.tape: argument 1 should be a path"
  end)

  it("nest: the inner one goes first, the outer one sees what it lets through", function()
    local inner_path = path .. ".inner"
    network(function()
      local outer <close> = tape(path, { mode = "all" })
      local inner <close> = tape(inner_path, { mode = "once" })
      get "http://h/"
      inner:close()
      get "http://h/2"
      expect({ outer.recorded, inner.recorded }):equals { 2, 1 }
    end)
  end)

  it("one that is never closed is told", function()
    local before = wire.transport
    tape(path, { mode = "all" })
    local list = {}
    require("orch.unclosed").take(list)
    expect(list[1]):contains "http_tape_test.lua"
    expect(list[1]):contains "was never closed"
    wire.transport = before
  end)
end)

describe("time", { clock = "virtual" }, function()
  local answers = {
    ["/slow"] = { delay = 10, body = "slow" }, ["/fast"] = { delay = 5, body = "fast" },
    ["/stream"] = { delay = 1, events = { "a", { delay = 2 }, "b" } },
    ["/fails"] = { delay = 4, error = "network" },
  }

  local function all()
    local order = {}
    orch.gather { function()
      get "http://h/slow"
      order[#order + 1] = "slow"
    end, function()
      get "http://h/fast"
      order[#order + 1] = "fast"
    end, function()
      chunks_of(open "http://h/stream")
      order[#order + 1] = "stream"
    end, function()
      pcall(get, "http://h/fails")
      order[#order + 1] = "fails"
    end }
    return order
  end

  it("is the recorded one with speed 1", function()
    record(answers, all)
    replay(function()
      local started = orch.time()
      all()
      expect(orch.time() - started):near(10, 0.01)
    end, { speed = 1 })
    replay(function()
      local started = orch.time()
      local stream = open "http://h/stream"
      expect(orch.time() - started):near(0.5, 0.01)
      stream:read()
      stream:read()
      expect(orch.time() - started):near(1.5, 0.01)
      stream:close()
    end, { speed = 2 })
  end)

  it("is short otherwise, in the same order", function()
    record(answers, all)
    replay(function()
      local started = orch.time()
      expect(all()):equals { "stream", "fails", "fast", "slow" }
      expect(orch.time() - started):less_than(0.1)
    end)
  end)

  it("elapsed is the recorded one", function()
    record(answers, function() get "http://h/slow" end)
    replay(function() expect(get("http://h/slow").elapsed):near(10, 0.01) end)
  end)
end)

describe("what was cancelled when it was recorded", { clock = "virtual" }, function()
  it("never answers, until it is cancelled", function()
    record({ ["/slow"] = { delay = "1h" }, ["/fast"] = { delay = 1, body = "fast" } }, function()
      orch.race { { get, "http://h/slow" }, { get, "http://h/fast" } }
      expect(orch.move_on_after("2s", get, "http://h/slow")):equals(false)
    end)
    replay(function(player)
      local raw = orch.race { { get, "http://h/slow" }, { get, "http://h/fast" } }
      expect(raw.body):equals "fast"
      expect(orch.move_on_after("2s", get, "http://h/slow")):equals(false)
      expect(player:unused()):equals {}
    end)
  end)

  it("gives what had come", function()
    record({ ["/"] = { chunks = { "a", { delay = "1h" }, "b" } } }, function()
      orch.move_on_after("1s", function()
        local stream <close> = open "http://h/"
        stream:read()
        stream:read()
      end)
      local stream <close> = open "http://h/"
      stream:read()
    end)
    replay(function()
      local stream <close> = open "http://h/"
      expect(stream:read()):equals "a"
      expect(orch.move_on_after("1s", stream.read, stream)):equals(false)
      local closed <close> = open "http://h/"
      expect(closed:read()):equals "a"
      expect(fails(closed.read, closed).message):contains "it was closed here"
    end)
  end)

  it("is a deadlock where nobody would cancel it", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/a.tape", '{"orch_tape": 1}\n'
      .. '{"request":{"method":"GET","url":"http://h/"},"ended":"cancelled"}\n')
    fs.write(dir .. "/a.lua", 'require("orch.http.wire").send { method = "GET", '
      .. 'url = "http://h/" }')
    local result = test.run({ "--replay", "a.tape", "a.lua" }, { cwd = dir })
    expect(result.stderr):contains "the answer to GET http://h/, which was cancelled"
    expect(result.exit_code):equals(1)
  end)
end)

describe("cancelling", function()
  it("before it starts takes nothing from the tape", function()
    record({ ["/"] = "x" }, function() get "http://h/" end)
    replay(function(player)
      local task = orch.spawn({ hold = true }, get, "http://h/")
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      expect(#player:unused()):equals(1)
    end)
  end)

  it("in flight ends a replayed request", { clock = "virtual" }, function()
    record({ ["/"] = { delay = "1h", chunks = { "a", { delay = "1h" } } } }, function()
      chunks_of(open "http://h/")
    end)
    replay(function()
      local task = orch.spawn({ hold = true }, get, "http://h/")
      orch.sleep "1s"
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
    end, { speed = 1 })
  end)

  it("while it is recorded still writes it down", { clock = "virtual" }, function()
    record({ ["/"] = { delay = "1h" } }, function()
      local task = orch.spawn({ hold = true }, get, "http://h/")
      orch.sleep "1s"
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      expect(fs.read(path)):contains '"ended": "cancelled"'
    end)
  end)
end)

describe("orch run", function()
  local dir

  local SCRIPT = [[
    local http, url = orch.http, ...
    local r = http.get(url .. "/json", { bearer = "hidden" })
    print(r.status, r.http_version, r:json().n, r.headers["X-Name"])
    local s <close> = http.stream("GET", url .. "/events")
    for event in s:events() do print(event.event, event.data) end
    print(http.download(url .. "/file", "file.bin").size, orch.fs.hash "file.bin")
    print(select(2, pcall(http.get, url .. "/reset")).kind)
    print(http.post(url .. "/echo", { form = { a = "b c" } }).body)
    print(select(2, pcall(http.get, url .. "/503")))
  ]]

  local function handler(request)
    if request.path == "/json" then
      return { json = { n = 1 }, headers = { ["X-Name"] = "x" } }
    elseif request.path == "/events" then
      return { events = function(write)
        write { data = "one" }
        orch.sleep "20ms"
        write { event = "last", data = "two\nlines" }
      end }
    elseif request.path == "/file" then
      return { body = ("\0\1\2\3"):rep(400000) }
    elseif request.path == "/reset" then
      return { reset = true }
    elseif request.path == "/echo" then
      return request.body
    end
    return { status = 503, json = { error = { message = "too busy" } } }
  end

  local function run(...)
    local result = test.run({ ... }, { cwd = dir, env = { NO_COLOR = "1" } })
    return result
  end

  before_each(function()
    dir = test.temp_dir()
    fs.write(dir .. "/a.lua", SCRIPT)
  end)

  it("--record keeps what a server says, --replay says it again", function()
    local url, recorded
    do
      local server <close> = orch.http.serve({ port = 0 }, handler)
      url = server.url
      recorded = run("run", "--record", "a.tape", "a.lua", url)
      expect(recorded.stderr):equals ""
      expect(recorded.stdout):contains "last\ttwo\nlines"
      expect(recorded.stdout):contains "1600000"
      expect(recorded.stdout):contains "too busy"
    end
    expect(fs.read(dir .. "/a.tape")).never:contains "hidden"
    fs.remove(dir .. "/file.bin")
    local replayed = run("--replay", "a.tape", "--tape-unused", "a.lua", url)
    expect(replayed.stderr):equals ""
    expect(replayed.stdout):equals(recorded.stdout)
    expect(run("--replay=a.tape", "a.lua", "http://127.0.0.1:1").stderr):contains "the host was"
  end)

  it("--tape-mode once records, then replays; new adds", function()
    local server <close> = orch.http.serve({ port = 0 }, handler)
    fs.write(dir .. "/b.lua", "print(orch.http.get(...).body)")
    local function once(path, mode)
      return run("run", "--record", "b.tape", "--tape-mode", mode, "b.lua", server.url .. path)
    end
    expect(once("/json", "once").stdout):equals '{"n":1}\n'
    expect(once("/json", "once").stdout):equals '{"n":1}\n'
    expect(once("/echo", "once").stderr):contains "does not know GET"
    expect(once("/echo", "new").exit_code):equals(0)
    expect(once("/json", "new").stdout):equals '{"n":1}\n'
    local _, count = fs.read(dir .. "/b.tape"):gsub('"request":', "")
    expect(count):equals(2)
  end)

  it("keeps what a failing or interrupted run has done", function()
    local server <close> = orch.http.serve({ port = 0 }, handler)
    fs.write(dir .. "/c.lua", "orch.http.get(...) error 'boom'")
    expect(run("--record", "c.tape", "c.lua", server.url .. "/json").exit_code):equals(1)
    expect(run("--replay", "c.tape", "c.lua", server.url .. "/json").stderr):contains "boom"
    fs.write(dir .. "/d.lua", "orch.http.get(...) os.execute('kill -9 $PPID')")
    local killed = run("--record", "d.tape", "d.lua", server.url .. "/json")
    expect(killed.ok):equals(false)
    expect(killed.exit_code):is_nil()
    expect(fs.read(dir .. "/d.tape")):contains '"json": {"n": 1}'
    local old = fs.read(dir .. "/c.tape")
    fs.write(dir .. "/c.lua", "oops(")
    expect(run("--record", "c.tape", "c.lua").exit_code):equals(3)
    expect(fs.read(dir .. "/c.tape")):equals(old)
  end)

  it("says what is wrong with the options", function()
    local function wrong(words, ...)
      local result = run(...)
      expect(result.stderr):contains(words)
      expect(result.exit_code):equals(2)
    end
    fs.write(dir .. "/a.tape", '{"orch_tape": 1}\n')
    wrong("--record and --replay exclude each other", "--record", "x", "--replay", "y", "a.lua")
    wrong("--tape-mode belongs to --record FILE", "--tape-mode", "new", "a.lua")
    wrong("--tape-unused belongs to", "--tape-unused", "a.lua")
    wrong("did you mean 'none'?", "--replay", "a.tape", "--tape-mode", "nome", "a.lua")
    wrong("--record cannot be of --tape-mode none: that is --replay", "--record", "a.tape",
      "--tape-mode", "none", "a.lua")
    wrong("--replay-speed should be a number above 0", "--replay", "a.tape", "--replay-speed",
      "fast", "a.lua")
    wrong("belong to orch run, not to orch test", "--record", "a.tape", "test")
    wrong("did you mean '--record'?", "--recrod", "a.tape", "a.lua")
    fs.write(dir .. "/a.tape", "hello")
    wrong("this is no tape", "--replay", "a.tape", "a.lua")
  end)
end)

describe("a tape that cannot be written", function()
  it("fails the request", function()
    local fake <close> = test.http { ["*"] = "x" }
    local t <close> = tape(path .. "/no/such.tape", { mode = "new" })
    local err = fails(get, "http://h/")
    expect(err.kind):equals "os"
    expect(err.message):contains "such.tape"
  end)
end)
