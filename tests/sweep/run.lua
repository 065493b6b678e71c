-- The allocation sweep: every case of cases.lua in one run (inside.lua), and
-- whole runs from the start to the end of the process. A run must end by itself
-- with an exit code of its own and without a word from a sanitizer.
--
--   build/orch tests/sweep/run.lua build/sweep/orch [full|NUMBER]
--
-- NUMBER is about how many allocations fail in each case, mode and program.

local process = orch.process
local binary, full = orch.args[1], orch.args[2] == "full"
local here = orch.args[0]:match("^(.*)/") or "."
local MODES = { "once", "twice", "from" }
local LIMIT = "120s"

local INSIDE, WHOLE = 60, 25
local number = tonumber(orch.args[2])
if number then INSIDE, WHOLE = number, number end

-- Whole runs, with about how many allocations each makes.
local programs = {
  { allocations = 22000, here .. "/whole.lua" },
  { allocations = 7000, "-e", "orch.gather(function() error('no') end, orch.checkpoint)" },
  { allocations = 12000, "test", here .. "/../diff_test.lua" },
}

local function complain(result, what)
  print(("FAILED: %s (exit code %s, signal %s)"):format(what, result.exit_code,
    result.signal))
  print(result.stderr:sub(1, 4000))
  print(result.stdout:sub(-1000))
end

local function start(env, args)
  return process.run {
    binary, stdin = "", check = false, timeout = LIMIT, env = env,
    table.unpack(args),
  }
end

-- One case in one mode, in a process of its own.
local function run_inside(job)
  local result = start(nil, { here .. "/inside.lua", job.case, job.mode,
    tostring(full and 1 or INSIDE) })
  local count = tonumber(result.stdout:match("(%d+) failures injected"))
  if result.exit_code == 0 and count then return count, 0 end
  complain(result, ("%s %s"):format(job.case, job.mode))
  return count or 0, 1
end

local function run_whole(job)
  local result = start({ ORCH_FAIL = job.mode .. ":" .. job.n }, job.program)
  local code = result.exit_code
  local fine = code and code <= 3 and result.stderr:find("sweep: ", 1, true)
    and not result.stderr:find("Sanitizer", 1, true)
    and not result.stderr:find("runtime error", 1, true)
  if fine then return result.stderr:find("sweep: 0 of", 1, true) and 0 or 1, 0 end
  complain(result, ("ORCH_FAIL=%s:%d %s %s"):format(job.mode, job.n, binary,
    table.concat(job.program, " ")))
  return 1, 1
end

local function collect_jobs()
  local jobs = {}
  for _, mode in ipairs(MODES) do
    for _, case in ipairs(require("orch.arg").keys_of(dofile(here .. "/cases.lua"))) do
      jobs[#jobs + 1] = { run = run_inside, case = case, mode = mode }
    end
    for _, program in ipairs(programs) do
      local step = full and 1 or math.max(1, program.allocations // WHOLE)
      for n = 1, program.allocations, step do
        jobs[#jobs + 1] = { run = run_whole, program = program, mode = mode, n = n }
      end
    end
  end
  return jobs
end

local injected, bad = 0, 0
orch.each(collect_jobs(), function(job)
  local count, failed = job.run(job)
  injected, bad = injected + count, bad + failed
end, { concurrency = 4, progress = true })
print(("sweep: %d failures injected, %d bad"):format(injected, bad))
os.exit(bad == 0)
