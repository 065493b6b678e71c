--- Servers that users have, for one test: nginx, vsftpd, OpenSSH, each with a configuration
--- in a folder of its own and on a port that the kernel chose (real.py).
---
---     local nginx <close> = real.nginx(dir, config)
---     http.get("http://127.0.0.1:" .. nginx.ports[1])

local fs, json, process = orch.fs, orch.json, orch.process

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

local real = {}

--- Also where an ordinary user has no such folder in PATH.
local function program(name)
  for _, path in ipairs { process.which(name) or "", "/usr/sbin/" .. name } do
    if path ~= "" and fs.exists(path) then return path end
  end
  orch.test.skip(("there is no %s here; scripts/install-packages.sh test installs it")
    :format(name))
end

---@class tests.Real
---@field ports integer[]
local Real = {}
Real.__index = Real

--- It ends with its stdin, and ends what it has started.
function Real:close()
  if self.closed then return end
  self.closed = true
  self.process:close_stdin()
  self.process:wait()
end

function Real:__close() self:close() end

--- Signals what serves the connections, without the listening socket.
---@param name string "KILL", "STOP", "CONT"
---@return integer count
function Real:signal_sessions(name)
  local pids = {}
  for _, list in ipairs(fs.glob(("/proc/%d/task/*/children"):format(self.process.pid))) do
    for pid in fs.read(list):gmatch "%d+" do pids[#pids + 1] = "-" .. pid end
  end
  if pids[1] then process.run { "kill", "-" .. name, "--", table.unpack(pids) } end
  return #pids
end

--- In a mount namespace of its own: with a small disk at a path that nobody else sees.
local function with_disk(command, disk)
  if not disk then return command end
  local script = ("mount -t tmpfs -o size=%s none '%s' && exec \"$@\""):format(disk.size, disk.path)
  local prefix = { "unshare", "-m", "sh", "-c", script, "sh" }
  local trial = table.move(prefix, 1, #prefix, 1, { check = false })
  trial[#trial + 1] = "true"
  if not process.run(trial).ok then
    orch.test.skip "a full disk needs a mount namespace, which this system does not allow"
  end
  return table.move(command, 1, #command, #prefix + 1, prefix)
end

local function start(opts, ...)
  local command = with_disk({ "python3", "-S", "-E", here .. "/real.py", ... }, opts.disk)
  command.check = false
  local self = setmetatable({ process = process.spawn(command) }, Real)
  local line = self.process:read "line"
  if not line then
    error("it did not start: " .. self.process:wait().stderr, 0)
  end
  self.ports = json.decode(line)
  return self
end

---@async
---@param dir string where it works
---@param config string its configuration; PORT1, PORT2, ... become ports
---@return tests.Real `<close>`-able
function real.nginx(dir, config)
  program "nginx"
  fs.write(dir .. "/nginx.conf", config)
  return start({}, "nginx", dir .. "/nginx.conf")
end

local function user()
  return process.run({ "id", "-un", log = false }).stdout:match "%S+"
end

---An FTP server for everybody.
---@async
---@param dir string
---@param root string what it serves
---@param more? string[] lines of configuration
---@param opts? {disk: {path: string, size: string}?, connections: integer?}
---@return tests.Real
function real.vsftpd(dir, root, more, opts)
  local lines = {
    "listen=NO", "listen_ipv6=NO", "run_as_launching_user=YES", "connect_from_port_20=NO",
    "anonymous_enable=YES", "no_anon_password=YES", "local_enable=NO", "write_enable=YES",
    "anon_upload_enable=YES", "anon_mkdir_write_enable=YES", "anon_other_write_enable=YES",
    "anon_umask=022", "seccomp_sandbox=NO", "anon_root=" .. root, "ftp_username=" .. user(),
    "secure_chroot_dir=" .. root, "xferlog_enable=YES", "log_ftp_protocol=YES",
    "vsftpd_log_file=" .. dir .. "/log",
  }
  table.move(more or {}, 1, #(more or {}), #lines + 1, lines)
  fs.write(dir .. "/vsftpd.conf", table.concat(lines, "\n") .. "\n")
  opts = opts or {}
  return start(opts, "inetd", tostring(opts.connections or 1000), "0", program "vsftpd",
    dir .. "/vsftpd.conf")
end

local SSHD = [[
HostKey %s/host
AuthorizedKeysFile %s/me.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
]]

--- sshd as root insists on /run/sshd, which its service makes: give it one of its own.
local OWN_RUN = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec \"$@\""

---An SFTP server that lets the user of these tests in, with the key `me`.
---@async
---@param dir string gets host, host.pub, me, me.pub and known (a known_hosts file)
---@param opts? {disk: {path: string, size: string}?, rate: integer?} `rate`: bytes per second
---  that each connection takes
---@return tests.Real with `user`
function real.sshd(dir, opts)
  local sshd = program "sshd"
  for _, name in ipairs { "host", "me" } do
    process.run { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir .. "/" .. name }
  end
  fs.write(dir .. "/sshd.conf", SSHD:format(dir, dir))
  local command = { sshd, "-i", "-e", "-f", dir .. "/sshd.conf" }
  if user() == "root" and not fs.exists "/run/sshd" then
    local unshare = { "unshare", "-m", "sh", "-c", OWN_RUN, "sh" }
    if not process.run { "unshare", "-m", "sh", "-c", OWN_RUN, "sh", "true", check = false }.ok then
      orch.test.skip "sshd wants /run/sshd, and this system allows no mount namespace"
    end
    command = table.move(command, 1, #command, #unshare + 1, unshare)
  end
  opts = opts or {}
  local self = start(opts, "inetd", "1000", tostring(opts.rate or 0), table.unpack(command))
  self.user = user()
  fs.write(dir .. "/known",
    ("[127.0.0.1]:%d %s"):format(self.ports[1], fs.read(dir .. "/host.pub")))
  return self
end

return real
