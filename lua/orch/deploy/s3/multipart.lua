--- A large file in parts, several at once. What a broken upload has left at the service is asked
--- for, and its parts are compared with the file's by their MD5: only the others are sent.

local answer = require "orch.deploy.s3.answer"
local errors = require "orch.core.error"
local etag = require "orch.deploy.s3.etag"
local failure = require "orch.deploy.failure"
local map = require "orch.map"
local memos = require "orch.deploy.memo"
local object = require "orch.deploy.s3.object"
local scopes = require "orch.scope"

local multipart = {}

--- All pages of a listing; `next_page(root)` gives the query of the next one.
local function pages(client, asked, each, next_page)
  local query = asked.query
  repeat
    asked.query = {}
    for name, value in next, query do asked.query[name] = value end
    local root = client:request(asked)
    each(root)
    local more = answer.text(root, "IsTruncated") == "true" and next_page(root)
    for name, value in next, more or {} do query[name] = value end
  until not more
end

--- number -> { size, etag } of the parts that are there; nil: there is no such upload.
local function list_parts(client, key, id)
  local found = {}
  local ok, err = pcall(pages, client, { what = ("ask for the parts of '%s'"):format(key),
    need = "s3:ListMultipartUploadParts", method = "GET", key = key, query = { uploadId = id },
    xml = true }, function(root)
    for _, part in ipairs(root:all "Part") do
      found[math.tointeger(tonumber(answer.text(part, "PartNumber")))] = {
        size = tonumber(answer.text(part, "Size")), etag = etag.clean(answer.text(part, "ETag")),
      }
    end
  end, function(root) return { ["part-number-marker"] = answer.text(root, "NextPartNumberMarker") } end)
  if ok then return found end
  if answer.is(err, "NoSuchUpload") then return nil end
  error(err, 0)
end

--- Ids of unfinished uploads of this key, the newest first. Who may not ask has none.
local function list_uploads(client, key)
  local list = {}
  local ok, err = pcall(pages, client, { what = ("ask for unfinished uploads of '%s'"):format(key),
    need = "s3:ListBucketMultipartUploads", method = "GET",
    query = { uploads = "", ["encoding-type"] = "url", prefix = key }, xml = true }, function(root)
    for _, upload in ipairs(root:all "Upload") do
      if object.key(root, upload) == key then
        list[#list + 1] = { id = answer.text(upload, "UploadId"),
          since = answer.text(upload, "Initiated") or "" }
      end
    end
  end, function(root)
    return { ["key-marker"] = answer.text(root, "NextKeyMarker"),
      ["upload-id-marker"] = answer.text(root, "NextUploadIdMarker") }
  end)
  if not ok and not (errors.is(err) and (err.status == 403 or err.status == 501)) then
    error(err, 0)
  end
  table.sort(list, function(a, b) return a.since > b.since end)
  return list
end

--- Which parts are there as they should be: they get their `md5` and are `done`. And how many
--- are not.
local function compare(file, parts, there)
  local wrong = 0
  for number, one in next, there do
    local part = parts[number]
    if part and part.length == one.size then
      part.md5 = part.md5 or etag.of_part(file.path, part)
      part.done = part.md5 == one.etag
    end
    if not (part and part.done) then wrong = wrong + 1 end
  end
  return wrong
end

--- Parts as large as those that are there.
local function plan(file, there, part_size)
  local first = there and there[1]
  local size = first and first.size >= etag.LEAST_PART and first.size < file.size and first.size
  return etag.parts(file.size, size and math.tointeger(size) or part_size)
end

--- An upload of somebody else, or of another state of the file, is not continued unless it is
--- the one that we began: all that is there must be of this file.
local function find(client, file, key, part_size, memo)
  local ours = memo.data.upload
  local there = ours and list_parts(client, key, ours)
  if there then
    local parts = plan(file, there, part_size)
    compare(file, parts, there)
    return ours, parts
  end
  for _, upload in ipairs(list_uploads(client, key)) do
    there = list_parts(client, key, upload.id)
    if there and next(there) then
      local parts = plan(file, there, part_size)
      if compare(file, parts, there) == 0 then return upload.id, parts end
    end
  end
end

local function create(client, key, headers)
  local root = client:request { what = ("begin the upload of '%s'"):format(key),
    need = "s3:PutObject", method = "POST", key = key, query = { uploads = "" }, headers = headers,
    body = "", xml = true }
  local id = answer.text(root, "UploadId")
  if id and id ~= "" then return id end
  failure.throw("s3", { what = ("begin the upload of '%s'"):format(key), kind = "http",
    words = "the answer has no UploadId" })
end

local function send(client, file, key, id, part, count, tell)
  local what = ("put part %d of %d of '%s'"):format(part.number, count, key)
  part.md5 = part.md5 or etag.of_part(file.path, part)
  file.check()
  local response = client:request { what = what, need = "s3:PutObject", method = "PUT", key = key,
    query = { partNumber = tostring(part.number), uploadId = id },
    headers = { ["content-md5"] = etag.base64(part.md5) },
    body = { path = file.path, offset = part.offset, length = part.length }, progress = tell,
    verify = function(response) object.check_etag(what, response.headers, part.md5) end }
  file.check()
  tell(part.length)
  part.etag = response.headers.etag
end

local function completion(parts)
  local list = { "<CompleteMultipartUpload>" }
  for _, part in ipairs(parts) do
    list[#list + 1] = ("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>"):format(
      part.number, ((part.etag or '"' .. part.md5 .. '"'):gsub('"', "&quot;")))
  end
  list[#list + 1] = "</CompleteMultipartUpload>"
  return table.concat(list)
end

--- An answer that was lost on the way: is it done?
local function is_done(client, key, err, wanted, size)
  if not answer.is(err, "NoSuchUpload") then return false end
  local there = object.look(client, key)
  return there and there.size == size and (there.etag == wanted or client.at.is_r2)
end

local function complete(client, file, key, id, parts)
  local what = ("complete the upload of '%s'"):format(key)
  local list = {}
  for i, part in ipairs(parts) do list[i] = part.md5 end
  local wanted = etag.of_parts(list)
  local ok, root, response = pcall(client.request, client, { what = what, need = "s3:PutObject",
    method = "POST", key = key, query = { uploadId = id }, body = completion(parts), xml = true,
    headers = { ["content-type"] = "application/xml" } })
  if not ok then
    if is_done(client, key, root, wanted, file.size) then return wanted end
    error(root, 0)
  end
  local got = answer.text(root, "ETag")
  if not client.at.is_r2 then -- whose ETags of what came in parts are not made of MD5s
    local headers = setmetatable({ etag = got }, { __index = response.headers })
    object.check_etag(what, headers, wanted)
  end
  return etag.clean(got)
end

local function abort(client, key, id)
  client:request { what = ("give up the upload of '%s'"):format(key), method = "DELETE", key = key,
    need = "s3:AbortMultipartUpload", query = { uploadId = id } }
end

--- What is to be sent, and where to; an upload that is begun is written down at once.
local function prepare(client, file, key, o, memo, headers)
  if o.resume then
    local id, parts = find(client, file, key, o.part_size, memo)
    if id then return id, parts end
  end
  local id = create(client, key, headers)
  memo.data = { upload = id }
  memo:save()
  return id, etag.parts(file.size, o.part_size)
end

---@async
---@param client orch.deploy.s3.Client
---@param file orch.deploy.s3.File
---@param key string
---@param o {resume: boolean, part_size: integer, connections: integer}
---@param headers table of the object
---@param shown orch.deploy.FolderProgress
---@return string etag
---@return integer resumed bytes that were there
function multipart.put(client, file, key, o, headers, shown)
  local memo <close> = memos.open { service = "s3", resume = o.resume,
    target = client.at:url(key) }
  local id, parts = prepare(client, file, key, o, memo, headers)
  local _ <close> = scopes.defer(function(err)
    if err and not o.resume then
      pcall(abort, client, key, id)
      memo:done()
    end
  end)
  local missing, resumed = {}, 0
  for _, part in ipairs(parts) do
    if part.done then
      resumed = resumed + part.length
    else
      missing[#missing + 1] = part
    end
  end
  shown:file()(resumed)
  map.each(missing, function(part)
    send(client, file, key, id, part, #parts, shown:file())
  end, { concurrency = o.connections })
  file.check()
  local result = complete(client, file, key, id, parts)
  memo:done()
  return result, resumed
end

return multipart
