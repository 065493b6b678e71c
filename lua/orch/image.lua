--- Images: what their headers say, and what can be done with their pixels.
---
---     local img = orch.image.info "Assets/T_Crate_D.png"
---     print(img.width, img.height, img.channels, img:vram "BC7")
---
--- Headers are read here, in Lua; the pixels (a plug-in) are loaded when they are used.

local arg = require "orch.arg"

local image = {}

---@class orch.image.Info: orch.asset.Info
---@field width integer
---@field height integer
---@field channels? integer as decoded: a palette has 3, or 4 with transparency
---@field bits? integer per channel; of a palette those of an index
---@field alpha? boolean
---@field palette? boolean
---@field interlaced? boolean
---@field colorspace? "srgb"|"linear"|"icc"|"pq"|"hlg"|"other" nil: the file does not say
---@field icc? string what its colour profile is called
---@field gamma? number
---@field dpi? integer
---@field orientation? integer 1 to 8, as in EXIF
---@field compression? string "none", "zip", "rle", "bc7", "astc6x6", ...
---@field mips? integer levels
---@field frames? integer pictures of an animation, an array or an icon, pages; 1 otherwise
---@field layers? integer of an array, a PSD, an EXR
---@field faces? integer 6 of a cube
---@field depth? integer of a volume
---@field vram fun(self: orch.image.Info, format: string?, max_side: integer?): integer bytes in
---  a graphics card's memory, with all levels; see orch.image.vram

local IMAGE = { kind = "image" }

---What the header of an image says; the pixels are not read.
---@async
---@param path orch.Path
---@return orch.image.Info info raises kind `format` (`path`, `offset`) when it is no image or
---  a broken one, and kind `os`
function image.info(path)
  return require("orch.asset").info(arg.path("image.info", 1, path), IMAGE)
end

---The power of two that is nearest to a side; the larger one from half-way on.
---@param n integer 1 or more
---@return integer
function image.nearest_pot(n)
  n = arg.check("image.nearest_pot", 1, n, "integer")
  if n < 1 or n > 1 << 61 then
    arg.fail("image.nearest_pot: argument 1 should be 1 to 2^61, not %d", n)
  end
  local below = 1
  while below <= n // 2 do below = below * 2 end
  return n - below < below * 2 - n and below or below * 2
end

--- Loaded when they are first used: field -> { module, field of the module }.
local lazy = {
  stats = { "image.pixels", "stats" },
  decode = { "image.pixels", "decode" },
  encode = { "image.pixels", "encode" },
  resize = { "image.resize", "resize" },
  mips = { "image.resize", "mips" },
  thumb = { "image.picture", "thumb" },
  channel = { "image.picture", "channel" },
  diff = { "image.picture", "diff" },
  compare = { "image.compare", "compare" },
  render = { "image.picture", "render" },
  strip_colorspace = { "image.colorspace", "strip" },
  suggest_name = { "image.name", "suggest" },
}

arg.public("orch.image", image)
local meta = getmetatable(image)
local unknown = meta.__index

function meta.__index(self, name)
  local entry = lazy[name]
  if not entry then
    local near = type(name) == "string" and arg.suggest(name, arg.keys_of(lazy))
    if near then arg.fail("orch.image has no '%s'; did you mean '%s'?", name, near) end
    return unknown(self, name)
  end
  local value = require("orch." .. entry[1])[entry[2]]
  rawset(self, name, value)
  return value
end

return image
