--- JSON Web Tokens (RFC 7519), signed with RS256 or ES256: what stores and clouds take
--- for a login.
---
---     local claims = orch.jwt.decode "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UifQ.c2ln"
---     assert(claims.iss == "joe")
---
--- Keys are PEM text: a private key as PKCS#8 (what Google and Apple give), PKCS#1 or SEC1
--- to sign, the same or a public key to verify. No message ever has a part of one.
local arg = require "orch.arg"
local core = require "orch.core.jwt"
local errors = require "orch.core.error"
local hash = require "orch.hash"
local json = require "orch.json"

local jwt = {}

--- algorithm -> the key it needs
local algorithms = { RS256 = "an RSA key", ES256 = "an EC key on the curve P-256" }

local function check_algorithm(fname, name)
  if algorithms[name] then return name end
  arg.fail("%s: option `algorithm` should be \"RS256\" or \"ES256\", not %s", fname,
    arg.describe(name))
end

--- What stands in the place of a key, where it can be told.
local function what_it_is(text)
  if text:find "^%s*$" then return "it is empty" end
  if text:find("-----BEGIN CERTIFICATE", 1, true) then
    return "it is a certificate; take the key out of it: openssl x509 -pubkey -noout -in FILE"
  elseif text:find("-----BEGIN RSA PUBLIC KEY", 1, true) then
    return "it is a public key as PKCS#1; convert it: openssl rsa -RSAPublicKey_in -pubout -in FILE"
  elseif text:find("-----BEGIN", 1, true) and text:find("\\n", 1, true) then
    return "its line breaks are written as \\n: decode the JSON it comes from, or put line "
      .. "breaks in their place"
  elseif text:find "%-%-%-%-%-BEGIN [%u ]+%-%-%-%-%-[ \t]+[%w+/]" then
    return "its line breaks are lost: it should be as the file has it, line by line"
  elseif text:find("-----BEGIN", 1, true) then
    return "what is between its BEGIN and END lines is damaged"
  elseif text:find "^%s*{" then
    return "it is JSON; of a service account's file, take the field `private_key`"
  elseif text:byte(1) == 0x30 then
    return "it is binary (DER or PKCS#12); convert it: openssl pkey -inform DER -in FILE"
  elseif #text < 256 and not text:find "\n" then
    return "if it is the name of a file, give what is in it: orch.fs.read(name)"
  end
  return "it should begin with -----BEGIN PRIVATE KEY-----"
end

local faults = {
  none = function(_, _, key) return "is no key in PEM: " .. what_it_is(key) end,
  encrypted = function()
    return "is encrypted with a passphrase: store it without (openssl pkey -in FILE -out NEW) "
      .. "and keep it as a secret"
  end,
  public = function() return "is a public key; signing takes the private one" end,
  type = function(algorithm, words)
    return ("is of the wrong type (%s); %s needs %s"):format(words, algorithm,
      algorithms[algorithm])
  end,
  curve = function(algorithm, words)
    return ("is on the wrong curve (%s); %s needs %s"):format(words, algorithm,
      algorithms[algorithm])
  end,
  short = function(algorithm, words)
    return ("is too short (%s); %s takes 2048 bits and more"):format(words, algorithm)
  end,
}

--- The first result, or the fault of the key in a sentence.
local function checked(fname, o, result, fault, words)
  if result ~= nil then return result end
  arg.fail("%s: option `key` %s", fname, faults[fault](o.algorithm, words, o.key))
end

local function options(fname, opts, spec)
  local o = arg.options(fname, opts, spec)
  check_algorithm(fname, o.algorithm)
  if not o.key then arg.fail("%s: option `key` is missing: the text of a key in PEM", fname) end
  return o
end

---@class JwtSignOptions
---@field algorithm "RS256"|"ES256"
---@field key string private key, PEM
---@field headers? table further header fields, such as `kid`

---A signed token. Raises kind `usage` that says what is wrong with the key: no key, of the
---wrong type, encrypted, public, too short; kind `json` where the claims are not JSON-able.
---@param claims table such as { iss = "me", iat = os.time(), exp = os.time() + 600 }
---@param opts JwtSignOptions
---@return string token
function jwt.sign(claims, opts)
  arg.check("jwt.sign", 1, claims, "table")
  local o = options("jwt.sign", opts, { algorithm = "string", key = "string", headers = "table" })
  local headers = { typ = "JWT" }
  for name, value in next, o.headers or {} do headers[name] = value end
  if headers.alg and headers.alg ~= o.algorithm then
    arg.fail("jwt.sign: the header `alg` is %s, but option `algorithm` is %q",
      arg.describe(headers.alg), o.algorithm)
  end
  headers.alg = o.algorithm
  local claims_text = next(claims) == nil and "{}" or json.encode(claims, { sorted = true })
  if claims_text:byte() ~= 0x7b then arg.fail("jwt.sign: argument 1 should be claims by name") end
  local text = hash.base64url(json.encode(headers, { sorted = true })) .. "."
    .. hash.base64url(claims_text)
  local signature = checked("jwt.sign", o, core.sign(o.algorithm, o.key, text))
  return text .. "." .. hash.base64url(signature)
end

local function fail(reason, message, ...)
  errors.throw(errors.make { kind = "jwt", reason = reason,
    message = "jwt: " .. message:format(...) })
end

--- The result of a reader; what it does not like (kind `bad`) makes the token malformed.
local function read(reader, text, bad, what, no)
  local ok, value = pcall(reader, text)
  if ok then return value end
  if not (errors.is(value) and value.kind == bad) then error(value, 0) end
  fail("malformed", "the token's %s is no %s", what, no)
end

--- RFC 7515 has neither padding nor the other alphabet.
local function part(text, what)
  if text:find "[^%w_-]" then fail("malformed", "the token's %s is no base64url", what) end
  return read(hash.unbase64, text, "usage", what, "base64url")
end

local function object(text, what)
  local bytes = part(text, what)
  if not bytes:find "^%s*{" then fail("malformed", "the token's %s is no JSON object", what) end
  return read(json.decode, bytes, "json", what, "JSON object")
end

local function split(fname, token)
  arg.check(fname, 1, token, "string")
  local head, body, signature = token:match "^([^.]*)%.([^.]*)%.([^.]*)$"
  if not head then fail("malformed", "a token has three parts with points between them") end
  local headers = object(head, "header")
  return object(body, "claims"), headers, part(signature, "signature"), head .. "." .. body
end

---What a token says; nothing is checked, so trust none of it.
---@param token string
---@return table claims
---@return table headers raises kind `jwt` (reason "malformed")
function jwt.decode(token)
  local claims, headers = split("jwt.decode", token)
  return claims, headers
end

--- The number of a claim that is a time.
local function moment(claims, name)
  local value = claims[name]
  if value == nil or math.type(value) then return value end
  fail("malformed", "the claim `%s` is no number", name)
end

--- Written so that a `now` that is no number (NaN) passes nothing.
local function check_times(claims, now, leeway)
  local expires = moment(claims, "exp")
  if expires and not (now - leeway < expires) then
    fail("expired", "the token expired %.0f s ago", now - expires)
  end
  for _, name in ipairs { "nbf", "iat" } do
    local value = moment(claims, name)
    if value and not (value <= now + leeway) then
      fail("not yet valid", "the token is not valid yet: its `%s` is %.0f s in the future", name,
        value - now)
    end
  end
end

---@class JwtVerifyOptions
---@field algorithm "RS256"|"ES256" the only one that is taken, whatever the token says
---@field key string public or private key, PEM
---@field now? number seconds since 1970; the clock by default
---@field leeway? number|string duration that clocks may differ by; 0 by default

---The claims of a token whose signature, algorithm and times (`exp`, `nbf`, `iat`) are
---right. Raises kind `jwt` with `.reason`: "signature", "expired", "not yet valid",
---"malformed" or "algorithm"; kind `usage` when it is the key that is wrong.
---@param token string
---@param opts JwtVerifyOptions
---@return table claims
---@return table headers
function jwt.verify(token, opts)
  local o = options("jwt.verify", opts, { algorithm = "string", key = "string", now = "number",
    leeway = "duration" })
  local claims, headers, signature, text = split("jwt.verify", token)
  if headers.alg ~= o.algorithm then
    fail("algorithm", "the token is signed with %s, and only %s is taken",
      arg.describe(headers.alg), o.algorithm)
  end
  if headers.crit ~= nil then
    fail("malformed", "the token demands extensions (`crit`) that are not understood")
  end
  if not checked("jwt.verify", o, core.verify(o.algorithm, o.key, text, signature)) then
    fail("signature", "the signature does not belong to the token and the key")
  end
  check_times(claims, o.now or os.time(), o.leeway or 0)
  return claims, headers
end

return arg.public("orch.jwt", jwt)
