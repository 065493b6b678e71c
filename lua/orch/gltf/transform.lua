--- The transform of a node: matrices that are none of translation, rotation and scale, and
--- rotations that are no unit quaternions.

local transform = {}

--- What a quaternion of signed bytes may be off by.
transform.UNIT_4 = 0.00769

local identity = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 }

local function is_identity(m)
  for i = 1, 16 do
    if m[i] ~= identity[i] then return false end
  end
  return true
end

local function length(x, y, z)
  return (x * x + y * y + z * z) ^ 0.5
end

local function single(x)
  return (string.unpack("<f", string.pack("<f", x)))
end

local function determinant(m)
  return m[1] * (m[6] * m[11] - m[7] * m[10]) - m[5] * (m[2] * m[11] - m[3] * m[10])
    + m[9] * (m[2] * m[7] - m[3] * m[6])
end

--- The quaternion of a rotation, given by columns.
local function quaternion(r)
  local trace = r[1][1] + r[2][2] + r[3][3]
  if trace > 0 then
    local s = (trace + 1) ^ 0.5
    local k = 0.5 / s
    return single(s * 0.5), single((r[2][3] - r[3][2]) * k), single((r[3][1] - r[1][3]) * k),
      single((r[1][2] - r[2][1]) * k)
  end
  local i = r[1][1] < r[2][2] and (r[2][2] < r[3][3] and 3 or 2)
    or (r[1][1] < r[3][3] and 3 or 1)
  local j = i % 3 + 1
  local k = j % 3 + 1
  local s = (r[i][i] - r[j][j] - r[k][k] + 1) ^ 0.5
  local q = { [i] = single(s * 0.5) }
  s = 0.5 / s
  q[j], q[k] = single((r[i][j] + r[j][i]) * s), single((r[i][k] + r[k][i]) * s)
  return single((r[j][k] - r[k][j]) * s), q[1], q[2], q[3]
end

--- The columns of a rotation.
local function columns(w, x, y, z)
  return {
    { 1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y) },
    { 2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x) },
    { 2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y) },
  }
end

--- The greatest sum of a column.
local function norm(a, b, c, d)
  local most = d
  for _, column in ipairs { a, b, c } do
    most = math.max(most, math.abs(column[1]) + math.abs(column[2]) + math.abs(column[3]))
  end
  return most
end

--- A matrix that turns and stretches is what its rotation and its scale make; one that shears
--- is not. In floats, and by the norms of both, as the Khronos validator has it.
local function is_trs(raw)
  local m = {}
  for i = 1, 16 do m[i] = single(raw[i]) end
  if m[4] ~= 0 or m[8] ~= 0 or m[12] ~= 0 or m[16] ~= 1 then return false end
  local det = determinant(m)
  if det == 0 then return false end
  local own, rotation, scale = {}, {}, {}
  for c = 1, 3 do
    local x, y, z = m[c * 4 - 3], m[c * 4 - 2], m[c * 4 - 1]
    local s = length(x, y, z) * (c == 1 and det < 0 and -1 or 1)
    own[c], scale[c] = { x, y, z }, single(s)
    rotation[c] = { single(x / s), single(y / s), single(z / s) }
  end
  local made = columns(quaternion(rotation))
  for c = 1, 3 do
    for i = 1, 3 do made[c][i] = single(single(made[c][i]) * scale[c]) end
  end
  local moved = math.abs(m[13]) + math.abs(m[14]) + math.abs(m[15]) + 1
  local off = norm(made[1], made[2], made[3], moved) - norm(own[1], own[2], own[3], moved)
  return math.abs(off) < 0.00005
end

local function all(list, wanted, last)
  if not list then return true end
  for i = 1, #list do
    if list[i] ~= (i == last and 1 or wanted) then return false end
  end
  return true
end

function transform.check(report, self)
  local rotation, matrix = self.rotation, self.matrix
  if rotation then
    local sum = 0
    for i = 1, 4 do sum = sum + rotation[i] * rotation[i] end
    if math.abs(sum ^ 0.5 - 1) > transform.UNIT_4 then
      report:add("ROTATION_NON_UNIT", "rotation")
    end
  end
  if not self.mesh then
    if self.skin then report:add("UNSATISFIED_DEPENDENCY", "skin", "mesh") end
    if self.weights then report:add("UNSATISFIED_DEPENDENCY", "weights", "mesh") end
  end
  if matrix then
    if self.translation or rotation or self.scale then
      report:add("NODE_MATRIX_TRS", "matrix")
    end
    if is_identity(matrix) then
      report:add("NODE_MATRIX_DEFAULT", "matrix")
    elseif not is_trs(matrix) then
      report:add("NODE_MATRIX_NON_TRS", "matrix")
    end
  end
  self.moves = not ((not matrix or is_identity(matrix)) and all(self.translation, 0)
    and all(rotation, 0, 4) and all(self.scale, 1))
end

return transform
