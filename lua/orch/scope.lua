--- Scopes: task group, deadline and shield in one object.
---
---     local s <close> = orch.scope { timeout = "30s" }
---     s:spawn(upload, "a.zip")
---     s:spawn(upload, "b.zip")   -- both are over when the block is left

local core = require "orch.core.task"
local errors = require "orch.core.error"
local clock = require "orch.core.clock"
local arg = require "orch.arg"
local tasks = require "orch.task"
local unclosed = require "orch.unclosed"

---@class orch.Scope
---@field spawn fun(self: orch.Scope, fn: function, ...): orch.Task as `orch.spawn`, options included
---@field cancel fun(self: orch.Scope, reason: string?) its tasks and its body
---@field close async fun(self: orch.Scope) joins its tasks; `<close>` calls it

local scope = {}

local HOLD, QUIET, AT_SCOPE = 2, 4, 8

local methods = core.scope_methods
local core_spawn, core_cancel = methods.spawn, methods.cancel

function methods:spawn(fn, ...)
  if arg.is_callable(fn) then return core_spawn(self, nil, 0, fn, ...) end
  local name, flags = tasks.read_options("scope:spawn", fn, (...))
  return core_spawn(self, name, flags, ...)
end

function methods:cancel(reason)
  return core_cancel(self, arg.check("scope:cancel", 1, reason, "string?"))
end

---For the library: a child with a name.
function methods:start(name, fn, ...)
  return core_spawn(self, name, AT_SCOPE, fn, ...)
end

---For the library: a child whose failure is kept, and reported when nobody looks.
function methods:hold(name, fn, ...)
  return core_spawn(self, name, HOLD | AT_SCOPE, fn, ...)
end

---For the library: the same for a call that looks itself.
function methods:hold_quietly(name, fn, ...)
  return core_spawn(self, name, HOLD | QUIET | AT_SCOPE, fn, ...)
end

local options = {
  name = "string", timeout = "duration", deadline = "number", shield = "boolean",
  grace = "duration", on_error = "string",
}

---Opens a scope: use it with `<close>`. Leaving the block joins its tasks; the first
---failure cancels the others and is raised there, `.suppressed` has the rest. Raises
---kind `timeout` when its time is over, kind `cancelled` after `s:cancel()`.
---@param opts {name: string?, timeout: number|string?, deadline: number?, shield: boolean?, grace: number|string?, on_error: "cancel"|"collect"|nil}?
---  `timeout` from now; `deadline` on the scale of `orch.time()`; `shield` holds
---  outside cancellation back for `grace`; `on_error="collect"` lets the others go on
---@return orch.Scope
function scope.scope(opts)
  opts = arg.options("scope", opts, options)
  local mode = opts.on_error or "cancel"
  if mode ~= "cancel" and mode ~= "collect" then
    arg.fail('scope: option `on_error` should be "cancel" or "collect", not %q', mode)
  end
  local timeout = opts.timeout
  if opts.deadline then
    local left = math.max(0, opts.deadline - clock.now())
    timeout = math.min(timeout or math.huge, left)
  end
  return core.open(opts.name or "scope", timeout, opts.shield or false,
    opts.grace, mode == "collect")
end

---For the library: awaits a Task on behalf of a call that ends it when the call ends.
---@async
---@param task orch.Task
---@return any ... its results
function scope.follow(task)
  local _ <close> = setmetatable({}, {
    __close = function(_, err)
      if err == nil or task:done() then return end
      task:cancel("the call that waited for it has ended")
      local s <close> = core.open("follow", nil, true, math.huge, false)
      task:join()
    end,
  })
  return task:await()
end

---Runs `fn` here, or awaits a Task, under a time limit.
---@async
---@param fn function|orch.Task
---@param duration number|string
---@param ... any arguments of `fn`
---@return any ... its results; raises kind `timeout` when the time is over: the function
---  was cancelled and has unwound, the Task was cancelled and joined
function scope.wait_for(fn, duration, ...)
  arg.check("wait_for", 1, fn, "callable|task")
  duration = arg.check("wait_for", 2, duration, "duration")
  core.checkpoint()
  local s <close> = core.open("wait_for", duration, false, nil, false)
  if arg.is_task(fn) then return scope.follow(fn) end
  return fn(...)
end

---The same, giving false instead of raising when the time is over. What fails while
---it unwinds is raised: on `.suppressed` of the timeout.
---@async
---@param duration number|string
---@param fn function|orch.Task
---@param ... any arguments of `fn`
---@return boolean in_time
---@return any ... the results of `fn`
function scope.move_on_after(duration, fn, ...)
  duration = arg.check("move_on_after", 1, duration, "duration")
  arg.check("move_on_after", 2, fn, "callable|task")
  core.checkpoint()
  local s
  return (function(ok, ...)
    if ok then return true, ... end
    local err = ...
    local ours = errors.is(err) and err.kind == "timeout" and err.scope == s
    if ours and not err.suppressed then return false end
    error(err, 0)
  end)(pcall(function(...)
    local guard <close> = core.open("move_on_after", duration, false, nil, false)
    s = guard
    if arg.is_task(fn) then return scope.follow(fn) end
    return fn(...)
  end, ...))
end

---Runs `fn` with cancellation from outside held back.
---@async
---@param fn function
---@param opts {grace: number|string?}? how long at most once a cancellation has
---  come; by default the run's `--grace` (10 s)
---@return any ... its results
function scope.shield(fn, opts)
  arg.check("shield", 1, fn, "callable")
  opts = arg.options("shield", opts, { grace = "duration" })
  local s <close> = core.open("shield", nil, true, opts.grace, false)
  return fn()
end

local deferred = {
  __name = "orch.deferred",
  leak = "the defer of %s was never closed, so it never ran: write "
    .. "`local _ <close> = orch.defer(fn)`",
  __close = function(self, err)
    unclosed.remove(self)
    local shielded, s = pcall(core.open, "defer", nil, true, nil, false)
    local _ <close> = shielded and s or nil
    local ok, problem = pcall(self.fn, err) -- also without memory for the shield
    if ok and not shielded then ok, problem = false, s end
    if ok then return end
    if err == nil or errors.is_cancelled(err) then error(problem, 0) end
    err = errors.normalize(err) -- what was on its way stays the first
    errors.suppress(err, errors.normalize(problem))
    error(err, 0)
  end,
}

---`local _ <close> = defer(fn)`: runs `fn(err)` when the block is left on any path;
---it may wait, shielded for the grace.
---@param fn fun(err: any) gets the error, a Cancelled included, or nil
---@return table deferred for `<close>`
function scope.defer(fn)
  arg.check("defer", 1, fn, "callable")
  return unclosed.add(setmetatable({ fn = fn }, deferred))
end

return scope
