-- What all uploads have in common: the file, what is remembered, requests, errors.

local fs, http = orch.fs, orch.http
local call = require "orch.deploy.call"
local common = require "orch.deploy.common"
local failure = require "orch.deploy.failure"
local memos = require "orch.deploy.memo"
local sources = require "orch.deploy.source"

local dir
before_each(function()
  dir = test.temp_dir()
  fs.write(dir .. "/game.aab", ("x"):rep(1000))
end)

describe("orch.deploy", function()
  it("names the nearest service", function()
    expect(function() return orch.deploy.google_pley end)
      :raises "orch.deploy has no 'google_pley'; did you mean 'google_play'?"
  end)

  it("names the service's option that is missing, and that it takes one table", function()
    local spec, needed = { track = "string" }, { "file", "track" }
    expect(function() common.options("up", { file = "a" }, spec, needed) end)
      :raises "up needs the option `track`"
    expect(function() common.options("up", "a.zip", spec) end):raises "up takes one table"
    expect(function() common.options("up", { trak = "b" }, spec) end):raises "did you mean `track`"
    expect(common.options("up", { resume = false }, spec).resume):equals(false)
  end)

  it("says sizes as stores do", function()
    expect(common.size(1)):equals "1 byte"
    expect(common.size(999)):equals "999 bytes"
    expect(common.size(12345678)):equals "12.3 MB"
    expect(common.size(999999)):equals "1.0 MB"
  end)
end)

describe("the build file", function()
  it("must be there, a file, of the right type, and not empty", function()
    fs.write(dir .. "/empty.aab", "")
    local function open(name, types) return function() sources.open("up", name, types) end end
    expect(open(dir .. "/none.aab")):raises { kind = "os", code = "ENOENT" }
    expect(open(dir)):raises "is no file: it is a folder"
    expect(open(dir .. "/game.aab", { "ipa", "pkg" })):raises "should be a file of type .ipa, .pkg"
    expect(open(dir .. "/empty.aab")):raises "is empty; has the build gone wrong?"
  end)

  it("must stay as it is", function()
    local source = sources.open("up", dir .. "/game.aab", { "aab" })
    source:check()
    expect(source:hash "md5"):equals(orch.hash.md5(("x"):rep(1000)))
    fs.write(dir .. "/game.aab", ("y"):rep(1000))
    local err = expect(function() source:check() end):raises "changed"
    expect(err.kind):equals "changed"
    expect(err.retryable):equals(false)
    expect(source:hash "md5"):equals(orch.hash.md5(("x"):rep(1000)))
    expect(function() source:hash "sha1" end):raises "changed while it was sent"
    fs.remove(dir .. "/game.aab")
    expect(function() source:check() end):raises "disappeared while it was sent"
  end)

  it("is another file when another takes its place, of the same size and time", function()
    local source = sources.open("up", dir .. "/game.aab")
    fs.write(dir .. "/other", ("y"):rep(1000))
    orch.process.run { "touch", "-r", dir .. "/game.aab", dir .. "/other" }
    fs.move(dir .. "/other", dir .. "/game.aab")
    expect(function() source:check() end):raises "changed while it was sent"
  end)

  it("is sent in parts", function()
    local source, bodies = sources.open("up", dir .. "/game.aab"), {}
    local server <close> = http.serve({ port = 0 }, function(request)
      table.insert(bodies, request.body)
      return 200
    end)
    fs.write(dir .. "/game.aab", "0123456789", { atomic = false })
    for _, at in ipairs { { 0, 4 }, { 4, 6 }, { 10, 0 } } do
      http.put(server.url, { body = source:piece(at[1], at[2]) })
    end
    http.put(server.url, { body = { path = dir .. "/game.aab", offset = 8 } })
    expect(bodies):equals { "0123", "456789", "", "89" }
    expect(function() http.put(server.url, { body = source:piece(8, 3) }) end)
      :raises "asks for 3 bytes from 8 on, but"
    for _, at in ipairs { { math.maxinteger, 1 }, { 5, math.maxinteger - 2 } } do
      expect(function() http.put(server.url, { body = source:piece(at[1], at[2]) }) end)
        :raises "asks for %d+ bytes from %d+ on, but"
    end
    expect(#bodies):equals(4)
  end)
end)

describe("the memo of an upload", function()
  local function open(more)
    local asked = { service = "shop", target = "com.x beta",
      source = sources.open("up", dir .. "/game.aab") }
    for name, value in pairs(more or {}) do asked[name] = value end
    return memos.open(asked)
  end

  it("is kept for the same file and target, for its owner only, until it is done", function()
    local _ <close> = orch.cd(dir)
    do
      local memo <close> = open()
      expect(memo.data):equals {}
      memo.data.session = "http://host/1"
      memo:save()
    end
    local kept = fs.glob(dir .. "/.orch/deploy/shop-*.json")
    expect(#kept):equals(1)
    expect(fs.stat(kept[1]).mode & 511):equals(384)
    do
      local other <close> = open { target = "com.x alpha" }
      expect(other.data):equals {}
      local memo <close> = open()
      expect(memo.data.session):equals "http://host/1"
    end
    do
      local memo <close> = open()
      memo:done()
    end
    expect(fs.list(dir .. "/.orch/deploy")):equals {}
  end)

  it("is forgotten with another file, on demand, and when it is damaged", function()
    local _ <close> = orch.cd(dir)
    local function keep()
      local memo <close> = open()
      memo.data.part = 3
      memo:save()
    end
    local function data(more)
      local memo <close> = open(more)
      return memo.data
    end
    keep()
    expect(data { resume = false }):equals {}
    fs.write(dir .. "/game.aab", ("z"):rep(1000))
    expect(data()):equals {}
    keep()
    expect(data().part):equals(3)
    fs.write(fs.glob(dir .. "/.orch/deploy/shop-*.json")[1], '{"identity":')
    expect(data()):equals {}
  end)

  it("lets one upload to a target go on at a time", function()
    local _ <close> = orch.cd(dir)
    local at_work, most, done = 0, 0, 0
    local function work()
      local memo <close> = open()
      at_work = at_work + 1
      most = math.max(most, at_work)
      orch.sleep "20ms"
      at_work, done = at_work - 1, done + 1
    end
    orch.gather(work, work)
    expect({ most, done }):equals { 1, 2 }
  end)
end)

describe("requests to a service", function()
  local answers, seen, server
  before_each(function()
    answers, seen = {}, {}
    server = http.serve({ port = 0 }, function(request)
      table.insert(seen, { request.method .. " " .. request.path, request.headers.authorization })
      return table.remove(answers, 1) or 200
    end)
  end)
  after_each(function() server:close() end)

  local function client(more)
    local o = { service = "shop", base_url = server.url .. "/v1", retry = { base = 0 },
      words = function(response)
        local said = response:json().error
        return said.message, said.reason, said.hint
      end }
    for name, value in pairs(more or {}) do o[name] = value end
    return call.client(o)
  end

  it("go below the address, and elsewhere where they say so", function()
    client():get("look", "edits/7")
    client():put("send a part", server.url .. "/session?x=1", { body = "a" })
    expect(seen):equals { { "GET /v1/edits/7" }, { "PUT /session" } }
  end)

  it("fail in the service's words", function()
    answers = { { status = 409, json = { error = { message = "Version 7 was used.",
      reason = "versionUsed", hint = "raise it" } } } }
    local err = expect(function() client():post("open the edit", "edits") end)
      :raises { kind = "conflict", service = "shop", status = 409, reason = "versionUsed",
        retryable = false }
    expect(err.message):equals "shop: cannot open the edit: Version 7 was used (versionUsed); raise it"
    expect(err.cause.kind):equals "status"
  end)

  it("fail in ours, when the service's cannot be read", function()
    answers = { { status = 404, body = "<html>" } }
    local err = expect(function() client():get("look", "x") end):raises "rejected"
    expect(err.message):contains "shop: cannot look: "
    expect(err.message):contains "404"
  end)

  it("fail in a sentence, when a proxy answers in its place", function()
    local api = client()
    for _, case in ipairs {
      { { body = "<html>", headers = { ["Content-Type"] = "text/html" } }, "200, text/html.*is not JSON" },
      { { json = {} }, "the answer of http.* has no `id`" }, { { body = "7" }, "has no `id`" },
    } do
      answers = { case[1] }
      local err = expect(function() api:object("look", api:get("look", "x"), "id") end)
        :raises { kind = "http", service = "shop", status = 200 }
      expect(err.message):matches("^shop: cannot look: .*" .. case[2])
      expect(err.message):contains "proxy"
    end
    answers = { { json = { id = "7" } } }
    expect(api:object("look", api:get("look", "x"), "id")):equals { id = "7" }
  end)

  it("are tried again after passing faults, and keep their kind in the end", function()
    answers = { 503, 503 }
    expect(client():get("look", "x").ok):equals(true)
    expect(#seen):equals(3)
    answers = { 503, 503, 503, 503, 503 }
    local err = expect(function() client():get("look", "x") end):raises "status"
    expect(err.status):equals(503)
    expect(err.attempts):equals(5)
    answers = { 503 }
    expect(function() client { retry = false }:get("look", "x") end):raises "status"
  end)

  it("ask for a new token once, when the old one is refused", function()
    local asked = {}
    local function auth(force)
      asked[#asked + 1] = force
      return force and "Bearer new" or "Bearer old"
    end
    answers = { 401 }
    client { auth = auth }:get("look", "x")
    expect(asked):equals { false, true }
    expect(seen[2][2]):equals "Bearer new"
    answers = { 401, 401 }
    local err = expect(function() client { auth = auth }:get("look", "x") end):raises "auth"
    expect(err.retryable):equals(false)
    expect(#seen):equals(4)
    client { auth = auth }:get("look", "x", { auth = false })
    expect(seen[5][2]):is_nil()
  end)

  it("that never reach the service keep their kind", function()
    server:close()
    local err = expect(function() client { retry = false }:get("look", "x") end):raises "network"
    expect(err.service):equals "shop"
  end)

  it("tell by how much the clock is off", function()
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() - 3600)
    expect(failure.clock_skew { headers = { date = date } }):near(3600, 2)
    expect(failure.clock_skew { headers = {} }):is_nil()
    expect(failure.clock_skew(nil)):is_nil()
  end)
end)
