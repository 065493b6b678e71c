--- The option `retry` of a job, as a table: what orch.retry takes, checked while the
--- script is read and not when a night's build first needs it.

local arg = require "orch.arg"

local spec = {
  attempts = "integer", base = "duration", factor = "number", cap = "duration",
  jitter = "string", timeout = "duration", max_elapsed = "duration",
  retry_on = "table|callable", on_retry = "callable", retry_after_cap = "duration",
}
local jitters = { full = true, equal = true, none = true }

---@param record orch.Job
---@param value table
---@return table options of orch.retry, durations in seconds; raises kind `usage`
return function(record, value)
  local complaint = require "orch.pipeline.complaint"
  local ok, options = pcall(arg.options, "retry", value, spec)
  if not ok then complaint.inside(record, "retry", options) end
  if options.attempts and options.attempts < 1 then
    complaint.option(record, "attempts", "at least 1", options.attempts)
  elseif options.jitter and not jitters[options.jitter] then
    complaint.choice(record, "jitter", options.jitter, jitters)
  end
  return options
end
