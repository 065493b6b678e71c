--- One session of a run: everything that planning and running share.
---
---     local session <close> = session.open(plan)
---     schedule.new(session):run()

local announce = require "orch.pipeline.announce"
local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local events = require "orch.pipeline.events"
local model = require "orch.pipeline.model"
local project = require "orch.pipeline.project"
local quiet = require "orch.core.quiet"

local DAEMON = 1
local FLUSH_EVERY = 0.1

local session = {}

---@class orch.Session
---@field project orch.Project
---@field script string as it was called
---@field chosen table[] jobs in topological order
---@field definitions string[] digest of each chosen job
---@field records table<string, table> what the state keeps of each job
---@field results table<string, {text: string?, digest: string?}>
---@field reuse table<string, orch.JobRecord> finished in an earlier session of the run
---@field anew table<string, boolean> what was recorded of the job does not count any more
---@field why table<string, string> by job: why an earlier session of the run has left it to do
---@field steps table<string, table<string, {text: string?}>> done, by job
---@field attempts table<string, integer> made in earlier sessions, by job
local Session = { __name = "orch.session" }
Session.__index = Session

---Those that are done already; the job adds to them.
---@param name string of the job
---@return table<string, {text: string?}>
function Session:recorded_steps(name)
  local steps = self.steps[name]
  if not steps then
    steps = {}
    self.steps[name] = steps
  end
  return steps
end

---The job runs from its beginning, whatever is recorded of it.
---@param name string
function Session:begin_anew(name)
  self.reuse[name], self.steps[name], self.anew[name] = nil, nil, true
end

--- Results of jobs that an earlier run, or an earlier session, has brought; made when one is
--- asked for, as most of thousands never are.
local function earlier_results(self)
  local records = self.records
  setmetatable(self.results, { __index = function(results, name)
    local record = records[name]
    if not record then return nil end
    local result = { text = record.value, digest = record.digest }
    rawset(results, name, result)
    return result
  end })
end

---Sizes and times of the files of each chosen job. They are looked at while the rest of the
---plan is made.
---@async
---@return table[] looks
function Session:looks()
  return self.looking:await()
end

local function definitions(jobs, memo)
  local digest, list = require("orch.pipeline.definition").digest, {}
  for i, job in ipairs(jobs) do list[i] = digest(job, memo) end
  return list
end

---What planning needs: no run is begun yet.
---@async
---@param found {project: orch.Project, script: string, chosen: table[], options: table, registry: table, state: table}
---@return orch.Session
function session.new(found)
  local self = setmetatable({
    project = found.project, script = found.script, chosen = found.chosen,
    options = found.options, registry = found.registry, state = found.state,
    pools = found.registry.pools, slots = found.slots,
    keep_going = found.options.keep_going or false,
    results = {}, reuse = {}, anew = {}, why = {}, steps = {}, attempts = {},
    memo = require("orch.pipeline.fingerprint").memo(),
  }, Session)
  local tasks = require "orch.task"
  self.looking = tasks.spawn({ name = "look at files", hold = true },
    require("orch.pipeline.inputs").look, found.chosen, nil, true)
  local reading = tasks.spawn({ name = "read the state", hold = true }, found.state.jobs,
    found.state, found.script)
  tasks.checkpoint() -- both are on their way on other threads
  self.definitions = definitions(found.chosen, self.memo)
  self.records = reading:await()
  earlier_results(self)
  return self
end

--- Keeps the state up to date while the jobs run; quiet, so that it neither keeps the run
--- alive nor hides a deadlock.
local function keep_state(self)
  while true do
    quiet.sleep(FLUSH_EVERY)
    self.state:flush()
  end
end

---Makes a run this process's own: nobody else can go on with it, or take it for one that
---was broken off.
---@async
---@param p orch.Project
---@param id string
---@return table guard for `<close>`; raises kind `refused` where another process works on it
function session.claim(p, id)
  local guard, holder = project.try_lock(project.run_folder(p, id).events)
  if guard then return guard end
  errors.throw(errors.make { kind = "refused", message = ("run %s is at work in %s"):format(id,
    holder and ("process %d"):format(holder) or "another process") })
end

---A new run with a folder that no other one has.
---@async
---@param self orch.Session gets `.run`
---@return table guard for `<close>`, as of `claim`
function session.new_run(self)
  local fs, ids = require "orch.fs", project.runs(self.project)
  local id = ids[#ids]
  while true do
    id = project.new_id(id)
    local run = project.run_folder(self.project, id)
    fs.mkdir(run.folder)
    local guard = project.try_lock(run.events)
    if guard and fs.stat(run.events).size == 0 then
      self.run = run
      return guard
    end
    if guard then guard:release() end
  end
end

---Begins the run, or goes on with it: its log and its model.
---@async
---@param self orch.Session
---@param arguments string[] what followed the script's name
---@param is_idle boolean there is nothing to do
---@param resumed {id: string, sessions: integer, model: orch.RunModel}?
function session.begin(self, arguments, is_idle, resumed)
  if resumed then self.run = project.run_folder(self.project, resumed.id) end
  self.number = resumed and #resumed.model.sessions + 1 or 1
  self.log = events.open(self.run.events)
  self.model = resumed and resumed.model or model.new()
  self.log:listen(function(record) self.model:apply(record) end)
  self.started = clock.now()
  self.state:run_start {
    id = self.run.id, script = self.script, time = os.time(), pid = announce.pid(),
    args = table.move(arguments, 1, #arguments, 1, {}),
  }
  if not is_idle then self.state:flush() end
  announce.begin(self, arguments, is_idle)
end

---The task that writes the state down meanwhile.
function Session:keep()
  require("orch.core.task").spawn("orch/state", DAEMON, keep_state, self)
end

---Where the lock says who holds it.
function Session:sign_lock()
  local file <close> = io.open(self.project.orch .. "/lock", "w")
  if not file then return end
  file:write(require("orch.json").encode(announce.identity(self), { sorted = true }), "\n")
end

---The end of the run, also of one that was broken off.
---@param status "ok"|"failed"|"interrupted"
---@param exit_code integer
---@param signal string?
function Session:finish(status, exit_code, signal)
  local counts = self.model.counts
  local fields = {
    status = status, ok = counts.ok, skipped = counts.skipped, failed = counts.failed,
    cancelled = counts.cancelled, elapsed = clock.now() - self.started, exit_code = exit_code,
    signal = signal,
  }
  self.log:emit("run_end", fields)
  self.state:run_end {
    id = self.run.id, status = status, elapsed = self.model.elapsed, ok = counts.ok,
    skipped = counts.skipped, failed = counts.failed, cancelled = counts.cancelled,
  }
  self.state:flush()
end

return session
