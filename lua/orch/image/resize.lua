--- Images in other sizes: one, or a whole chain of mips.
---
---     orch.image.resize("Assets/T_Rock_D.png", { max = 2048 })
---     orch.image.mips("Assets/T_Rock_N.png", "out", { normal = true })

local arg = require "orch.arg"
local fs = require "orch.fs"
local pixels = require "orch.image.pixels"

local resize = {}

--- The numbers that stb_image_resize gives them.
local filters = { box = 1, triangle = 2, bspline = 3, catmullrom = 4, mitchell = 5 }
local edges = { clamp = 1, reflect = 2, wrap = 3 }

local function choose(fname, option, value, default, from)
  value = value or default
  if from[value] ~= nil then return from[value] end
  local names = table.concat(arg.keys_of(from), ", ")
  local near = arg.suggest(value, arg.keys_of(from))
  arg.fail("%s: option `%s` should be one of %s, not %q%s", fname, option, names, value,
    near and ("; did you mean '%s'?"):format(near) or "")
end

local scale_options = { filter = "string", edge = "string", colorspace = "string",
  alpha = "string", normal = "boolean", limit = "size", quality = "integer",
  compression = "integer" }

local function with(more)
  for name, types in pairs(scale_options) do more[name] = types end
  return more
end

--- The arguments that image:resize has behind the size.
local function scale(fname, opts, filter)
  local srgb = choose(fname, "colorspace", opts.colorspace,
    opts.normal and "linear" or "srgb", { srgb = true, linear = false })
  local weight = choose(fname, "alpha", opts.alpha, srgb and "transparency" or "data",
    { transparency = true, data = false })
  return choose(fname, "filter", opts.filter, filter, filters),
    choose(fname, "edge", opts.edge, "clamp", edges), srgb, weight, opts.normal or false
end

local function check_side(fname, name, n)
  if n and (n < 1 or n > 1 << 17) then
    arg.fail("%s: option `%s` should be 1 to 131072 pixels, not %d", fname, name, n)
  end
end

local function fit(width, height, max)
  local larger = math.max(width, height)
  if larger <= max then return width, height end
  local function side(n) return math.max(1, (n * max * 2 + larger) // (larger * 2)) end
  return side(width), side(height)
end
resize.fit = fit

--- The size that is asked for; a side that is not given follows the other.
local function target(opts, width, height)
  if opts.max then return fit(width, height, opts.max) end
  local w, h = opts.width, opts.height
  w = w or math.max(1, (width * h * 2 + height) // (height * 2))
  h = h or math.max(1, (height * w * 2 + width) // (width * 2))
  return w, h
end

--- PNG chunks that say what the numbers mean go along to a new PNG.
local function encode(image, format, source, quality, level)
  local bytes = image:encode(format, quality, level)
  if format ~= "png" or source.format ~= "png" then return bytes end
  return require("orch.image.colorspace").carry(source.path, bytes)
end

local function check_sizes(opts)
  check_side("image.resize", "max", opts.max)
  check_side("image.resize", "width", opts.width)
  check_side("image.resize", "height", opts.height)
  if opts.max and (opts.width or opts.height) then
    arg.fail "image.resize: give either `max` or `width` and `height`"
  elseif not (opts.max or opts.width or opts.height) then
    arg.fail 'image.resize: the size is missing: image.resize(path, { max = 2048 })'
  end
end

local function output_format(fname, path, format, out)
  if out then return pixels.format_of(fname, out) end
  if format == "gif" or format == "psd" then
    arg.fail("%s: '%s' is a %s, which orch cannot write; give another file as `out`", fname,
      path, format:upper())
  end
  return format
end

---Another size. The file is replaced as a whole or not at all, and keeps its format and its
---bits; profiles of a PNG go along, what else it has besides pixels does not. What has that
---size already is left alone, unless `out` is another file.
---@async
---@param path orch.Path
---@param opts {max: integer?, width: integer?, height: integer?, out: orch.Path?, filter: "mitchell"|"catmullrom"|"bspline"|"triangle"|"box"|nil, colorspace: "srgb"|"linear"|nil, alpha: "transparency"|"data"|nil, edge: "clamp"|"wrap"|"reflect"|nil, normal: boolean?, quality: integer?, compression: integer?, limit: number|string?}
---  `max`: the larger side at most (never enlarged); `width` and `height`: one follows from the
---  other. `colorspace`: colours ("srgb", the default) are averaged as light, data ("linear")
---  as numbers; `alpha`: "transparency" (default for colours) lets transparent pixels lend no
---  colour, "data" is a channel like the others; `normal`: vectors stay one unit long;
---  `edge = "wrap"` for textures that repeat; `out`: another file, whose name gives the format
---@return integer width
---@return integer height raises kinds `format` and `os`
function resize.resize(path, opts)
  arg.check("image.resize", 1, path, "path")
  opts = arg.options("image.resize", opts, with { max = "integer", width = "integer",
    height = "integer", out = "path" })
  check_sizes(opts)
  local filter, edge, srgb, weight, normal = scale("image.resize", opts, "mitchell")
  local quality, level = pixels.write_options("image.resize", opts)
  local image <close>, format = pixels.load(path, opts.limit)
  local width, height = image:size()
  local new_width, new_height = target(opts, width, height)
  local out_format = output_format("image.resize", path, format, opts.out)
  if new_width == width and new_height == height and not opts.out then return width, height end
  local made <close> = image:resize(new_width, new_height, filter, edge, srgb, weight, normal)
  fs.write(opts.out or path,
    encode(made, out_format, { path = path, format = format }, quality, level))
  return new_width, new_height
end

--- Where a level goes: into a folder, or to a name with a number.
local function name_levels(path, where)
  if where:find("%", 1, true) then
    local before, number, after = where:match "^([^%%]*)%%(0?%d?)d([^%%]*)$"
    if not before then
      arg.fail("image.mips: argument 2 should have one %%d for the level, not %q", where)
    end
    local form = "%s%" .. number .. "d%s"
    return function(level) return form:format(before, level, after) end
  end
  local stem, extension = path:match "([^/]*)(%.[^./]*)$"
  stem, extension = stem or path:match "[^/]*$", extension or ".png"
  fs.mkdir(where)
  return function(level) return ("%s/%s_mip%d%s"):format(where, stem, level, extension) end
end

---The whole chain of mips, down to 1 x 1, each level made from the one before. Sides halve and
---are rounded down, as graphics cards have it.
---@async
---@param path orch.Path
---@param where string a folder (made when it is missing; `rock_mip0.png`, `rock_mip1.png`, ...)
---  or a path with the level's number: `"out/rock_%02d.png"`, whose extension gives the format
---@param opts? {levels: integer?, filter: string?, colorspace: string?, alpha: string?, edge: string?, normal: boolean?, quality: integer?, compression: integer?, limit: number|string?}
---  `levels`: so many at most, the full size included; the others as for `resize`, `filter`
---  is "box" by default
---@return {path: string, width: integer, height: integer}[] levels the first is the full size
function resize.mips(path, where, opts)
  arg.check("image.mips", 1, path, "path")
  arg.check("image.mips", 2, where, "path")
  opts = arg.options("image.mips", opts, with { levels = "integer" })
  local filter, edge, srgb, weight, normal = scale("image.mips", opts, "box")
  local quality, compression = pixels.write_options("image.mips", opts)
  if opts.levels and opts.levels < 1 then
    arg.fail("image.mips: option `levels` should be at least 1, not %d", opts.levels)
  end
  local name = name_levels(path, where)
  local format = pixels.format_of("image.mips", name(0))
  local image, source = nil, { path = path }
  local _ <close> = setmetatable({}, { __close = function() if image then image:close() end end })
  image, source.format = pixels.load(path, opts.limit)
  local width, height = image:size()
  local levels = {}
  while true do
    local at = name(#levels)
    fs.write(at, encode(image, format, source, quality, compression), { sync = false })
    levels[#levels + 1] = { path = at, width = width, height = height }
    if (width == 1 and height == 1) or #levels == opts.levels then return levels end
    width, height = math.max(1, width // 2), math.max(1, height // 2)
    local next = image:resize(width, height, filter, edge, srgb, weight, normal)
    image:close()
    image = next
  end
end

return resize
