--- The extensions of materials: their properties, and which of them need each other.

local material = require "orch.gltf.material"
local schema = require "orch.gltf.schema"
local value = require "orch.gltf.value"

local shape, number, numbers = schema.shape, value.number, value.numbers
local texture, normal_texture = material.texture, material.normal_texture

local function colour() return numbers { length = 3, min = 0, max = 1 } end
local function share() return number { min = 0, max = 1 } end

--- What is said of a material's extension once all of them are known.
local function of(fields, link, alone)
  fields.link, fields.alone = link, alone
  return { material = shape(fields) }
end

local function same_coordinates(info_name, code)
  return function(report, _, entry)
    local own, normal = entry.extension[info_name], entry.object.normalTexture
    if own and normal and own.texCoord ~= normal.texCoord then report:add(code, info_name) end
  end
end

local anisotropy_coordinates = same_coordinates("anisotropyTexture",
  "KHR_MATERIALS_ANISOTROPY_ANISOTROPY_TEXTURE_TEXCOORD")

local function link_anisotropy(report, gltf, entry)
  if entry.extension.anisotropyTexture then entry.object.needs_tangent = true end
  anisotropy_coordinates(report, gltf, entry)
end

local clearcoat_coordinates = same_coordinates("clearcoatNormalTexture",
  "KHR_MATERIALS_CLEARCOAT_CLEARCOAT_NORMAL_TEXTURE_TEXCOORD")

local function link_clearcoat(report, gltf, entry)
  if entry.extension.clearcoatNormalTexture then entry.object.needs_tangent = true end
  clearcoat_coordinates(report, gltf, entry)
end

local function link_dispersion(report, _, entry)
  if not entry.object.extensions.KHR_materials_volume then
    report:add "KHR_MATERIALS_DISPERSION_NO_VOLUME"
  end
end

local function link_emissive_strength(report, _, entry)
  local strength = entry.extension.emissiveStrength
  if not strength or strength == 1 then return end
  local factor = entry.object.emissiveFactor
  if factor and factor[1] == 0 and factor[2] == 0 and factor[3] == 0 then
    report:add "KHR_MATERIALS_EMISSIVE_STRENGTH_ZERO_FACTOR"
  end
end

local function iridescence_rules(report, self, raw)
  local has_texture = self.iridescenceThicknessTexture ~= nil
  if raw.iridescenceThicknessMinimum ~= nil and self.iridescenceThicknessMinimum
    and not has_texture then
    report:add("KHR_MATERIALS_IRIDESCENCE_THICKNESS_RANGE_WITHOUT_TEXTURE",
      "iridescenceThicknessMinimum")
  end
  if has_texture and self.iridescenceThicknessMinimum == self.iridescenceThicknessMaximum then
    report:add("KHR_MATERIALS_IRIDESCENCE_THICKNESS_TEXTURE_UNUSED",
      "iridescenceThicknessTexture")
  end
end

--- An extension that nobody knows may let light through.
local function lets_light_through(extensions)
  if extensions.KHR_materials_transmission then return true end
  for _, extension in pairs(extensions) do
    if extension.unknown then return true end
  end
  return false
end

local function link_volume(report, _, entry)
  if not lets_light_through(entry.object.extensions) then
    report:add "KHR_MATERIALS_VOLUME_NO_TRANSMISSION"
  end
  local thickness = entry.extension.thicknessFactor
  if entry.object.doubleSided and thickness and thickness > 0 then
    report:add "KHR_MATERIALS_VOLUME_DOUBLE_SIDED"
  end
end

return {
  KHR_materials_anisotropy = of({
    kind = "anisotropy",
    { "anisotropyStrength", share() },
    { "anisotropyRotation", number() },
    { "anisotropyTexture", texture() },
  }, link_anisotropy),
  KHR_materials_clearcoat = of({
    kind = "clearcoat",
    { "clearcoatFactor", share() },
    { "clearcoatTexture", texture() },
    { "clearcoatRoughnessFactor", share() },
    { "clearcoatRoughnessTexture", texture() },
    { "clearcoatNormalTexture", normal_texture() },
  }, link_clearcoat),
  KHR_materials_dispersion = of({
    kind = "dispersion", { "dispersion", number { min = 0 } },
  }, link_dispersion),
  KHR_materials_emissive_strength = of({
    kind = "emissive_strength", { "emissiveStrength", number { min = 0, default = 1 } },
  }, link_emissive_strength),
  KHR_materials_ior = of { kind = "ior", { "ior", number { also = 0, min = 1 } } },
  KHR_materials_iridescence = of {
    kind = "iridescence",
    { "iridescenceFactor", share() },
    { "iridescenceTexture", texture() },
    { "iridescenceIor", number { min = 1 } },
    { "iridescenceThicknessMinimum", number { min = 0, default = 100 } },
    { "iridescenceThicknessMaximum", number { min = 0, default = 400 } },
    { "iridescenceThicknessTexture", texture() },
    after = iridescence_rules,
  },
  KHR_materials_pbrSpecularGlossiness = of({
    kind = "specular_glossiness",
    { "diffuseFactor", numbers { length = 4, min = 0, max = 1 } },
    { "diffuseTexture", texture() },
    { "specularFactor", colour() },
    { "glossinessFactor", share() },
    { "specularGlossinessTexture", texture() },
  }, nil, true),
  KHR_materials_sheen = of {
    kind = "sheen",
    { "sheenColorFactor", colour() },
    { "sheenColorTexture", texture() },
    { "sheenRoughnessFactor", share() },
    { "sheenRoughnessTexture", texture() },
  },
  KHR_materials_specular = of {
    kind = "specular",
    { "specularFactor", share() },
    { "specularTexture", texture() },
    { "specularColorFactor", numbers { length = 3, min = 0 } },
    { "specularColorTexture", texture() },
  },
  KHR_materials_transmission = of {
    kind = "transmission",
    { "transmissionFactor", share() },
    { "transmissionTexture", texture() },
  },
  KHR_materials_unlit = of({ kind = "unlit" }, nil, true),
  KHR_materials_volume = of({
    kind = "volume",
    { "thicknessFactor", number { min = 0, default = 0 } },
    { "thicknessTexture", texture() },
    { "attenuationDistance", number { above = 0 } },
    { "attenuationColor", colour() },
  }, link_volume),
}
