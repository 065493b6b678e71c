--- A request from its options to its answer: attempts, redirects, the status.

local again = require "orch.http.again"
local clock = require "orch.core.clock"
local fault = require "orch.http.fault"
local new_response = require "orch.http.response"
local options = require "orch.http.options"
local redirect = require "orch.http.redirect"
local wire = require "orch.http.wire"

local request = {}

--- One attempt, redirects included.
local function exchange(job, op)
  if job.limiter then job.limiter:acquire() end
  local started = job.timeout and clock.now() or 0
  return redirect.follow(job, op, job.request, op(job.request), started)
end
request.exchange = exchange

local function attempt(job)
  local raw, last, history = exchange(job, wire.send)
  local response = new_response(raw, last.method)
  if history then response.history = history end
  if raw.status >= 400 and (job.check or job.retry) then fault.status(response, last) end
  return response
end

---Runs a job to its answer.
---@async
---@param job orch.http.Job
---@return orch.http.Response
function request.run(job)
  if job.progress then
    local shown, meter = job.progress, {}
    job.progress, job.request.meter = nil, meter
    return require("orch.http.watch").run(job.fname, shown, meter, job.request.body ~= nil,
      request.run, job)
  end
  if job.retry then return again.run(job, attempt) end
  return attempt(job)
end

--- What a request without options does when its answer is not simply good.
local function finish(fname, method, sent, raw)
  local job = { fname = fname, follow = 20, request = sent }
  local last, history
  raw, last, history = redirect.follow(job, wire.send, sent, raw, 0)
  local response = new_response(raw, last.method)
  if history then response.history = history end
  if raw.status >= 400 then fault.status(response, last) end
  return response
end

---@async
---@param fname string the function that the script called
---@param method string
---@param target any
---@param opts table?
---@param client table? its defaults
---@return orch.http.Response
function request.call(fname, method, target, opts, client)
  if opts == nil and client == nil then
    local sent = options.plain(fname, method, target)
    local raw = wire.send(sent)
    if raw.status < 300 then return new_response(raw, method) end
    return finish(fname, method, sent, raw)
  end
  return request.run((options.read(fname, method, target, opts, client)))
end

return request
