--- Runs the chosen jobs: what is ready, within slots and pools, the most urgent first. One
--- task keeps all the books; attempts and look-ups run in tasks of their own and report to
--- its inbox. What happens is told to the event log only.
---
---     local schedule = schedule.new(session)
---     schedule:run()

local attempt = require "orch.pipeline.attempt"
local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local freshness = require "orch.pipeline.freshness"
local heap = require "orch.pipeline.heap"
local nodes = require "orch.pipeline.nodes"
local park = require "orch.core.park"
local pools = require "orch.pipeline.pools"
local scopes = require "orch.scope"

---@class orch.Schedule
---@field private session table
local Schedule = { __name = "orch.schedule" }
Schedule.__index = Schedule

for name, method in pairs(require "orch.pipeline.outcome") do Schedule[name] = method end

local schedule = {}

---@param session table with `.chosen`, `.slots`, `.pools`, ...
---@return orch.Schedule
function schedule.new(session)
  local self = setmetatable({
    session = session, ready = heap.new(), inbox = {},
    bell = park.new(), settled = {}, left = #session.chosen,
    pools = pools.new(session.pools, session.slots),
  }, Schedule)
  self.list = nodes.build(session)
  return self
end

---@private
function Schedule:post(message)
  self.inbox[#self.inbox + 1] = message
  self.bell:wake()
end

--- A task whose end comes to the inbox, however it ends.
---@private
function Schedule:start(name, message, fn, ...)
  local function body(...)
    message.begun = true
    local _ <close> = setmetatable({}, { __close = function(_, err)
      message.error = err
      self:post(message)
    end })
    message.value = fn(...)
  end
  message.node.message = message
  message.task = self.scope:hold_quietly(name, body, ...)
end

--- All that the job waits for is over: it is cancelled, skipped, looked at or queued.
---@private
function Schedule:settle(node)
  local verdict, because = nodes.gate(node, self)
  if verdict == "cancel" then return self:cancel(node, because) end
  if verdict == "skip" then return self:skip(node, because) end
  if node.job.skipped then
    if not node.job.run then freshness.pass_on(self.session, node.job) end
    return self:skip(node, "skipped by --skip")
  end
  if self.session.reuse[node.job.name] then
    local again = freshness.again(self.session, node)
    if not again then return self:skip(node, "recorded in this run") end
    self.session:begin_anew(node.job.name)
    return self:queue(node, again)
  end
  if not nodes.is_ordinary(node) then return self:queue(node, freshness.when_reason(node.job)) end
  if not node.dirty then
    local quick, reason = freshness.quick(self.session, node)
    if quick == "fresh" then return self:skip(node, "up to date") end
    if quick == "run" then return self:queue(node, reason) end
  elseif #node.job.inputs == 0 and #node.job.outputs == 0 then
    return self:queue(node, select(2, freshness.quick(self.session, node)))
  else
    node.look = nil -- what ran before it may have changed its files
  end
  node.state = "checking"
  self:start("check of " .. node.job.name, { node = node, what = "checked" },
    freshness.closer, self.session, node)
end

-- ---- attempts ----

--- A typo in an input, or the wrong folder: the job would seem to depend on nothing.
local function warn_of_inputs(session, node)
  local look = node.look and node.look.inputs
  for _, pattern in ipairs(look and look.missing or {}) do
    session.log:emit("message", { job = node.job.name, level = "warn",
      text = ("no file in %s matches its input '%s'"):format(session.project.folder, pattern) })
  end
end

--- Runs in the attempt's own task.
local function try(session, node, number)
  if number == 1 then warn_of_inputs(session, node) end
  local started = clock.now()
  local text, failed = attempt.run(session, node, number)
  if failed then return { failed = failed } end
  local elapsed = clock.now() - started
  local record = freshness.record(session, node, text, elapsed)
  return { text = text, elapsed = elapsed, record = record }
end

---@private
function Schedule:launch(node)
  node.number = node.number + 1
  node.state, node.started, node.ran = "running", clock.now(), true
  node.first_started = node.first_started or node.started
  self.log:emit("job_start", nodes.start_event(self.session, node))
  self:start(node.job.name, { node = node, what = "tried" }, try, self.session, node, node.number)
end

--- Says once what keeps the most urgent ones waiting.
---@private
function Schedule:tell_wait(node, pool)
  if node.told == pool then return end
  node.told = pool
  self.log:emit("job_wait", { job = node.job.name, pool = pool,
    held_by = self.pools:holders(pool) })
end

---@private
function Schedule:dispatch()
  if self.ready.size == 0 then return end
  while not self.pools:is_full() do
    local node = self.ready:take(function(top)
      local lacking = self.pools:lacking(top.job.pools)
      if lacking then self:tell_wait(top, lacking) end
      return not lacking
    end)
    if not node then return end
    self.pools:take(node.job)
    self:launch(node)
  end
end

--- Cancels what is being done about a job. A task that has not begun will not run at all,
--- and so cannot tell.
---@private
function Schedule:interrupt(node, because)
  node.because = because
  local message = node.message
  message.task:cancel("cancelled because " .. because)
  if message.begun then return end
  message.error = errors.make { kind = "cancelled", message = because }
  self:post(message)
end

--- Nothing more is begun, and what runs is cancelled; jobs for after a failure still run.
---@private
function Schedule:stop(because)
  if self.stopping then return end
  self.stopping = because
  for _, node in ipairs(self.ready:clear()) do
    if nodes.is_ordinary(node) then
      self:cancel(node, because)
    else
      self.ready:push(node)
    end
  end
  for _, node in ipairs(self.list) do
    if nodes.is_ordinary(node) then
      if node.state == "pending" and node.pending > 0 then
        self:cancel(node, because)
      elseif node.message and node.state ~= "done" then
        self:interrupt(node, because)
      end
    end
  end
end

-- ---- the loop ----

local handle = {}

function handle:checked(node, message)
  if message.error ~= nil then return self:fail(node, message.error) end
  if message.value == nil then return self:skip(node, "up to date") end
  self:queue(node, message.value)
end

function handle:rested(node)
  node.state = "queued"
  self.ready:push(node)
end

function handle:tried(node, message)
  self.pools:give_back(node.job)
  if message.error ~= nil then return self:fail(node, message.error) end
  local failed = message.value.failed
  if not failed then return self:succeed(node, message.value) end
  if self.interrupted or self.stopping and nodes.is_ordinary(node) then
    return self:fail(node, failed.error)
  end
  self:rest(node, failed)
end

---@private
function Schedule:handle(message)
  local node = message.node
  node.message = nil
  local tried = message.what == "tried"
  local is_cut = not tried -- also where it was ready in the very turn that stopped the run
    or message.error ~= nil and errors.is_cancelled(message.error)
  if is_cut and (node.because or self.interrupted) then
    if tried then self.pools:give_back(node.job) end
    return self:drop(node)
  end
  handle[message.what](self, node, message)
end

---@private
function Schedule:settle_all()
  local at = 1
  while self.settled[at] do -- grows meanwhile
    local node = self.settled[at]
    self.settled[at] = false
    at = at + 1
    if node.state == "pending" then self:settle(node) end
  end
  self.settled = {}
end

---Takes out, before anything is told, what is up to date as it stands and waits for nothing
---else: of thousands of jobs that is most of them. Their `.fresh` is set.
function Schedule:take_fresh()
  local rest = {}
  for _, node in ipairs(self.list) do
    if node.pending == 0 then self.settled[#self.settled + 1] = node end
  end
  local at = 1
  while self.settled[at] do -- grows meanwhile
    local node = self.settled[at]
    if nodes.is_fresh(self.session, node) then
      node.fresh = true
      self:finish(node, "skipped")
    else
      rest[#rest + 1] = node
    end
    at = at + 1
  end
  self.settled = rest
end

---@return boolean over nothing is left to do
function Schedule:is_over()
  return self.left == 0
end

---@private
function Schedule:turn()
  self:settle_all()
  self:dispatch()
  if self.left == 0 then return end
  if #self.inbox == 0 then self.bell:wait() end
  local messages = self.inbox
  self.inbox = {}
  for _, message in ipairs(messages) do self:handle(message) end
end

--- The run was ended from outside: what is left is told, so that nothing stays open.
---@private
function Schedule:close_books(err)
  self.interrupted = err ~= nil
  local deadlock = errors.is_cancelled(err) and err.reason == "deadlock"
  self.stopping = self.stopping
    or deadlock and "nothing was left that could wake what waits" or "the run was ended"
  for _, message in ipairs(self.inbox) do self:handle(message) end
  self.inbox = {}
  for _, node in ipairs(self.list) do
    if node.state ~= "done" then self:cancel(node, self.stopping) end
  end
end

--- Jobs may take their time to end, and somebody waits.
---@private
function Schedule:tell_stopping()
  local names = {}
  for _, node in ipairs(self.list) do
    if node.state == "running" then names[#names + 1] = node.job.name end
  end
  if names[1] then self.log:pass("stopping", { jobs = names }) end
end

---Returns when all jobs are over.
---@async
function Schedule:run()
  self.log = self.session.log
  local _ <close> = setmetatable({}, { __close = function(_, err)
    if self.left > 0 then self:close_books(err) end
  end })
  local scope <close> = scopes.scope { name = "jobs" }
  self.scope = scope
  local _ <close> = setmetatable({}, { __close = function(_, err)
    if err ~= nil then self:tell_stopping() end
  end })
  while self.left > 0 do self:turn() end
end

return schedule
