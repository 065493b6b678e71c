--- The service account that uploads: its key as Google's console gives it, and the tokens
--- that it buys (RFC 7523; "Using OAuth 2.0 for Server to Server Applications").
---
---     local account = account.read("deploy.google_play.upload", { path = "play.json" })
---     account:bearer({}, false)   -- "Bearer ya29...."

local arg = require "orch.arg"
local call = require "orch.deploy.call"
local clock = require "orch.core.clock"
local code = require "orch.core.code"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local json = require "orch.json"
local secrets = require "orch.secrets"

local account = {}

local TOKEN_URI = "https://oauth2.googleapis.com/token"
local SCOPE = "https://www.googleapis.com/auth/androidpublisher"
local GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
local LIFETIME = 3600 -- of an assertion, in seconds: Google takes no more
local EARLY = 120     -- seconds before its end that a token is no longer used
local CLOCK_OFF = 60  -- seconds by which a clock is told to be wrong

---@class orch.deploy.PlayAccount
---@field email string
---@field private private_key string
---@field private key_id string?
---@field private token_uri string
---@field private id string of its tokens
---@field private given string? the token that was used last
local Account = {}
Account.__index = Account

--- What else people have in files that end in .json.
local function what_it_is(value)
  if value.type == "authorized_user" then return "the login of a person (authorized_user)" end
  if value.installed or value.web then return "an OAuth client" end
  if value.project_info then return "the google-services.json of an app" end
  return "no key of an account"
end

local function wrong(fname, message, ...)
  arg.fail("%s: option `key` %s; it should be the JSON key of a service account, which the "
    .. "Google Cloud console gives under IAM & Admin, Service Accounts, Keys", fname,
    message:format(...))
end

local function decode(fname, text)
  local ok, value = pcall(json.decode, text)
  if ok and type(value) == "table" then return value end
  if not ok and not (errors.is(value) and value.kind == "json") then error(value, 0) end
  if not text:find "%S" then wrong(fname, "is empty; is the secret set?") end
  if text:find("-----BEGIN", 1, true) then wrong(fname, "is a bare private key") end
  if #text < 256 and not text:find "[{\n]" and text:find "%.%w+$" then
    wrong(fname, "looks like the name of a file, and the file is given as key = { path = ... }")
  end
  if ok then wrong(fname, "is JSON, but no object") end
  wrong(fname, "is no JSON%s", text:find "^%s*{" and (" (line %d, column %d: %s)"):format(
    value.line or 0, value.column or 0, value.reason or "broken") or "")
end

local function load(fname, key)
  if type(key) == "string" then return decode(fname, key) end
  if key.path == nil then return key end
  local o = arg.options(fname .. ": key", key, { path = "path" })
  return decode(fname, require("orch.fs").read(o.path))
end

---@async
---@param fname string for messages
---@param key string|table the JSON, the table that it means, or `{ path = file }`
---@return orch.deploy.PlayAccount account raises kind `usage` and `os`
function account.read(fname, key)
  local value = load(fname, key)
  if value.type ~= nil and value.type ~= "service_account" or value.type == nil
    and value.private_key == nil then
    wrong(fname, "is %s", what_it_is(value))
  end
  for _, name in ipairs { "client_email", "private_key" } do
    if type(value[name]) ~= "string" then wrong(fname, "has no `%s`", name) end
  end
  secrets.cover(value.private_key)
  local uri = type(value.token_uri) == "string" and value.token_uri or TOKEN_URI
  local self = setmetatable({
    email = value.client_email, private_key = value.private_key,
    key_id = type(value.private_key_id) == "string" and value.private_key_id or nil,
    token_uri = uri, id = code.hash(uri .. "\0" .. value.client_email .. value.private_key),
  }, Account)
  self:assertion(fname) -- a key that is none is told before anything is asked
  return self
end

---@private
function Account:assertion(fname)
  local now = os.time()
  local claims = { iss = self.email, scope = SCOPE, aud = self.token_uri, iat = now,
    exp = now + LIFETIME }
  local ok, token = pcall(require("orch.jwt").sign, claims, { algorithm = "RS256",
    key = self.private_key, headers = { kid = self.key_id } })
  if ok then return token end
  if not (errors.is(token) and token.kind == "usage") then error(token, 0) end
  wrong(fname or "deploy.google_play", "has a `private_key` that %s",
    token.message:match "option `key` (.*)" or "cannot be used")
end

---@param response orch.http.Response
local function words(response)
  local said = response:json()
  local text, hint = said.error_description or said.error, nil
  local skew = failure.clock_skew(response)
  if text:find "[Ss]ignature" then
    hint = "the key was deleted, or belongs to another account: create a new one"
  elseif text:find "not found" or said.error == "invalid_client" then
    hint = "the service account is gone or disabled"
  elseif skew and math.abs(skew) >= CLOCK_OFF then
    hint = ("the clock of this machine is %d s %s the server's: set it right (timedatectl "
      .. "set-ntp true)"):format(math.abs(skew), skew > 0 and "ahead of" or "behind")
  end
  return text, said.error, hint, response.status < 500 and response.status ~= 429 and "auth" or nil
end

--- Tokens of this run by account: id -> { token, expires }.
local tokens = {}

local function buy(self, options)
  local client = call.client { service = "google_play", http = options.http,
    retry = options.retry, words = words }
  local what = "log in as " .. self.email
  local answer = client:object(what, client:post(what, self.token_uri, {
    form = { grant_type = GRANT, assertion = self:assertion() } }), "access_token")
  secrets.cover(answer.access_token)
  local token = { text = answer.access_token,
    expires = clock.now() + (tonumber(answer.expires_in) or LIFETIME) - EARLY }
  tokens[self.id] = token
  return token
end

---The Authorization header. Kept until shortly before it expires; tasks that need one at the
---same time share the request.
---@async
---@param options {http: table?, retry: table|boolean|nil} of its own requests
---@param force boolean the one that was given last was refused
---@return string
function Account:bearer(options, force)
  local token = tokens[self.id]
  if force and token and token.text == self.given then token = nil end
  if not token or token.expires <= clock.now() then
    token = require("orch.single_flight").single_flight("google_play " .. self.id, function()
      return buy(self, options)
    end)
  end
  self.given = token.text
  return "Bearer " .. token.text
end

return account
