--- Materials of glTF and the places where they name textures. Extensions use the shapes of
--- these places too.

local schema = require "orch.gltf.schema"
local value = require "orch.gltf.value"

local shape, index, integer, number = schema.shape, value.index, value.integer, value.number

local material = {}

--- Notes where a texture is named, for the links: texture, coordinates, and whose it is.
local function note(report, info)
  info.path = report:here()
  local owner = report.material
  if owner then owner.infos[#owner.infos + 1] = info end
  report.infos[#report.infos + 1] = info
end

local function texture_info(kind, extra)
  return shape {
    kind = kind,
    { "index", index { required = true } },
    { "texCoord", integer { default = 0 } },
    extra,
    before = note,
  }
end

local plain = texture_info "texture_info"
local normal = texture_info("normal_texture_info", { "scale", number { default = 1 } })
local occlusion = texture_info("occlusion_texture_info",
  { "strength", number { min = 0, max = 1, default = 1 } })

local function info_at(inner)
  return function() return value.object(inner) end
end

--- Kinds of properties.
material.texture, material.normal_texture = info_at(plain), info_at(normal)

local pbr = shape {
  kind = "pbr",
  { "baseColorFactor", value.numbers { length = 4, min = 0, max = 1 } },
  { "baseColorTexture", material.texture() },
  { "metallicFactor", number { min = 0, max = 1 } },
  { "roughnessFactor", number { min = 0, max = 1 } },
  { "metallicRoughnessTexture", material.texture() },
}

material.shape = shape {
  kind = "material",
  { "pbrMetallicRoughness", value.object(pbr) },
  { "normalTexture", material.normal_texture() },
  { "occlusionTexture", value.object(occlusion) },
  { "emissiveTexture", material.texture() },
  { "emissiveFactor", value.numbers { length = 3, min = 0, max = 1, default = { 0, 0, 0 } } },
  { "alphaMode", value.text { default = "OPAQUE", list = { "OPAQUE", "MASK", "BLEND" } } },
  { "alphaCutoff", number { min = 0 } },
  { "doubleSided", value.boolean() },
  { "name", value.text() },
  before = function(report, self)
    self.infos = {}
    report.material = self
  end,
  after = function(report, self, raw)
    if self.alphaMode ~= "MASK" and raw.alphaCutoff ~= nil then
      report:add("MATERIAL_ALPHA_CUTOFF_INVALID_MODE", "alphaCutoff")
    end
    if self.normalTexture then
      self.needs_tangent, self.gives_tangent = true, true
    end
  end,
  finally = function(report) report.material = nil end,
}

return material
