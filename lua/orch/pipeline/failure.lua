--- Errors as events have them.
---
---     log:emit("job_end", { job = "build", status = "failed", error = failure.record(err) })

local errors = require "orch.core.error"

local failure = {}

local fields = { "command", "exit_code", "signal", "stalled", "code", "path", "url", "status" }

local function kind_of(err)
  return tostring(err.kind or "error")
end

--- What JSON can say.
local function is_plain(value)
  local kind = type(value)
  return kind == "string" or kind == "boolean"
    or kind == "number" and value == value and math.abs(value) ~= math.huge
end

---Never raises, whatever a job raised: its error must not become the run's.
---@param err any
---@return {kind: string, message: string, where: string?, [string]: any} record
function failure.record(err)
  err = errors.normalize(err)
  local known, kind = pcall(kind_of, err) -- by a metatable of the script, perhaps
  local message, where = require("orch.cli.report").sentence(err)
  local record = { kind = known and kind or "error", message = message, where = where }
  for _, name in ipairs(fields) do
    local value = rawget(err, name)
    if is_plain(value) then record[name] = value end
  end
  return record
end

---What a person would read at the end of a script: with the line and the traceback.
---@param err any
---@return string
function failure.text(err)
  local report = require "orch.cli.report"
  local ok, lines = pcall(report.lines, err)
  return ok and table.concat(lines, "\n") or (report.sentence(err))
end

return failure
