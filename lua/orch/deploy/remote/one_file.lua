--- One file to a file server.

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local journals = require "orch.deploy.remote.journal"
local may_fail = require("orch.deploy.remote.command").may_fail
local options = require "orch.deploy.remote.options"
local sender = require "orch.deploy.remote.send"
local sources = require "orch.deploy.source"
local sync = require "orch.deploy.sync"
local work = require "orch.deploy.remote.work"

local one_file = {}

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

--- So that the beginning of it is found and removed when the file is another one by then.
local function note_start(run, file)
  local data = run.journal.data
  data.started = data.started or {}
  data.started[sender.part_name(file)] = true
  run.journal:save()
end

local function remove_stale(run, file)
  local session, mine = run.session, sender.part_name(file)
  for name in next, run.journal.data.started do
    if name ~= mine then
      session:run(("remove '%s'"):format(name), may_fail(session.command.remove(
        session.at:path(name))))
    end
  end
end

---@async
---@return orch.deploy.remote.Result
function one_file.upload(fname, o, at, leaf, started)
  local source = sources.open(fname, o.file)
  local name = leaf or source.name
  if name:find "%c" then
    arg.fail("%s: the name '%s' has a control character in it", fname, (name:gsub("%c", "?")))
  end
  local file = { path = source.path, name = name, size = source.size, mtime = source.mtime }
  local session <close> = options.begin(fname, at, o)
  local journal <close> = journals.open { service = session.service,
    target = at.shown .. " " .. name, source = source.path, resume = o.resume }
  local there, same = look_at_file(session, file)
  local result = { service = session.service, file = source.shown, size = source.size, bytes = 0,
    url = at:url(name) }
  result.skipped = same or nil
  if o.dry_run then
    result.dry_run = true
    result.would = sync.would_send_file(source, result.url, same, there ~= nil)
  elseif not same then
    local run = { session = session, o = o, fname = fname, journal = journal }
    file.there, file.part = there ~= nil, part_of(session, file, o)
    if not there then work.make_folders(run, { "" }) end
    note_start(run, file)
    local resumed = work.send(run, { file, bytes = file.size })
    source:check()
    remove_stale(run, file)
    result.bytes, result.resumed = file.size - resumed, resumed > 0 and resumed or nil
    journal:done()
  end
  result.elapsed = clock.now() - started
  return result
end

---@async
---@return table status
function one_file.status(fname, o, at, leaf)
  local source = sources.open(fname, o.file)
  local file = { path = source.path, name = leaf or source.name, size = source.size,
    mtime = source.mtime }
  local session <close> = options.begin(fname, at, o)
  local there, same = look_at_file(session, file)
  return { exists = there ~= nil, same = same, size = there and there.size or nil,
    modified = there and there.time or nil, url = at:url(file.name),
    send = same and {} or { file.name }, bytes = same and 0 or file.size }
end

return one_file
