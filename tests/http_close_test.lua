-- http: what becomes of those who wait when a request is closed, or its end comes early.

local http = orch.http
local HERE = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(HERE .. "/helper/server.lua")

local HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"

describe("a stream that another task closes", function()
  it("when its data is here, but the reader has not gone on", function()
    local s = http.stream("GET", server.play({ HEAD .. "some", server.hold }).url)
    local closer = orch.spawn(function() s:close() end)
    local err = expect(function() s:read() end):raises "closed"
    expect(err.message):contains "another task has closed"
    closer:await()
  end)

  it("while the reader waits", function()
    local s = http.stream("GET", server.play({ HEAD .. "some", server.hold }).url)
    expect(s:read()):equals "some"
    local reader = orch.spawn({ hold = true }, function() s:read() end)
    orch.checkpoint()
    s:close()
    s:close()
    local err = expect(function() reader:await() end):raises "closed"
    expect(err.message):contains "another task has closed it"
  end)

  it("while its rest goes to a file", function()
    local s = http.stream("GET", server.play({ HEAD .. "some", server.hold }).url)
    local path = test.temp_dir() .. "/rest"
    local saver = orch.spawn({ hold = true }, function() s:save(path) end)
    orch.checkpoint()
    s:close()
    expect(function() saver:await() end):raises "closed"
    expect(orch.fs.read(path)):equals "some"
  end)
end)

describe("a body from a function", function()
  -- The answer is here before the function has given its second chunk.
  local function answered_early(headers)
    return server.play { server.answer(413, headers, "too much"), server.drain }
  end

  it("is not waited for once the answer is here", function()
    for _, headers in ipairs { {}, { "Connection: close" } } do
      local first, begun, ended = "first", false, false
      local response = http.post(answered_early(headers).url, { check = false,
        body = function()
          local chunk = first
          first = nil
          if chunk then return chunk end
          begun = true
          local _ <close> = orch.defer(function() ended = true end)
          orch.event():wait()
        end })
      expect({ response.status, response.body, ended }):equals { 413, "too much", begun }
    end
  end)

  it("is read no more once its stream is closed", function()
    local ended = orch.event()
    do
      local s <close> = http.stream("POST", answered_early({}).url, { check = false,
        body = function()
          local _ <close> = orch.defer(function() ended:set() end)
          orch.event():wait()
        end })
      expect(s.status):equals(413)
    end
    ended:wait()
  end)

  it("that fails ends the request, and only that", function()
    local play = server.play { server.body, server.answer(200) }
    local function broken() error("no more", 0) end
    expect(function() http.post(play.url, { body = broken }) end):raises "no more"
    expect(function() http.stream("POST", play.url, { body = broken }) end):raises "no more"
    orch.checkpoint()
  end)

  it("that fails after the head of the answer ends the stream", function()
    local play = server.play { HEAD .. "some", server.hold }
    local head_is_here = orch.event()
    local s <close> = http.stream("POST", play.url, { body = function()
      head_is_here:wait()
      error("no more", 0)
    end })
    expect(s:read()):equals "some"
    head_is_here:set()
    expect(function() s:read() end):raises "no more"
    orch.checkpoint()
  end)
end)

it("a stream that nobody reads does not hide a deadlock", function()
  local play = server.play { HEAD .. "some", server.hold }
  local r = test.run { "-e", ([[
    local s <close> = orch.http.stream("GET", %q)
    s:read()
    orch.event():wait()
  ]]):format(play.url) }
  expect(r.stderr):contains "deadlock: every task waits"
end)

describe("requests and servers under random cancellation and faults", function()
  local script = HERE .. "/property/http.lua"

  local function random_run(seed, how)
    local r = test.run { "--seed", tostring(seed), script, how }
    expect(r.stderr):equals ""
    return r
  end

  for seed = 1, 6 do
    it("end, and leave nothing behind, seed " .. seed, function()
      expect(random_run(seed, "to the end").stdout):matches "^ok"
    end)

    it("may be left in the middle, seed " .. seed, function()
      expect(random_run(seed, "exit").exit_code):equals(0)
    end)
  end
end)
