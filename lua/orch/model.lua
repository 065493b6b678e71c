--- Models: what is in a file, by its header.
---
---     local info = orch.model.info "Assets/Props/crate.glb"
---     print(info.triangles, #info.materials, info.bounds.max[2])
---
--- Whether a glTF is right is `orch.gltf.validate`'s to say.

local arg = require "orch.arg"

local model = {}

---@class orch.model.Material
---@field name string?
---@field textures table<string, string> by what they are for, as the format calls it

---@class orch.model.Info: orch.asset.Info
---@field format "gltf"|"glb"|"obj"|"fbx"|"stl"|string
---@field version string? of the format
---@field generator string? the program that wrote it
---@field vertices integer?
---@field triangles integer?
---@field primitives integer? draw calls of all meshes
---@field meshes integer?
---@field nodes integer?
---@field materials orch.model.Material[]?
---@field textures string[]? files, as they are named in it
---@field images integer?
---@field buffers string[]? files
---@field animations integer?
---@field skins integer?
---@field cameras integer?
---@field lights integer?
---@field bones integer?
---@field uv boolean? all triangles have texture coordinates
---@field normals boolean? all triangles have normals
---@field bounds {min: number[], max: number[]}? the box around it: x, y, z
---@field references string[]? all other files that it needs, as they are named in it
---@field non_finite integer? numbers that are none, where the reader sees all of them
---@field units string? such as "m"
---@field up_axis "y"|"z"|nil
---@field copyright string?
---@field extensions string[]? of glTF

---What is in a model.
---@async
---@param path orch.Path glTF, GLB, OBJ, FBX or STL
---@return orch.model.Info info raises kind `format` (`offset`, `path`) or `os`
function model.info(path)
  arg.check("model.info", 1, path, "path")
  return require("orch.asset").info(path, { kind = "model" })
end

return arg.public("orch.model", model)
