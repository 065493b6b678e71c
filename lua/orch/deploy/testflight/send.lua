--- The way of a file to App Store Connect: its parts go to the addresses that Apple names, some
--- at once, each tried again for itself; then it is committed. Addresses that have expired are
--- asked for anew.

local errors = require "orch.core.error"
local lock = require("orch.lock").lock
local map = require("orch.map").map
local reserve = require "orch.deploy.testflight.reserve"

local send = {}

local ROUNDS = 3 -- of addresses, before expired ones are an error

--- An address that is no longer good answers with one of these.
local expired = { [400] = true, [401] = true, [403] = true, [404] = true, [410] = true }

--- Part of the file that an operation is for.
local function key_of(operation)
  return ("%d+%d"):format(operation.offset, operation.length)
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

--- What Apple has of a part carries a tag, but of whose file is not said: only what was sent
--- from this one counts.
local function missing(job, operations)
  local left, there = {}, 0
  for _, operation in ipairs(operations) do
    if job.memo.data.parts[key_of(operation)] then
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
  left, job.resumed = missing(job, reserve.operations(job, false))
  for round = 1, ROUNDS do
    local refused
    map(left, function(operation)
      if refused then return end -- the other addresses are as old
      local ok, err = send_part(job, operation, saving)
      if not ok then refused = refused or err end
    end, { concurrency = job.o.connections })
    if not refused then return end
    if round == ROUNDS then error(refused, 0) end
    left = missing(job, reserve.operations(job, round > 1))
  end
end

--- Whether Apple will not have this attribute of a request.
local function refuses(err, name)
  for _, one in ipairs(errors.is(err) and err.kind == "conflict" and err.errors or {}) do
    if ((one.pointer or "") .. (one.detail or "")):find(name, 1, true) then return true end
  end
  return false
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
  local function arrived()
    local upload = job.api:one("ask for the upload", "v1/buildUploads/" .. data.upload)
    return not reserve.awaits(upload)
  end
  local function patch()
    job.api:send("commit the file", "PATCH", "v1/buildUploadFiles/" .. data.file,
      { type = "buildUploadFiles", id = data.file, attributes = attributes }, arrived)
  end
  local ok, err = pcall(patch)
  if ok then return end
  if not attributes.sourceFileChecksums or not refuses(err, "sourceFileChecksums") then
    error(err, 0)
  end
  attributes.sourceFileChecksums = nil
  patch()
end

---Sends the file, or what is missing of it.
---@async
---@param job orch.deploy.testflight.Job
---@return string upload_id
function send.run(job)
  local upload = reserve.upload(job)
  job.sent, job.resumed = 0, 0
  if not reserve.awaits(upload) then -- an earlier run was killed right after its commit
    job.resumed = job.source.size
    return upload.id
  end
  local ok, err = pcall(function()
    send_parts(job)
    commit(job)
  end)
  if ok then return job.memo.data.upload end
  if errors.is(err) and err.kind == "changed" then
    reserve.remove(job)
    job.memo:done()
  end
  error(err, 0)
end

return send
