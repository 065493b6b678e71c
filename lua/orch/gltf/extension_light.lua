--- KHR_lights_punctual and KHR_materials_variants: lists at the root of the document, and
--- objects elsewhere that name one of them.

local schema = require "orch.gltf.schema"
local value = require "orch.gltf.value"

local shape, index, number = schema.shape, value.index, value.number

local spot = value.object(shape {
  kind = "light_spot",
  { "innerConeAngle", number { min = 0, below = math.pi / 2, default = 0 } },
  { "outerConeAngle", number { above = 0, max = math.pi / 2, default = math.pi / 4 } },
  after = function(report, self)
    local inner, outer = self.innerConeAngle, self.outerConeAngle
    if inner and outer and outer <= inner then
      report:add("KHR_LIGHTS_PUNCTUAL_LIGHT_SPOT_ANGLES", "outerConeAngle", inner, outer)
    end
  end,
}, { required = true })

local light = shape {
  kind = "light",
  { "color", value.numbers { length = 3, min = 0, max = 1 } },
  { "intensity", number { min = 0 } },
  { "range", number { above = 0 } },
  { "type", value.text { required = true, list = { "directional", "point", "spot" } } },
  { "name", value.text() },
  after = function(report, self, raw)
    if self.type == "spot" then
      schema.property(report, self, raw, "spot", spot)
    elseif raw.spot ~= nil then
      report:add("EXTRA_PROPERTY", "spot")
    end
    if self.type == "directional" and self.range then report:add("EXTRA_PROPERTY", "range") end
  end,
}
light.known.spot = true

--- The list at the root that an index means, or what to say without one.
local function list_of(report, gltf, name, list)
  local root = gltf.extensions[name]
  if root and not root.raw then root = nil end
  if not root then
    return nil, report:add("UNSATISFIED_DEPENDENCY", nil, "/extensions/" .. name)
  end
  return root[list] or {}
end

local function link_light(report, gltf, entry)
  local lights = list_of(report, gltf, "KHR_lights_punctual", "lights")
  local at = entry.extension.light
  if not lights or not at then return end
  if lights[at + 1] then
    lights[at + 1].used = true
  else
    report:add("UNRESOLVED_REFERENCE", "light", at)
  end
end

local node_light = shape { kind = "node_light", { "light", index { required = true } } }
node_light.link = link_light

local function link_variants(report, gltf, mapping, seen)
  local variants = list_of(report, gltf, "KHR_materials_variants", "variants")
  report:push "variants"
  for i, at in ipairs(variants and mapping.variants or {}) do
    local variant = variants[at + 1]
    if seen[at] then report:add("KHR_MATERIALS_VARIANTS_NON_UNIQUE_VARIANT", i - 1) end
    seen[at] = at >= 0
    if variant then
      variant.used = true
    elseif at >= 0 then
      report:add("UNRESOLVED_REFERENCE", i - 1, at)
    end
  end
  report:pop()
  return variants
end

local function link_mappings(report, gltf, entry)
  local seen = {}
  report:push "mappings"
  for i, mapping in ipairs(entry.extension.mappings or {}) do
    report:push(i - 1)
    if link_variants(report, gltf, mapping, seen) then
      gltf:find(report, "materials", mapping.material, "material")
    end
    report:pop()
  end
  report:pop()
end

local mappings = shape {
  kind = "variant_mappings",
  { "mappings", value.objects(shape {
    kind = "variant_mapping",
    { "variants", value.indices { required = true } },
    { "material", index { required = true } },
    { "name", value.text() },
  }) },
}
mappings.link = link_mappings

return {
  KHR_lights_punctual = {
    root = shape { kind = "lights", { "lights", value.objects(light) } }, node = node_light,
  },
  KHR_materials_variants = {
    root = shape { kind = "variants", { "variants", value.objects(shape {
      kind = "variant", { "name", value.text { required = true } },
    }) } },
    mesh_primitive = mappings,
  },
}
