--- The meshes of an FBX file: what their arrays of numbers amount to. In version 7 a mesh is a
--- node Geometry, in version 6 it is within its Model.
---
---     mesh.open(scene, object)        -- then the arrays of mesh.children, then mesh.close(scene)

local HUGE = math.huge

local mesh = {}

---What all meshes of a file come to.
---@return table
function mesh.totals()
  return { vertices = 0, triangles = 0, primitives = 0, meshes = 0, without_uv = 0,
    without_normals = 0, non_finite = 0, boxes = {} }
end

--- How many of the numbers are not finite. The sum of what x - x gives tells whether any is.
local function bad(list, n)
  local sum = 0.0
  for i = 1, n do
    local x = list[i]
    sum = sum + (x - x)
  end
  if sum == 0 then return 0 end
  local count = 0
  for i = 1, n do
    if list[i] - list[i] ~= 0 then count = count + 1 end
  end
  return count
end

local function finite(flag)
  return function(scene)
    local current, total = scene.mesh, scene.total
    return function(list, n)
      current[flag] = true
      total.non_finite = total.non_finite + bad(list, n)
    end
  end
end

--- The same with a NaN for what is infinite: it is neither less nor more than anything.
local function without_bad(list, n)
  local copy = {}
  for i = 1, n do copy[i] = list[i] - list[i] == 0 and list[i] or 0 / 0 end
  return copy
end

--- Batches begin with any of x, y and z.
local function positions(scene)
  local current, total, axis = scene.mesh, scene.total, 0
  local low, high = current.low, current.high
  return function(list, n)
    current.numbers = current.numbers + n
    local wrong = bad(list, n)
    if wrong > 0 then list = without_bad(list, n) end
    total.non_finite = total.non_finite + wrong
    for offset = 1, math.min(3, n) do
      local least, most = HUGE, -HUGE
      for i = offset, n, 3 do
        local x = list[i]
        if x < least then least = x end
        if x > most then most = x end
      end
      local which = (axis + offset - 1) % 3 + 1
      if least < low[which] then low[which] = least end
      if most > high[which] then high[which] = most end
    end
    axis = axis + n
  end
end

--- The last corner of a polygon is written as its complement. A polygon of n corners is
--- n - 2 triangles, of one or two none.
local function corners(scene)
  local current = scene.mesh
  local open, triangles, highest = 0, 0, -1
  return function(list, n)
    for i = 1, n do
      local index = list[i]
      open = open + 1
      if index < 0 then
        index = -1 - index
        if open > 2 then triangles = triangles + open - 2 end
        open = 0
      end
      if index > highest then highest = index end
    end
    current.triangles, current.highest = triangles, highest
  end
end

--- Each material that the polygons of a mesh use is drawn by itself.
local function material_indices(scene)
  local current, seen = scene.mesh, {}
  return function(list, n)
    for i = 1, n do
      local index = list[i]
      if index == index and not seen[index] then
        seen[index], current.parts = true, current.parts + 1
      end
    end
  end
end

--- `glance`: all that counts is whether a number is not finite, and that there are numbers.
mesh.children = {
  Vertices = { array = positions },
  PolygonVertexIndex = { array = corners },
  LayerElementUV = { children = { UV = { array = finite "uv", glance = true } } },
  LayerElementNormal = { children = { Normals = { array = finite "normals", glance = true } } },
  LayerElementMaterial = { children = { Materials = { array = material_indices } } },
}

---Begins a mesh.
---@param scene table of `fbx.scene`
---@param object table with its `name`
function mesh.open(scene, object)
  scene.mesh = { object = object, numbers = 0, triangles = 0, highest = -1, parts = 0,
    low = { HUGE, HUGE, HUGE }, high = { -HUGE, -HUGE, -HUGE } }
end

---Adds what was read of the mesh to the totals of the file.
---@param scene table
function mesh.close(scene)
  local one, total = scene.mesh, scene.total
  if one.numbers == 0 and one.highest < 0 then return end
  local vertices = one.numbers // 3
  if one.highest >= vertices then
    scene.file:fail("a polygon of the mesh '%s' has the vertex %.0f, and the mesh has %d",
      one.object.name, one.highest, vertices)
  end
  if one.low[1] <= one.high[1] and one.low[2] <= one.high[2] and one.low[3] <= one.high[3] then
    total.boxes[#total.boxes + 1] = one
  end
  total.meshes, total.vertices = total.meshes + 1, total.vertices + vertices
  if one.triangles == 0 then return end
  total.triangles = total.triangles + one.triangles
  total.primitives = total.primitives + math.max(1, one.parts)
  if not one.uv then total.without_uv = total.without_uv + 1 end
  if not one.normals then total.without_normals = total.without_normals + 1 end
end

return mesh
