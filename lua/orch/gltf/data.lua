--- The numbers of accessors: whether min and max are right, indices name vertices, normals
--- have length 1, times rise, and so on. Looked at in pieces, so that others run in between.

local numbers = require "orch.core.numbers"
local stored = require "orch.gltf.stored"
local task = require "orch.core.task"
local transform = require "orch.gltf.transform"

local data = {}

--- What a vector of signed bytes may be off by.
local UNIT_3 = 0.00674

local function single(value)
  return (string.unpack("<f", string.pack("<f", value)))
end

--- The bounds of all pieces so far.
local function merge(into, from, better)
  if not into then return from end
  for c = 1, #from do
    if better(from[c], into[c]) then into[c] = from[c] end
  end
  return into
end

local function add_up(into, from)
  if not into then return from end
  for c = 1, #from do into[c] = into[c] + from[c] end
  return into
end

local function less(a, b) return a < b end
local function greater(a, b) return a > b end

local function check_bound(report, accessor, name, found, wrong, codes)
  local wanted = accessor[name]
  if not wanted then return end
  local is_float = accessor.component.code == "f"
  for c = 1, #wanted do
    local declared = is_float and single(wanted[c]) or wanted[c]
    if declared ~= found[c] then
      report:push(name)
      report:add(codes[1], c - 1, declared, found[c])
      if wrong[c] > 0 then report:add(codes[2], c - 1, wrong[c], declared) end
      report:pop()
    end
  end
end

local function limit_of(report)
  return math.max(0, report.limit - #report.issues) + 1
end

local MIN = { "ACCESSOR_MIN_MISMATCH", "ACCESSOR_ELEMENT_OUT_OF_MIN_BOUND" }
local MAX = { "ACCESSOR_MAX_MISMATCH", "ACCESSOR_ELEMENT_OUT_OF_MAX_BOUND" }

local function check_range(report, accessor, view)
  local is_float = accessor.component.code == "f"
  if not is_float and not accessor.min and not accessor.max then return end
  local least, most, below, above
  stored.pieces(view, function(first, n)
    local low, high, under, over, bad = numbers.range(view, first, n, limit_of(report),
      accessor.min, accessor.max)
    least, most = merge(least, low, less), merge(most, high, greater)
    below, above = add_up(below, under), add_up(above, over)
    for i = 1, #bad, 2 do report:add("ACCESSOR_INVALID_FLOAT", nil, bad[i], bad[i + 1]) end
  end)
  check_bound(report, accessor, "min", least, below, MIN)
  check_bound(report, accessor, "max", most, above, MAX)
end

--- kind of check -> fn(report, accessor, view, check)
local checks = {}

function checks.indices(report, accessor, view, check)
  local degenerate = 0
  stored.pieces(view, function(first, n)
    local beyond, restarts, twice = numbers.indices(view, first, n, limit_of(report), check.last,
      accessor.component.max, check.by_three)
    degenerate = degenerate + twice
    for i = 1, #beyond, 2 do
      report:at("ACCESSOR_INDEX_OOB", check.path, beyond[i], beyond[i + 1], check.last)
    end
    for i = 1, #restarts, 2 do
      report:at("ACCESSOR_INDEX_PRIMITIVE_RESTART", check.path, restarts[i + 1], restarts[i])
    end
  end)
  if degenerate > 0 then
    report:at("ACCESSOR_INDEX_TRIANGLE_DEGENERATE", check.path, degenerate, check.triangles)
  end
end

local function check_lengths(report, accessor, view, path, code, parts, tolerance, cubic)
  stored.pieces(view, function(first, n)
    local found = numbers.lengths(view, first, n, limit_of(report), parts, tolerance,
      accessor.normalized, cubic)
    for i = 1, #found, 2 do
      report:at(code, path, found[i], found[i] + parts - 1, found[i + 1])
    end
  end)
end

function checks.normal(report, accessor, view, check)
  check_lengths(report, accessor, view, check.path, "ACCESSOR_VECTOR3_NON_UNIT", 3, UNIT_3)
end

function checks.tangent(report, accessor, view, check)
  check_lengths(report, accessor, view, check.path, "ACCESSOR_VECTOR3_NON_UNIT", 3, UNIT_3)
  stored.pieces(view, function(first, n)
    local found = numbers.signs(view, first, n, limit_of(report), accessor.normalized)
    for i = 1, #found, 2 do
      report:at("ACCESSOR_INVALID_SIGN", check.path, found[i], found[i] + 3, found[i + 1])
    end
  end)
end

function checks.quaternions(report, accessor, view, check)
  check_lengths(report, accessor, view, check.path,
    "ACCESSOR_ANIMATION_SAMPLER_OUTPUT_NON_NORMALIZED_QUATERNION", 4, transform.UNIT_4,
    check.cubic)
end

function checks.clamped(report, _, view, check)
  stored.pieces(view, function(first, n)
    local found = numbers.outside(view, first, n, limit_of(report), 0, 1)
    for i = 1, #found, 2 do
      report:at("ACCESSOR_NON_CLAMPED", check.path, found[i], found[i + 1])
    end
  end)
end

function checks.times(report, _, view, check)
  local last = 0
  stored.pieces(view, function(first, n)
    local negative = numbers.outside(view, first, n, limit_of(report), 0, math.huge)
    for i = 1, #negative, 2 do
      report:at("ACCESSOR_ANIMATION_INPUT_NEGATIVE", check.path, negative[i], negative[i + 1])
    end
    local found
    found, last = numbers.steps(view, first, n, limit_of(report), last)
    for i = 1, #found, 3 do
      report:at("ACCESSOR_ANIMATION_INPUT_NON_INCREASING", check.path, found[i], found[i + 1],
        found[i + 2])
    end
  end)
end

function checks.bind_matrices(report, _, view, check)
  stored.pieces(view, function(first, n)
    local found = numbers.last_rows(view, first, n, limit_of(report))
    for i = 1, #found, 3 do
      report:at("ACCESSOR_INVALID_IBM", check.path, found[i], found[i + 1], found[i + 2])
    end
  end)
end

--- Where elements are replaced.
local function check_sparse(report, accessor)
  local sparse = accessor.sparse
  local component = sparse.indices.component
  if not accessor.count or not sparse.indices.view or not component
    or not sparse.indices.byteOffset or not sparse.indices.view.byteOffset then
    return
  end
  local view = stored.part(sparse.indices, component, sparse.count)
  if not view then return end
  local last = -1
  stored.pieces(view, function(first, n)
    local found, beyond
    beyond = numbers.outside(view, first, n, limit_of(report), 0, accessor.count - 1)
    found, last = numbers.steps(view, first, n, limit_of(report), last)
    for i = 1, #found, 3 do
      report:add("ACCESSOR_SPARSE_INDICES_NON_INCREASING", "sparse", found[i], found[i + 1],
        found[i + 2])
    end
    for i = 1, #beyond, 2 do
      report:add("ACCESSOR_SPARSE_INDEX_OOB", "sparse", beyond[i], beyond[i + 1],
        accessor.count)
    end
  end)
end

--- Many primitives may use one accessor in the same way: its numbers are the same then.
local function run_checks(report, accessor, view)
  local done = {}
  for _, check in ipairs(accessor.checks) do
    local key = ("%s %s %s %s"):format(check.kind, check.last, check.by_three, check.cubic)
    local known = done[key]
    if not known then
      local before = #report.issues
      checks[check.kind](report, accessor, view, check)
      done[key] = { before + 1, #report.issues }
    else
      for i = known[1], known[2] do
        local issue = report.issues[i]
        report:repeat_at(issue, check.path)
      end
    end
  end
end

---@async
---@param report orch.gltf.Report
---@param gltf table
function data.check(report, gltf)
  local accessors = gltf.accessors or {}
  report:push "accessors"
  for i, accessor in ipairs(accessors) do
    if accessor and accessor.sparse then
      report:push(i - 1)
      check_sparse(report, accessor)
      report:pop()
    end
  end
  local looked_at = 0
  for i, accessor in ipairs(accessors) do
    local view = accessor and stored.of(accessor)
    if view then
      looked_at = looked_at + stored.count(view)
      if looked_at > stored.PIECE then
        task.checkpoint()
        looked_at = 0
      end
      report:push(i - 1)
      check_range(report, accessor, view)
      if accessor.checks then run_checks(report, accessor, view) end
      report:pop()
    end
  end
  report:pop()
  require("orch.gltf.influence").check(report, gltf, stored.of)
end

return data
