--- Numbers in buffers: component types, how many make an element, and which of these
--- formats an attribute, an index or a key frame may have.

local format = {}

---@class orch.gltf.Component
---@field name string
---@field size integer bytes
---@field min number
---@field max number
---@field code string for the core: as in string.unpack

format.components = {
  [5120] = { name = "BYTE", size = 1, min = -128, max = 127, code = "b" },
  [5121] = { name = "UNSIGNED_BYTE", size = 1, min = 0, max = 255, code = "B" },
  [5122] = { name = "SHORT", size = 2, min = -32768, max = 32767, code = "h" },
  [5123] = { name = "UNSIGNED_SHORT", size = 2, min = 0, max = 65535, code = "H" },
  [5125] = { name = "UNSIGNED_INT", size = 4, min = 0, max = 4294967295, code = "I" },
  [5126] = { name = "FLOAT", size = 4, min = -math.huge, max = math.huge, code = "f" },
}
format.FLOAT, format.UNSIGNED_INT = 5126, 5125
format.component_types = { 5120, 5121, 5122, 5123, 5125, 5126 }
format.index_types = { 5121, 5123, 5125 }

--- type -> numbers of an element, and columns of a matrix
format.lengths = { SCALAR = 1, VEC2 = 2, VEC3 = 3, VEC4 = 4, MAT2 = 4, MAT3 = 9, MAT4 = 16 }
format.columns = { MAT2 = 2, MAT3 = 3, MAT4 = 4 }
format.types = { "SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4" }

--- Columns of matrices begin at multiples of 4 bytes.
---@return integer bytes of a column
---@return integer columns
local function columns(type, component)
  local count = format.columns[type] or 1
  local size = format.lengths[type] // count * component.size
  if count > 1 then size = (size + 3) // 4 * 4 end
  return size, count
end

---@param accessor table with `type` and `component`
---@return integer packed bytes that an element has, without what pads its last column
---@return integer stride bytes to the next one, where the view does not say
function format.sizes(accessor)
  local length, component = format.lengths[accessor.type], accessor.component
  local column, count = columns(accessor.type, component)
  return column * (count - 1) + length // count * component.size, column * count
end

format.column_size = columns

--- Names of formats by component and type: there are few.
local plain, normalized = {}, {}

local function name_of(accessor)
  return ("%s %s%s"):format(accessor.type or "?",
    accessor.component and accessor.component.name or "?",
    accessor.normalized and " normalized" or "")
end

---@return string such as "VEC2 UNSIGNED_BYTE normalized"
function format.of(accessor)
  local names, component = accessor.normalized and normalized or plain, accessor.component
  if not component or not format.lengths[accessor.type] then return name_of(accessor) end
  names[component] = names[component] or {}
  local name = names[component][accessor.type] or name_of(accessor)
  names[component][accessor.type] = name
  return name
end

--- "VEC2 FLOAT|UNSIGNED_BYTE normalized" -> a list of formats, and a set of them
local function set(text)
  local result = {}
  for types, parts in text:gmatch "([%w,]+) ([^;]+)" do
    for part in parts:gmatch "[^|]+" do
      for type in types:gmatch "%w+" do
        local one = ("%s %s"):format(type, part)
        result[#result + 1], result[one] = one, true
      end
    end
  end
  return result
end
format.set = set

local COLOR = "VEC3,VEC4 FLOAT|UNSIGNED_BYTE normalized|UNSIGNED_SHORT normalized"
local SMALL = "BYTE|BYTE normalized|SHORT|SHORT normalized"

--- attribute -> formats
format.attributes = {
  POSITION = set "VEC3 FLOAT", NORMAL = set "VEC3 FLOAT", TANGENT = set "VEC4 FLOAT",
  TEXCOORD = set "VEC2 FLOAT|UNSIGNED_BYTE normalized|UNSIGNED_SHORT normalized",
  COLOR = set(COLOR),
  JOINTS = set "VEC4 UNSIGNED_BYTE|UNSIGNED_SHORT",
  WEIGHTS = set "VEC4 FLOAT|UNSIGNED_BYTE normalized|UNSIGNED_SHORT normalized",
}

--- The same for morph targets.
format.morphs = {
  POSITION = set "VEC3 FLOAT", NORMAL = set "VEC3 FLOAT", TANGENT = set "VEC3 FLOAT",
  TEXCOORD = set("VEC2 FLOAT|UNSIGNED_BYTE normalized|UNSIGNED_SHORT normalized"
    .. "|BYTE normalized|SHORT normalized"),
  COLOR = set(COLOR .. "|BYTE normalized|SHORT normalized"),
}

local function more(formats, additions)
  local result = {}
  for name, known in pairs(formats) do
    local all = {}
    for _, one in ipairs(known) do all[#all + 1] = one end
    for _, one in ipairs(set(additions[name] or "")) do
      if not known[one] then all[#all + 1] = one end
    end
    for _, one in ipairs(all) do all[one] = true end
    result[name] = all
  end
  return result
end

local UNSIGNED = "|UNSIGNED_BYTE|UNSIGNED_BYTE normalized|UNSIGNED_SHORT"
  .. "|UNSIGNED_SHORT normalized"
local DIRECTION = " BYTE normalized|SHORT normalized"

--- Both with what KHR_mesh_quantization adds.
---@return table attributes
---@return table morphs
function format.quantized()
  return more(format.attributes, {
    POSITION = "VEC3 " .. SMALL .. UNSIGNED, NORMAL = "VEC3" .. DIRECTION,
    TANGENT = "VEC4" .. DIRECTION, TEXCOORD = "VEC2 " .. SMALL .. "|UNSIGNED_BYTE|UNSIGNED_SHORT",
  }), more(format.morphs, {
    POSITION = "VEC3 " .. SMALL, NORMAL = "VEC3" .. DIRECTION, TANGENT = "VEC3" .. DIRECTION,
    TEXCOORD = "VEC2 BYTE|SHORT",
  })
end

format.indices = set "SCALAR UNSIGNED_BYTE|UNSIGNED_SHORT|UNSIGNED_INT"
format.key_time = set "SCALAR FLOAT"
format.bind_matrix = set "MAT4 FLOAT"

local ROTATION = "VEC4 FLOAT|BYTE normalized|UNSIGNED_BYTE normalized|SHORT normalized"
  .. "|UNSIGNED_SHORT normalized"
format.key_values = {
  translation = set "VEC3 FLOAT", scale = set "VEC3 FLOAT", rotation = set(ROTATION),
  weights = set(ROTATION:gsub("VEC4", "SCALAR")),
}

return format
