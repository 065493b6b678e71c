--- A whole folder in the place of another, by two renames: NAME goes to NAME.old-ID, NAME.new-ID
--- to NAME, and then the old one is removed. ID is that of the content, so that a run after a
--- crash finds what there is already. What a crash between the two renames leaves says by itself
--- how to go on: the old folder is only moved away when the new one is complete.

local errors = require "orch.core.error"
local hash = require "orch.hash"
local work = require "orch.deploy.remote.work"

local switch = {}

---@param files orch.deploy.FolderFile[]
---@return string id
function switch.id(files)
  local running = hash.new "sha256"
  for _, file in ipairs(files) do
    running:update(("%s\0%d\0%.9f\0"):format(file.name, file.size, file.mtime))
  end
  return running:digest():sub(1, 12)
end

--- Names beside the folder that are of a switch: { new = { id = true }, old = { id = true } }.
local function leftovers(entries, leaf)
  local found = { new = {}, old = {} }
  for name, entry in next, entries do
    if entry.type == "folder" and name:sub(1, #leaf) == leaf then
      local what, id = name:sub(#leaf + 1):match "^%.(%a+)%-(%x+)$"
      if found[what] and #id == 12 then found[what][id] = true end
    end
  end
  return found
end

local function rename(session, above, pairs_of_names, what)
  local commands = {}
  for _, pair in ipairs(pairs_of_names) do
    local some = session.command.rename(above:path(pair[1]), above:path(pair[2]))
    table.move(some, 1, #some, #commands + 1, commands)
  end
  session:run(what, commands)
end

---Mends what an interrupted switch has left: finishes it, or takes the old folder back.
---@async
---@param session orch.deploy.remote.Session
---@param connections integer
---@return boolean there whether the folder is there now
function switch.mend(session, connections)
  local above, leaf = session.at:parent()
  local entries = session:at_folder(above):list "" or {}
  local left, there = leftovers(entries, leaf), entries[leaf] ~= nil
  for id in next, left.old do
    if not there then
      local from = left.new[id] and ".new-" or ".old-"
      rename(session, above, { { leaf .. from .. id, leaf } }, ("finish the switch of '%s'"):format(
        leaf))
      if from == ".new-" then left.new[id] = nil else left.old[id] = nil end
      there = true
    end
  end
  for id in next, left.old do
    work.remove_all(session:at_folder(session.at:beside(leaf .. ".old-" .. id)), connections)
  end
  return there
end

---@async
---@param session orch.deploy.remote.Session
---@param id string
---@param there boolean whether there is one to be moved away
---@param connections integer
function switch.over(session, id, there, connections)
  local above, leaf = session.at:parent()
  local old, new = leaf .. ".old-" .. id, leaf .. ".new-" .. id
  local what = ("put '%s' in the place of '%s'"):format(new, leaf)
  if there then
    local ok, err = pcall(rename, session, above, { { leaf, old }, { new, leaf } }, what)
    if not ok then
      if errors.is(err) and err.kind == "rejected" then
        pcall(rename, session, above, { { old, leaf } }, "take the old folder back")
      end
      error(err, 0)
    end
    work.remove_all(session:at_folder(session.at:beside(old)), connections)
  else
    rename(session, above, { { new, leaf } }, what)
  end
end

return switch
