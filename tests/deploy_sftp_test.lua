-- orch.deploy.sftp on OpenSSH: what it shares with FTP (helper/remote.lua), and what SSH has of
-- its own: host keys, keys, rights.

local fs, process = orch.fs, orch.process
local here = fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")
local real = dofile(here .. "/helper/real.lua")
local remote = dofile(here .. "/helper/remote.lua")
local known_host = require "orch.http.known_host"

local driver = {
  name = "sftp", service = orch.deploy.sftp,
  start = function(dir, there, opts)
    opts = opts or {}
    local _ <close> = orch.with_env(opts.env or {})
    return real.sshd(dir, { disk = opts.small and { path = there, size = "1m" },
      rate = opts.slow and 4000000 })
  end,
  options = function(server, dir, path)
    return { url = ("sftp://127.0.0.1:%d%s/there/%s"):format(server.ports[1], dir,
      (path:gsub(" ", "%%20"))), user = server.user, ssh_key = dir .. "/me",
      known_hosts = dir .. "/known" }
  end,
}

remote.cases("SFTP", driver)

local function case(...) remote.case(driver, ...) end

describe("SFTP: the server's key", function()
  case("that is not known is refused, with what to do", function(server, dir, there)
    remote.make { ["a.txt"] = "a" }
    fs.write("none", "# nobody\n")
    local err = remote.refuses({ known_hosts = "none" }, { kind = "tls" })
    expect(err.attempts):equals(1)
    expect(err.message):contains(("the host key of [127.0.0.1]:%d is not known"):format(
      server.ports[1]))
    expect(err.message):contains(("ssh-keyscan -p %d 127.0.0.1 >> %s/none"):format(
      server.ports[1], dir))
    expect(fs.list(there)):equals {}
  end)

  case("that is another than before is refused, with a warning", function(_, dir)
    remote.make { ["a.txt"] = "a" }
    local other = fs.read(dir .. "/me.pub"):match "ssh%-ed25519 (%S+)"
    fs.write("other", (fs.read(dir .. "/known"):gsub("(ssh%-ed25519) %S+", "%1 " .. other)))
    local err = remote.refuses({ known_hosts = "other" }, { kind = "tls" })
    expect(err.message):contains "another host key than the one in"
    expect(err.message):contains "do not go on"
  end)

  it("is found in lines that are hashed, have marks or several names", function()
    local dir = test.temp_dir()
    process.run { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir .. "/k" }
    local key = fs.read(dir .. "/k.pub")
    fs.write(dir .. "/known", "[a.lan]:2222,b.lan " .. key)
    process.run { "ssh-keygen", "-q", "-H", "-f", dir .. "/known" }
    local text = fs.read(dir .. "/known")
    expect(text):contains "|1|"
    local function count(lines, ...) return #known_host.lines(lines, ...) end
    expect(count(text, "a.lan", 2222)):equals(1)
    expect(count(text, "b.lan", 22)):equals(1)
    expect(count(text, "a.lan", 22)):equals(0)
    expect(count("# c.lan " .. key, "c.lan", 22)):equals(0)
    expect(count("c.lan " .. key .. "@revoked c.lan " .. key, "c.lan", 22)):equals(0)
  end)

  -- ssh-keyscan writes those of a server in any order, and Debian hashes all names.
  case("of another type, or of another server, is in no one's way", function(server, dir)
    remote.make { ["a.txt"] = "a" }
    local mine = fs.read(dir .. "/known")
    for _, kind in ipairs { "rsa", "ecdsa" } do
      process.run { "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", dir .. "/" .. kind }
    end
    local host = ("[127.0.0.1]:%d "):format(server.ports[1])
    fs.write("many", host .. fs.read "rsa.pub" .. mine)
    fs.write("hashed", "other.lan " .. fs.read "ecdsa.pub" .. mine)
    process.run { "ssh-keygen", "-q", "-H", "-f", dir .. "/hashed" }
    remote.upload { known_hosts = "many" }
    remote.upload { known_hosts = "hashed" }
    fs.write("old", host .. fs.read "rsa.pub")
    -- Asked for real, libssh2 1.10 copies bytes onto themselves when it has only RSA.
    expect((known_host.explain("old", "127.0.0.1", server.ports[1])))
      :contains "only a key of type RSA"
    fs.write("revoked", mine .. "@revoked " .. mine)
    remote.refuses({ known_hosts = "revoked" }, { kind = "tls" })
  end)

  case("need not be known where that is written out", function()
    remote.make { ["a.txt"] = "a" }
    fs.write("none", "")
    expect(remote.upload({ known_hosts = "none", http = { insecure = true } }).sent):equals(1)
  end)
end)

describe("SFTP: the login", function()
  case("with a wrong password or key is refused, and says with what", function(server, dir)
    remote.make { ["a.txt"] = "a" }
    local err = remote.refuses({ ssh_key = dir .. "/host" }, { kind = "auth" })
    expect(err.message):contains(("the user is '%s', the key %s/host"):format(server.user, dir))
    expect(err.attempts):equals(1)
    err = remote.refuses({ ssh_key = dir .. "/me.pub" }, { kind = "auth" })
    expect(err.message):contains "no private key in that file"
    process.run { "ssh-keygen", "-q", "-p", "-P", "", "-N", "geheim", "-f", dir .. "/me" }
    err = remote.refuses({}, { kind = "auth" })
    expect(err.message):contains "it is encrypted: give its `key_password`"
    expect(remote.upload({ key_password = "geheim" }).sent):equals(1)
    local url = remote.with().url
    err = expect(function()
      orch.deploy.sftp.upload { folder = "web", url = url, user = server.user,
        password = "hunter2", known_hosts = dir .. "/known" }
    end):raises { kind = "auth" }
    expect(err.message):contains "and there was a password"
    expect(err.message).never:contains "hunter2"
  end)

  case("with a key that is not there, or a user that is missing", function()
    remote.make { ["a.txt"] = "a" }
    remote.refuses({ ssh_key = "nokey" }, { kind = "usage", message = "there is no file 'nokey'" })
    local _ <close> = orch.with_env { USER = false }
    local url = remote.with().url
    expect(function() orch.deploy.sftp.upload { folder = "web", url = url } end)
      :raises { kind = "usage", message = "needs the option `user`" }
  end)

  case("to a place where nothing may be written", function(server, dir)
    remote.make { ["a.txt"] = "a" }
    local err = remote.refuses({ url = ("sftp://127.0.0.1:%d/proc/none/"):format(server.ports[1]) },
      { kind = "rejected" })
    expect(err.message):matches "^sftp: cannot make the folder 'sftp://127.0.0.1:%d+/proc/none/': "
    fs.write("file", "x")
    remote.refuses({ url = ("sftp://127.0.0.1:%d%s/file/"):format(server.ports[1], dir) },
      { kind = "rejected" })
  end)

  case("counts from the home with a tilde", function(server, dir)
    remote.make { ["a b'\"\\.txt"] = "a" }
    local home = process.run({ "sh", "-c", "echo ~" }).stdout:match "%S+"
    local up = ("../"):rep(select(2, home:gsub("/", "")))
    local err = remote.refuses({ url = ("sftp://127.0.0.1:%d/~/%s%s/there/"):format(
      server.ports[1], up, dir:sub(2)) }, { kind = "usage" })
    expect(err.message):contains "has '..' in it"
  end)
end)
