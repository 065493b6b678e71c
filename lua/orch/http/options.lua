--- The options of a request, checked and turned into what the wire takes.
---
---     local job = options.read("http.get", "GET", url, { timeout = "5s" })

local arg = require "orch.arg"
local fields = require "orch.http.fields"
local place = require "orch.place"
local settings = require "orch.http.settings"
local urls = require "orch.http.url"

local options = {}

--- What a client takes as well.
local shared = {
  headers = "table", query = "table|string", auth = "string|table", bearer = "string",
  timeout = "duration", connect_timeout = "duration", stall = "duration",
  retry = "retry", follow = "boolean|integer", check = "boolean", limit = "size",
  ca = "path", cert = "path", key = "path", key_password = "string", insecure = "boolean",
  proxy = "string", no_proxy = "string", netrc = "boolean|path", unix_socket = "path",
  http_version = "string|number", compressed = "boolean", secret_headers = "table",
  resolve = "table", rate_limiter = "table",
}
options.shared = shared

local function with(more)
  local spec = {}
  for name, types in next, shared do spec[name] = types end
  for name, types in next, more do spec[name] = types end
  return spec
end
options.with = with

local spec = with {
  json = "any", form = "table", multipart = "table", body = "string|callable|table",
  progress = "boolean|string|table|callable", cookies = "table",
}
options.spec = spec

--- `false` takes a client's default away, for those that are no switches.
local removable = {
  auth = true, bearer = true, timeout = true, connect_timeout = true, stall = true,
  limit = true, ca = true, cert = true, key = true, proxy = true, unix_socket = true,
  http_version = true, rate_limiter = true, progress = true, no_proxy = true,
}

local none = {}

--- The checked options, and the names of those that are false.
---@return table o
---@return table<string, true> removed
function options.check(fname, opts, its_spec)
  if math.type(opts) then
    arg.fail("%s: the options should be a table, not %s; where orch.map gives an index as well, "
      .. "write function(url) return %s(url) end", fname, arg.describe(opts), fname)
  end
  if type(opts) ~= "table" then return arg.options(fname, opts, its_spec), none end
  local removed
  for name, value in next, opts do
    if value == false and removable[name] then
      removed = removed or {}
      removed[name] = true
    end
  end
  if not removed then return arg.options(fname, opts, its_spec), none end
  local kept = {}
  for name, value in next, opts do
    if not removed[name] then kept[name] = value end
  end
  return arg.options(fname, kept, its_spec), removed
end

---The headers of the options on top of a map of them.
---@return table map changed
function options.headers_of(fname, o, removed, map)
  if removed.bearer or removed.auth or o.auth then map.authorization = nil end
  if o.headers then fields.merge(fname, map, o.headers) end
  if o.bearer then
    if o.auth then arg.fail("%s: `auth` and `bearer` exclude each other", fname) end
    fields.merge(fname, map, { Authorization = "Bearer " .. o.bearer })
  end
  return map
end

---The cookies of an option, { name, value } in the order of the names.
---@param fname string
---@param cookies table<string, string|number>
---@return {[1]: string, [2]: string}[]
function options.cookies(fname, cookies)
  local list = {}
  for name, value in next, cookies do
    if type(name) ~= "string" or not (type(value) == "string" or math.type(value)) then
      arg.fail("%s: option `cookies` should be { name = text }, not { [%s] = %s }", fname,
        tostring(name), arg.describe(value))
    end
    if (name .. value):find "[;%c]" or name == "" or name:find("=", 1, true) then
      arg.fail("%s: the cookie '%s' has a character that no cookie can have", fname, name)
    end
    list[#list + 1] = { name, tostring(value) }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

local function cookie_line(fname, cookies)
  local parts = {}
  for i, pair in ipairs(options.cookies(fname, cookies)) do
    parts[i] = pair[1] .. "=" .. pair[2]
  end
  return table.concat(parts, "; ")
end

--- libcurl takes what is no such entry for the end of the list, or worse.
local function resolve_of(fname, list)
  for i, entry in ipairs(list or none) do
    if type(entry) ~= "string" or not entry:find "^[%w.*_-]+:%d+:[%x.:,%[%]]+$" then
      arg.fail('%s: option `resolve` should be a list of "host:port:address"; item %d is %s',
        fname, i, arg.describe(entry))
    end
  end
  return list
end
options.resolve_of = resolve_of

---How many redirects may be followed.
function options.follow_of(fname, follow)
  if follow == nil or follow == true then return 20 end
  if follow == false then return 0 end
  if follow < 0 then
    arg.fail("%s: option `follow` should be true, false or a number of redirects", fname)
  end
  return follow
end

local function query_text(fname, value)
  if type(value) == "string" then return (value:gsub("^%?", ""):gsub("#", "%%23")) end
  return require("orch.http.query").encode(fname, "query", value)
end

---Puts the options' query behind a URL; twice, where a client has one as well.
function options.with_query(fname, target, ...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then
      target = urls.with_query(target, query_text(fname, value))
    end
  end
  return target
end

local repeatable = { GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true,
  TRACE = true }
options.idempotent = repeatable

---@class orch.http.Job
---@field fname string
---@field request orch.http.WireRequest
---@field follow integer
---@field check boolean
---@field timeout number?
---@field retry table|boolean|nil
---@field progress any
---@field limiter orch.RateLimiter?
---@field secret table<string, true>?
---@field once boolean? the body can be read only once
---@field explicit boolean? this very request asks for retries

---A request without options.
---@param fname string
---@param method string
---@param target any
---@return orch.http.WireRequest
function options.plain(fname, method, target)
  local text, user = urls.check(fname, target)
  local set = settings.usual
  if user or place.env() then set = settings.for_url(set, user, text) end
  return { method = method, url = text, rewindable = repeatable[method], settings = set }
end

local no_client = { settings = settings.usual }

--- A client's request that says nothing of its own.
local function bare(fname, method, target, client, schemes)
  local text, user = urls.check(fname, target, schemes)
  if client.query then
    text = urls.check(fname, options.with_query(fname, text, client.query), schemes)
  end
  client.lines = client.lines or fields.lines(client.map)
  local set = client.settings
  return {
    fname = fname, follow = client.follow, check = client.check, retry = client.retry,
    timeout = set.timeout, limiter = client.limiter, secret = client.secret,
    request = {
      method = method, url = text, headers = client.lines, rewindable = repeatable[method],
      jar = client.jar, resolve = client.resolve, settings = settings.for_url(set, user, text),
    },
  }
end

---Reads everything that a call was given.
---@async
---@param fname string
---@param method string
---@param target any
---@param opts table?
---@param client table? its defaults: settings, map, query, follow, check, retry, limiter, jar
---@param its_spec table<string, string>? of `opts`
---@param schemes table<string, true>?
---@return orch.http.Job job
---@return table o the checked options
function options.read(fname, method, target, opts, client, its_spec, schemes)
  if opts == nil and client then return bare(fname, method, target, client, schemes), none end
  local o, removed = options.check(fname, opts, its_spec or spec)
  client = client or no_client
  local text, user = urls.check(fname, target, schemes)
  if o.query or client.query then
    text = urls.check(fname, options.with_query(fname, text, client.query, o.query), schemes)
  end
  local map = {}
  for key, entry in next, client.map or none do map[key] = entry end
  local set = settings.of(fname, o, removed, client.settings)
  options.headers_of(fname, o, removed, map)
  -- What the request says goes before what the client does.
  if map.authorization and set.user and not o.auth then
    set = settings.of(fname, none, { auth = true }, set)
  end
  local content, kind = require("orch.http.body").of(fname, o)
  if kind and not map["content-type"] then
    map["content-type"] = { name = "Content-Type", values = { kind } }
  end
  if o.cookies and next(o.cookies) then
    map.cookie = { name = "Cookie", values = { cookie_line(fname, o.cookies) } }
  end
  if content and method == "HEAD" then
    arg.fail("%s: a HEAD request has no body; the answer could not be told from one", fname)
  end
  local once = type(content) == "function"
  local only_once = once or content and o.retry == false -- then libcurl does not either
  local retry = o.retry
  if retry == nil then retry = client.retry end
  local check = o.check
  if check == nil then check = client.check ~= false end
  local follow = client.follow
  if o.follow ~= nil or not follow then follow = options.follow_of(fname, o.follow) end
  local limiter = client.limiter
  if removed.rate_limiter then limiter = nil end
  if o.rate_limiter then limiter = options.limiter_of(fname, o.rate_limiter) end
  return {
    fname = fname, follow = follow, check = check, retry = retry or nil,
    explicit = o.retry ~= nil, timeout = set.timeout, progress = o.progress,
    limiter = limiter, once = once,
    secret = fields.secret(fname, o.secret_headers) or client.secret,
    request = {
      method = method, url = text, headers = next(map) and fields.lines(map) or nil,
      body = content, rewindable = repeatable[method] and not only_once, jar = client.jar,
      resolve = resolve_of(fname, o.resolve) or client.resolve,
      settings = settings.for_url(set, user, text),
    },
  }, o
end

---The name of a method, as it is sent.
---@param fname string
---@param method any
---@return string
function options.method(fname, method)
  if type(method) ~= "string" then arg.check(fname, 1, method, "string") end
  if method:find "://" then
    arg.fail('%s: the method comes first: %s("GET", %q)', fname, fname, urls.shown(method))
  end
  if not method:find "^[%w!#$%%&'*+%-.^_`|~]+$" or #method > 20 then
    arg.fail("%s: %s is no method such as GET or POST", fname, arg.describe(method))
  end
  return method:upper()
end

---A limiter, or what makes one.
function options.limiter_of(fname, value)
  if type(value.acquire) == "function" then return value end
  if getmetatable(value) ~= nil then
    arg.fail("%s: option `rate_limiter` should be an orch.rate_limiter or { rate = }", fname)
  end
  return require "orch.rate_limiter"(value)
end

return options
