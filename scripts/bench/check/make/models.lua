--- Models for the benchmark: a grid of quads as GLB and as OBJ, with its materials.
---
---     local bytes = models.glb { side = 40, name = "Crate", textures = { "T_Crate_D.png" } }

local pack = string.pack

local models = {}

--- The buffer of a grid of `side` x `side` vertices: positions, normals, UVs, indices.
local function buffer(side)
  local positions, normals, uvs, indices = {}, {}, {}, {}
  for y = 0, side - 1 do
    for x = 0, side - 1 do
      positions[#positions + 1] = pack("<fff", x, (x * y) % 7 / 7, y)
      normals[#normals + 1] = pack("<fff", 0, 1, 0)
      uvs[#uvs + 1] = pack("<ff", x / side, y / side)
    end
  end
  for y = 0, side - 2 do
    for x = 0, side - 2 do
      local a = y * side + x
      indices[#indices + 1] = pack("<I4I4I4I4I4I4", a, a + side, a + 1, a + 1, a + side,
        a + side + 1)
    end
  end
  local parts = { table.concat(positions), table.concat(normals), table.concat(uvs),
    table.concat(indices) }
  return table.concat(parts), { #parts[1], #parts[2], #parts[3], #parts[4] }
end

local buffers = {}

local function grid(side)
  if not buffers[side] then buffers[side] = { buffer(side) } end
  return buffers[side][1], buffers[side][2]
end

local function highest(side)
  local high = 0
  for y = 0, side - 1 do
    for x = 0, side - 1 do
      high = math.max(high, (string.unpack("<f", pack("<f", (x * y) % 7 / 7))))
    end
  end
  return high
end

local function document(opts, sizes)
  local side, views, at = opts.side, {}, 0
  for i, size in ipairs(sizes) do
    views[i] = { buffer = 0, byteOffset = at, byteLength = size,
      target = i == 4 and 34963 or 34962 }
    at = at + size
  end
  local n = side * side
  local images, textures, materials = {}, {}, {}
  for i, uri in ipairs(opts.textures) do
    images[i], textures[i] = { uri = uri }, { source = i - 1 }
  end
  materials[1] = { name = "M_" .. opts.name, pbrMetallicRoughness = {
    baseColorTexture = textures[1] and { index = 0 } or nil } }
  local list = orch.json.array
  return {
    asset = { version = "2.0", generator = "orch bench" }, scene = 0,
    scenes = list { { nodes = list { 0 } } },
    nodes = list { { mesh = 0, name = opts.name } },
    meshes = list { { name = opts.name, primitives = list { { material = 0, indices = 3,
      attributes = { POSITION = 0, NORMAL = 1, TEXCOORD_0 = opts.uv ~= false and 2 or nil } } } } },
    materials = list(materials), images = images[1] and list(images) or nil,
    textures = textures[1] and list(textures) or nil,
    accessors = list {
      { bufferView = 0, componentType = 5126, count = n, type = "VEC3",
        min = list { 0, 0, 0 }, max = list { side - 1, highest(side), side - 1 } },
      { bufferView = 1, componentType = 5126, count = n, type = "VEC3" },
      { bufferView = 2, componentType = 5126, count = n, type = "VEC2" },
      { bufferView = 3, componentType = 5125, count = 6 * (side - 1) ^ 2 // 1 | 0,
        type = "SCALAR" },
    },
    bufferViews = list(views), buffers = list { { byteLength = at } },
  }
end

---@param opts {side: integer, name: string, textures: string[], uv: boolean?}
---@return string bytes
function models.glb(opts)
  local bytes, sizes = grid(opts.side)
  local text = orch.json.encode(document(opts, sizes), { sorted = true })
  text = text .. (" "):rep(-#text % 4)
  return "glTF" .. pack("<I4I4", 2, 12 + 8 + #text + 8 + #bytes) .. pack("<I4", #text) .. "JSON"
    .. text .. pack("<I4", #bytes) .. "BIN\0" .. bytes
end

local texts = {}

local function grid_text(side)
  local parts = {}
  for y = 0, side - 1 do
    for x = 0, side - 1 do
      parts[#parts + 1] = ("v %d %.6f %d\nvt %.6f %.6f\n"):format(x, (x * y) % 7 / 7, y, x / side,
        y / side)
    end
  end
  parts[#parts + 1] = "vn 0 1 0\nusemtl M_Main\n"
  for y = 0, side - 2 do
    for x = 1, side - 1 do
      local a = y * side + x
      parts[#parts + 1] = ("f %d/%d/1 %d/%d/1 %d/%d/1 %d/%d/1\n"):format(a, a, a + side, a + side,
        a + side + 1, a + side + 1, a + 1, a + 1)
    end
  end
  return table.concat(parts)
end

---@param opts {side: integer, name: string, texture: string?}
---@return string obj
---@return string mtl which belongs beside it as NAME.mtl
function models.obj(opts)
  texts[opts.side] = texts[opts.side] or grid_text(opts.side)
  return ("# orch bench\nmtllib %s.mtl\no %s\n"):format(opts.name, opts.name) .. texts[opts.side],
    "newmtl M_Main\nKd 0.8 0.8 0.8\n" .. (opts.texture and "map_Kd " .. opts.texture .. "\n" or "")
end

return models
