--- The option `hash` of a download: "sha256:..." or the bare digits.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local urls = require "orch.http.url"

local lengths = { md5 = 32, sha1 = 40, sha256 = 64, sha512 = 128 }
local by_length = { [32] = "md5", [40] = "sha1", [64] = "sha256", [128] = "sha512" }

local hash_check = {}

---@param fname string
---@param text string?
---@return {algorithm: string, digits: string}?
function hash_check.read(fname, text)
  if not text then return nil end
  local algorithm, digits = text:match "^%s*([%w-]+)[:=](%x+)%s*$"
  if not algorithm then
    digits = text:match "^%s*(%x+)%s*$"
    algorithm = digits and by_length[#digits]
  end
  algorithm = algorithm and algorithm:lower():gsub("-", "")
  if not algorithm or lengths[algorithm] ~= #digits then
    arg.fail('%s: option `hash` should be "sha256:" and %d hexadecimal digits (or md5, sha1, '
      .. "sha512), not %s", fname, 64, arg.describe(text))
  end
  return { algorithm = algorithm, digits = digits:lower() }
end

---Whether a file is what was wanted.
---@async
---@return boolean
---@return string digits what it has
function hash_check.matches(wanted, path)
  local digits = require("orch.core.hash").file(wanted.algorithm, path)
  return digits == wanted.digits, digits
end

---Raises kind `http` (`expected`, `actual`, `algorithm`).
function hash_check.fail(wanted, actual, url, path)
  local shown = urls.shown(url)
  errors.throw(errors.make {
    kind = "http", url = shown, method = "GET", path = path, algorithm = wanted.algorithm,
    expected = wanted.digits, actual = actual,
    message = ("GET %s: the %s of what came is %s, not %s; nothing was written to '%s'"):format(
      shown, wanted.algorithm, actual, wanted.digits, path),
  })
end

return hash_check
