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
local sync = require "orch.deploy.sync"
local urls = require "orch.http.url"

local webdav = {}

local upload_spec = common.merged(clients.spec, sync.spec, { atomic = "boolean" })

local function check_upload(fname, opts)
  local o = common.options(fname, opts, upload_spec)
  o.url = o.url or o.base_url
  if not o.url then arg.fail("%s needs the option `url`", fname) end
  sync.check(fname, o)
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
  return sync.run({ fname = fname, o = o, result = result, started = started, bytes = source.size,
    would = sync.would_send_file(source, result.url, result.skipped, there ~= nil),
  }, function(shown)
    if not there then put.folder(dav, url:match "^(.*/)", {}) end
    put.file(dav, file, url, { atomic = o.atomic ~= false and put.can_move(dav) }, shown:file())
  end)
end

local function carry_out(fname, dav, plan, o, shown)
  local function delete(name)
    dav:ask({ [404] = true }, ("delete '%s'"):format(name), "DELETE", dav.root .. put.encode(name))
  end
  map.each(plan.twins, delete, { concurrency = o.connections })
  local made = {}
  if not plan.root_is_there and plan.count > 0 then put.folder(dav, dav.root, made) end
  for _, name in ipairs(plan.missing) do put.folder(dav, dav.root .. put.encode(name), made) end
  local own = { atomic = o.atomic ~= false and plan.count > 0 and put.can_move(dav) }
  sync.send(fname, plan, o.connections, function(file)
    put.file(dav, file, dav.root .. put.encode(file.name), own, shown:file())
  end)
  map.each(plan.surplus, delete, { concurrency = o.connections })
end

local function upload_folder(fname, dav, o, started)
  local files = folders.open(fname, o.folder, { include = o.include, exclude = o.exclude })
  local plan = require("orch.deploy.webdav.sync").plan(fname, dav, files, o)
  local surplus = #plan.surplus + #plan.twins
  local url = urls.shown(dav.root)
  local result = sync.folder_result("webdav", o, files, plan.count, url)
  result.skipped = plan.count == 0 and surplus == 0 or nil
  return sync.run({ fname = fname, o = o, result = result, started = started, bytes = plan.bytes,
    would = sync.would_send_folder(o, files, plan, url, surplus),
  }, function(shown)
    carry_out(fname, dav, plan, o, shown)
    result.sent, result.deleted = plan.count, surplus
  end)
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
---@return orch.deploy.Result result also `url` and, of a folder, `files`, `sent`, `kept`,
---  `deleted`; raises as the module says, and `os`
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
---@return {exists: boolean, url: string, size: integer?, modified: integer?, etag: string?,
---  folder: boolean?, same: boolean?} status `modified`: seconds since 1970; `same`: whether it is
---  as large as `file` and not older
function webdav.status(opts)
  local fname = "deploy.webdav.status"
  local o = common.options(fname, opts, clients.spec, { "url" })
  local dav = clients.open(fname, o)
  local there = listing.one(dav, dav.url, dav.url)
  local status = { exists = there ~= nil, url = urls.shown(dav.url) }
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
