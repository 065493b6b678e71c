--- A link to an object that works without a key for some time, made without asking the service.
---
---     require "orch.deploy.s3.link"("deploy.s3.presign", { bucket = "builds", key = "game.zip" })

local address = require "orch.deploy.s3.address"
local arg = require "orch.arg"
local clients = require "orch.deploy.s3.client"
local sign = require "orch.deploy.s3.sign"

local spec = { key = "string", expires = "duration", method = "string", download_as = "string" }
for name, types in next, clients.spec do spec[name] = types end

local methods = { GET = true, HEAD = true, PUT = true, DELETE = true }

--- A header has no letters but those of English: others come encoded (RFC 6266), beside a name
--- for those who cannot read that.
local function disposition(name)
  local plain = name:gsub('[%c"\\]', "_")
  local text = ('attachment; filename="%s"'):format(plain:gsub("[\128-\255]+", "_"))
  if not plain:find "[\128-\255]" then return text end
  return ("%s; filename*=UTF-8''%s"):format(text, sign.encode(plain))
end

local LONGEST_LINK <const> = 7 * 24 * 3600

---@async
---@param fname string
---@param opts table as of `s3.presign`
---@return string url
local function link(fname, opts)
  if type(opts) ~= "table" then arg.fail("%s takes one table: %s { key = ... }", fname, fname) end
  local o = arg.options(fname, opts, spec)
  for _, name in ipairs { "bucket", "key" } do
    if not o[name] then arg.fail("%s needs the option `%s`", fname, name) end
  end
  address.check_key(fname, o.key)
  local expires = math.floor(o.expires or 3600)
  if expires < 1 or expires > LONGEST_LINK then
    arg.fail("%s: option `expires` should be from 1 second to 7 days", fname)
  end
  local query = {}
  if o.download_as then query["response-content-disposition"] = disposition(o.download_as) end
  local method = (o.method or "GET"):upper()
  if not methods[method] then
    arg.fail("%s: option `method` should be \"GET\", \"HEAD\", \"PUT\" or \"DELETE\"", fname)
  end
  return clients.open(fname, o):link({ method = method, key = o.key, query = query }, expires)
end

return link
