--- A folder that becomes at the other end what it is here, file by file.
---
---     local plan = one_folder.look(run, files, false)
---     local resumed = one_folder.carry_out(run, files, plan)

local errors = require "orch.core.error"
local failures = require "orch.deploy.failure"
local folders = require "orch.deploy.folder"
local gather = require "orch.gather"
local manifests = require "orch.deploy.remote.manifest"
local plans = require "orch.deploy.remote.plan"
local sender = require "orch.deploy.remote.send"
local sync = require "orch.deploy.sync"
local trees = require "orch.deploy.remote.tree"
local work = require "orch.deploy.remote.work"

local one_folder = {}

---@class orch.deploy.remote.Run
---@field session orch.deploy.remote.Session
---@field at orch.deploy.remote.Address as the script wrote it
---@field o table the options
---@field fname string
---@field journal orch.deploy.remote.Journal
---@field switching boolean? nobody sees what is sent
---@field folders table<string, true>? of the files; from `look` on, as the next two
---@field tree orch.deploy.remote.Tree?
---@field known table<string, orch.deploy.remote.Known>? the manifest

--- What there is of files that are not whole, and what an unfinished upload has left of files
--- that are different now.
local function note_parts(run, plan)
  local started = {}
  for _, file in ipairs(plan.send) do
    if file.size >= sender.LARGE then started[sender.part_name(file)] = true end
    local part = run.tree:entry(sender.part_name(file))
    file.part = part and part.size and part.size <= file.size and part.size or 0
    file.there = run.tree:entry(file.name) ~= nil
  end
  local removed = {}
  for _, name in ipairs(plan.remove) do removed[name] = true end
  for name in next, run.journal.data.started or {} do
    if not started[name] and not removed[name] and run.tree:entry(name) then
      table.insert(plan.stale, name)
    end
  end
  table.sort(plan.stale)
  for _, name in ipairs(plan.stale) do started[name] = true end
  run.journal.data.started = started
end

---Looks at the other end and decides.
---@async
---@param run orch.deploy.remote.Run
---@param files orch.deploy.FolderFile[]
---@param deep boolean? also at folders that are not here
---@return orch.deploy.remote.Plan
function one_folder.look(run, files, deep)
  run.folders = trees.folders_of(files)
  run.tree = trees.look(run.session, run.folders, { connections = run.o.connections, deep = deep })
  if run.o.changed ~= "size_and_date" then
    local there = run.tree:entry(manifests.NAME) ~= nil
    local mark
    run.known, mark = nil, "none"
    if there then run.known, mark = manifests.read(run.session) end
    run.journal:expect(mark)
  end
  local plan = plans.of(run, files)
  note_parts(run, plan)
  return plan
end

--- While files are replaced the manifest must not speak for them, nor their dates: another upload
--- may be at work on them.
local function forget(run, plan)
  local known = run.known or {}
  for _, file in ipairs(plan.send) do known[file.name] = manifests.UNKNOWN end
  run.known = known
  run.journal:mark(manifests.write(run.session, known, true))
end

--- Whoever else has uploaded meanwhile has left another manifest, and perhaps other files in the
--- place of ours.
local function check_alone(run, plan)
  local known, mark = manifests.read(run.session)
  if mark == run.journal.data.mark then return end
  known = known or {}
  for _, file in ipairs(plan.send) do known[file.name] = manifests.UNKNOWN end
  manifests.write(run.session, known, true)
  failures.throw(run.session.service, { kind = "conflict", what = "upload to " .. run.at.shown,
    words = "somebody else has uploaded to it meanwhile, and it may be a mixture now",
    hint = "upload once more when nobody else does" })
end

local function write_manifest(run, files, plan)
  local known = run.known or {}
  for _, file in ipairs(files) do
    known[file.name] = { size = file.size, mtime = file.mtime, sha256 = file.sha256 }
  end
  for _, name in ipairs(plan.remove) do known[name] = nil end
  manifests.write(run.session, known)
end

--- The folder was read once; what has changed since is not what was planned.
local function check_all(run, files)
  local now = {}
  for _, file in ipairs(folders.open(run.fname, run.o.folder, run.o)) do now[file.name] = file end
  for _, file in ipairs(files) do
    local one = now[file.name]
    if not one or one.size ~= file.size or one.mtime ~= file.mtime then
      errors.throw(errors.make { kind = "changed", path = file.path, retryable = false,
        message = ("%s: '%s' %s while the folder was sent. Upload when the build is complete")
          :format(run.fname, file.path, one and "changed" or "disappeared") })
    end
  end
end

---Does what is planned.
---@async
---@return integer resumed bytes that were there already
function one_folder.carry_out(run, files, plan)
  local with_manifest = run.o.changed ~= "size_and_date"
  plan.send.bytes = plan.bytes
  run.journal:save()
  local resumed = gather(function()
    work.make_folders(run, plan.make)
    if with_manifest then forget(run, plan) end
    return work.send(run, plan.send)
  end, function()
    if with_manifest then manifests.digest(files) end
  end)
  check_all(run, files)
  if with_manifest then
    check_alone(run, plan)
    write_manifest(run, files, plan)
  end
  work.remove(run, plan)
  return resumed
end

---@param result table
---@param plan orch.deploy.remote.Plan? what was done, or, of a dry run, would be
---@param files orch.deploy.FolderFile[]
function one_folder.fill(result, plan, files)
  result.files, result.sent, result.kept, result.deleted = #files, 0, plan and plan.kept or 0, 0
  if result.dry_run or not plan then return end
  result.sent, result.deleted = #plan.send, #plan.remove
end

---@async
---@param run orch.deploy.remote.Run
---@param files orch.deploy.FolderFile[]
---@param result table is filled in
function one_folder.upload(run, files, result)
  local plan = one_folder.look(run, files, run.o.delete)
  if plan.in_the_way then
    failures.throw(run.session.service, { kind = "conflict", what = "upload to " .. run.at.shown,
      words = plan.in_the_way, hint = "remove or rename one of the two" })
  end
  one_folder.fill(result, plan, files)
  if plans.is_empty(plan) and run.tree:has "" then
    result.skipped = true
    if run.o.changed ~= "size_and_date" and not run.known and not run.o.dry_run then
      manifests.digest(files)
      write_manifest(run, files, plan)
    end
  end
  if run.o.dry_run then
    result.would = sync.would_send_folder(run.o, files, { bytes = plan.bytes,
      count = #plan.send }, run.at.shown, #plan.remove + #plan.remove_folders)
    return
  end
  if not result.skipped then
    local resumed = one_folder.carry_out(run, files, plan)
    result.bytes, result.resumed = plan.bytes - resumed, resumed > 0 and resumed or nil
  end
  run.journal:done()
end

return one_folder
