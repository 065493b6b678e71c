--- The extensions that are understood: for each the objects it may stand at, their properties,
--- and what to do once references can be followed. A list of names declares them all.

local format = require "orch.gltf.format"
local lights = require "orch.gltf.extension_light"
local materials = require "orch.gltf.extension_material"
local schema = require "orch.gltf.schema"
local value = require "orch.gltf.value"

local shape = schema.shape

local WEBP = "image/webp"

--- A texture of another format: its image, which has to be of that format.
local function texture_source(report, gltf, entry)
  local self = entry.extension
  self.image = gltf:find(report, "images", self.source, "source")
  report.textures[#report.textures + 1] = { path = entry.path, image = self.image,
    types = { WEBP } }
end

--- Another set of coordinates, for the texture at which the transform stands.
local function other_coordinates(_, _, entry)
  local set = entry.extension.texCoord
  if set then entry.object.other_set = set end
end

local texture_transform = shape {
  kind = "texture_transform",
  { "offset", value.numbers { length = 2 } },
  { "rotation", value.number() },
  { "scale", value.numbers { length = 2 } },
  { "texCoord", value.integer() },
}
texture_transform.link = other_coordinates

--- A channel that points anywhere has no node, and says that it points.
local function pointed(report, _, entry)
  local target = entry.object
  if not target.linked then return end
  if target.node then report:add "KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_NODE" end
  if target.path ~= "pointer" then
    report:add("KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_PATH", nil, target.path)
  end
end

local function is_pointer(text)
  return (text == "" or text:sub(1, 1) == "/") and not text:gsub("~[01]", ""):find("~", 1, true)
end

local animation_pointer = shape {
  kind = "animation_pointer",
  { "pointer", value.text { required = true, test = is_pointer, form = "/a/0/b" } },
  after = function(report, self, raw)
    report:add "INCOMPLETE_EXTENSION_SUPPORT"
    self.pointer = self.pointer or raw.pointer
  end,
}
animation_pointer.link = pointed

local extension = {
  EXT_texture_webp = {
    texture = shape { kind = "texture_webp", { "source", value.index() } },
    begin = function(report) table.insert(report.image_types, WEBP) end,
  },
  KHR_animation_pointer = { animation_channel_target = animation_pointer },
  KHR_mesh_quantization = {
    required = true,
    begin = function(report) report.attributes, report.morphs = format.quantized() end,
  },
  KHR_node_visibility = {
    node = shape { kind = "visibility", { "visible", value.boolean() } },
  },
  KHR_texture_transform = {
    texture_info = texture_transform, normal_texture_info = texture_transform,
    occlusion_texture_info = texture_transform,
  },
}
extension.EXT_texture_webp.texture.link = texture_source

for _, more in ipairs { lights, materials } do
  for name, shapes in pairs(more) do extension[name] = shapes end
end

---Makes known what a document declares; says what is wrong with the declarations.
---@param report orch.gltf.Report
---@param used string[]
---@param required string[]
function extension.declare(report, used, required)
  local must = {}
  for _, name in ipairs(required) do must[name] = true end
  for i, name in ipairs(used) do
    local here = ("/extensionsUsed/%d"):format(i - 1)
    report.declared[name] = true
    if not name:find "^[%u%d]+_[%w_]+$" then
      report:at("INVALID_EXTENSION_NAME_FORMAT", here)
    end
    local known = name ~= "declare" and extension[name]
    if not known then
      report:at("UNSUPPORTED_EXTENSION", here, name)
    else
      report.extensions[name] = known
      if known.begin then known.begin(report) end
      if known.required and not must[name] then
        report:at("NON_REQUIRED_EXTENSION", here, name)
      end
    end
  end
  for i, name in ipairs(required) do
    if not report.declared[name] then
      report:at("UNUSED_EXTENSION_REQUIRED", ("/extensionsRequired/%d"):format(i - 1), name)
    end
  end
end

return extension
