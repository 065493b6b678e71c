--- The attempt of a job that the running task belongs to.
---
---     local ctx = current.get "step"    -- usage error outside of jobs

local arg = require "orch.arg"

local current = {}

local attempt = require "orch.context" "the job"

---@param fname string for the message
---@return table ctx { session, job, number, ... }; raises kind `usage` outside of a job
function current.get(fname)
  return attempt:get()
    or arg.fail("%s works inside a job only: call it from a job's `run` function", fname)
end

---@return table? ctx nil outside of a job
function current.find()
  return attempt:get()
end

---@param ctx table
---@return table restore to be closed
function current.set(ctx)
  return attempt:set(ctx)
end

return current
