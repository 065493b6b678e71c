-- Bodies that are larger than memory should be, and disks that are smaller than bodies.

local fs, http, json, process = orch.fs, orch.http, orch.json, orch.process
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local fault = dofile(here .. "/helper/fault.lua")
local orch_itself = require("orch.core.runtime").executable()

-- What a script in a process of its own prints as JSON.
local function in_a_process(dir, source, ...)
  fs.write(dir .. "/script.lua", source)
  local command = { orch_itself, "run", dir .. "/script.lua", ... }
  command.timeout = "10m"
  return json.decode(process.run(command).stdout)
end

local SLOWLY = [[
local url, size = orch.args[1], 0
do
  local s <close> = orch.http.stream("GET", url)
  local n = 0
  for chunk in s:chunks() do
    size, n = size + #chunk, n + 1
    if n % 4 == 0 then orch.sleep "1ms" end
  end
end
local peak = orch.fs.read("/proc/self/status"):match "VmHWM:%s*(%d+) kB"
print(orch.json.encode { size = size, peak = tonumber(peak) * 1024 })
]]

describe("a stream", { timeout = "10m" }, function()
  -- ORCH_TEST_LARGE=2G for the whole of it.
  local SIZE = require("orch.arg").size("", "ORCH_TEST_LARGE",
    os.getenv "ORCH_TEST_LARGE" or "300M")

  it("larger than memory may be, read slowly, stays under 50 MB", function()
    local play = server.play { ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(SIZE),
      server.fill(SIZE) }
    local got = in_a_process(test.temp_dir(), SLOWLY, play.url)
    expect(got.size):equals(SIZE)
    expect(play:wait("filled").bytes):equals(SIZE)
    -- AddressSanitizer keeps freed memory for a while.
    if not fs.read("/proc/self/maps"):find "libasan" then expect(got.peak):less_than(50 << 20) end
  end)

  it("that nobody reads holds the server back", function()
    local play = server.play { "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
      server.fill(1000000000) }
    do
      local s <close> = http.stream("GET", play.url)
      s:chunks()()
      orch.sleep "300ms"
    end
    expect(play:wait("filled").bytes):less_than(32 << 20)
  end)
end)

describe("a download", function()
  it("of megabytes is what was sent, and leaves nothing else", function()
    local dir = test.temp_dir()
    http.download(server.url() .. "/file/5000000", dir .. "/a.bin")
    expect(fs.hash(dir .. "/a.bin")):equals(http.get(server.url() .. "/digest/5000000").body)
    expect(fs.list(dir)):equals { "a.bin" }
  end)

  it("that breaks off leaves the old file and nothing else", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/a.bin", "old")
    local url = server.url() .. "/file/5000000?cut=1000000"
    fault(function() http.download(url, dir .. "/a.bin") end,
      { kind = "http", url = url, received = 1000000, expected = 5000000 })
    expect(fs.read(dir .. "/a.bin")):equals "old"
    expect(fs.list(dir)):equals { "a.bin" }
  end)

  it("of a 404 leaves the old file and nothing else", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/a.bin", "old")
    fault(function() http.download(server.url() .. "/none", dir .. "/a.bin") end,
      { kind = "status", status = 404 })
    expect(fs.read(dir .. "/a.bin")):equals "old"
    expect(fs.list(dir)):equals { "a.bin" }
  end)

  it("that is cancelled leaves the old file and nothing else", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/a.bin", "old")
    local play = server.play { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", server.hold }
    local task = orch.spawn({ hold = true }, http.download, play.url, dir .. "/a.bin")
    play:wait "holding"
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    play:wait "closed"
    expect(fs.read(dir .. "/a.bin")):equals "old"
    expect(fs.list(dir)):equals { "a.bin" }
  end)

  it("into a folder that is not there says so", function()
    local path = test.temp_dir() .. "/none/a.bin"
    local err = expect(function() http.download(server.url() .. "/file/9", path) end)
      :raises { kind = "os", code = "ENOENT" }
    expect(err.message):contains(path)
  end)
end)

local INTO = [[
local url, dir = table.unpack(orch.args)
local fs, path = orch.fs, dir .. "/big.bin"
fs.write(path, "old")
local ok, err = orch.try(orch.http.download, url, path)
print(orch.json.encode { ok = ok, kind = err.kind, code = err.code, message = err.message,
  content = fs.read(path), left = fs.list(dir) })
]]

describe("a disk that fills during a download", function()
  local dir, url
  before_each(function()
    dir = test.temp_dir()
    url = server.url() .. "/file/5000000"
    fs.write(dir .. "/script.lua", INTO)
    fs.mkdir(dir .. "/disk")
  end)

  local function expect_whole(run, code)
    expect(run.stderr):equals ""
    local got = json.decode(run.stdout)
    expect(got.ok):equals(false)
    expect(got.kind):equals "os"
    expect(got.code):equals(code)
    expect(got.message):contains "big.bin"
    expect(got.message).never:matches "%c"
    expect(got.content):equals "old"
    expect(got.left):equals { "big.bin" }
  end

  it("leaves no broken file behind", function()
    local mount = 'mount -t tmpfs -o size=1M none "$1/disk" && shift && exec "$@"'
    local command = { "unshare", "-rm", "sh", "-c", mount, "sh", dir }
    if process.run { "id", "-u" }.stdout == "0\n" then command[2] = "-m" end
    local function inside(words)
      local all = table.move(words, 1, #words, #command + 1, { table.unpack(command) })
      all.check, all.timeout = false, "30s"
      return process.run(all)
    end
    if not inside({ "true" }).ok then
      test.skip "a small disk needs a mount namespace, and this system allows none"
    end
    expect_whole(inside { orch_itself, "run", dir .. "/script.lua", url, dir .. "/disk" }, "ENOSPC")
  end)

  it("or a limit that is reached neither", function()
    expect_whole(process.run { "sh", "-c", 'trap "" XFSZ; ulimit -f 1000; exec "$@"', "sh",
      orch_itself, "run", dir .. "/script.lua", url, dir .. "/disk", check = false,
      timeout = "30s" }, "EFBIG")
  end)
end)
