--- The way of a file to App Store Connect: reserve an upload and its file, send the parts to
--- the addresses that Apple names, commit.
---
--- A run that was killed goes on: the memo has the ids and the parts that are there, Apple gives
--- the addresses again. Addresses that have expired are asked for anew.

local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local find = require "orch.deploy.testflight.find"
local lock = require("orch.lock").lock
local map = require("orch.map").map

local send = {}

local ROUNDS = 3 -- of addresses, before expired ones are an error
local uti = { ipa = "com.apple.ipa", pkg = "com.apple.pkg" }

--- An address that is no longer good answers with one of these.
local expired = { [400] = true, [401] = true, [403] = true, [404] = true, [410] = true }

---@class orch.deploy.testflight.Job
---@field api orch.deploy.testflight.Api
---@field app orch.deploy.testflight.App
---@field o table options
---@field source orch.deploy.Source
---@field memo orch.deploy.Memo
---@field known table<string, boolean> uploads of other runs
---@field tell fun(done: integer, total: integer)
---@field sent integer bytes
---@field resumed integer bytes
---@field private moved fun(key: string, bytes: integer)
---@field private counter fun(): function

local function gone(err)
  return errors.is(err) and (err.status == 404 or err.status == 410)
end

--- What is asked for by its id, nil when it is no more.
local function look(job, what, path)
  local ok, document = pcall(job.api.get, job.api, what, path)
  if ok then return document.data end
  if gone(document) then return nil end
  error(document, 0)
end

local function awaits(resource)
  return find.state(resource) == "AWAITING_UPLOAD"
end

local function new_upload(job)
  local o = job.o
  return job.api:send("begin an upload", "POST", "v1/buildUploads", {
    type = "buildUploads",
    attributes = { cfBundleShortVersionString = o.version, cfBundleVersion = o.build,
      platform = o.platform },
    relationships = { app = { data = { type = "apps", id = job.app.id } } },
  }, function()
    for _, upload in ipairs(find.uploads(job.api, job.app, o)) do
      if not job.known[upload.id] and awaits(upload) then return upload end
    end
  end)
end

--- The upload that an earlier run began, or a new one.
local function upload_of(job)
  local data = job.memo.data
  local upload = data.upload and look(job, "ask for the upload", "v1/buildUploads/" .. data.upload)
  if upload and find.state(upload) == "FAILED" then upload = nil end
  if upload then return upload end
  upload = new_upload(job)
  job.memo.data = { upload = upload.id, parts = {} }
  job.memo:save()
  return upload
end

local function new_file(job)
  local source, data = job.source, job.memo.data
  local file = job.api:send("reserve the file", "POST", "v1/buildUploadFiles", {
    type = "buildUploadFiles",
    attributes = { assetType = "ASSET", fileName = source.name, fileSize = source.size,
      uti = uti[source.name:match("%.(%w+)$"):lower()] },
    relationships = { buildUpload = { data = { type = "buildUploads", id = data.upload } } },
  }, function()
    local path = ("v1/buildUploads/%s/buildUploadFiles"):format(data.upload)
    for _, one in ipairs(job.api:list("ask for the files of the upload", path)) do
      local attributes = one.attributes
      if one.id ~= data.file and attributes.fileSize == source.size
        and attributes.fileName == source.name then
        return one
      end
    end
  end)
  data.file = file.id
  job.memo:save()
  return file
end

--- What was reserved and will not be used is of no use to anybody.
local function remove_upload(job)
  local id = job.memo.data.upload
  require("orch.scope").move_on_after(10, function()
    pcall(job.api.client.delete, job.api.client, "remove the upload", "v1/buildUploads/" .. id,
      { retry = false })
  end)
end

local function start_over(job)
  remove_upload(job)
  job.known[job.memo.data.upload] = true
  job.memo.data = {}
  job.moved = job.counter()
  return upload_of(job)
end

--- Part of the file that an operation is for; what Apple has of it carries a tag.
local function key_of(operation)
  return ("%d+%d"):format(operation.offset, operation.length)
end

local function check_operations(job, operations)
  local at = 0
  table.sort(operations, function(a, b) return a.offset < b.offset end)
  for _, operation in ipairs(operations) do
    if operation.offset ~= at then break end
    at = at + operation.length
  end
  if at == job.source.size then return operations end
  failure.throw("testflight", { kind = "http", what = "reserve the file", retryable = true,
    words = ("its parts cover %d of %d bytes"):format(at, job.source.size) })
end

--- The operations of the file that is reserved. `anew`: its addresses have expired, and Apple
--- names no others.
local function operations_of(job, anew)
  local id = job.memo.data.file
  local file = id and not anew
    and look(job, "ask for the file's addresses", "v1/buildUploadFiles/" .. id)
  local operations = file and file.attributes.uploadOperations
  if type(operations) ~= "table" or #operations == 0 then
    if id then start_over(job) end -- an upload has one file
    operations = new_file(job).attributes.uploadOperations
  end
  return check_operations(job, operations)
end

local function headers_of(operation)
  local headers = {}
  for _, header in ipairs(operation.requestHeaders or {}) do
    local name = header.name:lower()
    if name ~= "content-length" and name ~= "host" then headers[header.name] = header.value end
  end
  return headers
end

--- Sends one part; false when its address has expired.
local function send_part(job, operation, saving)
  local key, source = key_of(operation), job.source
  local ok, err = pcall(job.api.storage.request, job.api.storage,
    ("send bytes %d to %d"):format(operation.offset, operation.offset + operation.length - 1),
    operation.method or "PUT", operation.url, {
      headers = headers_of(operation), body = source:piece(operation.offset, operation.length),
      progress = function(done) job.moved(key, done) end,
    })
  if not ok then
    source:check() -- a file that shrank is no fault of the network
    if errors.is(err) and expired[err.status] then return false, err end
    error(err, 0)
  end
  source:check()
  job.moved(key, operation.length)
  job.sent = job.sent + operation.length
  local _ <close> = saving:acquire()
  job.memo.data.parts[key] = true
  job.memo:save()
  return true
end

--- How far all parts are together.
local function counter(job)
  local moving, done = {}, 0
  return function(key, bytes)
    done = done + bytes - (moving[key] or 0)
    moving[key] = bytes
    job.tell(done, job.source.size)
  end
end

local function missing(job, operations)
  local left, there = {}, 0
  for _, operation in ipairs(operations) do
    if operation.entityTag or job.memo.data.parts[key_of(operation)] then
      there = there + operation.length
      job.moved(key_of(operation), operation.length)
    else
      left[#left + 1] = operation
    end
  end
  return left, there
end

local function send_parts(job)
  local saving = lock()
  job.counter = function() return counter(job) end
  job.moved = job.counter()
  local left
  left, job.resumed = missing(job, operations_of(job, false))
  for round = 1, ROUNDS do
    local refused
    map(left, function(operation)
      if refused then return end -- the other addresses are as old
      local ok, err = send_part(job, operation, saving)
      if not ok then refused = refused or err end
    end, { concurrency = job.o.parts })
    if not refused then return end
    if round == ROUNDS then error(refused, 0) end
    left = missing(job, operations_of(job, round > 1))
  end
end

--- Apple documents checksums of the file, and has been seen to refuse them (409 with this
--- attribute): they are optional, so the commit is then sent without.
local function commit(job)
  local data, o = job.memo.data, job.o
  local attributes = { uploaded = true }
  if o.checksum then
    local digits = job.source:hash(o.checksum == "MD5" and "md5" or "sha256")
    attributes.sourceFileChecksums = { file = { hash = digits, algorithm = o.checksum } }
  end
  job.source:check()
  local function patch()
    job.api:send("commit the file", "PATCH", "v1/buildUploadFiles/" .. data.file,
      { type = "buildUploadFiles", id = data.file, attributes = attributes }, function()
        return not awaits(job.api:get("ask for the upload", "v1/buildUploads/" .. data.upload).data)
      end)
  end
  local ok, err = pcall(patch)
  if ok then return end
  local refused = errors.is(err) and err.kind == "conflict" and attributes.sourceFileChecksums
    and err.message:find("sourceFileChecksums", 1, true)
  if not refused then error(err, 0) end
  attributes.sourceFileChecksums = nil
  patch()
end

---Sends the file, or what is missing of it.
---@async
---@param job orch.deploy.testflight.Job
---@return string upload_id
function send.run(job)
  local upload = upload_of(job)
  job.sent, job.resumed = 0, 0
  if not awaits(upload) then -- an earlier run was killed right after its commit
    job.resumed = job.source.size
    return upload.id
  end
  local ok, err = pcall(function()
    send_parts(job)
    commit(job)
  end)
  if ok then return job.memo.data.upload end
  if errors.is(err) and err.kind == "changed" then
    remove_upload(job)
    job.memo:done()
  end
  error(err, 0)
end

return send
