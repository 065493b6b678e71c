--- The box around a model: the boxes of its meshes, which accessors declare, where the nodes
--- put them. Without a scene, all that is no node's child counts.

local document = require "orch.gltf.document"

local is_array, is_object = document.is_array, document.is_object

local bounds = {}

local function numbers(value, n)
  if not is_array(value) or #value ~= n then return nil end
  for i = 1, n do
    local x = value[i]
    if type(x) ~= "number" or x ~= x or x >= document.HUGE or x <= -document.HUGE then
      return nil
    end
  end
  return value
end

--- a * b, by columns, of three rows and four columns each.
local function multiply(a, b)
  local r = {}
  for c = 0, 3 do
    for i = 1, 3 do
      local sum = c == 3 and a[9 + i] or 0
      for k = 1, 3 do sum = sum + a[(k - 1) * 3 + i] * b[c * 3 + k] end
      r[c * 3 + i] = sum
    end
  end
  return r
end

local function local_transform(node)
  local m = numbers(node.matrix, 16)
  if m then
    return { m[1], m[2], m[3], m[5], m[6], m[7], m[9], m[10], m[11], m[13], m[14], m[15] }
  end
  local t, s = numbers(node.translation, 3), numbers(node.scale, 3)
  local q = numbers(node.rotation, 4)
  if not t and not s and not q then return nil end
  t, s, q = t or { 0, 0, 0 }, s or { 1, 1, 1 }, q or { 0, 0, 0, 1 }
  local x, y, z, w = q[1], q[2], q[3], q[4]
  return {
    (1 - 2 * (y * y + z * z)) * s[1], 2 * (x * y + w * z) * s[1], 2 * (x * z - w * y) * s[1],
    2 * (x * y - w * z) * s[2], (1 - 2 * (x * x + z * z)) * s[2], 2 * (y * z + w * x) * s[2],
    2 * (x * z + w * y) * s[3], 2 * (y * z - w * x) * s[3], (1 - 2 * (x * x + y * y)) * s[3],
    t[1], t[2], t[3],
  }
end

local function grow(box, x, y, z)
  box.min = box.min or { x, y, z }
  box.max = box.max or { x, y, z }
  for i, v in ipairs { x, y, z } do
    box.min[i], box.max[i] = math.min(box.min[i], v), math.max(box.max[i], v)
  end
end

--- The eight corners of a mesh's box, moved.
local function add(box, m, own)
  for corner = 0, 7 do
    local x = (corner & 1 == 0 and own.min or own.max)[1]
    local y = (corner & 2 == 0 and own.min or own.max)[2]
    local z = (corner & 4 == 0 and own.min or own.max)[3]
    if m then
      x, y, z = m[1] * x + m[4] * y + m[7] * z + m[10], m[2] * x + m[5] * y + m[8] * z + m[11],
        m[3] * x + m[6] * y + m[9] * z + m[12]
    end
    grow(box, x, y, z)
  end
end

local function get(raw, name, index)
  local items = raw[name]
  local item = is_array(items) and math.type(index) and items[index + 1]
  return is_object(item) and item or nil
end

--- The box that the positions of a mesh declare.
local function box_of(raw, mesh)
  local box = {}
  for _, primitive in ipairs(is_array(mesh.primitives) and mesh.primitives or {}) do
    local attributes = is_object(primitive) and primitive.attributes
    local accessor = is_object(attributes) and get(raw, "accessors", attributes.POSITION)
    local min, max = numbers(accessor and accessor.min, 3), numbers(accessor and accessor.max, 3)
    if min and max then
      grow(box, min[1], min[2], min[3])
      grow(box, max[1], max[2], max[3])
    end
  end
  return box.min and box or nil
end

--- The nodes that have no parent, or those of the scene.
local function top_nodes(raw)
  local scene = get(raw, "scenes", raw.scene or 0)
  if scene then return is_array(scene.nodes) and scene.nodes or {} end
  local nodes, child, top = is_array(raw.nodes) and raw.nodes or {}, {}, {}
  for _, node in ipairs(nodes) do
    local children = is_object(node) and is_array(node.children) and node.children or {}
    for _, index in ipairs(children) do child[index] = true end
  end
  for i = 0, #nodes - 1 do
    if not child[i] then top[#top + 1] = i end
  end
  return top
end

---@param raw table the document
---@return {min: number[], max: number[]}? box nil: nothing says where anything is, or a node
---  is in two places
function bounds.of(raw)
  local box, boxes, open, looked = {}, {}, {}, 0
  local most = is_array(raw.nodes) and #raw.nodes or 0
  for _, index in ipairs(top_nodes(raw)) do open[#open + 1] = { index } end
  while #open > 0 and looked <= most do
    local entry = table.remove(open)
    local node, above = get(raw, "nodes", entry[1]), entry[2]
    looked = looked + 1
    if node then
      local own = local_transform(node)
      local here = own and above and multiply(above, own) or own or above
      local mesh = get(raw, "meshes", node.mesh)
      if mesh then
        if boxes[mesh] == nil then boxes[mesh] = box_of(raw, mesh) or false end
        if boxes[mesh] then add(box, here, boxes[mesh]) end
      end
      for _, index in ipairs(is_array(node.children) and node.children or {}) do
        if #open <= most then open[#open + 1] = { index, here } end
      end
    end
  end
  return looked <= most and box.min and box or nil
end

return bounds
