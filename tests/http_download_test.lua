-- http.download: a file that appears when it is whole and right, or not at all.

local http, fs, hash = orch.http, orch.fs, orch.hash

local CONTENT
do
  local parts = {}
  for i = 1, 20000 do parts[i] = ("line %d of the file\n"):format(i) end
  CONTENT = table.concat(parts)
end

--- A server of one file; what happens is up to the fields.
local function new_file(fields)
  local file = { content = CONTENT, etag = '"v1"', asked = {}, ranges = true }
  for key, value in pairs(fields or {}) do file[key] = value end
  return file
end

local function answer(file, request)
  file.asked[#file.asked + 1] = { range = request.headers.range,
    if_range = request.headers["if-range"] }
  if file.status then return { status = file.status, body = "no such build", headers = {
    ["Content-Type"] = "text/plain" } } end
  local headers = { ETag = file.etag, ["Last-Modified"] = file.date }
  local from = file.ranges and tonumber((request.headers.range or ""):match "^bytes=(%d+)%-$")
  local if_range = request.headers["if-range"]
  if if_range and not file.forgets_if_range and if_range ~= file.etag
    and if_range ~= file.date then from = nil end
  local status, body = 200, file.content
  if from and from >= #file.content then
    headers["Content-Range"] = "bytes */" .. #file.content
    return { status = 416, headers = headers }
  elseif from then
    headers["Content-Range"] = file.range
      or ("bytes %d-%d/%d"):format(from, #file.content - 1, #file.content)
    status, body = 206, file.content:sub(from + 1)
  end
  local cut = table.remove(file.cuts or {}, 1)
  if not cut then return { status = status, headers = headers, body = body } end
  headers["Content-Length"] = #body
  return { status = status, headers = headers, stream = function(send)
    send(body:sub(1, cut))
    if file.held then file.held:wait() end
    orch.sleep(0.02)
    return { close = true }
  end }
end

local dir, url
local function serving(file, fn)
  local server <close> = http.serve({ grace = "500ms" }, function(request)
    return answer(file, request)
  end)
  url = server.url .. "/game.zip"
  return fn(url)
end

before_each(function() dir = test.temp_dir() end)

local function at(name) return dir .. "/" .. name end
local function names() return table.concat(fs.list(dir), " ") end

describe("a download", function()
  it("is a file", function()
    local file = new_file()
    serving(file, function()
      local r = http.download(url, at "game.zip")
      expect({ r.path, r.size, r.resumed, r.status, r.url })
        :equals { at "game.zip", #CONTENT, 0, 200, url }
      expect(r.headers.etag):equals '"v1"'
      expect(fs.read(at "game.zip") == CONTENT):equals(true)
      expect(names()):equals "game.zip"
      expect(file.asked[1].range):is_nil()
      expect(function() return r.sise end):raises "usage"
    end)
  end)

  it("of nothing is an empty file", function()
    serving(new_file { content = "" }, function()
      expect(http.download(url, at "x").size):equals(0)
      expect(fs.read(at "x")):equals ""
    end)
  end)

  it("takes the place of an old file, and keeps its mode", function()
    fs.write(at "x", "old", { mode = 448 })
    fs.link(at "link", "x")
    serving(new_file(), function()
      http.download(url, at "link")
      expect(fs.stat(at "link", { follow = false }).type):equals "link"
      expect(fs.stat(at "x").size):equals(#CONTENT)
      expect(fs.stat(at "x").mode):equals(448)
    end)
  end)

  it("checks the hash", function()
    serving(new_file(), function()
      for _, text in ipairs { "sha256:" .. hash.sha256(CONTENT), hash.sha256(CONTENT):upper(),
        "md5:" .. hash.md5(CONTENT), "SHA-512:" .. hash.sha512(CONTENT), hash.sha1(CONTENT) } do
        http.download(url, at "x", { hash = text })
      end
      fs.write(at "x", "old")
      for _, resume in ipairs { false, true } do
        local err = expect(function()
          http.download(url, at "x", { hash = "sha256:" .. hash.sha256 "other", resume = resume })
        end):raises { kind = "http", algorithm = "sha256", expected = hash.sha256 "other",
          actual = hash.sha256(CONTENT), path = at "x" }
        expect(err.message):contains "the sha256 of what came is"
        expect(fs.read(at "x")):equals "old"
        expect(names()):equals "x"
      end
      for _, text in ipairs { "sha256:abc", "crc:12", "xyz", hash.sha256 "a" .. "0" } do
        expect(function() http.download(url, at "x", { hash = text }) end):raises "usage"
      end
    end)
  end)

  it("that fails leaves nothing behind", function()
    fs.write(at "x", "old")
    serving(new_file { cuts = { 1000 } }, function()
      local err = expect(function() http.download(url, at "x") end):raises "http"
      expect({ err.received, err.expected }):equals { 1000, #CONTENT }
      expect(names()):equals "x"
      expect(fs.read(at "x")):equals "old"
    end)
    serving(new_file { status = 404 }, function()
      local err = expect(function() http.download(url, at "y") end):raises { kind = "status" }
      expect(err.message):contains "no such build"
      expect(names()):equals "x"
    end)
    expect(function() http.download("http://127.0.0.1:1/", at "y", { resume = true }) end)
      :raises "network"
    expect(names()):equals "x"
  end)

  it("that is cancelled leaves nothing behind, before it starts and in flight", function()
    local held = orch.event()
    local file = new_file { cuts = { 3 << 20 }, held = held }
    file.content = CONTENT:rep(16)
    serving(file, function()
      for _, early in ipairs { true, false } do
        local task = orch.spawn({ hold = true }, function()
          if early then orch.current_task():cancel "early" end
          http.download(url, at "x")
        end)
        while not early and names() == "" do orch.sleep(0.002) end
        task:cancel "enough"
        expect(function() task:await() end):raises "cancelled"
        expect(names()):equals ""
      end
      held:set()
    end)
  end)

  it("goes where there is a folder, and only there", function()
    fs.mkdir(at "folder")
    for path, code in pairs { ["none/x"] = "ENOENT", folder = "EISDIR",
      ["none/"] = "EISDIR" } do
      local err = expect(function() http.download("http://127.0.0.1:1/", at(path)) end)
        :raises { kind = "os", code = code }
      expect(err.message):contains(at(path))
    end
    expect(function() http.download("http://127.0.0.1:1/", "/dev/null") end)
      :raises { kind = "os", code = "EINVAL" }
    expect(function() http.download("http://x/", at "x", { check = false }) end):raises "usage"
    expect(function() http.download("http://x/", nil) end):raises "usage"
    local _ <close> = orch.cd(dir)
    serving(new_file(), function() http.download(url, "here") end)
    expect(fs.exists(at "here")):equals(true)
  end)

  it("tells how far it is, and at the end all of it", function()
    serving(new_file { cuts = { 200000 } }, function()
      local last
      local function told(done, total, more) last = { done, total, more.received } end
      http.download(url, at "x", { progress = told, retry = { base = 0 } })
      expect(last):equals { #CONTENT, #CONTENT, #CONTENT }
      local bar <close> = orch.progress { total = 0, unit = "bytes" }
      http.download(url, at "x", { progress = bar })
      expect(function() http.download(url, at "x", { progress = {} }) end):raises "usage"
      http.download(url, at "x", { progress = "game.zip" })
      expect(function()
        http.download(url, at "x", { progress = function() error "stop" end })
      end):raises "stop"
      expect(names()):equals "x"
    end)
  end)

  it("goes on from where it broke off when it is tried again", function()
    local file = new_file { cuts = { 1000, 2000, 3000 } }
    serving(file, function()
      local r = http.download(url, at "x", { retry = { base = 0 } })
      expect(fs.read(at "x") == CONTENT):equals(true)
      expect({ r.resumed, r.status }):equals { 6000, 206 }
      expect(file.asked):equals { {}, { range = "bytes=1000-", if_range = '"v1"' },
        { range = "bytes=3000-", if_range = '"v1"' }, { range = "bytes=6000-", if_range = '"v1"' } }
    end)
  end)
end)

describe("a download with resume", function()
  local function broken_off(file, opts)
    opts = opts or { resume = true }
    serving(file, function()
      expect(function() http.download(url, at "x", opts) end):raises "http"
    end)
  end

  it("is continued by a later call", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      expect(names()):equals "x.part x.part.json"
      expect(fs.stat(at "x.part").size):equals(1000)
      local r = http.download(url, at "x", { resume = true, hash = hash.sha256(CONTENT) })
      expect({ r.resumed, r.size }):equals { 1000, #CONTENT }
      expect(names()):equals "x"
      expect(file.asked[2]):equals { range = "bytes=1000-", if_range = '"v1"' }
    end)
  end)

  it("that is cancelled keeps what it has", function()
    local file = new_file { cuts = { 200000 }, held = orch.event() }
    serving(file, function()
      local task = orch.spawn({ hold = true }, http.download, url, at "x", { resume = true })
      while not fs.exists(at "x.part.json") do orch.sleep(0.002) end
      orch.sleep(0.02)
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      file.held:set()
      local r = http.download(url, at "x", { resume = true })
      expect(fs.read(at "x") == CONTENT):equals(true)
      expect(r.size):equals(#CONTENT)
    end)
  end)

  it("begins afresh when the file has changed", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      file.etag, file.content = '"v2"', "shorter"
      local r = http.download(url, at "x", { resume = true })
      expect({ r.resumed, r.size, r.status }):equals { 0, 7, 200 }
      expect(fs.read(at "x")):equals "shorter"
    end)
  end)

  it("goes by the date where there is no strong ETag, and not at all without either", function()
    local date = "Sun, 06 Nov 1994 08:49:37 GMT"
    local file = new_file { cuts = { 1000 }, etag = 'W/"v1"', date = date }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      expect(http.download(url, at "x", { resume = true }).resumed):equals(1000)
      expect(file.asked[2].if_range):equals(date)
    end)
    fs.remove(at "x")
    broken_off(new_file { cuts = { 1000 }, etag = 'W/"v1"' })
    expect(names()):equals ""
  end)

  it("may go without a date where the hash will tell", function()
    local file = new_file { cuts = { 1000 } }
    file.etag = nil
    local opts = { resume = true, hash = hash.sha256(CONTENT) }
    serving(file, function()
      expect(function() http.download(url, at "x", opts) end):raises "http"
      expect(http.download(url, at "x", opts).resumed):equals(1000)
      expect(file.asked[2]):equals { range = "bytes=1000-" }
    end)
  end)

  it("begins afresh when the hash says that the beginning was another file's", function()
    local file = new_file { cuts = { 1000 } }
    file.etag = nil
    local opts = { resume = true, hash = hash.sha256(CONTENT) }
    serving(file, function()
      expect(function() http.download(url, at "x", opts) end):raises "http"
      fs.write(at "x.part", ("?"):rep(1000))
      expect(http.download(url, at "x", opts).resumed):equals(0)
      expect(fs.read(at "x") == CONTENT):equals(true)
    end)
  end)

  it("finishes what was whole already", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      fs.write(at "x.part", CONTENT)
      expect(http.download(url, at "x", { resume = true }).resumed):equals(#CONTENT)
      expect(fs.read(at "x") == CONTENT):equals(true)
      expect(names()):equals "x"
    end)
  end)

  it("begins afresh when there is more than the server has", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      fs.write(at "x.part", CONTENT .. "more")
      expect(http.download(url, at "x", { resume = true }).resumed):equals(0)
      expect(fs.read(at "x") == CONTENT):equals(true)
    end)
  end)

  it("does not take what is from elsewhere, or torn", function()
    local file = new_file { cuts = { 1000, 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      expect(function() http.download(url .. "?other", at "x", { resume = true }) end):raises "http"
      expect(file.asked[2]):equals {}
      fs.write(at "x.part.json", "{ torn")
      http.download(url, at "x", { resume = true })
      expect(file.asked[3]):equals {}
    end)
  end)

  it("takes no header from a note that somebody has changed", function()
    local file = new_file {}
    serving(file, function()
      for _, etag in ipairs { '"a"\r\nX-Y: z"', 7, { 1 } } do
        fs.write(at "x.part", "abc")
        fs.write(at "x.part.json", orch.json.encode { url = url, etag = etag })
        expect(http.download(url, at "x", { resume = true }).size):equals(#CONTENT)
      end
    end)
  end)

  it("does not put two files together where the server knows no If-Range", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      file.content, file.etag, file.forgets_if_range = CONTENT:upper(), '"v2"', true
      expect(http.download(url, at "x", { resume = true }).resumed):equals(0)
      expect(fs.read(at "x") == CONTENT:upper()):equals(true)
    end)
  end)

  it("takes a rest of which the server does not know the whole", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      file.range = ("bytes 1000-%d/*"):format(#CONTENT - 1)
      expect(http.download(url, at "x", { resume = true }).resumed):equals(1000)
      expect(fs.read(at "x") == CONTENT):equals(true)
    end)
  end)

  it("of what is compressed on its way is not continued", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      http.download(url, at "x", { compressed = true, retry = { base = 0.001 } })
      expect(file.asked[2]):equals {}
      expect(fs.read(at "x") == CONTENT):equals(true)
    end)
    local err = expect(function()
      http.download("http://x/", at "x", { compressed = true, resume = true })
    end):raises "usage"
    expect(err.message):contains "exclude each other"
  end)

  it("copes with a server that knows no ranges", function()
    local file = new_file { cuts = { 1000 }, ranges = false }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      expect(http.download(url, at "x", { resume = true }).resumed):equals(0)
      expect(fs.read(at "x") == CONTENT):equals(true)
    end)
  end)

  it("refuses another range than the one it asked for", function()
    local file = new_file { cuts = { 1000 } }
    serving(file, function()
      expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      file.range = "bytes 0-99/100"
      local err = expect(function() http.download(url, at "x", { resume = true }) end):raises "http"
      expect(err.message):contains "asked for the bytes from 1000 on"
    end)
  end)

  it("does not let two write to one file", function()
    local file = new_file { cuts = { 1000 }, held = orch.event() }
    serving(file, function()
      local first = orch.spawn({ hold = true }, http.download, url, at "x", { resume = true })
      while not fs.exists(at "x.part.json") do orch.sleep(0.002) end
      local err = expect(function() http.download(url, at "x", { resume = true }) end)
        :raises { kind = "os", code = "EBUSY" }
      expect(err.message):matches "another download to it is running %(process %d+%)"
      file.held:set()
      expect(function() first:await() end):raises "http"
      http.download(url, at "x", { resume = true })
      expect(fs.read(at "x") == CONTENT):equals(true)
    end)
  end)
end)
