--- The bones of a skinned mesh: each vertex names joints that its skin has, once, with weights
--- that make 1 together.

local numbers = require "orch.core.numbers"
local task = require "orch.core.task"

local influence = {}

local PIECE = 1 << 16
--- Sets of four joints that the core looks at together.
local SETS = 16

--- For each mesh the skin with the fewest joints.
local function limiting_skins(gltf)
  local index, skins = {}, {}
  for i, skin in ipairs(gltf.skins or {}) do
    if skin then index[skin] = i - 1 end
  end
  for _, node in ipairs(gltf.nodes or {}) do
    local skin = node and node.shows and node.bound
    if skin and skin.joints then
      local known = skins[node.shows]
      if not known or #skin.joints < known.joints then
        skins[node.shows] = { joints = #skin.joints, index = index[skin] }
      end
    end
  end
  return skins
end

local names = { "JOINTS", "WEIGHTS" }

--- Views of all sets; nil where one cannot be read or has another count.
local function views_of(primitive, numbers_of)
  local lists = { {}, {} }
  for set = 0, primitive.joints - 1 do
    for i, name in ipairs(names) do
      local accessor = primitive.accessors[("%s_%d"):format(name, set)]
      if not accessor or accessor.count ~= primitive.vertices then return nil end
      local view = numbers_of(accessor)
      if not view or accessor.type ~= "VEC4" then return nil end
      lists[i][set + 1] = view
    end
  end
  return lists[1], lists[2]
end

local codes = { "ACCESSOR_JOINTS_INDEX_OOB", "ACCESSOR_JOINTS_INDEX_DUPLICATE",
  "ACCESSOR_WEIGHTS_NEGATIVE", "ACCESSOR_JOINTS_USED_ZERO_WEIGHT",
  "ACCESSOR_WEIGHTS_NON_NORMALIZED" }
local of_weights = { [3] = true, [5] = true }

local function report_found(report, found, skin)
  for i = 1, #found, 5 do
    local kind, set, index, place, value = table.unpack(found, i, i + 4)
    local name = ("%s_%d"):format(of_weights[kind] and "WEIGHTS" or "JOINTS", set // 1 | 0)
    if kind == 5 then
      report:add(codes[5], name, index, index + 3, value)
    else
      report:add(codes[kind // 1 | 0], name, index, place, value, skin.joints - 1, skin.index)
    end
  end
end

local function check_primitive(report, primitive, skin, numbers_of)
  local joints, weights = views_of(primitive, numbers_of)
  if not joints then return end
  report:push "attributes"
  for first = 0, primitive.vertices - 1, PIECE do
    if first > 0 then task.checkpoint() end
    local found = numbers.influences(joints, weights, first,
      math.min(PIECE, primitive.vertices - first),
      math.max(0, report.limit - #report.issues) + 1, skin.joints - 1)
    report_found(report, found, skin)
  end
  report:pop()
end

---@async
---@param report orch.gltf.Report
---@param gltf table
---@param numbers_of fun(accessor: table): table? view
function influence.check(report, gltf, numbers_of)
  local skins = limiting_skins(gltf)
  report:push "meshes"
  for i, mesh in ipairs(gltf.meshes or {}) do
    local skin = mesh and skins[mesh]
    if skin and mesh.primitives then
      report:push(i - 1)
      report:push "primitives"
      for k, primitive in ipairs(mesh.primitives) do
        if primitive.joints > 0 and primitive.joints <= SETS and primitive.vertices then
          report:push(k - 1)
          check_primitive(report, primitive, skin, numbers_of)
          report:pop()
        end
      end
      report:pop()
      report:pop()
    end
  end
  report:pop()
end

return influence
