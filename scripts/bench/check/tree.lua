-- A tree of assets for benchmarks and demos, as a Unity project has them: the same for the same
-- seed. Nearly all of it is in order; `faults` says what is not.
--
--   orch run scripts/bench/check/tree.lua FOLDER [--count 1000] [--seed 1] [--no-meta]
--   orch run scripts/bench/check/tree.lua FOLDER --small 50000
--
-- The first is a mix of so many PNG, TGA, JPEG, DDS, WAV, OGG, GLB, OBJ and materials, of
-- which each has its .meta beside it (not counted). The second is so many files of some 100
-- bytes in all: half of them assets in folders of 50, half their .meta.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local images = dofile(here .. "/make/images.lua")
local sounds = dofile(here .. "/make/sounds.lua")
local models = dofile(here .. "/make/models.lua")

local function options(args)
  local opts, i = { count = 1000, seed = 1, meta = true }, 1
  while i <= #args do
    local name = args[i]:match "^%-%-(%a+)$"
    if args[i] == "--no-meta" then
      opts.meta = false
    elseif name == "count" or name == "seed" or name == "small" then
      i = i + 1
      opts[name] = math.tointeger(args[i]) or orch.error("--" .. name .. " needs a number")
    elseif not opts.folder and args[i]:sub(1, 1) ~= "-" then
      opts.folder = args[i]
    else
      orch.error("unknown: " .. args[i])
    end
    i = i + 1
  end
  return opts.folder and opts or orch.error "tree.lua: the folder to write is missing"
end

local opts = options(orch.args)
math.randomseed(opts.seed, 0)
local random = math.random

local function pick(list)
  return list[random(#list)]
end

--- What is written: a count for the summary, folders that are there.
local files, bytes, folders, faults = 0, 0, {}, {}

local function guid()
  return ("%08x%08x%08x%08x"):format(random(0, 0xFFFFFFFF), random(0, 0xFFFFFFFF),
    random(0, 0xFFFFFFFF), random(0, 0xFFFFFFFF))
end

local importers = { png = "TextureImporter", tga = "TextureImporter", jpg = "TextureImporter",
  dds = "IHVImageFormatImporter", wav = "AudioImporter", ogg = "AudioImporter",
  glb = "ScriptedImporter", obj = "ModelImporter", mtl = "DefaultImporter",
  mat = "NativeFormatImporter" }

local function write_bytes(path, data)
  local file <close> = assert(io.open(opts.folder .. "/" .. path, "wb"))
  file:write(data)
  files, bytes = files + 1, bytes + #data
end

local function write_meta(path, id, importer)
  write_bytes(path .. ".meta", ("fileFormatVersion: 2\nguid: %s\n%s:\n  externalObjects: {}\n"
    .. "  userData: \n  assetBundleName: \n"):format(id, importer))
end

local function make_folder(path)
  if folders[path] then return end
  local parent = path:match "^(.*)/[^/]*$"
  if parent then make_folder(parent) end
  folders[path] = true
  orch.fs.mkdir(opts.folder .. "/" .. path)
  if parent and opts.meta then write_meta(path, guid(), "folderAsset: yes\nDefaultImporter") end
end

local function fault(what)
  faults[what] = (faults[what] or 0) + 1
end

--- One asset and its .meta; gives the GUID. One in 250 has none.
local function write(path, data)
  make_folder(path:match "^(.*)/[^/]*$")
  write_bytes(path, data)
  local id = guid()
  if not opts.meta then return id end
  if random(250) == 1 then
    fault "no .meta"
  else
    write_meta(path, id, importers[path:match "%.(%a+)$"] or "DefaultImporter")
  end
  return id
end

local areas = { "Characters", "Environment", "Props", "Vehicles", "Effects", "UI" }
local things = { "Crate", "Barrel", "Rock", "Tree", "Door", "Lamp", "Wall", "Floor", "Roof",
  "Hero", "Guard", "Wolf", "Truck", "Wheel", "Smoke", "Spark", "Button", "Panel", "Icon" }
local suffixes = { "D", "N", "M", "R", "AO" }
local sides = { 64, 128, 256, 256, 512, 512, 512, 1024, 1024, 2048 }

local function place(number, folder)
  local thing = pick(things) .. ("%04d"):format(number)
  return ("Assets/%s/%s/"):format(folder or pick(areas), thing:sub(1, -5)), thing
end

--- Sides of a texture; one in 40 is no power of two, one in 40 is beyond any budget.
local function size_of()
  local width, height = pick(sides), pick(sides)
  local dice = random(40)
  if dice == 1 then
    fault "no power of two"
    return width - random(1, 9), height
  elseif dice == 2 then
    fault "too large"
    return 4096, 2048
  end
  return width, height
end

local function texture_name(thing)
  local suffix = pick(suffixes)
  if random(60) == 1 then
    fault "texture name"
    return thing:lower() .. " final", "D"
  end
  return "T_" .. thing .. "_" .. suffix, suffix
end

local makers = {}

function makers.png(number)
  local folder, thing = place(number)
  local name, suffix = texture_name(thing)
  local width, height = size_of()
  local normal = suffix == "N"
  local channels = normal and 3 or pick { 3, 3, 4, 4, 4, 1 }
  local opaque = channels == 4 and random(8) == 1
  local srgb = not normal and random(3) > 1 or normal and random(12) == 1
  if opaque then fault "unused alpha" end
  if normal and srgb then fault "normal map in sRGB" end
  local data = images.png(width, height, { channels = channels, hue = number % 256,
    srgb = srgb, opaque = opaque })
  if random(200) == 1 then
    fault "cut off in the header"
    data = data:sub(1, random(9, 30))
  end
  write(folder .. name .. ".png", data)
end

function makers.tga(number)
  local folder, thing = place(number)
  local width, height = size_of()
  write(folder .. texture_name(thing) .. ".tga", images.tga(width, height, {
    channels = pick { 3, 4 }, hue = number % 256 }))
end

function makers.jpg(number)
  local folder, thing = place(number)
  local width, height = size_of()
  write(folder .. texture_name(thing) .. ".jpg", images.jpeg(width, height, {
    hue = number % 256 }))
end

function makers.dds(number)
  local folder, thing = place(number)
  local side = pick { 128, 256, 256, 512, 1024 }
  write(folder .. texture_name(thing) .. ".dds", images.dds(side, side, {
    format = pick { "bc1", "bc3" }, hue = number % 32, mips = random(10) > 1 }))
end

function makers.wav(number)
  local _, thing = place(number)
  local rate, loud = 48000, 0.5
  if random(25) == 1 then
    rate = 22050
    fault "sample rate"
  elseif random(25) == 1 then
    loud = 1
    fault "full scale"
  end
  write("Assets/Audio/" .. thing:sub(1, -5) .. "/SFX_" .. thing .. ".wav", sounds.wav { rate = rate,
    channels = pick { 1, 1, 2 }, bits = pick { 16, 16, 24 }, loud = loud,
    seconds = random(10, 250) / 100 + number / 100000 })
end

--- Real sounds, each with a serial number of its own.
local templates
function makers.ogg(number)
  if not templates then
    templates = {}
    for i, name in ipairs { "break", "coin", "jump", "land" } do
      templates[i] = orch.fs.read(here .. "/../../../tests/data/audio/kenney/" .. name .. ".ogg")
    end
  end
  local _, thing = place(number)
  write("Assets/Audio/" .. thing:sub(1, -5) .. "/MUS_" .. thing .. ".ogg",
    sounds.ogg(pick(templates), number))
end

function makers.glb(number)
  local folder, thing = place(number)
  local uv = random(15) > 1
  if not uv then fault "no UVs" end
  local side = pick { 8, 16, 16, 32, 32, 64 }
  local texture = "T_" .. thing .. "_GLB_D.png"
  if random(15) == 1 then
    fault "missing texture"
  else
    write(folder .. texture, images.png(256, 256, { channels = 3, hue = number % 256 }))
  end
  write(folder .. "SM_" .. thing .. ".glb", models.glb { side = side, name = thing, uv = uv,
    textures = { texture } })
end

function makers.obj(number)
  local folder, thing = place(number)
  local obj, mtl = models.obj { side = pick { 8, 16, 32 }, name = "SM_" .. thing }
  write(folder .. "SM_" .. thing .. ".mtl", mtl)
  write(folder .. "SM_" .. thing .. ".obj", obj)
end

--- A material refers to a texture by its GUID; one in 15 to one that nobody has.
function makers.mat(number)
  local folder, thing = place(number, "Materials")
  local texture = write(folder .. "T_" .. thing .. "_D.png", images.png(128, 128, { channels = 3,
    hue = number % 256 }))
  if random(15) == 1 then
    texture = guid()
    fault "broken reference"
  end
  write(folder .. "M_" .. thing .. ".mat", ([[
%%YAML 1.1
%%TAG !u! tag:unity3d.com,2011:
--- !u!21 &2100000
Material:
  serializedVersion: 6
  m_Name: M_%s
  m_SavedProperties:
    m_TexEnvs:
    - _MainTex:
        m_Texture: {fileID: 2800000, guid: %s, type: 3}
]]):format(thing, texture))
end

--- Files of a hundred, and how many each maker writes with one call.
local mix = { { "png", 32 }, { "tga", 8 }, { "jpg", 16 }, { "dds", 8 }, { "wav", 12 },
  { "ogg", 8 }, { "glb", 4, 2 }, { "obj", 2, 2 }, { "mat", 2, 2 } }

local function mixed()
  local list = {}
  for _, one in ipairs(mix) do
    for _ = 1, one[2] do list[#list + 1] = one end
  end
  local number, made = 0, 0
  while made < opts.count do
    local one = list[number % #list + 1]
    if number % #list == 0 then
      for i = #list, 2, -1 do
        local k = random(i)
        list[i], list[k] = list[k], list[i]
      end
      one = list[1]
    end
    number = number + 1
    if made + (one[3] or 1) > opts.count then one = mix[1] end
    makers[one[1]](number)
    made = made + (one[3] or 1)
    if number % 50 == 0 then orch.checkpoint() end
  end
end

--- Folders of 50 assets; no fault but a missing .meta now and then.
local function small()
  local dots = {}
  for hue = 0, 63 do dots[hue] = images.png(8, 8, { channels = 3, hue = hue }) end
  for i = 1, opts.small // 2 do
    local path = ("Assets/Part%03d/Group%02d/"):format(i // 1000, i // 50 % 20)
    local kind = i % 5
    if kind < 3 then
      write(path .. ("T_Dot%05d_D.png"):format(i), images.commented(dots[i % 64], "Dot " .. i))
    elseif kind == 3 then
      write(path .. ("Data%05d.json"):format(i), ('{ "number": %d }\n'):format(i))
    else
      write(path .. ("Note%05d.txt"):format(i), ("Note number %d\n"):format(i))
    end
    if i % 500 == 0 then orch.checkpoint() end
  end
end

make_folder "Assets"
make_folder "ProjectSettings"
write_bytes("ProjectSettings/ProjectVersion.txt", "m_EditorVersion: 2022.3.10f1\n")
if opts.small then small() else mixed() end
print(("%d files, %.1f MB in %s"):format(files, bytes / 1e6, opts.folder))
local names = {}
for name in pairs(faults) do names[#names + 1] = name end
table.sort(names)
for i, name in ipairs(names) do names[i] = ("%s %d"):format(name, faults[name]) end
print("faults: " .. (names[1] and table.concat(names, ", ") or "none"))
