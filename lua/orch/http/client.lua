--- A client: what its requests have in common, and their cookies.
---
---     local api = orch.http.client { base_url = "https://host/v1", bearer = token, retry = true }
---     local user = api:get("users/7"):json()

local arg = require "orch.arg"
local fields = require "orch.http.fields"
local options = require "orch.http.options"
local request = require "orch.http.request"
local settings = require "orch.http.settings"
local urls = require "orch.http.url"

---@class orch.http.ClientOptions: orch.http.SharedOptions
---@field base_url string? what paths go below
---@field cookies boolean|table<string, string>|nil default true: kept from answer to answer;
---  a table: to begin with, for the host of `base_url`

local Client = { __name = "orch.http.client" }

---@alias orch.http.ClientVerb async fun(self: orch.http.Client, path: string, opts: orch.http.Options?): orch.http.Response

---@class orch.http.Client
---@field base_url string?
---@field get orch.http.ClientVerb
---@field post orch.http.ClientVerb
---@field put orch.http.ClientVerb
---@field patch orch.http.ClientVerb
---@field delete orch.http.ClientVerb
---@field head orch.http.ClientVerb
---@field private defaults table
local methods = {}

Client.__index = function(_, key)
  local method = methods[key]
  if method or type(key) ~= "string" or key == "base_url" then return method end
  local near = arg.suggest(key, arg.keys_of(methods))
  arg.fail("a client has no '%s'%s", key, near and ("; did you mean '%s'?"):format(near)
    or "; it has " .. table.concat(arg.keys_of(methods), ", "))
end

local spec = options.with { base_url = "string", cookies = "boolean|table" }

--- Checks how it was called, and where the request goes.
local function target_of(self, name, path)
  if getmetatable(self) ~= Client then
    arg.fail("client:%s is called with a colon: client:%s(path), not client.%s(path)", name,
      name, name)
  end
  if type(path) ~= "string" then arg.check("client:" .. name, 1, path, "string") end
  local base = self.base_url
  if not base then return path, self.defaults end
  local target = urls.below(base, path)
  if target == path and urls.origin(path) ~= self.origin then return path, self:elsewhere() end
  return target, self.defaults
end

---What goes along to hosts other than that of `base_url`: everything but credentials.
---@private
function methods:elsewhere()
  local away = rawget(self, "away")
  if away then return away end
  away = {}
  for key, value in next, self.defaults do away[key] = value end
  away.map, away.lines = fields.public(away.map, away.secret), nil
  away.settings = require("orch.http.redirect").settings(away.settings, true)
  away.query = nil
  rawset(self, "away", away)
  return away
end

for name, method in next, { get = "GET", post = "POST", put = "PUT", patch = "PATCH",
  delete = "DELETE", head = "HEAD" } do
  methods[name] = function(self, path, opts)
    local target, defaults = target_of(self, name, path)
    return request.call("client:" .. name, method, target, opts, defaults)
  end
end

---As `http.request`: any method.
---@async
---@param method string
---@param path string
---@param opts orch.http.Options?
---@return orch.http.Response
function methods:request(method, path, opts)
  local target, defaults = target_of(self, "request", path)
  method = options.method("client:request", method)
  return request.call("client:request", method, target, opts, defaults)
end

---As `http.stream`.
---@async
---@param method string
---@param path string
---@param opts orch.http.Options?
---@return orch.http.Stream
function methods:stream(method, path, opts)
  local target, defaults = target_of(self, "stream", path)
  method = options.method("client:stream", method)
  return require("orch.http.stream").open("client:stream", method, target, opts, defaults)
end

---As `http.download`.
---@async
---@param path string of the URL
---@param file orch.Path
---@param opts orch.http.DownloadOptions?
---@return orch.http.Download
function methods:download(path, file, opts)
  local target, defaults = target_of(self, "download", path)
  return require("orch.http.download").run("client:download", target, file, opts, defaults)
end

---As `http.upload`.
---@async
---@param file orch.Path
---@param path string of the URL
---@param opts orch.http.UploadOptions?
---@return orch.http.Response
function methods:upload(file, path, opts)
  local target, defaults = target_of(self, "upload", path)
  return require("orch.http.upload").run("client:upload", file, target, opts, defaults)
end

---The cookies that it has.
---@return {name: string, value: string, domain: string, path: string, secure: boolean, http_only: boolean, expires: integer?}[]
function methods:cookies()
  local list = {}
  local jar = self.defaults.jar
  for _, line in ipairs(jar and jar:list() or {}) do
    local domain, _, path, secure, expires, name, value =
      line:match "^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$"
    if domain then
      expires = math.tointeger(tonumber(expires))
      local http_only = domain:find "^#HttpOnly_" ~= nil
      list[#list + 1] = {
        name = name, value = value, path = path, secure = secure == "TRUE",
        domain = domain:gsub("^#HttpOnly_", ""), http_only = http_only,
        expires = expires ~= 0 and expires or nil,
      }
    end
  end
  return list
end

---Forgets all cookies.
function methods:clear_cookies()
  if self.defaults.jar then self.defaults.jar:clear() end
end

local function jar_of(base_url, cookies)
  if cookies == false then return nil end
  local jar = require("orch.http.wire").jar()
  if type(cookies) ~= "table" then return jar end
  if not base_url then
    arg.fail "http.client: `cookies` to begin with need `base_url`: they belong to its host"
  end
  local scheme, _, host = urls.split(base_url)
  for _, pair in ipairs(options.cookies("http.client", cookies)) do
    jar:add(table.concat({ (host:gsub(":%d+$", "")), "FALSE", "/",
      scheme == "https" and "TRUE" or "FALSE", "0", pair[1], pair[2] }, "\t"))
  end
  return jar
end

---A client with defaults for its requests.
---@param opts orch.http.ClientOptions?
---@return orch.http.Client
return function(opts)
  local fname = "http.client"
  local o, removed = options.check(fname, opts, spec)
  local base_url, user = o.base_url, nil
  if base_url then
    base_url, user = urls.check(fname, base_url)
    if base_url:find "[?#]" then
      arg.fail("%s: option `base_url` cannot have a query or a fragment, paths go behind it; "
        .. "there is the option `query`", fname)
    end
  end
  local set = settings.of(fname, o, removed, settings.usual)
  if user then set = settings.for_url(set, user, base_url) end
  if o.retry then require("orch.http.again").plan(fname, o.retry) end
  local map = options.headers_of(fname, o, removed, {})
  return setmetatable({
    base_url = base_url, origin = base_url and urls.origin(base_url),
    defaults = {
      settings = set, map = map, query = o.query,
      follow = options.follow_of(fname, o.follow), check = o.check ~= false,
      retry = o.retry or nil, secret = fields.secret(fname, o.secret_headers),
      limiter = o.rate_limiter and options.limiter_of(fname, o.rate_limiter) or nil,
      jar = jar_of(base_url, o.cookies), resolve = options.resolve_of(fname, o.resolve),
    },
  }, Client)
end
