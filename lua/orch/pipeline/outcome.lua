--- What becomes of a job: methods of the schedule that tell it to the log, keep it, and let
--- those go on that waited for it.
---
---     schedule:skip(node, "up to date")

local clock = require "orch.core.clock"
local failure = require "orch.pipeline.failure"
local freshness = require "orch.pipeline.freshness"
local keep = require "orch.pipeline.keep"
local nodes = require "orch.pipeline.nodes"

---@class orch.Schedule
local outcome = {}

--- The job is over; whoever waited for it may go on.
function outcome:finish(node, how)
  node.outcome, node.state = how, "done"
  self.left = self.left - 1
  for _, dependent in ipairs(node.dependents) do
    if how == "failed" or how == "cancelled" then
      nodes.note_failure(dependent, node)
    end
    dependent.dirty = dependent.dirty or node.ran or node.dirty
    dependent.pending = dependent.pending - 1
    if dependent.pending == 0 and dependent.state == "pending" then
      self.settled[#self.settled + 1] = dependent
    end
  end
end

function outcome:cancel(node, because)
  self.log:emit("job_end", { job = node.job.name, status = "cancelled", because = because })
  node.because = because
  self:finish(node, "cancelled")
end

function outcome:skip(node, reason)
  local record = self.session.records[node.job.name]
  if not self.session.results[node.job.name] then
    self.session.results[node.job.name] = record
      and { text = record.value, digest = record.digest } or {}
  end
  self.log:emit("job_skip", { job = node.job.name, reason = reason,
    value = keep.decode(self.session.results[node.job.name].text) })
  self:finish(node, "skipped")
end

function outcome:queue(node, reason)
  local earlier = self.session.why[node.job.name]
  node.reason, node.state = earlier or reason ~= freshness.ALWAYS and reason or nil, "queued"
  if not node.job.run then -- a group: there is nothing to do
    freshness.pass_on(self.session, node.job)
    self.log:emit("job_skip", { job = node.job.name, reason = "group" })
    return self:finish(node, "ok")
  end
  self.log:emit("job_ready", { job = node.job.name })
  self.ready:push(node)
end

function outcome:succeed(node, value)
  local session, name = self.session, node.job.name
  local record = value.record
  session.results[name] = { text = record.value, digest = record.digest }
  self.log:emit("job_end", nodes.success_event(node, value))
  session.records[name] = record
  session.state:save(session.script, name, record)
  session.state:duration(session.run.id, name, "ok", value.elapsed, node.number)
  self:finish(node, "ok")
end

function outcome:rest(node, failed)
  node.state, node.reason = "retrying", "attempt " .. node.number .. " failed"
  self.log:emit("job_retry", { job = node.job.name, attempt = node.number, delay = failed.pause,
    error = failure.record(failed.error), elapsed = clock.now() - node.started })
  self:start("retry of " .. node.job.name, { node = node, what = "rested" }, clock.sleep,
    failed.pause)
end

function outcome:fail(node, err)
  local elapsed = node.started and clock.now() - node.started or nil
  self.log:emit("job_end", { job = node.job.name, attempt = node.number > 0 and node.number or nil,
    status = "failed", elapsed = elapsed, error = failure.record(err) })
  self.session.state:duration(self.session.run.id, node.job.name, "failed", elapsed or 0, node.number)
  self:finish(node, "failed")
  self.failed = self.failed or node
  if not self.session.keep_going then self:stop(node.job.name .. " failed") end
end

function outcome:drop(node)
  self.log:emit("job_end", { job = node.job.name, attempt = node.number > 0 and node.number or nil,
    status = "cancelled", elapsed = node.started and clock.now() - node.started or nil,
    because = node.because or self.stopping })
  self:finish(node, "cancelled")
end

return outcome
