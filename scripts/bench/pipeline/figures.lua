-- The figures of pipelines. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"
local NINJA, DOIT, PARALLEL = "/usr/bin/ninja", "/usr/bin/doit", "/usr/bin/parallel"
local DATA = "build/bench/"
local FOLDER = DATA .. "pipeline"

local function here(path) return "scripts/bench/pipeline/" .. path end
local function sh(command) return "/bin/sh", "-c", command end

local PREPARE = { "/bin/sh", here "prepare.sh", FOLDER }

--- What a job costs beyond its process, by a command with `@` for the number of jobs.
local function overhead(jobs, ...)
  return ORCH, "run", here "overhead.lua", jobs, ...
end

local function per_job(jobs)
  return ORCH, "run", here "linear.lua", ORCH, FOLDER, jobs
end

return {
  {
    name = "noop", title = "10,000 jobs, none to do", measure = "wall", rounds = 11,
    server = PREPARE, -- the round that does not count makes everything
    ours = { ORCH, "run", "-C", FOLDER, "noop.lua" },
    peers = { { "ninja", bar = 1 / 3, moonshot = 1, NINJA, "-C", FOLDER } },
  },
  {
    name = "jobs", title = "10,000 jobs of `:`", measure = "wall", rounds = 3,
    server = PREPARE,
    ours = { sh(ORCH .. " run -j 4 -C " .. FOLDER .. " commands.lua >/dev/null 2>&1") },
    peers = {
      { "xargs -P4 sh -c :", bar = 1 / 1.5, sh "seq 10000 | xargs -P4 -n1 sh -c :" },
      { "vfork+exec in C", DATA .. "vfork_loop", "10000", "4", "/bin/sh", "-c", ":" },
    },
  },
  {
    name = "job-overhead", title = "a job beyond its process", measure = "seconds",
    rounds = 3, server = PREPARE,
    ours = { overhead("5000",
      sh(ORCH .. " run -j 4 -C " .. FOLDER .. " commands.lua --n @ >/dev/null 2>&1")) },
    peers = {
      { "doit -n 4", bar = 10,
        overhead("1000", sh("cd " .. FOLDER .. " && N=@ " .. DOIT .. " -n 4")) },
      { "GNU parallel -j4", bar = 10, overhead("300", sh("seq @ | " .. PARALLEL .. " -j4 :")) },
      { "xargs -P4", overhead("5000", sh "seq @ | xargs -P4 -n1 sh -c :") },
    },
  },
  {
    name = "inputs", title = "1 job, 100,000 inputs", measure = "wall", rounds = 11,
    server = PREPARE,
    ours = { ORCH, "run", "-C", FOLDER, "files.lua" },
    peers = { { "find -printf", bar = 0.5, moonshot = 1,
      sh("exec find " .. DATA .. "tree -printf '%s %T@\\n' >/dev/null") } },
  },
  {
    name = "plan", title = "100,000 jobs planned", measure = "wall", rounds = 5, at_most = 1,
    server = PREPARE,
    ours = { sh("exec " .. ORCH .. " run -n -C " .. FOLDER .. " graph.lua >/dev/null") },
    peers = {},
  },
  {
    name = "plan-linear", title = "a job of 100,000 planned", measure = "seconds", rounds = 3,
    server = PREPARE,
    ours = { per_job "100000" },
    peers = {
      { "one of 10,000", bar = 0.5, per_job "10000" },
      { "one of 1,000", bar = 0.5, per_job "1000" },
    },
  },
  {
    name = "live", title = "50 jobs shown, per second", measure = "seconds", rounds = 1,
    at_most = 0.01,
    ours = { "/bin/sh", here "live.sh", ORCH, FOLDER .. "-live" },
    peers = {},
  },
}
