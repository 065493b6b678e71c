--- The key of the App Store Connect API, and the tokens that it signs: ES256, issuer, audience,
--- at most 20 minutes. A token is renewed in the middle of its life, and when it is refused.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local paths = require "orch.fs.path"

local key = {}

local LIFE = 15 * 60 -- Apple takes 20 minutes; the rest is for clocks that differ
local EARLIER = 60 -- Apple refuses what was signed in the future, also by a second
local AUDIENCE = "appstoreconnect-v1"

local function read(fname, value)
  if type(value) == "string" then return value end
  local name = value.path
  if type(name) ~= "string" then
    arg.fail('%s: option `key` should be the text of the .p8 file, or { path = "AuthKey_....p8" }',
      fname)
  end
  local ok, text = pcall(require("orch.fs").read, name)
  if ok then return text, paths.basename(name):match "^AuthKey_(%w+)%.p8$" end
  if not errors.is(text) or text.code ~= "ENOENT" then error(text, 0) end
  errors.throw(errors.make { kind = "os", code = "ENOENT", path = name, retryable = false,
    message = ("%s: there is no key file '%s'; Apple gives it once, under Users and Access, "
      .. "Integrations"):format(fname, name) })
end

--- What is wrong with a key is said by orch.jwt, in the name of the one who asked.
local function sign(self, now)
  local claims = { aud = AUDIENCE, iat = now - EARLIER, exp = now + LIFE }
  if self.issuer_id then claims.iss = self.issuer_id else claims.sub = "user" end
  local ok, token = pcall(require("orch.jwt").sign, claims,
    { algorithm = "ES256", key = self.text, headers = { kid = self.key_id } })
  if ok then return token end
  if errors.is(token) and token.kind == "usage" then
    arg.fail("%s", (token.message:gsub("^jwt%.sign", self.fname)
      :gsub("give what is in it: .*$", "write key = { path = \"AuthKey_....p8\" }")))
  end
  error(token, 0)
end

---Checks the key by signing with it; nothing is sent.
---@async
---@param fname string for messages
---@param o {key: string|table, key_id: string?, issuer_id: string?}
---@return fun(force: boolean): string bearer the header Authorization
function key.open(fname, o)
  local text, named = read(fname, o.key)
  local self = { fname = fname, text = text, key_id = o.key_id or named, issuer_id = o.issuer_id }
  if not self.key_id then
    arg.fail("%s needs the option `key_id`: the ten characters beside the key in App Store "
      .. "Connect, which are in the name of its file, too", fname)
  end
  if #text > 64 then require("orch.secrets").cover(text) end
  local born = os.time()
  local token = sign(self, born)
  return function(force)
    local now = os.time()
    if force or now - born > LIFE / 2 or now < born then
      token, born = sign(self, now), now
    end
    return "Bearer " .. token
  end
end

return key
