--- What fixes have done, taken back: by a person, or after a crash.
---
---     for _, one in ipairs(undo.recover(folder)) do print(one.path) end
---     undo.run(folder, undo.find(folder), {})

local arg = require "orch.arg"
local fs = require "orch.fs"
local journal = require "orch.check.undo_journal"
local undo_place = require "orch.check.undo_place"

local undo = {}

-- ---- after a crash ----

local function put_back_all(folder, id)
  local path, told = undo_place.journal(folder, id), {}
  if not fs.exists(path) then return told end
  local kept, entries = 0, journal.read(path).entries
  fs.append(path, "\n", { sync = true }) -- the last line may be torn
  for i = #entries, 1, -1 do
    local entry = entries[i]
    if entry.state == "kept" then kept = kept + 1 end
    if entry.state == "applied" then
      local todo, conflicts = undo_place.plan(folder, entry)
      if not conflicts[1] then undo_place.put_back(folder, id, entry, todo) end
      journal.write(path, { event = "restored", n = entry.n })
      if todo[1] then
        told[#told + 1] = { path = entry.path, conflicts = conflicts,
          kept = ("%s/%s/%d/before"):format(undo_place.base(folder), id, entry.n) }
      end
    end
  end
  return told, kept
end

---Puts back what a fix that was broken off has left.
---@async
---@param folder string the project's
---@return {path: string, conflicts: string[], kept: string}[] told what was in doubt; with
---  `conflicts`, somebody has changed these files since, and nothing was done: the originals
---  are in the folder `kept`
function undo.recover(folder)
  if not fs.exists(undo_place.open_file(folder)) then return {} end
  local guard <close> = undo_place.try_lock(folder)
  if not guard or not fs.exists(undo_place.open_file(folder)) then return {} end
  local id = fs.read(undo_place.open_file(folder)):match "^%d+%-%d+%-%x+"
  local told, kept = {}, 0
  if id then told, kept = put_back_all(folder, id) end
  local conflict = false
  for _, one in ipairs(told) do conflict = conflict or one.conflicts[1] ~= nil end
  if id and (kept or 0) == 0 and not conflict then
    fs.remove(undo_place.base(folder) .. "/" .. id, { recursive = true, missing_ok = true })
  end
  fs.remove(undo_place.open_file(folder), { missing_ok = true })
  return told
end

-- ---- by a person ----

---@class orch.check.UndoSummary
---@field id string
---@field time number? seconds since 1970
---@field kept orch.check.UndoEntry[] what may be taken back
---@field undone integer

---@async
---@param folder string
---@param id string
---@return orch.check.UndoSummary
function undo.read(folder, id)
  local found = journal.read(undo_place.journal(folder, id))
  if found.version and found.version > journal.VERSION then
    undo_place.refuse("refused", "%s was written by a newer orch (version %d, and this one "
      .. "reads %d)", undo_place.journal(folder, id), found.version, journal.VERSION)
  end
  local summary = { id = id, time = found.time, kept = {}, undone = 0 }
  for _, entry in ipairs(found.entries) do
    if entry.state == "kept" then summary.kept[#summary.kept + 1] = entry end
    if entry.state == "undone" then summary.undone = summary.undone + 1 end
  end
  return summary
end

local function check_conflicts(plans)
  local list = {}
  for _, one in ipairs(plans) do
    for _, path in ipairs(one.conflicts) do list[#list + 1] = path end
  end
  if not list[1] then return end
  table.sort(list)
  undo_place.refuse("refused", "%s changed since the fix, so nothing was taken back: %s; with "
    .. "--force the version from before the fix comes back, and what is there now is lost",
    #list == 1 and "one file was" or #list .. " files were",
    table.concat(list, ", ", 1, math.min(#list, 5)) .. (#list > 5 and ", ..." or ""))
end

--- The files of an entry that were changed by a later one are as that one left them: the last
--- is taken back first, and what the others find is what it put back.
local function newest_first(entries)
  local list = table.move(entries, 1, #entries, 1, {})
  table.sort(list, function(a, b) return a.n > b.n end)
  return list
end

---Takes back what a session has done.
---@async
---@param folder string the project's
---@param id string
---@param opts {force: boolean?, wanted: (fun(path: string): boolean)?}
---@return orch.check.UndoEntry[] undone raises kind `refused` where files have changed since
function undo.run(folder, id, opts)
  local guard <close> = undo_place.lock(folder)
  local plans, seen = {}, {}
  for _, entry in ipairs(newest_first(undo.read(folder, id).kept)) do
    if not opts.wanted or opts.wanted(entry.path) then
      local todo, conflicts = undo_place.plan(folder, entry, seen)
      for _, change in ipairs(entry.changes) do seen[change.path] = true end
      plans[#plans + 1] = { entry = entry, todo = todo, conflicts = conflicts }
    end
  end
  if not opts.force then check_conflicts(plans) end
  local undone = {}
  for i, one in ipairs(plans) do
    undo_place.put_back(folder, id, one.entry, one.todo)
    journal.write(undo_place.journal(folder, id), { event = "undone", n = one.entry.n })
    undone[i] = one.entry
  end
  return undone
end

---@param folder string
---@param spec string|true|nil an ID or its beginning; nil: the last with anything to take back
---@return string id raises kind `usage`
function undo.find(folder, spec)
  local ids = undo_place.ids(folder)
  if type(spec) ~= "string" then
    for i = #ids, 1, -1 do
      if undo.read(folder, ids[i]).kept[1] then return ids[i] end
    end
    arg.fail("there is nothing to take back: no fix of orch check has changed files of '%s'",
      folder)
  end
  local matching = {}
  for _, id in ipairs(ids) do
    if id:sub(1, #spec) == spec then matching[#matching + 1] = id end
  end
  if #matching == 1 then return matching[1] end
  if #matching > 1 then
    arg.fail("'%s' is the beginning of %d of them, of %s and %s for example", spec, #matching,
      matching[1], matching[#matching])
  end
  arg.fail("no fixes are known as '%s'; orch check --undo --list prints those that are", spec)
end

return undo
