--- WebDAV (Nextcloud, ownCloud, Apache, nginx), and servers that just take PUT (Artifactory,
--- Nexus): a file or a folder, only what changed, moved into its place when all of it is there.
---
---     local webdav = orch.deploy.webdav
---     webdav.upload { folder = "out/web", url = "https://files.studio.lan/dav/web/",
---       user = "ann", password = password }
---     webdav.upload { file = "game.zip", url = "https://repo.studio.lan/builds/7/", bearer = token }
---
--- A file that is there as large and not older is not sent again. HTTP has no way to continue a
--- file in the middle: after a failure it begins anew, and those that have arrived stay. Errors:
--- kinds `auth`, `rejected`, `conflict` (409, 423 locked), `changed`; `status` (507: the disk is
--- full); `network`, `timeout`, `tls`; with `service` and the server's words.

local arg = require "orch.arg"
local clients = require "orch.deploy.webdav.client"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local folders = require "orch.deploy.folder"
local listing = require "orch.deploy.webdav.listing"
local map = require "orch.map"
local memos = require "orch.deploy.memo"
local put = require "orch.deploy.webdav.put"
local urls = require "orch.http.url"

local webdav = {}

local function merged(...)
  local all = {}
  for _, spec in ipairs { ... } do
    for name, types in next, spec do all[name] = types end
  end
  return all
end

local upload_spec = merged(clients.spec, {
  folder = "path", connections = "integer", delete = "boolean", atomic = "boolean",
  include = "string|table", exclude = "string|table",
})

local for_folders = { "delete", "include", "exclude" }

local function check_upload(fname, opts)
  local o = common.options(fname, opts, upload_spec)
  o.url = o.url or o.base_url
  if not o.url then arg.fail("%s needs the option `url`", fname) end
  if (o.file == nil) == (o.folder == nil) then
    arg.fail("%s needs one of the options `file` and `folder`", fname)
  end
  for _, name in ipairs(for_folders) do
    if o.file and o[name] ~= nil then
      arg.fail("%s: option `%s` is for a `folder`", fname, name)
    end
  end
  o.connections = o.connections or 4
  if o.connections < 1 or o.connections > 64 then
    arg.fail("%s: option `connections` should be from 1 to 64, not %d", fname, o.connections)
  end
  if o.folder and o.url:sub(-1) ~= "/" then o.url = o.url .. "/" end
  return o
end

local function upload_file(fname, dav, o, started)
  local source = require("orch.deploy.source").open(fname, o.file)
  local url = dav.url
  if url:sub(-1) == "/" then url = url .. urls.encode(source.name) end
  if url == dav.origin then arg.fail("%s: option `url` has no path", fname) end
  local file = { path = source.path, name = source.name, size = source.size, mtime = source.mtime,
    check = function() source:check() end }
  local there = listing.one(dav, source.name, url)
  if there and there.folder then
    arg.fail("%s: %s is a folder; end the `url` with a slash to put the file into it", fname,
      urls.shown(url))
  end
  local result = { service = "webdav", file = source.shown, size = source.size, bytes = 0,
    url = urls.shown(url), skipped = listing.same(dav, file, there) or nil }
  if o.dry_run then
    result.dry_run = true
    result.would = result.skipped and ("would send nothing: %s is %s"):format(result.url,
      source.shown) or ("would upload %s (%s) to %s"):format(source.shown,
      common.size(source.size), result.url)
  elseif not result.skipped then
    local shown <close> = folders.progress(fname, o.progress, source.size)
    if not there then put.folder(dav, url:match "^(.*/)", {}) end
    put.file(dav, file, url, { atomic = o.atomic ~= false and put.can_move(dav) }, shown:file())
    result.bytes = source.size
  end
  result.elapsed = clock.now() - started
  return result
end

local function send_all(fname, dav, files, o, shown)
  map.each(files, function(file)
    file.check = function() folders.check(fname, file) end
    put.file(dav, file, dav.root .. put.encode(file.name), o, shown:file())
  end, { concurrency = o.connections })
end

local function carry_out(fname, dav, plan, o)
  local function delete(name)
    dav:ask({ [404] = true }, ("delete '%s'"):format(name), "DELETE", dav.root .. put.encode(name))
  end
  map.each(plan.twins, delete, { concurrency = o.connections })
  local made = {}
  if not plan.root_is_there and plan.count > 0 then put.folder(dav, dav.root, made) end
  for _, name in ipairs(plan.missing) do put.folder(dav, dav.root .. put.encode(name), made) end
  local own = { connections = o.connections,
    atomic = o.atomic ~= false and plan.count > 0 and put.can_move(dav) }
  local shown <close> = folders.progress(fname, o.progress, plan.bytes)
  send_all(fname, dav, plan.first, own, shown)
  send_all(fname, dav, plan.pages, own, shown)
  map.each(plan.surplus, delete, { concurrency = o.connections })
end

local function plural(n, what) return ("%d %s%s"):format(n, what, n == 1 and "" or "s") end

local function upload_folder(fname, dav, o, started)
  local files = folders.open(fname, o.folder, { include = o.include, exclude = o.exclude })
  local plan = require("orch.deploy.webdav.sync").plan(fname, dav, files, o)
  local surplus = #plan.surplus + #plan.twins
  local result = { service = "webdav", file = o.folder, size = files.total, bytes = 0,
    files = #files, sent = 0, deleted = 0, url = urls.shown(dav.root),
    skipped = plan.count == 0 and surplus == 0 or nil }
  if o.dry_run then
    result.dry_run = true
    result.would = ("would upload %s of %d (%s) from %s to %s"):format(plural(plan.count, "file"),
      #files, common.size(plan.bytes), o.folder, result.url)
    if surplus > 0 then
      result.would = ("%s, and delete %d there"):format(result.would, surplus)
    end
  elseif not result.skipped then
    carry_out(fname, dav, plan, o)
    result.sent, result.deleted, result.bytes = plan.count, surplus, plan.bytes
  end
  result.elapsed = clock.now() - started
  return result
end

---@class orch.deploy.webdav.Where
---@field url string of the file, or, with a slash at its end, of the folder that it goes into
---@field user string?
---@field password string?
---@field auth string|{user: string, password: string, scheme: "basic"|"digest"|"any"|nil}|nil
---@field bearer string? a token

---@class orch.deploy.webdav.Options: orch.deploy.Options, orch.deploy.webdav.Where
---@field folder orch.Path? instead of `file`: all that is in it, unless it is there already
---@field connections integer? files that are sent at the same time, 4
---@field atomic boolean? default true: a file is put under another name and moved into its place,
---  where the server can move
---@field delete boolean? of a folder: removes what is there and not in it, but not what
---  `include` and `exclude` leave out; needs a server with PROPFIND
---@field include string|string[]|nil patterns as in `fs.glob`, relative to the folder
---@field exclude string|string[]|nil

---Uploads a file or a folder. Missing folders are made.
---@async
---@param opts orch.deploy.webdav.Options
---@return orch.deploy.Result result also `url` and, of a folder, `files`, `sent`, `deleted`;
---  raises as the module says, and `os`
function webdav.upload(opts)
  local fname = "deploy.webdav.upload"
  local started = clock.now()
  local o = check_upload(fname, opts)
  local dav = clients.open(fname, o)
  -- Another process would wait with its files under the same names.
  local target = o.folder and dav.root or dav.url
  local _ <close> = not o.dry_run and memos.open { service = "webdav", target = target } or nil
  if o.file then return upload_file(fname, dav, o, started) end
  return upload_folder(fname, dav, o, started)
end

---What there is under a URL.
---@async
---@param opts orch.deploy.webdav.Where|{file: orch.Path?}
---@return {exists: boolean, size: integer?, modified: integer?, etag: string?, folder: boolean?, same: boolean?}
---  `modified`: seconds since 1970; `same`: whether it is as large as `file` and not older
function webdav.status(opts)
  local fname = "deploy.webdav.status"
  local o = common.options(fname, opts, clients.spec, { "url" })
  local dav = clients.open(fname, o)
  local there = listing.one(dav, dav.url, dav.url)
  local status = { exists = there ~= nil }
  for name, value in next, there or {} do status[name] = value end
  if o.file then
    local source = require("orch.deploy.source").open(fname, o.file)
    status.same = listing.same(dav, source, there)
  end
  return status
end

---Whether there is something under a URL; with `file`, whether it is that file.
---@async
---@param opts orch.deploy.webdav.Where|{file: orch.Path?}
---@return boolean
function webdav.exists(opts)
  local status = webdav.status(opts)
  if type(opts) == "table" and opts.file then return status.same end
  return status.exists
end

return arg.public("orch.deploy.webdav", webdav)
