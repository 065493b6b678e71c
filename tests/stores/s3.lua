--- A service that speaks S3, for tests and demos: the Amazon S3 API Reference, API version
--- 2006-03-01 (as of 2024-06): PutObject, GetObject, HeadObject, DeleteObject(s), ListObjectsV2,
--- CreateMultipartUpload, UploadPart, ListParts, ListMultipartUploads, CompleteMultipartUpload,
--- AbortMultipartUpload; signatures as in "Authenticating Requests (AWS Signature Version 4)".
---
---     local store <close> = dofile("tests/stores/s3.lua").start { buckets = { "builds" } }
---     orch.deploy.s3.upload { file = "a.zip", bucket = "builds", endpoint = store.url,
---       access_key = store.access_key, secret_key = store.secret_key }
---     store.buckets.builds["a.zip"].body
---
--- Signatures, digests, sizes and the order of parts are checked for real. Misbehaviour:
---
---     store:fail("UploadPart", 2, { status = 503, code = "SlowDown" })   -- the second from now
---     store:fail("UploadPart", "always", { reset = true })
---     store:fail("CompleteMultipartUpload", 1, { lost = true })          -- done, but no answer
---     store.clock = 1800                                                 -- seconds it is ahead
---
--- A fault may also have `message`, `headers`, `inside` (Error in an answer of 200), `delay`, and
--- `run`, a function that is called first. `store.encrypted = true` gives ETags that are no MD5.

local hash, xml = orch.hash, orch.xml

local s3 = {}

local Store = {}
Store.__index = Store

local function digits_to_bytes(digits) return hash.unhex(digits) end

-- Time ---------------------------------------------------------------------------------------

function Store:now() return os.time() + self.clock end

local function iso(seconds) return os.date("!%Y-%m-%dT%H:%M:%S.000Z", seconds) end

local function seconds_of(stamp)
  local y, mo, d, h, mi, s = stamp:match "^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$"
  if not y then return nil end
  local noon = os.time { year = 1970, month = 1, day = 2, hour = 0, isdst = false }
  return os.time { year = y, month = mo, day = d, hour = h, min = mi, sec = s, isdst = false }
    - (noon - 86400)
end

-- Answers ------------------------------------------------------------------------------------

local function document(root)
  return xml.encode(root, { declaration = true })
end

local function element(name, ...) return { name = name, ... } end

--- { Key = "a", Size = 1 } in the order of `names`.
local function fields(name, names, values)
  local list = { name = name }
  for _, one in ipairs(names) do
    if values[one] ~= nil then list[#list + 1] = element(one, tostring(values[one])) end
  end
  return list
end

local statuses = {
  AccessDenied = 403, BadDigest = 400, EntityTooSmall = 400, ExpiredToken = 400,
  InvalidAccessKeyId = 403, InvalidArgument = 400, InvalidPart = 400, InvalidPartOrder = 400,
  InvalidToken = 400, MalformedXML = 400, MethodNotAllowed = 405, NoSuchBucket = 404,
  NoSuchKey = 404, NoSuchUpload = 404, NotImplemented = 501, RequestTimeTooSkewed = 403,
  SignatureDoesNotMatch = 403, SlowDown = 503, XAmzContentSHA256Mismatch = 400,
  AuthorizationHeaderMalformed = 400, AuthorizationQueryParametersError = 400,
  InvalidDigest = 400, MissingContentLength = 411, MissingSecurityHeader = 400,
}

local words = {
  AccessDenied = "Access Denied",
  BadDigest = "The Content-MD5 you specified did not match what we received.",
  EntityTooSmall = "Your proposed upload is smaller than the minimum allowed object size.",
  ExpiredToken = "The provided token has expired.",
  InvalidAccessKeyId = "The AWS Access Key Id you provided does not exist in our records.",
  InvalidPart = "One or more of the specified parts could not be found. The part might not have "
    .. "been uploaded, or the specified entity tag might not have matched the part's entity tag.",
  InvalidPartOrder = "The list of parts was not in ascending order. Parts must be ordered by part "
    .. "number.",
  NoSuchBucket = "The specified bucket does not exist",
  NoSuchKey = "The specified key does not exist.",
  NoSuchUpload = "The specified upload does not exist. The upload ID may be invalid, or the upload "
    .. "may have been aborted or completed.",
  RequestTimeTooSkewed = "The difference between the request time and the current time is too "
    .. "large.",
  SignatureDoesNotMatch = "The request signature we calculated does not match the signature you "
    .. "provided. Check your key and signing method.",
  SlowDown = "Please reduce your request rate.",
  XAmzContentSHA256Mismatch = "The provided 'x-amz-content-sha256' header does not match what was "
    .. "computed.",
  MethodNotAllowed = "The specified method is not allowed against this resource.",
  MalformedXML = "The XML you provided was not well-formed or did not validate against our "
    .. "published schema.",
}

local function refusal(self, code, more)
  local root = element("Error", element("Code", code),
    element("Message", more and more.message or words[code] or code))
  for _, name in ipairs { "Region", "BucketName", "RequestTime", "ServerTime" } do
    if more and more[name] then root[#root + 1] = element(name, tostring(more[name])) end
  end
  self.serial = self.serial + 1
  local id = ("%016X"):format(self.serial * 0x9E3779B97F4A7C15 & 0x7FFFFFFFFFFFFFFF)
  root[#root + 1] = element("RequestId", id)
  local headers = { ["Content-Type"] = "application/xml", ["x-amz-request-id"] = id }
  for name, value in pairs(more and more.headers or {}) do headers[name] = value end
  return { status = more and more.status or statuses[code] or 400, headers = headers,
    body = document(root) }
end

--- Leaves the handler with a refusal.
local function refuse(self, code, more)
  error(setmetatable({ answer = refusal(self, code, more) }, { __name = "refusal" }), 0)
end

local function say(root)
  root.attributes = { xmlns = "http://s3.amazonaws.com/doc/2006-03-01/" }
  return { status = 200, headers = { ["Content-Type"] = "application/xml" }, body = document(root) }
end

-- Signatures, by the book and not by the code under test ---------------------------------------

local function decode(text)
  return (text:gsub("%%(%x%x)", function(d) return string.char(tonumber(d, 16)) end))
end

local function encode(text, keep)
  return (text:gsub("[^A-Za-z0-9%-._~" .. keep .. "]", function(c)
    return string.format("%%%02X", string.byte(c))
  end))
end

--- name -> value, and what the signature covers of it.
local function read_query(raw, without)
  local map, list = {}, {}
  for part in raw:gmatch "[^&]+" do
    local name, value = part:match "^([^=]*)=?(.*)$"
    name, value = decode(name), decode((value:gsub("+", " ")))
    map[name] = value
    if name ~= without then list[#list + 1] = encode(name, "") .. "\0" .. encode(value, "") end
  end
  table.sort(list)
  for i, one in ipairs(list) do list[i] = one:gsub("%z", "=") end
  return map, table.concat(list, "&")
end

local function expected_signature(self, asked)
  local lines = {}
  for name in asked.names:gmatch "[^;]+" do
    local values = asked.headers:all(name)
    if #values == 0 then
      refuse(self, "SignatureDoesNotMatch", { message = "a signed header is missing: " .. name })
    end
    for i, value in ipairs(values) do
      values[i] = value:gsub("%s+", " "):match "^%s?(.-)%s?$"
    end
    lines[#lines + 1] = name .. ":" .. table.concat(values, ",")
  end
  local canonical = asked.method .. "\n" .. encode(decode(asked.path), "/") .. "\n" .. asked.query
    .. "\n" .. table.concat(lines, "\n") .. "\n\n" .. asked.names .. "\n" .. asked.payload
  local day, region = asked.scope:match "^(%d+)/([^/]*)/"
  local text = "AWS4-HMAC-SHA256\n" .. asked.stamp .. "\n" .. asked.scope .. "\n"
    .. hash.sha256(canonical)
  local key = "AWS4" .. self.secret_key
  for _, word in ipairs { day, region, "s3", "aws4_request" } do
    key = digits_to_bytes(hash.hmac("sha256", key, word))
  end
  return hash.hmac("sha256", key, text)
end

local function check_scope(self, scope, stamp)
  local day, region, service, last = scope:match "^(%d+)/([^/]+)/([^/]+)/([^/]+)$"
  if not day or service ~= "s3" or last ~= "aws4_request" or stamp:sub(1, 8) ~= day then
    refuse(self, "AuthorizationHeaderMalformed", { message = "the scope is malformed" })
  end
  if region ~= self.region then
    refuse(self, "AuthorizationHeaderMalformed", { Region = self.region,
      headers = { ["x-amz-bucket-region"] = self.region },
      message = ("The authorization header is malformed; the region '%s' is wrong; expecting '%s'")
        :format(region, self.region) })
  end
end

local function check_token(self, token)
  if self.token_expired and token == self.session_token then refuse(self, "ExpiredToken") end
  if token ~= self.session_token then refuse(self, "InvalidToken", { message =
    "The provided token is malformed or otherwise invalid." }) end
end

local function check_link(self, request, query)
  local access, scope = query["X-Amz-Credential"]:match "^([^/]+)/(.+)$"
  local stamp = query["X-Amz-Date"]
  if access ~= self.access_key then refuse(self, "InvalidAccessKeyId") end
  check_token(self, query["X-Amz-Security-Token"])
  check_scope(self, scope, stamp)
  if self:now() > seconds_of(stamp) + tonumber(query["X-Amz-Expires"]) then
    refuse(self, "AccessDenied", { message = "Request has expired" })
  end
  local path, raw = request.target:match "^([^?]*)%??(.*)$"
  local _, covered = read_query(raw, "X-Amz-Signature")
  local wanted = expected_signature(self, { method = request.method, path = path, query = covered,
    names = query["X-Amz-SignedHeaders"], headers = request.headers, payload = "UNSIGNED-PAYLOAD",
    stamp = stamp, scope = scope })
  if wanted ~= query["X-Amz-Signature"] then refuse(self, "SignatureDoesNotMatch") end
end

local function check_headers(self, request)
  local headers = request.headers
  local access, scope, names, signature = (headers.authorization or ""):match(
    "^AWS4%-HMAC%-SHA256 Credential=([^/]+)/([^,]+),%s*SignedHeaders=([^,]+),%s*Signature=(%x+)$")
  if not access then refuse(self, "AccessDenied") end
  local stamp = headers["x-amz-date"] or ""
  local at = seconds_of(stamp)
  if not at then refuse(self, "AccessDenied", { message = "x-amz-date is missing" }) end
  if access ~= self.access_key then refuse(self, "InvalidAccessKeyId") end
  if math.abs(at - self:now()) > 900 then
    refuse(self, "RequestTimeTooSkewed", { RequestTime = stamp, ServerTime = iso(self:now()) })
  end
  check_token(self, headers["x-amz-security-token"])
  check_scope(self, scope, stamp)
  local payload = headers["x-amz-content-sha256"]
  if not payload then refuse(self, "MissingSecurityHeader") end
  for name in pairs(headers) do -- whatever AWS says of itself must be covered
    if (name:find "^x%-amz%-" or name == "host") and not (";" .. names .. ";"):find(";" .. name .. ";",
      1, true) then
      refuse(self, "AccessDenied", { message =
        "There were headers present in the request which were not signed: " .. name })
    end
  end
  local path, raw = request.target:match "^([^?]*)%??(.*)$"
  local _, covered = read_query(raw)
  local wanted = expected_signature(self, { method = request.method, path = path, query = covered,
    names = names, headers = headers, payload = payload, stamp = stamp, scope = scope })
  if wanted ~= signature then refuse(self, "SignatureDoesNotMatch") end
  if payload ~= "UNSIGNED-PAYLOAD" and payload ~= hash.sha256(request.body) then
    refuse(self, "XAmzContentSHA256Mismatch")
  end
end

local function check_digest(self, request)
  local given = request.headers["content-md5"]
  if not given then return end
  if given ~= hash.base64(digits_to_bytes(hash.md5(request.body))) then refuse(self, "BadDigest") end
end

-- Objects --------------------------------------------------------------------------------------

local kept = { "content-type", "content-encoding", "cache-control", "x-amz-acl",
  "x-amz-storage-class", "content-disposition" }

local function keep_headers(request)
  local headers = {}
  for _, name in ipairs(kept) do headers[name] = request.headers[name] end
  for name, value in pairs(request.headers) do
    if name:find "^x%-amz%-meta%-" then headers[name] = value end
  end
  return headers
end

local ways = {}

--- The ETag of a piece, and what else is said of it.
local function etag_of(self, body, headers)
  if not self.encrypted then return hash.md5(body), headers end
  headers["x-amz-server-side-encryption"] = "aws:kms"
  return hash.md5("of another key" .. body), headers
end

function ways.PutObject(self, request, at)
  check_digest(self, request)
  local etag, headers = etag_of(self, request.body, {})
  at.bucket[at.key] = { body = request.body, etag = etag, headers = keep_headers(request),
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

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- A key as a listing has it.
local function shown(at, key)
  if at.query["encoding-type"] ~= "url" then return key end
  return (encode(key, "/ "):gsub(" ", "+"))
end

function ways.ListObjectsV2(self, _, at)
  local query = at.query
  local prefix, most = query.prefix or "", math.min(tonumber(query["max-keys"] or 1000), self.page)
  local after = query["continuation-token"] and decode(query["continuation-token"]) or ""
  local root, last, truncated = element "ListBucketResult", nil, false
  local count = 0
  for _, key in ipairs(sorted_keys(at.bucket)) do
    if key:sub(1, #prefix) == prefix and key > after then
      if count == most then
        truncated = true
        break
      end
      local one = at.bucket[key]
      root[#root + 1] = fields("Contents", { "Key", "LastModified", "ETag", "Size" }, { Key = shown(at, key),
        LastModified = iso(one.modified), ETag = '"' .. one.etag .. '"', Size = #one.body })
      last, count = key, count + 1
    end
  end
  table.insert(root, 1, element("IsTruncated", tostring(truncated)))
  table.insert(root, 1, element("Name", at.name))
  if at.query["encoding-type"] then root[#root + 1] = element("EncodingType", "url") end
  if truncated and last then
    root[#root + 1] = element("NextContinuationToken", encode(last, ""))
  end
  return say(root)
end

function ways.DeleteObjects(self, request, at)
  if not request.headers["content-md5"] then refuse(self, "InvalidDigest") end
  check_digest(self, request)
  local root = element "DeleteResult"
  local list = xml.decode(request.body):all "Object"
  if #list > 1000 then refuse(self, "MalformedXML") end
  for _, one in ipairs(list) do
    local key = one:find("Key"):text()
    local code = self.undeletable[key]
    if code then
      if code ~= "AccessDenied" then self.undeletable[key] = nil end -- it passes
      root[#root + 1] = fields("Error", { "Key", "Code", "Message" },
        { Key = key, Code = code, Message = words[code] })
    else
      at.bucket[key] = nil
    end
  end
  return say(root)
end

-- Uploads in parts -----------------------------------------------------------------------------

function ways.CreateMultipartUpload(self, request, at)
  self.uploaded = self.uploaded + 1
  local id = ("upload-%d-%s"):format(self.uploaded, hash.md5(at.key .. self.uploaded):sub(1, 8))
  self.uploads[id] = { bucket = at.name, key = at.key, headers = keep_headers(request), parts = {},
    initiated = self:now() + self.uploaded }
  return say(fields("InitiateMultipartUploadResult", { "Bucket", "Key", "UploadId" },
    { Bucket = at.name, Key = at.key, UploadId = id }))
end

local function upload_of(self, at)
  local upload = self.uploads[at.query.uploadId]
  if not upload or upload.key ~= at.key or upload.bucket ~= at.name then
    refuse(self, "NoSuchUpload")
  end
  return upload
end

function ways.UploadPart(self, request, at)
  local upload = upload_of(self, at)
  local number = math.tointeger(tonumber(at.query.partNumber))
  if not number or number < 1 or number > 10000 then refuse(self, "InvalidArgument") end
  check_digest(self, request)
  local etag, headers = etag_of(self, request.body, {})
  upload.parts[number] = { body = request.body, etag = etag, modified = self:now() }
  headers.ETag = '"' .. etag .. '"'
  return { status = 200, headers = headers, body = "" }
end

function ways.ListParts(self, _, at)
  local upload = upload_of(self, at)
  local after = tonumber(at.query["part-number-marker"] or 0)
  local root, count, truncated, last = element "ListPartsResult", 0, false, nil
  for _, number in ipairs(sorted_keys(upload.parts)) do
    if number > after then
      if count == self.page then
        truncated = true
        break
      end
      local part = upload.parts[number]
      root[#root + 1] = fields("Part", { "PartNumber", "ETag", "Size" }, { PartNumber = number,
        ETag = '"' .. part.etag .. '"', Size = #part.body })
      count, last = count + 1, number
    end
  end
  root[#root + 1] = element("IsTruncated", tostring(truncated))
  if truncated then root[#root + 1] = element("NextPartNumberMarker", tostring(last)) end
  return say(root)
end

--- By key and then by id, in pages; keys, also that of the next page, are encoded as names are.
function ways.ListMultipartUploads(self, _, at)
  local query, ids = at.query, {}
  for id, upload in pairs(self.uploads) do
    if upload.bucket == at.name and upload.key:sub(1, #(query.prefix or "")) == query.prefix then
      ids[#ids + 1] = id
    end
  end
  local function before(key, id, other_key, other_id)
    if key ~= other_key then return key < other_key end
    return id < other_id
  end
  table.sort(ids, function(a, b) return before(self.uploads[a].key, a, self.uploads[b].key, b) end)
  local root, count, truncated, last = element "ListMultipartUploadsResult", 0, false, nil
  for _, id in ipairs(ids) do
    local upload = self.uploads[id]
    if before(query["key-marker"] or "", query["upload-id-marker"] or "", upload.key, id) then
      if count == self.page then
        truncated = true
        break
      end
      root[#root + 1] = fields("Upload", { "Key", "UploadId", "Initiated" },
        { Key = shown(at, upload.key), UploadId = id, Initiated = iso(upload.initiated) })
      count, last = count + 1, id
    end
  end
  if query["encoding-type"] then root[#root + 1] = element("EncodingType", "url") end
  root[#root + 1] = element("IsTruncated", tostring(truncated))
  if truncated then
    root[#root + 1] = element("NextKeyMarker", shown(at, self.uploads[last].key))
    root[#root + 1] = element("NextUploadIdMarker", last)
  end
  return say(root)
end

function ways.AbortMultipartUpload(self, _, at)
  upload_of(self, at)
  self.uploads[at.query.uploadId] = nil
  return 204
end

function ways.CompleteMultipartUpload(self, request, at)
  local upload = upload_of(self, at)
  local ok, root = pcall(xml.decode, request.body)
  local list = ok and root.name == "CompleteMultipartUpload" and root:all "Part" or {}
  if #list == 0 then refuse(self, "MalformedXML") end
  local bodies, digests, before = {}, {}, 0
  for i, one in ipairs(list) do
    local number = math.tointeger(tonumber(one:find("PartNumber"):text()))
    if number <= before then refuse(self, "InvalidPartOrder") end
    local part = upload.parts[number]
    if not part or part.etag ~= one:find("ETag"):text():gsub('"', "") then
      refuse(self, "InvalidPart")
    end
    if i < #list and #part.body < self.least_part then refuse(self, "EntityTooSmall") end
    bodies[i], digests[i], before = part.body, digits_to_bytes(part.etag), number
  end
  local etag = hash.md5(table.concat(digests)) .. "-" .. #list
  at.bucket[at.key] = { body = table.concat(bodies), etag = etag, headers = upload.headers,
    modified = self:now() }
  self.uploads[at.query.uploadId] = nil
  if self.encrypted then etag = hash.md5("of another key" .. etag) .. "-" .. #list end
  at.bucket[at.key].etag = etag
  local answer = say(fields("CompleteMultipartUploadResult", { "Bucket", "Key", "ETag" },
    { Bucket = at.name, Key = at.key, ETag = '"' .. etag .. '"' }))
  if self.encrypted then answer.headers["x-amz-server-side-encryption"] = "aws:kms" end
  answer.body = "\n\n" .. answer.body -- a long one is kept alive with white space
  return answer
end

-- Which of these it is -------------------------------------------------------------------------

local function route_of(method, key, query)
  if not key then
    if method == "GET" and query.uploads then return "ListMultipartUploads" end
    if method == "GET" and query["list-type"] == "2" then return "ListObjectsV2" end
    if method == "POST" and query.delete then return "DeleteObjects" end
  elseif query.uploadId then
    local of = { PUT = "UploadPart", GET = "ListParts", POST = "CompleteMultipartUpload",
      DELETE = "AbortMultipartUpload" }
    return of[method]
  elseif method == "POST" then
    return query.uploads and "CreateMultipartUpload" or nil
  else
    local of = { PUT = "PutObject", GET = "GetObject", HEAD = "HeadObject",
      DELETE = "DeleteObject" }
    return of[method]
  end
end

--- Bucket and key of a request, in the path or in the host.
local function place_of(request)
  local path, raw = request.target:match "^([^?]*)%??(.*)$"
  local host = (request.headers.host or ""):gsub(":%d+$", "")
  local name = host:match "^(.+)%.s3%." or host:match "^(.+)%.localhost$"
  local rest = decode(path):sub(2)
  if not name then name, rest = rest:match "^([^/]*)/?(.*)$" end
  return { name = name, key = rest ~= "" and rest or nil, query = read_query(raw) }
end

--- The fault that is due for this request, if any; it counts for all of its route.
local function due(self, route)
  local now
  for i = #self.faults, 1, -1 do
    local one = self.faults[i]
    if one.route == route and one.n == "always" then
      now = now or one.fault
    elseif one.route == route then
      one.n = one.n - 1
      if one.n == 0 then now = table.remove(self.faults, i).fault end
    end
  end
  return now
end

local function act(self, request, route, at)
  local fault = due(self, route)
  if fault and fault.delay then orch.sleep(fault.delay) end
  if fault and fault.run then fault.run() end
  if fault and fault.reset then return { reset = true } end
  if fault and fault.code then
    local more = { message = fault.message, headers = fault.headers, Region = fault.region,
      status = fault.inside and 200 or fault.status }
    return refusal(self, fault.code, more)
  end
  if fault and fault.status then
    return { status = fault.status, headers = fault.headers or {}, body = fault.body or "" }
  end
  if at.query["X-Amz-Signature"] then
    check_link(self, request, at.query)
  else
    check_headers(self, request)
  end
  at.bucket = self.buckets[at.name]
  if not at.bucket then refuse(self, "NoSuchBucket", { BucketName = at.name }) end
  if self.denied[route] then refuse(self, "AccessDenied") end
  if self.delay > 0 and (route == "PutObject" or route == "UploadPart") then
    orch.sleep(self.delay)
  end
  local answer = ways[route](self, request, at)
  if fault and fault.lost then return { reset = true } end
  if fault and fault.etag then answer.headers.ETag = fault.etag end
  return answer
end

local function handle(self, request)
  local at = place_of(request)
  local route = route_of(request.method, at.key, at.query)
  local entry = { route = route or "?", key = at.key, bytes = #request.body,
    payload = request.headers["x-amz-content-sha256"], part = at.query.partNumber,
    headers = request.headers, target = request.target }
  self.requests[#self.requests + 1] = entry
  local ok, answer = pcall(function()
    if not route then refuse(self, "MethodNotAllowed") end
    return act(self, request, route, at)
  end)
  if not ok then
    if type(answer) ~= "table" or not answer.answer then error(answer, 0) end
    answer = answer.answer
  end
  entry.status = type(answer) == "table" and answer.status or answer
  if request.method == "HEAD" and type(answer) == "table" and answer.status ~= 200 then
    answer.body, answer.headers["Content-Type"] = "", nil
  end
  return answer
end

---Lets the n-th request of a route from now on, or "always" each, go wrong.
---@param route string "UploadPart", ...
---@param n integer|"always"
---@param fault table
function Store:fail(route, n, fault)
  self.faults[#self.faults + 1] = { route = route, n = n, fault = fault }
end

---How many requests there were, of a route or in all.
---@param route? string
---@return integer
function Store:count(route)
  local count = 0
  for _, one in ipairs(self.requests) do
    if not route or one.route == route then count = count + 1 end
  end
  return count
end

---Forgets the requests and the faults.
function Store:forget()
  self.requests, self.faults = {}, {}
end

function Store:__close() self.server:close() end

---@param opts? {buckets: string[]?, region: string?, delay: number?, page: integer?, least_part: integer?, session_token: string?, port: integer?, cert: string?, key: string?}
---  `delay`: seconds that a body takes
function s3.start(opts)
  opts = opts or {}
  local self = setmetatable({
    access_key = "AKIAIOSFODNN7EXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    session_token = opts.session_token, region = opts.region or "us-east-1", buckets = {},
    uploads = {}, requests = {}, faults = {}, denied = {}, undeletable = {}, clock = 0, serial = 1,
    encrypted = false,
    uploaded = 0, delay = opts.delay or 0, page = opts.page or 1000,
    least_part = opts.least_part or 5 << 20,
  }, Store)
  for _, name in ipairs(opts.buckets or { "builds" }) do self.buckets[name] = {} end
  self.server = orch.http.serve({ port = opts.port or 0, limit = "80M", cert = opts.cert,
    key = opts.key }, function(request) return handle(self, request) end)
  self.url = self.server.url
  return self
end

return s3
