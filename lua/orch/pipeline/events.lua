--- The event log of a run: one JSON object per line, appended before anything that
--- follows from it happens. It is the truth about a run; whatever a person sees is made
--- from it. The records are described in lua/orch/pipeline/README.md.
---
---     local log <close> = events.open(run.events)
---     log:emit("job_start", { job = "build", attempt = 1 })

local clock = require "orch.core.clock"
local json = require "orch.json"

local events = {}

--- Of the schema. Readers ignore events and fields that they do not know.
events.VERSION = 1

---@class orch.EventLog
---@field private journal table
---@field private listeners (fun(record: table))[]
---@field private began number of the session
local Log = { __name = "orch.events" }
Log.__index = Log

---@param path string of the file; its folder must be there
---@return orch.EventLog log raises kind `os`
function events.open(path)
  return setmetatable({
    journal = require("orch.core.journal").open(path), listeners = {}, began = clock.now(),
  }, Log)
end

--- Text that is not UTF-8 would be no JSON.
local function clean(value)
  if type(value) == "string" then
    if utf8.len(value) then return value end
    return require("orch.pipeline.text").valid(value)
  elseif type(value) ~= "table" or getmetatable(value) ~= nil then
    return value
  end
  local copy = {}
  for key, item in next, value do copy[clean(key)] = clean(item) end
  return copy
end

local function encode(t, name, fields)
  local ok, body = pcall(json.encode, fields, { sorted = true })
  if not ok then body = json.encode(clean(fields), { sorted = true }) end
  local head = ('{"t":%.6f,"event":"%s"'):format(t, name)
  if next(fields) == nil then return head .. "}\n" end
  return head .. "," .. body:sub(2) .. "\n"
end

local function masked(fields)
  local secrets = package.loaded["orch.secrets"]
  return secrets and secrets.scrub(fields) or fields
end

---@private
function Log:tell(record)
  for _, listener in ipairs(self.listeners) do listener(record) end
end

---Calls `fn(record)` for every record from now on, after it has been written.
---@param fn fun(record: table)
function Log:listen(fn)
  self.listeners[#self.listeners + 1] = fn
end

---Calls it no more. Also works while records are being told.
---@param fn fun(record: table)
function Log:unlisten(fn)
  local rest = {}
  for _, listener in ipairs(self.listeners) do
    if listener ~= fn then rest[#rest + 1] = listener end
  end
  self.listeners = rest
end

---Writes a record and tells the listeners. Never waits, so it also works while the task is
---cancelled. Raises kind `os` when the disk is full.
---@param name string
---@param fields table becomes the record
function Log:emit(name, fields)
  fields = masked(fields)
  local t = clock.now() - self.began
  self.journal:append(encode(t, name, fields))
  fields.t, fields.event = t, name
  self:tell(fields)
end

---The same for many at once, with one write.
---@param name string
---@param list table[]
function Log:emit_all(name, list)
  if #list == 0 then return end
  local t, lines = clock.now() - self.began, {}
  for i, fields in ipairs(list) do
    list[i] = masked(fields)
    lines[i] = encode(t, name, list[i])
  end
  self.journal:append(table.concat(lines))
  for _, fields in ipairs(list) do
    fields.t, fields.event = t, name
    self:tell(fields)
  end
end

---Tells the listeners only: what passes by and is kept elsewhere.
---@param name string
---@param fields table
function Log:pass(name, fields)
  fields.t, fields.event = clock.now() - self.began, name
  self:tell(fields)
end

function Log:close()
  self.journal:close()
end

Log.__close = Log.close

--- Which records are about the run, not about a job.
local of_run = { run_start = true, run_resume = true, run_end = true, up_to_date = true }

--- Something else may have written into the file.
local function is_record(value)
  if type(value) ~= "table" or type(value.event) ~= "string" or not math.type(value.t) then
    return false
  end
  local job, step = value.job, value.step
  if step ~= nil and type(step) ~= "string" then return false end
  return type(job) == "string" or job == nil and (of_run[value.event]
    or not (value.event:find "^job" or value.event:find "^step"))
end

---The records of a text; what cannot be read is counted, not raised.
---@param text string
---@return fun(): table? iterator
---@return {skipped: integer, torn: boolean} info complete when the iterator has ended
function events.parse(text)
  local info = { skipped = 0, torn = text ~= "" and text:sub(-1) ~= "\n" }
  local at = 1
  return function()
    while at <= #text do
      local stop = text:find("\n", at, true)
      local line = text:sub(at, (stop or #text + 1) - 1)
      at = (stop or #text) + 1
      local ok, record = pcall(json.decode, line)
      if ok and is_record(record) then return record end
      if stop and line ~= "" then info.skipped = info.skipped + 1 end
    end
  end, info
end

---@async
---@param path string
---@return fun(): table? iterator over the records
---@return {skipped: integer, torn: boolean} info
function events.read(path)
  return events.parse(require("orch.fs").read(path))
end

return events
