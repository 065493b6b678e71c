-- gltf.validate: options, what is read, bad and hostile input. Agreement with the Khronos
-- validator is in gltf_suite_test.lua.

local fs, gltf, json = orch.fs, orch.gltf, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/gltf/"

local dir

local function write(name, bytes)
  local path = dir .. "/" .. name
  fs.write(path, bytes, { sync = false })
  return path
end

--- A document with an asset, as a file.
local function document(t, name)
  t.asset = t.asset or { version = "2.0" }
  return write(name or "model.gltf", json.encode(t))
end

local function codes(result)
  local list = {}
  for i, issue in ipairs(result.issues) do list[i] = issue.code end
  return list
end

local function find(result, code)
  for _, issue in ipairs(result.issues) do
    if issue.code == code then return issue end
  end
end

--- A buffer with the numbers, as a data URI.
local function buffer(format, ...)
  local bytes = string.pack(format, ...)
  return { byteLength = #bytes,
    uri = "data:application/octet-stream;base64," .. orch.hash.base64(bytes) }, bytes
end

describe("gltf.validate", function()
  before_each(function() dir = fs.temp_dir() end)

  it("says what is wrong, where and how bad", function()
    local result = gltf.validate(document { nodes = { { camera = 3 } }, scene = 0, foo = 1 })
    expect(result.valid):is(false)
    expect(result.errors):equals(2)
    expect(result.warnings):equals(1)
    expect(result.infos):equals(2)
    expect(result.hints):equals(0)
    expect(result.truncated):is(false)
    expect(result.issues[1]):equals { code = "UNEXPECTED_PROPERTY", severity = "warning",
      pointer = "/foo",
      message = "glTF knows no such property here; own data belong into 'extras'" }
    expect(find(result, "UNRESOLVED_REFERENCE").message):equals "there is no object 0"
  end)

  it("finds nothing in a model that is right", function()
    local result = gltf.validate(data .. "samples/gltf-transform/Box_glTF/Box.gltf")
    expect(result.valid):is(true)
    expect(#result.issues):equals(0)
  end)

  it("gives the same report each time", function()
    local path = data .. "samples/assimp/SchemaFailures/sceneWrongType.gltf"
    expect(gltf.validate(path).issues):equals(gltf.validate(path).issues)
  end)

  it("passes over codes, or takes them as something else", function()
    local path = document { nodes = { { camera = 3 } } }
    expect(gltf.validate(path, { ignore = { "UNRESOLVED_REFERENCE" } }).valid):is(true)
    local result = gltf.validate(path, { severity = { UNRESOLVED_REFERENCE = "warning",
      UNUSED_OBJECT = "error" } })
    expect(result.errors):equals(1)
    expect(find(result, "UNRESOLVED_REFERENCE").severity):equals "warning"
  end)

  it("ends when there are enough issues", function()
    local nodes = {}
    for i = 1, 50 do nodes[i] = { foo = i } end
    local path = document { nodes = nodes }
    local result = gltf.validate(path, { max_issues = 10 })
    expect(#result.issues):equals(10)
    expect(result.truncated):is(true)
    expect(gltf.validate(path).truncated):is(false)
  end)

  it("refuses wrong options with the nearest word", function()
    local err = expect(function() gltf.validate("x", { max_isues = 1 }) end):raises "usage"
    expect(err.message):contains "did you mean `max_issues`?"
    err = expect(function() gltf.validate("x", { ignore = { "UNUSED_OBJET" } }) end):raises "usage"
    expect(err.message):contains "did you mean UNUSED_OBJECT?"
    expect(function() gltf.validate("x", { severity = { UNUSED_OBJECT = "bad" } }) end)
      :raises "usage"
    expect(function() gltf.validate("x", { max_issues = 0 }) end):raises "usage"
  end)

  it("raises where the file itself cannot be read", function()
    local err = expect(function() gltf.validate(dir .. "/none.gltf") end):raises "os"
    expect(err.code):equals "ENOENT"
    expect(function() gltf.validate(dir) end):raises "os"
  end)

  it("follows the working directory", function()
    document({}, "here.gltf")
    local _ <close> = orch.cd(dir)
    expect(gltf.validate("here.gltf").valid):is(true)
  end)
end)

describe("files beside a glTF", function()
  before_each(function() dir = fs.temp_dir() end)

  it("are read by their unescaped names, from the folder of the model", function()
    write("a b.bin", ("\0"):rep(8))
    local path = document { buffers = { { byteLength = 8, uri = "a%20b.bin" } } }
    expect(codes(gltf.validate(path))):equals { "UNUSED_OBJECT" }
  end)

  it("are missed, and too short ones too", function()
    write("short.bin", "abc")
    local result = gltf.validate(document { buffers = { { byteLength = 8, uri = "none.bin" },
      { byteLength = 8, uri = "short.bin" } } })
    expect(find(result, "IO_ERROR").pointer):equals "/buffers/0/uri"
    expect(find(result, "IO_ERROR").message):contains "none.bin"
    expect(find(result, "BUFFER_BYTE_LENGTH_MISMATCH").pointer):equals "/buffers/1"
  end)

  it("are no addresses, devices or folders", function()
    local result = gltf.validate(document { images = { { uri = "http://127.0.0.1:1/a.png" },
      { uri = "/dev/zero" }, { uri = "." }, { uri = "a%00b" } } })
    local pointers = {}
    for _, issue in ipairs(result.issues) do
      if issue.code == "IO_ERROR" then pointers[#pointers + 1] = issue.pointer end
    end
    expect(pointers):equals { "/images/0/uri", "/images/1/uri", "/images/2/uri", "/images/3/uri" }
  end)

  it("may be images with a long head", function()
    local png = fs.read(data .. "samples/tinygltf/CubeImageUriSpaces/2x2 image has spaces.png")
    local text = ("x"):rep(200000)
    local chunk = string.pack(">I4", #text) .. "tEXt" .. text .. "\0\0\0\0"
    write("long.png", png:sub(1, 33) .. chunk .. png:sub(34))
    expect(codes(gltf.validate(document { images = { { uri = "long.png" } } })))
      :equals { "UNUSED_OBJECT" }
  end)

  it("of buffers beyond any sense are not read", function()
    local sparse = dir .. "/huge.bin"
    orch.process.run { "truncate", "-s", "5G", sparse }
    local result = gltf.validate(document { buffers = { { byteLength = 4 << 30, uri = "huge.bin" },
      { byteLength = 6 << 30, uri = "huge.bin" } } })
    expect(result.skipped):equals { "/buffers/0" }
    expect(find(result, "BUFFER_BYTE_LENGTH_MISMATCH").pointer):equals "/buffers/1"
  end)
end)

describe("numbers in buffers", function()
  before_each(function() dir = fs.temp_dir() end)

  local function accessor(t)
    t.bufferView, t.componentType = 0, t.componentType or 5126
    return t
  end

  local function checked(b, a, more)
    local doc = more or {}
    doc.buffers, doc.bufferViews = { b }, { { buffer = 0, byteLength = b.byteLength } }
    doc.accessors = { accessor(a) }
    return gltf.validate(document(doc))
  end

  it("are compared with what is declared, as floats", function()
    local b = buffer("<fff", 0.1, 0.2, 0.3)
    local right = { count = 3, type = "SCALAR", min = { 0.1 }, max = { 0.3 } }
    expect(checked(b, right).valid):is(true)
    local result = checked(b, { count = 3, type = "SCALAR", min = { 0.15 }, max = { 0.4 } })
    expect(find(result, "ACCESSOR_MIN_MISMATCH").pointer):equals "/accessors/0/min/0"
    expect(find(result, "ACCESSOR_ELEMENT_OUT_OF_MIN_BOUND").message)
      :matches "^1 elements are less"
    expect(find(result, "ACCESSOR_MAX_MISMATCH").message)
      :equals "the maximum is said to be 0.400000006, and is 0.300000012"
    expect(find(result, "ACCESSOR_ELEMENT_OUT_OF_MAX_BOUND")):is_nil()
  end)

  it("are looked at in pieces, over all of them", function()
    -- More elements than one piece has; what is wrong is at the end.
    local n = 3 * (1 << 16) + 10
    local numbers = {}
    for i = 1, n do numbers[i] = i - 1 end
    numbers[n] = numbers[n - 1]
    local parts = {}
    for i = 1, n, 200 do
      local last = math.min(n, i + 199)
      parts[#parts + 1] = string.pack("<" .. ("f"):rep(last - i + 1), table.unpack(numbers, i, last))
    end
    write("times.bin", table.concat(parts))
    local b = { byteLength = n * 4, uri = "times.bin" }
    local result = checked(b, { count = n, type = "SCALAR", min = { 0 }, max = { n - 1 } }, {
      nodes = { { children = { 1 } }, {} },
      animations = { { samplers = { { input = 0, output = 0 } },
        channels = { { sampler = 0, target = { path = "weights", node = 1 } } } } },
    })
    local found = find(result, "ACCESSOR_ANIMATION_INPUT_NON_INCREASING")
    expect(found.message):contains(("time %d is not after"):format(n - 1))
    expect(find(result, "ACCESSOR_MAX_MISMATCH").message):contains(("and is %d"):format(n - 2))
  end)

  it("let others run while they are many", function()
    local n = 4 << 20
    orch.process.run { "truncate", "-s", tostring(n * 4), dir .. "/zeros.bin" }
    local turns = 0
    orch.spawn({ daemon = true }, function()
      while true do
        orch.checkpoint()
        turns = turns + 1
      end
    end)
    local b = { byteLength = n * 4, uri = "zeros.bin" }
    expect(checked(b, { count = n, type = "SCALAR", min = { 0 }, max = { 0 } }).valid):is(true)
    expect(turns):greater_than(n // (3 << 16))
  end)

  it("may be replaced by sparse ones", function()
    local b = buffer("<BBxxff", 1, 3, 5, -6)
    local doc = { buffers = { b }, bufferViews = { { buffer = 0, byteLength = 4 },
      { buffer = 0, byteOffset = 4, byteLength = 8 } },
      accessors = { { componentType = 5126, count = 4, type = "SCALAR", min = { -6 }, max = { 5 },
        sparse = { count = 2, indices = { bufferView = 0, componentType = 5121 },
          values = { bufferView = 1 } } } } }
    expect(gltf.validate(document(doc)).valid):is(true)
    doc.accessors[1].max = { 4 }
    expect(find(gltf.validate(document(doc)), "ACCESSOR_MAX_MISMATCH")).never:is_nil()
  end)

  it("of one accessor are looked at once, however often it is used", function()
    local b = buffer("<fffffffff", 2, 0, 0, 2, 0, 0, 2, 0, 0)
    local primitives = {}
    for i = 1, 2000 do
      primitives[i] = { attributes = { POSITION = 0, NORMAL = 0 } }
    end
    local result = checked(b, { count = 3, type = "VEC3", min = { 2, 0, 0 }, max = { 2, 0, 0 } },
      { meshes = { { primitives = primitives } } })
    local pointers = {}
    for _, issue in ipairs(result.issues) do
      if issue.code == "ACCESSOR_VECTOR3_NON_UNIT" then pointers[issue.pointer] = true end
    end
    expect(pointers["/meshes/0/primitives/0/attributes/NORMAL"]):is(true)
    expect(pointers["/meshes/0/primitives/300/attributes/NORMAL"]):is(true)
  end)
end)

describe("hostile glTF", function()
  before_each(function() dir = fs.temp_dir() end)

  it("nested without end is no JSON", function()
    local deep = ("["):rep(100000)
    local result = gltf.validate(write("deep.gltf", '{"asset":{"version":"2.0"},"extras":' .. deep))
    expect(codes(result)):equals { "INVALID_JSON" }
    expect(result.issues[1].pointer):equals ""
    expect(result.issues[1].message):contains "nested deeper than 1000 levels"
  end)

  it("is nothing at all, a pointer of Git LFS, text, or half a file", function()
    expect(codes(gltf.validate(write("empty.gltf", "")))):equals { "INVALID_JSON" }
    expect(codes(gltf.validate(write("empty.glb", "")))):equals { "GLB_UNEXPECTED_END_OF_HEADER" }
    expect(codes(gltf.validate(write("lfs.glb", "version https://git-lfs.github.com/spec/v1\n"))))
      :equals { "GLB_INVALID_MAGIC" }
    local glb = fs.read(data .. "kenney/flag.glb")
    expect(find(gltf.validate(write("half.glb", glb:sub(1, #glb // 2))),
      "GLB_UNEXPECTED_END_OF_CHUNK_DATA").offset):equals(#glb // 2)
  end)

  it("claims more elements than there is memory", function()
    local big = 1 << 40
    local result = gltf.validate(document { buffers = { { byteLength = 4, uri = "data:,abcd" } },
      bufferViews = { { buffer = 0, byteLength = 4 } },
      accessors = { { componentType = 5126, count = big, type = "MAT4", bufferView = 0,
        sparse = { count = 1, indices = { bufferView = 0, componentType = 5121 },
          values = { bufferView = 0 } } },
        { componentType = 5126, count = big, type = "SCALAR",
          sparse = { count = 1, indices = { bufferView = 0, componentType = 5121 },
            values = { bufferView = 0 } } } } })
    expect(find(result, "ACCESSOR_TOO_LONG").pointer):equals "/accessors/0"
  end)

  it("has numbers that no double holds", function()
    local result = gltf.validate(write("inf.gltf", '{"asset":{"version":"2.0"},"nodes":[{'
      .. '"translation":[1e999,-1e999,0]}],"scene":123456789012345678901234567890}'))
    expect(find(result, "VALUE_NOT_IN_RANGE").pointer):equals "/nodes/0/translation/0"
    expect(find(result, "UNRESOLVED_REFERENCE").pointer):equals "/scene"
  end)

  it("has nodes that are their own ancestors, in a long chain", function()
    local nodes = {}
    for i = 1, 20000 do nodes[i] = { children = { i % 20000 } } end
    local result = gltf.validate(document { nodes = nodes, scenes = { { nodes = { 0 } } },
      skins = { { joints = { 5, 7, 19999 } } } }, { max_issues = 100000 })
    expect(find(result, "NODE_LOOP")).never:is_nil()
  end)

  it("has joints in the depth, and many of them", function()
    local nodes, joints = {}, {}
    for i = 1, 20000 do
      nodes[i] = { children = i < 20000 and { i } or nil, name = "n" }
      joints[i] = i - 1
    end
    local result = gltf.validate(document { nodes = nodes, skins = { { joints = joints } },
      scenes = { { nodes = { 0 } } } })
    expect(find(result, "SKIN_NO_COMMON_ROOT")):is_nil()
  end)

  it("names itself as its own buffer and image", function()
    local result = gltf.validate(document { buffers = { { byteLength = 4, uri = "model.gltf" } },
      images = { { uri = "model.gltf" } } })
    expect(find(result, "IMAGE_UNRECOGNIZED_FORMAT")).never:is_nil()
  end)
end)
