--- Tasks: functions that run at the same time, each owned by the scope that it was
--- started in.
---
---     local t = orch.spawn(http.get, url)
---     local response = t:await()

local core = require "orch.core.task"
local arg = require "orch.arg"

---@class orch.Task
---@field name string
---@field await async fun(self: orch.Task): ... its results, or raises its error
---@field join async fun(self: orch.Task) waits for its end, whatever that is
---@field cancel fun(self: orch.Task, reason: string?) asks it to end; does not wait
---@field done fun(self: orch.Task): boolean
---@field result fun(self: orch.Task): boolean?, ... ok and results or error; nothing while it runs
---@field traceback fun(self: orch.Task): string where it stands

local task = {}

local DAEMON, HOLD = 1, 2
local options = { name = "string", daemon = "boolean", hold = "boolean" }

---For the library: what `spawn{name=, daemon=, hold=}` says of a task.
---@return string? name
---@return integer flags
function task.read_options(fname, opts, fn)
  if type(opts) ~= "table" then
    arg.fail("%s: argument 1 should be a function, not %s; write "
      .. "spawn(fn, a, b), not spawn(fn(a, b))", fname, arg.describe(opts))
  end
  opts = arg.options(fname, opts, options)
  arg.check(fname, 2, fn, "callable")
  return opts.name, (opts.daemon and DAEMON or 0) | (opts.hold and HOLD or 0)
end

local function spawn_with_options(opts, fn, ...)
  if arg.is_callable(opts) then return core.spawn(nil, 0, opts, fn, ...) end
  local name, flags = task.read_options("spawn", opts, fn)
  return core.spawn(name, flags, fn, ...)
end

---Starts a task in the innermost open scope. It first runs at the next checkpoint;
---its failure fails the scope.
---`spawn({name=, daemon=, hold=}, fn, ...)`: `daemon` is cancelled when the scope's
---body ends; `hold` keeps a failure for `await` alone.
---@param fn function
---@param ... any arguments of `fn`
---@return orch.Task
---@overload fun(opts: {name: string?, daemon: boolean?, hold: boolean?}, fn: function, ...): orch.Task
task.spawn = core.make_spawn(spawn_with_options)

---The running task.
---@return orch.Task|nil task nil in a worker thread
function task.current_task()
  return core.current()
end

---Every live task of the script, each after the one that started it.
---@return orch.Task[]
function task.all_tasks()
  local list = {}
  local function add_children(t)
    for _, child in ipairs(core.children(t)) do
      if child.name:sub(1, 5) ~= "orch/" then -- orch's own: notices, time limits
        list[#list + 1] = child
        add_children(child)
      end
    end
  end
  add_children(core.root())
  return list
end

---Lets every other ready task run; raises when this one is cancelled.
---@async
task.checkpoint = core.checkpoint

return task
