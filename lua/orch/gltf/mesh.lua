--- Meshes of glTF: names of attributes, and what the primitives of a mesh have in common.

local schema = require "orch.gltf.schema"
local value = require "orch.gltf.value"

local single = { POSITION = true, NORMAL = true, TANGENT = true }
local numbered = { COLOR = true, JOINTS = true, TEXCOORD = true, WEIGHTS = true }
local numbered_in_targets = { COLOR = true, TEXCOORD = true }

--- "TEXCOORD_1" -> "TEXCOORD", 1
local function split(name)
  local set, number = name:match "^([^_]*)_([^_]*)$"
  if set and number:find "^%d+$" and (number == "0" or number:byte() ~= 48) then
    return set, tonumber(number)
  end
end

local function checked(sets)
  return function(report, name)
    if single[name] or name:byte() == 95 then return end
    local set, number = split(name)
    if not sets[set] or not number then report:add("MESH_PRIMITIVE_INVALID_ATTRIBUTE", name) end
  end
end

--- How many sets of each there are; 0 where their numbers have gaps.
local function count_sets(report, names)
  local counts, last = {}, {}
  for _, name in ipairs(names) do
    local set, number = split(name)
    if numbered[set] and number then
      counts[set] = (counts[set] or 0) + 1
      last[set] = math.max(last[set] or 0, number)
    end
  end
  for _, set in ipairs { "COLOR", "JOINTS", "WEIGHTS", "TEXCOORD" } do
    if counts[set] and last[set] + 1 ~= counts[set] then
      report:add("MESH_PRIMITIVE_INDEXED_SEMANTIC_CONTINUITY", nil, set, last[set] + 1,
        counts[set])
      counts[set] = 0
    end
  end
  return counts
end

local function check_attributes(report, primitive)
  local attributes = primitive.attributes
  primitive.texcoords, primitive.joints = 0, 0
  if not attributes then return end
  local map = attributes.map
  report:push "attributes"
  if not map.POSITION then report:add "MESH_PRIMITIVE_NO_POSITION" end
  if map.TANGENT and not map.NORMAL then
    report:add("MESH_PRIMITIVE_TANGENT_WITHOUT_NORMAL", "TANGENT")
  end
  local counts = count_sets(report, attributes.names)
  local joints, weights = counts.JOINTS or 0, counts.WEIGHTS or 0
  if joints ~= weights then
    report:add("MESH_PRIMITIVE_JOINTS_WEIGHTS_MISMATCH", nil, joints, weights)
    joints = 0
  end
  primitive.texcoords, primitive.joints = counts.TEXCOORD or 0, joints
  report:pop()
end

local primitive = schema.shape {
  kind = "mesh_primitive",
  { "mode", value.integer { min = 0, max = 6, default = 4 } },
  { "attributes", value.attributes { required = true, each = checked(numbered) } },
  { "targets", value.targets { each = checked(numbered_in_targets) } },
  { "indices", value.index() },
  { "material", value.index() },
  after = check_attributes,
}

local function targets_of(one)
  return one.targets and #one.targets or 0
end

local function check_targets(report, self)
  local list = self.primitives
  if not list then return end
  local count = targets_of(list[1])
  for i = 2, #list do
    local own = targets_of(list[i])
    if own ~= count then
      report:push "primitives"
      report:push(i - 1)
      report:add("MESH_PRIMITIVES_UNEQUAL_TARGETS_COUNT", own > 0 and "targets" or nil)
      report:pop()
      report:pop()
    end
  end
  if self.weights and #self.weights ~= count then
    report:add("MESH_INVALID_WEIGHTS_COUNT", "weights", #self.weights, count)
  end
end

local mesh = {}

mesh.shape = schema.shape {
  kind = "mesh",
  { "weights", value.numbers() },
  { "primitives", value.objects(primitive) },
  { "name", value.text() },
  after = check_targets,
}

return mesh
