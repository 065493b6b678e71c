--- A folder that is sent beside the one that is there, and takes its place by renaming.

local common = require "orch.deploy.common"
local journals = require "orch.deploy.remote.journal"
local one_folder = require "orch.deploy.remote.one_folder"
local plans = require "orch.deploy.remote.plan"
local switch = require "orch.deploy.remote.switch"
local sync = require "orch.deploy.sync"
local work = require "orch.deploy.remote.work"

local switched_folder = {}

--- Whether the folder that is there is what is here: nothing is to be done then.
local function is_there_already(run, files)
  if run.o.changed == "all" then return false end
  local copy = setmetatable({ journal = journals.none,
    o = setmetatable({ delete = true }, { __index = run.o }) }, { __index = run })
  local plan = one_folder.look(copy, files, true)
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

---@async
---@param run orch.deploy.remote.Run
---@param files orch.deploy.FolderFile[]
---@param result table is filled in
function switched_folder.upload(run, files, result)
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
  one_folder.fill(result, same and first or nil, files)
  result.skipped = same or nil
  if o.dry_run then
    result.would = same and sync.would_send_nothing(run.at.shown, o.folder)
      or ("would upload all %s (%s) from %s beside %s and switch over"):format(
        sync.plural(#files, "file"), common.size(files.total), o.folder, run.at.shown)
    return
  end
  if not same then
    local new = leaf .. ".new-" .. id
    remove_abandoned(run, new)
    local aside = setmetatable({ session = session:at_folder(session.at:beside(new)),
      switching = true, o = setmetatable({ changed = "manifest", delete = false },
        { __index = o }) }, { __index = run })
    if not o.resume then work.remove_all(aside.session, o.connections) end
    local plan = one_folder.look(aside, files, false)
    local resumed = one_folder.carry_out(aside, files, plan)
    switch.over(session, id, there, o.connections)
    one_folder.fill(result, plan, files)
    result.bytes, result.resumed = plan.bytes - resumed, resumed > 0 and resumed or nil
    result.switched = true
  end
  run.journal:done()
end

return switched_folder
