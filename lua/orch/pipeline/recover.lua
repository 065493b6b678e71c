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

local function recover_run(state, row, folder)
  local fs = require "orch.fs"
  if not fs.exists(folder.events) then return end
  local script, time = row.script, row.time
  for record in events.read(folder.events) do
    if record.event == "run_start" or record.event == "run_resume" then
      script, time = record.script or script, record.time or time
    elseif record.event == "job_end" then
      local found = recover.record(record, row.id, time + record.t)
      if found then state:save(script, record.job, found) end
    end
  end
end

---Takes in the runs that have begun and not ended. The caller holds the project's lock, so
---none of them is at work.
---@async
---@param p orch.Project
---@param state orch.State
function recover.all(p, state)
  for _, row in ipairs(state:runs { limit = 20 }) do
    if row.status == "running" then
      recover_run(state, row, project.run_folder(p, row.id))
      state:run_end { id = row.id, status = "crashed", elapsed = row.elapsed or 0, ok = 0,
        skipped = 0, failed = 0, cancelled = 0 }
    end
  end
  state:flush()
end

return recover
