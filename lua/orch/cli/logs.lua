-- `orch logs [JOB]`: what jobs printed; with -f, as they print it.

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local command = require "orch.cli.command"
local follow = require "orch.pipeline.follow"
local history = require "orch.pipeline.history"
local layout = require "orch.cli.table"
local project = require "orch.pipeline.project"
local text = require "orch.report.text"

local LOOK_EVERY = 0.1

local function find_job(run, name)
  if run.jobs[name] then return run.jobs[name] end
  local names = {}
  for i, job in ipairs(run.order) do names[i] = job.name end
  local near = arg.suggest(name, names)
  arg.fail("run %s has no job '%s'; %s", run.id, name,
    near and ("did you mean '%s'?"):format(near) or "see orch show " .. run.id)
end

local function log_path(folder, job, attempt)
  return project.job_log(folder.folder, job.name, attempt.number)
end

-- One path after the other, nothing kept in memory.
local function copy(path)
  local tail = follow.tail(path)
  local bytes = tail:read()
  local last
  while bytes do
    command.write(bytes)
    last, bytes = bytes, tail:read()
  end
  if last and last:sub(-1) ~= "\n" then command.write "\n" end
  return last ~= nil
end

local function heading(job, attempt)
  command.write(("==> %s, attempt %d: %s <==\n"):format(text.line(job.name), attempt.number,
    attempt.status))
end

local function attempts_of(job, asked)
  if asked.all and not asked.attempt then return job.attempts end
  local wanted = command.integer("--attempt", asked.attempt, 1)
  if not wanted then return { job.attempts[#job.attempts] } end
  for _, attempt in ipairs(job.attempts) do
    if attempt.number == wanted then return { attempt } end
  end
  arg.fail("job '%s' has no attempt %d; it made %s", job.name, wanted,
    text.count(#job.attempts, "attempt"))
end

local function print_job(folder, job, asked, with_heading)
  local attempts = attempts_of(job, asked)
  for _, attempt in ipairs(attempts) do
    if with_heading or #attempts > 1 then heading(job, attempt) end
    local printed = copy(log_path(folder, job, attempt))
    if not printed and not asked.all then
      io.stderr:write(("orch: job '%s' printed nothing in attempt %d\n"):format(job.name,
        attempt.number))
    end
  end
  if #attempts == 0 and not asked.all then
    io.stderr:write(("orch: job '%s' has not started in run %s: %s\n"):format(job.name,
      folder.id, job.because and "cancelled because " .. job.because or job.reason or job.state))
  end
end

-- What there is to read, when no job is named and none has failed.
local function print_list(run, folder)
  local fs, rows = require "orch.fs", {}
  for _, job in ipairs(run.order) do
    for _, attempt in ipairs(job.attempts) do
      local path = log_path(folder, job, attempt)
      if fs.exists(path) then
        rows[#rows + 1] = { job.name, attempt.number, layout.status(attempt.status),
          fs.stat(path).size, project.shown(path) }
      end
    end
  end
  if #rows == 0 then return print(("no job of run %s has printed anything"):format(run.id)) end
  command.write(layout.render({ { "JOB", flexible = true }, { "TRY", right = true },
    { "STATE" }, { "BYTES", right = true }, { "LOG", flexible = true } }, rows))
end

local function print_logs(asked, folder)
  local run = history.load(folder)
  if asked.job then return print_job(folder, find_job(run, asked.job), asked) end
  if asked.all then
    for _, job in ipairs(run.order) do print_job(folder, job, asked, true) end
  elseif run.failures[1] then
    heading(run.failures[1], run.failures[1].attempts[#run.failures[1].attempts]
      or { number = 0, status = "not started" })
    print_job(folder, run.failures[1], asked)
  else
    print_list(run, folder)
  end
end

-- Following ------------------------------------------------------------------

-- Whole lines, with the job's name in front when there are several jobs.
local function write_lines(stream, bytes, prefix)
  if not prefix then
    command.write(bytes)
    return
  end
  local whole, rest = (stream.rest .. bytes):match "^(.*\n)(.*)$"
  stream.rest = whole and rest or stream.rest .. bytes
  for line in (whole or ""):gmatch "[^\n]*\n" do command.write("[", prefix, "] ", line) end
end

local function drain(stream, prefix)
  local bytes = stream.tail:read()
  while bytes do
    write_lines(stream, bytes, prefix)
    bytes = stream.tail:read()
  end
end

local function finish(stream, prefix)
  drain(stream, prefix)
  if stream.rest ~= "" then command.write("[", prefix, "] ", stream.rest, "\n") end
  stream.rest, stream.done = "", true
end

-- An attempt's log is read to its end once the log of events says that it is over: so
-- nothing that it printed is missed.
local function pass_on(streams, folder, job, prefix, over)
  for _, attempt in ipairs(job.attempts) do
    local key = job.name .. "\0" .. attempt.number
    local stream = streams[key]
    if not stream then
      stream = { tail = follow.tail(log_path(folder, job, attempt)), rest = "" }
      streams[key] = stream
    end
    if not stream.done then
      local goes_on = attempt.status == "running" and not over
      if goes_on then drain(stream, prefix) else finish(stream, prefix) end
    end
  end
end

local ended = { ok = true, skipped = true, failed = true, cancelled = true }

local function follow_logs(asked, folder)
  local following, streams = follow.run(folder), {}
  following:look()
  local only = asked.job and find_job(following.run, asked.job)
  while true do
    local over = following:is_over() or only and ended[only.state]
    following:look()
    for _, job in ipairs(only and { only } or following.run.order) do
      pass_on(streams, folder, job, not only and text.line(job.name) or nil, over)
    end
    if over or only and ended[only.state] then break end
    clock.sleep(LOOK_EVERY)
  end
  if only and not ended[only.state] then
    io.stderr:write(("orch: run %s is over; job '%s' was %s\n"):format(folder.id, only.name,
      only.state))
  end
end

---@async
return command.new("logs", { "job" }, function(asked, p)
  local folder = project.run(p, asked.run)
  if asked.follow then return follow_logs(asked, folder) end
  print_logs(asked, folder)
end)
