--- A folder on the server and one here: what is there, what is to be sent, what is too much.

local failure = require "orch.deploy.failure"
local folder = require "orch.deploy.folder"
local listing = require "orch.deploy.webdav.listing"
local map = require "orch.map"
local put = require "orch.deploy.webdav.put"
local shared = require "orch.deploy.sync"

local sync = {}

--- What is in the folders that are here, one question for each; folders that are only there are
--- entries. Nil where the server cannot be asked, with true where it has no such folder at all.
local function list_all(dav, folders)
  local there = {}
  local level = { "" }
  local wanted = {}
  for _, name in ipairs(folders) do wanted[name] = true end
  while #level > 0 do
    local below = {}
    local answers = map.map(level, function(name)
      local speaks, own, entries = listing.ask(dav, name == "" and "/" or name,
        dav.root .. put.encode(name), 1)
      return { speaks = speaks and (own ~= nil or dav.speaks), own = own, entries = entries or {},
        missing = speaks and own == nil }
    end, { concurrency = 4 })
    for i, answer in ipairs(answers) do
      if not answer.speaks then return nil, answer.missing end
      if answer.own then there[level[i]] = { folder = true } end
      for name, entry in next, answer.entries do
        local path = level[i] .. name .. (entry.folder and "/" or "")
        there[path] = entry
        if entry.folder and wanted[path] then below[#below + 1] = path end
      end
    end
    level = below
  end
  return there
end

local function ask_each(dav, files)
  local there = {}
  map.each(files, function(file)
    there[file.name] = listing.head(dav, file.name, dav.root .. put.encode(file.name))
  end, { concurrency = 4 })
  return there
end

--- Our files and folders by name; and, in small letters, those that are not there.
local function names_of(there, files, folders)
  local ours, missing = {}, {}
  local function add(name)
    ours[name] = true
    if not there[name] then missing[name:lower()] = true end
  end
  for _, file in ipairs(files) do add(file.name) end
  for _, name in ipairs(folders) do add(name) end
  return ours, missing
end

--- Files, and, where no pattern may protect something in them, whole folders. Those that differ
--- from ours in capitals only are `twins`: to many servers they are the same file, and may not be
--- deleted when that has been sent.
local function surplus_of(fname, there, files, folders, o)
  local ours, missing = names_of(there, files, folders)
  local list, twins = {}, {}
  local chosen = folder.chooser(fname, o)
  for name, entry in next, there do
    if name ~= "" and not ours[name] and chosen((name:gsub("/$", "")))
      and not (entry.folder and (o.include or o.exclude)) then
      table.insert(missing[name:lower()] and twins or list, name)
    end
  end
  table.sort(list)
  table.sort(twins)
  return list, twins
end

--- To put a file in the place of a folder deletes all that is in it.
local function check_kinds(there, files, folders)
  local function refuse(name, is, should)
    failure.throw("webdav", { what = ("put '%s'"):format(name), kind = "conflict",
      words = ("there is a %s of that name, and here it is a %s"):format(is, should),
      hint = "remove one of them" })
  end
  for _, file in ipairs(files) do
    if there[file.name .. "/"] then refuse(file.name, "folder", "file") end
  end
  for _, name in ipairs(folders) do
    if there[name:sub(1, -2)] then refuse(name:sub(1, -2), "file", "folder") end
  end
end

---@class orch.deploy.webdav.Plan: orch.deploy.SyncPlan
---@field missing string[] folders to be made
---@field twins string[] what is to be deleted before anything is sent
---@field surplus string[] what is to be deleted after that
---@field root_is_there boolean

---@async
---@param fname string
---@param dav orch.deploy.webdav.Client
---@param files orch.deploy.FolderFile[]
---@param o {delete: boolean?, include: any, exclude: any}
---@return orch.deploy.webdav.Plan
function sync.plan(fname, dav, files, o)
  local names = {}
  for i, file in ipairs(files) do names[i] = file.name end
  local folders = put.folders_of(names)
  local known, missing = list_all(dav, folders)
  local there = known or ask_each(dav, files)
  if known then check_kinds(known, files, folders) end
  local plan = shared.plan(files, function(file)
    return listing.same(dav, file, there[file.name])
  end)
  plan.missing, plan.surplus, plan.twins = {}, {}, {}
  for _, name in ipairs(folders) do
    if not there[name] then table.insert(plan.missing, name) end
  end
  plan.root_is_there = there[""] ~= nil
  if not o.delete then return plan end
  if missing then return plan end
  if not known then
    require("orch.arg").fail("%s: `delete` has to know what is there, and this server has no "
      .. "PROPFIND", fname)
  end
  plan.surplus, plan.twins = surplus_of(fname, there, files, folders, o)
  return plan
end

return sync
