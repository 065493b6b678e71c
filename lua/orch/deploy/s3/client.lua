--- Signed requests to one bucket: each attempt is signed anew, passing faults are tried again,
--- everything else raises in the service's words.
---
---     local client = client.open("deploy.s3.upload", o)
---     client:request { what = "look for 'a.zip'", method = "HEAD", key = "a.zip" }

local address = require "orch.deploy.s3.address"
local again = require "orch.http.again"
local answer = require "orch.deploy.s3.answer"
local core = require "orch.core.hash"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local http = require "orch.http"
local keys = require "orch.deploy.s3.keys"
local place = require "orch.place"
local retry = require "orch.retry"
local sign = require "orch.deploy.s3.sign"

local client = {}

---@class orch.deploy.s3.Client
---@field at orch.deploy.s3.Address
---@field private fname string
---@field private o table
---@field private keys table
---@field private policy table? nil: one attempt only
---@field private slots orch.Semaphore?
local Client = {}
Client.__index = Client

---The options of `upload` and the others that say where and who.
client.spec = {
  bucket = "string", region = "string", endpoint = "string", path_style = "boolean",
  access_key = "string", secret_key = "string", session_token = "string", profile = "string",
}

local function endpoint_of(o)
  local named = o.endpoint or o.base_url or place.getenv "AWS_ENDPOINT_URL_S3"
    or place.getenv "AWS_ENDPOINT_URL"
  return named ~= "" and named or nil
end

local function policy_of(fname, o)
  if o.retry == false then return nil end
  local plan = again.plan(fname, type(o.retry) == "table" and o.retry or true)
  plan.options.retry_on = function(err)
    if err.retryable ~= nil then return err.retryable end
    return plan.is_worth_it(err)
  end
  return plan.options
end

---@async
---@param fname string
---@param o table checked options
---@return orch.deploy.s3.Client
function client.open(fname, o)
  return setmetatable({
    fname = fname, o = o, keys = keys.of(fname, o), policy = policy_of(fname, o),
    at = address.of(fname, { bucket = o.bucket, endpoint = endpoint_of(o), region = o.region,
      usual_region = keys.region(o), path_style = o.path_style }),
  }, Client)
end

---At most `n` bodies of files are on the way at the same time, in whatever loops they are.
---@param n integer
function Client:limit(n)
  self.slots = require("orch.lock").semaphore(n)
end

---What a signature needs to know of a request.
---@private
function Client:signable(asked, headers)
  return { method = asked.method, scheme = self.at.scheme, host = self.at.host,
    path = self.at:path(asked.key), query = asked.query, headers = headers,
    payload = asked.payload }
end

---@private
function Client:signing_keys()
  local k = self.keys
  return { access_key = k.access_key, secret_key = k.secret_key,
    session_token = k.session_token, region = self.at.region }
end

--- The digest of the body. That of a file is read only where nothing else protects it: on a
--- connection without TLS.
---@private
function Client:payload(body)
  if type(body) ~= "table" then return core.digest("sha256", body or "") end
  if self.at.scheme == "https" then return sign.UNSIGNED end
  return core.file("sha256", body.path, body.offset, body.length)
end

--- Headers of the request, and those that the script adds: AWS wants all of its own signed.
---@private
function Client:headers(asked)
  local own, others = {}, {}
  for name, value in next, self.o.http and self.o.http.headers or {} do
    local of_aws = tostring(name):lower():find "^x%-amz%-"
    local list = of_aws and own or others
    list[of_aws and name:lower() or name] = value
  end
  for name, value in next, asked.headers do own[name:lower()] = value end
  local headers = sign.headers(self:signable(asked, own), self:signing_keys(), os.time())
  for name, value in next, others do
    if not headers[tostring(name):lower()] then headers[name] = value end
  end
  return headers
end

---@private
function Client:attempt(asked)
  -- Before it is signed: a signature is good for 15 minutes, and the wait may be longer.
  local slot <close> = self.slots and type(asked.body) == "table" and self.slots:acquire() or nil
  local url = self.at:url(asked.key)
  if asked.query then url = url .. "?" .. sign.query(asked.query) end
  local opts = {}
  for name, value in next, self.o.http or {} do opts[name] = value end
  opts.body, opts.progress, opts.headers = asked.body, asked.progress, self:headers(asked)
  opts.retry, opts.follow, opts.check = false, false, false
  local ok, response = pcall(http.request, asked.method, url, opts)
  if not ok then failure.raise("s3", response, { what = asked.what }) end
  if response.status >= 300 then answer.refuse(self, asked, response) end
  return response
end

local expired = { ExpiredToken = true, ExpiredTokenException = true, TokenRefreshRequired = true,
  InvalidToken = true }

--- Whether there are other keys than `used`, with which an attempt was made: somebody may have
--- renewed those in the profile, or another part of the upload may have read them already.
---@private
function Client:renew(err, used)
  if not errors.is(err) or not (expired[err.reason] or err.status == 401) then return false end
  if self.keys == used then
    local ok, fresh = pcall(keys.of, self.fname, self.o)
    if not ok then return false end -- it may be written just now; what the service said stands
    if fresh.access_key == used.access_key and fresh.session_token == used.session_token then
      return false
    end
    if self.keys == used then self.keys = fresh end
  end
  return true
end

--- What a request may be answered with, also where that is read from its body.
---@private
function Client:once(asked)
  local response = self:attempt(asked)
  if asked.verify then asked.verify(response) end
  if not asked.xml then return response end
  local root = answer.xml(self, asked, response)
  if asked.xml ~= true then asked.xml(root) end
  return root, response
end

---@private
function Client:try(asked)
  local used = self.keys
  local ok, result, more = pcall(self.once, self, asked)
  if not ok and self:renew(result, used) then return self:once(asked) end
  if not ok then error(result, 0) end
  return result, more
end

---@class orch.deploy.s3.Request
---@field what string the end of a sentence: "put 'a.zip'"
---@field need string? the permission that it takes
---@field method string
---@field key string?
---@field query table?
---@field headers table?
---@field body string|{path: string, offset: integer, length: integer}|nil
---@field progress (fun(done: integer))?
---@field verify fun(response: orch.http.Response)? raises for an answer that is none
---@field xml (boolean|fun(root: orch.xml.Element))? the answer is XML, and is given first; the
---  function raises for one that is a refusal

---@async
---@param asked orch.deploy.s3.Request
---@return orch.http.Response|orch.xml.Element response
---@return orch.http.Response? response where `xml` was asked for
function Client:request(asked)
  asked.headers = asked.headers or {}
  asked.payload = self:payload(asked.body)
  if not self.policy then return self:try(asked) end
  return retry(function() return self:try(asked) end, self.policy)
end

---A URL that anybody may use for `expires` seconds.
---@param asked {method: string, key: string, query: table?}
---@param expires integer
---@return string
function Client:link(asked, expires)
  local signable = self:signable(asked, nil)
  return sign.link(signable, self:signing_keys(), expires, os.time())
end

return client
