--- Objects of the S3 of the tests: put, got, listed, deleted; and what uploads in parts need of
--- them as well.

local hash, xml = orch.hash, orch.xml
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local words = dofile(here .. "/s3_words.lua")
local element, fields, refuse, say = words.element, words.fields, words.refuse, words.say

local ways, about = {}, {}

function about.check_digest(self, request)
  local given = request.headers["content-md5"]
  if not given then return end
  if given ~= hash.base64(hash.unhex(hash.md5(request.body))) then refuse(self, "BadDigest") end
end

local kept = { "content-type", "content-encoding", "cache-control", "x-amz-acl",
  "x-amz-storage-class", "content-disposition" }

function about.keep_headers(request)
  local headers = {}
  for _, name in ipairs(kept) do headers[name] = request.headers[name] end
  for name, value in pairs(request.headers) do
    if name:find "^x%-amz%-meta%-" then headers[name] = value end
  end
  return headers
end

--- The ETag of a piece, and what else is said of it.
function about.etag_of(self, body, headers)
  if not self.encrypted then return hash.md5(body), headers end
  headers["x-amz-server-side-encryption"] = "aws:kms"
  return hash.md5("of another key" .. body), headers
end

function ways.PutObject(self, request, at)
  about.check_digest(self, request)
  local etag, headers = about.etag_of(self, request.body, {})
  at.bucket[at.key] = { body = request.body, etag = etag, headers = about.keep_headers(request),
    modified = self:now() }
  headers.ETag = '"' .. etag .. '"'
  return { status = 200, headers = headers, body = "" }
end

local function found(self, at)
  local object = at.bucket[at.key]
  if not object then refuse(self, "NoSuchKey") end
  local headers = { ETag = '"' .. object.etag .. '"',
    ["Last-Modified"] = os.date("!%a, %d %b %Y %H:%M:%S GMT", object.modified) }
  for name, value in pairs(object.headers) do
    if name ~= "x-amz-acl" then headers[name] = value end
  end
  if self.encrypted then headers["x-amz-server-side-encryption"] = "aws:kms" end
  return object, headers
end

function ways.HeadObject(self, _, at)
  local object, headers = found(self, at)
  headers["Content-Length"] = #object.body
  return { status = 200, headers = headers, body = object.body }
end

function ways.GetObject(self, _, at)
  local object, headers = found(self, at)
  headers["Content-Disposition"] = at.query["response-content-disposition"]
  return { status = 200, headers = headers, body = object.body }
end

function ways.DeleteObject(_, _, at)
  at.bucket[at.key] = nil
  return 204
end

function about.sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- A key as a listing has it.
function about.shown(at, key)
  if at.query["encoding-type"] ~= "url" then return key end
  return (words.encode(key, "/ "):gsub(" ", "+"))
end

function ways.ListObjectsV2(self, _, at)
  local query = at.query
  local prefix, most = query.prefix or "", math.min(tonumber(query["max-keys"] or 1000), self.page)
  local after = query["continuation-token"] and words.decode(query["continuation-token"]) or ""
  local root, last, truncated = element "ListBucketResult", nil, false
  local count = 0
  for _, key in ipairs(about.sorted_keys(at.bucket)) do
    if key:sub(1, #prefix) == prefix and key > after then
      if count == most then
        truncated = true
        break
      end
      local one = at.bucket[key]
      root[#root + 1] = fields("Contents", { "Key", "LastModified", "ETag", "Size" }, {
        Key = about.shown(at, key), LastModified = words.iso(one.modified),
        ETag = '"' .. one.etag .. '"', Size = #one.body })
      last, count = key, count + 1
    end
  end
  table.insert(root, 1, element("IsTruncated", tostring(truncated)))
  table.insert(root, 1, element("Name", at.name))
  if at.query["encoding-type"] then root[#root + 1] = element("EncodingType", "url") end
  if truncated and last then
    root[#root + 1] = element("NextContinuationToken", words.encode(last, ""))
  end
  return say(root)
end

function ways.DeleteObjects(self, request, at)
  if not request.headers["content-md5"] then refuse(self, "InvalidDigest") end
  about.check_digest(self, request)
  local root = element "DeleteResult"
  local list = xml.decode(request.body):all "Object"
  if #list > 1000 then refuse(self, "MalformedXML") end
  for _, one in ipairs(list) do
    local key = one:find("Key"):text()
    local code = self.undeletable[key]
    if code then
      if code ~= "AccessDenied" then self.undeletable[key] = nil end -- it passes
      root[#root + 1] = fields("Error", { "Key", "Code", "Message" },
        { Key = key, Code = code, Message = words.texts[code] })
    else
      at.bucket[key] = nil
    end
  end
  return say(root)
end

return { ways = ways, about = about }
