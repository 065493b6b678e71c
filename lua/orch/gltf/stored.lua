--- The numbers of accessors, where they lie in buffers: a view is a list, as the core takes it.
---
---     local view = stored.of(accessor)
---     if view then stored.pieces(view, function(first, n) ... end) end

local format = require "orch.gltf.format"
local numbers = require "orch.core.numbers"
local task = require "orch.core.task"

local stored = {}

--- Elements between two checkpoints; a multiple of 3, for triangles and splines.
stored.PIECE = 3 << 16
--- Bytes that the elements of one sparse accessor may take together.
local MOST = 256 << 20

--- The numbers of an accessor for the core; nil where they cannot be read.
local function view_of(accessor, view, offset, component, count)
  local buffer = view and view.source
  if not buffer or not buffer.bytes then return nil end
  local at = view.byteOffset + offset
  local columns = format.columns[accessor.type] or 1
  local rows = format.lengths[accessor.type] // columns
  local made = { buffer.bytes, buffer.base + at, component.code, columns, rows,
    (format.column_size(accessor.type, component)), accessor.stride, count }
  return made, buffer.size - at
end

local SCALAR = { type = "SCALAR" }

---The numbers of a part of a sparse accessor.
---@return table? view
function stored.part(part, component, count)
  SCALAR.stride = component.size
  local view, left = view_of(SCALAR, part.view, part.byteOffset, component, count)
  return view and left >= component.size * count and view or nil
end

--- With some elements replaced; matrices with gaps between columns are left alone.
local function sparse_view(accessor, base)
  local sparse, element = accessor.sparse, accessor.length
  if not sparse.readable or accessor.count * element > MOST then return nil end
  if base and base[6] ~= base[5] * accessor.component.size and base[4] > 1 then return nil end
  local values = sparse.values.view.source
  local indices = stored.part(sparse.indices, sparse.indices.component, sparse.count)
  if not indices or not values or not values.bytes then return nil end
  local at = sparse.values.view.byteOffset + sparse.values.byteOffset
  if at + sparse.count * element > values.size then return nil end
  local dense = numbers.patch(accessor.count, element, base, indices, values.bytes,
    values.base + at)
  local columns = format.columns[accessor.type] or 1
  return { dense, 0, accessor.component.code, columns, format.lengths[accessor.type] // columns,
    (format.column_size(accessor.type, accessor.component)), element, accessor.count }
end

---The numbers of an accessor, with those of a sparse one in their places.
---@param accessor table
---@return table|false view false where they cannot be read
function stored.of(accessor)
  if accessor.seen ~= nil then return accessor.seen end
  accessor.seen = false
  if not accessor.count or not accessor.component or not format.lengths[accessor.type]
    or not (accessor.view or accessor.sparse) then
    return false
  end
  local base
  if accessor.view then
    if not accessor.readable then return false end
    local left
    base, left = view_of(accessor, accessor.view, accessor.byteOffset, accessor.component,
      accessor.count)
    if not base or accessor.bytes > left then return false end
  end
  accessor.seen = (accessor.sparse and sparse_view(accessor, base))
    or (not accessor.sparse and base) or false
  return accessor.seen
end

---@return integer elements
function stored.count(view) return view[8] end

---Calls fn(first, n) until all elements had their turn; others run in between.
---@async
---@param view table
---@param fn fun(first: integer, n: integer)
function stored.pieces(view, fn)
  local count = stored.count(view)
  for first = 0, count - 1, stored.PIECE do
    if first > 0 then task.checkpoint() end
    fn(first, math.min(stored.PIECE, count - first))
  end
end

return stored
