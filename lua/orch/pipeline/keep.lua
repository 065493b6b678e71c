--- Values that outlive the process: results of jobs and steps, as JSON.
---
---     local text = keep.encode("the step 'upload'", { id = 7 })   -- '{"id":7}'

local errors = require "orch.core.error"

local keep = {}

local function refuse(what, problem, way_out)
  errors.throw(errors.make { kind = "usage",
    message = ("%s returned a value that cannot be kept: %s; %s"):format(what, problem, way_out) })
end

---@param what string who returned it, for the message
---@param value any
---@return string? text JSON; nil for nil. Raises kind `usage` for what JSON cannot hold, and
---  for a secret
function keep.encode(what, value)
  if value == nil then return nil end
  local ok, text = pcall(require("orch.json").encode, value, { sorted = true })
  if not ok then
    local problem = tostring(text):gsub("^json%.encode: ", "")
    refuse(what, problem, "return plain data (text, numbers, tables of these) or nothing")
  end
  local secrets = package.loaded["orch.secrets"]
  if secrets and secrets.redact(text) ~= text then
    refuse(what, "it contains a secret, and values are written to the disk",
      "return something else, and get the secret where it is used")
  end
  return text
end

---@param text string?
---@return any value
function keep.decode(text)
  if text == nil then return nil end
  return require("orch.json").decode(text)
end

return keep
