-- Headers of models, cut short anywhere and with bytes changed: each gives an info or an Error
-- of kind `format`, within a bounded number of steps.
--
-- FUZZ=100000 makes so many changes (default 2000); SEED=n begins elsewhere.

local fs = orch.fs
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fbx = dofile(here .. "/helper/fbx_writer.lua")
local new_scene = dofile(here .. "/helper/fbx_scene.lua")
local models = here .. "/data/builds/boids/Assets/Models/"

local CHANGES = math.tointeger(os.getenv "FUZZ" or 2000)
local SEED = math.tointeger(os.getenv "SEED" or 7)
--- Steps of the Lua machine: what these files need honestly is below a tenth of it.
local MOST_STEPS = 20000000

local obj = "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0.5e1\nvt 0 0\nvn 0 0 1\no a\nusemtl b\n"
  .. "f 1/1/1 2/1/1 3/1/1\nf 1//1 2//1 -1//-1\ng c\nf 1 \\\n2 3 1\n"
local facet = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
  .. "endloop\nendfacet\n"

local function samples()
  return {
    ["6.fbx"] = fbx.binary(new_scene(6100), 6100),
    ["7.fbx"] = fbx.binary(new_scene(7400), 7400),
    ["7packed.fbx"] = fbx.binary(new_scene(7400), 7400, true),
    ["75.fbx"] = fbx.binary(new_scene(7500), 7500, true),
    ["text6.fbx"] = fbx.text(new_scene(6100), 6100),
    ["text7.fbx"] = fbx.text(new_scene(7400), 7400),
    ["blender.fbx"] = fs.read(models .. "Arch.fbx"),
    ["a.obj"] = obj, ["a.mtl"] = "newmtl b\nmap_Kd -s 1 2 x.png\n",
    ["b.stl"] = ("\0"):rep(80) .. string.pack("<I4", 3) .. ("\1\2\3\4\5"):rep(30),
    ["t.stl"] = "solid a\n" .. facet:rep(2) .. "endsolid a\n",
  }
end

local dir, names, contents

local function try(name, bytes)
  local path = dir .. "/" .. name
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  debug.sethook(function() error("it does not come to an end", 0) end, "", MOST_STEPS)
  local ok, info = pcall(orch.asset.info, path)
  debug.sethook()
  if not ok then
    return orch.error.is(info) and info.kind == "format" and info.path == path or tostring(info)
  end
  return (info.kind == "model" or info.kind == "image" or info.kind == "audio"
    or info.kind == "font") or "its kind"
end

local function check(name, bytes, what)
  local answer = try(name, bytes)
  if answer ~= true then
    fs.write("build/fuzz-" .. name, bytes)
    error(("%s (%s; build/fuzz-%s): %s"):format(name, what, name, answer), 0)
  end
end

local edges = { 0, 1, 0x7F, 0x80, 0xFF }

local function changed(bytes, random)
  local parts = { bytes }
  for _ = 1, random(1, 4) do
    local text = parts[1]
    local at, how = random(1, #text), random(1, 6)
    if how == 1 then
      parts[1] = text:sub(1, at - 1) .. text:sub(at + random(1, 40)) -- bytes are gone
    elseif how == 2 then
      parts[1] = text:sub(1, at) .. text:sub(random(1, #text), at + 60) .. text:sub(at + 1)
    elseif how == 3 then
      local value = string.pack("<I4", edges[random(1, 5)] << 24 | random(0, 255))
      parts[1] = text:sub(1, at - 1) .. value .. text:sub(at + 4)
    else
      local byte = how == 4 and edges[random(1, 5)] or random(0, 255)
      parts[1] = text:sub(1, at - 1) .. string.char(byte) .. text:sub(at + 1)
    end
    if parts[1] == "" then parts[1] = text end
  end
  return parts[1]
end

describe("models, fuzzed", { timeout = "10m" }, function()
  before_each(function()
    dir, contents = fs.temp_dir(), samples()
    names = {}
    for name, bytes in pairs(contents) do
      names[#names + 1] = name
      fs.write(dir .. "/" .. name, bytes, { sync = false })
    end
    table.sort(names)
  end)

  it("gives an info of each sample as it is", function()
    for _, name in ipairs(names) do
      if not name:find "%.mtl$" then
        expect(orch.asset.info(dir .. "/" .. name).kind):equals "model"
      end
    end
  end)

  it("gives an Error of kind format, or an info, of every prefix", function()
    for _, name in ipairs(names) do
      local bytes = contents[name]
      local step = math.max(1, #bytes // 400)
      for n = 0, #bytes, name:find "%.mtl$" and #bytes + 1 or step do
        check(name, bytes:sub(1, n), "its first " .. n .. " bytes")
      end
      fs.write(dir .. "/" .. name, bytes, { sync = false })
    end
  end)

  it("gives an Error of kind format, or an info, whatever bytes are changed", function()
    math.randomseed(SEED)
    local models_only = {}
    for _, name in ipairs(names) do
      if not name:find "%.mtl$" then models_only[#models_only + 1] = name end
    end
    for i = 1, CHANGES do
      local name = models_only[i % #models_only + 1]
      if i % 10 == 0 then
        fs.write(dir .. "/a.mtl", changed(contents["a.mtl"], math.random), { sync = false })
      end
      check(name, changed(contents[name], math.random), "change " .. i .. " of seed " .. SEED)
    end
  end)
end)
