--- The option `retry`: another attempt where it cannot do harm and may help.
---
---     http.get(url, { retry = true })
---     http.post(url, { json = order, retry = { attempts = 3, methods = { "POST" } } })

local errors = require "orch.core.error"
local arg = require "orch.arg"
local idempotent = require("orch.http.options").idempotent
local retry = require "orch.retry"

local again = {}

local spec = {
  attempts = "integer", base = "duration", factor = "number", cap = "duration",
  jitter = "string", timeout = "duration", max_elapsed = "duration",
  retry_on = "table|callable", on_retry = "callable", retry_after_cap = "duration",
  methods = "table",
}

--- Nothing of the request has left us: no server can have acted on it.
local unsent = { resolving = true, connecting = true, handshake = true }
local passing_status = { [408] = true, [425] = true, [429] = true, [500] = true, [502] = true,
  [503] = true, [504] = true, [529] = true }

--- What another attempt may mend.
local function by_default(err)
  local kind = err.kind
  if kind == "status" then
    local status = math.tointeger(err.status) or 0
    return passing_status[status] or status >= 500 and status ~= 501 and status ~= 505
  end
  if kind == "tls" then return (err.detail or ""):find "reset" ~= nil end
  return kind == "network" or kind == "timeout" or kind == "http" and err.phase ~= nil
end

local function filter(fname, wanted)
  if wanted == nil then return by_default end
  if arg.is_callable(wanted) then return wanted end
  local set = {}
  for _, value in ipairs(wanted) do
    if not (math.type(value) or type(value) == "string") then
      arg.fail("%s: `retry.retry_on` should be a function or a list of kinds and statuses, such "
        .. 'as { "timeout", 503 }', fname)
    end
    set[value] = true
  end
  return function(err) return set[err.kind] or set[err.status] end
end

---Checks the option; true is all defaults.
---@param fname string
---@param value true|table
---@return table plan
function again.plan(fname, value)
  local o = arg.options(fname .. ": retry", value ~= true and value or nil, spec)
  local methods = idempotent
  if o.methods then
    methods = {}
    for _, method in ipairs(o.methods) do
      if type(method) ~= "string" then
        arg.fail('%s: `retry.methods` should be a list such as { "GET", "POST" }', fname)
      end
      methods[method:upper()] = true
    end
  end
  return {
    methods = methods, is_worth_it = filter(fname, o.retry_on),
    options = {
      attempts = o.attempts, base = o.base, factor = o.factor, cap = o.cap, jitter = o.jitter,
      timeout = o.timeout, max_elapsed = o.max_elapsed, on_retry = o.on_retry,
      retry_after_cap = o.retry_after_cap or o.cap,
    },
  }
end

--- Why a request must not be sent again, or nil.
local function obstacle(plan, job, err)
  if job.once then
    return "; not tried again: the body comes from a function, which can be read only once"
  end
  if unsent[err.phase] and not job.redirected then return nil end
  if not plan.methods[job.request.method] then
    return ("; not tried again: that might do it twice, unless retry = { methods = { \"%s\" } } "
      .. "says that it may"):format(job.request.method)
  end
end

---Runs attempts of a job.
---@async
---@param job orch.http.Job
---@param attempt fun(job: orch.http.Job): any raises for a bad status, also where the job
---  does not check it
---@return any ... its results
function again.run(job, attempt)
  local plan = again.plan(job.fname, job.retry)
  local options = plan.options
  options.retry_on = function(err)
    if not plan.is_worth_it(err) then return false end
    local why = obstacle(plan, job, err)
    if not why then return true end
    if job.explicit then err.message = tostring(err.message) .. why end
    return false
  end
  local function once_more() return attempt(job) end
  if job.check then return retry(once_more, options) end
  return (function(ok, ...)
    if ok then return ... end
    local err = ...
    if errors.is(err) and err.kind == "status" and err.response then return err.response end
    error(err, 0)
  end)(pcall(retry, once_more, options))
end

return again
