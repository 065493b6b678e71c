--- What is wrong with the assets of a Unity project: without .meta, .meta without asset, GUIDs
--- that are there twice, references to nothing. All lists are sorted by path.

local errors = require "orch.core.error"
local fs = require "orch.fs"
local ignore = require "orch.unity.ignore"
local index = require "orch.unity.index"
local references = require "orch.unity.references"

local facts = {}

local function by_path(a, b)
  if a.path ~= b.path then return a.path < b.path end
  return (a.line or 0) < (b.line or 0)
end

---Assets without a .meta file: a colleague's Unity gives each another GUID.
---@param all orch.unity.Index
---@return {path: string, folder: boolean}[]
function facts.missing(all)
  local list = {}
  for path, type in pairs(all.assets) do
    if all.metas[path .. ".meta"] == nil and not ignore.in_bundle(path) then
      list[#list + 1] = { path = path, folder = type == "folder" }
    end
  end
  table.sort(list, by_path)
  return list
end

---.meta files whose asset is not there. With `folder` it was a folder: an empty one, which git
---does not keep, or one that was removed.
---@param all orch.unity.Index
---@return {path: string, asset: string, guid: string?, folder: boolean}[]
function facts.orphans(all)
  local list = {}
  for path, guid in pairs(all.metas) do
    local asset = path:sub(1, -6)
    if not all.assets[asset] and not ignore.in_bundle(path)
      and not ignore.name(asset:match "[^/]*$") then
      list[#list + 1] = { path = path, asset = asset, guid = guid or nil,
        folder = all.folders[path] or false }
    end
  end
  table.sort(list, by_path)
  return list
end

---.meta files without a GUID: empty, torn by a merge, pointers of Git LFS.
---@param all orch.unity.Index
---@return {path: string, reason: string}[] `reason` completes "it ..."
function facts.invalid(all)
  local list = {}
  for path, reason in pairs(all.faults) do list[#list + 1] = { path = path, reason = reason } end
  table.sort(list, by_path)
  return list
end

---GUIDs that several .meta files have.
---@param all orch.unity.Index
---@return {guid: string, paths: string[]}[] `paths` are assets; sorted by the first
function facts.duplicates(all)
  local by_guid, list = {}, {}
  for path, guid in pairs(all.guids) do
    by_guid[guid] = by_guid[guid] or {}
    table.insert(by_guid[guid], path)
  end
  for guid, paths in pairs(by_guid) do
    if #paths > 1 then
      table.sort(paths)
      list[#list + 1] = { guid = guid, paths = paths, path = paths[1] }
    end
  end
  table.sort(list, by_path)
  for _, entry in ipairs(list) do entry.path = nil end
  return list
end

--- What comes with the editor: 0000000000000000X000000000000000, and none at all; and the
--- assembly of the user interface before it became a package.
local editors_own = { ["f70555f144d8491a825f0804e09c671c"] = true }

---Whether a GUID belongs to no asset that could be in a project.
---@param guid string
---@return boolean
function facts.built_in(guid)
  return guid:find "^0000000000000000%x000000000000000$" ~= nil or editors_own[guid] == true
end

local function absent_packages(project)
  local names = {}
  for name, package in pairs(project.packages) do
    if package.assets and not package.path then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- What may be said of a GUID that nobody has.
local function verdict(project)
  local names = absent_packages(project)
  if #names > 0 then
    local some = #names > 3 and ("%s, %s and %d more"):format(names[1], names[2], #names - 2)
    return false, ("it may be in a package that is not on this machine (%s); Library/PackageCache "
      .. "tells, once Unity has opened the project"):format(some or table.concat(names, ", "))
  end
  if not project.complete then
    return false, "it may be in a package: Packages/manifest.json, which would tell, is not there"
  end
  return true, "no asset and no package of this project has it"
end

--- GUIDs of one file that nobody knows: guid -> {offset of the first, how often}.
local function unknown_in(text, known, outside)
  local found
  for guid, at, sure in references.scan(text) do
    if not known[guid] and not outside[guid] and not facts.built_in(guid)
      and (sure or references.refers(text, at)) then
      found = found or {}
      local entry = found[guid]
      if not entry then
        found[guid] = { at = at, count = 1 }
      else
        entry.at, entry.count = math.min(entry.at, at), entry.count + 1
      end
    end
  end
  return found
end

local function files_to_read(all)
  local list = {}
  for path, type in pairs(all.assets) do
    if type == "file" and references.may(path) then list[#list + 1] = path end
  end
  for path in pairs(all.metas) do list[#list + 1] = path end
  for _, path in ipairs(fs.glob("ProjectSettings/*.asset", { cwd = all.folder })) do
    list[#list + 1] = path
  end
  table.sort(list)
  return list
end

local function add_broken(list, path, text, found, certain, reason)
  local line_of = references.line_counter(text)
  for guid, entry in pairs(found) do
    list[#list + 1] = { path = path, line = line_of(entry.at), guid = guid,
      file_id = references.file_id(text, entry.at), count = entry.count, certain = certain,
      reason = reason }
  end
end

---@class orch.unity.Broken
---@field path string the file that refers
---@field line integer of the first reference
---@field guid string
---@field file_id integer?
---@field count integer how often this file has the GUID
---@field certain boolean whether no package can have it
---@field reason string a sentence without a capital

---References to GUIDs that no .meta file has; each GUID once a file.
---@async
---@param all orch.unity.Index
---@return orch.unity.Broken[] broken
---@return {path: string, reason: string}[] unread files whose references are not known: binary
---  ones, pointers of Git LFS, unreadable ones
function facts.broken(all)
  local outside = index.elsewhere(all)
  local certain, reason = verdict(all.project)
  local list, unread = {}, {}
  for _, path in ipairs(files_to_read(all)) do
    local ok, text = pcall(fs.read, all.folder .. "/" .. path)
    if not ok then
      if not (errors.is(text) and text.kind == "os") then error(text, 0) end
      unread[#unread + 1] = { path = path, reason = "cannot be read: " .. tostring(text.code) }
    else
      local why = references.unreadable(text)
      if why then
        unread[#unread + 1] = { path = path, reason = why }
      else
        local found = unknown_in(text, all.paths, outside)
        if found then add_broken(list, path, text, found, certain, reason) end
      end
    end
  end
  table.sort(list, by_path)
  return list, unread
end

return facts
