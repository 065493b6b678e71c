--- Errors as events have them.
---
---     log:emit("job_end", { job = "build", status = "failed", error = failure.record(err) })

local errors = require "orch.core.error"

local failure = {}

local fields = { "command", "exit_code", "signal", "stalled", "code", "path", "url", "status" }

---@param err any
---@return {kind: string, message: string, where: string?, [string]: any} record
function failure.record(err)
  err = errors.normalize(err)
  local report = require "orch.cli.report"
  local message, where = report.sentence(err)
  local record = { kind = tostring(err.kind), message = message, where = where }
  for _, name in ipairs(fields) do
    local value = rawget(err, name)
    local kind = type(value)
    if kind == "string" or kind == "boolean" or math.type(value) then record[name] = value end
  end
  return record
end

---What a person would read at the end of a script: with the line and the traceback.
---@param err any
---@return string
function failure.text(err)
  return table.concat(require("orch.cli.report").lines(err), "\n")
end

return failure
