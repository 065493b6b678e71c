--- What a Unity project says about itself: version, settings, packages.
---
---     local info = project.read "game"
---     print(info.version, info.color_space, info.packages["com.unity.ugui"].version)

local errors = require "orch.core.error"
local fs = require "orch.fs"

local project = {}

---@class orch.unity.Package
---@field name string
---@field version string as the project has it: a number, a URL, "file:../path"
---@field source "registry"|"builtin"|"embedded"|"local"|"local-tarball"|"git"
---@field path string? its folder, where it is on this machine
---@field assets boolean whether there may be assets in it: not in Unity's own modules

---@class orch.unity.Project
---@field folder string
---@field version string? of the editor, such as "2021.3.45f1"
---@field revision string?
---@field name string? of the product
---@field company string?
---@field color_space "gamma"|"linear"|nil
---@field serialization "mixed"|"binary"|"text"|nil how the editor writes assets
---@field packages table<string, orch.unity.Package>
---@field complete boolean whether all packages with assets are on this machine

local function read_text(folder, name)
  local path = folder .. "/" .. name
  return fs.exists(path) and fs.read(path) or nil
end

local function read_json(folder, name)
  local path = folder .. "/" .. name
  if not fs.exists(path) then return nil end
  local value = require("orch.json").load(path)
  local list = type(value) == "table" and value.dependencies
  return type(list) == "table" and list or {}
end

local function source_of(version)
  if version:find "^file:.*%.tgz$" then return "local-tarball" end
  if version:find "^file:" then return "local" end
  if version:find "^git" or version:find "%.git" or version:find "^%a+://" then return "git" end
  return "registry"
end

--- The folders of Library/PackageCache by the name before the "@".
local function cached(folder)
  local cache = folder .. "/Library/PackageCache"
  local found = {}
  if not fs.exists(cache) then return found end
  for _, name in ipairs(fs.list(cache, { type = "folder" })) do
    found[name:match "^[^@]+" or name] = cache .. "/" .. name
  end
  return found
end

local function locate(folder, package, cache)
  local embedded = folder .. "/Packages/" .. package.name
  if fs.exists(embedded .. "/package.json") then
    package.source = "embedded"
    return embedded
  end
  if package.source == "local" then
    local at = package.version:gsub("^file:", "")
    local path = fs.path.is_absolute(at) and at
      or fs.path.normalize(folder .. "/Packages/" .. at)
    return fs.exists(path) and path or nil
  end
  return cache[package.name]
end

local function embedded_names(folder)
  local names = {}
  for _, path in ipairs(fs.glob("Packages/*/package.json", { cwd = folder })) do
    names[#names + 1] = path:match "^Packages/([^/]+)/"
  end
  return names
end

--- The lock file has all of them, the manifest only those that were asked for.
local function read_packages(folder)
  local manifest = read_json(folder, "Packages/manifest.json")
  local lock = read_json(folder, "Packages/packages-lock.json")
  local cache, list, complete = cached(folder), {}, manifest ~= nil or lock ~= nil
  for name, entry in pairs(lock or manifest or {}) do
    local locked = type(entry) == "table"
    local version = tostring(locked and entry.version or entry)
    list[name] = { name = name, version = version,
      source = locked and entry.source or source_of(version) }
  end
  for _, name in ipairs(embedded_names(folder)) do
    list[name] = list[name] or { name = name, version = "", source = "embedded" }
  end
  for _, package in pairs(list) do
    package.assets = not package.name:find "^com%.unity%.modules%."
    package.path = package.assets and locate(folder, package, cache) or nil
    if package.assets and not package.path then complete = false end
  end
  return list, complete
end

--- One setting of a ProjectSettings file, which are long: no parser.
local function setting(text, name)
  local value = text and text:match("\n  " .. name .. ": ([^\r\n]*)")
  return value ~= "" and value or nil
end

local spaces = { ["0"] = "gamma", ["1"] = "linear" }
local serializations = { ["0"] = "mixed", ["1"] = "binary", ["2"] = "text" }

---@async
---@param folder string
---@return orch.unity.Project project raises kind `format` where there is none
function project.read(folder)
  folder = folder:gsub("(.)/+$", "%1")
  local version = read_text(folder, "ProjectSettings/ProjectVersion.txt")
  if not version and not fs.exists(folder .. "/Assets")
    and not fs.exists(folder .. "/Packages") then
    errors.throw(errors.make { kind = "format", path = folder,
      message = ("'%s' is no Unity project: it has neither Assets nor ProjectSettings")
        :format(folder) })
  end
  local settings = read_text(folder, "ProjectSettings/ProjectSettings.asset")
  local editor = read_text(folder, "ProjectSettings/EditorSettings.asset")
  local packages, complete = read_packages(folder)
  version = version or ""
  return {
    folder = folder, packages = packages, complete = complete,
    version = version:match "m_EditorVersion: *(%S+)",
    revision = version:match "m_EditorVersionWithRevision: *%S+ %((%x+)%)",
    name = setting(settings, "productName"), company = setting(settings, "companyName"),
    color_space = spaces[setting(settings, "m_ActiveColorSpace")],
    serialization = serializations[setting(editor, "m_SerializationMode")],
  }
end

return project
