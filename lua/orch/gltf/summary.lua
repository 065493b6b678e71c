--- What the JSON of a glTF says about the model, believed as it stands: counts, materials,
--- files, size. No buffer is read. Whether it is right is `orch.gltf.validate`'s to say.

local bounds = require "orch.gltf.bounds"
local document = require "orch.gltf.document"
local uri = require "orch.gltf.uri"

local is_array, is_object = document.is_array, document.is_object

local summary = {}

local NONE = {}

local function list(raw, name)
  local value = raw[name]
  return is_array(value) and value or NONE
end

local function object(value)
  return is_object(value) and value or NONE
end

local function text(value)
  return type(value) == "string" and value or nil
end

--- The object that an index means, or an empty one.
local function at(items, index)
  return math.type(index) and object(items[index + 1]) or NONE
end

local function count_of(accessor)
  local count = math.tointeger(accessor.count)
  return count and count > 0 and count or 0
end

--- Triangles of `count` vertices or indices, by the mode of the primitive.
local function triangles_of(mode, count)
  if mode == nil or mode == 4 then return count // 3 end
  if mode == 5 or mode == 6 then return math.max(0, count - 2) end
  return 0
end

local function any_of(attributes)
  local first
  for name in next, attributes do
    if type(name) == "string" and (not first or name < first) then first = name end
  end
  return attributes[first or ""]
end

local function count_primitive(found, accessors, primitive)
  local attributes = object(primitive.attributes)
  local vertices = count_of(at(accessors, attributes.POSITION or any_of(attributes)))
  local indices = at(accessors, primitive.indices)
  local corners = indices == NONE and vertices or count_of(indices)
  local triangles = triangles_of(primitive.mode, corners)
  found.vertices, found.triangles = found.vertices + vertices, found.triangles + triangles
  found.primitives = found.primitives + 1
  if triangles == 0 then return end
  found.uv = found.uv ~= false and attributes.TEXCOORD_0 ~= nil
  found.normals = found.normals ~= false and attributes.NORMAL ~= nil
end

local function count_meshes(raw, found)
  local accessors = list(raw, "accessors")
  for _, mesh in ipairs(list(raw, "meshes")) do
    for _, primitive in ipairs(list(object(mesh), "primitives")) do
      count_primitive(found, accessors, object(primitive))
    end
  end
end

--- The files of buffers or images; what stands in the document itself is none.
local function files(items, references)
  local paths, seen = {}, {}
  for _, item in ipairs(items) do
    local name = text(object(item).uri)
    if name and not name:find "^[dD][aA][tT][aA]:" then
      local path = uri.path(name)
      if not seen[path] then
        paths[#paths + 1], references[#references + 1], seen[path] = path, path, true
      end
    end
  end
  return paths
end

local function image_name(raw, index)
  local image = at(list(raw, "images"), index)
  local name = text(image.uri)
  if name and not name:find "^[dD][aA][tT][aA]:" then return uri.path(name) end
  return text(image.name) or ("image %d"):format(index)
end

--- Where in a material textures are named: { index = 0, ... } under "...Texture".
local function textures_of(raw, material, found, depth)
  for slot, value in pairs(material) do
    if is_object(value) and type(slot) == "string" then
      local texture = slot:find "Texture$" and at(list(raw, "textures"), value.index)
      local source = texture and texture.source
      for _, extension in pairs(texture and object(texture.extensions) or NONE) do
        source = source or object(extension).source
      end
      if math.tointeger(source) then
        found[slot:gsub("Texture$", "")] = image_name(raw, math.tointeger(source))
      elseif not texture and depth < 3 then
        textures_of(raw, value, found, depth + 1)
      end
    end
  end
  return found
end

local function materials_of(raw)
  local result = {}
  for i, material in ipairs(list(raw, "materials")) do
    material = object(material)
    result[i] = { name = text(material.name), textures = textures_of(raw, material, {}, 0) }
  end
  return result
end

local function count_bones(raw)
  local seen, count = {}, 0
  for _, skin in ipairs(list(raw, "skins")) do
    for _, joint in ipairs(list(object(skin), "joints")) do
      if not seen[joint] then seen[joint], count = true, count + 1 end
    end
  end
  return count
end

local function texts_of(items)
  local result = {}
  for _, item in ipairs(items) do result[#result + 1] = text(item) end
  return result
end

---@param raw table the document
---@return table info the fields of a model
function summary.of(raw)
  local asset = object(raw.asset)
  local lights = object(object(raw.extensions).KHR_lights_punctual)
  local info = {
    version = text(asset.version), generator = text(asset.generator),
    copyright = text(asset.copyright), units = "m", up_axis = "y",
    vertices = 0, triangles = 0, primitives = 0, meshes = #list(raw, "meshes"),
    nodes = #list(raw, "nodes"), images = #list(raw, "images"),
    animations = #list(raw, "animations"), skins = #list(raw, "skins"),
    cameras = #list(raw, "cameras"), lights = #list(lights, "lights"),
    bones = count_bones(raw), extensions = texts_of(list(raw, "extensionsUsed")),
    references = {}, materials = materials_of(raw),
  }
  count_meshes(raw, info)
  info.buffers = files(list(raw, "buffers"), info.references)
  info.textures = files(list(raw, "images"), info.references)
  info.bounds = bounds.of(raw)
  return info
end

---The document of a file; raises kind `format`.
---@param source orch.asset.Source
---@param json string
---@return table info
function summary.read(source, json)
  local ok, raw = document.decode(json)
  if not ok then source:fail("its JSON is none: %s", raw) end
  if not is_object(raw) or not is_object(raw.asset) then
    source:fail "its JSON has no 'asset', which each glTF 2 has"
  end
  if type(raw.asset.version) ~= "string" then
    source:fail "its 'asset' does not say a version"
  end
  return summary.of(raw)
end

return summary
