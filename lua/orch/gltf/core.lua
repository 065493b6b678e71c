--- The objects of glTF 2.0 itself: their properties, and what holds between them before any
--- reference is followed. Meshes and materials have modules of their own.

local format = require "orch.gltf.format"
local material = require "orch.gltf.material"
local mesh = require "orch.gltf.mesh"
local schema = require "orch.gltf.schema"
local transform = require "orch.gltf.transform"
local uri = require "orch.gltf.uri"
local value = require "orch.gltf.value"

local shape = schema.shape
local index, integer, number = value.index, value.integer, value.number
local text, numbers, object = value.text, value.numbers, value.object

local asset = shape {
  kind = "asset",
  { "copyright", text() },
  { "generator", text() },
  { "version", text { required = true, pattern = "^%d+%.%d+$", form = "2.0" } },
  { "minVersion", text { pattern = "^%d+%.%d+$", form = "2.0" } },
  after = function(report, object_, _)
    if not object_.version then return end
    local major, minor = object_.version:match "^(%d+)%.(%d+)$"
    object_.major, object_.minor = tonumber(major), tonumber(minor)
    if not object_.minVersion then return end
    local needs, also = object_.minVersion:match "^(%d+)%.(%d+)$"
    needs, also = tonumber(needs), tonumber(also)
    if needs > object_.major or (needs == object_.major and also > object_.minor) then
      report:add("ASSET_MIN_VERSION_GREATER_THAN_VERSION", "minVersion", object_.minVersion,
        object_.version)
    end
  end,
}

--- min and max of an accessor are of its component type.
local function bound()
  local floats = {}
  return {
    check = function(report, name, raw, _, accessor)
      local length, component = format.lengths[accessor.type], accessor.component
      if not length or not component then return nil end
      if component.code ~= "f" then
        return value.whole_numbers(report, name, raw, length, component)
      end
      floats[length] = floats[length] or numbers { length = length }
      return floats[length].check(report, name, raw, floats[length].opts)
    end,
  }
end

local offset = integer()
local component_type = integer { required = true, list = format.component_types }

local sparse = shape {
  kind = "accessor_sparse",
  { "count", integer { required = true, min = 1 } },
  { "indices", object(shape {
    kind = "accessor_sparse_indices",
    { "bufferView", index { required = true } },
    { "byteOffset", integer { default = 0 } },
    { "componentType", integer { required = true, list = format.index_types } },
    after = function(_, self) self.component = format.components[self.componentType] end,
  }, { required = true }) },
  { "values", object(shape {
    kind = "accessor_sparse_values",
    { "bufferView", index { required = true } },
    { "byteOffset", integer { default = 0 } },
  }, { required = true }) },
}

local accessor = shape {
  kind = "accessor",
  { "bufferView", index() },
  { "byteOffset", {
    default = 0,
    check = function(report, name, raw, _, self)
      if self.bufferView then return offset.check(report, name, raw, offset.opts) end
      report:add("UNSATISFIED_DEPENDENCY", name, "bufferView")
      return 0
    end,
  } },
  { "componentType", { required = true, check = function(report, name, raw, _, self)
    local type = component_type.check(report, name, raw, component_type.opts)
    self.component = format.components[type]
    return type
  end } },
  { "count", integer { required = true, min = 1 } },
  { "type", text { required = true, list = format.types } },
  { "normalized", value.boolean() },
  { "min", bound() },
  { "max", bound() },
  { "sparse", object(sparse) },
  { "name", text() },
  after = function(report, self)
    local code = self.component and self.component.code
    if self.normalized and (code == "f" or code == "I") then
      report:add("ACCESSOR_NORMALIZED_INVALID", "normalized")
    end
    if format.columns[self.type] and self.byteOffset and self.byteOffset % 4 ~= 0 then
      report:add("ACCESSOR_MATRIX_ALIGNMENT", "byteOffset")
    end
    local s = self.sparse
    if s and not (s.count and s.indices and s.values) then self.sparse = nil end
  end,
}

local paths = { "translation", "rotation", "scale", "weights" }
local paths_and_pointer = { "translation", "rotation", "scale", "weights", "pointer" }

local animation = shape {
  kind = "animation",
  { "channels", value.objects(shape {
    kind = "animation_channel",
    { "sampler", index { required = true } },
    { "target", object(shape {
      kind = "animation_channel_target",
      { "node", index() },
      { "path", text { required = true, list = function(report)
        return report.extensions.KHR_animation_pointer and paths_and_pointer or paths
      end } },
    }, { required = true }) },
  }) },
  { "samplers", value.objects(shape {
    kind = "animation_sampler",
    { "input", index { required = true } },
    { "interpolation", text { default = "LINEAR", list = { "LINEAR", "STEP", "CUBICSPLINE" } } },
    { "output", index { required = true } },
  }) },
  { "name", text() },
}

local buffer = shape {
  kind = "buffer",
  { "byteLength", integer { required = true, min = 1 } },
  { "uri", text() },
  { "name", text() },
  after = uri.buffer,
}

local buffer_view = shape {
  kind = "buffer_view",
  { "buffer", index { required = true } },
  { "byteOffset", integer { default = 0 } },
  { "byteLength", integer { required = true, min = 1 } },
  { "byteStride", integer { min = 4, max = 252 } },
  { "target", integer { list = { 34962, 34963 } } },
  { "name", text() },
  after = function(report, self)
    local stride = self.byteStride
    self.usage = self.target == 34962 and "vertices" or self.target == 34963 and "indices" or nil
    if not stride then return end
    if self.byteLength and stride > self.byteLength then
      report:add("BUFFER_VIEW_TOO_BIG_BYTE_STRIDE", "byteStride", stride, self.byteLength)
    end
    if stride % 4 ~= 0 then report:add("VALUE_MULTIPLE_OF", "byteStride", stride, 4) end
    if self.target == 34963 then report:add("BUFFER_VIEW_INVALID_BYTE_STRIDE", "byteStride") end
  end,
}

local function far_behind_near(report, self)
  if self.zfar and self.znear and self.zfar <= self.znear then
    report:add "CAMERA_ZFAR_LEQUAL_ZNEAR"
  end
end

local orthographic = object(shape {
  kind = "camera_orthographic",
  { "xmag", number { required = true } },
  { "ymag", number { required = true } },
  { "zfar", number { required = true, above = 0 } },
  { "znear", number { required = true, min = 0 } },
  after = function(report, self)
    for _, name in ipairs { "xmag", "ymag" } do
      if self[name] == 0 then report:add("CAMERA_XMAG_YMAG_ZERO", name) end
      if self[name] and self[name] < 0 then
        report:add("CAMERA_XMAG_YMAG_NEGATIVE", name)
      end
    end
    far_behind_near(report, self)
  end,
}, { required = true })

local perspective = object(shape {
  kind = "camera_perspective",
  { "aspectRatio", number { above = 0 } },
  { "yfov", number { required = true, above = 0 } },
  { "zfar", number { above = 0 } },
  { "znear", number { required = true, above = 0 } },
  after = function(report, self)
    if self.yfov and self.yfov >= math.pi then report:add "CAMERA_YFOV_GEQUAL_PI" end
    far_behind_near(report, self)
  end,
}, { required = true })

local lenses = { orthographic = orthographic, perspective = perspective }

local camera = shape {
  kind = "camera",
  { "type", text { required = true, list = { "orthographic", "perspective" } } },
  { "name", text() },
  after = function(report, self, raw)
    if raw.orthographic ~= nil and raw.perspective ~= nil then
      report:add("ONE_OF_MISMATCH", nil, { "orthographic", "perspective" })
    end
    local lens = lenses[self.type]
    if not lens then return end
    schema.property(report, self, raw, self.type, lens)
  end,
}
camera.known.orthographic, camera.known.perspective = true, true

local image = shape {
  kind = "image",
  { "bufferView", index() },
  { "mimeType", text { list = function(report) return report.image_types end } },
  { "uri", text() },
  { "name", text() },
  after = uri.image,
}

local node = shape {
  kind = "node",
  { "matrix", numbers { length = 16 } },
  { "translation", numbers { length = 3 } },
  { "rotation", numbers { length = 4, min = -1, max = 1 } },
  { "scale", numbers { length = 3 } },
  { "camera", index() },
  { "children", value.indices() },
  { "mesh", index() },
  { "skin", index() },
  { "weights", numbers() },
  { "name", text() },
  after = transform.check,
}

local wraps = { 33071, 33648, 10497 }

local root = shape {
  kind = "root", loose = true,
  { "accessors", value.collection(accessor) },
  { "animations", value.collection(animation) },
  { "buffers", value.collection(buffer) },
  { "bufferViews", value.collection(buffer_view) },
  { "cameras", value.collection(camera) },
  { "images", value.collection(image) },
  { "materials", value.collection(material.shape) },
  { "meshes", value.collection(mesh.shape) },
  { "nodes", value.collection(node) },
  { "samplers", value.collection(shape {
    kind = "sampler",
    { "magFilter", integer { list = { 9728, 9729 } } },
    { "minFilter", integer { list = { 9728, 9729, 9984, 9985, 9986, 9987 } } },
    { "wrapS", integer { list = wraps } },
    { "wrapT", integer { list = wraps } },
    { "name", text() },
  }) },
  { "scene", index() },
  { "scenes", value.collection(shape {
    kind = "scene", { "nodes", value.indices() }, { "name", text() },
  }) },
  { "skins", value.collection(shape {
    kind = "skin",
    { "inverseBindMatrices", index() },
    { "skeleton", index() },
    { "joints", value.indices { required = true } },
    { "name", text() },
  }) },
  { "textures", value.collection(shape {
    kind = "texture", { "sampler", index() }, { "source", index() }, { "name", text() },
  }) },
}
for _, name in ipairs { "asset", "extensionsUsed", "extensionsRequired" } do
  root.known[name] = true
end

return { root = root, asset = asset }
