--- What App Store Connect reserves for a file: an upload, the file in it, addresses for its
--- parts. A run that was killed goes on: the memo has the ids, and Apple gives the addresses
--- again.

local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local find = require "orch.deploy.testflight.find"

local reserve = {}

local uti = { ipa = "com.apple.ipa", pkg = "com.apple.pkg" }

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
  local ok, found = pcall(job.api.one, job.api, what, path)
  if ok then return found end
  if gone(found) then return nil end
  error(found, 0)
end

---@param resource table of `buildUploads`
---@return boolean
function reserve.awaits(resource)
  return find.state(resource) == "AWAITING_UPLOAD"
end

local function new_upload(job)
  local o = job.o
  return job.api:make("begin an upload", "v1/buildUploads", {
    type = "buildUploads",
    attributes = { cfBundleShortVersionString = o.version, cfBundleVersion = o.build,
      platform = o.platform },
    relationships = { app = { data = { type = "apps", id = job.app.id } } },
  }, function(in_the_way)
    for _, upload in ipairs(find.uploads(job.api, job.app, o)) do
      if reserve.awaits(upload) and (in_the_way or not job.known[upload.id]) then return upload end
    end
  end)
end

--- The upload that an earlier run began, or a new one.
---@async
---@param job orch.deploy.testflight.Job
---@return table upload resource
function reserve.upload(job)
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
  local file = job.api:make("reserve the file", "v1/buildUploadFiles", {
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
---@async
---@param job orch.deploy.testflight.Job
function reserve.remove(job)
  local id = job.memo.data.upload
  require("orch.scope").move_on_after(10, function()
    pcall(job.api.client.delete, job.api.client, "remove the upload", "v1/buildUploads/" .. id,
      { retry = false })
  end)
end

local function start_over(job)
  reserve.remove(job)
  job.known[job.memo.data.upload] = true
  job.memo.data, job.resumed = {}, 0
  job.moved = job.counter()
  return reserve.upload(job)
end

local function is_operation(value)
  return type(value) == "table" and type(value.url) == "string"
    and math.type(value.offset) == "integer" and math.type(value.length) == "integer"
    and value.length > 0
end

--- The parts must make up the file.
local function check_operations(job, operations)
  local parts, at = {}, 0
  for i, operation in ipairs(type(operations) == "table" and operations or {}) do
    if not is_operation(operation) then break end
    parts[i] = operation
  end
  table.sort(parts, function(a, b) return a.offset < b.offset end)
  for _, operation in ipairs(parts) do
    if operation.offset ~= at then break end
    at = at + operation.length
  end
  if at == job.source.size then return parts end
  failure.throw("testflight", { kind = "http", what = "reserve the file", retryable = true,
    words = ("its parts cover %d of %d bytes"):format(at, job.source.size) })
end

--- The operations of the file that is reserved. `anew`: its addresses have expired, and Apple
--- names no others.
---@async
---@param job orch.deploy.testflight.Job
---@param anew boolean
---@return table[] operations
function reserve.operations(job, anew)
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

return reserve
