--- Whether the end of a run is to be told: always, when it failed, or when it ended otherwise than
--- before. A run that somebody has ended (Ctrl-C) has neither failed nor changed anything.
---
---     wanted.change(session)

local wanted = {}

--- nil: it might have gone well.
local function outcome_of(status, signal, failed)
  if status == "ok" then return "ok" end
  if status == "interrupted" and signal and failed == 0 then return nil end
  return "failed"
end

local function of_model(run)
  return outcome_of(run.status, run.signal, run.counts.failed)
end

--- Of the sessions before this one, whose own end stands in the log already.
local function of_earlier_sessions(session)
  if session.number == 1 then return nil end
  local before, latest
  for record in require("orch.pipeline.events").read(session.run.events) do
    if record.event == "run_end" then
      before = latest
      latest = outcome_of(record.status, record.signal, record.failed) or latest
    end
  end
  return before
end

--- By whom a run was ended, only its log knows.
local function of_past(session, past)
  if past.status == "running" then return nil end
  if past.status ~= "interrupted" then return outcome_of(past.status) end
  local run = require("orch.pipeline.project").run_folder(session.project, past.id)
  return of_model(require("orch.pipeline.history").load(run))
end

--- Of the runs of the same script before this one; the first one had nothing to change.
local function of_earlier_runs(session)
  local list = require("orch.pipeline.history").list(session.project, { limit = 20 })
  for _, past in ipairs(list) do
    local is_other = past.id ~= session.run.id and past.script == session.script
    local outcome = is_other and of_past(session, past)
    if outcome then return outcome end
  end
  return "ok"
end

---@return boolean
function wanted.always()
  return true
end

---@param session orch.Session
---@return boolean
function wanted.failure(session)
  return of_model(session.model) == "failed"
end

---@async
---@param session orch.Session
---@return boolean
function wanted.change(session)
  local outcome = of_model(session.model)
  return outcome ~= nil
    and outcome ~= (of_earlier_sessions(session) or of_earlier_runs(session))
end

return wanted
