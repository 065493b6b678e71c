--- Requests to a WebDAV server, or to one that just takes PUT; what it refused, in its words.
---
---     local dav = client.open("deploy.webdav.upload", o)
---     dav:request("make the folder 'Build'", "MKCOL", url)

local again = require "orch.http.again"
local arg = require "orch.arg"
local call = require "orch.deploy.call"
local errors = require "orch.core.error"
local urls = require "orch.http.url"

local client = {}

---@class orch.deploy.webdav.Client
---@field root string the URL of the folder, with a slash at its end
---@field origin string scheme and host
---@field speaks boolean? it has answered a PROPFIND
---@field ahead integer? seconds that its clock is ahead of ours
---@field private api orch.deploy.Client
local Client = {}
Client.__index = Client

---The options that say where and who.
client.spec = { url = "string", user = "string", password = "string", auth = "string|table",
  bearer = "string" }

--- The text of the first element of that name, whatever its prefix.
local function text_of(element, name)
  for _, child in ipairs(element) do
    if type(child) == "table" then
      if child.name:match "([^:]+)$" == name then return child:text() end
      local found = text_of(child, name)
      if found then return found end
    end
  end
end

local hints = {
  [401] = "the user or the password is wrong",
  [405] = "does this server take uploads at this address?",
  [413] = "the server takes no files of this size (nginx: client_max_body_size)",
  [423] = "somebody has it open; upload again when it is free",
  [507] = "make room there",
}

--- Sabre (Nextcloud, ownCloud) says <s:message>, Apache an HTML page with one <p>.
local function words(response)
  local body, said = response.body, nil
  if body:find "^%s*<%?xml" then
    local ok, root = pcall(require("orch.xml").decode, (body:gsub("^%s+", "")))
    said = ok and (text_of(root, "message") or text_of(root, "responsedescription"))
  else
    said = body:match "<p>(.-)</p>"
    said = said and said:gsub("<[^>]*>", "")
  end
  said = said or require("orch.http.fault").said(body, response.headers["content-type"])
  local status = ("%d %s"):format(response.status, response.reason)
  said = said and said:find "%S" and ("%s: %s"):format(status, said) or status
  return said, nil, hints[response.status], response.status == 423 and "conflict" or nil
end

--- All of these may be sent twice.
local METHODS = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "MOVE" }

local function retry_of(fname, retry)
  if retry == false then return false end
  local own = { methods = METHODS }
  for name, value in next, type(retry) == "table" and retry or {} do own[name] = value end
  local plan = again.plan(fname, own)
  own.retry_on = function(err) return err.status ~= 507 and plan.is_worth_it(err) end
  return own
end

local function auth_of(fname, o, from_url)
  if (o.user == nil) ~= (o.password == nil) then
    arg.fail("%s: the options `user` and `password` belong together", fname)
  end
  local given = {}
  for _, name in ipairs { "user", "auth", "bearer" } do
    if o[name] then given[#given + 1] = name end
  end
  if #given > 1 then
    arg.fail("%s: `%s` and `%s` exclude each other", fname, given[1], given[2])
  end
  local secret = o.password or o.bearer or from_url and from_url:match ":(.*)$"
  if secret then require("orch.secrets").cover(secret) end
  if o.user then return { o.user, o.password } end
  return o.auth or not o.bearer and from_url or nil
end

---@param fname string
---@param o table checked options
---@return orch.deploy.webdav.Client
function client.open(fname, o)
  local url, user = urls.check(fname, o.url)
  if url:find "[?#]" then arg.fail("%s: option `url` cannot have a query or a fragment", fname) end
  local http = { auth = auth_of(fname, o, user), bearer = o.bearer, follow = false }
  for name, value in next, o.http or {} do http[name] = value end
  local self = setmetatable({ url = url, origin = url:match "^%a+://[^/]+" }, Client)
  self.root = url:match "^(.*/)[^/]*$"
  if not self.root or #self.root <= #self.origin then self.root = self.origin .. "/" end
  self.api = call.client { service = "webdav", http = http, words = words,
    retry = retry_of(fname, o.retry) }
  return self
end

---@async
---@param what string
---@param method string
---@param url string
---@param opts table?
---@return orch.http.Response
function Client:request(what, method, url, opts)
  local response = self.api:request(what, method, url, opts)
  if response.status >= 300 and response.status < 400 then
    local to = response.headers.location
    require("orch.deploy.failure").throw("webdav", { what = what, kind = "rejected",
      status = response.status, response = response, words = words(response),
      hint = to and ("it is at %s"):format(urls.shown(urls.resolve(url, to))) })
  end
  return response
end

---The status of a request whose refusal is an answer: `allowed[status]`.
---@async
---@param allowed table<integer, true>
---@return integer status
---@return orch.http.Response? response where it was no refusal
function Client:ask(allowed, what, method, url, opts)
  local ok, response = pcall(self.request, self, what, method, url, opts)
  if ok then return response.status, response end
  if errors.is(response) and response.status and allowed[response.status] then
    return response.status
  end
  error(response, 0)
end

---@param name string the way from a folder, with slashes
---@return string
function client.encode(name)
  return (name:gsub("[^/]+", urls.encode))
end

return client
