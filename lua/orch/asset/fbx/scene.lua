--- What the nodes of an FBX file mean for a model: which of them are wanted, and what is made
--- of them. Reading them is the business of `fbx/binary` and `fbx/text`.
---
---     local scene = new_scene(file)
---     scene.wanted.Objects.children.Model.open(scene, { 7, "Cube\0\1Model", "Mesh" })

local mesh = require "orch.asset.fbx.mesh"
local tag = require "orch.asset.tag"
local transform = require "orch.asset.fbx.transform"

local Scene = {}
Scene.__index = Scene

--- "Cube\0\1Model" in binary files, "Model::Cube" in text.
local function plain_name(text)
  if type(text) ~= "string" then return nil end
  return text:match "^(.-)%z\1" or text:match "^[%w ]*::(.*)$" or text
end

--- Version 7: a number, the name, a class. Version 6: the name is what others know it by.
local function identify(values)
  if type(values[1]) == "string" then return values[1], plain_name(values[1]), values[2] end
  return values[1], plain_name(values[2]), values[3]
end

--- What is told of an object, under its identity; several may have the same one by mistake.
local function begin(scene, sort, values)
  local id, name, class = identify(values)
  local object = { sort = sort, id = id, name = name or "", class = class }
  scene.object = object
  if id == id and id ~= nil and not scene.objects[id] then scene.objects[id] = object end
  return object
end

local function text_field(field)
  return { open = function(scene, values)
    if type(values[1]) == "string" then scene.object[field] = values[1] end
  end }
end

--- Properties70: P has name, type, label, flags, value; Properties60 has no label.
local function property(handle, skip)
  return function(scene, values)
    handle(scene, values[1], values[2 + skip], values[3 + skip], values[4 + skip])
  end
end

local function properties(handle)
  return {
    Properties70 = { children = { P = { open = property(handle, 3) } } },
    Properties60 = { children = { Property = { open = property(handle, 2) } } },
  }
end

local settings = properties(function(scene, name, value)
  if name == "UpAxis" or name == "UpAxisSign" or name == "UnitScaleFactor" then
    scene.settings[name] = tonumber(value)
  end
end)

local bones = { LimbNode = true, Limb = true, Root = true }

--- Nodes of a model: how many of each class. Every file of version 6 has seven cameras that
--- belong to the program.
local function count_model(scene, object)
  scene.nodes = scene.nodes + 1
  if bones[object.class] then scene.bones = scene.bones + 1 end
  if object.class == "Light" then scene.lights = scene.lights + 1 end
  if object.class == "Camera" and not object.name:find "^Producer " then
    scene.cameras = scene.cameras + 1
  end
end

local function image_node(sort)
  return {
    open = function(scene, values)
      table.insert(scene.images, begin(scene, sort, values))
    end,
    children = {
      FileName = text_field "file", Filename = text_field "file",
      RelativeFilename = text_field "relative",
      Content = { open = function(scene, values)
        scene.object.embedded = (values[1] or 0) ~= 0 and values[1] ~= ""
      end },
    },
  }
end

--- What moves a node and all below it.
local model_children = properties(function(scene, name, x, y, z)
  if not transform.names[name] or type(x) ~= "number" then return end
  scene.object.properties[name] = { x, tonumber(y) or 0, tonumber(z) or 0 }
end)
for name, spec in pairs(mesh.children) do model_children[name] = spec end

local objects = {
  Geometry = {
    open = function(scene, values)
      local object = begin(scene, "geometry", values)
      if object.class ~= "Mesh" then return false end
      mesh.open(scene, object)
    end,
    children = mesh.children,
    close = mesh.close,
  },
  Model = {
    open = function(scene, values)
      local object = begin(scene, "model", values)
      object.properties = {}
      count_model(scene, object)
      mesh.open(scene, object)
    end,
    children = model_children,
    close = mesh.close,
  },
  Material = { open = function(scene, values)
    local material = begin(scene, "material", values)
    material.textures = {}
    table.insert(scene.materials, material)
  end },
  Texture = image_node "texture",
  Video = image_node "video",
  Audio = image_node "sound",
  LayeredTexture = { open = function(scene, values) begin(scene, "layers", values) end },
  Cache = { open = function(scene, values)
    table.insert(scene.images, begin(scene, "cache", values))
  end, children = properties(function(scene, name, value)
    if type(value) ~= "string" then return end
    if name == "CacheFileName" then scene.object.relative = value end
    if name == "CacheAbsoluteFileName" then scene.object.file = value end
  end) },
  AnimationStack = { open = function(scene) scene.stacks = scene.stacks + 1 end },
  AnimationCurve = { open = function(scene) scene.curves = scene.curves + 1 end },
  Deformer = { open = function(scene, values)
    local _, _, class = identify(values)
    if class == "Skin" then scene.skins = scene.skins + 1 end
  end },
  GlobalSettings = { children = settings },
}

--- What a file says beyond that was made to keep somebody busy.
local MOST_INSTANCES = 10000

local link = { open = function(scene, values)
  local child, parent = scene.objects[values[2]], scene.objects[values[3]]
  if not child or not parent then return end
  if parent.sort == "model" and (child.sort == "model" or child.sort == "geometry") then
    child.parents = child.parents or {}
    if #child.parents < MOST_INSTANCES then table.insert(child.parents, parent) end
  elseif child.sort == "video" and parent.sort == "texture" then
    parent.video = child
  elseif child.sort == "texture" or child.sort == "layers" then
    table.insert(scene.links, { child = child, parent = parent, slot = values[4] })
  end
end }

local creator = { open = function(scene, values)
  if type(values[1]) == "string" and values[1] ~= "" then
    scene.generator = scene.generator or tag.text(values[1])
  end
end }

local version = { open = function(scene, values)
  if math.type(tonumber(values[1])) == "integer" then scene:set_version(tonumber(values[1])) end
end }

Scene.wanted = {
  FBXHeaderExtension = { children = { Creator = creator, FBXVersion = version } },
  Creator = creator,
  GlobalSettings = { children = settings },
  Objects = { open = function(scene) scene.seen = true end, children = objects },
  Connections = { children = { C = link, Connect = link } },
  Takes = { children = { Take = { children = {
    Model = { open = function(scene) scene.moved = true end } },
    open = function(scene) scene.moved = false end,
    close = function(scene) scene.takes = scene.takes + (scene.moved and 1 or 0) end } } },
}

function Scene:set_version(number)
  self.version = self.version or ("%d.%d"):format(number // 1000, number % 1000 // 100)
end

--- Centimetres of a unit -> what it is called.
local units = { [0.1] = "mm", [1] = "cm", [10] = "dm", [100] = "m", [100000] = "km",
  [2.54] = "in", [30.48] = "ft", [91.44] = "yd" }

local function unit_of(scale)
  if not scale or not (scale > 0 and scale < math.huge) then return nil end
  for size, name in pairs(units) do
    if math.abs(scale / size - 1) < 1e-6 then return name end
  end
  return ("%.6g cm"):format(scale)
end

local axes = { [0] = "x", [1] = "y", [2] = "z" }

local function up_axis(settings_of)
  local axis = axes[settings_of.UpAxis]
  return axis and (settings_of.UpAxisSign == -1 and "-" or "") .. axis
end

--- Where an image is; nil when it is in the FBX itself.
local function path_of(image)
  if image.embedded or image.video and image.video.embedded then return nil end
  if image.relative and image.relative ~= "" then return image.relative end
  return image.file ~= "" and image.file or nil
end

--- Files that the scene names, each once; those of textures also by themselves.
local function files(scene)
  local textures, references, seen, embedded = {}, {}, {}, {}
  for _, image in ipairs(scene.images) do
    local path = path_of(image)
    if not path and (image.embedded or image.video) then embedded[image.video or image] = true end
    if path and not seen[path] then
      seen[path], references[#references + 1] = true, path
      if image.sort == "texture" or image.sort == "video" then
        textures[#textures + 1] = path
      end
    end
  end
  local images = #textures
  for _ in pairs(embedded) do images = images + 1 end
  return textures, references, images
end

--- Gives each material its textures; layers of textures stand between the two.
local function connect(scene)
  local layers = {}
  for _, one in ipairs(scene.links) do
    if one.parent.sort == "layers" then
      layers[one.parent] = layers[one.parent] or one.child
    end
  end
  for _, one in ipairs(scene.links) do
    local texture = one.child.sort == "layers" and layers[one.child] or one.child
    if one.parent.sort == "material" and type(one.slot) == "string" then
      one.parent.textures[one.slot] = path_of(texture)
    end
  end
end

---The reader's table.
---@return table
function Scene:info()
  if not self.seen then self.file:fail "it has no objects" end
  connect(self)
  local textures, references, images = files(self)
  local materials = {}
  for i, one in ipairs(self.materials) do
    materials[i] = { name = one.name, textures = one.textures }
  end
  local total = self.total
  local faces = total.triangles > 0 or nil
  return {
    version = self.version, generator = self.generator, vertices = total.vertices,
    triangles = total.triangles, primitives = total.primitives, meshes = total.meshes,
    uv = faces and total.without_uv == 0, normals = faces and total.without_normals == 0,
    bounds = transform.bounds(total.boxes), non_finite = total.non_finite, nodes = self.nodes,
    materials = materials, textures = textures, references = references, images = images,
    animations = self.takes > 0 and self.takes or self.curves > 0 and self.stacks or 0,
    skins = self.skins, bones = self.bones, cameras = self.cameras, lights = self.lights,
    units = unit_of(self.settings.UnitScaleFactor), up_axis = up_axis(self.settings),
  }
end

---@param file orch.asset.Source
---@return table scene
return function(file)
  return setmetatable({ file = file, objects = {}, images = {}, materials = {}, links = {},
    settings = {}, nodes = 0, bones = 0, lights = 0, cameras = 0, skins = 0, stacks = 0,
    curves = 0, takes = 0, total = mesh.totals() }, Scene)
end
