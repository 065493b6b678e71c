--- One try of a job: where its output goes, its limits, its work, and whether it kept its
--- promises.
---
---     local text = attempt.run(session, node, 1)   -- JSON of what `run` returned

local again = require "orch.pipeline.again"
local clock = require "orch.core.clock"
local core = require "orch.core.task"
local current = require "orch.pipeline.current"
local errors = require "orch.core.error"
local keep = require "orch.pipeline.keep"
local logs = require "orch.pipeline.log"
local output = require "orch.output"
local place = require "orch.place"
local project = require "orch.pipeline.project"

local attempt = {}

local DAEMON = 1

--- Where print, log, progress and commands of the job go.
local Sink = {}
Sink.__index = Sink

function Sink:write(text)
  self.log:write(text)
end

function Sink:write_later(text)
  self.log:write_later(text)
end

function Sink:progress(label, done, total)
  self.log:touch()
  self.session.log:emit("progress", { job = self.job, label = label, done = done, total = total })
end

function Sink:message(level, text)
  self.log:touch()
  if level == "debug" then return end
  self.session.log:emit("message", { job = self.job, level = level, text = text })
end

local function show_duration(seconds)
  if seconds >= 3600 then return ("%.4gh"):format(seconds / 3600) end
  if seconds >= 60 then return ("%.4gm"):format(seconds / 60) end
  return ("%.4gs"):format(seconds)
end

local function limit_error(job, what, text)
  return errors.make { kind = "timeout", stalled = what == "stall" or nil, job = job.name,
    message = text }
end

--- Fails the job when it has given no sign of life for too long. What it printed while
--- something else kept the processor is read first.
local function watch_stall(job, log)
  while true do
    if clock.now() - log.last_activity >= job.stall then clock.sleep(0) end
    local idle = clock.now() - log.last_activity
    if idle >= job.stall then
      errors.throw(limit_error(job, "stall", ("job '%s' has printed nothing for %s (stall)")
        :format(job.name, show_duration(job.stall))))
    end
    clock.sleep(job.stall - idle)
  end
end

local function work(job, ctx, sink)
  local run = job.run
  if type(run) == "function" then
    return run(require("orch.pipeline.handle").new(ctx))
  end
  local process = require "orch.process"
  for _, command in ipairs(type(run) == "string" and { run } or run) do
    process.run_to(command, nil, sink)
  end
end

--- The job's variables, for everything it starts.
local function variables(job, session)
  local env = { ORCH_JOB = job.name, ORCH_RUN = session.run.id }
  for name, value in pairs(job.env or {}) do
    if type(name) == "string" then env[name] = value end
  end
  return env
end

--- What file systems call now. Files are compared with it, so it comes from one; in whole
--- seconds where a job before this one has cleared the folder away, as `git clean -fdx` does.
local function file_time(session)
  local ok, found = pcall(require("orch.fs").stat, session.run.events)
  if ok then return found.mtime end
  if not (errors.is(found) and found.code == "ENOENT") then error(found, 0) end
  return os.time()
end

--- Seconds by which the wall clock was set back during the attempt.
local function clock_jump(marks)
  return (clock.now() - marks.monotonic) - (os.time() - marks.wall)
end

local function promise_error(job, text)
  errors.throw(errors.make { kind = "output", message =
    ("job '%s' ended without an error, but its output %s"):format(job.name, text) })
end

--- Outputs are promises: they must be there, and be newer than the start.
local function verify(session, job, marks)
  if #job.outputs == 0 then return end
  local single = {}
  for i, pattern in ipairs(job.outputs) do
    single[i] = { name = job.name, inputs = {}, outputs = { pattern } }
  end
  local looks = require("orch.pipeline.inputs").look(single, session.project.folder)
  local trusted = clock_jump(marks) < 2
  for i, pattern in ipairs(job.outputs) do
    local look = looks[i].outputs
    if #look.missing > 0 then
      promise_error(job, ("'%s' is missing"):format(pattern))
    elseif trusted and look.newest < marks.file_time then
      promise_error(job, ("'%s' is older than the job's start: nothing was written"):format(pattern))
    end
  end
end

local function limited(job, ctx, sink)
  local s <close> = core.open(job.name, again.limit(job), false, nil, false)
  ctx.scope = s
  if job.stall then core.spawn("orch/stall of " .. job.name, DAEMON, watch_stall, job, ctx.log) end
  return work(job, ctx, sink)
end

--- The sentence of a timeout names the job and its limit.
local function explain(job, ctx, err)
  if errors.is(err) and err.kind == "timeout" and err.scope ~= nil and err.scope == ctx.scope then
    err.message = ("job '%s' took longer than its timeout of %s"):format(job.name,
      show_duration(again.limit(job)))
  end
  return err
end

--- Why it failed also stands in the log, below what led to it.
local function note_failure(ctx, err)
  if errors.is_cancelled(err) then return end
  local kind = errors.is(err) and err.kind
  local text = kind == "process" and tostring(err)
    or require("orch.pipeline.failure").text(err)
  pcall(ctx.log.write, ctx.log, "orch: " .. text .. "\n")
end

---Runs one attempt; what it raises is the job's failure, after which no other one follows.
---@async
---@param session table
---@param node table
---@param number integer
---@return string? text JSON of what the job returned
---@return {pause: number, error: any}? failed it failed, and another one is to follow
function attempt.run(session, node, number)
  local job = node.job
  local path = project.job_log(session.run.folder, job.name, number)
  local log <close> = logs.open(path, function(text)
    session.log:pass("output", { job = job.name, text = text })
  end)
  local ctx = {
    session = session, job = job, number = number, log = log, steps = {},
    recorded = session:recorded_steps(job.name),
  }
  local marks = { monotonic = clock.now(), wall = os.time() }
  if #job.outputs > 0 then marks.file_time = file_time(session) end
  local sink = setmetatable({ log = log, session = session, job = job.name }, Sink)
  local _ <close> = output.with(sink)
  local _ <close> = current.set(ctx)
  local _ <close> = job.cwd and place.cd(job.cwd) or nil
  local _ <close> = place.with_env(variables(job, session))
  local ok, result = xpcall(function()
    local value = limited(job, ctx, sink)
    verify(session, job, marks)
    return keep.encode(("job '%s'"):format(job.name), value)
  end, errors.handler)
  if ok then return result end
  note_failure(ctx, explain(job, ctx, result))
  local pause = again.pause(session, node, result)
  if pause then return nil, { pause = pause, error = result } end
  error(result, 0)
end

return attempt
