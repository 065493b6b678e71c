-- OBJ and the material libraries beside it: all ways to write a face, several pieces, and
-- what is wrong, with its line.

local fs = orch.fs
local mtl = require "orch.asset.mtl"

local dir

local function read(text)
  fs.write(dir .. "/a.obj", text, { sync = false })
  return orch.asset.info(dir .. "/a.obj")
end

local function refused(text)
  return expect(function() read(text) end):raises({ kind = "format" }).message
end

local square = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0.5\n"
local full = square .. "vt 0 0\nvt 1 0\nvt 1 1\nvn 0 0 1\n"

describe("OBJ", function()
  before_each(function() dir = fs.temp_dir() end)

  it("counts vertices, and polygons as triangles", function()
    local info = read("# Blender 4.2.0\n# www.blender.org\n" .. square .. "f 1 2 3\nf 1 2 3 4\n")
    expect({ info.vertices, info.triangles, info.meshes, info.primitives }):equals { 4, 3, 1, 1 }
    expect(info.bounds):equals { min = { 0, 0, 0 }, max = { 1, 1, 0.5 } }
    expect({ info.uv, info.normals, info.non_finite }):equals { false, false, 0 }
    expect(info.generator):equals "Blender 4.2.0"
    expect({ info.materials, info.textures, info.references }):equals { {}, {}, {} }
  end)

  it("sees UVs and normals only where all faces have them", function()
    local faces = {
      ["f 1/1/1 2/2/1 3/3/1\n"] = { true, true }, ["f 1/1 2/2 3/3\n"] = { true, false },
      ["f 1//1 2//1 3//1\n"] = { false, true }, ["f 1 2 3\n"] = { false, false },
      ["f 1/1/1 2/2/1 3/3/1 4/1/1\n"] = { true, true },
      ["f 1/1/1 2/2/1 3/3/1 4//1\n"] = { false, true },
      ["f -4/-3/-1 -3/-2/-1 -2/-1/-1\n"] = { true, true },
      ["f\t1/1/1\t2/2/1 3/3/1  \r\n"] = { true, true },
    }
    for face, wanted in pairs(faces) do
      local info = read(full .. face)
      expect({ face, info.uv, info.normals }):equals { face, wanted[1], wanted[2] }
      info = read(full .. "f 1/1/1 2/2/1 3/3/1\n" .. face)
      expect({ face, info.uv, info.normals }):equals { face, wanted[1], wanted[2] }
    end
  end)

  it("takes lines that go on in the next, CR LF, and no last line end", function()
    local info = read "v 0 0 \\\n0\r\nv 1 \\\r\n 0 0\r\nv 0 1 0\r\nf 1 \\\r\n2\\\n 3"
    expect({ info.vertices, info.triangles }):equals { 3, 1 }
    expect(refused "v 0 0 \\\n0\nv 0 \\\n1 0\nf 1 1 9\n"):contains "line 5: a face has the vertex 9"
  end)

  it("tells objects, groups and materials apart", function()
    local info = read(square .. [[
o crate
usemtl wood
f 1 2 3
usemtl old iron
f 1 2 3
usemtl wood
f 1 2 4
o lid
g rim
f 1 2 3
g handle
f 1 2 3
g empty
]])
    expect({ info.meshes, info.primitives, info.triangles }):equals { 3, 4, 5 }
    expect(info.materials):equals {
      { name = "wood", textures = {} }, { name = "old iron", textures = {} },
    }
  end)

  it("names libraries, and the textures in those that are there", function()
    fs.mkdir(dir .. "/mat")
    fs.write(dir .. "/mat/a b.mtl", [[
newmtl wood
Kd 1 1 1
map_Kd -s 2 2 1 -o 0.5 -clamp on wood base.png
map_Bump -bm 0.3 wood_N.png
newmtl unused
	map_d C:\art\hole.tga
]])
    local info = read("mtllib mat\\a b.mtl\nmtllib gone.mtl other.mtl\n" .. full
      .. "usemtl wood\nf 1 2 3\n")
    expect(info.materials):equals { { name = "wood", textures = {
      map_kd = "mat\\wood base.png", map_bump = "mat\\wood_N.png" } } }
    expect(info.textures):equals { "mat\\wood base.png", "mat\\wood_N.png", "C:\\art\\hole.tga" }
    expect(info.references):equals { "mat\\a b.mtl", "mat\\wood base.png", "mat\\wood_N.png",
      "C:\\art\\hole.tga", "gone.mtl", "other.mtl" }
  end)

  it("goes on when a library is a folder, or too large to be one", function()
    fs.mkdir(dir .. "/a.mtl")
    local file <close> = assert(io.open(dir .. "/b.mtl", "wb"))
    file:seek("set", 1 << 30)
    file:write "x"
    file:flush()
    local info = read("mtllib a.mtl b.mtl\n" .. square .. "f 1 2 3\n")
    expect(info.references):equals { "a.mtl", "b.mtl" }
  end)

  it("reads options of textures", function()
    local list = mtl.parse("map_Ka x.png\nnewmtl a\n"
      .. "map_Ka -o 1 2 3 -t 1 -mm 0 1 y.png\nNs 3\nbump\n")
    expect(list):equals { { name = "a", textures = { map_ka = "y.png" }, files = { "y.png" } } }
    expect(mtl.parse "newmtl a\nmap_Ka -s 1 2 3"[1].textures):equals { map_ka = "3" }
    expect(mtl.parse "newmtl a\nrefl -type sphere -blendu off sky 1.hdr"[1].textures)
      :equals { refl = "sky 1.hdr" }
  end)

  it("has texts as UTF-8, and names of files as they are", function()
    fs.write(dir .. "/m\xfc.mtl", "newmtl H\xf6lz\nmap_Kd t\xe4x.png\n")
    local info = read("# Gr\xf6\xdfe\nmtllib m\xfc.mtl\n" .. square .. "usemtl H\xf6lz\nf 1 2 3\n")
    expect(info.generator):equals "Größe"
    expect(info.materials):equals { { name = "Hölz", textures = { map_kd = "t\xe4x.png" } } }
    expect(info.references):equals { "m\xfc.mtl", "t\xe4x.png" }
  end)

  it("counts what is not finite", function()
    local info = read("v nan 0 0\nv 1 -inf 0\nv 0 1.#IND 2e9\nvt 1e999 0\n"
      .. "vn 0 -nan(ind) 1\nf 1 2 3\n")
    expect(info.non_finite):equals(5)
    expect(info.bounds):equals { min = { 0, 0, 0 }, max = { 1, 0, 2e9 } }
    expect(read("v nan nan nan\n").bounds):is_nil()
  end)

  it("reads curves, colours and what it does not know, without counting them", function()
    local info = read("\xEF\xBB\xBFv 0 0 0 1 0.5 0.25\nv 1 0 0 1\nv 0 1 0\np 1\nl 1 2 3\ns off\n"
      .. "vp 0.1\ncurv 0 1 1 2\nf 1 2 3\n")
    expect({ info.vertices, info.triangles, info.bounds.max[1] }):equals { 3, 1, 1 }
  end)

  it("reads a file of many pieces, wherever their borders are", function()
    local parts = { full }
    for i = 1, 30000 do
      parts[#parts + 1] = ("v %d %.3f -%d\nf %d/1/1 %d/2/1 %d/3/1%s\n"):format(i, i / 7, i,
        i + 4, i + 3, i + 2, i % 3 == 0 and " 1/1/1" or "")
    end
    local info = read(table.concat(parts))
    expect({ info.vertices, info.triangles, info.uv }):equals { 30004, 40000, true }
    expect(info.bounds.min[3]):equals(-30000)
  end)

  it("says what is wrong, and in which line", function()
    expect(refused(square .. "f 1 2 5\n")):contains
      "line 5: a face has the vertex 5, and the file has 4"
    expect(refused(full .. "f 1/1/1 2/9/1 3/1/1\n")):contains "line 9: a face has the texture"
    expect(refused(full .. "f 1/1/1 2/1/2 3/1/1 3/1/1\n"))
      :contains "line 9: a face has the normal 2"
    expect(refused(square .. "f 1 2 99999999999999999999\n"))
      :contains "the vertex 100000000000000000000, and the file has 4"
    expect(refused(square .. "f 1 2 0\n")):contains "vertex 0"
    expect(refused(full .. "f 1/1/1 2/1/1 3/0/1\n")):contains "coordinate 0"
    expect(refused "v 0 0 0\nf -1 -1 -2\nv 0 0 0\n"):contains
      "line 2: a face has the vertex -2, and there are 1 so far"
    expect(refused(square .. "\n\nf 1 2\n")):contains "line 7: a face has 2 corners"
    expect(refused(square .. "f 1 2 x\n")):contains "'x' is no corner"
    expect(refused "v 0 0\n"):contains "line 1: a vertex needs three"
    expect(refused "v 0,5 0 0\n"):contains "'0,5' is no number"
    expect(refused "MZ\0\0\0"):contains "NUL"
    expect(refused "hello\nworld\n"):contains "no line of it is one of OBJ"
    expect(refused(("v 0 0 0 "):rep(400000))):contains "longer than"
    expect(refused ""):contains "it is empty"
  end)
end)
