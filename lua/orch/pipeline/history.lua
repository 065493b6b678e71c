--- The runs of a project: what became of each. The folders are the truth; the index in
--- state.db only saves reading the logs of runs that have ended.
---
---     for _, run in ipairs(history.list(p, { limit = 20 })) do print(run.id, run.status) end

local events = require "orch.pipeline.events"
local json = require "orch.json"
local model = require "orch.pipeline.model"
local project = require "orch.pipeline.project"

local history = {}

---@class orch.PastRun
---@field id string
---@field script string?
---@field started number? seconds since 1970
---@field status "ok"|"failed"|"interrupted"|"crashed"|"running"
---@field elapsed number?
---@field ok integer
---@field skipped integer
---@field failed integer
---@field cancelled integer
---@field args string[]
---@field job {state: string, elapsed: number?}? of the job that was asked for

local function first_line(path)
  local file = io.open(path)
  if not file then return nil end
  local _ <close> = file
  return file:read "l"
end

local function read_all(path)
  local file = io.open(path)
  if not file then return nil end
  local _ <close> = file
  return file:read "a"
end

local function process(pid)
  return (read_all(("/proc/%s/stat"):format(pid)) or ""):match "^%d+ %((.*)%)%s+(.*)$"
end

--- When an orch of this machine began, in seconds since 1970; nil: there is none.
local function process_start(pid)
  local name, fields = process(pid)
  local booted = (read_all "/proc/stat" or ""):match "btime (%d+)"
  if not name or name ~= process "self" or not booted then return nil end
  local n = 0
  for field in fields:gmatch "%S+" do
    n = n + 1
    if n == 20 then return tonumber(booted) + tonumber(field) / 100 end -- after "pid (name)"
  end
end

local CLOCK_SLACK = 2 -- seconds; btime is a whole number

---Whether the process of a run without an end still works on it.
---@param run orch.RunModel
---@return boolean
function history.is_live(run)
  local last = run.sessions[#run.sessions]
  if run.ended or not last or math.type(run.pid) ~= "integer" then return false end
  if run.host and run.host ~= first_line "/proc/sys/kernel/hostname" then return false end
  local began = process_start(run.pid)
  return began ~= nil and began <= last.time + CLOCK_SLACK -- otherwise the number's next owner
end

---A run without an end is at work, and then it is later than its last line, or it has crashed.
---@param run orch.RunModel
function history.judge(run)
  if run.ended then return end
  run.status = history.is_live(run) and "running" or "crashed"
  if run.status == "crashed" then return end
  local last = run.sessions[#run.sessions]
  run.now = math.max(run.now, last.offset + (os.time() - last.time))
  run.elapsed = run.now
end

---A run from its log, with `running` for one that is at work.
---@async
---@param run orch.RunFolder
---@return orch.RunModel
function history.load(run)
  local found = model.load(run.events)
  history.judge(found)
  found.id = found.id or run.id
  return found
end

local function past_of(run)
  return {
    id = run.id, script = run.script, started = run.started, status = run.status,
    elapsed = run.elapsed, ok = run.counts.ok, skipped = run.counts.skipped,
    failed = run.counts.failed, cancelled = run.counts.cancelled, args = run.args or {},
  }
end

local indexed = { ok = true, failed = true, interrupted = true }

local function of_row(row)
  return {
    id = row.id, script = row.script, started = row.time, status = row.status,
    elapsed = row.elapsed, ok = row.ok or 0, skipped = row.skipped or 0,
    failed = row.failed or 0, cancelled = row.cancelled or 0, args = row.args,
  }
end

--- What the index says; without one, as if it were empty.
local function index_of(p)
  local rows = {}
  local ok, err = pcall(function()
    local st <close> = require("orch.pipeline.state").open(p.orch .. "/state.db",
      { read_only = true })
    for _, row in ipairs(st:runs()) do rows[row.id] = row end
  end)
  if not ok and err.kind ~= "state" and err.kind ~= "db" then error(err, 0) end
  return rows
end

--- Only the lines about one job: a long log is read in a fraction of the time.
local function job_in(run, name)
  local needle = '"job":' .. json.encode(name)
  local found = model.new()
  for line in (read_all(run.events) or ""):gmatch "[^\n]+" do
    if line:find(needle, 1, true) or line:find('"run_', 1, true) then
      for record in events.parse(line .. "\n") do found:apply(record) end
    end
  end
  return found.jobs[name]
end

local function describe(run, row)
  if row and indexed[row.status] then return of_row(row) end
  local ok, found = pcall(history.load, run)
  if ok then return past_of(found) end
  if found.kind ~= "os" then error(found, 0) end
  return { id = run.id, status = "crashed", ok = 0, skipped = 0, failed = 0, cancelled = 0,
    args = {} } -- ended before its first line was written
end

local function is_failure(past)
  return past.status ~= "ok" and past.status ~= "running"
end

---The latest first.
---@async
---@param p orch.Project
---@param opts {limit: integer?, failed: boolean?, job: string?}
---@return orch.PastRun[]
function history.list(p, opts)
  local ids, rows, found = project.runs(p), index_of(p), {}
  for i = #ids, 1, -1 do
    if #found >= (opts.limit or math.huge) then break end
    local run = project.run_folder(p, ids[i])
    local job = opts.job and job_in(run, opts.job)
    if job or not opts.job then
      local past = describe(run, rows[ids[i]])
      if job then past.job = { state = job.state, elapsed = job.elapsed } end
      local failed = is_failure(past)
      if job then failed = job.state == "failed" end
      if failed or not opts.failed then found[#found + 1] = past end
    end
  end
  return found
end

return history
