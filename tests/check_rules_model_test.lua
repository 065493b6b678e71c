-- The rules for models that come with orch: of each a file that passes and one that does not.

local fs = orch.fs

local CRATE, HERO = "Assets/Props/crate.glb", "Assets/Characters/hero.fbx"

describe("model.triangles", function()
  it("has a budget for each folder", function()
    check.expect("model.triangles", { triangles = 20000, path = CRATE }):passes()
    check.expect("model.triangles", { triangles = 60000, path = HERO }):passes()
    local found = check.expect("model.triangles", { triangles = 20001, path = CRATE }):fails {
      found = "20001 triangles", severity = "warning" }.findings[1]
    expect(found.cost):equals { triangles = 1 }
  end)
end)

describe("model.uv", function()
  it("wants them, but for collisions and models without triangles", function()
    check.expect("model.uv", { path = CRATE }):passes()
    check.expect("model.uv", { uv = false, triangles = 0, path = CRATE }):passes()
    check.expect("model.uv", { uv = false, path = CRATE }):fails { found = "no UVs" }
    expect(function() check.expect("model.uv", { uv = false, path = "a/crate_col.fbx" }) end)
      :raises "does not look at"
  end)
end)

describe("model.materials", function()
  local function named(...)
    local list = {}
    for i, name in ipairs { ... } do list[i] = { name = name, textures = {} } end
    return { materials = list, path = CRATE }
  end

  it("wants few, with names", function()
    check.expect("model.materials", named("M_Wood", "M_Iron")):passes()
    check.expect("model.materials", named("a1", "b1", "c1", "d1", "e1", "f1")):fails {
      found = "6 materials", severity = "warning" }
    check.expect("model.materials", named("M_Wood", "lambert1", "Material.001")):fails {
      found = "lambert1, Material.001", severity = "info" }
    check.expect("model.materials", { materials = { { textures = {} } }, path = CRATE }):fails {
      found = "(no name)" }
  end)
end)

describe("model.empty", function()
  it("wants anything in it", function()
    check.expect("model.empty", { path = CRATE }):passes()
    check.expect("model.empty", { primitives = 0, animations = 1, path = HERO }):passes()
    check.expect("model.empty", { primitives = 0, triangles = 0, path = CRATE }):fails {
      severity = "warning" }
  end)
end)

describe("model.scale", function()
  local function sized(side, units, path)
    return { bounds = { min = { 0, 0, 0 }, max = { 1, side, 1 } }, units = units, path = path }
  end

  it("wants things to be as large as things are", function()
    check.expect("model.scale", sized(1.8, "m", CRATE)):passes()
    check.expect("model.scale", sized(180, "cm", HERO)):passes()
    check.expect("model.scale", sized(18000, "m", CRATE)):fails { found = "1.8e+04 m",
      severity = "info" }
    check.expect("model.scale", { bounds = { min = { 0, 0, 0 }, max = { 1, 1, 1 } },
      units = "mm", path = HERO }):fails { found = "0.001 m" }
  end)
end)

local function project(files)
  local folder = fs.temp_dir()
  for path, text in pairs(files) do
    fs.mkdir(fs.path.dirname(folder .. "/" .. path))
    fs.write(folder .. "/" .. path, text, { sync = false })
  end
  return folder
end

local OBJ = "mtllib wood.mtl\nv 0 0 0\nv 1 0 0\nv 0 %s 0\nvt 0 0\nusemtl M_Wood\nf 1/1 2/1 3/1\n"

describe("model.finite", function()
  it("finds coordinates that are no numbers", function()
    check.expect("model.finite", project { ["a.obj"] = OBJ:format "1" }):passes()
    check.expect("model.finite", project { ["a.obj"] = OBJ:format "nan" }):fails {
      severity = "error", found = "1 of them" }
  end)
end)

describe("model.references", function()
  local MTL = "newmtl M_Wood\nmap_Kd %s\n"

  it("wants files to be there", function()
    check.expect("model.references", project { ["a.obj"] = OBJ:format "1",
      ["wood.mtl"] = MTL:format "wood.png", ["wood.png"] = "x" }):passes()
    check.expect("model.references", project { ["a.obj"] = OBJ:format "1" }):fails {
      message = "names 'wood.mtl', which is not there", severity = "warning" }
    check.expect("model.references", project { ["a.obj"] = OBJ:format "1",
      ["wood.mtl"] = MTL:format "Wood.png", ["wood.png"] = "x" }):fails {
      found = "wood.png", hint = "only Windows finds it" }
    check.expect("model.references", project { ["a.obj"] = OBJ:format "1",
      ["wood.mtl"] = MTL:format "C:\\art\\wood.png" }):fails { message = "of one computer" }
  end)

  it("is strict with glTF", function()
    check.expect("model.references", { references = { "no.bin" }, path = "a/crate.gltf" }):fails {
      severity = "error", message = "'no.bin'" }
  end)
end)

describe("model.gltf", function()
  local GLTF = [[{ "asset": { "version": "2.0" }, "scenes": [ { "nodes": [ %d ] } ],
    "nodes": [ { "name": "root" } ] }]]

  it("holds models against the standard", function()
    check.expect("model.gltf", project { ["a.gltf"] = GLTF:format(0) }):passes()
    check.expect("model.gltf", project { ["a.gltf"] = GLTF:format(3) }):fails {
      severity = "error", message = "UNRESOLVED_REFERENCE", pointer = "/scenes/0/nodes/0" }
  end)

  it("says each code once, and no more than a few", function()
    local text = [[{ "asset": { "version": "2.0" }, "nodes": [ { "mesh": 1 }, { "mesh": 2 } ] }]]
    local found = check.expect("model.gltf", project { ["a.gltf"] = text }).findings
    expect({ #found, found[1].found, found[1].template }):equals { 1, "2 times",
      "UNRESOLVED_REFERENCE: %s" }
  end)
end)
