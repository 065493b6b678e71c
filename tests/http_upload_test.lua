-- http.upload over FTP and SFTP, against vsftpd and OpenSSH.

local http, fs = orch.http, orch.fs
local real = dofile(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/helper/real.lua")

local dir, root, path
local CONTENT = ("0123456789abcdef"):rep(20000)

before_each(function()
  dir = test.temp_dir()
  root = dir .. "/root"
  path = dir .. "/game 1.zip"
  fs.mkdir(root)
  fs.write(path, CONTENT)
end)

--- A folder of the server that everybody may write to.
local function incoming()
  fs.mkdir(root .. "/in")
  orch.sh("chmod 755 ${root} && chmod 777 ${root}/in", { root = root })
  return root .. "/in"
end

describe("an upload over FTP", function()
  it("puts a file there, and goes on with one that broke off", function()
    local target = incoming()
    local ftp <close> = real.vsftpd(dir, root)
    local base = ("ftp://127.0.0.1:%d/in/"):format(ftp.ports[1])
    local told
    local r = http.upload(path, base, { progress = function(...) told = { ... } end })
    expect(r.ok):equals(true)
    expect(fs.read(target .. "/game 1.zip") == CONTENT):equals(true)
    expect({ told[1], told[2] }):equals { #CONTENT, #CONTENT }

    fs.write(target .. "/part", CONTENT:sub(1, 1000), { atomic = false })
    http.upload(path, base .. "part", { resume = true })
    expect(fs.read(target .. "/part") == CONTENT):equals(true)
    http.upload(path, base .. "part", { resume = true }) -- whole already
    expect(fs.read(target .. "/part") == CONTENT):equals(true)
    http.upload(path, base .. "new", { resume = true })
    expect(fs.read(target .. "/new") == CONTENT):equals(true)

    http.upload(path, base .. "a/b/c", { create_dirs = true })
    expect(fs.exists(target .. "/a/b/c")):equals(true)
    expect(function() http.upload(path, base .. "none/c") end)
      :raises { kind = "http", url = base .. "none/c" }
    expect(function() http.upload(path, base, { method = "PUT" }) end):raises "usage"
    expect(function() http.get(base) end):raises "http"
  end)

  it("of nothing is an empty file", function()
    local target = incoming()
    local ftp <close> = real.vsftpd(dir, root)
    fs.write(path, "")
    http.upload(path, ("ftp://127.0.0.1:%d/in/x"):format(ftp.ports[1]))
    expect(fs.read(target .. "/x")):equals ""
  end)
end)

describe("an upload over SFTP", function()
  it("puts a file there, and goes on with one that broke off", function()
    local sftp <close> = real.sshd(dir)
    local base = ("sftp://%s@127.0.0.1:%d%s/"):format(sftp.user, sftp.ports[1], root)
    local opts = { known_hosts = dir .. "/known", ssh_key = dir .. "/me" }
    local function with(name, value)
      local copy = { [name] = value }
      for key, old in pairs(opts) do copy[key] = copy[key] or old end
      return copy
    end
    fs.write(dir .. "/empty", "")
    local err = expect(function()
      http.upload(path, base, with("known_hosts", dir .. "/empty"))
    end):raises "tls"
    expect(err.url):equals(base:gsub("//.*@", "//") .. "game%201.zip")
    expect(http.upload(path, base, opts).ok):equals(true)
    expect(fs.read(root .. "/game 1.zip") == CONTENT):equals(true)

    fs.write(root .. "/part", CONTENT:sub(1, 1000))
    http.upload(path, base .. "part", with("resume", true))
    expect(fs.read(root .. "/part") == CONTENT):equals(true)
    http.upload(path, base .. "a/b", with("create_dirs", true))
    expect(fs.exists(root .. "/a/b")):equals(true)

    http.upload(path, base .. "c", { ssh_key = dir .. "/me", insecure = true })
    expect(fs.exists(root .. "/c")):equals(true)
  end)
end)
