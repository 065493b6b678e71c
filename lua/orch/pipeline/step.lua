--- Steps: the units in which a job is resumed. What a step returned is kept in the event
--- log; after a crash, or when the job is tried again, it is taken from there.
---
---     local id = orch.step("create release", function() return api.create().id end)

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local current = require "orch.pipeline.current"
local errors = require "orch.core.error"
local keep = require "orch.pipeline.keep"

local step = {}

local function where()
  return errors.where()
end

local function claim(ctx, name)
  local before = ctx.steps[name]
  if before then
    arg.fail("step: job '%s' has a step '%s' already (%s); every step of a job needs a name of "
      .. "its own, for instance with the item's name in it", ctx.job.name, name, before)
  end
  ctx.steps[name] = where()
end

local function record(ctx, name, value, elapsed)
  local text = keep.encode(("the step '%s' of job '%s'"):format(name, ctx.job.name), value)
  ctx.recorded[name] = { text = text }
  ctx.log:touch()
  ctx.session.log:emit("step", { job = ctx.job.name, attempt = ctx.number, step = name,
    elapsed = elapsed, value = keep.decode(text) })
  return keep.decode(text)
end

local function run(ctx, name, fn, ...)
  local log, fields = ctx.session.log, { job = ctx.job.name, attempt = ctx.number, step = name }
  ctx.log:touch()
  log:emit("step_start", fields)
  local started = clock.now()
  local failed <close> = setmetatable({}, { __close = function(_, err)
    if err == nil then return end
    log:emit("step_fail", { job = ctx.job.name, attempt = ctx.number, step = name,
      error = require("orch.pipeline.failure").record(err) })
  end })
  local value = fn(...)
  return record(ctx, name, value, clock.now() - started)
end

---Runs `fn` once per run of the pipeline: its result is written down before the step counts
---as done, and a later attempt or `orch resume` gives that result instead of running it
---again. A crash between what `fn` did and the note repeats it.
---@async
---@generic T
---@param name string of its own in the job
---@param fn fun(...): T its first result must be data that JSON can hold
---@param ... any arguments of `fn`
---@return T value as JSON gives it back, also the first time
---Raises kind `usage` outside of a job, for a name that is taken, and for a result that
---cannot be kept or that contains a secret.
function step.step(name, fn, ...)
  arg.check("step", 1, name, "string")
  arg.check("step", 2, fn, "callable")
  local ctx = current.get "step"
  require("orch.core.task").checkpoint()
  claim(ctx, name)
  local recorded = ctx.recorded[name]
  if recorded then
    ctx.session.log:emit("step_reuse", { job = ctx.job.name, attempt = ctx.number, step = name })
    return keep.decode(recorded.text)
  end
  return run(ctx, name, fn, ...)
end

---For the library: records what a step has now, also where it has had something else before.
---@param ctx table of the job
---@param name string
---@param value any
function step.renew(ctx, name, value)
  ctx.steps[name] = ctx.steps[name] or where()
  record(ctx, name, value, 0)
end

return step
