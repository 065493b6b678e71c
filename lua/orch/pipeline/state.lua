--- What a project remembers between runs: for each job what its last success was made of,
--- and an index of the runs. Lost, it costs a run of every job and nothing else.
---
---     local st <close> = state.open(p.orch .. "/state.db")
---     local records = st:jobs "deploy.lua"
---     st:save("deploy.lua", "build", record)     -- queued
---     st:flush()                                 -- written

local core = require "orch.core.task"
local errors = require "orch.core.error"
local json = require "orch.json"
local lock = require "orch.lock"
local sqlite = require "orch.core.sqlite"
local state_file = require "orch.pipeline.state_file"

local state = {}

--- What waits to be written, in the order in which a transaction writes it.
local statements = {
  { "run_start", [[
    INSERT INTO run (id, script, time, args, pid, status) VALUES (?1, ?2, ?3, ?4, ?5, 'running')
    ON CONFLICT DO UPDATE SET pid = ?5, status = 'running']] },
  { "run_end", [[
    UPDATE run SET status = ?2, elapsed = ?3, ok = ?4, skipped = ?5, failed = ?6,
    cancelled = ?7 WHERE id = ?1]] },
  { "job", "INSERT OR REPLACE INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" },
  { "blob", "INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?)" },
  { "duration", [[
    INSERT INTO duration (run, script, job, status, seconds, attempts, time)
    VALUES (?1, (SELECT script FROM run WHERE id = ?1), ?2, ?3, ?4, ?5, ?6)]] },
  { "success", [[
    INSERT OR REPLACE INTO last_success
    VALUES (coalesce((SELECT script FROM run WHERE id = ?1), ''), ?2, ?3)]] },
}

local JOBS = [[
SELECT name, definition, inputs_stamp, outputs_stamp, needs, value, digest, seconds
FROM job WHERE script = ?]]

--- Asked for only where a size or a time has changed, or by people.
local REST = [[
SELECT inputs_digest, outputs_digest, run, time FROM job WHERE script = ? AND name = ?]]
local rest = { inputs_digest = true, outputs_digest = true, run = true, time = true }

local function empty_queue()
  local queue = {}
  for _, statement in ipairs(statements) do queue[statement[1]] = {} end
  return queue
end

---@class orch.JobRecord what a job's last success was made of
---@field definition string digest of its code and options
---@field parts string? JSON, {name: text}: what the definition consists of; like the digests
---  of contents, `run` and `time` it is loaded when it is read first, which waits
---@field inputs_stamp string? digest over paths, sizes and times
---@field inputs_digest string? over contents
---@field inputs_blob string? see State:blob; not loaded, and kept when it is nil
---@field outputs_stamp string?
---@field outputs_digest string?
---@field outputs_blob string?
---@field needs string? digest over the results of its needs
---@field value string? JSON
---@field digest string? of its result
---@field seconds number?
---@field run string? ID
---@field time number? seconds since 1970

---@class orch.State
---@field warning string? a damaged file was put aside
---@field path string
---@field private db table
---@field private queue table<string, table[]>
---@field private writing orch.Lock
local State = { __name = "orch.state" }
State.__index = State

---@async
---@param path string of the file; its folder must be there, unless it is only looked at
---@param opts {read_only: boolean?}? `read_only`: nothing is made, moved or written
---@return orch.State state for `<close>`, which flushes; raises kind `state` (it cannot be
---  written, a newer orch made it) and kind `db`
function state.open(path, opts)
  local read_only = opts ~= nil and opts.read_only or false
  local db, warning = state_file[read_only and "look" or "open"](path)
  return setmetatable({ path = path, db = db, warning = warning, queue = empty_queue(),
    writing = lock.lock(), read_only = read_only }, State)
end

--- The damaged file goes aside, a new one takes its place.
function State:renew()
  local s <close> = core.open("state", nil, true, nil, false)
  self.db:close()
  self.warning = state_file.put_aside(self.path)
  self.db = state_file.open(self.path)
end

--- Calls a method of the database; a file that turns out to be damaged is replaced once.
function State:call(method, ...)
  local db = self.db
  local ok, rows, names, changes = pcall(db[method], db, ...)
  if ok then return rows, names, changes end
  if self.read_only or not state_file.is_damage(rows, self.path) then error(rows, 0) end
  if self.db == db then self:renew() end
  return self.db[method](self.db, ...)
end

---The records of a script's jobs, without blobs.
---@async
---@param script string
---@return table<string, orch.JobRecord> by name
function State:jobs(script)
  local function parts(record, field)
    if field ~= "parts" then return nil end
    record.parts = self:blob(script, record.name, "parts") or false
    return record.parts
  end
  local complete = { __index = parts }
  local lazy = { __index = function(record, field)
    if not rest[field] then return parts(record, field) end
    local row = self:call("query", REST, { script, record.name }, true)[1] or {}
    setmetatable(record, complete)
    for name in pairs(rest) do record[name] = row[name] end
    return row[field]
  end }
  local records = {}
  for _, record in ipairs(self:call("query", JOBS, { script }, true)) do
    records[record.name] = setmetatable(record, lazy)
  end
  return records
end

---@async
---@param script string
---@param name string of the job
---@param side "inputs"|"outputs"|"parts"
---@return string? blob
function State:blob(script, name, side)
  for i = #self.queue.blob, 1, -1 do
    local row = self.queue.blob[i]
    if row[1] == script and row[2] == name and row[3] == side then return row[4][1] end
  end
  local rows = self:call("query",
    "SELECT data FROM blob WHERE script = ? AND name = ? AND side = ?", { script, name, side })
  return rows[1] and rows[1][1]
end

local function blob(bytes)
  return bytes and sqlite.blob(bytes)
end

local function redact(text)
  local secrets = package.loaded["orch.secrets"]
  return text and secrets and secrets.redact(text) or text
end

function State:add(kind, row)
  if self.read_only then return end
  local rows = self.queue[kind]
  rows[#rows + 1] = row
end

---Queues a record; the blobs that it has are written as well, the others stay.
---@param script string
---@param name string
---@param record orch.JobRecord
function State:save(script, name, record)
  self:add("job", {
    script, name, blob(record.definition), blob(record.inputs_stamp),
    blob(record.inputs_digest), blob(record.outputs_stamp), blob(record.outputs_digest),
    blob(record.needs), redact(record.value), blob(record.digest), record.seconds, record.run,
    record.time, n = 13,
  })
  local blobs = { inputs = record.inputs_blob, outputs = record.outputs_blob,
    parts = redact(rawget(record, "parts") or nil) }
  for side, bytes in pairs(blobs) do
    self:add("blob", { script, name, side, blob(bytes) })
  end
end

---Queues that a run begins, or goes on.
---@param run {id: string, script: string, time: number, args: string[]?, pid: integer?}
function State:run_start(run)
  local args = json.encode(json.array(run.args or {}))
  self:add("run_start", { run.id, run.script, run.time, redact(args), run.pid, n = 5 })
end

---Queues how a run ended.
---@param run {id: string, status: string, elapsed: number, ok: integer, skipped: integer,
---  failed: integer, cancelled: integer}
function State:run_end(run)
  self:add("run_end", { run.id, run.status, run.elapsed, run.ok, run.skipped, run.failed,
    run.cancelled, n = 7 })
end

---Queues how long a job took in a run; the run has been started here before.
---@param run string ID
---@param job string
---@param status "ok"|"failed"|"cancelled"
---@param seconds number
---@param attempts integer?
function State:duration(run, job, status, seconds, attempts)
  self:add("duration", { run, job, status, seconds, attempts or 1, os.time() })
  if status == "ok" then self:add("success", { run, job, seconds }) end
end

--- Those that are not written after all go in front of what has come since.
local function put_back(queue, taken)
  for kind, rows in pairs(taken) do
    queue[kind] = table.move(queue[kind], 1, #queue[kind], #rows + 1, rows)
  end
end

local function batch_of(taken)
  local batch = {}
  for _, statement in ipairs(statements) do
    local rows = taken[statement[1]]
    if #rows > 0 then batch[#batch + 1] = { statement[2], rows } end
  end
  return batch
end

local refusals = { SQLITE_READONLY = true, SQLITE_PERM = true, SQLITE_CANTOPEN = true }

local function say_full(self, err)
  if type(err) == "table" and refusals[err.code] then
    err.message = ("cannot write '%s' (%s); make it and its folder writable for you"):format(
      require("orch.pipeline.project").shown(self.path), err.code)
  end
  if type(err) == "table" and err.code == "SQLITE_FULL" then
    err.message = ("cannot write '%s': the disk is full; what this run has done is in its "
      .. "events.jsonl, but jobs may run again next time"):format(
      require("orch.pipeline.project").shown(self.path))
  end
  return err
end

---Writes all that is queued, in one transaction. May be called from several tasks: the
---later ones wait. What could not be written (also for a cancellation) stays queued.
---@async
---Raises kind `db`: `code` is SQLITE_FULL when the disk is full.
function State:flush()
  local _ <close> = self.writing:acquire()
  local taken = self.queue
  local batch = batch_of(taken)
  if #batch == 0 then return end
  self.queue = empty_queue()
  local written <close> = setmetatable({}, { __close = function(done)
    if not done[1] then put_back(self.queue, taken) end
  end })
  local ok, err = pcall(self.call, self, "batch", batch)
  if not ok then error(say_full(self, err), 0) end
  written[1] = true
end

---@class orch.RunRow
---@field id string
---@field script string
---@field time number seconds since 1970
---@field args string[]
---@field pid integer
---@field status string "running" for as long as nobody has written an end
---@field elapsed number?
---@field ok integer?
---@field skipped integer?
---@field failed integer?
---@field cancelled integer?

---The runs that have been flushed, the latest first. It may know less than the folders
---of the runs do: those are the truth.
---@async
---@param opts {limit: integer?, script: string?}?
---@return orch.RunRow[]
function State:runs(opts)
  opts = opts or {}
  local rows = self:call("query", [[
    SELECT * FROM run WHERE ?1 IS NULL OR script = ?1 ORDER BY id DESC LIMIT ?2]],
    { opts.script, opts.limit or -1, n = 2 }, true)
  for _, row in ipairs(rows) do row.args = json.decode(row.args or "[]") end
  return rows
end

---Forgets runs and the durations in them.
---@async
---@param ids string[]
function State:forget_runs(ids)
  local rows = {}
  for i, id in ipairs(ids) do rows[i] = { id } end
  self:call("batch", {
    { "DELETE FROM run WHERE id = ?", rows }, { "DELETE FROM duration WHERE run = ?", rows },
  })
end

---What a job took, the latest first.
---@async
---@param script string
---@param job string
---@param limit integer? default 10
---@return {run: string, status: string, seconds: number, attempts: integer, time: number}[]
function State:durations(script, job, limit)
  return (self:call("query", [[
    SELECT run, status, seconds, attempts, time FROM duration WHERE script = ? AND job = ?
    ORDER BY id DESC LIMIT ?]], { script, job, limit or 10 }, true))
end

---What each job took when it last succeeded.
---@async
---@param script string
---@return table<string, number> seconds by job
function State:averages(script)
  local seconds = {}
  local rows = self:call("query",
    "SELECT job, seconds FROM last_success WHERE script = ?", { script })
  for _, row in ipairs(rows) do seconds[row[1]] = row[2] end
  return seconds
end

---Flushes and closes, also while the task is cancelled.
---@async
function State:close()
  local s <close> = core.open("state", nil, true, nil, false)
  local _ <close> = setmetatable({}, { __close = function() self.db:close() end })
  self:flush()
end

State.__close = State.close

return state
