-- orch.http over TLS: whom it trusts, and what it says of those it does not. The
-- certificates are made here and thrown away.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local function trusting(more)
  local opts = { ca = server.certificate "ca.pem" }
  for key, value in pairs(more or {}) do opts[key] = value end
  return opts
end

-- A GET of that server fails as `tls`, in the handshake, before anything was asked.
local function distrusts(name, opts)
  local play = server.play { server.answer(200, {}, "yes") }
  local url = play:on("tls:" .. name)
  local err = fault(function() http.get(url, opts) end,
    { kind = "tls", url = url, method = "GET", phase = "handshake", received = 0 })
  expect(err.detail):is_a "string"
  expect(play:count "request"):equals(0)
  return err
end

describe("a certificate", function()
  it("signed by a CA that is known is fine", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local ca = test.temp_dir() .. "/ca.pem" -- of its own: no connection of another case fits
    orch.fs.copy(server.certificate "ca.pem", ca)
    local r = http.get(play:on "tls:good", { ca = ca })
    expect(r.body):equals "yes"
    expect(r.timings.tls):greater_than(0)
  end)

  it("is fine for each of its names", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local url = play:on "tls:good"
    expect(http.get((url:gsub("127%.0%.0%.1", "localhost")), trusting()).body):equals "yes"
  end)

  it("of a CA that the system does not know is refused", function()
    expect(distrusts("good").message):contains "certificate"
  end)

  it("of another CA is refused", function()
    distrusts("stranger", trusting())
  end)

  it("that has expired is refused", function()
    expect(distrusts("expired", trusting()).message):contains "expired"
  end)

  it("that is its own witness is refused", function()
    expect(distrusts("selfsigned", trusting()).message):contains "self"
  end)

  it("of another host is refused", function()
    expect(distrusts("wronghost", trusting()).message):contains "127.0.0.1"
  end)

  it("that is its own witness can be trusted by name", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local r = http.get(play:on "tls:selfsigned", { ca = server.certificate "selfsigned.pem" })
    expect(r.body):equals "yes"
  end)

  it("is not looked at with insecure=true, and only then", function()
    local play = server.play { server.answer(200, {}, "yes") }
    for _, name in ipairs { "expired", "selfsigned", "wronghost", "stranger" } do
      local url = play:on("tls:" .. name)
      expect(http.get(url, { insecure = true }).body):equals "yes"
      -- The connection that was let through is not lent to those who do look.
      fault(function() http.get(url, trusting()) end, { kind = "tls", url = url })
    end
  end)

  it("that was accepted with one CA is not accepted with another", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local url = play:on "tls:good"
    expect(http.get(url, trusting()).body):equals "yes"
    fault(function() http.get(url) end, { kind = "tls", url = url })
    fault(function() http.get(url, { ca = server.certificate "selfsigned.pem" }) end,
      { kind = "tls", url = url })
  end)

  it("does not get another try", function()
    local url = server.tls "expired" .. "/x"
    local retried = 0
    fault(function()
      http.get(url, trusting { retry = { attempts = 3, base = 0, retry_on = { "network" },
        on_retry = function() retried = retried + 1 end } })
    end, { kind = "tls" })
    expect(retried):equals(0)
  end)

  it("file that is not there is named", function()
    local path = test.temp_dir() .. "/none.pem"
    local err = expect(function() http.get(server.tls "good" .. "/x", { ca = path }) end):raises()
    expect(err.message):contains(path)
  end)

  it("file that holds none is named", function()
    local path = test.temp_dir() .. "/empty.pem"
    orch.fs.write(path, "nothing in it\n")
    local err = expect(function() http.get(server.tls "good" .. "/x", { ca = path }) end):raises()
    expect(err.message):contains(path)
  end)
end)

describe("a server that asks for a certificate", function()
  it("gets it", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local r = http.get(play:on "tls:clients", trusting {
      cert = server.certificate "client.pem", key = server.certificate "client.key",
    })
    expect(r.body):equals "yes"
  end)

  it("refuses those who have none", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local url = play:on "tls:clients"
    fault(function() http.get(url, trusting()) end, { kind = "tls", url = url, method = "GET" })
    expect(play:count "request"):equals(0)
  end)

  it("refuses one that nobody has signed", function()
    local url = server.tls "clients" .. "/x"
    fault(function()
      http.get(url, trusting { cert = server.certificate "selfsigned.pem",
        key = server.certificate "selfsigned.key" })
    end, { kind = "tls", url = url })
  end)

  it("does not lend the connection of one client to another", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local url = play:on "tls:clients"
    http.get(url, trusting {
      cert = server.certificate "client.pem", key = server.certificate "client.key",
    })
    fault(function() http.get(url, trusting()) end, { kind = "tls", url = url })
    expect(play:count "request"):equals(1)
  end)

  it("a key that does not belong to the certificate is told", function()
    local url = server.tls "clients" .. "/x"
    local copy = test.temp_dir() .. "/client.pem" -- no kept connection knows this one
    orch.fs.copy(server.certificate "client.pem", copy)
    fault(function()
      http.get(url, trusting { cert = copy, key = server.certificate "good.key" })
    end, { kind = "tls", url = url })
  end)
end)

describe("a handshake", function()
  it("with a server that speaks no TLS fails", function()
    local url = server.url():gsub("^http:", "https:") .. "/x"
    local err = fault(function() http.get(url) end,
      { kind = "tls", url = url, method = "GET", phase = "handshake" })
    expect(err.received):equals(0)
  end)

  it("that is never answered times out, and says that it was one", function()
    local url = server.url "silent":gsub("^http:", "https:") .. "/x"
    fault(function() http.get(url, { timeout = "200ms" }) end,
      { kind = "timeout", url = url, phase = "handshake" })
    fault(function() http.get(url, { connect_timeout = "200ms" }) end,
      { kind = "timeout", url = url, phase = "handshake" })
  end)

  it("that is reset fails", function()
    local url = server.url "reset":gsub("^http:", "https:") .. "/x"
    local err = fault(function() http.get(url) end, { url = url, phase = "handshake" })
    expect(err.kind == "network" or err.kind == "tls"):truthy()
  end)

  it("that is cancelled ends", function()
    local url = server.url "silent":gsub("^http:", "https:") .. "/x"
    local task = orch.spawn({ hold = true }, http.get, url)
    orch.sleep(0.05)
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)
end)

describe("over TLS", function()
  it("a body that breaks off is an error", function()
    local play = server.play { "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", server.close }
    local url = play:on "tls:good"
    local err = fault(function() http.get(url, trusting()) end,
      { url = url, received = 3, expected = 1000, phase = "receiving" })
    expect(err.kind == "http" or err.kind == "network"):truthy()
  end)

  it("a connection is kept", function()
    local play = server.play { server.answer(200, {}, "yes") }
    local url = play:on "tls:good"
    for _ = 1, 3 do http.get(url, trusting()) end
    expect(play:wait("request", 3).connection):equals(play:wait("request", 1).connection)
  end)

  it("megabytes arrive as they were sent, both ways", function()
    local r = http.get(server.tls "good" .. "/file/5000000", trusting())
    local sum = http.get(server.url() .. "/digest/5000000").body
    expect(orch.hash.sha256(r.body)):equals(sum)
    local echo = http.post(server.tls "good" .. "/echo", trusting { body = r.body }):json()
    expect(echo.body.sha256):equals(sum)
  end)

  it("a redirect to plain HTTP drops the credentials", function()
    local last = server.play { server.answer(200, {}, "yes") }
    local first = server.play { server.answer(302, { "Location: " .. last.url }) }
    http.get(first:on "tls:good", trusting { bearer = "secret" })
    expect(first:header "authorization"):equals "Bearer secret"
    expect(last:header "authorization"):is_nil()
  end)

  it("a cookie marked Secure stays there", function()
    -- On 127.0.0.1 itself, browsers and libcurl take plain HTTP for secure as well.
    local play = server.play { server.answer(200, { "Set-Cookie: id=7; Path=/; Secure" }) }
    local function at_home(url) return (url:gsub("127%.0%.0%.1", "shop.example")) end
    local url, plain = at_home(play:on "tls:good"), at_home(play.url)
    local client = http.client { insecure = true, resolve = {
      "shop.example:" .. url:match ":(%d+)/" .. ":127.0.0.1",
      "shop.example:" .. plain:match ":(%d+)/" .. ":127.0.0.1",
    } }
    client:get(url)
    client:get(url)
    client:get(plain)
    expect(play:header("cookie", 2)):equals "id=7"
    expect(play:header("cookie", 3)):is_nil()
  end)
end)
