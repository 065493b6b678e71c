--- What Unity does not look at: names that begin with "." or end with "~", `cvs`, and `*.tmp`.
---
---     assert(ignore.name "Samples~")
---     assert(ignore.path "Assets/.git/config" and not ignore.path "Assets/a.png")

local ignore = {}

local find, sub = string.find, string.sub

---Whether a file or folder of that name is left out.
---@param name string
---@return boolean
function ignore.name(name)
  return sub(name, 1, 1) == "." or sub(name, -1) == "~" or sub(name, -4) == ".tmp"
    or name:lower() == "cvs"
end

---Whether a path leads through such a name.
---@param path string
---@return boolean
function ignore.path(path)
  if not (find(path, "/.", 1, true) or find(path, "~", 1, true) or find(path, ".tmp", 1, true)
      or find(path, "[cC][vV][sS]") or sub(path, 1, 1) == ".") then
    return false
  end
  for name in path:gmatch "[^/]+" do
    if ignore.name(name) then return true end
  end
  return false
end

--- Folders that are one plug-in. Unity made `.meta` files in them before 2023.1, and makes none
--- since; both are right.
local bundles = { bundle = true, framework = true, plugin = true, androidlib = true }

---Whether the path is inside of a folder that is one plug-in.
---@param path string
---@return boolean
function ignore.in_bundle(path)
  for extension in path:gmatch "%.(%a+)/" do
    if bundles[extension:lower()] then return true end
  end
  return false
end

return ignore
