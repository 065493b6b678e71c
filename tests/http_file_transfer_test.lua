-- http.upload to the file servers that users have: vsftpd and OpenSSH, whole, broken off
-- and continued.

local fs, http = orch.fs, orch.http
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local server = dofile(here .. "/helper/server.lua")
local real = dofile(here .. "/helper/real.lua")
local fault = dofile(here .. "/helper/fault.lua")

local dir, there, file, content
before_each(function()
  dir = test.temp_dir()
  there = dir .. "/files"
  fs.mkdir(there)
  local lines = {}
  for i = 1, 100000 do lines[i] = i .. "\n" end
  content = table.concat(lines)
  file = dir .. "/game.bin"
  fs.write(file, content, { sync = false })
end)

-- What the server has under a name, once it has closed it.
local function expect_there(name, wanted)
  for _ = 1, 500 do
    if fs.exists(there .. "/" .. name) and fs.stat(there .. "/" .. name).size >= #wanted then
      break
    end
    orch.sleep(0.01)
  end
  expect(fs.read(there .. "/" .. name) == wanted):equals(true)
end

-- Uploads until something has arrived, and breaks off.
local function break_off(name, ...)
  local task = orch.spawn({ hold = true }, http.upload, ...)
  for _ = 1, 1000 do
    if fs.exists(there .. "/" .. name) and fs.stat(there .. "/" .. name).size > 0 then break end
    orch.sleep(0.01)
  end
  task:cancel "enough"
  expect(function() task:await() end):raises "cancelled"
end

describe("FTP", function()
  local function ftp(more) return real.vsftpd(dir, there, more) end

  local function url_of(ftpd, name, scheme)
    return ("%s://127.0.0.1:%d/%s"):format(scheme or "ftp", ftpd.ports[1], name)
  end

  -- Commands that the server was given.
  local function commands()
    local text = fs.read(dir .. "/log")
    local list = {}
    for command in text:gmatch 'FTP command: Client "[^"]*", "([^"\n]*)"' do
      list[#list + 1] = command
    end
    return list
  end

  it("takes a file, and one more on the same connection", function()
    local ftpd <close> = ftp()
    expect(http.upload(file, url_of(ftpd, "a.bin")).ok):equals(true)
    http.upload(file, url_of(ftpd, "b.bin"))
    expect_there("a.bin", content)
    expect_there("b.bin", content)
    local logins = 0
    for _, command in ipairs(commands()) do
      if command:find "^USER" then logins = logins + 1 end
    end
    expect(logins):equals(1)
  end)

  it("keeps the file's name in a folder", function()
    local ftpd <close> = ftp()
    http.upload(file, url_of(ftpd, ""))
    expect_there("game.bin", content)
  end)

  it("replaces what is there", function()
    local ftpd <close> = ftp()
    fs.write(there .. "/a.bin", "something older")
    http.upload(file, url_of(ftpd, "a.bin"))
    expect_there("a.bin", content)
  end)

  it("goes on where an upload ended", function()
    local ftpd <close> = ftp()
    fs.write(there .. "/a.bin", content:sub(1, 300000))
    http.upload(file, url_of(ftpd, "a.bin"), { resume = true })
    expect_there("a.bin", content)
    expect(commands()):contains "APPE a.bin"
    expect(commands()).never:contains "STOR a.bin"
  end)

  it("starts when there is nothing to go on from", function()
    local ftpd <close> = ftp()
    http.upload(file, url_of(ftpd, "a.bin"), { resume = true })
    expect_there("a.bin", content)
  end)

  it("has nothing to do when all of it is there", function()
    local ftpd <close> = ftp()
    fs.write(there .. "/a.bin", content)
    http.upload(file, url_of(ftpd, "a.bin"), { resume = true })
    expect_there("a.bin", content)
  end)

  it("broken off and continued is whole", function()
    content = content:rep(40) -- more than sockets hold
    fs.write(file, content, { sync = false })
    do
      local slow <close> = ftp { "anon_max_rate=300000" }
      break_off("a.bin", file, url_of(slow, "a.bin"))
    end
    local ftpd <close> = ftp()
    expect(fs.stat(there .. "/a.bin").size):less_than(#content)
    http.upload(file, url_of(ftpd, "a.bin"), { resume = true })
    expect_there("a.bin", content)
  end)

  it("makes folders when told so", function()
    local ftpd <close> = ftp()
    local url = url_of(ftpd, "new/deep/a.bin")
    fault(function() http.upload(file, url) end, { url = url, method = "PUT" })
    expect(fs.exists(there .. "/new")):equals(false)
    http.upload(file, url, { create_dirs = true })
    expect_there("new/deep/a.bin", content)
  end)

  it("says what the server refuses", function()
    local ftpd <close> = ftp { "write_enable=NO" }
    local url = url_of(ftpd, "a.bin")
    local err = fault(function() http.upload(file, url) end, { url = url, kind = "http" })
    expect(err.message):contains "550"
  end)

  it("says that the login is wrong, without the password", function()
    local ftpd <close> = ftp()
    local url = url_of(ftpd, "a.bin")
    local err = fault(function() http.upload(file, (url:gsub("//", "//ann:secret@"))) end,
      { url = url })
    expect(err.message):contains "530"
  end)

  it("goes through TLS, from the start and on request", function()
    local certificate = server.certificate "good.pem"
    local tls = { "ssl_enable=YES", "allow_anon_ssl=YES", "require_ssl_reuse=NO",
      "ssl_ciphers=HIGH",
      "rsa_cert_file=" .. certificate,
      "rsa_private_key_file=" .. certificate:gsub("pem$", "key") }
    local trusting = { ca = server.certificate "ca.pem" }
    do
      local ftpd <close> = ftp(table.move(tls, 1, #tls, 2, { "implicit_ssl=YES" }))
      http.upload(file, url_of(ftpd, "a.bin", "ftps"), trusting)
      expect_there("a.bin", content)
      local url = url_of(ftpd, "c.bin", "ftps")
      fault(function() http.upload(file, url) end, { kind = "tls", url = url })
      expect(fs.exists(there .. "/c.bin")):equals(false)
    end
    local ftpd <close> = ftp(table.move(tls, 1, #tls, 2,
      { "force_anon_logins_ssl=YES", "force_anon_data_ssl=YES" }))
    http.upload(file, url_of(ftpd, "b.bin"), { ca = trusting.ca, use_tls = true })
    expect_there("b.bin", content)
  end)

  it("a server that has no TLS is refused when TLS was asked for", function()
    local ftpd <close> = ftp()
    local url = url_of(ftpd, "a.bin")
    fault(function() http.upload(file, url, { use_tls = true }) end, { kind = "tls", url = url })
    expect(fs.exists(there .. "/a.bin")):equals(false)
  end)
end)

describe("SFTP", function()
  local sshd

  local function url_of(name)
    return ("sftp://%s@127.0.0.1:%d%s/%s"):format(sshd.user, sshd.ports[1], there, name)
  end

  -- As errors show it: without the user.
  local function shown(name)
    return ("sftp://127.0.0.1:%d%s/%s"):format(sshd.ports[1], there, name)
  end

  local function with_key(more)
    local opts = { ssh_key = dir .. "/me", known_hosts = dir .. "/known" }
    for key, value in pairs(more or {}) do opts[key] = value end
    return opts
  end

  it("takes a file", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    expect(http.upload(file, url_of "a.bin", with_key()).ok):equals(true)
    expect_there("a.bin", content)
  end)

  it("goes on where an upload ended", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    fs.write(there .. "/a.bin", content:sub(1, 300000))
    http.upload(file, url_of "a.bin", with_key { resume = true })
    expect_there("a.bin", content)
    http.upload(file, url_of "b.bin", with_key { resume = true })
    expect_there("b.bin", content)
  end)

  it("knows the server also behind other lines, of other types and servers", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    local own, key = fs.read(dir .. "/known"), fs.read(dir .. "/me.pub"):match "ssh%-ed25519 (%S+)"
    local address = own:match "^%S+"
    fs.write(dir .. "/known", own:gsub("\n*$", "\n") .. "@revoked " .. own)
    fault(function() http.upload(file, url_of "b.bin", with_key()) end,
      { url = shown "b.bin", kind = "tls" })
    fs.write(dir .. "/known", ("other.lan ssh-ed25519 %s\n%s ssh-rsa %s\n%s"):format(key, address,
      key, own))
    http.upload(file, url_of "a.bin", with_key())
    expect_there("a.bin", content)
  end)

  it("does not talk to a server that it does not know", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    fs.write(dir .. "/none", "")
    fault(function()
      http.upload(file, url_of "a.bin", with_key { known_hosts = dir .. "/none" })
    end, { url = shown "a.bin", kind = "tls" })
    local wrong = fs.read(dir .. "/known"):gsub("(ssh%-ed25519) %S+",
      "%1 " .. fs.read(dir .. "/me.pub"):match "ssh%-ed25519 (%S+)")
    fs.write(dir .. "/wrong", wrong)
    fault(function()
      http.upload(file, url_of "a.bin", with_key { known_hosts = dir .. "/wrong" })
    end, { url = shown "a.bin", kind = "tls" })
    expect(fs.exists(there .. "/a.bin")):equals(false)
  end)

  it("does, when told that it does not matter", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    http.upload(file, url_of "a.bin", { ssh_key = dir .. "/me", insecure = true })
    expect_there("a.bin", content)
  end)

  it("is not let in with another key", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    orch.process.run { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir .. "/other" }
    fault(function()
      http.upload(file, url_of "a.bin", with_key { ssh_key = dir .. "/other" })
    end, { url = shown "a.bin" })
  end)

  it("makes folders when told so, and says that there is none", function()
    sshd = real.sshd(dir)
    local _ <close> = sshd
    fault(function() http.upload(file, url_of "new/a.bin", with_key()) end,
      { url = shown "new/a.bin" })
    http.upload(file, url_of "new/a.bin", with_key { create_dirs = true })
    expect_there("new/a.bin", content)
  end)
end)
