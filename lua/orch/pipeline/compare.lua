--- What is different between two runs: times, outcomes, and what could explain them.
---
---     local difference = compare.runs(compare.load(before), compare.load(after))

local events = require "orch.pipeline.events"
local history = require "orch.pipeline.history"
local json = require "orch.json"
local model = require "orch.pipeline.model"

local compare = {}

-- What differs by less is the same time: seconds, and a part of it.
local LEAST, LEAST_PART = 0.005, 0.03

---@class orch.LoadedRun
---@field run orch.RunModel
---@field code table<string, {digest: string?, parts: table?}> of the jobs that succeeded

---@class orch.RunDifference
---@field times {job: string, before: number, after: number, change: number}[] seconds, of jobs
---  that succeeded in both; the largest change first
---@field changes {job: string?, what: string, before: string, after: string}[]
---@field new string[] names of jobs
---@field gone string[]

--- The log has the parts of a definition as the state does: JSON in text.
local function parts_of(state)
  if type(state) ~= "table" or type(state.parts) ~= "string" then return nil end
  local ok, parts = pcall(json.decode, state.parts)
  return ok and type(parts) == "table" and parts or nil
end

---@async
---@param folder orch.RunFolder
---@return orch.LoadedRun
function compare.load(folder)
  local run, code = model.new(), {}
  for record in events.read(folder.events) do
    run:apply(record)
    if record.event == "job_end" and record.definition then
      code[record.job] = { digest = record.definition, parts = parts_of(record.state) }
    end
  end
  run.id = run.id or folder.id
  history.judge(run)
  return { run = run, code = code }
end

local function names_of(...)
  local seen, names = {}, {}
  for _, map in ipairs { ... } do
    for name in pairs(map) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  table.sort(names)
  return names
end

local function add(changes, what, before, after)
  changes[#changes + 1] = { what = what, before = before, after = after }
end

local function words(list)
  return list and table.concat(list, " ") or ""
end

--- Of the run as a whole: what it was asked, its params, its width.
local function circumstances(a, b)
  local changes = {}
  for _, field in ipairs { "script", "slots", "host", "user", "orch" } do
    if a[field] ~= b[field] then
      add(changes, field, tostring(a[field] or ""), tostring(b[field] or ""))
    end
  end
  if words(a.args) ~= words(b.args) then add(changes, "asked", words(a.args), words(b.args)) end
  for _, group in ipairs { "params", "pools" } do
    local before, after = a[group] or {}, b[group] or {}
    for _, name in ipairs(names_of(before, after)) do
      if before[name] ~= after[name] then
        add(changes, group:sub(1, -2) .. " " .. name, before[name] ~= nil and
          tostring(before[name]) or "", after[name] ~= nil and tostring(after[name]) or "")
      end
    end
  end
  return changes
end

local function code_change(a, b)
  if not a or not b or a.digest == b.digest then return nil end
  local changed = {}
  for _, name in ipairs(names_of(a.parts or {}, b.parts or {})) do
    if (a.parts or {})[name] ~= (b.parts or {})[name] then
      changed[#changed + 1] = name:gsub("^upvalue ", "")
    end
  end
  if not changed[1] or #changed == 1 and changed[1] == "code" then return "changed" end
  return "changed: " .. table.concat(changed, ", ")
end

local function sorted_words(list)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  return table.concat(copy, " ")
end

local function job_changes(changes, a, b, code_a, code_b)
  local function note(what, before, after)
    add(changes, what, before, after)
    changes[#changes].job = a.name
  end
  if a.state ~= b.state then
    note("state", a.state, b.because and b.state .. " because " .. b.because or b.state)
  end
  local code = code_change(code_a, code_b)
  if code then note("code", "", code) end
  if a.command ~= b.command then note("command", a.command or "", b.command or "") end
  if sorted_words(a.needs) ~= sorted_words(b.needs) then
    note("needs", sorted_words(a.needs), sorted_words(b.needs))
  end
  if #a.attempts ~= #b.attempts and #a.attempts > 0 and #b.attempts > 0 then
    note("attempts", tostring(#a.attempts), tostring(#b.attempts))
  end
  if a.reason ~= b.reason then note("reason", a.reason or "", b.reason or "") end
end

local function ran(job)
  return job and #job.attempts > 0 and job.elapsed and job.state == "ok"
end

local function differ(before, after)
  return math.abs(after - before) >= math.max(LEAST, LEAST_PART * before)
end

---@param before orch.LoadedRun
---@param after orch.LoadedRun
---@return orch.RunDifference
function compare.runs(before, after)
  local a, b = before.run, after.run
  local found = { times = {}, changes = circumstances(a, b), new = {}, gone = {} }
  for _, job in ipairs(b.order) do
    local old = a.jobs[job.name]
    if not old then
      found.new[#found.new + 1] = job.name
    else
      if ran(old) and ran(job) and differ(old.elapsed, job.elapsed) then
        found.times[#found.times + 1] = { job = job.name, before = old.elapsed,
          after = job.elapsed, change = job.elapsed - old.elapsed }
      end
      job_changes(found.changes, old, job, before.code[job.name], after.code[job.name])
    end
  end
  for _, job in ipairs(a.order) do
    if not b.jobs[job.name] then found.gone[#found.gone + 1] = job.name end
  end
  table.sort(found.times, function(x, y)
    if math.abs(x.change) ~= math.abs(y.change) then
      return math.abs(x.change) > math.abs(y.change)
    end
    return x.job < y.job
  end)
  return found
end

return compare
