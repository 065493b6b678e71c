--- Redirects: followed hop by hop, with the method rules of RFC 9110 and browsers, and
--- without taking credentials to another host.

local clock = require "orch.core.clock"
local fault = require "orch.http.fault"
local fields = require "orch.http.fields"
local proxy_of = require "orch.http.proxy"
local urls = require "orch.http.url"

local redirect = {}

local codes = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local MOST_DRAINED = 64 << 10

--- A short rest of the answer is read, so that its connection can be used again.
local function let_go(raw)
  if not raw.read then return end
  local size = 0
  local _ <close> = raw
  while size < MOST_DRAINED do
    local chunk = raw:read()
    if not chunk then return end
    size = size + #chunk
  end
end

--- Where an answer leads, if it is a redirect.
local function target_of(raw, request)
  if not codes[raw.status] then return nil end
  if raw.redirect_url then return raw.redirect_url end
  local location = require "orch.http.headers"(raw.head or "").location
  if not location or location == "" then return nil end
  return urls.resolve(request.url, location)
end

local function check(job, request, raw, target, count)
  local to = urls.shown(target)
  local scheme = target:match "^(%a[%w+.-]*):"
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then
    fault.http(request.method, request.url, ("refused to follow the redirect (%d) to '%s': "
      .. "only http and https are followed"):format(raw.status, to), { status = raw.status })
  end
  if count > job.follow then
    fault.http(request.method, request.url, ("more than %d redirects; the last one leads to "
      .. "'%s'"):format(job.follow, to), { status = raw.status, redirects = count })
  end
end

local function check_url(job, request, raw, target)
  local ok, url, user = pcall(urls.check, job.fname, target)
  if ok then return url, user end
  if type(url) ~= "table" or url.kind ~= "http" then error(url, 0) end
  fault.http(request.method, request.url, ("redirected (%d): %s"):format(raw.status, url.message),
    { status = raw.status })
end

--- The task's own proxy goes by the scheme; libcurl sees to the process's.
local function change_proxy(settings, from, to)
  local proxy, no_proxy = proxy_of(from)
  if not proxy or settings.proxy ~= proxy or settings.no_proxy ~= no_proxy then return end
  settings.proxy = proxy_of(to)
end

--- The request for the next hop; the old one stays as it is.
local function next_request(job, request, raw, target)
  local url, user = check_url(job, request, raw, target)
  local next_one = {}
  for key, value in next, request do next_one[key] = value end
  next_one.url = url
  local method, status = request.method, raw.status
  local to_get = status == 303 and method ~= "GET" and method ~= "HEAD"
    or (status == 301 or status == 302) and method == "POST"
  if to_get then
    next_one.method, next_one.body, next_one.rewindable = "GET", nil, true
    next_one.headers = request.headers and fields.without_body(request.headers)
  elseif job.once and request.body then
    fault.http(method, request.url, ("redirected (%d) to '%s', but the body comes from a "
      .. "function and cannot be sent again; give it as text or as a file, or use the new URL")
      :format(status, urls.shown(target)), { status = status })
  end
  local elsewhere = urls.origin(url) ~= urls.origin(request.url)
  if elsewhere and next_one.headers then
    next_one.headers = fields.without_credentials(next_one.headers, job.secret)
  end
  next_one.settings = redirect.settings(request.settings, elsewhere, user)
  change_proxy(next_one.settings, request.url, url)
  return next_one
end

---Settings for another hop.
---@param settings table
---@param elsewhere boolean another scheme, host or port
---@param user string? "user:password" in the new URL
---@return table
function redirect.settings(settings, elsewhere, user)
  local copy = {}
  for key, value in next, settings do copy[key] = value end
  if elsewhere then
    copy.user, copy.password, copy.auth_scheme = nil, nil, nil
    copy.key, copy.cert, copy.key_password = nil, nil, nil
  end
  if user then copy.user, copy.password = user:match "^([^:]*):?(.*)$" end
  return copy
end

--- The wire knows its own hop only, and the limit is for all of them.
local function hop_in_time(op, request, started)
  local ok, raw = pcall(op, request)
  if ok then return raw end
  if type(raw) == "table" and raw.kind == "timeout" and type(raw.message) == "string" then
    raw.elapsed = clock.now() - started
    raw.message = ("%s; %.3g s with the redirects before"):format(raw.message, raw.elapsed)
  end
  error(raw, 0)
end

---Follows from an answer that is a redirect to one that is none.
---@async
---@param job orch.http.Job
---@param op fun(request: orch.http.WireRequest): table of the wire
---@param request orch.http.WireRequest that was answered
---@param raw table its answer
---@param started number when the first hop began
---@return table raw
---@return orch.http.WireRequest request the last one
---@return table[]? history
function redirect.follow(job, op, request, raw, started)
  local history
  if job.follow == 0 then return raw, request, history end
  local target = target_of(raw, request)
  while target do
    history, job.redirected = history or {}, true
    let_go(raw)
    check(job, request, raw, target, #history + 1)
    history[#history + 1] = { status = raw.status, url = request.url, location = target }
    request = next_request(job, request, raw, target)
    if job.timeout then
      local left = job.timeout - (clock.now() - started)
      if left <= 0 then fault.timeout(request.method, request.url, job.timeout) end
      request.settings.timeout = left
      raw = hop_in_time(op, request, started)
    else
      raw = op(request)
    end
    target = target_of(raw, request)
  end
  return raw, request, history
end

return redirect
