--- The references of nodes, skins and scenes, and what holds for the trees of nodes: no loops,
--- skinned meshes beside their joints, nothing that is never used.

local format = require "orch.gltf.format"
local null = require("orch.core.json").null

local link_node = {}

local function every(list, test)
  for _, one in ipairs(list) do
    if not test(one) then return false end
  end
  return true
end

local function link_mesh(report, node, mesh)
  local primitives = mesh.primitives
  if not primitives then return end
  local targets = primitives[1].targets
  if node.weights and (not targets or #targets ~= #node.weights) then
    report:add("NODE_WEIGHTS_INVALID", "weights", #node.weights, targets and #targets or 0)
  end
  if not node.weights and mesh.weights then mesh.weights_used = true end
  local rigid = every(primitives, function(one) return one.joints == 0 end)
  if node.bound and rigid then report:add "NODE_SKIN_WITH_NON_SKINNED_MESH" end
  if not node.bound and not rigid then report:add "NODE_SKINNED_MESH_WITHOUT_SKIN" end
end

--- The nodes of a list that are there.
local function resolve(report, gltf, indices, name, each)
  if not indices then return end
  report:push(name)
  for i, at in ipairs(indices) do
    local node = at >= 0 and gltf:find(report, "nodes", at, i - 1)
    if node then each(node, at, i - 1) end
  end
  report:pop()
end

function link_node.link(report, gltf, node)
  node.sees = gltf:find(report, "cameras", node.camera, "camera")
  node.bound = gltf:find(report, "skins", node.skin, "skin")
  node.shows = gltf:find(report, "meshes", node.mesh, "mesh")
  if node.shows then link_mesh(report, node, node.shows) end
  node.below = {}
  resolve(report, gltf, node.children, "children", function(child, at, i)
    if child.parent then report:add("NODE_PARENT_OVERRIDE", i, at) end
    child.parent = node
    node.below[#node.below + 1] = child
  end)
end

--- Steps up; a document where this is not enough is made to be slow.
local MOST = 1000000

--- The ancestors, themselves included, that all joints have in common; nearest first. A walk
--- ends where one before it was: what is above is known.
local function common_roots(joints)
  local common, walked, steps = {}, {}, 0
  for _, joint in ipairs(joints) do
    local node, line = joint, {}
    while node and not common[node] and not walked[node] and steps < MOST do
      walked[node], steps = true, steps + 1
      line[#line + 1] = node
      node = node.parent
    end
    if steps >= MOST then return line end
    if #common == 0 then -- as the Khronos validator does: begin anew
      for i, one in ipairs(line) do common[i], common[one] = one, i end
    elseif not node then
      common, walked = {}, {}
    elseif common[node] then
      local kept = {}
      for i = common[node], #common do
        kept[#kept + 1], kept[common[i]] = common[i], #kept + 1
      end
      common = kept
    end
  end
  return common
end

local function link_bind_matrices(report, gltf, skin)
  local matrices = gltf:find(report, "accessors", skin.inverseBindMatrices,
    "inverseBindMatrices")
  if not matrices then return end
  report:push "inverseBindMatrices"
  local here, last = report:here(), "inverseBindMatrices"
  report:pop()
  gltf.use_accessor(report, matrices, "inverse bind matrices", last)
  if matrices.view then
    gltf.use_view(report, matrices.view, "inverse bind matrices", last)
  end
  report:go(here)
  if matrices.view and matrices.view.byteStride then
    report:add "SKIN_IBM_ACCESSOR_WITH_BYTESTRIDE"
  end
  local own = format.of(matrices)
  if format.bind_matrix[own] then
    matrices.checks = matrices.checks or {}
    table.insert(matrices.checks, { kind = "bind_matrices", path = report:pointer() })
  else
    report:add("SKIN_IBM_INVALID_FORMAT", nil, own, format.bind_matrix)
  end
  if skin.joints and (matrices.count or -1) < #skin.joints then
    report:add("INVALID_IBM_ACCESSOR_COUNT", nil, #skin.joints, matrices.count or -1)
  end
  report:pop()
end

function link_node.link_skin(report, gltf, skin)
  local joints = {}
  resolve(report, gltf, skin.joints, "joints", function(node)
    node.is_joint = true
    joints[#joints + 1] = node
  end)
  skin.roots = common_roots(joints)
  if skin.joints and #skin.roots == 0 then report:add("SKIN_NO_COMMON_ROOT", "joints") end
  link_bind_matrices(report, gltf, skin)
  if not skin.skeleton then return end
  local skeleton = gltf.nodes and gltf.nodes[skin.skeleton + 1]
  if not skeleton then
    report:add("UNRESOLVED_REFERENCE", "skeleton", skin.skeleton)
  elseif not skin.roots[skeleton] then
    report:add("SKIN_SKELETON_INVALID", "skeleton")
  end
end

--- All below a node belong to its scene; a loop ends where it was already.
local function mark(scene, top)
  local open = { top }
  while #open > 0 do
    local node = table.remove(open)
    node.scenes = node.scenes or {}
    if not node.scenes[scene] then
      node.scenes[scene] = true
      table.move(node.below, 1, #node.below, #open + 1, open)
    end
  end
end

function link_node.link_scene(report, gltf, scene)
  resolve(report, gltf, scene.nodes, "nodes", function(node, at, i)
    if node.parent then report:add("SCENE_NON_ROOT_NODE", i, at) end
    mark(scene, node)
  end)
end

local function check_skinned(report, node, i)
  if node.moves then report:add("NODE_SKINNED_MESH_LOCAL_TRANSFORMS", i) end
  if node.parent then report:add("NODE_SKINNED_MESH_NON_ROOT", i) end
  local top
  for _, root in ipairs(node.bound.roots or {}) do
    if not root.parent then top = root end
  end
  if not top then return end
  for scene in pairs(node.scenes or {}) do
    if not (top.scenes and top.scenes[scene]) then
      return report:add("NODE_SKIN_NO_SCENE", i)
    end
  end
end

--- Which nodes are in a loop: each is walked up once.
local function find_loops(nodes)
  local state, looped = {}, {}
  for _, first in ipairs(nodes) do
    local line, node = {}, first
    while node and not state[node] do
      state[node] = first
      line[#line + 1] = node
      node = node.parent
    end
    if node and state[node] == first then
      for i = #line, 1, -1 do
        looped[line[i]] = true
        if line[i] == node then break end
      end
    end
  end
  return looped
end

--- The collections whose objects should be used, in the order of their names.
local usable = { "accessors", "buffers", "bufferViews", "cameras", "images", "materials",
  "meshes", "nodes", "samplers", "skins", "textures" }

local usable_extensions = { { "KHR_lights_punctual", "lights" },
  { "KHR_materials_variants", "variants" } }

local function check_used(report, gltf)
  for _, name in ipairs(usable) do
    report:push(name)
    for i, object in ipairs(gltf[name] or {}) do
      if object and not object.used then report:add("UNUSED_OBJECT", i - 1) end
    end
    report:pop()
  end
  for _, entry in ipairs(usable_extensions) do
    local extension, name = entry[1], entry[2]
    local root = gltf.extensions[extension]
    for i, one in ipairs(root and root[name] or {}) do
      if not one.used then
        report:at("UNUSED_OBJECT", ("/extensions/%s/%s/%d"):format(extension, name, i - 1))
      end
    end
  end
end

--- What needs all of the document.
function link_node.check(report, gltf)
  local nodes, known = gltf.nodes or {}, {}
  for _, node in ipairs(nodes) do known[#known + 1] = node or nil end
  local looped = find_loops(known)
  report:push "nodes"
  for i, node in ipairs(nodes) do
    if node then
      local extras = node.raw.extras
      if not (node.is_joint or node.children or node.shows or node.sees)
        and (extras == nil or extras == null) and next(node.extensions) == nil then
        report:add("NODE_EMPTY", i - 1)
      end
      if looped[node] then report:add("NODE_LOOP", i - 1) end
      if node.bound then check_skinned(report, node, i - 1) end
    end
  end
  report:pop()
  check_used(report, gltf)
  report:push "meshes"
  for i, mesh in ipairs(gltf.meshes or {}) do
    if mesh and mesh.weights and mesh.used and not mesh.weights_used then
      report:push(i - 1)
      report:add("UNUSED_MESH_WEIGHTS", "weights")
      report:pop()
    end
  end
  report:pop()
end

return link_node
