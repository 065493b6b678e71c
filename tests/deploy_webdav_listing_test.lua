-- orch.deploy.webdav and what servers say is there: paths that a proxy has changed, names that lead
-- elsewhere, clocks that are off, folders in the place of files.

local fs, http, webdav = orch.fs, orch.http, orch.deploy.webdav

-- A server that answers each PROPFIND as `site.say(path, depth)` does, { href = size or false }
-- for a file or a folder, and takes everything else.
local site

local function xml_of(list)
  local said = {}
  for href, size in pairs(list) do
    said[#said + 1] = type(size) == "string" and size or ("<response><href>\n %s\n</href><propstat>"
      .. "<prop>%s</prop><status>HTTP/1.1 200 OK</status></propstat></response>"):format(href,
      size and ("<getcontentlength> %d </getcontentlength><getlastmodified>\n%s</getlastmodified>")
      :format(size, os.date("!%a, %d %b %Y %H:%M:%S GMT", site.modified or os.time()))
      or "<resourcetype><collection/></resourcetype>")
  end
  return '<?xml version="1.0"?><multistatus xmlns="DAV:">' .. table.concat(said) .. "</multistatus>"
end

local function answer(request)
  local path = request.target
  site.log[#site.log + 1] = request.method .. " " .. path
  if request.method == "PROPFIND" then
    local list = site.say(path, request.headers.depth)
    if type(list) ~= "table" or list.status then return list end
    return { status = 207, headers = { ["Content-Type"] = "application/xml" },
      body = xml_of(list) }
  elseif request.method == "OPTIONS" then
    return { headers = { Allow = "PUT, MOVE" }, body = "" }
  end
  if request.method == "PUT" and site.delay then orch.sleep(site.delay) end
  return 201
end

local function case(name, fn)
  it(name, function()
    local _ <close> = orch.cd(test.temp_dir())
    site = { log = {} }
    local server <close> = http.serve({}, answer)
    site.url = server.url .. "/dav/web/"
    fs.mkdir "web"
    fn()
  end)
end

local function upload(more)
  local all = { folder = "web", url = site.url, retry = false }
  for name, value in pairs(more or {}) do all[name] = value end
  return webdav.upload(all)
end

local function asked(method)
  local list = {}
  for _, line in ipairs(site.log) do
    list[#list + 1] = line:match("^" .. method .. " (.*)$")
  end
  return list
end

describe("a listing", function()
  case("may have whole URLs, another path, and spaces round all of it", function()
    fs.write("web/a b", "1")
    fs.write("web/c", "22")
    for _, base in ipairs { "/dav/web/", "/dav/%77eb", "https://cloud.lan/dav/web/", "/",
      "/behind/the/proxy/" } do
      site.say = function()
        local below = base:gsub("/*$", "/")
        return { [base] = false, [below .. "a%20b"] = 1, [below .. "c"] = 2 }
      end
      expect({ base, upload({ delete = true }).skipped }):equals { base, true }
      expect(#asked "DELETE" + #asked "MKCOL"):equals(0)
    end
    site.say = function() return { ["/behind/c"] = 2 } end
    expect(webdav.exists { url = site.url .. "c", file = "web/c" }):is(true)
  end)

  case("says nothing of what is deeper, and of what is elsewhere", function()
    fs.mkdir "web/a"
    fs.write("web/c", "22")
    fs.write("web/a/b", "1")
    site.say = function(path)
      if path:find "/a/$" then return { ["/dav/web/a/"] = false } end
      return { ["/dav/web/"] = false, ["/dav/web/a/"] = false, ["/dav/web/a/c"] = 2,
        ["/dav/web/a%2Fb"] = 1, ["/dav/web/%2e%2e"] = false, ["/dav/x"] = 2 }
    end
    local result = upload { delete = true }
    expect({ result.sent, result.deleted }):equals { 2, 0 }
    expect(asked "DELETE"):equals {}
  end)

  case("may say that it is not there", function()
    fs.write("web/a", "1")
    site.say = function(path)
      return { [path] = ("<response><href>%s</href><status>HTTP/1.1 404 Not Found</status></response>")
        :format(path) }
    end
    expect(webdav.exists { url = site.url .. "a" }):is(false)
    expect(upload().sent):equals(1)
  end)

  case("is that of a folder, to which a server sends those without a slash", function()
    site.say = function(path)
      return { status = 301, headers = { Location = path .. "/" },
        body = "<html><p>It has moved" } -- cut off
    end
    expect(webdav.status { url = site.url .. "a" }):equals { exists = true, folder = true,
      url = site.url .. "a" }
    fs.write("game.zip", "x")
    expect(function() webdav.upload { file = "game.zip", url = site.url:sub(1, -2) } end)
      :raises "is a folder; end the `url` with a slash"
    site.say = function()
      return { status = 302, headers = { Location = "/login" }, body = "<html><p>Log in first" }
    end
    expect(function() webdav.status { url = site.url .. "a" } end)
      :raises { kind = "rejected", status = 302, service = "webdav" }
  end)
end)

describe("a server whose clock is off", function()
  case("does not make an old file look like the new one, nor the other way round", function()
    fs.write("web/a", "1")
    local failure = require "orch.deploy.failure" -- our server cannot say another Date
    local original = failure.clock_skew
    local _ <close> = orch.defer(function() failure.clock_skew = original end)
    local function same(modified, ahead)
      site.modified = os.time() + modified
      function failure.clock_skew(response) return original(response) - ahead end
      site.say = function() return { ["/dav/web/a"] = 1 } end
      return webdav.exists { url = site.url .. "a", file = "web/a" }
    end
    expect(same(1800, 3600)):is(false) -- it came half an hour before this build
    expect(same(3605, 3600)):is(true)
    expect(same(-3595, -3600)):is(true)
    expect(same(5, 0)):is(true)
    expect(same(-1800, 0)):is(false)
    site.modified = math.floor(fs.stat("web/a").mtime)
    expect(same(site.modified - os.time(), 3600)):is(true) -- it has our own time of it
  end)
end)

describe("a folder on the server", function()
  case("is not replaced by a file of that name, nor a file by a folder", function()
    fs.write("web/a", "1")
    site.say = function() return { ["/dav/web/"] = false, ["/dav/web/a/"] = false } end
    for _, delete in ipairs { false, true } do
      expect(function() upload { delete = delete } end):raises { kind = "conflict",
        service = "webdav", message = "there is a folder of that name, and here it is a file" }
    end
    fs.remove "web/a"
    fs.mkdir "web/a"
    fs.write("web/a/b", "1")
    site.say = function() return { ["/dav/web/"] = false, ["/dav/web/a"] = 1 } end
    expect(upload):raises { kind = "conflict" }
    expect(asked "PUT"):equals {}
  end)

  case("loses what differs in capitals only before it gets the new one", function()
    fs.mkdir "web/Build"
    fs.write("web/Build/x", "1")
    fs.write("web/README", "1")
    site.say = function(path)
      if path:find "Build" then return 404 end
      return { ["/dav/web/"] = false, ["/dav/web/Readme"] = 1, ["/dav/web/build/"] = false,
        ["/dav/web/old"] = 1 }
    end
    expect(upload({ delete = true, dry_run = true }).would):contains "and delete 3 there"
    expect(upload({ delete = true, connections = 1 }).deleted):equals(3)
    local list = {}
    for _, line in ipairs(site.log) do
      if not line:find "^PROPFIND" and not line:find "^OPTIONS" then list[#list + 1] = line end
    end
    expect(list):equals { "DELETE /dav/web/Readme", "DELETE /dav/web/build/",
      "MKCOL /dav/web/Build/", "PUT /dav/web/Build/x.orch-part", "MOVE /dav/web/Build/x.orch-part",
      "PUT /dav/web/README.orch-part", "MOVE /dav/web/README.orch-part", "DELETE /dav/web/old" }
  end)

  case("is sent by one at a time: the other one has nothing left to do", function()
    fs.write("web/a", "1")
    site.delay = 0.2
    site.say = function()
      return #asked "MOVE" == 0 and 404 or { ["/dav/web/"] = false, ["/dav/web/a"] = 1 }
    end
    local first, second = orch.gather(upload, upload)
    expect({ first.sent + second.sent, #asked "PUT" }):equals { 1, 1 }
  end)
end)
