--- What the state has not learned because orch was killed, from the event logs.
---
---     recover.all(project, state)

local events = require "orch.pipeline.events"
local project = require "orch.pipeline.project"

local recover = {}

local function bytes(hex)
  if type(hex) ~= "string" then return "" end
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

---The record of a success, as its job_end has it. The contents of single files are not in
---there: where one changes, all are read again.
---@param record table
---@param run string ID
---@param time number
---@return table? record nil where the event has none
function recover.record(record, run, time)
  local state = record.state
  if record.status ~= "ok" or type(state) ~= "table" or not record.definition then return nil end
  local value = record.value
  return {
    definition = bytes(record.definition), digest = bytes(record.digest),
    value = value ~= nil and require("orch.json").encode(value, { sorted = true }) or nil,
    parts = state.parts, seconds = state.seconds, run = run, time = time,
    inputs_stamp = bytes(state.inputs_stamp), inputs_digest = bytes(state.inputs_digest),
    outputs_stamp = bytes(state.outputs_stamp), outputs_digest = bytes(state.outputs_digest),
    needs = bytes(state.needs),
  }
end

--- A run beside that one may have brought something later.
local function is_outdated(known, found)
  return known and known.run ~= found.run and (known.time or 0) > found.time
end

--- Gives the record of the end where it was killed after that.
local function recover_run(state, row, folder)
  local script, time, known, last = row.script, row.time, {}, nil
  for record in events.read(folder.events) do
    if record.event == "run_start" or record.event == "run_resume" then
      script, time, last = record.script or script, record.time or time, nil
    elseif record.event == "run_end" then
      last = record
    elseif record.event == "job_end" then
      local found = recover.record(record, row.id, time + record.t)
      known[script] = known[script] or state:jobs(script)
      if found and not is_outdated(known[script][record.job], found) then
        state:save(script, record.job, found)
      end
    end
  end
  return last
end

--- A run at work, beside others (--concurrent), holds the lock of its log.
local function is_at_work(events_path)
  local guard <close> = project.try_lock(events_path)
  return guard == nil
end

local function recover_one(p, state, row)
  local folder, last = project.run_folder(p, row.id), nil
  if require("orch.fs").exists(folder.events) then
    if is_at_work(folder.events) then return end
    last = recover_run(state, row, folder)
  end
  last = last or { status = "crashed" }
  state:run_end { id = row.id, status = last.status, elapsed = last.elapsed or row.elapsed or 0,
    ok = last.ok or 0, skipped = last.skipped or 0, failed = last.failed or 0,
    cancelled = last.cancelled or 0 }
end

---Takes in the runs that have begun and not ended. The caller holds the project's lock.
---@async
---@param p orch.Project
---@param state orch.State
function recover.all(p, state)
  local rows = state:runs { limit = 20 }
  for i = #rows, 1, -1 do
    if rows[i].status == "running" then recover_one(p, state, rows[i]) end
  end
  state:flush()
end

---The same for a project in which nothing is to be run. What is at work does it itself.
---@async
---@param p orch.Project
function recover.project(p)
  local lock <close> = project.try_lock(p.orch .. "/lock")
  if not lock then return end
  local state <close> = require("orch.pipeline.state").open(p.orch .. "/state.db")
  recover.all(p, state)
end

return recover
