-- orch.deploy.ftp on vsftpd: what it shares with SFTP (helper/remote.lua), and what FTP has of
-- its own: logins, TLS, servers that allow few connections or hide names.

local fs, process = orch.fs, orch.process
local here = fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")
local certificates = dofile(here .. "/helper/server.lua")
local real = dofile(here .. "/helper/real.lua")
local remote = dofile(here .. "/helper/remote.lua")
local listing = require "orch.deploy.remote.listing"
local trees = require "orch.deploy.remote.tree"

local driver = {
  name = "ftp", service = orch.deploy.ftp,
  start = function(dir, there, opts)
    opts = opts or {}
    local lines = table.move(opts.lines or {}, 1, #(opts.lines or {}), 1, {})
    if opts.slow then lines[#lines + 1] = "anon_max_rate=4000000" end
    if opts.env then lines[#lines + 1] = "use_localtime=YES" end
    local _ <close> = orch.with_env(opts.env or {})
    return real.vsftpd(dir, there, lines, { connections = opts.connections,
      disk = opts.small and { path = there, size = "1m" } })
  end,
  options = function(server, _, path)
    return { url = ("ftp://127.0.0.1:%d/%s"):format(server.ports[1], path:gsub(" ", "%%20")) }
  end,
}

remote.cases("FTP", driver)

local function case(...) remote.case(driver, ...) end

describe("FTP: the login", function()
  case("that is wrong, in the server's words", function()
    remote.make { ["a.txt"] = "a" }
    local err = remote.refuses({ user = "ann", password = "hunter2" }, { kind = "auth" })
    expect(err.message):matches "^ftp: cannot log in: 530 .*; the user is 'ann'$"
    expect(err.message).never:contains "hunter2"
    expect(err.attempts):equals(1)
  end)

  case("says in plain words that nobody listens", function()
    remote.make { ["a.txt"] = "a" }
    local err = remote.refuses({ url = "ftp://127.0.0.1:9/site/", retry = false },
      { kind = "network" })
    expect(err.message):equals("ftp: cannot log in: cannot connect to 127.0.0.1:9: connection "
      .. "refused")
  end)

  case("without the right to write, in the server's words", function(_, _, there)
    remote.make { ["a.txt"] = "a" }
    fs.mkdir(there .. "/site")
    local err = remote.refuses({}, { kind = "rejected" })
    expect(err.message):equals(("ftp: cannot write to %s: 550 Permission denied."):format(
      remote.with().url))
  end, { lines = { "write_enable=NO" } })

  case("counts from its own folder, and with two slashes from the root", function(server, _, there)
    remote.make { ["a.txt"] = "a" }
    remote.upload { url = ("ftp://127.0.0.1:%d/%s/abs/"):format(server.ports[1], there) }
    expect(fs.read(there .. "/abs/a.txt")):equals "a"
    remote.upload({}, "")
    expect(fs.read(there .. "/a.txt")):equals "a"
  end)

  case("a server with fewer connections than were asked for is enough", function()
    local files = {}
    for i = 1, 40 do files[("f%02d"):format(i)] = ("%d"):format(i) end
    remote.make(files)
    -- The server may take a moment to notice that a connection has gone.
    expect(remote.upload({ connections = 6, retry = { base = 0.02, attempts = 8 } }).sent)
      :equals(40)
    remote.expect_same()
  end, { connections = 2 })
end)

describe("FTP: the connection", function()
  local function tls(more)
    local certificate = certificates.certificate "good.pem"
    return table.move({ "ssl_enable=YES", "allow_anon_ssl=YES", "require_ssl_reuse=YES",
      "ssl_ciphers=HIGH", "rsa_cert_file=" .. certificate,
      "rsa_private_key_file=" .. certificate:gsub("pem$", "key") }, 1, 6, #more + 1, more)
  end

  local function with_ca(more)
    more.http = { ca = certificates.certificate "ca.pem" }
    return more
  end

  it("is encrypted from the start, or on request, or refused", function()
    local dir = test.temp_dir()
    local _ <close> = orch.cd(dir)
    remote.make { ["a.txt"] = "a", ["b/c.txt"] = ("c"):rep(100000) }
    local function upload(server, more)
      local all = { folder = "web", retry = false, url = more.url:format(server.ports[1]) }
      for name, value in pairs(more) do if name ~= "url" then all[name] = value end end
      return orch.deploy.ftp.upload(all)
    end
    do
      fs.mkdir "there"
      local server <close> = real.vsftpd(dir, dir .. "/there", tls { "implicit_ssl=YES" })
      expect(upload(server, with_ca { url = "ftps://127.0.0.1:%d/site/" }).sent):equals(2)
      remote.expect_same(dir .. "/there/site")
      expect(function() upload(server, { url = "ftps://127.0.0.1:%d/site2/" }) end)
        :raises { kind = "tls", retryable = false }
    end
    do
      local server <close> = real.vsftpd(dir, dir .. "/there",
        tls { "force_anon_logins_ssl=YES", "force_anon_data_ssl=YES" })
      expect(upload(server, with_ca { url = "ftp://127.0.0.1:%d/two/", use_tls = true }).sent)
        :equals(2)
      remote.expect_same(dir .. "/there/two")
    end
    local server <close> = real.vsftpd(dir, dir .. "/there")
    expect(function() upload(server, { url = "ftp://127.0.0.1:%d/x/", use_tls = true }) end)
      :raises { kind = "tls" }
  end)

  case("that waits for the server's last word stops nothing else", function()
    remote.make { ["a.bin"] = ("a"):rep(100000) } -- is in the socket's buffer at once
    local task = orch.spawn({ hold = true }, remote.upload, {})
    for _ = 1, 20 do orch.sleep(0.01) end
    expect(task:done()):equals(false)
    expect(task:await().sent):equals(1)
  end, { lines = { "anon_max_rate=100000" } })

  case("files of a second upload need no second look at each", function(_, dir)
    local files = {}
    for i = 1, 30 do files["d/" .. i] = "x" end
    remote.make(files)
    remote.upload()
    fs.write(dir .. "/log", "")
    expect(remote.upload().skipped):equals(true)
    local commands = select(2, fs.read(dir .. "/log"):gsub("FTP command", ""))
    expect(commands):less_than(40)
  end)
end)

describe("a listing", function()
  local now = 1795402750 -- 2026-11-23 02:59:10

  it("of ls -l, with any owner, size and name", function()
    local found = listing.read(table.concat({
      "total 12",
      "drwxr-xr-x    2 ftp      ftp          4096 Nov 23 02:31 Build",
      "-rw-r--r--    1 A User   Domain Users 12 Nov 23 02:31 two  words ",
      "-rw-r--r--+   1 0 0 5368709120 Jan  3  2019 large",
      "-rw-r--r--    1 0 0 1 Dec 24 23:59 last year",
      "lrwxrwxrwx    1 0 0 3 Nov 23 02:31 link -> Build",
      "drwxr-xr-x    2 ftp      ftp          4096 Nov 23 02:31 ..",
    }, "\r\n"), now)
    expect(found.Build.type):equals "folder"
    expect(found["two  words "].size):equals(12)
    expect(found["two  words "].time):equals(now - 28 * 60 - 10)
    expect(found.large.size):equals(5368709120)
    expect(os.date("!%Y-%m-%d", found.large.time)):equals "2019-01-03"
    expect(os.date("!%Y-%m-%d %H:%M", found["last year"].time)):equals "2025-12-24 23:59"
    expect(found.link.type):equals "link"
    expect(found[".."]):is_nil()
  end)

  it("tells times in the server's zone, in summer and in winter", function()
    local exact = { summer = now - 120 * 86400, winter = now - 3600 }
    local lines = {}
    for name, hours in pairs { summer = 2, winter = 1 } do
      lines[#lines + 1] = "-rw-r--r-- 1 0 0 1 " .. os.date("!%b %d %H:%M ", exact[name]
        + hours * 3600) .. name
    end
    local session = { look = function(_, name) return { time = exact[name] } end,
      list = function() return listing.read(table.concat(lines, "\n"), now) end }
    local function times()
      local tree = trees.look(session, { [""] = true }, { connections = 1 })
      return tree:time(session, "winter", tree:entry "winter") - exact.winter,
        tree:time(session, "summer", tree:entry "summer") - exact.summer
    end
    local winter, summer = times()
    expect(winter):near(-30, 30)
    expect(summer):near(-30, 30)
    session.look = function() return {} end -- a server without MDTM
    winter, summer = times()
    expect(math.max(winter, summer)):less_than(0)
  end)

  it("of a Windows server, and of MLSD", function()
    local found = listing.read("02-23-25  09:24AM       <DIR>          web\r\n"
      .. "02-23-25  12:05PM                  733 a b.txt\r\n", now)
    expect(found.web.type):equals "folder"
    expect(found["a b.txt"].size):equals(733)
    expect(os.date("!%H:%M", found["a b.txt"].time)):equals "12:05"
    found = listing.read("type=cdir;modify=20250101000000; /web\r\n"
      .. "Type=file;Size=7;Modify=20250101000102.5;UNIX.mode=0644; x; y=z \r\n"
      .. "type=OS.unix=symlink;size=8;modify=20250101000000; link\r\n"
      .. "type=dir;modify=20250101000000; sub\r\n", now)
    expect(found.link):equals { type = "link", time = 1735689600, span = 0 }
    expect(found["x; y=z "].size):equals(7)
    expect(os.date("!%Y-%m-%d %X", found["x; y=z "].time)):equals "2025-01-01 00:01:02"
    expect(found.sub.type):equals "folder"
    expect(found["/web"]):is_nil()
  end)
end)
