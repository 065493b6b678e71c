-- STL, binary and text, and how the two are told apart.

local fs = orch.fs

local dir

local function read(bytes)
  fs.write(dir .. "/a.stl", bytes, { sync = false })
  return orch.asset.info(dir .. "/a.stl")
end

local function refused(bytes)
  return expect(function() read(bytes) end):raises({ kind = "format" }).message
end

local function binary(n, header, change)
  local parts = { (header or "made by a test"):sub(1, 80), string.pack("<I4", n) }
  parts[1] = parts[1] .. ("\0"):rep(80 - #parts[1])
  for i = 1, n do
    local x = change and change(i) or i
    parts[#parts + 1] = string.pack("<ffffffffffffI2", 0, 0, 1, x, 0, 0, 0, 2, 0, 0, 0, -3, 7)
  end
  return table.concat(parts)
end

local facet = [[
  facet normal 0 0 1
    outer loop
      vertex 0 0 0
      vertex 1e0 0 0
      vertex 0 2 0
    endloop
  endfacet
]]

describe("STL", function()
  before_each(function() dir = fs.temp_dir() end)

  it("is read as binary", function()
    for _, n in ipairs { 1, 15, 16, 17, 5000 } do
      local info = read(binary(n))
      expect({ info.triangles, info.vertices, info.meshes }):equals { n, 3 * n, 1 }
      expect(info.bounds):equals { min = { 0, 0, -3 }, max = { n, 2, 0 } }
      expect({ info.version, info.generator }):equals { "binary", "made by a test" }
      expect({ info.uv, info.normals, info.non_finite }):equals { false, true, 0 }
    end
    expect(read(binary(0)).triangles):equals(0)
    expect(read(binary(2) .. "more").triangles):equals(2)
  end)

  it("is read as text", function()
    local info = read("solid crate one\n" .. facet:rep(3) .. "endsolid crate one\n")
    expect({ info.triangles, info.vertices, info.meshes }):equals { 3, 9, 1 }
    expect(info.bounds):equals { min = { 0, 0, 0 }, max = { 1, 2, 0 } }
    expect({ info.version, info.generator }):equals { "text", "crate one" }
    info = read("SOLID\r\n" .. facet:upper():gsub("\n", "\r\n") .. "ENDSOLID\r\nsolid b\n"
      .. facet:rep(3000) .. "endsolid")
    expect({ info.triangles, info.meshes, info.generator }):equals { 3001, 2, nil }
    expect(read("solid empty\nendsolid empty\n").meshes):equals(0)
  end)

  it("is binary when its size says so, though it begins with solid", function()
    local info = read(binary(3, "solid part of facet"))
    expect({ info.version, info.triangles }):equals { "binary", 3 }
    expect(read(binary(3, "solid with nuls") .. "\0\0").version):equals "binary"
  end)

  it("counts what is not finite, also in normals", function()
    local bad = { [7] = 0 / 0, [39] = 1 / 0 }
    local info = read(binary(40, nil, function(i) return bad[i] or i end))
    expect(info.non_finite):equals(2)
    expect(info.bounds.max):equals { 40, 2, 0 }
    local text = facet:gsub("normal 0", "normal nan"):gsub("1e0", "1.#INF")
    expect(read("solid\n" .. text .. "endsolid\n").non_finite):equals(2)
  end)

  it("says what is wrong", function()
    expect(refused(binary(10):sub(1, -2))):contains "it says 10 triangles, and ends after 9"
    expect(refused(binary(1):sub(1, 80) .. "\xFF\xFF\xFF\xFF")):contains "4294967295 triangles"
    expect(refused "abc"):contains "it has 3 bytes; a header alone has 84"
    expect(refused ""):contains "it is empty"
    expect(refused("solid a\n" .. facet:rep(2))):contains "ends before endsolid"
    expect(refused "solid a\n  facet normal 0 0\n"):contains "line 2: three numbers are missing"
    expect(refused "solid a\nfacet normal 0 0 x\n"):contains "line 2: 'x' is no number"
    expect(refused("solid a\n" .. facet:gsub("%s+vertex 0 2 0", "") .. "endsolid"))
      :contains "line 7: a triangle has 2 corners"
    expect(refused("solid a\n" .. facet .. "<html>\nendsolid")):contains
      "line 9: '<html>' is no word of STL"
    expect(refused("solid facet\n" .. ("a"):rep(200000))):contains "longer than"
  end)
end)
