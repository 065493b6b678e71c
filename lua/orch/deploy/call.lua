--- Requests to a service: its address, its token, its words for what went wrong.
---
---     local api = call.client { service = "google_play", base_url = url, auth = bearer,
---       words = function(response) return response:json().error.message end }
---     local edit = api:post("open the edit", "edits", { json = {} }):json()
---
--- `what` is the end of a sentence: "google_play: cannot open the edit: ...". A token that
--- is refused (401) is asked for anew, once in a request.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local http = require "orch.http"
local urls = require "orch.http.url"

local call = {}

---@class orch.deploy.Client
---@field service string
---@field base_url string?
---@field options table of every request
---@field auth (async fun(force: boolean): string?)?
---@field words (fun(response: orch.http.Response): string?, string?, string?)?
local Client = {}
Client.__index = Client

---@class orch.deploy.ClientOptions
---@field service string
---@field base_url string? what paths go below
---@field http orch.http.SharedOptions? what the script said
---@field retry boolean|orch.http.RetryOptions|nil default: 5 attempts
---@field auth (async fun(force: boolean): string?)? the Authorization header; `force`: the one
---  before was refused
---@field words (fun(response: orch.http.Response): string?, string?, string?, string?)? the
---  service's sentence, its word for the reason, our hint, and the kind where the status alone
---  says it wrong; may raise on what it cannot read

---@param o orch.deploy.ClientOptions
---@return orch.deploy.Client
function call.client(o)
  local options = { retry = o.retry }
  if o.retry == nil then options.retry = { attempts = 5 } end
  for name, value in next, o.http or {} do options[name] = value end
  return setmetatable({ service = o.service, base_url = o.base_url, options = options,
    auth = o.auth, words = o.words }, Client)
end

--- What the service said, as far as its answer can be read.
local function said(self, what, response)
  local fields = { what = what }
  if response and self.words then
    local ok, words, reason, hint, kind = pcall(self.words, response)
    if ok then
      fields.words, fields.reason, fields.hint, fields.kind = words, reason, hint, kind
    elseif errors.is_cancelled(words) then
      error(words, 0)
    end
  end
  return fields
end

local function with_defaults(self, opts)
  local merged = {}
  for name, value in next, self.options do merged[name] = value end
  for name, value in next, opts or {} do
    if name ~= "auth" then merged[name] = value end
  end
  return merged
end

local function attempt(self, method, url, opts, force)
  local merged = with_defaults(self, opts)
  if self.auth and opts.auth ~= false then
    local headers = { Authorization = self.auth(force) }
    for name, value in next, merged.headers or {} do headers[name] = value end
    merged.headers = headers
  end
  return http.request(method, url, merged)
end

---@async
---@param what string "open the edit"
---@param method string
---@param target string a path below `base_url`, or a URL
---@param opts orch.http.Options? `auth = false` goes without the token
---@return orch.http.Response response raises as `failure` says
function Client:request(what, method, target, opts)
  local url = self.base_url and urls.below(self.base_url, target) or target
  opts = opts or {}
  local ok, result = pcall(attempt, self, method, url, opts, false)
  local refused = not ok and errors.is(result) and result.kind == "status" and result.status == 401
  if refused and self.auth and opts.auth ~= false and not arg.is_callable(opts.body) then
    ok, result = pcall(attempt, self, method, url, opts, true)
  end
  if ok then return result end
  local response = errors.is(result) and result.response
  failure.raise(self.service, result, said(self, what, response))
end

---The JSON object of an answer. What is none, such as the page of a proxy, raises kind `http`.
---@param what string as for `request`
---@param response orch.http.Response
---@param field string? that must be there
---@return table
function Client:object(what, response, field)
  local ok, value = pcall(response.json, response)
  if not ok and not (errors.is(value) and value.kind == "json") then error(value, 0) end
  if ok and type(value) == "table" and (field == nil or value[field] ~= nil) then return value end
  failure.throw(self.service, { what = what, kind = "http", status = response.status,
    response = response, hint = "is there a proxy on the way?", words = not ok and value.message
      or ("the answer of %s has no `%s`"):format(urls.shown(response.url), field or "fields") })
end

for name, method in next, { get = "GET", post = "POST", put = "PUT", patch = "PATCH",
  delete = "DELETE", head = "HEAD" } do
  Client[name] = function(self, what, target, opts)
    return self:request(what, method, target, opts)
  end
end

return call
