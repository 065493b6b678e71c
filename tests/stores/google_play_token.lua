--- Tokens of the Google Play of the tests, for what a service account has signed; "Using OAuth 2.0
--- for Server to Server Applications" (RFC 7523).

local hash = require "orch.hash"
local jwt = require "orch.jwt"

local token = {}

local now = os.time -- kept: a test may put another clock under the client

function token.grant(self, request)
  local form = request:form()
  local function bad(reason, words)
    return { status = 400, json = { error = reason, error_description = words } }
  end
  if form.grant_type ~= "urn:ietf:params:oauth:grant-type:jwt-bearer" then
    return bad("unsupported_grant_type", "Invalid grant_type: " .. tostring(form.grant_type))
  end
  local ok, claims = pcall(jwt.verify, form.assertion or "", { algorithm = "RS256",
    key = self.private_key, now = now(), leeway = 300 })
  if not ok then
    if claims.reason == "expired" or claims.reason == "not yet valid" then
      return bad("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and "
        .. "in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
    end
    return bad("invalid_grant", "Invalid JWT Signature.")
  end
  if claims.iss ~= self.key.client_email then
    return bad("invalid_grant", "Invalid grant: account not found")
  elseif claims.aud ~= self.key.token_uri then
    return bad("invalid_grant", "Invalid JWT: Failed audience check.")
  elseif claims.scope ~= "https://www.googleapis.com/auth/androidpublisher" then
    return bad("invalid_scope", "Invalid scope")
  elseif not (claims.exp and claims.iat and claims.exp - claims.iat <= 3600) then
    return bad("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)")
  end
  self.granted = self.granted + 1
  local given = ("ya29.%d-%s"):format(self.granted, hash.sha256(form.assertion):sub(1, 24))
  self.tokens[given] = now() + self.token_lifetime
  return { json = { access_token = given, expires_in = self.token_lifetime,
    token_type = "Bearer" } }
end

function token.is_good(self, request)
  local given = (request.headers.authorization or ""):match "^Bearer (.+)$"
  return given and (self.tokens[given] or 0) > now()
end

return token
