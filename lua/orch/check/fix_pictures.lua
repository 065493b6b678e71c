--- What an image looked like before a fix and after it, for reports.
---
---     fix_pictures.add(fixed, changes, ".orch/undo/ID/1/before/")

local fix_pictures = {}

local function is_image(path)
  return (pcall(require("orch.image").info, path))
end

--- Of a renamed file the new name.
local function new_path(changes, path)
  local created
  for _, change in ipairs(changes) do
    if change.path == path and change.kind == "changed" then return path, change.name end
    if change.path == path and change.kind == "removed" then
      return created, change.name
    elseif change.kind == "created" then
      created = created or change.path
    end
  end
end

---@async
---@param fixed {path: string, before: table?, after: table?} gets both where it is an image
---@param changes orch.check.Change[]
---@param before string where the originals are, relative to the project's folder
---@param after string? where the results are, if not in their places
function fix_pictures.add(fixed, changes, before, after)
  local path, name = new_path(changes, fixed.path)
  if not path then return end
  local result = after and after .. path:match "[^/]*$" or path
  if not (is_image(before .. name) and is_image(result)) then return end
  local image = require "orch.image"
  fixed.before, fixed.after = image.thumb(before .. name), image.thumb(result)
end

return fix_pictures
