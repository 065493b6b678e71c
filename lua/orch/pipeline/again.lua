--- Whether another attempt follows one that failed. The script's own functions are asked in
--- the attempt's task: what they raise is the job's failure, and they may wait.
---
---     local pause = again.pause(session, node, err)   -- seconds; nil: that was the last one

local clock = require "orch.core.clock"
local errors = require "orch.error"
local policies = require "orch.retry.policy"

local again = {}

---@async
---@param session orch.Session
---@param node orch.JobNode
---@param err any
---@return number? seconds before the next attempt
function again.pause(session, node, err)
  local job = node.job
  if not job.retry or errors.is_cancelled(err) then return nil end
  local policy = policies.of("job '" .. job.name .. "'", job.retry)
  local tries = node.number - (session.attempts[job.name] or 0)
  if tries >= policy.attempts or not policy.again(err) then return nil end
  local pause = policy.pause(tries, err)
  local elapsed = clock.now() - node.first_started
  if policy.max_elapsed and elapsed + pause > policy.max_elapsed then return nil end
  if policy.on_retry then policy.on_retry(err, tries, pause) end
  return pause
end

---The seconds that an attempt may take: the job's `timeout`, and that of its `retry`.
---@param job orch.Job
---@return number?
function again.limit(job)
  local own, each = job.timeout, job.retry and job.retry.timeout
  return own and each and math.min(own, each) or own or each
end

return again
