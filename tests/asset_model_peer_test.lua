-- Models held against assimp: what it says of the same files, and what we read of the files
-- that it writes. assimp splits vertices where corners differ and meshes where materials do,
-- and gives each model a material; so triangles and our parts (`primitives`) are the same in
-- both, vertices are ours at most.

local fs, process = orch.fs, orch.process
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fbx = dofile(here .. "/helper/fbx_writer.lua")
local new_scene = dofile(here .. "/helper/fbx_scene.lua")
local models = here .. "/data/builds/boids/Assets/Models/"

local dir

--- What `assimp info` counts, or nil when it refuses the file.
local function peer(path)
  local result = process.run { "assimp", "info", path, check = false }
  local function count(name) return tonumber(result.stdout:match("\n" .. name .. ":%s+(%d+)")) end
  if not count "Faces" then return nil end
  return { triangles = count "Faces", vertices = count "Vertices", parts = count "Meshes",
    materials = count "Materials" }
end

local square = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvn 0 0 1\n"

--- Files of ours in each format, and what assimp makes of three FBX of Blender's.
local function make_all()
  local files = {}
  local function add(name, bytes)
    if bytes then fs.write(dir .. "/" .. name, bytes, { sync = false }) end
    files[#files + 1] = dir .. "/" .. name
  end
  for _, version in ipairs { 6100, 7400, 7500 } do
    add("ours-" .. version .. ".fbx", fbx.binary(new_scene(version), version))
    add("ours-text-" .. version .. ".fbx", fbx.text(new_scene(version), version))
  end
  add("ours-packed.fbx", fbx.binary(new_scene(7400), 7400, true))
  fs.write(dir .. "/a.mtl", "newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 1 0\n")
  add("ours.obj", "mtllib a.mtl\n" .. square .. "o one\nusemtl a\nf 1/1/1 2/2/1 3/3/1 4/1/1\n"
    .. "usemtl b\nf -4/-3/-1 -3/-2/-1 -2/-1/-1\no two\ng rim\nf 1//1 2//1 \\\n3//1\n")
  for _, name in ipairs { "Arch", "ConeBoid", "Torus" } do
    files[#files + 1] = models .. name .. ".fbx"
    for _, kind in ipairs { "fbx", "obj", "stl", "stlb" } do
      local out = ("%s-%s.%s"):format(name, kind, kind:gsub("stlb", "stl"))
      process.run { "assimp", "export", models .. name .. ".fbx", dir .. "/" .. out, "-f" .. kind }
      add(out)
    end
  end
  return files
end

--- assimp 5.2 refuses version 6, and its own binary FBX.
local function line(path, info, other)
  local name = fs.path.basename(path)
  return ("  %-22s %9s %11s %6s %9s   %s"):format(name,
    info.triangles .. "/" .. (other and other.triangles or "-"),
    info.vertices .. "/" .. (other and other.vertices or "-"),
    info.primitives .. "/" .. (other and other.parts or "-"),
    #info.materials .. "/" .. (other and other.materials or "-"),
    other == nil and "assimp refuses it" or info.triangles == other.triangles
      and info.primitives == other.parts and "agree" or "DIFFER")
end

describe("models, held against assimp", function()
  it("agrees on triangles and parts", { timeout = "2m" }, function()
    if not process.which "assimp" then test.skip "assimp is not installed" end
    dir = fs.temp_dir()
    print "orch/assimp:             triangles  vertices   parts  materials"
    local differ, agreed = {}, 0
    for _, path in ipairs(make_all()) do
      local info, other = orch.asset.info(path), peer(path)
      print(line(path, info, other))
      if other then
        local same = info.triangles == other.triangles and info.primitives == other.parts
          and (info.vertices <= other.vertices or path:find "stl$")
        agreed = agreed + (same and 1 or 0)
        if not same then differ[#differ + 1] = fs.path.basename(path) end
      end
    end
    expect(differ):equals {}
    expect(agreed):greater_than(12)
  end)

  it("finds meshes in the same place, whatever moves them", { timeout = "2m" }, function()
    if not process.which "assimp" then test.skip "assimp is not installed" end
    dir = fs.temp_dir()
    local down, pivot = { -90.0, 0.0, 0.0 }, { 1.0, 2.0, 3.0 }
    local cases = {
      { box = { ["Lcl Translation"] = pivot, ["Lcl Scaling"] = { 2.0, 3.0, 0.5 } } },
      { box = { ["Lcl Rotation"] = down, RotationPivot = pivot },
        bare = { ["Lcl Rotation"] = { 90.0, 180.0, 90.0 }, ["Lcl Translation"] = pivot } },
      { box = { PreRotation = down, ["Lcl Rotation"] = { 0.0, 90.0, 90.0 },
        PostRotation = { 0.0, 90.0, 90.0 }, RotationOffset = pivot } },
      { box = { ScalingPivot = pivot, ScalingOffset = { 5.0, 0.0, 0.0 },
        ["Lcl Scaling"] = { 2.0, 2.0, 4.0 } }, bare = { PreRotation = { 90.0, 90.0, 0.0 } } },
      { box = { GeometricRotation = { 90.0, 0.0, 0.0 }, GeometricScaling = { 1.0, 2.0, 3.0 },
        GeometricTranslation = pivot, ["Lcl Rotation"] = { 0.0, 0.0, 90.0 } } },
    }
    local files = { models .. "Arch.fbx", models .. "ConeBoid.fbx", models .. "Torus.fbx" }
    for i, case in ipairs(cases) do
      files[#files + 1] = ("%s/%d.fbx"):format(dir, i)
      fs.write(files[#files], fbx.binary(new_scene(7400, case), 7400))
    end
    for _, path in ipairs(files) do
      -- `assimp info` multiplies in the wrong order; its OBJ has the vertices where they are.
      local out = dir .. "/out.obj"
      process.run { "assimp", "export", path, out }
      local ours, other = orch.asset.info(path).bounds, orch.asset.info(out).bounds
      for axis = 1, 3 do
        expect(ours.min[axis]):near(other.min[axis], 0.002)
        expect(ours.max[axis]):near(other.max[axis], 0.002)
      end
    end
  end)

  it("reads of a file in every format what it was made from", { timeout = "2m" }, function()
    if not process.which "assimp" then test.skip "assimp is not installed" end
    dir = fs.temp_dir()
    for name, wanted in pairs { Arch = 204, ConeBoid = 188, Torus = 1152 } do
      for _, kind in ipairs { "fbx", "fbxa", "obj", "stl", "stlb" } do
        local path = ("%s/%s-%s.%s"):format(dir, name, kind,
          kind:gsub("stlb", "stl"):gsub("fbxa", "fbx"))
        process.run { "assimp", "export", models .. name .. ".fbx", path, "-f" .. kind }
        local info = orch.asset.info(path)
        expect({ path, info.triangles, info.non_finite }):equals { path, wanted, 0 }
        if not kind:find "^stl" then expect(info.uv):is(true) end
        expect(info.normals):is(true)
      end
    end
  end)
end)
