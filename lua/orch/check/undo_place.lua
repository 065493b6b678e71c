--- Where the originals of mended files are kept, `.orch/undo/ID`, and how they come back.
---
---     local todo, conflicts = undo_place.plan(folder, entry)
---     if not conflicts[1] then undo_place.put_back(folder, id, entry, todo) end
---
--- `.orch/undo/open` names the session that is at work; whoever works holds `.orch/undo/lock`,
--- which the kernel frees when a process dies.

local errors = require "orch.core.error"
local fs = require "orch.fs"

local undo_place = {}

---@param folder string the project's
---@return string
function undo_place.base(folder) return folder .. "/.orch/undo" end

---@param folder string
---@return string
function undo_place.open_file(folder) return undo_place.base(folder) .. "/open" end

---@param folder string
---@param id string
---@return string
function undo_place.journal(folder, id)
  return ("%s/%s/journal.jsonl"):format(undo_place.base(folder), id)
end

---@param kind string
---@param text string
function undo_place.refuse(kind, text, ...)
  errors.throw(errors.make { kind = kind, message = text:format(...) })
end

---@async
---@param folder string
---@return orch.fs.Lock? guard
---@return integer? pid
function undo_place.try_lock(folder)
  return require("orch.pipeline.project").try_lock(undo_place.base(folder) .. "/lock")
end

local function prepare_folder(folder)
  fs.mkdir(undo_place.base(folder))
  local ignore = folder .. "/.orch/.gitignore"
  if not fs.exists(ignore) then fs.write(ignore, "*\n", { sync = false }) end
end

---@async
---@param folder string
---@return orch.fs.Lock guard raises kind `refused` while another process is at it
function undo_place.lock(folder)
  prepare_folder(folder)
  local guard, pid = undo_place.try_lock(folder)
  if guard then return guard end
  undo_place.refuse("refused", "another orch check mends or takes back files of '%s'%s: wait "
    .. "for its end", folder, pid and (" (process %d)"):format(pid) or "")
end

---@async
---@param folder string the project's
---@return string[] ids of sessions, the oldest first
function undo_place.ids(folder)
  local base, ids = undo_place.base(folder), {}
  if not fs.exists(base) then return ids end
  for _, name in ipairs(fs.list(base, { type = "folder" })) do
    if name:find "^%d+%-%d+%-%x+$" then ids[#ids + 1] = name end
  end
  return ids
end

local function digest(full)
  if not fs.exists(full, { follow = false }) then return nil end
  if fs.stat(full, { follow = false }).type ~= "file" then return "no file" end
  return fs.hash(full)
end

---What has to be done to take an entry back.
---@async
---@param folder string
---@param entry orch.check.UndoEntry
---@param later? table<string, boolean> paths that an entry changes which is taken back before
---  this one: they will be as they should
---@return orch.check.Change[] todo
---@return string[] conflicts files that are not as the fix has left them
function undo_place.plan(folder, entry, later)
  local todo, conflicts = {}, {}
  for i = #entry.changes, 1, -1 do
    local change = entry.changes[i]
    local now = digest(folder .. "/" .. change.path)
    if later and later[change.path] then
      todo[#todo + 1] = change
    elseif now ~= change.before then
      todo[#todo + 1] = change
      if now ~= change.after then conflicts[#conflicts + 1] = change.path end
    end
  end
  return todo, conflicts
end

---@async
---@param folder string
---@param id string
---@param entry orch.check.UndoEntry
---@param todo orch.check.Change[]
function undo_place.put_back(folder, id, entry, todo)
  for _, change in ipairs(todo) do
    local full = folder .. "/" .. change.path
    if change.kind == "created" then
      fs.remove(full, { missing_ok = true })
    else
      local kept = ("%s/%s/%d/before/%s"):format(undo_place.base(folder), id, entry.n,
        change.name)
      fs.mkdir(fs.path.dirname(full))
      fs.copy(kept, full, { sync = true, times = true })
    end
  end
end

return undo_place
