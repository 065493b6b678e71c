--- What FTP and SFTP have in common: one file, or a folder that becomes at the other end what it
--- is here.

local arg = require "orch.arg"
local addresses = require "orch.deploy.remote.address"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local errors = require "orch.core.error"
local folders = require "orch.deploy.folder"
local gather = require "orch.gather"
local journals = require "orch.deploy.remote.journal"
local manifests = require "orch.deploy.remote.manifest"
local plans = require "orch.deploy.remote.plan"
local sender = require "orch.deploy.remote.send"
local sessions = require "orch.deploy.remote.session"
local sources = require "orch.deploy.source"
local switch = require "orch.deploy.remote.switch"
local trees = require "orch.deploy.remote.tree"
local work = require "orch.deploy.remote.work"

local upload = {}

local spec = {
  folder = "path", connections = "integer", changed = "string", delete = "boolean",
  switch = "boolean", include = "string|table", exclude = "string|table",
}
for name, types in next, sessions.spec do spec[name] = types end

local for_folders = { "delete", "switch", "include", "exclude", "changed" }
local ways = { manifest = true, size_and_date = true, all = true }

local function read_options(fname, opts, schemes)
  local o = common.options(fname, opts, spec, { "url" })
  if o.base_url then arg.fail("%s: the server is in `url`; `base_url` is for stores", fname) end
  if (o.file == nil) == (o.folder == nil) then
    arg.fail("%s needs one of the options `file` and `folder`", fname)
  end
  for _, name in ipairs(for_folders) do
    if o.file and o[name] ~= nil then
      arg.fail("%s: option `%s` is for a `folder`", fname, name)
    end
  end
  o.connections, o.changed = o.connections or 4, o.changed or "manifest"
  if o.connections < 1 or o.connections > 32 then
    arg.fail("%s: option `connections` should be from 1 to 32, not %d", fname, o.connections)
  end
  if not ways[o.changed] then
    arg.fail('%s: option `changed` should be "manifest", "size_and_date" or "all", not %q', fname,
      o.changed)
  end
  for _, name in ipairs { "ssh_key", "ssh_public_key", "key_password", "known_hosts" } do
    if o[name] and not schemes.sftp then
      arg.fail("%s: option `%s` is for deploy.sftp", fname, name)
    end
  end
  if o.use_tls ~= nil and schemes.sftp then
    arg.fail("%s: option `use_tls` is for deploy.ftp; SFTP is encrypted anyway", fname)
  end
  return o
end

local function plural(n, what) return ("%d %s%s"):format(n, what, n == 1 and "" or "s") end

---What both ways need: checked options, and the address of the folder.
local function open(fname, opts, schemes)
  local o = read_options(fname, opts, schemes)
  local at, leaf = addresses.read(fname, o.url, schemes)
  if o.folder and leaf then at.base = at:path(leaf) end
  if o.switch and not at:parent() then
    arg.fail("%s: option `switch` needs a folder in `url` that can be renamed", fname)
  end
  return o, at, leaf
end

local function begin(fname, at, o)
  local session = sessions.open(fname, at, o)
  session:begin()
  return session
end

--- ---- one file ----

local function look_at_file(session, file)
  local there = session:look(file.name)
  local same = there ~= nil and there.size == file.size and there.time ~= nil
    and there.time >= file.mtime
  return there, same
end

local function part_of(session, file, o)
  local there = o.resume and session:look(sender.part_name(file))
  return there and there.size <= file.size and there.size or 0
end

local function upload_file(fname, o, at, leaf, started)
  local source = sources.open(fname, o.file)
  local name = leaf or source.name
  if name:find "%c" then arg.fail("%s: the name '%s' has a control character in it", fname, name) end
  local file = { path = source.path, name = name, size = source.size, mtime = source.mtime }
  local session <close> = begin(fname, at, o)
  local journal <close> = journals.open { service = session.service,
    target = at.shown .. " " .. name, source = source.path, resume = o.resume }
  local there, same = look_at_file(session, file)
  local result = { service = session.service, file = source.shown, size = source.size, bytes = 0,
    url = at:url(name) }
  if same then
    result.skipped = true
  elseif o.dry_run then
    result.bytes = 0
  else
    local run = { session = session, o = o, fname = fname, journal = journal }
    file.there, file.part = there ~= nil, part_of(session, file, o)
    if not there then work.make_folders(run, { "" }) end
    local resumed = work.send(run, { file, bytes = file.size })
    source:check()
    result.bytes, result.resumed = file.size - resumed, resumed > 0 and resumed or nil
    journal:done()
  end
  if o.dry_run then
    result.dry_run = true
    result.would = same and ("would send nothing: %s is there already"):format(result.url)
      or ("would upload %s (%s) to %s%s"):format(source.shown, common.size(source.size), result.url,
        there and ", in the place of another file" or "")
  end
  result.elapsed = clock.now() - started
  return result
end

--- ---- a folder ----

local function note_parts(run, plan)
  for _, file in ipairs(plan.send) do
    local part = run.tree:entry(sender.part_name(file))
    file.part = part and part.size and part.size <= file.size and part.size or 0
    file.there = run.tree:entry(file.name) ~= nil
  end
end

--- Looks at the other end and decides.
local function look(run, files, deep)
  run.folders = trees.folders_of(files)
  run.tree = trees.look(run.session, run.folders, { connections = run.o.connections, deep = deep })
  local has_manifest = run.tree:entry(manifests.NAME) ~= nil
  run.known = has_manifest and run.o.changed ~= "size_and_date" and manifests.read(run.session)
    or nil
  local plan = plans.of(run, files)
  note_parts(run, plan)
  return plan
end

--- While files are replaced the manifest must not speak for them.
local function forget(run, plan)
  if not run.known then return end
  local changed = false
  for _, file in ipairs(plan.send) do
    changed = changed or run.known[file.name] ~= nil
    run.known[file.name] = nil
  end
  if changed then manifests.write(run.session, run.known) end
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

--- Does what is planned, and gives how much was there.
local function carry_out(run, files, plan)
  local with_manifest = run.o.changed ~= "size_and_date"
  plan.send.bytes = plan.bytes
  local resumed = gather(function()
    if with_manifest then forget(run, plan) end
    work.make_folders(run, plan.make)
    return work.send(run, plan.send)
  end, function()
    if with_manifest then manifests.digest(files) end
  end)
  check_all(run, files)
  if with_manifest then write_manifest(run, files, plan) end
  if run.o.delete then work.remove(run, plan) end
  return resumed
end

local function would(o, at, plan, files)
  local text = ("would upload %s of %d (%s) from %s to %s"):format(plural(#plan.send, "file"),
    #files, common.size(plan.bytes), o.folder, at.shown)
  local gone = #plan.remove + #plan.remove_folders
  if gone > 0 then text = ("%s, and remove %d there"):format(text, gone) end
  return text
end

local function fill(result, plan, files)
  result.files, result.sent, result.kept = #files, #plan.send, plan.kept
  result.deleted = #plan.remove
  return result
end

local function in_place(run, files, result)
  local plan = look(run, files, run.o.delete)
  fill(result, plan, files)
  if plans.is_empty(plan) and run.tree:has "" then
    result.skipped = true
    if run.o.changed ~= "size_and_date" and not run.known and not run.o.dry_run then
      manifests.digest(files)
      write_manifest(run, files, plan)
    end
  end
  if run.o.dry_run then
    result.sent, result.would = 0, result.skipped and ("would send nothing: %s is what %s is")
      :format(run.at.shown, run.o.folder) or would(run.o, run.at, plan, files)
    return
  end
  if not result.skipped then
    local resumed = carry_out(run, files, plan)
    result.bytes, result.resumed = plan.bytes - resumed, resumed > 0 and resumed or nil
  end
  run.journal:done()
end

--- Whether the folder that is there is what is here: nothing is to be done then.
local function is_there_already(run, files)
  if run.o.changed == "all" then return false end
  local copy = setmetatable({ o = setmetatable({ delete = true }, { __index = run.o }) },
    { __index = run })
  local plan = look(copy, files, true)
  return plans.is_empty(plan) and copy.tree:has "", plan
end

--- What an earlier run of this machine has begun, with another content.
local function remove_abandoned(run, id)
  local before = run.journal.data.new
  if before == id then return end
  if before then
    work.remove_all(run.session:at_folder(run.session.at:beside(before)), run.o.connections)
  end
  run.journal.data.new = id
  run.journal:save()
end

local function by_switch(run, files, result)
  local o, session, id = run.o, run.session, switch.id(files)
  local _, leaf = session.at:parent()
  local there
  if o.dry_run then
    there = session:list "" ~= nil
  else
    there = switch.mend(session, o.connections)
  end
  local same, first = false, nil
  if there then same, first = is_there_already(run, files) end
  if same then
    fill(result, first, files)
    result.skipped, result.sent = true, 0
  end
  if o.dry_run then
    result.would = same and ("would send nothing: %s is what %s is"):format(run.at.shown, o.folder)
      or ("would upload all %s (%s) from %s beside %s and switch over"):format(
        plural(#files, "file"), common.size(files.total), o.folder, run.at.shown)
    fill(result, first or { send = {}, kept = 0, remove = {} }, files)
    result.sent = 0
    return
  end
  if not same then
    local new = leaf .. ".new-" .. id
    remove_abandoned(run, new)
    local aside = setmetatable({ session = session:at_folder(session.at:beside(new)),
      switching = true, o = setmetatable({ changed = "manifest", delete = false },
        { __index = o }) }, { __index = run })
    if not o.resume then work.remove_all(aside.session, o.connections) end
    local plan = look(aside, files, false)
    local resumed = carry_out(aside, files, plan)
    switch.over(session, id, there, o.connections)
    fill(result, plan, files)
    result.bytes, result.resumed = plan.bytes - resumed, resumed > 0 and resumed or nil
    result.switched = true
  end
  run.journal:done()
end

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
  local session <close> = begin(fname, at, o)
  local journal <close> = journals.open { service = session.service,
    target = at.shown .. (o.switch and " switch" or ""), source = files.path, resume = o.resume }
  local run = { session = session, o = o, fname = fname, journal = journal, at = at }
  local result = { service = session.service, folder = o.folder, file = o.folder,
    size = files.total, bytes = 0, url = at.shown, dry_run = o.dry_run or nil }
  if o.switch then by_switch(run, files, result) else in_place(run, files, result) end
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
  local o, at, leaf = open(fname, opts, schemes)
  if o.file then return upload_file(fname, o, at, leaf, started) end
  return upload_folder(fname, o, at, started)
end

local function status_of_file(fname, o, at, leaf)
  local source = sources.open(fname, o.file)
  local file = { path = source.path, name = leaf or source.name, size = source.size,
    mtime = source.mtime }
  local session <close> = begin(fname, at, o)
  local there, same = look_at_file(session, file)
  return { exists = there ~= nil, same = same, size = there and there.size or nil,
    time = there and there.time or nil, url = at:url(file.name),
    send = same and {} or { file.name }, bytes = same and 0 or file.size }
end

local nothing_sent = { has = function() return false end }

local function status_of_folder(fname, o, at)
  local files = open_folder(fname, o)
  local session <close> = begin(fname, at, o)
  local run = { session = session, o = o, fname = fname, journal = nothing_sent }
  local plan = look(run, files, o.delete)
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
  local o, at, leaf = open(fname, opts, schemes)
  if o.file then return status_of_file(fname, o, at, leaf) end
  return status_of_folder(fname, o, at)
end

return upload
