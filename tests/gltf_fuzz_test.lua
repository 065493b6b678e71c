-- glTF cut short anywhere, with bytes changed, and with its JSON shuffled: each gives a report
-- and an info or an Error of kind `format`, with a bounded number of steps and little memory.
--
-- FUZZ=100000 makes so many changes (default 600); SEED=n begins elsewhere.

local fs, gltf, json = orch.fs, orch.gltf, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local data = here .. "/data/gltf/"

local CHANGES = math.tointeger(os.getenv "FUZZ" or 600)
local SEED = math.tointeger(os.getenv "SEED" or 7)
--- Steps of the Lua machine; the largest of the samples take a million.
local MOST_STEPS = 30000000
--- KiB for each KiB of the file, and beside that.
local MEMORY_EACH, MEMORY = 60, 3000

local issue = require "orch.gltf.issue"

local samples = {
  "kenney/flag.glb", "samples/gltf-transform/Box_glTF-Binary/Box.glb",
  "samples/gltf-transform/BoxVertexColors.glb", "validator/base/data/glb/two_images.glb",
  "validator/base/data/buffer/valid.glb",
  "samples/gltf-transform/Box_glTF-Embedded/Box.gltf",
  "validator/base/data/accessor_data/get_elements.gltf",
  "validator/base/data/accessor_data/get_elements_matrix.gltf",
  "validator/base/data/skin_data/invalid_ibm.gltf",
  "validator/base/data/animation_data/quaternion_cubic_non_unit_values.gltf",
  "validator/base/data/mesh/uv.gltf", "validator/base/data/mesh_data/joints_no_weights.gltf",
  "validator/ext/KHR_lights_punctual/data/light/valid.gltf",
  "validator/ext/KHR_materials_variants/data/primitive/empties.gltf",
  "validator/ext/KHR_texture_transform/data/textureInfo/uv_sets.gltf",
  "validator/ext/EXT_texture_webp/data/image/valid.gltf",
}

local dir

--- The samples and the files beside them, under names of their own.
local function prepare()
  dir = fs.temp_dir()
  for _, name in ipairs(samples) do
    for _, path in ipairs(fs.glob(data .. fs.path.dirname(name) .. "/*.{bin,png,webp}")) do
      fs.copy(path, dir .. "/" .. fs.path.basename(path))
    end
  end
end

local function write(name, bytes)
  local path = dir .. "/" .. fs.path.basename(name)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  return path
end

--- fn(path) within bounds: what it gives, or what is wrong.
local function bounded(fn, path, size)
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  debug.sethook(function() error("it does not come to an end", 0) end, "", MOST_STEPS)
  local ok, value = pcall(fn, path)
  debug.sethook()
  local grown = collectgarbage "count" - before
  collectgarbage "restart"
  if grown > MEMORY + size * MEMORY_EACH // 1024 then
    return false, ("it takes %.0f KiB"):format(grown)
  end
  return ok, value
end

local function problem_of_report(path, size)
  local ok, result = bounded(gltf.validate, path, size)
  if not ok then return "validate: " .. tostring(result) end
  for _, one in ipairs(result.issues) do
    if not issue.severity(one.code) then return "no code: " .. tostring(one.code) end
    if one.message == "" or one.message:find "%%%d" then return "a sentence: " .. one.message end
    if not one.pointer == not one.offset then return "neither pointer nor offset" end
    if one.offset and not (one.offset >= 0 and one.offset <= size) then return "its offset" end
  end
  if result.valid ~= (result.errors == 0) then return "valid" end
end

local function is_count(n)
  return n == nil or math.type(n) == "integer" and n >= 0
end

local function problem_of_info(path, size)
  local ok, info = bounded(orch.model.info, path, size)
  if not ok then
    if type(info) == "table" and info.kind == "format" then return nil end
    return "info: " .. tostring(info)
  end
  for _, field in ipairs { "vertices", "triangles", "primitives", "meshes", "nodes", "images",
    "animations", "skins", "cameras", "lights", "bones" } do
    if not is_count(info[field]) then return field end
  end
end

local function expect_fine(name, bytes, what)
  local path = write(name, bytes)
  local wrong = problem_of_report(path, #bytes) or problem_of_info(path, #bytes)
  if wrong then error(("%s: %s"):format(what, wrong), 0) end
end

local numbers = { "\0\0\0\0", "\255\255\255\255", "\255\255\255\127", "\1\0\0\0", "99999999999",
  "-1", "1e999", "0.5", "null", "[]", "{}", '"x"', "5126", '"MAT3"' }

local function change(bytes)
  local at = math.random() < 0.3 and math.random(math.min(#bytes, 40)) or math.random(#bytes)
  local how = math.random(5)
  if how == 1 then
    return bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1)
  elseif how == 2 then
    local number = numbers[math.random(4)]
    return bytes:sub(1, at - 1) .. number .. bytes:sub(at + #number)
  elseif how == 3 then
    return bytes:sub(1, at - 1) .. bytes:sub(at + math.random(8))
  end
  -- A number of the JSON becomes something else.
  local from, to = bytes:find("%f[%d]%d+%f[%D]", at)
  if not from then return bytes end
  return bytes:sub(1, from - 1) .. numbers[math.random(5, #numbers)] .. bytes:sub(to + 1)
end

--- All places of a document: { parent, key }.
local function places(value, list)
  for key, item in pairs(value) do
    list[#list + 1] = { value, key }
    if type(item) == "table" then places(item, list) end
  end
  return list
end

local odd = { -1, 0, 1, 3, 1.5, 1e10, "x", "", true, 5121, "VEC3", json.null }

--- Something of the document becomes something else of it, or nothing.
local function shuffle(text)
  local ok, doc = pcall(json.decode, text)
  if not ok then return text end
  local list = places(doc, {})
  table.sort(list, function(a, b) return tostring(a[2]) < tostring(b[2]) end)
  for _ = 1, math.random(3) do
    local to, from = list[math.random(#list)], list[math.random(#list)]
    local how = math.random(3)
    if type(to[2]) == "string" then
      to[1][to[2]] = how == 1 and odd[math.random(#odd)] or how == 2 and from[1][from[2]] or nil
    elseif to[1][to[2]] ~= nil then
      to[1][to[2]] = odd[math.random(#odd)]
    end
  end
  local good, changed = pcall(json.encode, doc)
  return good and changed or text
end

describe("glTF of any bytes", { timeout = "30m" }, function()
  before_each(prepare)

  it("may end anywhere", function()
    math.randomseed(SEED)
    for _, name in ipairs(samples) do
      local bytes = fs.read(data .. name)
      local n = 0
      while n < #bytes do
        expect_fine(name, bytes:sub(1, n), ("%s, %d bytes"):format(name, n))
        n = n + (n < 30 and 1 or math.random(1, 1 + #bytes // 12))
      end
    end
  end)

  it("may have any bytes", function()
    math.randomseed(SEED)
    for i = 1, CHANGES do
      local name = samples[(i - 1) % #samples + 1]
      local bytes = fs.read(data .. name)
      for _ = 1, math.random(3) do bytes = change(bytes) end
      expect_fine(name, bytes, ("%s, change %d with SEED=%d"):format(name, i, SEED))
    end
  end)

  it("may say anything", function()
    math.randomseed(SEED)
    for i = 1, CHANGES do
      local name = samples[6 + (i - 1) % (#samples - 5)]
      expect_fine(name, shuffle(fs.read(data .. name)),
        ("%s, change %d with SEED=%d"):format(name, i, SEED))
    end
  end)
end)
