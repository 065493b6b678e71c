--- What the services that hold files (S3, WebDAV, FTP, SFTP) have in common: they take a file or
--- a folder, send only what is not there yet, and say what they did, or would do.
---
---     local plan = sync.plan(files, function(file) return there[file.name] == file.size end)
---     local result = sync.folder_result("s3", o, files, plan.count, url)

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local folders = require "orch.deploy.folder"
local map = require "orch.map"

local sync = {}

sync.spec = {
  folder = "path", connections = "integer", delete = "boolean", include = "string|table",
  exclude = "string|table",
}

local MOST_CONNECTIONS <const> = 64

---Checks what `sync.spec` has, and fills it in.
---@param fname string
---@param o table checked options
---@param for_folders string[]? the service's own options that say nothing about a file
function sync.check(fname, o, for_folders)
  if (o.file == nil) == (o.folder == nil) then
    arg.fail("%s needs one of the options `file` and `folder`", fname)
  end
  local names = table.move(for_folders or {}, 1, #(for_folders or {}), 4,
    { "delete", "include", "exclude" })
  for _, name in ipairs(names) do
    if o.file and o[name] ~= nil then
      arg.fail("%s: option `%s` is for a `folder`", fname, name)
    end
  end
  o.connections = o.connections or 4
  if o.connections < 1 or o.connections > MOST_CONNECTIONS then
    arg.fail("%s: option `connections` should be from 1 to %d, not %d", fname, MOST_CONNECTIONS,
      o.connections)
  end
end

---Pages come last, so that none refers to a file that is not there yet.
---@param file {name: string}
---@return boolean
function sync.is_page(file)
  return file.name:find "%.html?$" ~= nil
end

---@class orch.deploy.SyncPlan
---@field first orch.deploy.FolderFile[] files to be sent
---@field pages orch.deploy.FolderFile[] those that come after all others
---@field count integer of both
---@field bytes integer of both

---What is to be sent.
---@param files orch.deploy.FolderFile[]
---@param is_there fun(file: orch.deploy.FolderFile, i: integer): boolean
---@return orch.deploy.SyncPlan
function sync.plan(files, is_there)
  local plan = { first = {}, pages = {}, count = 0, bytes = 0 }
  for i, file in ipairs(files) do
    if not is_there(file, i) then
      table.insert(sync.is_page(file) and plan.pages or plan.first, file)
      plan.count, plan.bytes = plan.count + 1, plan.bytes + file.size
    end
  end
  return plan
end

---Sends what is planned, some at the same time. Each file gets a `check` that raises when it is
---no longer what it was.
---@async
---@param fname string
---@param plan orch.deploy.SyncPlan
---@param connections integer
---@param send async fun(file: orch.deploy.FolderFile): integer? gives bytes that were there
---@return integer resumed bytes that were there already
function sync.send(fname, plan, connections, send)
  local resumed = 0
  for _, files in ipairs { plan.first, plan.pages } do
    map.each(files, function(file)
      file.check = function() folders.check(fname, file) end
      local before = send(file) or 0
      resumed = resumed + before
    end, { concurrency = connections })
  end
  return resumed
end

---The result of a folder before anything is done.
---@param service string
---@param o {folder: string}
---@param files orch.deploy.FolderFile[]
---@param count integer of those that are not there
---@param url string
---@return table result
function sync.folder_result(service, o, files, count, url)
  return { service = service, file = o.folder, size = files.total, bytes = 0, files = #files,
    sent = 0, kept = #files - count, deleted = 0, url = url }
end

---@param to string
---@param shown string what is here
---@return string
function sync.would_send_nothing(to, shown)
  return ("would send nothing: %s is what %s is"):format(to, shown)
end

---@param source orch.deploy.Source
---@param to string
---@param is_there boolean
---@param replaces boolean another file
---@return string
function sync.would_send_file(source, to, is_there, replaces)
  if is_there then return sync.would_send_nothing(to, source.shown) end
  return ("would upload %s (%s) to %s%s"):format(source.shown, common.size(source.size), to,
    replaces and ", in the place of another file" or "")
end

---@param n integer
---@param what string
---@return string such as "3 files"
function sync.plural(n, what) return ("%d %s%s"):format(n, what, n == 1 and "" or "s") end

---@param o {folder: string}
---@param files orch.deploy.FolderFile[]
---@param plan {count: integer, bytes: integer}
---@param to string
---@param surplus integer how much is to be deleted there
---@return string
function sync.would_send_folder(o, files, plan, to, surplus)
  if plan.count == 0 and surplus == 0 then
    return sync.would_send_nothing(to, o.folder)
  end
  local text = ("would upload %s of %d (%s) from %s to %s"):format(
    sync.plural(plan.count, "file"), #files, common.size(plan.bytes), o.folder, to)
  return surplus > 0 and ("%s, and delete %d there"):format(text, surplus) or text
end

---@class orch.deploy.SyncJob
---@field fname string
---@field o table the options
---@field result table with `skipped` where nothing is to be done
---@field would string
---@field bytes integer to be sent
---@field started number

---Fills in the result: says what would be done, or does it.
---@async
---@param job orch.deploy.SyncJob
---@param send async fun(shown: orch.deploy.FolderProgress): integer? gives bytes that were there
---@return table result
function sync.run(job, send)
  local result = job.result
  if job.o.dry_run then
    result.dry_run, result.would = true, job.would
  elseif not result.skipped then
    local shown <close> = folders.progress(job.fname, job.o.progress, job.bytes)
    local resumed = send(shown) or 0
    result.bytes, result.resumed = job.bytes - resumed, resumed > 0 and resumed or nil
  end
  result.elapsed = clock.now() - job.started
  return result
end

return sync
