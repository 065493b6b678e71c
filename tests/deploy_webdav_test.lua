-- orch.deploy.webdav on real nginx servers (one that speaks WebDAV, one that lists nothing, one
-- that takes PUT only), and on a server that has the troubles of others.

local fs, http, json, webdav = orch.fs, orch.http, orch.json, orch.deploy.webdav
local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")
local real = dofile(here .. "/helper/real.lua")

local MODULE = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"

local CONFIG = [[
LOAD
daemon off;
user root;
pid nginx.pid;
error_log error.log;
events { worker_connections 1024; }
http {
  access_log access.log;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  client_max_body_size 8m;
  root files;
  server { listen 127.0.0.1:PORT1; location / { dav_methods PUT DELETE MKCOL MOVE; EXT } }
  server { listen 127.0.0.1:PORT2; location / { dav_methods PUT; create_full_put_path on; } }
  server {
    listen 127.0.0.1:PORT3;
    location / { dav_methods PUT DELETE MKCOL MOVE; auth_basic "in"; auth_basic_user_file users; }
  }
}
]]

local folder, site

local function start(ext)
  folder = test.temp_dir()
  fs.mkdir(folder .. "/files")
  fs.write(folder .. "/users", "ann:{PLAIN}pass@word\n")
  if ext and not fs.exists(MODULE) then
    test.skip "there is no PROPFIND for nginx here; scripts/install-packages.sh test installs it"
  end
  local config = CONFIG:gsub("LOAD", ext and "load_module " .. MODULE .. ";" or "")
    :gsub("EXT", ext and "dav_ext_methods PROPFIND OPTIONS;" or "")
  local nginx = real.nginx(folder, config)
  site = {}
  for i = 1, 3 do site[i] = ("http://127.0.0.1:%d/"):format(nginx.ports[i]) end
  return nginx
end

local looked = 0

-- Also the last line: nginx writes it when the answer is on its way already.
local function logged()
  looked = looked + 1
  local mark, list = "/looked-" .. looked, {}
  http.get(site[1] .. mark:sub(2), { check = false })
  for _ = 1, 1000 do
    if fs.read(folder .. "/access.log"):find(mark, 1, true) then break end
    orch.sleep(0.002)
  end
  for method, path, status in fs.read(folder .. "/access.log"):gmatch '"(%u+) (%S+) [^"]*" (%d+)' do
    if not path:find "^/looked" then
      list[#list + 1] = ("%s %s %s"):format(method, path, status)
    end
  end
  return list
end

-- Requests since the last look, by method.
local function counted(list, from)
  local count = {}
  for i = from + 1, #list do
    local method = list[i]:match "^%u+"
    count[method] = (count[method] or 0) + 1
  end
  return count
end

local function write_web()
  fs.mkdir "web/Build"
  fs.write("web/index.html", "<canvas>")
  fs.write("web/Build/a b#%&ä.wasm", "wasm")
  fs.write("web/empty", "")
  fs.write("web/notes.txt", "mine")
end

local function web(url, more)
  local all = { folder = "web", url = url .. "play", exclude = "*.txt",
    retry = { base = 0.001, attempts = 3 } }
  for name, value in pairs(more or {}) do all[name] = value end
  return webdav.upload(all)
end

local function case(name, ext, fn)
  it(name, function()
    local nginx <close> = start(ext)
    local _ <close> = orch.cd(folder)
    fn()
  end)
end

for name, number in pairs { ["nginx with PROPFIND"] = 1, ["nginx that lists nothing"] = 1,
  ["nginx with PUT only"] = 2 } do
  local ext = name:find "with PROPFIND" ~= nil
  describe(name, function()
    case("takes a file, once, and makes its folder", ext, function()
      fs.write("game.zip", ("x"):rep(2000000))
      local url, told = site[number] .. "builds/no 7/", nil
      local result = webdav.upload { file = "game.zip", url = url:gsub(" ", "%%20"),
        progress = function(done, total) told = { done, total } end }
      expect({ result.bytes, result.size, result.skipped }):equals { 2000000, 2000000 }
      expect(result.url):equals(site[number] .. "builds/no%207/game.zip")
      expect(told):equals { 2000000, 2000000 }
      expect(fs.hash "files/builds/no 7/game.zip"):equals(fs.hash "game.zip")
      expect(#fs.list "files/builds/no 7"):equals(1)
      result = webdav.upload { file = "game.zip", url = site[number] .. "builds/no%207/game.zip" }
      expect({ result.bytes, result.skipped }):equals { 0, true }
      expect(webdav.exists { url = result.url, file = "game.zip" }):is(true)
      expect(webdav.status({ url = result.url }).size):equals(2000000)
      expect(webdav.exists { url = site[number] .. "builds/8.zip" }):is(false)
    end)

    case("takes a folder, and of it only what changed", ext, function()
      write_web()
      local url = site[number]
      expect(web(url, { dry_run = true }).would):equals(
        ("would upload 3 files of 3 (12 bytes) from web to %splay/"):format(url))
      expect(#fs.list "files"):equals(0)
      local result = web(url)
      expect({ result.files, result.sent, result.bytes, result.skipped }):equals { 3, 3, 12 }
      expect(fs.glob("**/*", { cwd = "files", type = "file" })):equals { "play/Build/a b#%&ä.wasm",
        "play/empty", "play/index.html" }
      expect(fs.read "files/play/Build/a b#%&ä.wasm"):equals "wasm"
      local before = logged()
      expect(web(url).skipped):is(true)
      expect(counted(logged(), #before).PUT):is_nil()
      fs.write("web/empty", "no more")
      before = logged()
      expect(web(url).sent):equals(1)
      expect(counted(logged(), #before).PUT):equals(1)
      expect(fs.read "files/play/empty"):equals "no more"
    end)
  end)
end

describe("nginx", function()
  case("keeps half a file out of sight: it is put elsewhere and moved", true, function()
    write_web()
    web(site[1])
    local list = logged()
    local puts, moves = 0, 0
    for _, line in ipairs(list) do
      if line:find "^PUT" then
        puts = puts + 1
        expect(line):contains ".orch-part"
      end
      if line:find "^MOVE" and line:find "orch%-part" then moves = moves + 1 end
    end
    expect({ puts, moves }):equals { 3, 3 }
    expect(list[#list]):contains "MOVE /play/index.html.orch-part" -- the page comes last
    web(site[1] .. "direct/", { atomic = false })
    expect(logged()[#logged()]):contains "PUT /direct/play/index.html"
  end)

  case("loses what is not in the folder, where that is asked for", true, function()
    write_web()
    web(site[1])
    fs.mkdir "files/play/old/deep"
    fs.write("files/play/old/deep/x", "")
    fs.write("files/play/old.js", "")
    fs.write("files/play/theirs.txt", "")
    fs.remove "web/empty"
    expect(web(site[1], { delete = true, dry_run = true }).would):contains "and delete 2 there"
    expect(web(site[1], { delete = true }).deleted):equals(2)
    expect(fs.list "files/play"):equals { "Build", "index.html", "old", "theirs.txt" }
    expect(webdav.upload({ folder = "web", url = site[1] .. "play", delete = true }).deleted)
      :equals(2) -- what no pattern protects
    expect(fs.list "files/play"):equals { "Build", "index.html", "notes.txt" }
    expect(web(site[1] .. "new/", { delete = true }).sent):equals(2)
    expect(function() web(site[2], { delete = true }) end):raises "no PROPFIND"
  end)

  case("refuses in its words: password, size, method, folder", false, function()
    fs.write("game.zip", ("x"):rep(9000000))
    local function fails(more, fields)
      local all = { file = "game.zip", url = site[3], retry = { base = 0.001, attempts = 2 } }
      for name, value in pairs(more) do all[name] = value end
      fields.service = "webdav"
      return expect(function() webdav.upload(all) end):raises(fields).message
    end
    expect(fails({}, { kind = "auth", status = 401 })):contains "401 Unauthorized"
    local said = fails({ user = "ann", password = "wrong-word" }, { kind = "auth" })
    expect(said):contains "the user or the password is wrong"
    expect(said).never:contains "wrong-word"
    expect(fails({ user = "ann", password = "pass@word" }, { kind = "rejected", status = 413 }))
      :contains "client_max_body_size"
    fs.write("small", "x")
    webdav.upload { file = "small", url = site[3], user = "ann", password = "pass@word" }
    webdav.upload { file = "small", url = site[3]:gsub("//", "//ann:pass%%40word@") .. "b" }
    expect(fs.list "files"):equals { "b", "small" }
    fails({ url = "http://127.0.0.1:1/a", retry = false }, { kind = "network" })
    expect(function() webdav.upload { file = "small", url = site[3], user = "a" } end)
      :raises "belong together"
    expect(function() webdav.upload { file = "small", url = "ftp://a/b" } end):raises "http"
  end)

  case("gets the rest after kill -9, nothing twice", true, function()
    fs.mkdir "web"
    for i = 1, 60 do fs.write(("web/%02d.bin"):format(i), ("x"):rep(100000)) end
    fs.write("send.lua", ([[
      local result = orch.deploy.webdav.upload { folder = "web", url = %q, connections = 1 }
      orch.fs.write("result.json", orch.json.encode(result))
    ]]):format(site[1] .. "play/"))
    local command = { require("orch.core.runtime").executable(), "send.lua", check = false }
    do
      local killed <close> = orch.process.spawn(command)
      while not fs.exists "files/play/10.bin" do orch.sleep(0.001) end
      killed:signal "KILL"
      killed:wait()
    end
    local there = #fs.glob("[0-9]*.bin", { cwd = "files/play" })
    expect(there):less_than(60)
    orch.process.run { command[1], command[2] }
    local result = json.load "result.json"
    expect(result.sent):equals(60 - there)
    expect(#fs.glob("*", { cwd = "files/play" })):equals(60) -- and no half of one
    for i = 1, 60 do
      expect(fs.stat(("files/play/%02d.bin"):format(i)).size):equals(100000)
    end
  end)
end)

-- A WebDAV server in some lines, as Apache and Nextcloud answer.
local function serve(opts)
  local dav = { files = {}, folders = { ["/dav/"] = true }, log = {}, faults = {} }
  local answer = {}
  function answer.PROPFIND(request, path)
    local list = {}
    local function add(name, size)
      list[#list + 1] = ("<D:response><D:href>%s</D:href><D:propstat><D:prop>%s</D:prop>"
        .. "<D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><lp1:x/></D:prop>"
        .. "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>"):format(
        name:gsub("[^%w/._-]", function(c) return ("%%%02x"):format(c:byte()) end),
        size and ("<lp1:getcontentlength>%d</lp1:getcontentlength><lp1:getlastmodified>"
        .. "%s</lp1:getlastmodified>"):format(size, os.date("!%a, %d %b %Y %H:%M:%S GMT"))
        or "<lp1:resourcetype><D:collection/></lp1:resourcetype>")
    end
    if dav.files[path] then
      add(path, #dav.files[path])
    elseif dav.folders[path:gsub("/*$", "/")] then
      path = path:gsub("/*$", "/")
      add(path)
      for name, body in pairs(request.headers.depth == "1" and dav.files or {}) do
        if name:match "^(.*/)" == path then add(name, #body) end
      end
    else
      return 404
    end
    return { status = 207, headers = { ["Content-Type"] = "application/xml" },
      body = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" '
        .. 'xmlns:lp1="DAV:">' .. table.concat(list) .. "</D:multistatus>" }
  end
  function answer.OPTIONS() return { headers = { Allow = "GET,PUT,MOVE,MKCOL,PROPFIND" }, body = "" } end
  function answer.MKCOL(_, path)
    if dav.folders[path] then return 405 end
    dav.folders[path] = true
    return 201
  end
  function answer.PUT(request, path)
    dav.files[path] = request.body
    return 201
  end
  function answer.MOVE(request, path)
    if not dav.files[path] then return 404 end
    local to = request.headers.destination:match "^http://[^/]+(/.*)$"
    dav.files[to], dav.files[path] = dav.files[path], nil
    return 201
  end
  function answer.HEAD(_, path)
    return dav.files[path] and { body = dav.files[path] } or 404
  end
  function answer.DELETE(_, path)
    dav.files[path] = nil
    return 204
  end
  dav.server = http.serve({ limit = "32M" }, function(request)
    local method = request.method
    dav.log[#dav.log + 1] = method .. " " .. request.path
    local fault = dav.faults[method]
    if fault and (fault.skip or 0) > 0 then
      fault.skip = fault.skip - 1
    elseif fault and fault.n ~= 0 then
      fault.n = fault.n and fault.n - 1
      if fault.after then answer[method](request, request.path) end
      if type(fault.answer) == "function" then return fault.answer(request) end
      return fault.answer
    end
    return answer[method](request, request.path)
  end)
  dav.url = dav.server.url .. "/dav/"
  return setmetatable(dav, { __close = function() dav.server:close() end })
end

describe("a server with troubles", function()
  local dav
  local function trouble(name, fn)
    it(name, function()
      folder = test.temp_dir()
      local _ <close> = orch.cd(folder)
      local one <close> = serve()
      dav = one
      fs.write("game.zip", "a build")
      fn()
    end)
  end
  local function upload(more)
    local all = { file = "game.zip", url = dav.url, retry = { base = 0.001, attempts = 3 } }
    for name, value in pairs(more or {}) do all[name] = value end
    return webdav.upload(all)
  end

  trouble("is understood by its own prefixes", function()
    upload()
    expect(dav.files):equals { ["/dav/game.zip"] = "a build" }
    expect(upload().skipped):is(true)
    expect(function() webdav.upload { file = "game.zip", url = dav.url:sub(1, -2) } end)
      :raises "is a folder; end the `url` with a slash"
  end)

  trouble("passes: 503, a reset, a move whose answer was lost", function()
    dav.faults.PUT = { n = 1, answer = { status = 503, headers = { ["Retry-After"] = "0" } } }
    dav.faults.PROPFIND = { n = 1, answer = { reset = true } }
    dav.faults.MOVE = { n = 1, after = true, answer = { reset = true } }
    expect(upload().bytes):equals(7)
    expect(dav.files):equals { ["/dav/game.zip"] = "a build" }
  end)

  trouble("has a lock on it: 423, in its words, and nothing is left", function()
    dav.faults.MOVE = { answer = { status = 423, headers = { ["Content-Type"] = "application/xml" },
      body = '<?xml version="1.0"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        .. "<s:exception>OCA\\Locked</s:exception><s:message>game.zip is locked by Bob</s:message>"
        .. "</d:error>" } }
    local err = expect(upload):raises { kind = "conflict", status = 423, service = "webdav" }
    expect(err.message):contains "423 Locked: game.zip is locked by Bob; somebody has it open"
    expect(next(dav.files)):is_nil()
  end)

  trouble("is full: 507, asked once", function()
    dav.faults.PUT = { answer = { status = 507, headers = { ["Content-Type"] = "text/html" },
      body = "<html><h1>507</h1><p>There is <b>not</b> enough space</p></html>" } }
    local err = expect(upload):raises { kind = "status", status = 507 }
    expect(err.message):contains "There is not enough space; make room there"
    local puts = 0
    for _, line in ipairs(dav.log) do puts = puts + (line:find "^PUT" and 1 or 0) end
    expect(puts):equals(1)
  end)

  trouble("lets nobody in any more in the middle, and later again", function()
    fs.mkdir "web"
    for i = 1, 5 do fs.write("web/" .. i, "x") end
    local all = { folder = "web", url = dav.url, connections = 1 }
    dav.faults.PUT = { skip = 3, answer = 401 }
    local err = expect(function() webdav.upload(all) end):raises { kind = "auth", status = 401 }
    expect(err.message):contains "cannot put '4': 401 Unauthorized"
    dav.faults = {}
    expect(webdav.upload(all).sent):equals(2)
    for i = 1, 5 do expect(dav.files["/dav/" .. i]):equals "x" end
  end)

  trouble("breaks off in the middle of a file", function()
    fs.write("game.zip", ("x"):rep(6000000))
    local cut <close> = dofile(here .. "/helper/cut.lua")(dav.server.port, 2000000, 2)
    upload { url = cut.url .. "/dav/" }
    expect(#dav.files["/dav/game.zip"]):equals(6000000)
  end)

  trouble("sends us elsewhere", function()
    dav.faults.PROPFIND = { answer = { status = 301, headers = { Location = "/new/" }, body = "" } }
    expect(upload):raises { kind = "rejected", status = 301 }
  end)

  trouble("has the old file when the new one changes while it is sent", function()
    dav.files["/dav/game.zip"] = "the old one"
    dav.faults.PUT = { n = 1, answer = function(request)
      fs.append("game.zip", "!")
      dav.files[request.path] = request.body
      return 201
    end }
    expect(upload):raises "changed"
    expect(dav.files):equals { ["/dav/game.zip"] = "the old one" }
  end)

  it("knows PUT, and says 404 to everything else", function()
    folder = test.temp_dir()
    local _ <close> = orch.cd(folder)
    fs.write("game.zip", "a build")
    local files = {}
    local plain <close> = http.serve({}, function(request)
      if request.method ~= "PUT" then return 404 end
      files[request.path] = request.body
      return 201
    end)
    webdav.upload { file = "game.zip", url = plain.url .. "/builds/7/" }
    expect(files):equals { ["/builds/7/game.zip"] = "a build" }
  end)

  trouble("gets nothing for dry_run", function()
    expect(upload({ dry_run = true }).would):equals(
      ("would upload game.zip (7 bytes) to %sgame.zip"):format(dav.url))
    expect(dav.log):equals { "PROPFIND /dav/game.zip", "HEAD /dav/game.zip" }
  end)
end)
