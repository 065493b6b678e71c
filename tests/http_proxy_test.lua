-- orch.http by other ways: through a proxy, over IPv6, over a unix socket.

local http = orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")

local function yes()
  return server.play { server.body, server.answer(200, {}, "yes") }
end

-- Runs `fn` and gives what the proxy was asked for meanwhile.
local function proxied(fn)
  local before = #server.proxied()
  fn()
  return table.move(server.proxied(), before + 1, 1 << 20, 1, {})
end

local function without_variables(more)
  local env = {}
  for _, name in ipairs { "http_proxy", "https_proxy", "all_proxy", "no_proxy" } do
    env[name], env[name:upper()] = false, false
  end
  for name, value in pairs(more or {}) do env[name] = value end
  return orch.with_env(env)
end

describe("http_proxy", function()
  it("is used, with the whole URL", function()
    local play = yes()
    local _ <close> = without_variables { http_proxy = server.url "proxy" }
    local asked = proxied(function()
      expect(http.post(play.url, { body = "text" }).body):equals "yes"
    end)
    expect(#asked):equals(1)
    expect(asked[1].method):equals "POST"
    expect(asked[1].target):equals(play.url)
    expect(play:header "via"):equals "1.1 helper"
    expect(play:wait("body").text):equals "text"
  end)

  it("is the task's, not the program's", function()
    local play = yes()
    local asked = proxied(function()
      local _ <close> = without_variables()
      orch.gather {
        function()
          local inner <close> = orch.with_env { http_proxy = server.url "proxy" }
          http.get(play.url)
        end,
        function() http.get(play.url) end,
      }
    end)
    expect(#asked):equals(1)
    expect(play:count "request"):equals(2)
  end)

  it("is passed by for no_proxy", function()
    local play = yes()
    for _, list in ipairs { "127.0.0.1", "localhost,127.0.0.1", "*" } do
      local _ <close> = without_variables { http_proxy = server.url "proxy", no_proxy = list }
      expect(#proxied(function() http.get(play.url) end)):equals(0)
    end
    local _ <close> = without_variables { http_proxy = server.url "proxy",
      no_proxy = "elsewhere.example" }
    expect(#proxied(function() http.get(play.url) end)):equals(1)
  end)

  it("tunnels TLS with https_proxy", function()
    local play = yes()
    local _ <close> = without_variables { https_proxy = server.url "proxy" }
    local asked = proxied(function()
      local r = http.get(play:on "tls:good", { ca = server.certificate "ca.pem" })
      expect(r.body):equals "yes"
    end)
    expect(asked[1].method):equals "CONNECT"
    expect(play:on "tls:good"):contains(asked[1].target)
    expect(play:header "via"):is_nil()
  end)

  it("does not see the credentials of what it tunnels", function()
    local play = yes()
    local _ <close> = without_variables { https_proxy = server.url "proxy" }
    local asked = proxied(function()
      http.get(play:on "tls:wronghost", { insecure = true, bearer = "secret" })
    end)
    expect(play:header "authorization"):equals "Bearer secret"
    for _, pair in ipairs(asked[1].headers) do
      expect(pair[1]:lower()).never:equals "authorization"
    end
  end)

  it("gets its own name and password, and the server does not", function()
    local play = yes()
    local proxy = server.url "proxy":gsub("//", "//me:secret@")
    local _ <close> = without_variables { http_proxy = proxy }
    local asked = proxied(function() http.get(play.url) end)
    expect(asked[1].user):equals "me:secret"
    expect(play:header "proxy-authorization"):is_nil()
  end)

  it("that does not let us through is named without its password", function()
    local play = yes()
    local proxy = server.url "proxy":gsub("//", "//refuse:secret@")
    local _ <close> = without_variables { http_proxy = proxy, https_proxy = proxy }
    fault(function() http.get(play.url) end, { kind = "status", status = 407 })
    local url = play:on "tls:good"
    fault(function() http.get(url, { ca = server.certificate "ca.pem" }) end, { url = url })
    expect(play:count "request"):equals(0)
  end)

  it("that is not there is a network error", function()
    local play = yes()
    local _ <close> = without_variables { http_proxy = server.url "refused" }
    local err = fault(function() http.get(play.url) end, { kind = "network", url = play.url })
    expect(err.phase):equals "connecting"
    expect(err.message):contains "proxy"
  end)

  it("can be an option, which wins", function()
    local play = yes()
    local _ <close> = without_variables { http_proxy = server.url "refused" }
    local asked = proxied(function() http.get(play.url, { proxy = server.url "proxy" }) end)
    expect(#asked):equals(1)
  end)
end)

describe("a proxied connection", function()
  it("is not used for direct requests", function()
    local play = yes()
    local asked = proxied(function()
      for _ = 1, 2 do
        do
          local _ <close> = without_variables { http_proxy = server.url "proxy" }
          http.get(play.url)
        end
        local _ <close> = without_variables()
        http.get(play.url)
      end
    end)
    expect(#asked):equals(2)
    expect(play:header("via", 2)):is_nil()
    expect(play:header("via", 4)):is_nil()
  end)
end)

describe("IPv6", function()
  it("loopback works", function()
    if not server.port "ipv6" then test.skip "there is no IPv6 loopback here" end
    local play = yes()
    local url = play:on "ipv6"
    local r = http.get(url)
    expect(r.body):equals "yes"
    expect(r.url):equals(url)
    expect(play:header "host"):matches "^%[::1%]:%d+$"
  end)

  it("names its address when it fails", function()
    local url = ("http://[::1]:%d/x"):format(server.port "refused")
    fault(function() http.get(url) end, { kind = "network", url = url, phase = "connecting" })
  end)
end)

describe("a unix socket", function()
  it("carries requests; the URL says the host", function()
    local play = yes()
    local r = http.post("http://build.example" .. play.path,
      { body = "text", unix_socket = server.port "unix" })
    expect(r.body):equals "yes"
    expect(play:header "host"):equals "build.example"
    expect(play:wait("body").text):equals "text"
  end)

  it("that is not there is named", function()
    local path = test.temp_dir() .. "/none"
    local err = fault(function() http.get("http://build.example/x", { unix_socket = path }) end,
      { kind = "network", url = "http://build.example/x" })
    expect(err.message):contains(path)
  end)

  it("is not used by requests without it", function()
    local play = yes()
    local url = server.url() .. play.path
    http.get(url, { unix_socket = server.port "unix" })
    http.get(url)
    expect(play:wait("request", 2).connection)
      .never:equals(play:wait("request", 1).connection)
  end)
end)
