-- FBX: binary of versions 6 and 7, arrays plain and compressed, and text. The same scene in
-- all of them, files of Blender's, and what is broken.

local fs = orch.fs
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fbx = dofile(here .. "/helper/fbx_writer.lua")
local new_scene = dofile(here .. "/helper/fbx_scene.lua")
local models = here .. "/data/builds/boids/Assets/Models/"

local dir

local function read(bytes, name)
  local path = dir .. "/" .. (name or "a.fbx")
  fs.write(path, bytes, { sync = false })
  return orch.asset.info(path)
end

local function refused(bytes)
  return expect(function() read(bytes) end):raises { kind = "format" }
end

--- Every way to write a version: binary, binary with compressed arrays, text.
local function each_form(version, opts)
  local nodes = new_scene(version, opts)
  return pairs { binary = fbx.binary(nodes, version), text = fbx.text(nodes, version),
    packed = version >= 7000 and fbx.binary(nodes, version, true) or nil }
end

describe("FBX", function()
  before_each(function() dir = fs.temp_dir() end)

  for version, name in pairs { [7100] = "7.1", [7400] = "7.4", [7500] = "7.5", [7700] = "7.7" } do
    it("is read in version " .. name, function()
      for form, bytes in each_form(version) do
        local info = read(bytes)
        expect(info.kind):equals "model"
        expect(info.version):equals(name)
        expect(info.generator):equals "FBX SDK/FBX Plugins version 2020.1"
        expect({ form, info.meshes, info.vertices, info.triangles, info.primitives })
          :equals { form, 2, 11, 13, 3 }
        expect(info.bounds):equals { min = { -1, -1, -1 }, max = { 1, 9, 3 } }
        expect(info.non_finite):equals(0)
        -- the triangle has neither
        expect(info.uv):equals(false)
        expect(info.normals):equals(false)
        expect(info.units):equals "m"
        expect(info.up_axis):equals "z"
        expect({ info.nodes, info.bones, info.lights, info.cameras, info.skins,
          info.animations }):equals { 6, 2, 1, 1, 1, 1 }
      end
    end)
  end

  it("names materials with their textures, and every file outside", function()
    for _, bytes in each_form(7400) do
      local info = read(bytes)
      expect(info.materials):equals {
        { name = "Wood", textures = { DiffuseColor = "textures\\wood_D.png" } },
        { name = "Iron", textures = { DiffuseColor = "C:\\art\\iron_D.png" } },
      }
      expect(info.textures):equals { "textures\\wood_D.png", "C:\\art\\iron_D.png" }
      expect(info.references):equals(info.textures)
      expect(info.images):equals(3) -- one of them inside
    end
  end)

  it("is read in version 6, whose meshes are in the models", function()
    for form, bytes in each_form(6100) do
      local info = read(bytes)
      expect({ form, info.version, info.meshes, info.vertices, info.triangles, info.primitives })
        :equals { form, "6.1", 2, 11, 13, 3 }
      expect(info.bounds):equals { min = { -1, -1, -1 }, max = { 1, 9, 3 } }
      expect({ info.nodes, info.bones, info.cameras, info.animations }):equals { 4, 1, 0, 1 }
      expect(info.materials):equals { { name = "Wood", textures = {} } }
      expect(info.references):equals { "wood_D.png" }
      expect({ info.units, info.up_axis }):equals { "m", "z" }
    end
  end)

  it("counts what is not finite, in vertices and in normals", function()
    local opts = { vertices = { [2] = 0 / 0, [4] = 1 / 0 }, normals = { [5] = -1 / 0 } }
    for version in pairs { [6100] = 1, [7400] = 1, [7500] = 1 } do
      for _, bytes in each_form(version, opts) do
        local info = read(bytes)
        expect(info.non_finite):equals(3)
        expect(info.bounds):equals { min = { -1, -1, -1 }, max = { 1, 9, 3 } }
      end
    end
    local text = fbx.text(new_scene(7400), 7400):gsub("a: %-1,%-1,", "a: -1.#IND,1.#INF,", 1)
    expect(read(text).non_finite):equals(2)
  end)

  it("tells units and axes apart", function()
    for scale, name in pairs { [1.0] = "cm", [0.1] = "mm", [2.54] = "in", [30.48] = "ft",
      [7.0] = "7 cm" } do
      expect(read(fbx.binary(new_scene(7400, { scale = scale }), 7400)).units):equals(name)
    end
    expect(read(fbx.binary(new_scene(7400, { up = 1 }), 7400)).up_axis):equals "y"
  end)

  it("puts meshes where their nodes put them", function()
    local function bounds(version, opts)
      local found
      for _, bytes in each_form(version, opts) do found = read(bytes).bounds end
      for axis = 1, 3 do
        found.min[axis], found.max[axis] = math.floor(found.min[axis] * 1000 + 0.5) / 1000,
          math.floor(found.max[axis] * 1000 + 0.5) / 1000
      end
      return found
    end
    local box = { ["Lcl Translation"] = { 10.0, 0.0, 0.0 }, ["Lcl Scaling"] = { 2.0, 1.0, 1.0 } }
    -- The triangle is below the box: 0 to 1, 0 to 9, 0.
    expect(bounds(7400, { box = box })):equals { min = { 8, -1, -1 }, max = { 12, 9, 3 } }
    expect(bounds(7500, { bare = { ["Lcl Rotation"] = { 0.0, 0.0, 90.0 } } }))
      :equals { min = { -9, -1, -1 }, max = { 1, 1, 3 } }
    expect(bounds(7400, { bare = { GeometricTranslation = { 0.0, 0.0, 50.0 } } }))
      :equals { min = { -1, -1, -1 }, max = { 1, 9, 50 } }
    expect(bounds(6100, { box = { ["Lcl Translation"] = { 0.0, -50.0, 0.0 } } }))
      :equals { min = { -1, -51, -1 }, max = { 1, 9, 3 } }
    expect(read(fbx.binary(new_scene(7400, { box = { ["Lcl Scaling"] = { 0 / 0, 1.0, 1.0 } } }),
      7400)).bounds):is_nil()
  end)

  it("is read as Blender writes it, arrays compressed", function()
    local torus = orch.asset.info(models .. "Torus.fbx")
    expect({ torus.vertices, torus.triangles, torus.meshes }):equals { 576, 1152, 1 }
    expect(torus.uv and torus.normals):is(true)
    -- in a node that turns it and makes it a hundred times as large
    for axis, most in ipairs { 125, 25, 125 } do
      expect(torus.bounds.max[axis]):near(most, 0.001)
      expect(torus.bounds.min[axis]):near(-most, 0.001)
    end
    expect({ torus.version, torus.units, torus.up_axis }):equals { "7.4", "cm", "y" }
    expect(torus.generator):matches "^Blender"
    expect(torus.animations):equals(0)
    expect(orch.asset.info(models .. "ConeBoid.fbx").materials)
      :equals { { name = "Boid", textures = {} } }
  end)

  it("is found by its content, whatever the name says", function()
    for _, bytes in each_form(7400) do
      local path = dir .. "/model.dat"
      fs.write(path, bytes)
      expect(orch.asset.info(path).format):equals "fbx"
    end
  end)

  it("reads large arrays in pieces", function()
    local list, indices = {}, {}
    for i = 1, 90000 do list[i] = (i % 1000) + 0.25 end
    for i = 1, 29997 do indices[i] = i % 3 == 0 and -i or i - 1 end
    local nodes = { fbx.node("Objects", {}, { fbx.node("Geometry", { 1, "A\0\1Geometry", "Mesh" }, {
      fbx.node("Vertices", { fbx.array("d", list) }),
      fbx.node("PolygonVertexIndex", { fbx.array("i", indices) }) }) }) }
    for _, bytes in pairs { fbx.binary(nodes, 7400), fbx.binary(nodes, 7500, true),
      fbx.text(nodes, 7500), fbx.binary(nodes, 6100 + 900, true) } do
      local info = read(bytes)
      expect({ info.vertices, info.triangles }):equals { 30000, 9999 }
      expect(info.bounds):equals { min = { 0.25, 0.25, 0.25 }, max = { 999.25, 999.25, 999.25 } }
    end
  end)

  it("refuses an index without a vertex", function()
    for _, bytes in each_form(7400, { index = 8 }) do
      expect(refused(bytes).message):contains "the mesh 'Box' has the vertex 8, and the mesh has 8"
    end
  end)

  it("refuses nodes whose ends lead back, nowhere or too far", function()
    local whole = fbx.binary(new_scene(7400), 7400)
    for _, stop in ipairs { 1, 27, 30, #whole + 1, 0xFFFFFFFF } do
      local bytes = whole:sub(1, 27) .. string.pack("<I4", stop) .. whole:sub(32)
      expect(refused(bytes).message):contains "ends at"
    end
    local large = fbx.binary(new_scene(7500), 7500)
    for _, stop in ipairs { -1, math.mininteger, math.maxinteger } do
      local bytes = large:sub(1, 27) .. string.pack("<i8", stop) .. large:sub(36)
      expect(refused(bytes).message):contains "ends at"
    end
  end)

  it("refuses arrays that are not what they say", function()
    local whole = fbx.binary(new_scene(7400), 7400, true)
    local at = whole:find("Vertices", 1, true) + 8
    local function with(count, encoding, length)
      return whole:sub(1, at) .. string.pack("<I4I4I4", count, encoding, length)
        .. whole:sub(at + 13)
    end
    local length = string.unpack("<I4", whole, at + 9)
    expect(read(with(24, 1, length)).vertices):equals(11)
    expect(refused(with(25, 1, length)).message):contains "another size than it says"
    expect(refused(with(23, 1, length)).message):contains "another size than it says"
    expect(refused(with(24, 0, length)).message):contains "another size than it says"
    expect(refused(with(24, 2, length)).message):contains "unknown encoding 2"
    expect(refused(with(24, 1, 0xFFFFFFF0)).message):contains "longer than its node"
    expect(refused(with(24, 1, length - 9)).message):contains "cut off"
    expect(refused(with(0xFFFFFFFF, 1, length)).message):contains "unpack to more than"
    local damaged = whole:sub(1, at + 12) .. "\x78\x9c\xff\xff" .. whole:sub(at + 17)
    expect(refused(damaged).message):contains "damaged"
  end)

  it("takes numbers that are none where a name, an index or a size belongs", function()
    local nan = 0 / 0
    local node, array = fbx.node, fbx.array
    local nodes = {
      node("GlobalSettings", {}, { node("Properties70", {}, {
        node("P", { "UnitScaleFactor", "double", "Number", "", nan }),
        node("P", { "UpAxis", "int", "Integer", "", nan }) }) }),
      node("Objects", {}, {
        node("Geometry", { 1, "A\0\1Geometry", "Mesh" }, {
          node("Vertices", { array("d", { 0, 0, 0, 1, 0, 0, 0, 1, 0 }) }),
          node("PolygonVertexIndex", { array("d", { 0, nan, -3, 1, 2, -1 }) }),
          node("LayerElementMaterial", { 0 }, { node("Materials", { array("d", { nan }) }) }),
        }),
        node("Model", { nan, 7.5, nan }, {}), node("Cache", { 3, 4, 5 }, {
          node("Properties70", {}, { node("P", { "CacheFileName", "", "", "", 5 }) }) }),
      }),
      node("Connections", {}, { node("C", { nan, nan, nan, nan }) }),
    }
    for _, bytes in pairs { fbx.binary(nodes, 7400), fbx.text(nodes, 7400) } do
      local info = read(bytes)
      expect({ info.triangles, info.units, info.up_axis, #info.references })
        :equals { 2, nil, nil, 0 }
    end
    local text = fbx.text(new_scene(7400), 7400):gsub("a: 0,1,2,%-4", "a: 0,1,2.5e9,-4")
    expect(refused(text).message):contains "the vertex 2500000000, and"
  end)

  it("refuses other versions, and what is cut off", function()
    expect(refused(fbx.binary(new_scene(7400), 5800)).message):contains "orch reads 6.0 to 7.7"
    for _, bytes in each_form(7400) do
      refused(bytes:sub(1, #bytes // 2))
      refused(bytes:sub(1, 60))
    end
    refused ""
    refused "; FBX 7.4.0 project file\n"
    refused "; FBX 7.4.0 project file\nObjects: {\n"
    refused "; FBX 7.4.0 project file\nObjects: {\n} }\n"
    refused '; FBX 7.4.0 project file\nObjects: {\n Model: 1, "A'
    refused("; FBX 7.4.0 project file\nObjects: " .. ("{"):rep(200000))
  end)
end)
