--- Uploads in parts of the S3 of the tests.

local hash, xml = orch.hash, orch.xml
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local words = dofile(here .. "/s3_words.lua")
local element, fields, refuse, say = words.element, words.fields, words.refuse, words.say
local about = dofile(here .. "/s3_objects.lua").about

local ways = {}

function ways.CreateMultipartUpload(self, request, at)
  self.uploaded = self.uploaded + 1
  local id = ("upload-%d-%s"):format(self.uploaded, hash.md5(at.key .. self.uploaded):sub(1, 8))
  self.uploads[id] = { bucket = at.name, key = at.key, headers = about.keep_headers(request),
    parts = {}, initiated = self:now() + self.uploaded }
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
  about.check_digest(self, request)
  local etag, headers = about.etag_of(self, request.body, {})
  upload.parts[number] = { body = request.body, etag = etag, modified = self:now() }
  headers.ETag = '"' .. etag .. '"'
  return { status = 200, headers = headers, body = "" }
end

function ways.ListParts(self, _, at)
  local upload = upload_of(self, at)
  local after = tonumber(at.query["part-number-marker"] or 0)
  local root, count, truncated, last = element "ListPartsResult", 0, false, nil
  for _, number in ipairs(about.sorted_keys(upload.parts)) do
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
        { Key = about.shown(at, upload.key), UploadId = id,
          Initiated = words.iso(upload.initiated) })
      count, last = count + 1, id
    end
  end
  if query["encoding-type"] then root[#root + 1] = element("EncodingType", "url") end
  root[#root + 1] = element("IsTruncated", tostring(truncated))
  if truncated then
    root[#root + 1] = element("NextKeyMarker", about.shown(at, self.uploads[last].key))
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
    bodies[i], digests[i], before = part.body, hash.unhex(part.etag), number
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

return ways
