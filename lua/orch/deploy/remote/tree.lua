--- What is at the other end: the folders that a plan is about, each listed once, several at a
--- time; and the manifest, in which an upload writes down what it has sent.
---
---     local tree = trees.look(session, { "", "Build" }, { connections = 4 })
---     tree:entry "Build/a.wasm"    -- { type = "file", size = 12, ... }

local map = require "orch.map"

local trees = {}

---@class orch.deploy.remote.Tree
---@field folders table<string, table<string, orch.deploy.remote.Entry>|false> by the way from the
---  folder of the upload; false: it is not there
---@field private shifts table<integer, integer|false> seconds that the times of listings are
---  behind, by day: a zone has summer and winter; false: the server has no exact ones
local Tree = {}
Tree.__index = Tree

---@param name string
---@return string folder "" for what is at the top
---@return string leaf
function trees.split(name)
  local folder, leaf = name:match "^(.*)/([^/]*)$"
  if folder then return folder, leaf end
  return "", name
end

---@param name string
---@return orch.deploy.remote.Entry?
function Tree:entry(name)
  local folder, leaf = trees.split(name)
  local entries = self.folders[folder]
  return entries and entries[leaf] or nil
end

---@param folder string
---@return boolean
function Tree:has(folder) return self.folders[folder] and true or false end

--- Those of the next level that are wanted, and there.
local function next_level(tree, level, wanted, deep)
  local found = {}
  for _, folder in ipairs(level) do
    for leaf, entry in next, tree.folders[folder] or {} do
      local name = folder == "" and leaf or folder .. "/" .. leaf
      if wanted[name] and entry.type ~= "file" or deep and entry.type == "folder" then
        found[#found + 1] = name
      end
    end
  end
  table.sort(found)
  return found
end

---@async
---@param session orch.deploy.remote.Session
---@param wanted table<string, any> folders, by name; those above them belong to it
---@param opts {connections: integer, deep: boolean?} `deep`: all folders that there are
---@return orch.deploy.remote.Tree
function trees.look(session, wanted, opts)
  local tree = setmetatable({ folders = {}, shifts = {} }, Tree)
  for name in next, wanted do tree.folders[name] = false end
  local level = { "" }
  while level[1] do
    map.each(level, function(folder)
      tree.folders[folder] = session:list(folder) or false
    end, { concurrency = opts.connections })
    level = next_level(tree, level, wanted, opts.deep)
  end
  return tree
end

---All folders on the way to files.
---@param files {name: string}[]
---@return table<string, true>
function trees.folders_of(files)
  local folders = { [""] = true }
  for _, file in ipairs(files) do
    local folder = trees.split(file.name)
    while not folders[folder] do
      folders[folder] = true
      folder = trees.split(folder)
    end
  end
  return folders
end

--- Listings have times in a zone that they do not name: one exact time tells which.
local function find_shift(session, name, entry)
  local exact = session:look(name)
  if not exact or not exact.time then return false end
  return (exact.time - entry.time) // 900 * 900
end

---The earliest time that a file at the other end can be of, in seconds since 1970; nil when the
---server does not say.
---@async
---@param session orch.deploy.remote.Session
---@param name string
---@param entry orch.deploy.remote.Entry
---@return integer?
function Tree:time(session, name, entry)
  if not entry.time then return nil end
  if not entry.zoned then return entry.time end
  if entry.span > 59 then return entry.time - 86400 end -- a day, in some zone
  local day = entry.time // 86400
  if self.shifts[day] == nil then self.shifts[day] = find_shift(session, name, entry) end
  return entry.time + (self.shifts[day] or -86400)
end

return trees
