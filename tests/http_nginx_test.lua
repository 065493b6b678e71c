-- orch.http against nginx: HTTP/2 over TLS, many requests on one connection, files.

local fs, http = orch.fs, orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local real = dofile(here .. "/helper/real.lua")

local CONFIG = [[
daemon off;
user root;
pid nginx.pid;
error_log error.log;
worker_rlimit_nofile 4096;
events { worker_connections 1024; }
http {
  log_format short '$connection $connection_requests $server_protocol $request_method $status $uri';
  access_log access.log short;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  types { text/plain txt; }
  default_type application/octet-stream;
  gzip on; gzip_types text/plain; gzip_min_length 100;
  keepalive_timeout 30s;
  root files;
  SETTINGS
  server { listen 127.0.0.1:PORT1; location /echo { return 200 "$request_method $http_x_mine"; } }
  server {
    listen 127.0.0.1:PORT2 ssl http2;
    ssl_certificate CERTS/good.pem;
    ssl_certificate_key CERTS/good.key;
    location /echo { return 200 "$request_method $http_x_mine"; }
    location /coded {
      default_type application/json;
      return 401 '{"error":{"message":"no such key"}}';
    }
  }
}
]]

local dir, ca
before_each(function()
  dir = test.temp_dir()
  ca = server.certificate "ca.pem"
  fs.mkdir(dir .. "/files")
  fs.write(dir .. "/files/small.txt", "small\n")
end)

local function start(settings)
  local config = CONFIG:gsub("CERTS", (ca:gsub("/[^/]*$", ""))):gsub("SETTINGS", settings or "")
  return real.nginx(dir, config)
end

local function over_tls(nginx, path)
  return ("https://127.0.0.1:%d%s"):format(nginx.ports[2], path)
end

-- What nginx has logged: connection, protocol, ... of each request.
local function logged(count)
  for _ = 1, 500 do
    local list = {}
    for line in fs.read(dir .. "/access.log"):gmatch "[^\n]+" do
      local connection, number, protocol, method, status, uri = line:match
        "^(%d+) (%d+) (%S+) (%S+) (%d+) (.*)$"
      list[#list + 1] = { connection = connection, number = tonumber(number),
        protocol = protocol, method = method, status = status, uri = uri }
    end
    if #list >= count then return list end
    orch.sleep(0.01)
  end
  error "nginx has not logged that many requests"
end

local function connections(list)
  local seen, count = {}, 0
  for _, entry in ipairs(list) do
    if not seen[entry.connection] then seen[entry.connection], count = true, count + 1 end
  end
  return count
end

local function fifty(fn)
  local jobs = {}
  for i = 1, 50 do jobs[i] = { fn, i } end
  return orch.gather(jobs)
end

describe("HTTP/2 over TLS", function()
  it("is what both agree on", function()
    local nginx <close> = start()
    local r = http.get(over_tls(nginx, "/small.txt"), { ca = ca })
    expect(r.http_version):equals "2"
    expect(r.body):equals "small\n"
    expect(logged(1)[1].protocol):equals "HTTP/2.0"
  end)

  it("carries fifty requests at once on one connection", function()
    local nginx <close> = start()
    local bodies = fifty(function(i)
      local r = http.get(over_tls(nginx, "/echo"), { ca = ca, headers = { ["X-Mine"] = i } })
      return r.http_version .. r.body
    end)
    for i = 1, 50 do expect(bodies[i]):equals("2GET " .. i) end
    local list = logged(50)
    expect(#list):equals(50)
    expect(connections(list)):equals(1)
  end)

  it("goes on when the server closes the connection after a few", function()
    local nginx <close> = start "keepalive_requests 7;"
    local bodies = fifty(function(i)
      return http.get(over_tls(nginx, "/echo"), { ca = ca, headers = { ["X-Mine"] = i } }).body
    end)
    for i = 1, 50 do expect(bodies[i]):equals("GET " .. i) end
    expect(connections(logged(50))):greater_than(1)
  end)

  it("waits where the server allows only a few at once", function()
    local nginx <close> = start "http2_max_concurrent_streams 3;"
    local bodies = fifty(function(i)
      return http.get(over_tls(nginx, "/echo"), { ca = ca, headers = { ["X-Mine"] = i } }).body
    end)
    for i = 1, 50 do expect(bodies[i]):equals("GET " .. i) end
  end)

  it("lets one be cancelled while the others go on", function()
    local nginx <close> = start "limit_rate 100k;"
    fs.write(dir .. "/files/large.bin", ("x"):rep(10 << 20))
    local slow = orch.spawn({ hold = true }, http.get, over_tls(nginx, "/large.bin"), { ca = ca })
    orch.sleep(0.1)
    expect(http.get(over_tls(nginx, "/small.txt"), { ca = ca }).body):equals "small\n"
    slow:cancel "enough"
    expect(function() slow:await() end):raises "cancelled"
    expect(http.get(over_tls(nginx, "/small.txt"), { ca = ca }).body):equals "small\n"
    expect(connections(logged(3))):equals(1)
  end)

  it("holds a stream that nobody reads back, and no other", function()
    local nginx <close> = start()
    fs.write(dir .. "/files/large.bin", ("x"):rep(30 << 20))
    local s <close> = http.stream("GET", over_tls(nginx, "/large.bin"), { ca = ca })
    local size = #s:chunks()()
    for _ = 1, 20 do
      expect(http.get(over_tls(nginx, "/small.txt"), { ca = ca }).body):equals "small\n"
    end
    for chunk in s:chunks() do size = size + #chunk end
    expect(size):equals(30 << 20)
  end)

  it("gives no stream the bytes of another, though some pause and some are given up", function()
    local nginx <close> = start()
    for _, letter in ipairs { "a", "b", "c", "d" } do
      fs.write(dir .. "/files/" .. letter .. ".bin", letter:rep(12 << 20))
    end
    local letters = {}
    for i = 1, 60 do letters[i] = ("abcd"):sub(i % 4 + 1, i % 4 + 1) end
    orch.each(letters, function(letter, i)
      local s <close> = http.stream("GET", over_tls(nginx, "/" .. letter .. ".bin"), { ca = ca })
      local size, enough = 0, i % 3 > 0 and math.random(12 << 20) or math.huge
      for chunk in s:chunks() do
        size = size + #chunk
        expect(chunk:find("[^" .. letter .. "]")):is_nil()
        if size > enough then return end
        if math.random(10) == 1 then orch.sleep(math.random() * 0.005) end
      end
      expect(size):equals(12 << 20)
    end, { concurrency = 8 })
  end)

  it("breaks nothing off where a large body is answered before its end", function()
    local nginx <close> = start()
    fs.write(dir .. "/files/mega.bin", ("x"):rep(1 << 20))
    local numbers = {}
    for i = 1, 60 do numbers[i] = i end
    orch.each(numbers, function(i)
      if i % 2 == 0 then
        expect(#http.get(over_tls(nginx, "/mega.bin"), { ca = ca }).body):equals(1 << 20)
      else
        local opts = { ca = ca, check = false, body = ("z"):rep(i * 15000) }
        expect(http.post(over_tls(nginx, "/small.txt"), opts).status):equals(405)
      end
    end, { concurrency = 30 })
  end)

  it("says what a status means, though it comes without words", function()
    local nginx <close> = start()
    local url = over_tls(nginx, "/coded")
    local err = expect(function() http.get(url, { ca = ca }) end)
      :raises { kind = "status", status = 401, url = url }
    expect(err.message):contains "401 Unauthorized"
    expect(err.message):contains "no such key"
    expect(err.response.headers["Content-Type"]):contains "json"
  end)

  it("is left alone when told so", function()
    local nginx <close> = start()
    local r = http.get(over_tls(nginx, "/small.txt"), { ca = ca, http_version = "1.1" })
    expect(r.http_version):equals "1.1"
    expect(logged(1)[1].protocol):equals "HTTP/1.1"
  end)

  it("fails for all when the server dies, each with its URL", function()
    local nginx <close> = start "limit_rate 100k;"
    fs.write(dir .. "/files/large.bin", ("x"):rep(10 << 20))
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = orch.spawn({ hold = true }, http.get, over_tls(nginx, "/large.bin?" .. i),
        { ca = ca })
    end
    orch.sleep(0.2)
    nginx.process:kill(0)
    for i = 1, 5 do
      local err = expect(function() tasks[i]:await() end):raises()
      expect(err.kind == "network" or err.kind == "http" or err.kind):equals(true)
      expect(err.message):contains("/large.bin")
    end
  end)
end)

describe("HTTP/1.1", function()
  local function plain(nginx, path)
    return ("http://127.0.0.1:%d%s"):format(nginx.ports[1], path)
  end

  it("uses one connection for requests that follow each other", function()
    local nginx <close> = start()
    for i = 1, 20 do
      local r = http.get(plain(nginx, "/echo"), { headers = { ["X-Mine"] = i } })
      expect(r.body):equals("GET " .. i)
      expect(r.http_version):equals "1.1"
    end
    expect(connections(logged(20))):equals(1)
  end)

  it("unpacks gzip, and does not ask for it when told so", function()
    local nginx <close> = start()
    local text = ("good morning "):rep(1000)
    fs.write(dir .. "/files/long.txt", text)
    local r = http.get(plain(nginx, "/long.txt"))
    expect(r.headers["content-encoding"]):equals "gzip"
    expect(r.body):equals(text)
    r = http.get(plain(nginx, "/long.txt"), { compressed = false })
    expect(r.headers["content-encoding"]):is_nil()
    expect(r.body):equals(text)
  end)

  it("resumes a download where it ended, unless the file has changed", function()
    local nginx <close> = start()
    local content = {}
    for i = 1, 200000 do content[i] = i .. "\n" end
    content = table.concat(content)
    fs.write(dir .. "/files/game.bin", content)
    local path = dir .. "/game.bin"
    http.download(plain(nginx, "/game.bin"), path, { resume = true })
    expect(fs.read(path)):equals(content)
    expect(fs.hash(path)):equals(fs.hash(dir .. "/files/game.bin"))
  end)

  it("survives a server that keeps a connection for three requests", function()
    local nginx <close> = start "keepalive_requests 3;"
    local bodies = fifty(function(i)
      return http.get(plain(nginx, "/echo"), { headers = { ["X-Mine"] = i } }).body
    end)
    for i = 1, 50 do expect(bodies[i]):equals("GET " .. i) end
    for i = 1, 20 do
      expect(http.request("PUT", plain(nginx, "/echo"), { body = "x",
        headers = { ["X-Mine"] = i } }).body):equals("PUT " .. i)
    end
  end)
end)

describe("HTTP/1.1 and HTTP/2 on one server", function()
  it("a body that is answered before its end is no wait, of any size", function()
    local nginx <close> = start()
    for _, size in ipairs { 1000, 16384, 16385, 70000, 1000000 } do
      local r = http.post(over_tls(nginx, "/echo"),
        { ca = ca, timeout = "20s", body = ("x"):rep(size) })
      expect(r.body):equals "POST "
    end
  end)

  it("all kinds of requests at once, some given up, are in nobody's way", function()
    local nginx <close> = start()
    local url, bad = over_tls(nginx, "/echo"), {}
    local kinds = {
      http.get,
      function(_, o)
        o.body = ("x"):rep(math.random(100000))
        http.post(url, o)
      end,
      function(_, o)
        local s <close> = http.stream("GET", url, o)
        expect(s:text()):equals "GET "
      end,
      function(_, o) orch.move_on_after(math.random() * 0.01, http.get, url, o) end,
    }
    local list = {}
    for i = 1, 400 do list[i] = i end
    orch.each(list, function()
      local version = math.random(3) == 1 and "1.1" or nil
      local ok, err = orch.try(kinds[math.random(4)], url,
        { ca = ca, timeout = "20s", http_version = version })
      if not ok then bad[#bad + 1] = tostring(err) end
    end, { concurrency = 20 })
    expect(bad):equals {}
  end)
end)
