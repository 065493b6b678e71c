--- One object: what is there, its headers, and a file put in one piece.

local answer = require "orch.deploy.s3.answer"
local arg = require "orch.arg"
local core = require "orch.core.hash"
local date = require "orch.http.date"
local errors = require "orch.core.error"
local etag = require "orch.deploy.s3.etag"
local failure = require "orch.deploy.failure"
local media = require "orch.deploy.media"
local urls = require "orch.http.url"

local object = {}

---The options that say what an object is like.
object.spec = {
  content_type = "string|table", content_encoding = "string|boolean",
  cache_control = "string|callable", acl = "string", storage_class = "string",
  metadata = "table", part_size = "size",
}

local function metadata_of(fname, metadata, headers)
  for name, value in next, metadata or {} do
    if type(name) ~= "string" or not name:find "^[%w_-]+$"
      or not (type(value) == "string" or math.type(value)) then
      arg.fail("%s: option `metadata` should be { name = \"text\" }, not { [%s] = %s }", fname,
        tostring(name), arg.describe(value))
    end
    if tostring(value):find "[^\32-\126]" then
      arg.fail("%s: metadata '%s' has characters that no header can carry; percent-encode them",
        fname, name)
    end
    headers["x-amz-meta-" .. name:lower()] = tostring(value)
  end
end

local option_of = { ["content-type"] = "content_type", ["content-encoding"] = "content_encoding",
  ["cache-control"] = "cache_control", ["x-amz-acl"] = "acl",
  ["x-amz-storage-class"] = "storage_class" }

---The headers that a new object is made with.
---@param fname string
---@param o table
---@param name string by which its type is known
---@return table<string, string>
function object.headers(fname, o, name)
  local wanted = o.content_type
  local kind, encoding = media.of(name, type(wanted) == "table" and wanted or nil)
  if o.content_encoding ~= nil then encoding = o.content_encoding end
  if encoding == true then arg.fail("%s: `content_encoding` is a text, or false", fname) end
  local cache = o.cache_control
  if arg.is_callable(cache) then cache = cache(name) end
  local headers = {
    ["content-type"] = type(wanted) == "string" and wanted or kind,
    ["content-encoding"] = encoding or nil,
    ["cache-control"] = cache, ["x-amz-acl"] = o.acl, ["x-amz-storage-class"] = o.storage_class,
  }
  for header, value in next, headers do
    if type(value) ~= "string" or value == "" or value:find "[^\32-\126]" then
      arg.fail("%s: `%s` of '%s' should be a text that a header can carry, not %s", fname,
        option_of[header], name, arg.describe(value))
    end
  end
  metadata_of(fname, o.metadata, headers)
  return headers
end

---@class orch.deploy.s3.Object
---@field size integer
---@field etag string digits, perhaps "-" and a number of parts
---@field modified integer? seconds since 1970
---@field type string?
---@field metadata table<string, string>?
---@field encrypted boolean? such have an ETag that is no MD5

local function is_encrypted(headers)
  local how = headers["x-amz-server-side-encryption"]
  return how ~= nil and how:find "kms" ~= nil
    or headers["x-amz-server-side-encryption-customer-algorithm"] ~= nil
end

local function from_headers(response)
  local headers, metadata = response.headers, {}
  for name, value in pairs(headers) do
    local own = name:match "^x%-amz%-meta%-(.+)$"
    if own then metadata[own] = value end
  end
  return { size = math.tointeger(tonumber(headers["content-length"])) or -1,
    etag = etag.clean(headers.etag), modified = date(headers["last-modified"]),
    type = headers["content-type"], metadata = metadata, encrypted = is_encrypted(headers) }
end

--- Names may have what XML cannot say; asked for that, the service encodes them as a form does.
---A key in a listing.
---@param root orch.xml.Element
---@param element orch.xml.Element
---@param name string "Key", "NextKeyMarker"
---@return string
function object.name(root, element, name)
  local key = answer.text(element, name) or ""
  if answer.text(root, "EncodingType") ~= "url" then return key end
  return urls.decode((key:gsub("+", " ")))
end

---An object in a listing.
---@param root orch.xml.Element
---@param element orch.xml.Element `Contents`
---@return string key
---@return orch.deploy.s3.Object
function object.listed(root, element)
  return object.name(root, element, "Key"), {
    size = math.tointeger(tonumber(answer.text(element, "Size"))) or -1,
    etag = etag.clean(answer.text(element, "ETag")),
    modified = date(answer.text(element, "LastModified")),
  }
end

--- A HEAD has no words: a listing of that one key has, and may know of it.
local function ask_again(client, key)
  local ok, root = pcall(client.request, client, { what = ("look for '%s'"):format(key),
    method = "GET", xml = true, query = { ["list-type"] = "2", ["encoding-type"] = "url",
      prefix = key, ["max-keys"] = "1" } })
  if not ok then
    if answer.is(root, "AccessDenied") then return nil end
    error(root, 0)
  end
  for _, element in ipairs(root:all "Contents") do
    local name, found = object.listed(root, element)
    if name == key then return found end
  end
end

---What there is under a key.
---@async
---@param client orch.deploy.s3.Client
---@param key string
---@param thorough boolean? says also when there is no such bucket
---@return orch.deploy.s3.Object? object nil: none, or the keys may not see it
function object.look(client, key, thorough)
  local ok, response = pcall(client.request, client,
    { what = ("look for '%s'"):format(key), method = "HEAD", key = key })
  if ok then return from_headers(response) end
  local status = errors.is(response) and response.service and response.status
  if not status or status >= 500 or status == 429 then error(response, 0) end
  if status == 404 and not thorough then return nil end
  return ask_again(client, key)
end

---Raises when what has arrived is not what was sent.
---@param what string
---@param headers table of the answer
---@param wanted string digits
function object.check_etag(what, headers, wanted)
  local got = etag.clean(headers.etag)
  if got == wanted or not etag.is_md5(got) or is_encrypted(headers) then return end
  failure.throw("s3", { what = what, kind = "http", retryable = true,
    words = ("the ETag of what has arrived is %s, not %s"):format(got, wanted) })
end

---@class orch.deploy.s3.File
---@field path string absolute
---@field name string by which its type is known
---@field size integer
---@field md5 string?
---@field seen string? the ETag of what was there when it was looked for
---@field headers table<string, string> of the new object
---@field check async fun() raises kind `changed`

---Puts a file in one piece.
---@async
---@param client orch.deploy.s3.Client
---@param file orch.deploy.s3.File
---@param key string
---@param headers table
---@param tell fun(done: integer)
---@return string etag
function object.put(client, file, key, headers, tell)
  local what = ("put '%s'"):format(key)
  file.md5 = file.md5 or core.file("md5", file.path)
  file.check()
  headers["content-md5"] = etag.base64(file.md5)
  local body = file.size > 0 and { path = file.path, offset = 0, length = file.size } or ""
  client:request { what = what, need = "s3:PutObject", method = "PUT", key = key,
    headers = headers, body = body, progress = tell,
    verify = function(response) object.check_etag(what, response.headers, file.md5) end }
  file.check()
  tell(file.size)
  return file.md5
end

return object
