--- What broken uploads have left at the service: their parts, as far as they are of this file.

local answer = require "orch.deploy.s3.answer"
local errors = require "orch.core.error"
local etag = require "orch.deploy.s3.etag"
local object = require "orch.deploy.s3.object"

local unfinished = {}

--- All pages of a listing; `next_page(root)` gives the query of the next one. A service that knows
--- no pages gives the first one again.
local function pages(client, asked, each, next_page)
  local query = asked.query
  repeat
    asked.query = {}
    for name, value in next, query do asked.query[name] = value end
    local root = client:request(asked)
    each(root)
    local more = answer.text(root, "IsTruncated") == "true" and next_page(root)
    local again = true
    for name, value in next, more or {} do
      again = again and query[name] == value
      query[name] = value
    end
  until not more or again
end

--- Whose keys may only put, or who has a service that knows no listings, has nothing to go on with.
local function may_not_ask(err)
  return errors.is(err) and (err.status == 403 or err.status == 405 or err.status == 501)
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
  end, function(root)
    return { ["part-number-marker"] = answer.text(root, "NextPartNumberMarker") }
  end)
  if ok then return found end
  if answer.is(err, "NoSuchUpload") or may_not_ask(err) then return nil end
  error(err, 0)
end

--- Ids of unfinished uploads of this key, the newest first.
local function list_uploads(client, key)
  local list = {}
  local ok, err = pcall(pages, client, { what = ("ask for unfinished uploads of '%s'"):format(key),
    need = "s3:ListBucketMultipartUploads", method = "GET",
    query = { uploads = "", ["encoding-type"] = "url", prefix = key }, xml = true }, function(root)
    for _, upload in ipairs(root:all "Upload") do
      if object.name(root, upload, "Key") == key then
        list[#list + 1] = { id = answer.text(upload, "UploadId"),
          since = answer.text(upload, "Initiated") or "" }
      end
    end
  end, function(root)
    return { ["key-marker"] = object.name(root, root, "NextKeyMarker"),
      ["upload-id-marker"] = answer.text(root, "NextUploadIdMarker") }
  end)
  if not ok and not may_not_ask(err) then error(err, 0) end
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

--- Parts as large as those that are there, unless the file has become too large for such parts.
local function plan(file, there, part_size)
  local first = math.huge
  for number in next, there do first = math.min(first, number) end
  local size = there[first] and math.tointeger(there[first].size)
  if not size or size < etag.LEAST_PART or size >= file.size
    or etag.part_size(file.size, size) ~= size then
    size = part_size
  end
  return etag.parts(file.size, size)
end

---The upload that we began: what of it is not of this file any more will be sent again.
---@async
---@param client orch.deploy.s3.Client
---@param file orch.deploy.s3.File
---@param key string
---@param part_size integer
---@param id string
---@return table[]? parts those that are there are `done`; nil: there is no such upload
function unfinished.ours(client, file, key, part_size, id)
  local there = list_parts(client, key, id)
  if not there then return nil end
  local parts = plan(file, there, part_size)
  compare(file, parts, there)
  return parts
end

---An upload that may be somebody else's: all that is there must be of this file.
---@async
---@return string? id
---@return table[]? parts
function unfinished.find(client, file, key, part_size)
  for _, upload in ipairs(list_uploads(client, key)) do
    local there = list_parts(client, key, upload.id)
    if there and next(there) then
      local parts = plan(file, there, part_size)
      if compare(file, parts, there) == 0 then return upload.id, parts end
    end
  end
end

return unfinished
