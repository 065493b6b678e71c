-- The figures of deploying. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"

local function here(path) return "scripts/bench/deploy/" .. path end

local function sent_by(who)
  return ORCH, "run", here "small_files.lua", who, "$protocol", "$port", "$dir", "$here", "$there",
    "$user"
end

-- Ahead of both is what is asked.
local function small_files(protocol)
  return {
    name = "small_files_" .. protocol, title = "2,000 small files, " .. protocol:upper(),
    measure = "seconds", rounds = 5, answer = "answer%s+(%S+)",
    server = { ORCH, "run", here "file_server.lua", protocol },
    ours = { sent_by "orch" },
    peers = { { "lftp --parallel=4", bar = 1, sent_by "lftp" },
      { "rclone --transfers 4", bar = 1, sent_by "rclone" } },
  }
end

return {
  small_files "ftp",
  small_files "sftp",
  {
    name = "three_at_once", title = "uploads of 1, 2, 3 s", measure = "seconds", rounds = 3,
    at_most = 3.020,
    ours = { ORCH, "run", here "three_at_once.lua" }, peers = {},
  },
}
