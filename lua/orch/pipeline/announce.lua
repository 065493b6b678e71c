--- The first records of a session: who runs what where, and the jobs.
---
---     announce.begin(session, words, false)

local events = require "orch.pipeline.events"
local keep = require "orch.pipeline.keep"

local announce = {}

local function host()
  local file = io.open "/proc/sys/kernel/hostname"
  if not file then return "?" end
  local _ <close> = file
  return file:read "l" or "?"
end

---@return integer? pid of this process
function announce.pid()
  local file = io.open "/proc/self/stat"
  if not file then return nil end
  local _ <close> = file
  return file:read "n"
end

local function given_params(registry)
  local values = {}
  for _, param in ipairs(registry.params) do values[param.name] = param.value end
  return next(values) and values or nil
end

---Who works here, for the lock and for the log.
---@param self orch.Session
---@return table
function announce.identity(self)
  return {
    run = self.run.id, script = self.script, time = os.time(), pid = announce.pid(), host = host(),
    user = os.getenv "USER" or os.getenv "LOGNAME",
  }
end

local function command_text(run)
  if type(run) == "string" then return run end
  if type(run) ~= "table" then return nil end
  local lines = {}
  for i, command in ipairs(run) do
    lines[i] = type(command) == "table" and require("orch.quote").command(command) or command
  end
  return table.concat(lines, "\n")
end

local function names(list)
  if #list == 0 then return nil end
  local found = {}
  for i, job in ipairs(list) do found[i] = job.name end
  return found
end

local function job_event(self, job)
  local record = self.records[job.name]
  local fresh = job.node.fresh
  return {
    skip = fresh and "up to date" or nil,
    value = fresh and keep.decode(record.value) or nil,
    job = job.name, desc = job.desc, where = job.where, needs = names(job.needed),
    after = names(job.follows), pools = job.pools, timeout = job.timeout,
    priority = job.priority ~= 0 and job.priority or nil,
    when = job.when ~= "success" and job.when or nil,
    expected = record and record.seconds or nil, command = command_text(job.run),
  }
end

local function by_index(a, b)
  return a.index < b.index
end

local function in_order(jobs)
  local order = table.move(jobs, 1, #jobs, 1, {})
  for i = 2, #order do
    if order[i].index < order[i - 1].index then
      table.sort(order, by_index)
      break
    end
  end
  return order
end

--- Each job with what is known of it; where there is nothing to do, their names will do.
local function announce_jobs(self, is_idle)
  local order = in_order(self.chosen)
  if not is_idle then
    for i, job in ipairs(order) do order[i] = job_event(self, job) end
    return self.log:emit_all("job", order)
  end
  self.log:emit("up_to_date", { jobs = names(order) or require("orch.json").array() })
end

---Writes the beginning of the session.
---@param self orch.Session
---@param arguments string[]
---@param is_idle boolean there is nothing to do
function announce.begin(self, arguments, is_idle)
  local start = announce.identity(self)
  start.version, start.orch = events.VERSION, require("orch.core.runtime").versions().orch
  start.folder, start.slots, start.keep_going = self.project.folder, self.slots, self.keep_going
  start.args = #arguments > 0 and arguments or nil
  start.params, start.pools = given_params(self.registry), next(self.pools) and self.pools or nil
  start.session = self.number > 1 and self.number or nil
  self.log:emit(self.number > 1 and "run_resume" or "run_start", start)
  announce_jobs(self, is_idle)
end

return announce
