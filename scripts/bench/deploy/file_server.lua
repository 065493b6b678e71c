-- file_server.lua ftp|sftp: vsftpd or OpenSSH on a port of its own, and the folder of 2,000
-- small files that is sent there. Prints "ready NAME=VALUE ..." and serves until it is ended.
local fs = orch.fs
local real = dofile "tests/helper/real.lua"
local protocol = orch.args[1]

-- In memory: a disk that is busy with something else would decide.
local dir = fs.temp_dir { dir = fs.exists "/dev/shm" and "/dev/shm" or nil }
local here, there = dir .. "/here", dir .. "/there"
math.randomseed(6)
fs.mkdir(there)
for folder = 1, 50 do
  fs.mkdir(("%s/%02d"):format(here, folder))
  for file = 1, 40 do
    local bytes = {}
    for i = 1, math.random(1024, 4096) // 8 do bytes[i] = ("<i8"):pack(math.random(0)) end
    fs.write(("%s/%02d/%02d.bin"):format(here, folder, file), table.concat(bytes),
      { sync = false, atomic = false })
  end
end

-- What each command was is for tests to know, and costs a server time.
local quiet = { "log_ftp_protocol=NO", "xferlog_enable=NO" }
local server <close> = protocol == "ftp" and real.vsftpd(dir, there, quiet) or real.sshd(dir)
print(("ready protocol=%s port=%d dir=%s here=%s there=%s user=%s"):format(protocol,
  server.ports[1], dir, here, there, server.user or "anonymous"))
io.stdout:flush()
orch.sleep "1h"
