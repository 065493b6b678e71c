--- All assets of a Unity project and their GUIDs, from one small read of each .meta file.
---
---     local all = index.make "game"
---     print(all.paths["592bf22e6e25b4d50967a4fae17e28d6"])     -- Assets/Scripts

local errors = require "orch.core.error"
local fs = require "orch.fs"
local gather = require "orch.gather"
local ignore = require "orch.unity.ignore"
local meta = require "orch.unity.meta"
local place = require "orch.place"
local project = require "orch.unity.project"

local index = {}

---@class orch.unity.Index
---@field folder string the project's
---@field assets table<string, "file"|"folder"> what Unity imports, by its path in the project
---@field metas table<string, string|false> .meta file -> its GUID; false: it has none
---@field folders table<string, boolean> .meta files that are those of folders
---@field faults table<string, string> what is wrong with a .meta file without a GUID
---@field paths table<string, string> GUID -> asset; of several the first by name
---@field guids table<string, string> asset -> GUID
---@field project orch.unity.Project
local Index = {}
Index.__index = Index

---Whether a value is an index.
---@param value any
---@return boolean
function index.is(value)
  return getmetatable(value) == Index
end

--- In Assets all of it, in Packages what is in folders that are packages.
local function is_ours(path, packages)
  local top, rest = path:match "^(%a+)/(.+)$"
  if not top or ignore.path(rest) then return false end
  if top == "Assets" then return true end
  local name = rest:match "^([^/]+)/."
  return name ~= nil and packages[name] ~= nil and packages[name].source == "embedded"
end

local function glob(folder, type)
  return fs.glob({ "Assets/**", "Packages/**", "!**/*~" },
    { cwd = folder, type = type, hidden = false, follow = true, unreadable = "skip" })
end

local function collect(self)
  local packages, list = self.project.packages, {}
  for _, path in ipairs(glob(self.folder, "file")) do
    if not is_ours(path, packages) then -- not Unity's affair
    elseif path:sub(-5) == ".meta" then
      list[#list + 1] = path
    else
      self.assets[path] = "file"
    end
  end
  for _, path in ipairs(glob(self.folder, "folder")) do
    if is_ours(path, packages) then self.assets[path] = "folder" end
  end
  return list
end

local function read_one(self, full, path)
  local ok, head = pcall(meta.head, full .. path)
  if not ok then
    if not (errors.is(head) and head.kind == "os") then error(head, 0) end
    self.metas[path], self.faults[path] = false, "cannot be read: " .. tostring(head.code)
    return
  end
  local guid = meta.guid_of(head)
  self.metas[path] = guid or false
  if not guid then self.faults[path] = meta.fault(head) end
  if meta.is_folder(head) then self.folders[path] = true end
end

--- Several at a time, for disks that are far away.
local LANES = 8

local function read_all(self, list)
  local full, at, lanes = place.resolve(self.folder) .. "/", 0, {}
  local function lane()
    while at < #list do
      at = at + 1
      read_one(self, full, list[at])
    end
  end
  for i = 1, LANES do lanes[i] = lane end
  gather(lanes)
  for _, path in ipairs(list) do
    local guid, asset = self.metas[path], path:sub(1, -6)
    if guid then
      self.guids[asset] = guid
      self.paths[guid] = self.paths[guid] or asset
    end
  end
end

---@async
---@param folder string
---@return orch.unity.Index index raises kinds `format` (no Unity project) and `os`
function index.make(folder)
  local info = project.read(folder)
  local self = setmetatable({ folder = info.folder, project = info, assets = {}, metas = {},
    folders = {}, faults = {}, paths = {}, guids = {} }, Index)
  read_all(self, collect(self))
  return self
end

---The GUIDs in packages that are on this machine but not in the project: in the cache, and in
---folders beside the project. Found once, when it is needed.
---@async
---@param self orch.unity.Index
---@return table<string, string> paths GUID -> .meta file
function index.elsewhere(self)
  if self.outside then return self.outside end
  local found = {}
  for _, package in pairs(self.project.packages) do
    if package.path and package.source ~= "embedded" then
      for _, path in ipairs(fs.glob("**/*.meta", { cwd = package.path, type = "file",
        unreadable = "skip" })) do
        path = package.path .. "/" .. path
        local guid = meta.guid_of(meta.head(place.resolve(path)))
        if guid then found[guid] = path end
      end
    end
  end
  self.outside = found
  return found
end

return index
