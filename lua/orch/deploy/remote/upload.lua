--- What FTP and SFTP have in common: one file, or a folder that becomes at the other end what it
--- is here.

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local folders = require "orch.deploy.folder"
local journals = require "orch.deploy.remote.journal"
local manifests = require "orch.deploy.remote.manifest"
local one_file = require "orch.deploy.remote.one_file"
local one_folder = require "orch.deploy.remote.one_folder"
local options = require "orch.deploy.remote.options"
local plans = require "orch.deploy.remote.plan"

local upload = {}

local function open_folder(fname, o)
  local files = folders.open(fname, o.folder, o)
  for _, file in ipairs(files) do
    if file.name == manifests.NAME then
      arg.fail("%s: '%s' is the name of what orch writes down at the other end; leave it out with "
        .. "`exclude`", fname, file.name)
    end
  end
  return files
end

local function upload_folder(fname, o, at, started)
  local files = open_folder(fname, o)
  local session <close> = options.begin(fname, at, o)
  local journal <close> = journals.open { service = session.service,
    target = at.shown .. (o.switch and " switch" or ""), source = files.path, resume = o.resume }
  local run = { session = session, o = o, fname = fname, journal = journal, at = at }
  local result = { service = session.service, file = o.folder, size = files.total, bytes = 0,
    url = at.shown, dry_run = o.dry_run or nil }
  if o.switch then
    require("orch.deploy.remote.switched_folder").upload(run, files, result)
  else
    one_folder.upload(run, files, result)
  end
  result.elapsed = clock.now() - started
  return result
end

---@async
---@param fname string
---@param opts table
---@param schemes table<string, true>
---@return orch.deploy.Result
function upload.run(fname, opts, schemes)
  local started = clock.now()
  local o, at, leaf = options.open(fname, opts, schemes)
  if o.file then return one_file.upload(fname, o, at, leaf, started) end
  return upload_folder(fname, o, at, started)
end

local function status_of_folder(fname, o, at)
  local files = open_folder(fname, o)
  local session <close> = options.begin(fname, at, o)
  local run = { session = session, o = o, fname = fname, journal = journals.none }
  o.delete = o.delete or o.switch -- which leaves nothing of what was there
  local plan = one_folder.look(run, files, o.delete)
  local send = {}
  for i, file in ipairs(plan.send) do send[i] = file.name end
  table.sort(send)
  return { exists = run.tree:has "", same = plans.is_empty(plan) and run.tree:has "",
    url = at.shown, files = #files, kept = plan.kept, send = send, bytes = plan.bytes,
    remove = plan.remove }
end

---@async
---@return table status
function upload.status(fname, opts, schemes)
  local o, at, leaf = options.open(fname, opts, schemes)
  if o.file then return one_file.status(fname, o, at, leaf) end
  return status_of_folder(fname, o, at)
end

return upload
