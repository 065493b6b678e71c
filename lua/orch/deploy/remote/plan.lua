--- What is to be done so that a folder at the other end becomes what it is here.
---
--- A file counts as being there when its size is the same and, in this order: the journal of an
--- unfinished upload has sent it; the manifest has the same time, or the same digest; without an
--- entry in either, its time at the other end is not before its time here.

local folders = require "orch.deploy.folder"
local manifests = require "orch.deploy.remote.manifest"
local sender = require "orch.deploy.remote.send"
local sync = require "orch.deploy.sync"
local trees = require "orch.deploy.remote.tree"

local plans = {}

---@class orch.deploy.remote.Plan
---@field send orch.deploy.FolderFile[] pages last, so that none refers to what is not there yet
---@field bytes integer of them
---@field make string[] folders, those above first
---@field remove string[] files at the other end that are not here
---@field remove_folders string[] those below first
---@field stale string[] beginnings of files that are different now
---@field kept integer files that are there already
---@field in_the_way string? why it cannot be done

--- Whether it is there as the manifest or the journal knows it; nil: they know nothing of it.
local function known_state(run, file, doubtful)
  if run.journal:has(file) then return true end
  if run.o.changed == "all" then return false end
  local known = run.known and run.known[file.name]
  if not known then return nil end
  if known.size ~= file.size then return false end
  if known.mtime == file.mtime then
    file.sha256 = known.sha256
    return true
  end
  doubtful[#doubtful + 1] = file
  return true -- unless its digest says otherwise
end

local function same_by_time(run, file, entry)
  local time = run.tree:time(run.session, file.name, entry)
  return time ~= nil and time >= file.mtime
end

--- Pages last; the larger ones first, so that no connection has one left at the end.
local function order(a, b)
  local page_a, page_b = sync.is_page(a), sync.is_page(b)
  if page_a ~= page_b then return page_b end
  if a.size ~= b.size and (a.size >= 1 << 20 or b.size >= 1 << 20) then return a.size > b.size end
  return a.name < b.name
end

local function choose(run, files)
  local send, doubtful, certain = {}, {}, {}
  for _, file in ipairs(files) do
    local entry = run.tree:entry(file.name)
    local there = entry and entry.type ~= "folder"
      and (entry.size == nil or entry.size == file.size)
    local state = there and known_state(run, file, doubtful)
    if there and state == nil then state = same_by_time(run, file, entry) end
    certain[file] = state and true or false
  end
  manifests.digest(doubtful)
  for _, file in ipairs(doubtful) do
    certain[file] = run.known[file.name].sha256 == file.sha256
  end
  for _, file in ipairs(files) do
    if not certain[file] then send[#send + 1] = file end
  end
  table.sort(send, order)
  return send
end

local function folders_to_make(run)
  local make = {}
  for name in next, run.folders do
    if not run.tree:has(name) then make[#make + 1] = name end
  end
  table.sort(make) -- "a" comes before "a/b"
  return make
end

--- A file there where a folder is here, or the other way round: nothing is sent over it, and
--- which of the two is meant only a person knows.
local function in_the_way(run, files)
  for _, file in ipairs(files) do
    local entry = run.tree:entry(file.name)
    if entry and entry.type == "folder" then
      return ("'%s' is a folder there, and a file here"):format(file.name)
    end
  end
  for name in next, run.folders do
    local entry = run.tree:entry(name)
    if entry and entry.type == "file" then
      return ("'%s' is a file there, and a folder here"):format(name)
    end
  end
end

local function surplus(run, files, send)
  local here, remove, remove_folders = {}, {}, {}
  for _, file in ipairs(files) do here[file.name] = true end
  for _, file in ipairs(send) do here[sender.part_name(file)] = true end -- is gone by then
  local takes, kept_folders = folders.chooser(run.fname, run.o), {}
  local function keep(folder)
    while folder ~= "" do
      kept_folders[folder] = true
      folder = trees.split(folder)
    end
  end
  for folder, entries in next, run.tree.folders do
    for leaf, entry in next, entries or {} do
      local name = folder == "" and leaf or folder .. "/" .. leaf
      if entry.type == "folder" then
        if not run.folders[name] then remove_folders[#remove_folders + 1] = name end
        -- That of "logs/**" is not to go either, although nothing is in it now.
        if not takes(name) or not takes(name .. "/\1") then keep(name) end
      elseif not takes(name) or name == manifests.NAME then
        keep(folder)
      elseif not here[name] then
        remove[#remove + 1] = name
      end
    end
  end
  table.sort(remove)
  table.sort(remove_folders, function(a, b) return a > b end)
  local gone = {}
  for _, name in ipairs(remove_folders) do
    if not kept_folders[name] then gone[#gone + 1] = name end
  end
  return remove, gone
end

---@async
---@param run table `session`, `o`, `fname`, `tree`, `folders`, `journal`, `known` (the manifest)
---@param files orch.deploy.FolderFile[]
---@return orch.deploy.remote.Plan
function plans.of(run, files)
  local send = choose(run, files)
  local plan = { send = send, bytes = 0, kept = #files - #send, make = folders_to_make(run),
    remove = {}, remove_folders = {}, stale = {}, in_the_way = in_the_way(run, files) }
  for _, file in ipairs(send) do plan.bytes = plan.bytes + file.size end
  if run.o.delete then plan.remove, plan.remove_folders = surplus(run, files, send) end
  return plan
end

---@param plan orch.deploy.remote.Plan
---@return boolean
function plans.is_empty(plan)
  return not (plan.send[1] or plan.remove[1] or plan.remove_folders[1])
end

return plans
