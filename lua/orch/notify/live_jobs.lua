--- The jobs of the running pipeline as a live message shows them, and when they have changed.
---
---     local jobs = live_jobs.follow(session, { "upload:*" }, "announce", function() touch() end)
---     jobs:items()
---     jobs:close()

local glob = require "orch.pipeline.glob"
local view = require "orch.view.show"

local live_jobs = {}

local telling = { job_start = true, job_end = true, job_skip = true, job_retry = true,
  progress = true, message = true, job_ready = true, job = true, up_to_date = true }

local states = { pending = "waiting", queued = "waiting", running = "running",
  retrying = "running", ok = "ok", skipped = "skipped", failed = "failed",
  cancelled = "cancelled" }

---@class orch.notify.Jobs
---@field private model orch.RunModel
---@field private log orch.EventLog
---@field private wanted string[]? globs and names
---@field private own string? the job that looks on
---@field private listener fun(record: table)
local Jobs = {}
Jobs.__index = Jobs

function Jobs:is_wanted(name)
  return name ~= self.own and glob.any(self.wanted, name)
end

local function item_of(job)
  local item = { name = job.name, state = states[job.state] or "waiting" }
  local progress = job.progress
  if item.state == "running" then
    if progress then
      item.done, item.total, item.text = progress.done, progress.total, progress.label
    end
    item.text = job.state == "retrying" and "tries again" or job.message or item.text
  elseif item.state == "failed" then
    item.text, item.elapsed = view.failure(job.error), job.elapsed
  elseif item.state == "ok" then
    item.elapsed = job.elapsed
  elseif item.state == "skipped" then
    item.text = job.reason
  end
  return item
end

---@return table[] items in the order of the jobs
function Jobs:items()
  local items = {}
  for _, job in ipairs(self.model.order) do
    if self:is_wanted(job.name) then items[#items + 1] = item_of(job) end
  end
  return items
end

function Jobs:close()
  self.log:unlisten(self.listener)
end

---@param session orch.Session
---@param wanted string[]? globs and names; nil: all
---@param own string? a job that is left out
---@param touch fun() is called after each change; must not wait
---@return orch.notify.Jobs
function live_jobs.follow(session, wanted, own, touch)
  local self = setmetatable({ model = session.model, log = session.log, wanted = wanted,
    own = own }, Jobs)
  self.listener = function(record)
    if not telling[record.event] then return end
    if record.job == nil or self:is_wanted(tostring(record.job)) then touch() end
  end
  session.log:listen(self.listener)
  return self
end

return live_jobs
