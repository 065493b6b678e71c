--- The books of the scheduler: a node for each chosen job, with what it waits for.
---
---     local list = nodes.build(session)

local freshness = require "orch.pipeline.freshness"
local hex = require "orch.hex"
local inputs = require "orch.pipeline.inputs"
local keep = require "orch.pipeline.keep"

local nodes = {}

---@class orch.JobNode
---@field job table
---@field index integer
---@field priority number
---@field state "pending"|"checking"|"queued"|"running"|"retrying"|"done"
---@field outcome "ok"|"skipped"|"failed"|"cancelled"|nil
---@field pending integer jobs that it still waits for
---@field dependents orch.JobNode[]
---@field root string? the job whose failure is the reason that this one cannot run
---@field number integer of the last attempt
---@field definition string digest
---@field look table? sizes and times of its files, before it runs
---@field dirty boolean? something before it ran

---Whether a job is of the usual kind, which runs after successes only.
---@param node orch.JobNode
---@return boolean
function nodes.is_ordinary(node)
  return node.job.when == "success"
end

--- What most jobs have none of; those that do get a table of their own.
local none = setmetatable({}, {
  __newindex = function() error("this table belongs to many nodes", 2) end,
})

--- `on.marked` is the one it was counted for last, as a job may be needed and followed.
local function depend(node, on)
  if not on or on.marked == node then return end
  on.marked = node
  node.pending = node.pending + 1
  if on.dependents == none then on.dependents = {} end
  on.dependents[#on.dependents + 1] = node
end

local function connect(node)
  local job = node.job
  for _, need in ipairs(job.needed) do depend(node, need.node) end
  for _, other in ipairs(job.follows) do depend(node, other.node) end
end

--- Whether a job of the usual kind waits for this one, be it through others.
local function is_awaited(node, seen)
  for _, dependent in ipairs(node.dependents) do
    if not seen[dependent] then
      seen[dependent] = true
      if nodes.is_ordinary(dependent) or is_awaited(dependent, seen) then return true end
    end
  end
  return false
end

--- A job for after a failure that names nothing to wait for waits for all, unless one of
--- these waits for it.
local function connect_to_all(node, list)
  if nodes.is_ordinary(node) or node.pending > 0 then return end
  node.after_all = true
  if is_awaited(node, {}) then return end
  for _, other in ipairs(list) do
    if nodes.is_ordinary(other) then depend(node, other) end
  end
end

---@async
---@param session table
---@return orch.JobNode[] list in topological order; each is its job's `.node`
function nodes.build(session)
  local list = {}
  for i, job in ipairs(session.chosen) do
    -- Room for what becomes of it: a table that grows is filled anew.
    local node = {
      marked = nil, look = nil, outcome = nil, fresh = nil, verdict = nil, reason = nil,
      job = job, index = job.index, priority = job.priority, state = "pending", pending = 0,
      dependents = none, number = session.attempts[job.name] or 0,
      definition = session.definitions[i],
    }
    list[i], job.node = node, node
  end
  for _, node in ipairs(list) do connect(node) end
  for _, node in ipairs(list) do connect_to_all(node, list) end
  local looks = session:looks()
  for i, node in ipairs(list) do node.look = looks[i] end
  return list
end

local function needs(job, other)
  for _, need in ipairs(job.needed) do
    if need == other then return true end
  end
  return false
end

---A job that `dependent` waits for did not succeed.
---@param dependent orch.JobNode
---@param node orch.JobNode
function nodes.note_failure(dependent, node)
  if dependent.root then return end
  if nodes.is_ordinary(dependent) and not needs(dependent.job, node.job) then return end
  dependent.root = dependent.root or node.root or node.job.name
  dependent.because = dependent.because or node.because or node.job.name .. " failed"
end

---What is to become of a job now that all it waits for is over.
---@param node orch.JobNode
---@param schedule table
---@return "run"|"cancel"|"skip" verdict
---@return string? because
function nodes.gate(node, schedule)
  local when = node.job.when
  if when == "always" then
    node.because = nil
    return "run"
  elseif when == "failure" then
    node.because = nil
    if node.root or node.after_all and schedule.failed then return "run" end
    return "skip", node.after_all and "not needed, as nothing failed"
      or "not needed, as nothing it waits for failed"
  end
  if node.root then return "cancel", node.because end
  if schedule.stopping then return "cancel", schedule.stopping end
  return "run"
end

---Whether a job that waits for nothing any more need not run, by sizes and times alone.
---@param session table
---@param node orch.JobNode
---@return boolean
function nodes.is_fresh(session, node)
  local job = node.job
  return job.when == "success" and not job.skipped and not session.reuse[job.name]
    and freshness.quick(session, node) == "fresh"
end

local kept = { "inputs_stamp", "inputs_digest", "outputs_stamp", "outputs_digest", "needs" }

--- What the record in the state has, so that a run can be continued without it.
local function state_of(record)
  local state = { seconds = record.seconds, parts = record.parts }
  for _, name in ipairs(kept) do
    if record[name] and record[name] ~= "" then state[name] = hex(record[name]) end
  end
  return state
end

---The fields of a job_start. The definition is there for what only functions have: steps.
---@param session table
---@param node orch.JobNode
---@return table
function nodes.start_event(session, node)
  local job = node.job
  local anew = session.anew[job.name]
  session.anew[job.name] = nil
  return { job = job.name, attempt = node.number, reason = node.reason, anew = anew,
    definition = type(job.run) == "function" and hex(node.definition) or nil }
end

local MOST_FILES = 100 -- of a job's outputs that its event names

local function files_of(node)
  return node.outputs and inputs.sizes(node.outputs.blob, MOST_FILES) or nil
end

---The fields of a job_end.
---@param node orch.JobNode
---@param value {text: string?, elapsed: number, record: table}
---@return table
function nodes.success_event(node, value)
  local record = value.record
  return {
    job = node.job.name, attempt = node.number, status = "ok", elapsed = value.elapsed,
    value = keep.decode(value.text), outputs = files_of(node),
    definition = hex(node.definition), digest = hex(record.digest), state = state_of(record),
  }
end

return nodes
