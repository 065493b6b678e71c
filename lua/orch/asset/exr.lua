--- OpenEXR: the headers of its parts. Size, channels and compression are those of the first
--- part; `layers` counts the parts, or in a single one what stands in front of the channels'
--- names ("diffuse.R").

local find, match, sub, unpack = string.find, string.match, string.sub, string.unpack

--- Real files have some thirty attributes in a part and ten parts.
local MOST_ATTRIBUTES, MOST_PARTS, MOST_CHANNELS = 2000, 500, 2000
--- Coordinates beyond this OpenEXR refuses as well.
local FARTHEST = (1 << 30) - 1

local TILED, LONG_NAMES, DEEP, MULTIPART = 0x200, 0x400, 0x800, 0x1000

local compressions = { [0] = "none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa",
  "dwab", "htj2k256", "htj2k32" }
local lines = { [0] = 1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32 }
--- type of a channel -> bits: uint, half, float
local bits_of = { [0] = 32, 16, 32 }

--- The format demands four more (lineOrder, pixelAspectRatio, screenWindow...), but programs
--- leave them out, and OpenEXR reads such files.
local required = { "channels", "compression", "dataWindow", "displayWindow" }
local sizes = { compression = 1, dataWindow = 16, displayWindow = 16, lineOrder = 1,
  pixelAspectRatio = 4, screenWindowCenter = 8, screenWindowWidth = 4, tiles = 9, chunkCount = 4 }

--- What parts are of: has tiles, is deep.
local kinds = { scanlineimage = { false, false }, tiledimage = { true, false },
  deepscanline = { false, true }, deeptile = { true, true } }

--- Text up to a zero; gives where it goes on.
local function text(source, at, most)
  local known = find(source.head, "\0", at + 1, true)
  if known and known - at <= most + 1 then return sub(source.head, at + 1, known - 1), known end
  local n = source.size - at
  local bytes = source:bytes(at, n < most + 1 and n or most + 1)
  local stop = find(bytes, "\0", 1, true)
  if not stop then
    source:fail_at(at, n > most and "there is no name where one should be"
      or "it is cut off within a name")
  end
  return sub(bytes, 1, stop - 1), at + stop
end

--- name, where its value is, how long that is; where the next one begins. "" ends the part.
local function attribute(source, at, most)
  local name, kind, size
  name, at = text(source, at, most)
  if name == "" then return name, nil, nil, at end
  kind, at = text(source, at, most)
  size = source:unpack("<i4", at)
  if kind == "" or size < 0 or not source:has(at + 4, size) then
    source:fail_at(at, "%sits attribute '%s' has %d bytes", size > 0 and "it is cut off: " or "",
      match(name, "^[ -~]*"), size)
  end
  if sizes[name] and sizes[name] ~= size then
    source:fail_at(at, "its attribute '%s' has %d bytes instead of %d", name, size, sizes[name])
  end
  return name, at + 4, size, at + 4 + size
end

local function read_channels(source, part, at, size)
  local data, i = source:bytes(at, math.min(size, 1 << 20)), 1
  local count, bits, prefixes, layers = 0, 0, {}, 0
  while count < MOST_CHANNELS do
    local stop = find(data, "\0", i, true)
    if not stop then source:fail_at(at, "its list of channels has no end") end
    local name = sub(data, i, stop - 1)
    if name == "" then break end
    if stop + 16 > #data then source:fail_at(at, "its list of channels has no end") end
    local kind, x, y = unpack("<i4xxxxi4i4", data, stop + 1)
    if not bits_of[kind] or x < 1 or y < 1 then
      source:fail_at(at + i, "a channel of it has the type %d, and each %d, %d pixels a value",
        kind, x, y)
    end
    count, bits = count + 1, math.max(bits, bits_of[kind])
    if name == "A" or find(name, "%.A$") then part.alpha = true end
    local prefix = match(name, "^(.*)%.") or ""
    if not prefixes[prefix] then prefixes[prefix], layers = true, layers + 1 end
    i = stop + 17
  end
  if count == 0 then source:fail_at(at, "it has no channels") end
  part.channels, part.bits, part.layers = count, bits, layers
end

local function read_window(source, at)
  local left, top, right, bottom = source:unpack("<i4i4i4i4", at)
  if right < left or bottom < top or math.max(-left, -top, right, bottom) > FARTHEST then
    source:fail_at(at, "its pixels go from %d, %d to %d, %d", left, top, right, bottom)
  end
  return right - left + 1, bottom - top + 1
end

--- Levels of a side of so many pixels, halved until one is left.
local function count_levels(side, up)
  local n = 1
  while side > 1 do side, n = (side + (up and 1 or 0)) // 2, n + 1 end
  return n
end

local readers = { channels = read_channels }
function readers.dataWindow(source, part, at)
  part.width, part.height = read_window(source, at)
end
function readers.displayWindow(source, _, at) read_window(source, at) end
function readers.compression(source, part, at)
  part.code = source:unpack("B", at)
  part.compression = compressions[part.code]
  if not part.compression then
    source:fail_at(at, "it has the unknown compression %d", part.code)
  end
end
function readers.lineOrder(source, _, at)
  local order = source:unpack("B", at)
  if order > 2 then source:fail_at(at, "it has the unknown order of lines %d", order) end
end
function readers.tiles(source, part, at)
  local width, height, mode = source:unpack("<I4I4B", at)
  if width < 1 or height < 1 or width > FARTHEST or height > FARTHEST or mode & 15 > 2
    or mode >> 4 > 1 then
    source:fail_at(at, "its tiles have %d x %d pixels, and the mode %d", width, height, mode)
  end
  part.tile_width, part.tile_height, part.mode, part.up = width, height, mode & 15, mode >> 4 == 1
end
function readers.chunkCount(source, part, at) part.chunks = source:unpack("<i4", at) end
function readers.type(source, part, at, size)
  part.kind = source:bytes(at, math.min(size, 32))
end
function readers.envmap(source, part, at, size)
  if size == 1 and source:unpack("B", at) == 1 then part.faces = 6 end
end

local function read_part(source, at, most)
  local part, seen = { alpha = false }, {}
  for _ = 1, MOST_ATTRIBUTES do
    local name, value_at, size, behind = attribute(source, at, most)
    at = behind
    if name == "" then
      for i = 1, #required do
        if not seen[required[i]] then
          source:fail_at(at, "it lacks the attribute '%s'", required[i])
        end
      end
      return part, at
    end
    seen[name] = true
    if readers[name] then readers[name](source, part, value_at, size) end
  end
  source:fail_at(at, "it has more than %d attributes", MOST_ATTRIBUTES)
end

local function tiles_of(part, level_x, level_y)
  local function across(side, tile, level)
    side = math.max(1, part.up and -(-side >> level) or side >> level)
    return (side + tile - 1) // tile
  end
  return across(part.width, part.tile_width, level_x) * across(part.height, part.tile_height,
    level_y)
end

local function count_chunks(source, part, flags)
  if flags & (MULTIPART | DEEP) ~= 0 then return part.chunks or 0 end
  if flags & TILED == 0 then
    local n = lines[part.code]
    return (part.height + n - 1) // n
  end
  if not part.tile_width then source:fail "it has tiles, but not their size" end
  if part.mode == 0 then return tiles_of(part, 0, 0) end
  local chunks = 0
  for level = 0, part.mips - 1 do
    chunks = chunks + tiles_of(part, level, level) -- of a ripmap at least those
  end
  return chunks
end

local function check_kind(source, part, at, flags)
  local several = flags & MULTIPART ~= 0
  if several and (not part.kind or not part.chunks) then
    source:fail_at(at, "a part of several does not say what it is, or how long")
  end
  if not part.kind then return end
  local kind = kinds[part.kind]
  if not kind then source:fail_at(at, "a part is of an unknown kind") end
  local same = kind[1] == (flags & TILED ~= 0) and kind[2] == (flags & DEEP ~= 0)
  if not several and not same then
    source:fail_at(at, "it says that it is a %s, but its first bytes say something else",
      part.kind)
  end
end

--- Behind the headers is a table that says where each piece is.
local function check_pieces(source, parts, at, flags)
  local chunks = 0
  for i = 1, #parts do
    local n = count_chunks(source, parts[i], flags)
    if n < 0 then source:fail_at(at, "it has %d pieces", n) end
    chunks = chunks + n
  end
  if not source:has(at, chunks * 8) then
    source:fail_at(at, "it is cut off: its table of %d pieces goes beyond its end", chunks)
  end
end

local function read_parts(source, flags)
  local parts, at = {}, 8
  local most = flags & LONG_NAMES ~= 0 and 255 or 31
  repeat
    local part
    part, at = read_part(source, at, most)
    check_kind(source, part, at, flags)
    part.mips = 1
    if part.mode and part.mode > 0 then
      part.mips = count_levels(math.max(part.width, part.height), part.up)
    end
    parts[#parts + 1] = part
    if flags & MULTIPART == 0 then break end
  until source:unpack("B", at) == 0 or #parts == MOST_PARTS
  return parts, flags & MULTIPART ~= 0 and at + 1 or at
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local flags = source:unpack("<I4", 4)
    if flags & 0xFF ~= 2 or flags & ~0x1EFF ~= 0 then
      source:fail_at(4, "it has the version %d and the flags %x", flags & 0xFF, flags >> 8)
    end
    local parts, at = read_parts(source, flags)
    check_pieces(source, parts, at, flags)
    local part, layers = parts[1], #parts > 1 and #parts or parts[1].layers
    local cube = part.faces and part.height == part.width * 6
    return { width = part.width, height = cube and part.width or part.height, bits = part.bits,
      channels = part.channels, alpha = part.alpha, compression = part.compression,
      mips = part.mips, colorspace = "linear", frames = 1, palette = false, interlaced = false,
      layers = layers > 1 and layers or nil, faces = cube and 6 or nil }
  end,
}
