-- Runs one test case as a task and looks at what it left behind.
--
--   local outcome = case.run(one)
--   print(outcome.status, outcome.message)

local core = require "orch.core.task"
local runtime = require "orch.core.runtime"
local clock = require "orch.test.clock"
local expect = require "orch.test.expect"
local suite = require "orch.test.suite"
local tree = require "orch.tree"

local HOLD = 2
local AFTER_GRACE = 10

local case = {}

local function is_kind(err, kind)
  return type(err) == "table" and rawget(err, "kind") == kind
end

---Runs a function in a task of its own, under a time limit in real time that a
---deadlock does not wait for.
---@async
---@param name string
---@param seconds number
---@param fn async fun()
---@return boolean ok, any err
function case.guarded(name, seconds, fn)
  local outer = core.current()
  runtime.set_tree(function() return tree.text(outer) end)
  local task = core.spawn(name, HOLD, fn)
  runtime.alarm(seconds, task, "it took longer than " .. tree.duration(seconds)
    .. "; it was doing this:")
  runtime.guard("deadlock", task)
  task:join()
  runtime.alarm()
  runtime.guard("deadlock", outer)
  return task:result()
end

-- The body with its hooks. `after_each` runs on every path and is shielded, so
-- that it can wait although the case was cancelled.
local function body_of(one)
  local before, after = suite.hooks(one)
  return function()
    local cleaner <close> = setmetatable({}, {
      __close = function(_, err)
        local shield <close> = core.open("after_each", nil, true, AFTER_GRACE)
        local first
        for _, hook in ipairs(after) do
          local ok, problem = pcall(hook)
          if not ok then first = first or problem end
        end
        if first and err == nil then error(first, 0) end
      end,
    })
    for _, hook in ipairs(before) do hook() end
    one.fn()
  end
end

local function count_names(names)
  local counts = {}
  for _, name in ipairs(names) do counts[name] = (counts[name] or 0) + 1 end
  return counts
end

-- What is there now and was not before, as a list.
local function news(before, now)
  local counts, list = count_names(before), {}
  for _, name in ipairs(now) do
    if (counts[name] or 0) > 0 then
      counts[name] = counts[name] - 1
    else
      list[#list + 1] = name
    end
  end
  return list
end

local function held_locks()
  local lock = package.loaded["orch.lock"]
  return lock and lock.held and lock.held() or {}
end

local function live_tasks()
  local names = {}
  for _, task in ipairs(tree.below(core.root())) do
    names[#names + 1] = task.name
  end
  return names
end

local function snapshot()
  local leaks = runtime.leaks()
  local unclosed = package.loaded["orch.unclosed"]
  if unclosed then unclosed.take(leaks) end
  return {
    tasks = live_tasks(),
    handles = runtime.handles(),
    locks = held_locks(),
    leaks = leaks,
  }
end

-- Closing a handle takes a turn of the loop: look a few times.
local function settle(before)
  for _ = 1, 3 do
    if #news(before.handles, runtime.handles()) == 0 then return end
    core.checkpoint()
  end
end

local function leftovers(before)
  settle(before)
  local now = snapshot()
  local list = {}
  local function add(what, names)
    if #names == 0 then return end
    list[#list + 1] = what .. ": " .. table.concat(names, ", ")
  end
  add("the case left a task behind", news(before.tasks, now.tasks))
  add("the case left a handle open", news(before.handles, now.handles))
  add("the case left a lock held", news(before.locks, now.locks))
  for _, sentence in ipairs(news(before.leaks, now.leaks)) do
    list[#list + 1] = sentence
  end
  return list
end

local function clean_up()
  clock.real()
  local http = package.loaded["orch.test.http"]
  if http then http.clean_up() end
  local helpers = package.loaded["orch.test.helpers"]
  if not helpers then return true end
  return case.guarded("clean-up", AFTER_GRACE, helpers.clean_up)
end

---Runs a case.
---@async
---@param one orch.TestCase
---@param limit number seconds for the case, unless it has its own
---@return {status: string, seconds: number, error: any, leftovers: string[], reason: string?, expectations: integer}
function case.run(one, limit)
  if one.skipped then
    return { status = "skipped", reason = one.skipped, seconds = 0,
      expectations = 0, leftovers = {} }
  end
  local before, judged = snapshot(), expect.count()
  local started = clock.now()
  if one.options.clock == "virtual" then clock.virtual() end
  local ok, err = case.guarded(one.name, one.options.timeout or limit,
    body_of(one))
  local clean, problem = clean_up()
  if ok and not clean then ok, err = clean, problem end
  local outcome = {
    seconds = clock.now() - started,
    expectations = expect.count() - judged,
    error = not ok and err or nil,
    leftovers = leftovers(before),
  }
  if not ok and is_kind(err, "skip") then
    outcome.status, outcome.reason, outcome.error = "skipped", err.message, nil
  elseif ok and #outcome.leftovers == 0 then
    outcome.status = "passed"
  else
    outcome.status = "failed"
  end
  return outcome
end

return case
