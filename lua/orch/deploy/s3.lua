--- S3: Amazon's, MinIO, Cloudflare R2 and whatever speaks the same. Files of any size go up in
--- parts, several at once; what a broken upload has left is used by the next one.
---
---     local s3 = orch.deploy.s3
---     s3.upload { folder = "out/web", bucket = "play.example.com", prefix = "demo/",
---       region = "eu-west-1", cache_control = "no-cache" }
---     s3.upload { file = "game.zip", bucket = "builds", key = "nightly/game.zip",
---       endpoint = "https://minio.studio.lan:9000", profile = "studio" }
---
--- Requests are signed with AWS Signature Version 4. Errors have the service's own words:
--- kinds `auth`, `rejected`, `conflict`, `changed`, with `reason` (NoSuchBucket, ...),
--- `status`, `request_id`; and `network`, `timeout`, `tls`, `status` as of `orch.http`.

local arg = require "orch.arg"
local common = require "orch.deploy.common"
local address = require "orch.deploy.s3.address"
local clients = require "orch.deploy.s3.client"
local clock = require "orch.core.clock"
local etag = require "orch.deploy.s3.etag"
local folders = require "orch.deploy.folder"
local object = require "orch.deploy.s3.object"
local sync = require "orch.deploy.sync"

local s3 = {}

local upload_spec = common.merged(clients.spec, object.spec, sync.spec,
  { key = "string", prefix = "string" })

local function check_prefix(fname, o)
  if o.key and o.prefix then
    arg.fail("%s: `key` and `prefix` exclude each other; the prefix is a part of the key", fname)
  end
  local prefix = (o.prefix or ""):gsub("^/+", "")
  if o.delete and prefix == "" and o.prefix ~= "" then -- such as version .. "/" without a version
    arg.fail("%s: `delete` without a `prefix` would delete everything else in the bucket '%s'; if "
      .. "that is what you want, write prefix = \"\"", fname, o.bucket)
  end
  if prefix ~= "" and prefix:sub(-1) ~= "/" then prefix = prefix .. "/" end
  o.prefix = prefix
end

local function check_upload(fname, opts)
  local o = common.options(fname, opts, upload_spec, { "bucket" })
  sync.check(fname, o)
  if o.folder and o.key then
    arg.fail("%s: a folder has no `key`; say `prefix`, which goes before the names", fname)
  end
  o.part_size = o.part_size or 16 << 20
  if o.part_size < etag.LEAST_PART then
    arg.fail("%s: option `part_size` should be at least \"5M\": S3 refuses smaller parts", fname)
  end
  if o.part_size > etag.MOST_PART then
    arg.fail("%s: option `part_size` should be at most \"5G\": S3 refuses larger parts", fname)
  end
  check_prefix(fname, o)
  return o
end

--- One file as it should be; the bytes that were there already.
local function put(client, file, key, o, shown)
  if file.size <= o.part_size then
    return object.put(client, file, key, file.headers, shown:file()), 0
  end
  local own = { resume = o.resume, connections = o.connections,
    part_size = etag.part_size(file.size, o.part_size) }
  return require("orch.deploy.s3.multipart").put(client, file, key, own, file.headers, shown)
end

local function key_of(fname, o, name)
  local key = o.key or o.prefix .. name
  if key:sub(-1) == "/" then key = key .. name end
  return address.check_key(fname, key)
end

local function shown_place(o, key) return ("s3://%s/%s"):format(o.bucket, key) end

local function upload_file(fname, client, o, started)
  local source = require("orch.deploy.source").open(fname, o.file)
  local key = key_of(fname, o, source.name)
  local file = { path = source.path, size = source.size, name = key,
    headers = object.headers(fname, o, key), check = function() source:check() end }
  local there = object.look(client, key, o.dry_run)
  local result = { service = "s3", file = source.shown, size = source.size, bytes = 0,
    bucket = o.bucket, key = key, url = client.at:url(key) }
  file.seen = there and there.etag
  if there and etag.same(file, there, etag.part_size(file.size, o.part_size)) then
    result.skipped, result.etag = true, there.etag
  end
  return sync.run({ fname = fname, o = o, result = result, started = started, bytes = source.size,
    would = sync.would_send_file(source, shown_place(o, key), result.skipped, there ~= nil),
  }, function(shown)
    local resumed
    result.etag, resumed = put(client, file, key, o, shown)
    return resumed
  end)
end

local function upload_folder(fname, client, o, started)
  local s3_sync = require "orch.deploy.s3.sync"
  local files = folders.open(fname, o.folder, { include = o.include, exclude = o.exclude })
  for _, file in ipairs(files) do
    address.check_key(fname, o.prefix .. file.name)
    file.headers = object.headers(fname, o, file.name)
  end
  local plan = s3_sync.plan(client, files, o)
  local result = sync.folder_result("s3", o, files, plan.count, client.at:url(o.prefix))
  result.bucket, result.prefix = o.bucket, o.prefix
  result.skipped = plan.count == 0 and #plan.surplus == 0 or nil
  return sync.run({ fname = fname, o = o, result = result, started = started, bytes = plan.bytes,
    would = sync.would_send_folder(o, files, plan, shown_place(o, o.prefix), #plan.surplus),
  }, function(shown)
    local resumed = sync.send(fname, plan, o.connections, function(file)
      return select(2, put(client, file, o.prefix .. file.name, o, shown))
    end)
    s3_sync.delete(client, plan.surplus)
    result.sent, result.deleted = plan.count, #plan.surplus
    return resumed
  end)
end

---@class orch.deploy.s3.Where
---@field bucket string
---@field region string? by default AWS_REGION, that of the profile, "us-east-1"; R2: "auto"
---@field endpoint string? of what is not Amazon's, "https://host:9000"; AWS_ENDPOINT_URL
---@field path_style boolean? the bucket is in the path; by default with an `endpoint`
---@field access_key string? by default AWS_ACCESS_KEY_ID, or that of the profile
---@field secret_key string?
---@field session_token string?
---@field profile string? of ~/.aws/credentials and ~/.aws/config

---@class orch.deploy.s3.Options: orch.deploy.Options, orch.deploy.s3.Where
---@field folder orch.Path? instead of `file`: all that is in it, unless it is there already
---@field key string? of the file; its name by default; "in/" gets it behind
---@field prefix string? of the names of a folder: "demo/"; with `delete` it has to be said, ""
---  for all of the bucket
---@field part_size number|string|nil "16M"; larger files go up in such parts; "5M" or more
---@field connections integer? parts and files that are sent at the same time, 4
---@field content_type string|table<string, string>|nil by the ending of the name; a table adds
---  endings: { data = "application/x-data" }
---@field content_encoding string|false|nil by default br and gzip for `x.wasm.br`, `x.js.gz`, ...
---@field cache_control string|(fun(name: string): string?)|nil
---@field acl string? "public-read"
---@field storage_class string? "STANDARD_IA"
---@field metadata table<string, string>?
---@field delete boolean? of a folder: removes objects below `prefix` that are not in it, but
---  not those that `include` and `exclude` leave out
---@field include string|string[]|nil patterns as in `fs.glob`, relative to the folder
---@field exclude string|string[]|nil

---Uploads a file or a folder. What is there already, with the same size and an ETag that says
---the same, is not sent. `resume = false` begins anew, and leaves nothing behind when it fails.
---@async
---@param opts orch.deploy.s3.Options
---@return orch.deploy.Result result also `bucket`, `url`, and `key` and `etag`, or, of a folder,
---  `prefix`, `files`, `sent`, `kept`, `deleted`; raises as the module says, and `os`
function s3.upload(opts)
  local fname = "deploy.s3.upload"
  local started = clock.now()
  local o = check_upload(fname, opts)
  local client = clients.open(fname, o)
  client:limit(o.connections)
  if o.file then return upload_file(fname, client, o, started) end
  return upload_folder(fname, client, o, started)
end

local ask_spec = common.merged(clients.spec, { key = "string", part_size = "size" })

local function ask(fname, opts)
  local o = common.options(fname, opts, ask_spec, { "bucket", "key" })
  address.check_key(fname, o.key)
  return o, clients.open(fname, o)
end

---What there is under a key.
---@async
---@param opts orch.deploy.s3.Where|{key: string, file: orch.Path?}
---@return {exists: boolean, url: string, size: integer?, modified: integer?, etag: string?,
---  type: string?, metadata: table?, same: boolean?} status `modified`: seconds since 1970; `same`:
---  whether it is `file`, by size and ETag
function s3.status(opts)
  local o, client = ask("deploy.s3.status", opts)
  local there = object.look(client, o.key, true)
  local status = { exists = there ~= nil, url = client.at:url(o.key) }
  for name, value in next, there or {} do status[name] = value end
  if o.file then
    local source = require("orch.deploy.source").open("deploy.s3.status", o.file)
    status.same = there ~= nil and etag.same({ path = source.path, size = source.size }, there,
      etag.part_size(source.size, o.part_size or 16 << 20))
  end
  return status
end

---Whether there is an object under a key; with `file`, whether it is that file.
---@async
---@param opts orch.deploy.s3.Where|{key: string, file: orch.Path?}
---@return boolean
function s3.exists(opts)
  local status = s3.status(opts)
  if type(opts) == "table" and opts.file then return status.same end
  return status.exists
end

---A link that works without a key for some time: for testers. Nothing is asked of the service.
---@async
---@param opts orch.deploy.s3.Where|{key: string, expires: number|string|nil, method: string?,
---  download_as: string?} `expires`: "1h", up to 7 days; `download_as`: the name under which a browser saves it
---@return string url
function s3.presign(opts)
  return require "orch.deploy.s3.link"("deploy.s3.presign", opts)
end

return arg.public("orch.deploy.s3", s3)
