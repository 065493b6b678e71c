-- model.info of glTF and GLB: counts, materials, files, the box; broken files. Counts are held
-- against the Khronos validator in gltf_suite_test.lua.

local fs, json, model = orch.fs, orch.json, orch.model
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/gltf/"

local dir

local function write(name, bytes)
  fs.write(dir .. "/" .. name, bytes, { sync = false })
  return dir .. "/" .. name
end

local function document(t)
  t.asset = { version = "2.0" }
  return write("model.gltf", json.encode(t))
end

describe("model.info of glTF", function()
  before_each(function() dir = fs.temp_dir() end)

  it("tells what is in a model", function()
    local info = model.info(data .. "samples/assimp/BoxTextured-glTF/BoxTextured.gltf")
    expect(info.format):equals "gltf"
    expect(info.kind):equals "model"
    expect(info.version):equals "2.0"
    expect(info.generator):equals "COLLADA2GLTF"
    expect(info.triangles):equals(12)
    expect(info.vertices):equals(24)
    expect(info.primitives):equals(1)
    expect(info.meshes):equals(1)
    expect(info.nodes):equals(2)
    expect(info.uv):is(true)
    expect(info.normals):is(true)
    expect(info.materials):equals { { name = "Texture",
      textures = { baseColor = "CesiumLogoFlat.png" } } }
    expect(info.textures):equals { "CesiumLogoFlat.png" }
    expect(info.buffers):equals { "BoxTextured0.bin" }
    expect(info.references):equals { "BoxTextured0.bin", "CesiumLogoFlat.png" }
    expect(info.bounds):equals { min = { -0.5, -0.5, -0.5 }, max = { 0.5, 0.5, 0.5 } }
    expect(info.units):equals "m"
    expect(info.up_axis):equals "y"
    expect(info.non_finite):is_nil()
  end)

  it("tells it of a GLB, whose buffer is no file", function()
    local info = model.info(data .. "kenney/character.glb")
    expect(info.format):equals "glb"
    expect(info.triangles):equals(550)
    expect(info.animations):equals(4)
    expect(info.buffers):equals {}
    expect(info.references):equals { "Textures/colormap.png" }
    expect(info.extensions):equals { "KHR_texture_transform" }
  end)

  it("undoes escapes in names, and leaves data URIs out", function()
    local info = model.info(data .. "samples/tinygltf/CubeImageUriSpaces/CubeImageUriSpaces.gltf")
    expect(info.textures):equals { "2x2 image has spaces.png" }
    info = model.info(document { images = { { uri = "a%20b.png" }, { uri = "data:image/png,x" },
      { uri = "a b.png" } } })
    expect(info.references):equals { "a b.png" }
    expect(info.images):equals(3)
  end)

  it("counts lights, bones, skins and cameras", function()
    local info = model.info(document {
      extensionsUsed = { "KHR_lights_punctual" },
      extensions = { KHR_lights_punctual = { lights = { { type = "point" }, { type = "spot" } } } },
      cameras = { {} }, skins = { { joints = { 0, 1 } }, { joints = { 1, 2 } } },
    })
    expect(info.lights):equals(2)
    expect(info.bones):equals(3)
    expect(info.skins):equals(2)
    expect(info.cameras):equals(1)
  end)

  it("finds textures in extensions of materials", function()
    local info = model.info(document {
      images = { { uri = "n.png" }, { bufferView = 0, name = "packed" }, { uri = "c.ktx2" } },
      textures = { { source = 0 }, { source = 1 },
        { extensions = { KHR_texture_basisu = { source = 2 } } } },
      materials = { { normalTexture = { index = 0 }, pbrMetallicRoughness = {
        baseColorTexture = { index = 2 } }, extensions = { KHR_materials_clearcoat = {
          clearcoatTexture = { index = 1 } } } } },
    })
    expect(info.materials[1].textures):equals { normal = "n.png", baseColor = "c.ktx2",
      clearcoat = "packed" }
  end)

  it("says which triangles lack texture coordinates or normals", function()
    local accessors = { { count = 3, type = "VEC3" }, { count = 6, type = "SCALAR" } }
    local function primitives(...) return { accessors = accessors,
      meshes = { { primitives = { ... } } } } end
    local both = { attributes = { POSITION = 0, NORMAL = 0, TEXCOORD_0 = 0 } }
    local bare = { attributes = { POSITION = 0 }, indices = 1 }
    local lines = { attributes = { POSITION = 0 }, mode = 1 }
    local info = model.info(document(primitives(both, lines)))
    expect(info.uv):is(true)
    expect(info.triangles):equals(1)
    info = model.info(document(primitives(both, bare)))
    expect(info.uv):is(false)
    expect(info.normals):is(false)
    expect(info.triangles):equals(3)
    info = model.info(document(primitives(lines)))
    expect(info.uv):is_nil()
  end)

  it("puts the box where the nodes are", function()
    local info = model.info(document {
      accessors = { { count = 3, type = "VEC3", min = { 0, 0, 0 }, max = { 1, 2, 3 } } },
      meshes = { { primitives = { { attributes = { POSITION = 0 } } } } },
      nodes = { { translation = { 10, 0, 0 }, children = { 1 } },
        { mesh = 0, scale = { 2, 1, 1 }, rotation = { 0, 0, 0.7071067811865476,
          0.7071067811865476 } }, { mesh = 0 } },
      scenes = { { nodes = { 0 } } },
    })
    -- x becomes y, y becomes -x; twice as long before that.
    local box = info.bounds
    for i, x in ipairs { 8, 0, 0 } do expect(box.min[i]):near(x, 1e-9) end
    for i, x in ipairs { 10, 2, 3 } do expect(box.max[i]):near(x, 1e-9) end
  end)

  it("has no box of a node that is in two places, or in itself", function()
    for _, children in ipairs { { 0 }, { 1, 1, 1, 1 } } do
      local info = model.info(document {
        accessors = { { count = 3, type = "VEC3", min = { 0, 0, 0 }, max = { 1, 2, 3 } } },
        meshes = { { primitives = { { attributes = { POSITION = 0 } } } } },
        nodes = { { children = children, mesh = 0 }, { mesh = 0 } }, scenes = { { nodes = { 0 } } },
      })
      expect(info.bounds):is_nil()
    end
  end)

  it("takes a document of wrong types for one without them", function()
    local info = model.info(document { meshes = 3, accessors = { 1, "x" }, nodes = { {}, 5 },
      materials = { json.null, { pbrMetallicRoughness = 3 } }, buffers = { { uri = 7 } },
      skins = { { joints = "x" } }, scenes = { { nodes = { -1, 0.5, "x", 99 } } } })
    expect(info.meshes):equals(0)
    expect(#info.materials):equals(2)
  end)

  it("refuses what is none, with the reason", function()
    local function message(path)
      local err = expect(function() model.info(path) end):raises "format"
      return err.message
    end
    expect(message(write("a.gltf", "{"))):contains "its JSON is none: line 1, column 2"
    expect(message(write("a.gltf", "[]"))):contains "no 'asset'"
    expect(message(write("a.gltf", '{"asset":{}}'))):contains "does not say a version"
    expect(message(write("a.gltf", ""))):contains "it is empty"
    expect(message(write("a.glb", "glTF\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"))):contains "version 1"
    expect(message(write("a.glb", "glTF\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"))):contains "first chunk"
    local glb = fs.read(data .. "kenney/flag.glb")
    expect(message(write("a.glb", glb:sub(1, 100)))):contains "it ends after 100 bytes"
    expect(message(write("a.glb", glb:sub(1, 12) .. "\255\255\255\127JSON"))):contains "bytes"
  end)

  it("reads no more of a GLB than its JSON", function()
    local glb = fs.read(data .. "kenney/flag.glb")
    local path = write("large.glb", glb)
    orch.process.run { "truncate", "-s", "4G", path }
    expect(model.info(path).triangles):equals(model.info(data .. "kenney/flag.glb").triangles)
  end)
end)

describe("orch.core.base64", function()
  local decode = require("orch.core.base64").decode

  it("undoes what hash.base64 does", function()
    for n = 0, 40 do
      local bytes = {}
      for i = 1, n do bytes[i] = string.char((i * 37 + n) % 256) end
      local text = table.concat(bytes)
      expect(decode("x" .. orch.hash.base64(text), 2)):equals(text)
    end
    expect(decode("-_-_", 1)):equals "\xFB\xFF\xBF"
  end)

  it("takes nothing looser", function()
    for _, text in ipairs { "A", "AB", "ABC", "A===", "AB=C", "AB C", "A!CD", "Ra==", "RaB=",
      "====", "AAAA=", "=AAA" } do
      expect(decode(text, 1)):is_nil()
    end
    expect(decode("", 1)):equals ""
  end)
end)
