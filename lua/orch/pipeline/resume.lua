--- Going on with a run that was broken off: the script runs again from the top, with the
--- arguments it had; jobs and steps that are recorded as done are not done again.
---
---     resume.adopt(session, found)   -- before the run goes on

local definition = require "orch.pipeline.definition"
local errors = require "orch.core.error"
local events = require "orch.pipeline.events"
local hex = require "orch.hex"
local keep = require "orch.pipeline.keep"
local model = require "orch.pipeline.model"
local recover = require "orch.pipeline.recover"

local resume = {}

---@class orch.RecordedRun
---@field id string
---@field model orch.RunModel
---@field done table<string, table> the job_end of each job that succeeded
---@field steps table<string, table<string, {text: string?}>>
---@field begun table<string, string> by job: the definition that its latest attempt had
---@field force string[] jobs that are to run again all the same
---@field yes boolean? changed code is agreed to; what the run itself was told is no answer to that
---@field start table the run_start: script, args, folder

--- A value that the log has; null stands for nothing.
local function text_of(value)
  if value == nil then return nil end
  return keep.encode("a step", value)
end

local take = {}

function take.run_start(found, record)
  found.start = found.start or record
end

--- From here on another definition counts, or what was done before does not at all.
function take.job_start(found, record)
  if record.anew then found.steps[record.job] = nil end
  found.done[record.job] = nil
  found.begun[record.job] = record.definition
end

function take.step(found, record)
  local steps = found.steps[record.job] or {}
  found.steps[record.job] = steps
  steps[record.step] = { text = text_of(record.value) }
end

--- A session that ends before it comes to a job takes nothing from what an earlier one did.
function take.job_end(found, record)
  if record.status == "ok" then found.done[record.job] = record end
end

---@async
---@param run orch.RunFolder
---@param asked {force: string[]?, yes: boolean?}? what `orch resume` was told
---@return orch.RecordedRun
function resume.read(run, asked)
  local found = {
    id = run.id, model = model.new(), done = {}, steps = {}, begun = {},
    force = asked and asked.force or {}, yes = asked and asked.yes,
  }
  for record in events.read(run.events) do
    found.model:apply(record)
    if take[record.event] then take[record.event](found, record) end
  end
  return found
end

local function plural(n, word)
  return n == 1 and "1 " .. word or n .. " " .. word .. "s"
end

local function say_changed(finished, begun)
  if #finished > 0 then
    io.stderr:write(("orch: the code of %s has changed since the run began: %s; %s again\n")
      :format(plural(#finished, "finished job"), table.concat(finished, ", "),
      #finished == 1 and "it runs" or "they run"))
  end
  if #begun > 0 then
    io.stderr:write(("orch: the code of %s has changed since the run began, and steps of %s are "
      .. "recorded: %s; these are not repeated (--force %s repeats them)\n"):format(
      plural(#begun, "job"), #begun == 1 and "it" or "them", table.concat(begun, ", "), begun[1]))
  end
end

--- Asked, because what is done under another definition may not fit what comes.
local function ask(session, found)
  if found.yes or session.options.dry_run or session.options.explain then return end
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
  local kept = recover.record(record, found.id, os.time())
  if not kept or record.definition ~= hex(definition.digest(job, session.memo)) then
    session:begin_anew(job.name)
    return true
  end
  session.reuse[job.name] = kept
  session.results[job.name] = { text = kept.value, digest = kept.digest }
  session.state:save(session.script, job.name, kept)
  return false
end

local function is_forced(job, found)
  local glob = require "orch.pipeline.glob"
  for _, pattern in ipairs(found.force) do
    if pattern == job.name or glob.is(pattern) and glob.matches(pattern, job.name) then
      return true
    end
  end
  return false
end

--- True when steps are recorded that other code has made.
local function has_foreign_steps(session, job, found)
  return found.steps[job.name] ~= nil and found.begun[job.name] ~= nil
    and found.begun[job.name] ~= hex(definition.digest(job, session.memo))
end

--- Why a job has to be done, by what became of its latest attempt.
local left = {
  running = "it was broken off", cancelled = "it was broken off", failed = "it failed before",
}

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
    session.why[name] = last and left[last.status]
  end
  local finished, begun = {}, {}
  for _, job in ipairs(session.chosen) do
    local record = found.done[job.name]
    if is_forced(job, found) then
      session:begin_anew(job.name)
      session.why[job.name] = "forced by --force"
    elseif record then
      if adopt_job(session, job, record, found) then
        finished[#finished + 1] = job.name
        local has_files = #job.inputs > 0 or #job.outputs > 0 -- their reasons say more
        session.why[job.name] = not has_files and "its code changed" or nil
      end
    elseif has_foreign_steps(session, job, found) then
      begun[#begun + 1] = job.name
    end
  end
  if #finished + #begun == 0 then return end
  say_changed(finished, begun)
  ask(session, found)
end

return resume
