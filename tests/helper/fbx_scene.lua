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

local function box(opts)
  local indices = { table.unpack(quads) }
  indices[1] = opts.index or 0
  return {
    node("Vertices", { floats(corners, opts.vertices) }),
    node("PolygonVertexIndex", { array("i", indices) }),
    node("Edges", { array("i", { 0, 1, 2 }) }),
    node("LayerElementNormal", { 0 }, {
      node("MappingInformationType", { "ByPolygon" }),
      node("Normals", { floats({ 0, 0, -1, 0, 0, 1, 0, -1, 0, 1, 0, 0, 0, 1, 0, -1, 0, 0 },
        opts.normals) }),
    }),
    node("LayerElementUV", { 0 }, { node("UV", { floats { 0, 0, 1, 0, 1, 1, 0, 1 } }) }),
    node("LayerElementMaterial", { 0 }, {
      node("Materials", { array("i", { 0, 0, 0, 1, 1, 1 }) }),
    }),
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

local function modern(opts)
  return {
    node("Geometry", { 1000000000001, "Box\0\1Geometry", "Mesh" }, box(opts)),
    node("Geometry", { 12, "Bare\0\1Geometry", "Mesh" }, triangle),
    node("Geometry", { 13, "Smile\0\1Geometry", "Shape" }, {
      node("Vertices", { floats { 500, 500, 500 } }),
    }),
    node("Model", { 20, "Box\0\1Model", "Mesh" }, { node("Version", { 232 }) }),
    node("Model", { 21, "Bare\0\1Model", "Mesh" }, {}),
    node("Model", { 22, "Hip\0\1Model", "LimbNode" }),
    node("Model", { 23, "Knee\0\1Model", "LimbNode" }),
    node("Model", { 24, "Sun\0\1Model", "Light" }),
    node("Model", { 25, "Shot\0\1Model", "Camera" }),
    node("Material", { 30, "Wood\0\1Material", "" }, { node("ShadingModel", { "phong" }) }),
    node("Material", { 31, "Iron\0\1Material", "" }, {}),
    image("Texture", 40, "wood_D.png", "", "textures\\wood_D.png"),
    image("Texture", 41, "iron_D.png", "", ""),
    image("Texture", 42, "inside.png", "", "inside.png"),
    image("Video", 50, "wood_D.png", "Clip", "textures\\wood_D.png"),
    image("Video", 51, "inside.png", "Clip", "inside.png", "\137PNG and so on"),
    node("LayeredTexture", { 60, "Both\0\1LayeredTexture", "" }, {}),
    node("Deformer", { 70, "\0\1Deformer", "Skin" }, {}),
    node("Deformer", { 71, "\0\1SubDeformer", "Cluster" }, {}),
    node("AnimationStack", { 80, "Walk\0\1AnimStack", "" }, {}),
    node("AnimationCurve", { 81, "\0\1AnimCurve", "" }, {}),
  }
end

local links = {
  node("C", { "OO", 50, 40 }), node("C", { "OO", 51, 42 }),
  node("C", { "OP", 40, 30, "DiffuseColor" }), node("C", { "OO", 41, 60 }),
  node("C", { "OP", 60, 31, "DiffuseColor" }), node("C", { "OP", 42, 31, "Bump" }),
  node("C", { "OO", 30, 20 }), node("C", { "OO", 1000000000001, 20 }),
}

--- In version 6 the mesh is in its model, and names are the identities.
local function old(opts, version)
  return {
    node("Model", { "Box\0\1Model", "Mesh" }, box(opts)),
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
---@param opts? {vertices: table?, normals: table?, index: integer?, up: integer?, scale: number?}
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
  add(node("Objects", {}, version < 7000 and old(opts, version) or modern(opts)))
  add(node("Connections", {}, version < 7000 and {
    node("Connect", { "OO", "Wood\0\1Material", "Box\0\1Model" }) } or links))
  add(node("Takes", {}, version < 7000 and { node("Current", { "Walk" }), node("Take", { "Walk" }, {
    node("FileName", { "Walk.tak" }), node("Model", { "Box\0\1Model" }, {}) }) } or {}))
  return nodes
end
