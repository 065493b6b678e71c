--- The references of a primitive: accessors of its attributes, indices and morph targets, and
--- its material. What is to be looked at in the numbers is noted in `accessor.checks`.

local format = require "orch.gltf.format"

local link_mesh = {}

local function plan(accessor, check)
  accessor.checks = accessor.checks or {}
  table.insert(accessor.checks, check)
end

local function plan_attribute(report, accessor, name)
  if name == "NORMAL" then
    plan(accessor, { kind = "normal", path = report:pointer(name) })
  elseif name == "TANGENT" then
    plan(accessor, { kind = "tangent", path = report:pointer(name) })
  elseif name == "COLOR_0" and accessor.component.code == "f" then
    plan(accessor, { kind = "clamped", path = report:pointer(name) })
  end
end

local function check_format(report, accessor, name, formats)
  if name == "POSITION" and not (accessor.min and accessor.max) then
    report:add("MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS", name)
  end
  local valid, own = formats[name:match "^[^_]*"], format.of(accessor)
  if valid and not valid[own] then
    report:add("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT", name, own, valid)
  end
  return valid, valid and valid[own]
end

local function check_alignment(report, accessor, name)
  local view = accessor.view
  if (accessor.byteOffset and accessor.byteOffset % 4 ~= 0)
    or ((accessor.length or 0) % 4 ~= 0 and view and not view.byteStride) then
    report:add("MESH_PRIMITIVE_ACCESSOR_UNALIGNED", name)
  end
end

--- Several accessors in one view are told apart by its byteStride only.
local function check_shared(report, accessor, name)
  local view = accessor.view
  if not view or view.byteStride then return end
  view.accessors = view.accessors or {}
  if view.accessors[accessor] then return end
  if next(view.accessors) then
    report:add("MESH_PRIMITIVE_ACCESSOR_WITHOUT_BYTESTRIDE", name)
  end
  view.accessors[accessor] = true
end

--- attributes -> their names in the order of the text
local function orders_of(report, gltf)
  local lists, next_of = require("orch.gltf.document").orders(report.text), {}
  local orders = {}
  for _, mesh in ipairs(gltf.meshes) do
    for _, primitive in ipairs(mesh and mesh.primitives or {}) do
      local attributes = primitive.attributes
      if attributes then
        local key = table.concat(attributes.names, "\0")
        next_of[key] = (next_of[key] or 0) + 1
        orders[attributes] = lists[key] and lists[key][next_of[key]]
      end
    end
  end
  return orders
end

--- Which attribute disagrees with the others depends on their order in the text; that is
--- looked for only where there is something to disagree about.
local function in_order(report, gltf, attributes)
  local names, count, views, doubt = attributes.names, nil, {}, false
  for _, name in ipairs(names) do
    local accessor = gltf.accessors and gltf.accessors[attributes.map[name] + 1]
    if accessor then
      local view = accessor.view
      if count and count ~= (accessor.count or -1) then doubt = true end
      if view and views[view] and (not view.usage or not view.byteStride) then doubt = true end
      count = count or accessor.count or -1
      if view then views[view] = accessor end
    end
  end
  if not doubt then return names end
  report.orders = report.orders or orders_of(report, gltf)
  return report.orders[attributes] or names
end

local function link_attributes(report, gltf, primitive)
  local attributes = primitive.attributes
  primitive.accessors = {}
  if not attributes then return end
  report:push "attributes"
  for _, name in ipairs(in_order(report, gltf, attributes)) do
    local at = attributes.map[name]
    local accessor = at and at >= 0 and gltf:find(report, "accessors", at, name)
    if accessor then
      primitive.accessors[name] = accessor
      gltf.use_accessor(report, accessor, "an attribute", name)
      if accessor.view then gltf.use_view(report, accessor.view, "vertices", name) end
      local valid, fits = check_format(report, accessor, name, report.attributes)
      if fits then
        plan_attribute(report, accessor, name)
      elseif not valid and accessor.componentType == format.UNSIGNED_INT then
        report:add("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT", name)
      end
      check_alignment(report, accessor, name)
      local count = accessor.count or -1
      if (primitive.vertices or -1) == -1 then
        primitive.vertices, primitive.count = count, count
      elseif primitive.vertices ~= count then
        report:add("MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT", name)
      end
      check_shared(report, accessor, name)
    end
  end
  report:pop()
end

local function link_indices(report, gltf, primitive)
  local indices = gltf:find(report, "accessors", primitive.indices, "indices")
  if not indices then return end
  primitive.count = indices.count or -1
  gltf.use_accessor(report, indices, "indices", "indices")
  if indices.view then
    gltf.use_view(report, indices.view, "indices", "indices")
    if indices.view.byteStride then
      report:add("MESH_PRIMITIVE_INDICES_ACCESSOR_WITH_BYTESTRIDE", "indices")
    end
  end
  local own = format.of(indices)
  if not format.indices[own] then
    report:add("MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT", "indices", own, format.indices)
    return
  end
  plan(indices, { kind = "indices", path = report:pointer "indices",
    last = (primitive.vertices or -1) == -1 and -1 or primitive.vertices - 1,
    triangles = primitive.count // 3, by_three = primitive.mode == 4 or not primitive.mode })
end

local modes = { [0] = "POINTS", "LINES", "LINE_LOOP", "LINE_STRIP", "TRIANGLES",
  "TRIANGLE_STRIP", "TRIANGLE_FAN" }

local function check_mode(report, primitive)
  local count, mode = primitive.count or -1, primitive.mode
  if count == -1 or not mode then return end
  if (mode == 1 and count % 2 ~= 0) or ((mode == 2 or mode == 3) and count < 2)
    or (mode == 4 and count % 3 ~= 0) or (mode >= 5 and count < 3) then
    report:add("MESH_PRIMITIVE_INCOMPATIBLE_MODE", nil, count, modes[mode])
  end
end

local function pointer_of(report, path)
  local here = report:here()
  report:go(path)
  local pointer = report:pointer()
  report:go(here)
  return pointer
end

local function check_set(report, primitive, info, set, used)
  if set and set + 1 > primitive.texcoords then
    report:add("MESH_PRIMITIVE_TOO_FEW_TEXCOORDS", "material", pointer_of(report, info.path),
      set)
  elseif set then
    used[set] = true
  end
end

local function check_material(report, primitive, material, used)
  local map = primitive.attributes and primitive.attributes.map or {}
  if material.needs_tangent and not (map.NORMAL and map.TANGENT) then
    report:add(material.gives_tangent and "MESH_PRIMITIVE_GENERATED_TANGENT_SPACE"
      or "MESH_PRIMITIVE_NO_TANGENT_SPACE", "material")
  end
  for _, info in ipairs(material.infos) do
    check_set(report, primitive, info, info.texCoord, used)
    check_set(report, primitive, info, info.other_set, used)
  end
end

local function link_material(report, gltf, primitive)
  local material = gltf:find(report, "materials", primitive.material, "material")
  local map, used = primitive.attributes and primitive.attributes.map or {}, {}
  if material then check_material(report, primitive, material, used) end
  report:push "attributes"
  if map.TANGENT and not (material and material.needs_tangent) then
    report:add("UNUSED_MESH_TANGENT", "TANGENT")
  end
  for set = 0, primitive.texcoords - 1 do
    if not used[set] then report:add("UNUSED_OBJECT", "TEXCOORD_" .. set) end
  end
  report:pop()
end

local function link_target(report, gltf, primitive, target)
  for _, name in ipairs(target.names) do
    local at = target.map[name]
    local accessor = at >= 0 and gltf:find(report, "accessors", at, name)
    if accessor then
      gltf.use_accessor(report, accessor, "an attribute", name)
      if accessor.view then gltf.use_view(report, accessor.view, "vertices", name) end
      local base = primitive.accessors[name]
      if not base then
        report:add("MESH_PRIMITIVE_MORPH_TARGET_NO_BASE_ACCESSOR", name)
      elseif base.count ~= accessor.count then
        report:add("MESH_PRIMITIVE_MORPH_TARGET_INVALID_ATTRIBUTE_COUNT", name)
      end
      check_format(report, accessor, name, report.morphs)
      check_alignment(report, accessor, name)
      check_shared(report, accessor, name)
    end
  end
end

local function link_targets(report, gltf, primitive)
  report:push "targets"
  for i, target in ipairs(primitive.targets or {}) do
    report:push(i - 1)
    link_target(report, gltf, primitive, target)
    report:pop()
  end
  report:pop()
end

function link_mesh.link(report, gltf, mesh)
  report:push "primitives"
  for i, primitive in ipairs(mesh.primitives or {}) do
    report:push(i - 1)
    link_attributes(report, gltf, primitive)
    link_indices(report, gltf, primitive)
    check_mode(report, primitive)
    link_material(report, gltf, primitive)
    link_targets(report, gltf, primitive)
    report:pop()
  end
  report:pop()
end

return link_mesh
