--- Unity's projects, without Unity: GUIDs, `.meta` files, what scenes and prefabs refer to.
---
---     local all = orch.unity.index "game"
---     for _, twice in ipairs(orch.unity.duplicates(all)) do
---       print(twice.guid, table.concat(twice.paths, ", "))
---     end
---
--- Assets are what Unity imports: below Assets and in the packages in Packages, without names
--- that begin with "." or end with "~", `cvs` and `*.tmp`. Paths are relative to the project.
local arg = require "orch.arg"
local index = require "orch.unity.index"

local unity = {}

local function meta() return require "orch.unity.meta" end
local function facts() return require "orch.unity.facts" end

---The GUID of an asset, from the first lines of its .meta file.
---@async
---@param path orch.Path of the asset or of its .meta file
---@return string guid raises kinds `format` and `os`
function unity.guid(path)
  return meta().guid(arg.check("unity.guid", 1, path, "path"))
end

---All that a .meta file says.
---@async
---@param path orch.Path of the asset or of its .meta file
---@return orch.unity.Meta meta raises kinds `format` (`path`, `line`) and `os`
function unity.meta(path)
  return meta().read(arg.check("unity.meta", 1, path, "path"))
end

---What a scene, prefab, material or any other text asset refers to, by a search in its text.
---@async
---@param path orch.Path
---@return orch.unity.Reference[] references in the order of the file; raises kind `format` for a
---  binary asset (`binary` is true) and for a pointer of Git LFS, and `os`
function unity.references(path)
  return require("orch.unity.references").read(arg.check("unity.references", 1, path, "path"))
end

---Version, settings and packages of a project.
---@async
---@param folder? orch.Path default: the task's folder
---@return orch.unity.Project project raises kind `format` where there is none
function unity.project(folder)
  folder = arg.check("unity.project", 1, folder, "path?") or "."
  return require("orch.unity.project").read(folder)
end

---Which asset has which GUID: `index.paths[guid]`, `index.guids[path]`. The functions below take
---an index where they take a folder: made once, it serves all of them.
---@async
---@param folder? orch.Path of the project; default: the task's folder
---@return orch.unity.Index index raises kinds `format` (no Unity project) and `os`
function unity.index(folder)
  return index.make(arg.check("unity.index", 1, folder, "path?") or ".")
end

local function index_of(fname, value)
  if index.is(value) then return value end
  return index.make(arg.check(fname, 1, value, "path?") or ".")
end

---Assets and folders without a .meta file.
---@async
---@param project? orch.Path|orch.unity.Index
---@return {path: string, folder: boolean}[] missing
function unity.missing(project)
  return facts().missing(index_of("unity.missing", project))
end

---.meta files without an asset; `folder` where it was a folder's, perhaps an empty one, which git
---does not keep.
---@async
---@param project? orch.Path|orch.unity.Index
---@return {path: string, asset: string, guid: string?, folder: boolean}[] orphans
function unity.orphans(project)
  return facts().orphans(index_of("unity.orphans", project))
end

---.meta files that have no GUID: empty, torn by a merge, a pointer of Git LFS.
---@async
---@param project? orch.Path|orch.unity.Index
---@return {path: string, reason: string}[] invalid
function unity.invalid(project)
  return facts().invalid(index_of("unity.invalid", project))
end

---GUIDs that several assets have.
---@async
---@param project? orch.Path|orch.unity.Index
---@return {guid: string, paths: string[]}[] duplicates
function unity.duplicates(project)
  return facts().duplicates(index_of("unity.duplicates", project))
end

---References to GUIDs that nobody has. Where packages are not on this machine, `certain` is false
---and `reason` names them: it is no error then.
---@async
---@param project? orch.Path|orch.unity.Index
---@return orch.unity.Broken[] broken
---@return {path: string, reason: string}[] unread files whose references are not known
function unity.broken(project)
  return facts().broken(index_of("unity.broken", project))
end

---Whether Unity leaves a path out.
---@param path string
---@return boolean
function unity.ignored(path)
  return require("orch.unity.ignore").path(arg.check("unity.ignored", 1, path, "path"))
end

return arg.public("orch.unity", unity)
