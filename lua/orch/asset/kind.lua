--- What is known of images, sounds, models and fonts: the fields of each kind. A field that
--- a file says nothing about is nil; one that no file can have is a mistake, and raises.
---
---     local info = kind.dress("image", { width = 4, height = 4 })
---     info.widht          -- raises: an image has no field 'widht'; did you mean 'width'?

local arg = require "orch.arg"

local common = "path size format kind"

---@class orch.asset.Info
---@field path string as it was given
---@field size integer bytes of the file
---@field format string such as "png"
---@field kind "image"|"audio"|"model"|"font"|"unity"|string

local fields = {
  image = "width height channels bits colorspace alpha mips frames compression palette "
    .. "interlaced gamma depth layers faces dpi orientation icc",
  audio = "codec rate channels bits duration frames bitrate loops tags",
  model = "version generator vertices triangles primitives meshes nodes materials textures "
    .. "images buffers animations skins cameras lights bones uv normals bounds references "
    .. "non_finite units up_axis copyright extensions",
  font = "family style weight glyphs units_per_em license embedding variable",
  unity = "guid importer folder objects references binary",
}

local kind = {}

---For the library: kind -> what messages call one.
---@type table<string, string>
kind.nouns = { image = "an image", audio = "a sound", model = "a model", font = "a font",
  unity = "a file of Unity's" }

local titles = { font = "font", unity_meta = "Unity .meta file", unity_yaml = "Unity YAML file" }

---For the library: what messages call a file of a format.
---@param format string
---@return string title "PNG", "font"
---@return string is "PNG", "a font"
function kind.title(format)
  local title = titles[format] or format:upper()
  return title, titles[format] and "a " .. title or title
end

--- kind -> a metatable
local classes = {}

local function class_of(name)
  local class = classes[name]
  if class or not fields[name] then return class end
  local known = {}
  for field in (common .. " " .. fields[name]):gmatch "%S+" do known[field] = true end
  local methods = name == "image" and require "orch.image.method" or {}
  class = {
    __index = function(_, field)
      if known[field] then return nil end
      if methods[field] then return methods[field] end
      if type(field) ~= "string" then return nil end
      local names = arg.keys_of(known)
      for method in pairs(methods) do names[#names + 1] = method end
      local near = arg.suggest(field, names)
      arg.fail("%s has no field '%s'%s", kind.nouns[name], field,
        near and ("; did you mean '%s'?"):format(near) or "")
    end,
  }
  classes[name] = class
  return class
end

---Gives a reader's table the manners of its kind. Kinds that a studio invents have none.
---@param name string
---@param info table
---@return table info
function kind.dress(name, info)
  local class = class_of(name)
  return class and setmetatable(info, class) or info
end

---Which kind has a field: what the header of a file would say.
---@param field string
---@return string? kind the first of image, audio, model, font
function kind.with(field)
  for _, name in ipairs { "image", "audio", "model", "font" } do
    if (" " .. fields[name] .. " "):find(" " .. field .. " ", 1, true) then return name end
  end
end

return kind
