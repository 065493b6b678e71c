--- The `.meta` file beside each asset: its GUID, and how it is imported.
---
---     local info = meta.read "Assets/rock.png"
---     print(info.guid, info.importer, info.settings.maxTextureSize)

local errors = require "orch.core.error"
local lfs = require "orch.asset.lfs"
local part = require "orch.core.part"
local place = require "orch.place"

local meta = {}

--- The GUID stands in the second line; a byte order mark and CR LF leave room.
local HEAD = 512

local function is_torn(head)
  return head:find "%f[^\n\0]<<<<<<<" ~= nil
end

---The GUID in the beginning of a .meta file; without a look at the rest.
---@param head string
---@return string? guid 32 hex digits in lower case; nil also where a merge left two
function meta.guid_of(head)
  if is_torn(head) then return nil end
  local guid = head:match "%f[^\n\0]guid: *(%x+)"
  return guid and #guid == 32 and guid:lower() or nil
end

---Whether the beginning of a .meta file says that it is a folder's.
---@param head string
---@return boolean
function meta.is_folder(head)
  return head:find("folderAsset: yes", 1, true) ~= nil
end

---Which importer a .meta file names.
---@param head string
---@return string?
function meta.importer_of(head)
  return head:match "\n(%a%w*Importer):"
end

---What is wrong with a .meta file that has no GUID.
---@param head string
---@return string
function meta.fault(head)
  if head == "" then return "is empty" end
  if lfs.pointer(head) then return lfs.sentence end
  if is_torn(head) then return "has conflict markers of a merge in it" end
  return "has no GUID: Unity gives the asset a new one, and what refers to it is broken"
end

local function fail(path, line, message)
  errors.throw(errors.make { kind = "format", path = path, line = line,
    message = ("'%s' %s"):format(path, message) })
end

--- The .meta file of an asset, or itself.
local function meta_path(path)
  return path:sub(-5) == ".meta" and path or path:gsub("/+$", "") .. ".meta"
end

---The GUID of an asset: one small read.
---@async
---@param path string of the asset or of its .meta file
---@return string guid raises kinds `format` and `os`
function meta.guid(path)
  path = meta_path(path)
  local head = part.read(place.resolve(path), 0, HEAD)
  return meta.guid_of(head) or fail(path, nil, meta.fault(head))
end

---@async
---@param full string resolved
---@return string head
function meta.head(full)
  return (part.read(full, 0, HEAD))
end

---@class orch.unity.Meta
---@field path string of the .meta file
---@field guid string
---@field folder boolean whether it is a folder's
---@field importer string? such as "TextureImporter"
---@field settings table? of the importer

---All that a .meta file says.
---@async
---@param path string of the asset or of its .meta file
---@return orch.unity.Meta
function meta.read(path)
  path = meta_path(path)
  local text = require("orch.fs").read(path)
  local guid = meta.guid_of(text) or fail(path, nil, meta.fault(text))
  local ok, value = pcall(require("orch.yaml").decode, text,
    { strings = { "guid" }, duplicates = "last" })
  if not ok then
    if type(value) ~= "table" or value.kind ~= "yaml" then error(value, 0) end
    fail(path, value.line, "is not a .meta file that Unity could read: " .. value.message)
  end
  if type(value) ~= "table" then fail(path, 1, "is not a .meta file of Unity's") end
  local importer
  for name, settings in pairs(value) do
    if type(name) == "string" and name:find "Importer$" and type(settings) == "table" then
      importer = name
    end
  end
  return { path = path, guid = guid, folder = meta.is_folder(text), importer = importer,
    settings = importer and value[importer] }
end

return meta
