--- One `orch check --fix`: each fix is written down, done, and then kept or put back.
---
---     local session <close> = sessions.begin(folder)
---     local entry = session:apply { n = n, copy = copy, changes = copy:changes(), ... }
---     session:keep(entry)        -- or session:restore(entry); what is neither is put back

local fs = require "orch.fs"
local journal = require "orch.check.undo_journal"
local undo_place = require "orch.check.undo_place"

local KEPT = 20 -- sessions; older ones are removed when a new one begins

local sessions = {}

---@class orch.check.UndoSession
---@field id string
---@field folder string the project's
---@field kept integer fixes
---@field private count integer
---@field private is_kept table<integer, boolean>
---@field private pending table<integer, table>
---@field private begun boolean?
---@field private closed boolean?
local Session = {}
Session.__index = Session

--- A folder for the next fix.
---@return integer n
---@return string folder
function Session:place()
  self.count = self.count + 1
  return self.count, ("%s/%s/%d"):format(undo_place.base(self.folder), self.id, self.count)
end

---@private
function Session:note(record)
  if not self.begun then
    self.begun = true
    self:note { event = "begin", version = journal.VERSION, time = os.time() }
  end
  journal.write(undo_place.journal(self.folder, self.id), record)
end

local function carry_out(folder, work, change)
  local full = folder .. "/" .. change.path
  if change.kind == "removed" then
    fs.remove(full)
  else
    fs.copy(work .. "/" .. change.name, full, { sync = true,
      overwrite = change.kind == "changed" })
  end
end

---Puts what a fix has made into its place. From here on it is in doubt, until `keep` or
---`restore`.
---@async
---@param what {n: integer, copy: orch.check.Copy, changes: orch.check.Change[], rule: string, fix: string, label: string}
---@return orch.check.UndoEntry entry
function Session:apply(what)
  local entry = { event = "apply", n = what.n, path = what.copy.path, rule = what.rule,
    fix = what.fix, label = what.label, changes = what.changes }
  self:note(entry)
  self.pending[entry.n] = entry
  what.copy:check_all_unchanged() -- to write it down has taken a while
  for _, change in ipairs(entry.changes) do carry_out(self.folder, what.copy.work, change) end
  return entry
end

---What `apply` has begun, also where it has failed half-way.
---@param n integer
---@return orch.check.UndoEntry?
function Session:in_doubt(n)
  return self.pending[n]
end

---@async
---@param entry orch.check.UndoEntry
function Session:keep(entry)
  self:note { event = "kept", n = entry.n }
  self.pending[entry.n] = nil
  self.kept, self.is_kept[entry.n] = self.kept + 1, true
end

---@async
---@param entry orch.check.UndoEntry
---@return string[] conflicts files that somebody has changed since, which stay as they are
function Session:restore(entry)
  local todo, conflicts = undo_place.plan(self.folder, entry)
  if not conflicts[1] then undo_place.put_back(self.folder, self.id, entry, todo) end
  self:note { event = "restored", n = entry.n }
  self.pending[entry.n] = nil
  return conflicts
end

---Restores what is in doubt, and ends the session.
---@async
function Session:close()
  if self.closed then return end
  self.closed = true
  local shield <close> = require("orch.core.task").open("undo", nil, true, nil, false)
  local _ <close> = self.guard
  for _, entry in pairs(self.pending) do self:restore(entry) end
  local own = undo_place.base(self.folder) .. "/" .. self.id
  if self.kept == 0 then
    fs.remove(own, { recursive = true })
  else
    for n = 1, self.count do
      local rest = ("%s/%d%s"):format(own, n, self.is_kept[n] and "/work" or "")
      fs.remove(rest, { recursive = true, missing_ok = true })
    end
  end
  fs.remove(undo_place.open_file(self.folder), { missing_ok = true })
end

Session.__close = Session.close

local function forget_old(folder, ids)
  for i = 1, #ids - KEPT + 1 do
    fs.remove(undo_place.base(folder) .. "/" .. ids[i], { recursive = true, missing_ok = true })
  end
end

---@async
---@param folder string the project's
---@return orch.check.UndoSession session to be closed; raises kind `refused` while another
---  process is at it
function sessions.begin(folder)
  local guard, session = undo_place.lock(folder), nil
  local _ <close> = setmetatable({}, { __close = function()
    if not session then guard:release() end
  end })
  local ids = undo_place.ids(folder)
  forget_old(folder, ids)
  local id = require("orch.pipeline.project").new_id(ids[#ids])
  fs.mkdir(undo_place.base(folder) .. "/" .. id)
  fs.write(undo_place.open_file(folder), id .. "\n")
  session = setmetatable({ id = id, folder = folder, guard = guard, count = 0, kept = 0,
    is_kept = {}, pending = {} }, Session)
  return session
end

return sessions
