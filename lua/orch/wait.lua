--- Waiting for tasks without owning them.
---
---     for task in orch.as_completed(downloads) do print(task:await()) end

local core = require "orch.core.task"
local park = require "orch.core.park"
local arg = require "orch.arg"
local entry = require "orch.entry"
local scope = require "orch.scope"

local wait = {}

local enough = {
  ALL_COMPLETED = function(_, live) return live == 0 end,
  FIRST_COMPLETED = function(tasks, live) return live < #tasks end,
  FIRST_EXCEPTION = function(tasks, live)
    if live == 0 then return true end
    for _, task in ipairs(tasks) do
      if core.failed(task) then return true end
    end
    return false
  end,
}

local function count_live(tasks)
  local live = 0
  for _, task in ipairs(tasks) do
    if not task:done() then live = live + 1 end
  end
  return live
end

--- Returns when `is_enough`; the watchers end with the scope.
local function watch(tasks, is_enough)
  local s <close> = core.open("wait", nil, false, nil, false)
  for _, task in ipairs(tasks) do
    if not task:done() then s:start("orch/wait", task.join, task) end
  end
  local live = count_live(tasks)
  while not is_enough(tasks, live) do
    s:wait(live)
    live = count_live(tasks)
  end
  s:cancel("the wait is over")
end

---Waits for tasks and cancels nothing.
---@async
---@param tasks orch.Task[]
---@param opts {return_when: "FIRST_COMPLETED"|"FIRST_EXCEPTION"|"ALL_COMPLETED"|nil, timeout: number|string?}?
---@return orch.Task[] done in the order of `tasks`
---@return orch.Task[] pending
function wait.wait(tasks, opts)
  arg.check("wait", 1, tasks, "table")
  for key, task in next, tasks do
    if not arg.is_task(task) then
      arg.fail("wait: entry %s is %s, not a Task; start it with orch.spawn first",
        tostring(key), arg.describe(task))
    elseif math.type(key) ~= "integer" then
      arg.fail("wait: argument 1 should be a list of Tasks; %s is a name in it",
        tostring(key))
    end
  end
  opts = arg.options("wait", opts, { return_when = "string", timeout = "duration" })
  local mode = opts.return_when or "ALL_COMPLETED"
  if not enough[mode] then
    arg.fail("wait: option `return_when` should be one of %s, not %q",
      table.concat(arg.keys_of(enough), ", "), mode)
  end
  core.checkpoint()
  if #tasks > 0 then
    scope.move_on_after(opts.timeout or math.huge, watch, tasks, enough[mode])
  end
  local done, pending = {}, {}
  for _, task in ipairs(tasks) do
    local list = task:done() and done or pending
    list[#list + 1] = task
  end
  return done, pending
end

--- Joins one task and puts it into the order of completion.
local function report(self, task)
  task:join()
  self.finished[#self.finished + 1] = task
  self.park:wake()
end

local function cancel_and_join(tasks)
  local rest = {}
  for _, task in ipairs(tasks) do
    if not task:done() then
      task:cancel("the loop over as_completed was left")
      rest[#rest + 1] = task
    end
  end
  if #rest == 0 then return end
  local s <close> = core.open("as_completed", nil, true, math.huge, false)
  for _, task in ipairs(rest) do task:join() end
end

local completion = {
  __name = "orch.as_completed",
  __close = function(self, err)
    local joined, problem = pcall(cancel_and_join, self.tasks)
    self.scope:close(err)
    if not joined then error(problem, 0) end
  end,
}

--- Closes what was begun when its beginning fails half-way.
local undo = {
  __close = function(self, err)
    if err ~= nil and self.begun.scope then completion.__close(self.begun, err) end
  end,
}

local function begin(self, list, keys)
  local _ <close> = setmetatable({ begun = self }, undo)
  self.scope = core.open("as_completed", nil, false, nil, false)
  for i, key in ipairs(keys) do
    local value = list[key]
    local task = arg.is_task(value) and value
      or entry.start(self.scope, "hold", nil, value)
    self.tasks[i] = task
    self.scope:start("orch/as_completed", report, self, task)
  end
end

---Iterates over Tasks in the order in which they end; leaving the loop cancels and
---joins the rest. Only for `for`, which closes it.
---@async
---@param list (function|orch.Task|table)[] as for `gather`
---@return async fun(): orch.Task? next each with its outcome: `await` or `result` it
function wait.as_completed(list, ...)
  arg.check("as_completed", 1, list, "table")
  arg.options("as_completed", (...), {})
  local keys = entry.keys(list)
  entry.check("as_completed", list, keys)
  local self = setmetatable({
    tasks = {}, finished = {}, given = 0, park = park.new("as_completed"),
    scope = false,
  }, completion)
  local function next_task()
    core.checkpoint()
    if self.given == #self.tasks then return nil end
    while self.given == #self.finished do self.park:wait() end
    self.given = self.given + 1
    return self.finished[self.given]
  end
  begin(self, list, keys)
  return next_task, nil, nil, self
end

return wait
