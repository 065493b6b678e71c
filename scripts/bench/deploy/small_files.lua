-- small_files.lua WHO PROTOCOL PORT DIR HERE THERE USER: sends the folder HERE into the empty
-- folder THERE with orch, lftp or rclone, four at a time; prints the seconds that the process
-- took and how many files and bytes have arrived.
local fs, process = orch.fs, orch.process
local who, protocol, port, dir, here, there, user = table.unpack(orch.args)
local ORCH = os.getenv "ORCH" or "build/orch"

if who == "send" then -- ours, in a process of its own
  local ftp = protocol == "ftp"
  local result = orch.deploy[protocol].upload {
    folder = here, connections = 4,
    url = ftp and ("ftp://127.0.0.1:%s/in/"):format(port)
      or ("sftp://127.0.0.1:%s%s/in/"):format(port, there),
    user = not ftp and user or nil, ssh_key = not ftp and dir .. "/me" or nil,
    known_hosts = not ftp and dir .. "/known" or nil,
  }
  assert(result.sent == 2000)
  return
end

local ssh = ("ssh -a -x -i %s/me -o UserKnownHostsFile=%s/known"):format(dir, dir)
local commands = {
  ["orch ftp"] = { ORCH, "run", "scripts/bench/deploy/small_files.lua", "send",
    table.unpack(orch.args, 2) },
  ["lftp ftp"] = { "lftp", "-c", ("open ftp://127.0.0.1:%s; mirror -R --parallel=4 %s %s/in")
    :format(port, here, there) },
  ["lftp sftp"] = { "lftp", "-c", ("set sftp:connect-program '%s'; "):format(ssh)
    .. ("open -u %s,x sftp://127.0.0.1:%s; mirror -R --parallel=4 %s %s/in"):format(user, port,
      here, there) },
  ["rclone ftp"] = { "rclone", "copy", "--config", "/dev/null", "--transfers", "4", here,
    (":ftp,host=127.0.0.1,port=%s,user=anonymous,pass=%s:in"):format(port,
      process.run({ "rclone", "obscure", "nobody" }).stdout:match "%S+") },
  -- Without its digests, for which it would start a command on the server for each file.
  ["rclone sftp"] = { "rclone", "copy", "--config", "/dev/null", "--sftp-disable-hashcheck",
    "--transfers", "4", here,
    (":sftp,host=127.0.0.1,port=%s,user=%s,key_file=%s/me,known_hosts_file=%s/known:%s/in")
      :format(port, user, dir, dir, there) },
}
commands["orch sftp"] = commands["orch ftp"]

fs.remove(there, { recursive = true })
fs.mkdir(there)
local began = orch.time()
process.run(commands[who .. " " .. protocol])
print(("seconds %.6f"):format(orch.time() - began))
local files, bytes = 0, 0
for entry in fs.walk(there, { type = "file", match = "**/*.bin", stat = true }) do
  files, bytes = files + 1, bytes + entry.size
end
print(("answer %d/%d"):format(files, bytes))
