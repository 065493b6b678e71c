-- What --dry-run says, and what the run then does: random pipelines with random changes.
-- `run` runs, `skip` does not, `maybe` does either; afterwards the outputs are those of a
-- folder in which everything was made anew, and a second run finds nothing to do.
--
-- `make test` takes a sample; this takes 200 pipelines:
--
--     ORCH_TEST_PLANS=all orch test --timeout 1h tests/pipeline_plan_test.lua

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
package.path = here .. "/helper/?.lua;" .. package.path
local random_pipeline = require "random_pipeline"
local json = orch.json

local ALL = os.getenv "ORCH_TEST_PLANS" == "all"
local FIRST, LAST = ALL and 1 or 8, ALL and 200 or 10
local ROUNDS = 5

local folder

before_each(function() folder = test.temp_dir() end)

local function orch_in(at, p, words)
  local all = { "run", "p.lua", "--level", tostring(p.level), table.unpack(words) }
  return test.run(all, { cwd = at, timeout = "60s", env = { NO_COLOR = "1", V = p.variable } })
end

--- name -> verdict
local function plan_of(at, p, words)
  local result = orch_in(at, p, { "-n", "--json", table.unpack(words) })
  if result.exit_code ~= 0 then
    error(("exit code %s: %s"):format(result.exit_code, result.stderr))
  end
  local verdicts = {}
  for _, line in ipairs(json.decode(result.stdout)) do
    verdicts[line.job] = line.verdict
    expect(line.reason):matches "%S"
  end
  return verdicts
end

--- name -> "ok", "failed", "cancelled" or "skipped"; a group is "group"
local function run_in(at, p, words)
  local result = orch_in(at, p, { "--ui", "json", "-k", table.unpack(words) })
  if result.exit_code ~= 0 and not random_pipeline.is_broken(p) then
    error(("exit code %s: %s %s"):format(result.exit_code, result.stdout:sub(-2000), result.stderr))
  end
  local outcomes = {}
  for line in result.stdout:gmatch "[^\n]+" do
    local event = json.decode(line)
    if event.event == "up_to_date" then
      for _, name in ipairs(event.jobs) do outcomes[name] = "skipped" end
    elseif event.event == "job" and event.skip then
      outcomes[event.job] = "skipped"
    elseif event.event == "job_skip" then
      outcomes[event.job] = event.reason == "group" and "group" or "skipped"
    elseif event.event == "job_end" then
      outcomes[event.job] = event.status
    end
  end
  return outcomes
end

local fits = {
  run = { ok = true, failed = true, cancelled = true },
  skip = { skipped = true, group = true, cancelled = true },
  maybe = { ok = true, failed = true, cancelled = true, skipped = true },
}

local function outputs_of(at)
  local files = {}
  for _, path in ipairs(orch.fs.glob("out/*", { cwd = at })) do
    files[path] = orch.fs.read(at .. "/" .. path)
  end
  return files
end

--- The same sources and the same script, with nothing remembered.
local function made_anew(at, p, number)
  local clean = ("%s/clean%d"):format(folder, number)
  orch.fs.mkdir(clean .. "/out")
  orch.fs.copy(at .. "/src", clean .. "/src")
  orch.fs.copy(at .. "/p.lua", clean .. "/p.lua")
  run_in(clean, p, {})
  return outputs_of(clean)
end

local function runs_always(job)
  return job.kind == "always" or job.kind == "loose"
end

--- What is up to date stays so.
local function check_nothing_to_do(at, p, story)
  local verdicts, outcomes = plan_of(at, p, {}), run_in(at, p, {})
  for _, job in ipairs(p.jobs) do
    local wanted = job.kind == "group" and "group" or runs_always(job) and "ok" or "skipped"
    if outcomes[job.name] ~= wanted or wanted == "skipped" and verdicts[job.name] == "run" then
      error(("%s: again %s is planned as %s and was %s"):format(story, job.name,
        verdicts[job.name], outcomes[job.name]))
    end
  end
end

local function check_round(at, p, words, story)
  orch.fs.write(at .. "/p.lua", random_pipeline.script(p))
  local verdicts = plan_of(at, p, words)
  local outcomes = run_in(at, p, words)
  for _, job in ipairs(p.jobs) do
    local verdict, outcome = verdicts[job.name], outcomes[job.name]
    if not outcome or not (fits[verdict][outcome] or outcome == "group") then
      error(("%s: %s is planned as %s and was %s"):format(story, job.name, verdict, outcome))
    end
  end
end

local function try(seed)
  local at = ("%s/%d"):format(folder, seed)
  orch.fs.mkdir(at)
  random_pipeline.sources(at)
  local p, roll = random_pipeline.new(seed)
  local story = "seed " .. seed
  check_round(at, p, {}, story)
  for round = 1, ROUNDS do
    local change = random_pipeline.change(p, roll, at)
    local words = {}
    if roll(1, 4) == 1 then words = { "--force", p.jobs[roll(1, #p.jobs)].name } end
    if roll(1, 4) == 1 then table.move({ "--skip", p.jobs[1].name }, 1, 2, #words + 1, words) end
    story = ("%s; %s %s"):format(story, change, table.concat(words, " "))
    check_round(at, p, words, story)
    if not random_pipeline.is_broken(p) then
      check_round(at, p, {}, story)
      expect({ story, outputs_of(at) }):equals { story, made_anew(at, p, seed * 100 + round) }
      check_nothing_to_do(at, p, story)
    end
  end
end

describe("a plan", function()
  it("is what the run then does, and the run does what is needed", function()
    for seed = FIRST, LAST do try(seed) end
  end)
end)
