--- Where a bucket is: the host and path of AWS, MinIO, Cloudflare R2 and the like.
---
---     local at = address.of("deploy.s3.upload", { bucket = "builds", region = "eu-west-1" })
---     at:url "web/index.html"   --> "https://builds.s3.eu-west-1.amazonaws.com/web/index.html"

local arg = require "orch.arg"
local sign = require "orch.deploy.s3.sign"
local urls = require "orch.http.url"

local address = {}

---@class orch.deploy.s3.Address
---@field scheme "http"|"https"
---@field host string with its port, as it is in the header Host
---@field base string what stands before the key in a path, without a slash at its end
---@field bucket string
---@field region string
local Address = {}
Address.__index = Address

local default_port = { http = ":80$", https = ":443$" }

local function check_bucket(fname, bucket)
  if #bucket < 3 or #bucket > 63 or not bucket:find "^[%w][%w._-]+[%w]$" then
    arg.fail("%s: %s is no name of a bucket: 3 to 63 letters, digits, dots and hyphens%s", fname,
      arg.describe(bucket), bucket:find "^s3:" and "; write bucket = \"name\", key = \"path\""
      or "")
  end
end

local function read_endpoint(fname, text)
  if not text:find "^%a[%w+.-]*://" then
    arg.fail("%s: the endpoint %q has no scheme; write \"https://%s\"", fname, text, text)
  end
  local plain, user = urls.check(fname, text)
  local scheme, _, host, rest = urls.split(plain)
  if rest:find "[?#]" or user then
    arg.fail("%s: the endpoint %q should be scheme, host and port only", fname, urls.shown(text))
  end
  return scheme, host, (rest:gsub("/+$", ""))
end

---@param fname string
---@param o {bucket: string, endpoint: string?, path_style: boolean?, region: string?, usual_region: string?}
---  `usual_region`: where nothing else says one
---@return orch.deploy.s3.Address
function address.of(fname, o)
  check_bucket(fname, o.bucket)
  local self = setmetatable({ bucket = o.bucket, region = o.region }, Address)
  local path_style = o.path_style
  if o.endpoint then
    self.scheme, self.host, self.base = read_endpoint(fname, o.endpoint)
    self.is_r2 = self.host:find "%.r2%.cloudflarestorage%.com" ~= nil
    self.region = self.region or self.is_r2 and "auto" or o.usual_region or "us-east-1"
    if path_style == nil then path_style = true end
  else
    self.region = self.region or o.usual_region or "us-east-1"
    if not self.region:find "^[%w-]+$" then
      arg.fail("%s: %s is no region such as \"eu-west-1\"", fname, arg.describe(self.region))
    end
    self.scheme, self.base = "https", ""
    self.host = ("s3.%s.amazonaws.com%s"):format(self.region,
      self.region:find "^cn%-" and ".cn" or "")
    -- A certificate for *.s3... does not cover a name with dots; old buckets may have capitals.
    if path_style == nil then path_style = o.bucket:find "[^%l%d-]" ~= nil end
  end
  self.host = self.host:gsub(default_port[self.scheme], "")
  if path_style then
    self.base = self.base .. "/" .. o.bucket
  else
    self.host = o.bucket .. "." .. self.host
  end
  return self
end

---The path of a key, or of the bucket; decoded.
---@param key string?
---@return string
function Address:path(key)
  return key and self.base .. "/" .. key or self.base == "" and "/" or self.base
end

---@param key string?
---@return string url without a query
function Address:url(key)
  return ("%s://%s%s"):format(self.scheme, self.host, sign.encode_path(self:path(key)))
end

---Raises kind `usage` for what cannot be a key.
---@param fname string
---@param key string
function address.check_key(fname, key)
  local problem
  if key == "" or #key > 1024 then
    problem = "it should have 1 to 1024 bytes"
  elseif not utf8.len(key) then
    problem = "it is not UTF-8"
  elseif key:find "%c" then
    problem = "it has a control character in it"
  elseif key:find "^/" then
    problem = "it begins with a slash; the key of the file is what follows it"
  elseif ("/" .. key .. "/"):find "/%.%.?/" then
    problem = "a part of it is '.' or '..', which is lost on the way"
  end
  if problem then
    local shown = utf8.len(key) and key or key:gsub("[\128-\255]", "?")
    if #shown > 100 then shown = shown:sub(1, utf8.offset(shown, 0, 100) - 1) .. "..." end
    arg.fail("%s: '%s' cannot be a key: %s", fname, shown:gsub("%c", "?"), problem)
  end
  return key
end

return address
