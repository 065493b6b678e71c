--- Pictures for reports: plain tables that say what is to be seen, and that cost nothing until
--- somebody draws them.
---
---     local picture = orch.image.channel("Assets/T_Rock_N.png", "b")
---     fs.write("blue.png", orch.image.render(picture))

local arg = require "orch.arg"
local errors = require "orch.core.error"
local fit = require("orch.image.resize").fit
local pixels = require "orch.image.pixels"

local picture = {}

local SIZE = 160

---@class orch.image.Picture it can be written as JSON
---@field picture "thumb"|"channel"|"diff"
---@field path string
---@field other? string of a difference: the other image
---@field channel? "r"|"g"|"b"|"a"
---@field size integer the larger side at most, in pixels
---@field gain? number
---@field label? string

local function describe(fname, opts, more)
  more = more or {}
  more.size, more.label = "integer", "string"
  opts = arg.options(fname, opts, more)
  opts.size = opts.size or SIZE
  if opts.size < 1 or opts.size > 8192 then
    arg.fail("%s: option `size` should be 1 to 8192, not %d", fname, opts.size)
  end
  return opts
end

---The image, made smaller; alpha stays.
---@param path orch.Path
---@param opts? {size: integer?, label: string?} `size`: the larger side at most, 160 by default;
---  nothing is enlarged
---@return orch.image.Picture
function picture.thumb(path, opts)
  arg.check("image.thumb", 1, path, "path")
  opts = describe("image.thumb", opts)
  opts.picture, opts.path = "thumb", path
  return opts
end

local channels = { r = 0, g = 1, b = 2, a = 3 }

---One channel, as a grey picture.
---@param path orch.Path
---@param channel "r"|"g"|"b"|"a"
---@param opts? {size: integer?, label: string?} as for `thumb`
---@return orch.image.Picture
function picture.channel(path, channel, opts)
  arg.check("image.channel", 1, path, "path")
  arg.check("image.channel", 2, channel, "string")
  if not channels[channel] then
    arg.fail('image.channel: argument 2 should be "r", "g", "b" or "a", not %q', channel)
  end
  opts = describe("image.channel", opts)
  opts.picture, opts.path, opts.channel = "channel", path, channel
  return opts
end

---Where two images differ: black where they do not. `orch.image.compare` gives it in numbers.
---@param a orch.Path
---@param b orch.Path of the same size in pixels, or drawing it raises kind `format`
---@param opts? {size: integer?, label: string?, gain: number?} `gain`: so many times brighter
---@return orch.image.Picture
function picture.diff(a, b, opts)
  arg.check("image.diff", 1, a, "path")
  arg.check("image.diff", 2, b, "path")
  opts = describe("image.diff", opts, { gain = "number" })
  opts.picture, opts.path, opts.other = "diff", a, b
  return opts
end

local function fail(path, text, ...)
  errors.throw(errors.make { kind = "format", path = path,
    message = ("'%s' "):format(path) .. text:format(...) })
end

---For the library: a list whose images are closed with it.
function picture.closing()
  return setmetatable({}, { __close = function(list)
    for i = #list, 1, -1 do list[i]:close() end
  end })
end

local draw = {}

function draw.thumb(p, opened)
  opened[1] = pixels.load(p.path)
  return opened[1], true
end

--- What is no colour is made smaller as the numbers that it is.
function draw.channel(p, opened)
  opened[1] = pixels.load(p.path)
  local _, _, n = opened[1]:size()
  local index = channels[p.channel]
  if not index then arg.fail("image.render: the picture has no channel %q", tostring(p.channel)) end
  if index == 3 then
    if n % 2 == 1 then fail(p.path, "has no alpha channel") end
    index = n - 1
  elseif n < 3 then
    index = 0
  end
  opened[2] = opened[1]:channel(index)
  return opened[2], false
end

---For the library: the difference of two files.
---@async
---@return userdata image
---@return number max
---@return number mean
---@return integer differing
function picture.subtract(a, b, tolerance, gain, opened)
  opened[1] = pixels.load(a)
  opened[2] = pixels.load(b)
  local w, h = opened[1]:size()
  local other_w, other_h = opened[2]:size()
  if w ~= other_w or h ~= other_h then
    fail(b, "has %d x %d pixels and '%s' has %d x %d; only images of one size can be compared",
      other_w, other_h, a, w, h)
  end
  local image, max, mean, differing = opened[1]:compare(opened[2], tolerance, gain)
  opened[3] = image
  return image, max, mean, differing
end

function draw.diff(p, opened)
  return picture.subtract(p.path, p.other, 0, p.gain or 1, opened), false
end

local BOX, CLAMP = 1, 1

---Draws a picture.
---@async
---@param p orch.image.Picture
---@return string png its bytes; raises kind `format` where an image cannot be read, and `os`
function picture.render(p)
  arg.check("image.render", 1, p, "table")
  local how = draw[p.picture]
  if not how or type(p.path) ~= "string" then
    arg.fail "image.render: argument 1 should come from image.thumb, image.channel or image.diff"
  end
  local opened <close> = picture.closing()
  local image, colour = how(p, opened)
  local width, height = image:size()
  local small_width, small_height = fit(width, height, p.size or SIZE)
  local small <close> = image:resize(small_width, small_height, BOX, CLAMP, colour, colour, false)
  return small:encode("png", 90, 6)
end

return picture
