--- "still running: build:ios 12m, build:android 3m": that a quiet run is alive.
---
---     local still = stills.new(run)
---     still:event(record)
---     print(still:sentence(now))

local chains = require "orch.view.chain"
local show = require "orch.view.show"
local text = require "orch.view.text"

local NAMED = 8 -- jobs, those that run longest

---@class orch.ViewStill
---@field private run orch.RunModel
---@field private running orch.ViewChain
local Still = {}
Still.__index = Still

---@param record table that the model has applied already
function Still:event(record)
  if record.event == "job_start" then
    self.running:add(record.job)
  elseif record.event == "job_end" or record.event == "job_retry" then
    self.running:remove(record.job)
  end
end

---@param now number seconds since the run began
---@return string? sentence nil when no job runs
function Still:sentence(now)
  local items, names = {}, self.running:first(NAMED)
  for i, name in ipairs(names) do
    local job = self.run.jobs[name]
    local attempt = job.attempts[#job.attempts]
    items[i] = text.line(name) .. " " .. show.minutes(now - (attempt and attempt.started_at or now))
  end
  if #items == 0 then return nil end
  return "still running: " .. show.names(items, NAMED, self.running.count)
end

return {
  ---@param run orch.RunModel
  ---@return orch.ViewStill
  new = function(run)
    return setmetatable({ run = run, running = chains.new() }, Still)
  end,
}
