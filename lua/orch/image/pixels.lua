--- Pixels: read, measured, compared, and made into files again, each on a thread of the pool.
---
---     local s = orch.image.stats "Assets/T_Rock_N.png"
---     if s.blue.mean < 0.7 then print "this is no normal map" end

local arg = require "orch.arg"
local core = require "orch.core.image"
local place = require "orch.place"

local pixels = {}

--- width * height * channels; what claims more is refused before anything is unpacked.
local LIMIT = 1 << 30

---For the library: the decoded file, to be closed with `<close>`.
---@async
---@param path orch.Path
---@param limit integer?
---@return userdata image of orch.core.image; raises kinds `format` and `os`
---@return string format "png", "jpg", "bmp", "tga", "gif", "psd" or "hdr"
function pixels.load(path, limit)
  return core.load(place.resolve(path), limit or LIMIT, path)
end

local ranges = arg.known("the statistics of an image", { "path", "width", "height", "channels",
  "bits", "sampled", "red", "green", "blue", "alpha", "gray" })

---@class orch.image.Range
---@field min number 0 to 1, as are the others; of an HDR image as it is
---@field max number
---@field mean number
---@field stddev number

---@class orch.image.Stats
---@field width integer
---@field height integer
---@field channels integer of the decoded image: one with a palette has 3 or 4
---@field bits integer 8, 16, or 32 (floats) per channel
---@field sampled integer pixels that were looked at
---@field red orch.image.Range
---@field green orch.image.Range
---@field blue orch.image.Range
---@field gray orch.image.Range? of a grey image, whose red, green and blue are the same
---@field alpha orch.image.Range? nil without an alpha channel

---The values of each channel. PNG, JPEG, BMP, TGA, GIF (its first frame), PSD and HDR.
---@async
---@param path orch.Path
---@param opts? {sample: integer?, limit: number|string?} `sample`: so many pixels, spread over
---  the image and always the same, instead of all; `limit`: width * height * channels that are
---  not refused, 1G by default
---@return orch.image.Stats stats raises kind `format` for what is broken or too large, and for
---  other formats (`unsupported` is true then), and kind `os`
function pixels.stats(path, opts)
  arg.check("image.stats", 1, path, "path")
  opts = arg.options("image.stats", opts, { sample = "integer", limit = "size" })
  local sample = opts.sample or 0
  if opts.sample and sample < 1 then
    arg.fail("image.stats: option `sample` should be at least 1, not %d", sample)
  end
  local image <close> = pixels.load(path, opts.limit)
  local width, height, channels, bits = image:size()
  local found = image:measure(sample)
  local total = width * height
  local stats = { path = path, width = width, height = height, channels = channels, bits = bits,
    sampled = sample > 0 and math.min(sample, total) or total }
  if channels < 3 then
    local gray = found[1]
    stats.red, stats.green, stats.blue, stats.gray = gray, gray, gray, gray
    stats.alpha = found[2]
  else
    stats.red, stats.green, stats.blue, stats.alpha = found[1], found[2], found[3], found[4]
  end
  return setmetatable(stats, ranges)
end

---@class orch.image.Pixels
---@field width integer
---@field height integer
---@field channels integer 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
---@field bits integer 8, 16, or 32: linear floats
---@field data string the values of all pixels, row by row from the top, without padding;
---  those of more than 8 bits in the order of the machine ("=I2", "=f")
---@field format? string what it was read from

---All pixels of a file, as numbers in a string: `data:byte(i)`, `string.unpack("=I2", data, i)`.
---@async
---@param path orch.Path
---@param opts? {limit: number|string?} as for `stats`
---@return orch.image.Pixels pixels raises kinds `format` and `os`
function pixels.decode(path, opts)
  arg.check("image.decode", 1, path, "path")
  opts = arg.options("image.decode", opts, { limit = "size" })
  local image <close>, format = pixels.load(path, opts.limit)
  local width, height, channels, bits = image:size()
  return { width = width, height = height, channels = channels, bits = bits, format = format,
    data = image:bytes() }
end

local writable = { png = "png", jpg = "jpg", jpeg = "jpg", bmp = "bmp", tga = "tga",
  hdr = "hdr" }

---For the library: the format that a file's name asks for.
---@param fname string
---@param path string
---@return string format
function pixels.format_of(fname, path)
  local extension = path:match "%.([^./]*)$" or ""
  local format = writable[extension:lower()]
  if not format then
    arg.fail("%s: '%s' should end with .png, .jpg, .bmp, .tga or .hdr, which orch can write",
      fname, path)
  end
  return format
end

local function check_number(fname, opts, name, from, to)
  local n = opts[name]
  if n and (n < from or n > to) then
    arg.fail("%s: option `%s` should be %d to %d, not %d", fname, name, from, to, n)
  end
end

---For the library: the options of writing.
---@return integer quality
---@return integer level
function pixels.write_options(fname, opts)
  check_number(fname, opts, "quality", 1, 100)
  check_number(fname, opts, "compression", 0, 9)
  return opts.quality or 90, opts.compression or 6
end

local function check_field(p, name, from, to)
  local n = math.type(p[name]) and math.tointeger(p[name])
  if n and n >= from and n <= to then return n end
  arg.fail("image.encode: `%s` should be a whole number from %d to %d, not %s", name, from, to,
    arg.describe(p[name]))
end

---Makes the bytes of a file from pixels. What a format cannot hold is given up: 16 bits but in
---PNG, alpha in JPEG; floats become 8 bits on the curve of sRGB, but in HDR.
---@async
---@param p orch.image.Pixels
---@param format? "png"|"jpg"|"bmp"|"tga"|"hdr" default "png"
---@param opts? {quality: integer?, compression: integer?} `quality` of a JPEG: 1 to 100,
---  default 90; `compression` of a PNG: 0 to 9, default 6
---@return string bytes
function pixels.encode(p, format, opts)
  arg.check("image.encode", 1, p, "table")
  format = arg.check("image.encode", 2, format, "string?") or "png"
  opts = arg.options("image.encode", opts, { quality = "integer", compression = "integer" })
  local quality, level = pixels.write_options("image.encode", opts)
  local width, height = check_field(p, "width", 1, 1 << 17), check_field(p, "height", 1, 1 << 17)
  local channels, bits = check_field(p, "channels", 1, 4), check_field(p, "bits", 8, 32)
  if type(p.data) ~= "string" or #p.data ~= width * height * channels * (bits // 8)
    or (bits ~= 8 and bits ~= 16 and bits ~= 32) then
    arg.fail("image.encode: `data` should be a string of width * height * channels * bits / 8 "
      .. "bytes, `bits` 8, 16 or 32")
  end
  local image <close> = core.make(width, height, channels, bits, p.data)
  return image:encode(pixels.format_of("image.encode", "." .. format), quality, level)
end

return pixels
