--- Digests (OpenSSL): fingerprints of strings, in hexadecimal.
---
---     assert(orch.hash.md5("hello") == "5d41402abc4b2a76b9719d911017c592")
---
--- `orch.fs.hash(path)` does the same for a file of any size.
local arg = require "orch.arg"
local core = require "orch.core.hash"

local hash = {}

local algorithms = { md5 = true, sha1 = true, sha256 = true, sha512 = true }

local function check_algorithm(fname, i, name)
  arg.check(fname, i, name, "string")
  if algorithms[name] then return end
  local near = arg.suggest(name:lower(), arg.keys_of(algorithms))
  arg.fail("%s: argument %d should be md5, sha1, sha256 or sha512, not %q%s",
    fname, i, name, near and ("; did you mean '%s'?"):format(near) or "")
end

--- Bytes as lower-case hexadecimal digits.
---@param bytes string
---@return string
function hash.hex(bytes)
  arg.check("hash.hex", 1, bytes, "string")
  return core.hex(bytes)
end

--- The bytes of hexadecimal digits. Raises kind `usage` for anything else.
---@param digits string
---@return string bytes
function hash.unhex(digits)
  arg.check("hash.unhex", 1, digits, "string")
  if #digits % 2 == 1 or digits:find("%X") then
    arg.fail("hash.unhex: argument 1 should be pairs of hexadecimal digits")
  end
  return (digits:gsub("..", function(c) return string.char(tonumber(c, 16)) end))
end

--- Bytes as base64 (RFC 4648, with padding, on one line).
---@param bytes string
---@return string
function hash.base64(bytes)
  arg.check("hash.base64", 1, bytes, "string")
  return core.base64(bytes)
end

--- Bytes as base64 for URLs and tokens (RFC 4648 section 5: `-` and `_`, no padding).
---@param bytes string
---@return string
function hash.base64url(bytes)
  arg.check("hash.base64url", 1, bytes, "string")
  return (core.base64(bytes):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" }))
end

--- The bytes of base64 text: either alphabet, with padding or without, on one line.
--- Raises kind `usage` for anything else.
---@param text string
---@return string bytes
function hash.unbase64(text)
  arg.check("hash.unbase64", 1, text, "string")
  local padded = text:find("=", 1, true) and text or text .. ("="):rep(-#text % 4)
  return require("orch.core.base64").decode(padded, 1)
    or arg.fail("hash.unbase64: argument 1 is no base64")
end

local function one(name)
  local fname = "hash." .. name
  return function(text)
    arg.check(fname, 1, text, "string")
    return core.digest(name, text)
  end
end

---@type fun(text: string): string 32 digits; for fingerprints, not for security
hash.md5 = one "md5"
---@type fun(text: string): string 40 digits; for fingerprints, not for security
hash.sha1 = one "sha1"
---@type fun(text: string): string 64 digits
hash.sha256 = one "sha256"
---@type fun(text: string): string 128 digits
hash.sha512 = one "sha512"

---@class HmacOptions
---@field raw? boolean bytes instead of digits, for signatures that are chained

--- A keyed digest (RFC 2104).
---@param algorithm "md5"|"sha1"|"sha256"|"sha512"
---@param key string
---@param text string
---@param opts? HmacOptions
---@return string digits
function hash.hmac(algorithm, key, text, opts)
  check_algorithm("hash.hmac", 1, algorithm)
  arg.check("hash.hmac", 2, key, "string")
  arg.check("hash.hmac", 3, text, "string")
  local o = arg.options("hash.hmac", opts, { raw = "boolean" })
  return core.hmac(algorithm, key, text, o.raw)
end

---@class orch.Hash
---@field private context userdata
local Hash = {}
Hash.__index = Hash
Hash.__name = "orch.hash.running"

--- Adds a part of the text.
---@param text string
---@return orch.Hash self
function Hash:update(text)
  arg.check("hash:update", 1, text, "string")
  self.context:update(text)
  return self
end

--- The digest of all parts; the object is spent then (kind `usage`).
---@return string digits
function Hash:digest()
  return self.context:finish()
end

--- A digest of text that comes in parts.
---@param algorithm "md5"|"sha1"|"sha256"|"sha512"
---@return orch.Hash
function hash.new(algorithm)
  check_algorithm("hash.new", 1, algorithm)
  return setmetatable({ context = core.new(algorithm) }, Hash)
end

return arg.public("orch.hash", hash)
