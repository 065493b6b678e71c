--- Going on with a run that was broken off: the script runs again from the top, with the
--- arguments it had; jobs and steps that are recorded as done are not done again.
---
---     resume.adopt(session, found)   -- before the run goes on

local definition = require "orch.pipeline.definition"
local errors = require "orch.core.error"
local events = require "orch.pipeline.events"
local hex = require("orch.pipeline.freshness").hex
local keep = require "orch.pipeline.keep"
local model = require "orch.pipeline.model"
local recover = require "orch.pipeline.recover"

local resume = {}

---@class orch.RecordedRun
---@field id string
---@field model orch.RunModel
---@field done table<string, table> the job_end of each job that succeeded
---@field steps table<string, table<string, {text: string?}>>
---@field start table the run_start: script, args, folder

--- A value that the log has; null stands for nothing.
local function text_of(value)
  if value == nil then return nil end
  return keep.encode("a step", value)
end

---@async
---@param run orch.RunFolder
---@return orch.RecordedRun
function resume.read(run)
  local found = { id = run.id, model = model.new(), done = {}, steps = {} }
  for record in events.read(run.events) do
    found.model:apply(record)
    if record.event == "run_start" then
      found.start = record
    elseif record.event == "step" then
      local steps = found.steps[record.job] or {}
      found.steps[record.job] = steps
      steps[record.step] = { text = text_of(record.value) }
    elseif record.event == "job_end" then
      found.done[record.job] = record.status == "ok" and record or nil
    end
  end
  found.ended = found.model.ended
  return found
end

local function plural(n, word)
  return n == 1 and "1 " .. word or n .. " " .. word .. "s"
end

--- Asked, because what is done under another definition may not fit what comes.
local function ask(session, changed)
  local names = table.concat(changed, ", ")
  io.stderr:write(("orch: the code of %s has changed since the run began: %s; %s again\n"):format(
    plural(#changed, "finished job"), names, #changed == 1 and "it runs" or "they run"))
  if session.options.yes then return end
  local tty = require "orch.tty"
  if not tty.is_terminal "stdin" then
    errors.throw(errors.make { kind = "refused", message =
      "nobody is there to agree to that; add --yes, or start anew with orch run" })
  elseif not tty.confirm "Go on with the changed code?" then
    errors.throw(errors.make { kind = "refused", message = "not agreed to; nothing has run" })
  end
end

--- Uses what a finished job has recorded; true when its code is another one now.
local function adopt_job(session, job, record, found)
  if record.definition ~= hex(definition.digest(job, session.memo)) then return true end
  session.reuse[job.name] = true
  session.results[job.name] = { text = text_of(record.value), digest = nil }
  local kept = recover.record(record, found.id, os.time())
  if kept then session.results[job.name].digest = kept.digest end
  return false
end

---Lets the session take over what the run has done. Raises kind `refused` where code has
---changed and nobody agrees.
---@async
---@param session table
---@param found orch.RecordedRun
function resume.adopt(session, found)
  session.steps = found.steps
  for name, job in pairs(found.model.jobs) do
    local last = job.attempts[#job.attempts]
    session.attempts[name] = last and last.number or 0
  end
  local changed = {}
  for _, job in ipairs(session.chosen) do
    local record = found.done[job.name]
    if record and not job.forced and adopt_job(session, job, record, found) then
      changed[#changed + 1] = job.name
    end
  end
  if #changed > 0 then ask(session, changed) end
end

return resume
