--- Where the nodes of an FBX scene put their meshes: the box round all of them, in the units
--- and axes of the file. A mesh is its own box for that, so a turned one may seem larger.
---
---     local bounds = transform.bounds(boxes)      -- {{ object =, low = {...}, high = {...} }}

local cos, rad, sin = math.cos, math.rad, math.sin
local HUGE = math.huge

local transform = {}

--- No scene is deeper; parents that go in a circle end here.
local DEEPEST = 1000

---Properties of a node that move it.
transform.names = {}
for name in ("Lcl Translation|Lcl Rotation|Lcl Scaling|PreRotation|PostRotation|RotationOffset|"
  .. "RotationPivot|ScalingOffset|ScalingPivot|GeometricTranslation|GeometricRotation|"
  .. "GeometricScaling|RotationOrder"):gmatch "[^|]+" do
  transform.names[name] = true
end

--- A matrix: three rows of four.
local IDENTITY = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0 }

local function multiply(a, b)
  local m = {}
  for row = 0, 8, 4 do
    for column = 1, 4 do
      m[row + column] = a[row + 1] * b[column] + a[row + 2] * b[column + 4]
        + a[row + 3] * b[column + 8] + (column == 4 and a[row + 4] or 0)
    end
  end
  return m
end

local function moved(m, v, sign)
  if not v then return m end
  return multiply(m, { 1, 0, 0, sign * v[1], 0, 1, 0, sign * v[2], 0, 0, 1, sign * v[3] })
end

local function scaled(m, v)
  if not v then return m end
  return multiply(m, { v[1], 0, 0, 0, 0, v[2], 0, 0, 0, 0, v[3], 0 })
end

local turn = {
  function(c, s) return { 1, 0, 0, 0, 0, c, -s, 0, 0, s, c, 0 } end,
  function(c, s) return { c, 0, s, 0, 0, 1, 0, 0, -s, 0, c, 0 } end,
  function(c, s) return { c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0 } end,
}

--- The axis that is turned about first comes last in the product. By number of the order.
local orders = { [0] = { 3, 2, 1 }, { 2, 3, 1 }, { 1, 3, 2 }, { 3, 1, 2 }, { 2, 1, 3 },
  { 1, 2, 3 } }

local function turned(m, v, order)
  if not v then return m end
  for _, axis in ipairs(orders[order] or orders[0]) do
    local angle = rad(v[axis])
    m = multiply(m, turn[axis](cos(angle), sin(angle)))
  end
  return m
end

--- The turn back: the angles are negative, and their order is the other one.
local function turned_back(m, v)
  if not v then return m end
  for axis = 1, 3 do
    local angle = -rad(v[axis])
    m = multiply(m, turn[axis](cos(angle), sin(angle)))
  end
  return m
end

--- What a node does to those below it, appended to what its parents do.
local function local_matrix(m, p)
  m = moved(moved(moved(m, p["Lcl Translation"], 1), p.RotationOffset, 1), p.RotationPivot, 1)
  m = turned(m, p.PreRotation, 0)
  m = turned(m, p["Lcl Rotation"], p.RotationOrder and p.RotationOrder[1] or 0)
  m = moved(turned_back(m, p.PostRotation), p.RotationPivot, -1)
  m = moved(moved(m, p.ScalingOffset, 1), p.ScalingPivot, 1)
  return moved(scaled(m, p["Lcl Scaling"]), p.ScalingPivot, -1)
end

local function world(node, depth)
  if node.matrix then return node.matrix end
  local parent = depth < DEEPEST and node.parents and node.parents[1]
  local m = parent and world(parent, depth + 1) or IDENTITY
  node.matrix = node.properties and local_matrix(m, node.properties) or m
  return node.matrix
end

--- Takes the eight corners of a box into the bounds.
local function add(bounds, box, m)
  for corner = 0, 7 do
    local x = corner & 1 == 0 and box.low[1] or box.high[1]
    local y = corner & 2 == 0 and box.low[2] or box.high[2]
    local z = corner & 4 == 0 and box.low[3] or box.high[3]
    for axis = 1, 3 do
      local row = axis * 4 - 4
      local at = m[row + 1] * x + m[row + 2] * y + m[row + 3] * z + m[row + 4]
      if at - at == 0 then
        if at < bounds.min[axis] then bounds.min[axis] = at end
        if at > bounds.max[axis] then bounds.max[axis] = at end
      end
    end
  end
end

--- A mesh belongs to several nodes, to one, or (in version 6) is a part of its node.
local function nodes_of(object)
  if object.sort == "model" then return { object } end
  return object.parents or { {} }
end

---@param boxes {object: table, low: number[], high: number[]}[]
---@return {min: number[], max: number[]}? bounds nil when there is nothing in it
function transform.bounds(boxes)
  local bounds = { min = { HUGE, HUGE, HUGE }, max = { -HUGE, -HUGE, -HUGE } }
  for _, box in ipairs(boxes) do
    for _, node in ipairs(nodes_of(box.object)) do
      local m, p = world(node, 0), node.properties or {}
      m = moved(m, p.GeometricTranslation, 1)
      m = scaled(turned(m, p.GeometricRotation, 0), p.GeometricScaling)
      add(bounds, box, m)
    end
  end
  for axis = 1, 3 do
    if bounds.min[axis] > bounds.max[axis] then return nil end
  end
  return bounds
end

return transform
