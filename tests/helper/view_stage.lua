--- A stage for views: a model, a file in memory, and a clock that goes by the records.
---
---     local stage = stages.new("plain", { color = false })
---     stage:play { { event = "run_start", t = 0 }, ... }
---     expect(stage:text()):contains "..."

local model = require "orch.pipeline.model"
local view = require "orch.view"

local stages = {}

local Stage = {}
Stage.__index = Stage

--- What `io.stdout` is to the views; `fails` makes it one that nobody reads.
local function memory()
  local file = { pieces = {} }
  function file:write(text)
    if self.fails then return nil, "Broken pipe", 32 end
    self.pieces[#self.pieces + 1] = text
    return self
  end
  function file:flush() return self end
  return file
end

---@param kind string
---@param opts table? of `view.open`, and `columns`, `rows`
function stages.new(kind, opts)
  opts = opts or {}
  local self = setmetatable({
    run = model.new(), file = memory(), now = 0, columns = opts.columns or 80,
    rows = opts.rows or 24,
  }, Stage)
  self.view = view.open(kind, self.run, {
    stdout = self.file, color = opts.color or false, folder = opts.folder, every = opts.every,
    clock = function() return self.now end,
    size = function() return self.columns, self.rows end,
  })
  if kind == "live" then self:lines() end -- as if it had been drawn: it looks from here on
  return self
end

--- The time goes on to each record.
function Stage:play(records)
  for _, record in ipairs(records) do
    self.now = math.max(self.now, record.t)
    self.run:apply(record)
    self.view:event(record)
  end
  return self
end

--- One record, with its fields in any order: stage:say("job_start", 1.5, { job = "a" }).
function Stage:say(event, t, fields)
  fields = fields or {}
  fields.event, fields.t = event, t
  return self:play { fields }
end

function Stage:start(fields)
  fields = fields or {}
  fields.run, fields.time, fields.script = "20260101-000000-00ff", 0, "deploy.lua"
  fields.slots = fields.slots or 4
  return self:say("run_start", 0, fields)
end

--- Declares jobs by name, or by their records.
function Stage:jobs(list)
  for _, job in ipairs(list) do
    local record = type(job) == "table" and job or { job = job }
    self:say("job", self.now, record)
  end
  return self
end

function Stage:text()
  return table.concat(self.file.pieces)
end

--- What has come since the last call.
function Stage:take()
  local text = self:text()
  self.file.pieces = {}
  return text
end

--- The block as a person sees it now.
function Stage:lines(at, columns, rows)
  self.now = at or self.now
  return self.view:lines(columns or self.columns, rows or self.rows)
end

return stages
