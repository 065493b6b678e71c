--- Whether a job has to run, and what is remembered of it once it has: a job is up to date
--- while its definition, its inputs, its outputs and what it needs are as they were after
--- its last success. Files are compared by size and time first, by content where these
--- differ.
---
---     local reason = freshness.closer(session, node)   -- nil: up to date

local definition = require "orch.pipeline.definition"
local hash = require("orch.core.code").hash
local inputs = require "orch.pipeline.inputs"

local stamp_of = inputs.stamp

local freshness = {}

---The reason of jobs that nothing could keep from running.
freshness.ALWAYS = "it declares no inputs or outputs"

---The reason of jobs that are there for after a failure, or for in any case: what they did
---last time does not count.
---@param job table
---@return string
function freshness.when_reason(job)
  return ("when = %q"):format(job.when)
end

local CHANGED_MEANWHILE = "the %s changed while it ran last"

local function has_files(job)
  return #job.inputs > 0 or #job.outputs > 0
end

---What the jobs that this one needs have given, in one digest.
---@param session table
---@param job table
---@return string digest
function freshness.needs_digest(session, job)
  if #job.needed == 0 then return "" end
  local parts = {}
  for i, need in ipairs(job.needed) do
    local result = session.results[need.name]
    local digest = result and result.digest
    if not result and not need.run then -- a group that the run leaves out
      digest = freshness.needs_digest(session, need)
    end
    parts[i] = need.name .. "\0" .. (digest or "")
  end
  table.sort(parts)
  return hash(table.concat(parts, "\0"))
end

---A group gives what its jobs have given: who needs the group runs when one of them changes.
---@param session table
---@param group table a job without `run`
function freshness.pass_on(session, group)
  session.results[group.name] = { digest = freshness.needs_digest(session, group) }
end

---@param value_text string? JSON
---@param outputs_digest string?
---@return string digest of what a job has given
function freshness.result_digest(value_text, outputs_digest)
  if not value_text and (outputs_digest or "") == "" then return "" end
  return hash((value_text or "") .. "\0" .. (outputs_digest or ""))
end

local function first_of(list, words)
  local more = #list - 1
  return ("%s %s"):format(words:format(list[1]), more > 0 and ("and %d more"):format(more) or "")
    :gsub("%s+$", "")
end

---How a job's definition differs from the one that succeeded last.
---@param session table
---@param job table
---@return string[] sentences
function freshness.definition_changes(session, job)
  local record = session.records[job.name]
  local before = record.parts and require("orch.json").decode(record.parts) or {}
  return definition.compare(before, definition.parts(job, session.memo))
end

local function definition_reason(session, job)
  local changes = freshness.definition_changes(session, job)
  if #changes == 0 then return "its definition changed" end
  return first_of(changes, "%s")
end

--- The jobs that it needs which succeeded in a later run than itself.
local function newer_needs(session, job)
  local records, newer, any_group = session.records, {}, false
  local own = records[job.name] and records[job.name].run or ""
  for _, need in ipairs(job.needed) do
    local record = records[need.name]
    if record and (record.run or "") > own then newer[#newer + 1] = need.name end
    any_group = any_group or not need.run
  end
  return newer, any_group
end

local function missing_output(look)
  local missing = look and look.outputs and look.outputs.missing
  return missing and missing[1] and first_of(missing, "output %s is missing") or nil
end

local function needs_reason(session, job)
  for _, need in ipairs(job.needed) do
    local node = need.node
    if node and node.ran then return ("the result of %s changed"):format(need.name) end
  end
  local newer, any_group = newer_needs(session, job)
  if #newer == 1 then return ("the result of %s changed"):format(newer[1]) end
  if #newer == 0 and not any_group then return "its list of needs changed" end
  return "the result of what it needs changed"
end

---What can be said from sizes and times alone.
---@param session table
---@param node table with `.look`
---@return "fresh"|"run"|"closer" verdict "closer": contents have to be compared
---@return string? reason to run
---@return boolean? passing what it needs may bring what it brought before, if it runs again
function freshness.quick(session, node)
  local job, record = node.job, session.records[node.job.name]
  if job.forced then return "run", "forced by --force" end
  if not has_files(job) then
    return "run", job.run and freshness.ALWAYS or "a group"
  end
  if not record then return "run", "it has not succeeded here yet" end
  if record.definition ~= node.definition then return "run", definition_reason(session, job) end
  local look = node.look
  local missing = missing_output(look)
  if missing then return "run", missing end
  if record.needs ~= freshness.needs_digest(session, job) then
    return "run", needs_reason(session, job), true
  end
  local same_inputs = not look.inputs or stamp_of(look.inputs) == record.inputs_stamp
  local same_outputs = not look.outputs or stamp_of(look.outputs) == record.outputs_stamp
  if same_inputs and same_outputs then return "fresh" end
  return "closer"
end

---Whether a job that the run has finished in an earlier session has to run again.
---@param session table
---@param node table
---@return string? reason nil: what is recorded holds
function freshness.again(session, node)
  local record, missing = session.reuse[node.job.name], missing_output(node.look)
  if missing then return missing end
  if record.needs ~= freshness.needs_digest(session, node.job) then
    return needs_reason(session, node.job)
  end
end

local function change_text(old, new, what)
  local added, removed, changed = inputs.compare(old, new)
  if #changed > 0 then return first_of(changed, what .. " %s changed") end
  if #added > 0 then return first_of(added, what .. " %s is new") end
  if #removed > 0 then return first_of(removed, what .. " %s is gone") end
  return what .. "s changed"
end

--- A file that was written a moment ago may be written again within the same tick of the
--- clock: its time says nothing yet, and the next run compares contents.
local function vouched(look)
  return look.young and "" or stamp_of(look)
end

--- Compares contents; nil where they are as recorded, and the record then learns the new
--- sizes and times.
local function compare(session, node, side, exclude)
  local job, record, look = node.job, session.records[node.job.name], node.look[side]
  if not look or stamp_of(look) == record[side .. "_stamp"] then return nil end
  if (record[side .. "_digest"] or "") == "" then
    return CHANGED_MEANWHILE:format(side)
  end
  local known = session.state:blob(session.script, job.name, side)
  local now = inputs.detail(job[side], known, exclude)
  if now.digest ~= record[side .. "_digest"] then
    local what = side == "inputs" and "input" or "output"
    return known and change_text(known, now.blob, what) or what .. "s changed"
  end
  record[side .. "_stamp"] = now.stamp == stamp_of(look) and vouched(look) or ""
  record[side .. "_blob"] = now.blob
  session.state:save(session.script, job.name, record)
end

---Whether a job has to run, by the contents of its files where that matters.
---@async
---@param session table
---@param node table
---@return string? reason nil: it is up to date
function freshness.closer(session, node)
  if not node.look then node.look = inputs.look({ node.job })[1] end
  local verdict, reason = freshness.quick(session, node)
  if verdict ~= "closer" then return reason end
  return compare(session, node, "inputs", node.job.outputs)
    or compare(session, node, "outputs")
end

---Whether a job has to run by its files, whatever those before it do to the files that they
---write. Asked where `quick` says "closer".
---@async
---@param session table
---@param node table
---@param written string[] outputs of jobs that run before it
---@return string? reason nil: it depends on them
function freshness.surely(session, node, written)
  local job, record = node.job, session.records[node.job.name]
  if #job.inputs > 0 and (record.inputs_digest or "") == "" then
    return CHANGED_MEANWHILE:format "inputs"
  end
  local known = #job.inputs > 0 and session.state:blob(session.script, job.name, "inputs")
  if known then
    local exclude = table.move(job.outputs, 1, #job.outputs, #written + 1, written)
    local now = inputs.detail(job.inputs, known, exclude)
    local added, _, changed = inputs.compare(known, now.blob) -- what is left out counts as removed
    if #added + #changed > 0 then return change_text(known, now.blob, "input") end
  end
  return compare(session, node, "outputs")
end

--- What the inputs were, unless they changed while the job ran, or after it, before they
--- were read here: then it runs again. Only what differs from the last success is read.
local function note_inputs(session, job, record, before, after)
  record.inputs_stamp, record.inputs_digest = "", ""
  if not before or stamp_of(before) ~= stamp_of(after) then return end
  local known = session.records[job.name] and session.state:blob(session.script, job.name, "inputs")
  local found = inputs.detail(job.inputs, known, job.outputs)
  if found.stamp ~= stamp_of(before) then return end
  record.inputs_stamp = vouched(before)
  record.inputs_digest, record.inputs_blob = found.digest, found.blob
end

local function note_outputs(node, record)
  local found = inputs.detail(node.job.outputs)
  record.outputs_stamp = found.stamp
  record.outputs_digest, record.outputs_blob = found.digest, found.blob
  node.outputs = found
end

---What to keep of a job that has just succeeded. Inputs that changed meanwhile are not
---vouched for: it will run again.
---@async
---@param session table
---@param node table with the `.look` from before it ran
---@param value_text string?
---@param seconds number
---@return table record
function freshness.record(session, node, value_text, seconds)
  local job, before = node.job, node.look or {}
  local record = {
    definition = node.definition, needs = freshness.needs_digest(session, job),
    value = value_text, seconds = seconds, run = session.run.id, time = os.time(),
    parts = require("orch.json").encode(definition.parts(job, session.memo), { sorted = true }),
  }
  if has_files(job) then
    local after = inputs.look({ job })[1]
    if after.inputs then note_inputs(session, job, record, before.inputs, after.inputs) end
    if after.outputs then note_outputs(node, record) end
  end
  record.digest = freshness.result_digest(value_text, record.outputs_digest)
  return record
end

return freshness
