-- overhead.lua JOBS COMMAND...: the processor time that a job costs beyond the process that
-- it starts. COMMAND runs JOBS jobs of `sh -c :`, four at once; `@` in it is their number.
-- From that the command with one job is taken away, its start, and the same processes
-- started by a loop in C.
local jobs = math.tointeger(orch.args[1])
local BARE = { "build/bench/vfork_loop", "@", "4", "/bin/sh", "-c", ":" }

local function used(command, n)
  local words = { "build/bench/stopwatch" }
  for i, word in ipairs(command) do words[i + 1] = word:gsub("@", tostring(n)) end
  words.timeout = "5m"
  return tonumber(orch.process.run(words).stdout:match "cpu (%S+)")
end

local command = table.move(orch.args, 2, #orch.args, 1, {})
local bare = used(BARE, jobs)
local all, one = used(command, jobs), used(command, 1)
print(("seconds %.9f"):format((all - one - bare) / (jobs - 1)))
