--- The scene of the FBX tests, as nodes of `fbx_writer`: a box of quads with UVs, normals and
--- two materials, and a bare triangle; textures, a skeleton, an animation.
---
---     local nodes = scene(7400, { nan = true })       -- what to make different

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fbx = dofile(here .. "/fbx_writer.lua")
local node, array = fbx.node, fbx.array

local corners = { -1, -1, -1, 1, -1, -1, 1, 1, -1, -1, 1, -1, -1, -1, 3, 1, -1, 3, 1, 1, 3, -1,
  1, 3 }
local quads = { 0, 1, 2, -4, 4, 5, 6, -8, 0, 1, 5, -5, 1, 2, 6, -6, 2, 3, 7, -7, 3, 0, 4, -8 }

local function floats(list, change)
  local copy = {}
  for i, x in ipairs(list) do copy[i] = x + 0.0 end
  for i, x in pairs(change or {}) do copy[i] = x end
  return array("d", copy)
end

local function layer(sort)
  return node("LayerElement", {}, { node("Type", { sort }), node("TypedIndex", { 0 }) })
end

local function box(opts)
  local indices = { table.unpack(quads) }
  indices[1] = opts.index or 0
  return {
    node("Vertices", { floats(corners, opts.vertices) }),
    node("PolygonVertexIndex", { array("i", indices) }),
    node("Edges", { array("i", { 0, 1, 2 }) }),
    node("LayerElementNormal", { 0 }, {
      node("MappingInformationType", { "ByVertice" }),
      node("ReferenceInformationType", { "Direct" }),
      node("Normals", { floats(corners, opts.normals) }),
    }),
    node("LayerElementUV", { 0 }, {
      node("MappingInformationType", { "ByVertice" }),
      node("ReferenceInformationType", { "Direct" }),
      node("UV", { floats { 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1 } }),
    }),
    node("LayerElementMaterial", { 0 }, {
      node("MappingInformationType", { "ByPolygon" }),
      node("ReferenceInformationType", { "IndexToDirect" }),
      node("Materials", { array("i", { 0, 0, 0, 1, 1, 1 }) }),
    }),
    node("Layer", { 0 }, { layer "LayerElementNormal", layer "LayerElementUV",
      layer "LayerElementMaterial" }),
  }
end

local triangle = {
  node("Vertices", { floats { 0, 0, 0, 1, 0, 0, 0, 9, 0 } }),
  node("PolygonVertexIndex", { array("i", { 0, 1, -3 }) }),
}

local function setting(version, name, kind, label, value)
  if version < 7000 then return node("Property", { name, kind, "", value }) end
  return node("P", { name, kind, label, "", value })
end

local function settings(version, opts)
  return node("GlobalSettings", {}, {
    node("Version", { 1000 }),
    node(version < 7000 and "Properties60" or "Properties70", {}, {
      setting(version, "UpAxis", "int", "Integer", opts.up or 2),
      setting(version, "UpAxisSign", "int", "Integer", 1),
      setting(version, "UnitScaleFactor", "double", "Number", opts.scale or 100.0),
    }),
  })
end

local function image(sort, id, name, class, relative, more)
  local children = {
    node(sort == "Video" and "Filename" or "FileName", { "C:\\art\\" .. name }),
    node("RelativeFilename", { relative }),
  }
  if more then children[3] = node("Content", { fbx.raw(more) }) end
  return node(sort, { id, name .. "\0\1" .. sort, class }, children)
end

--- Identities are 64-bit numbers, however small.
local function id(n) return { long = n } end

--- What moves a node: names with three numbers each.
local function moves(version, list)
  local children = {}
  for name, v in pairs(list or {}) do
    children[#children + 1] = version < 7000
      and node("Property", { name, "Vector3D", "", v[1], v[2], v[3] })
      or node("P", { name, "Vector3D", "Vector", "", v[1], v[2], v[3] })
  end
  return node(version < 7000 and "Properties60" or "Properties70", {}, children)
end

local function modern(opts, version)
  return {
    node("Geometry", { id(11), "Box\0\1Geometry", "Mesh" }, box(opts)),
    node("Geometry", { id(12), "Bare\0\1Geometry", "Mesh" }, triangle),
    node("Geometry", { id(13), "Smile\0\1Geometry", "Shape" }, {
      node("Vertices", { floats { 500, 500, 500 } }),
    }),
    node("Model", { id(20), "Box\0\1Model", "Mesh" }, { moves(version, opts.box) }),
    node("Model", { id(21), "Bare\0\1Model", "Mesh" }, { moves(version, opts.bare) }),
    node("Model", { id(22), "Hip\0\1Model", "LimbNode" }),
    node("Model", { id(23), "Knee\0\1Model", "LimbNode" }),
    node("Model", { id(24), "Sun\0\1Model", "Light" }),
    node("Model", { id(25), "Shot\0\1Model", "Camera" }),
    node("Material", { id(30), "Wood\0\1Material", "" }, { node("ShadingModel", { "phong" }) }),
    node("Material", { id(31), "Iron\0\1Material", "" }, {}),
    image("Texture", id(40), "wood_D.png", "", "textures\\wood_D.png"),
    image("Texture", id(41), "iron_D.png", "", ""),
    image("Texture", id(42), "inside.png", "", "inside.png"),
    image("Video", id(50), "wood_D.png", "Clip", "textures\\wood_D.png"),
    image("Video", id(51), "inside.png", "Clip", "inside.png", "\137PNG and so on"),
    node("LayeredTexture", { id(60), "Both\0\1LayeredTexture", "" }, {}),
    node("Deformer", { id(70), "\0\1Deformer", "Skin" }, {}),
    node("Deformer", { id(71), "\0\1SubDeformer", "Cluster" }, {}),
    node("AnimationStack", { id(80), "Walk\0\1AnimStack", "" }, {}),
    node("AnimationCurve", { id(81), "\0\1AnimCurve", "" }, {}),
  }
end

local links = {
  node("C", { "OO", id(50), id(40) }), node("C", { "OO", id(51), id(42) }),
  node("C", { "OP", id(40), id(30), "DiffuseColor" }), node("C", { "OO", id(41), id(60) }),
  node("C", { "OP", id(60), id(31), "DiffuseColor" }), node("C", { "OP", id(42), id(31), "Bump" }),
  node("C", { "OO", id(30), id(20) }), node("C", { "OO", id(31), id(20) }),
  node("C", { "OO", id(11), id(20) }), node("C", { "OO", id(12), id(21) }),
  node("C", { "OO", id(20), id(0) }), node("C", { "OO", id(21), id(20) }),
}

--- In version 6 the mesh is in its model, and names are the identities.
local function old(opts, version)
  local children = box(opts)
  table.insert(children, 1, moves(version, opts.box))
  return {
    node("Model", { "Box\0\1Model", "Mesh" }, children),
    node("Model", { "Bare\0\1Model", "Mesh" }, triangle),
    node("Model", { "Hip\0\1Model", "Limb" }, {}),
    node("Model", { "Producer Top\0\1Model", "Camera" }, {}),
    node("Material", { "Wood\0\1Material", "" }, {}),
    node("Texture", { "wood\0\1Texture", "TextureVideoClip" }, {
      node("FileName", { "C:\\art\\wood_D.png" }), node("RelativeFilename", { "wood_D.png" }),
    }),
    settings(version, opts),
  }
end

---@param version integer
---@param opts? {vertices: table?, normals: table?, index: integer?, up: integer?,
---  scale: number?, box: table?, bare: table?} the last two: what moves these models
return function(version, opts)
  opts = opts or {}
  local nodes = {
    node("FBXHeaderExtension", {}, {
      node("FBXHeaderVersion", { 1003 }), node("FBXVersion", { version }),
      node("Creator", { "FBX SDK/FBX Plugins version 2020.1" }),
    }),
    node("Creator", { "something else" }),
  }
  local function add(one) nodes[#nodes + 1] = one end
  if version >= 7000 then add(settings(version, opts)) end
  add(node("Definitions", {}, { node("ObjectType", { "Model" }, {
    node("PropertyTemplate", { "FbxNode" }, { node("P", { "Show \"it\"; {", 1 }) }) }) }))
  add(node("Objects", {}, version < 7000 and old(opts, version) or modern(opts, version)))
  add(node("Connections", {}, version < 7000 and {
    node("Connect", { "OO", "Wood\0\1Material", "Box\0\1Model" }) } or links))
  add(node("Takes", {}, version < 7000 and { node("Current", { "Walk" }), node("Take", { "Walk" }, {
    node("FileName", { "Walk.tak" }), node("Model", { "Box\0\1Model" }, {}) }) } or {}))
  return nodes
end
