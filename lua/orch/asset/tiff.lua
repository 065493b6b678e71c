--- TIFF and BigTIFF: the first directory, and how many pictures follow (pages; previews and
--- smaller versions do not count).

local sub, unpack = string.sub, string.unpack

--- type -> bytes, what unpacks it; nothing of interest is a float
local types = {
  { 1, "B" }, { 1, "B" }, { 2, "I2" }, { 4, "I4" }, { 8, "I4I4" }, { 1, "b" }, { 1, "B" },
  { 2, "i2" }, { 4, "i4" }, { 8, "i4i4" }, [13] = { 4, "I4" }, [16] = { 8, "I8" },
  [17] = { 8, "i8" }, [18] = { 8, "I8" },
}
--- Real directories have about twenty entries, and files some hundred pages.
local MOST_ENTRIES, MOST_PAGES = 1000, 1000

local compressions = { "none", "ccitt", "ccitt", "ccitt", "lzw", "jpeg", "jpeg", "zip",
  [32773] = "packbits", [32946] = "zip", [34676] = "sgilog", [34677] = "sgilog",
  [34712] = "jpeg2000", [34925] = "lzma", [50000] = "zstd", [50001] = "webp", [50002] = "jpegxl" }

local KIND, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
local OFFSETS, ORIENTATION, SAMPLES, SIZES = 273, 274, 277, 279
local DPI, UNIT, TILES, TILE_SIZES, EXTRA, PROFILE = 282, 296, 324, 325, 338, 34675
local PALETTE = 3

--- tag -> where its values are, how many, of which type
local function read_directory(source, at, form)
  local count = source:unpack(form.count, at)
  at = at + form.count_size
  if count < 1 or count > MOST_ENTRIES then
    source:fail_at(at, "a directory of it has %u entries", count)
  end
  local tags, data, head = {}, source:bytes(at, count * form.entry_size), form.entry
  local entry_size, value_size = form.entry_size, form.value_size
  for i = 0, count - 1 do
    local tag, kind, values = unpack(head, data, 1 + i * entry_size)
    local value_at = at + (i + 1) * entry_size - value_size
    local shape = types[kind]
    if shape and values > 0 then
      if values > value_size // shape[1] then
        value_at = unpack(form.offset, data, 1 + (i + 1) * entry_size - value_size)
      end
      tags[tag] = { value_at, values, kind }
    end
  end
  return tags, at + count * entry_size
end

--- One value of a tag, the first by default.
local function value(source, form, tags, tag, index)
  local entry = tags[tag]
  if not entry then return nil end
  local shape = types[entry[3]]
  return source:unpack(form.order .. shape[2], entry[1] + (index or 0) * shape[1])
end

local function largest_bits(source, form, tags, samples)
  local entry, most = tags[BITS], 1
  for i = 0, math.min(entry and entry[2] or 0, samples, 64) - 1 do
    local bits = value(source, form, tags, BITS, i)
    if bits > most then most = bits end
  end
  return most
end

--- The last piece of the pixels has to be there.
local function check_pixels(source, form, tags, offsets, sizes)
  local entry = tags[offsets]
  if not entry then return false end
  local last = entry[2] - 1
  local at = value(source, form, tags, offsets, last)
  local size = tags[sizes] and tags[sizes][2] > last and value(source, form, tags, sizes, last) or 1
  if not source:has(at, size) then
    source:fail_at(source.size, "it is cut off: %u bytes at offset %u are missing", size, at)
  end
  return true
end

local function read_color(source, form, tags, info)
  local photometric = value(source, form, tags, PHOTOMETRIC)
  info.palette = photometric == PALETTE
  if info.palette then info.channels = info.channels + 2 end
  for i = 0, math.min(tags[EXTRA] and tags[EXTRA][2] or 0, 16) - 1 do
    local meaning = value(source, form, tags, EXTRA, i)
    if meaning == 1 or meaning == 2 then info.alpha = true end
  end
  local profile = tags[PROFILE]
  if profile then
    require("orch.asset.icc").apply(info,
      source:bytes(profile[1], math.min(profile[2], 65536)))
  end
end

local function read_resolution(source, form, tags)
  local over, under = value(source, form, tags, DPI)
  local unit = value(source, form, tags, UNIT) or 2
  if not over or not under or tags[DPI][3] ~= 5 or over == 0 or under == 0 then return nil end
  if unit ~= 2 and unit ~= 3 then return nil end
  local dpi = (over / under * (unit == 3 and 2.54 or 1) + 0.5) // 1 | 0
  return dpi > 0 and dpi or nil
end

local function read_picture(source, form, at)
  local tags, behind = read_directory(source, at, form)
  local width, height = value(source, form, tags, WIDTH), value(source, form, tags, HEIGHT)
  if not width or not height or width <= 0 or height <= 0 then
    source:fail_at(at, "it is %s x %s pixels large", width or "?", height or "?")
  end
  local samples = value(source, form, tags, SAMPLES) or 1
  if samples < 1 then source:fail_at(at, "it has %d channels", samples) end
  local method = value(source, form, tags, COMPRESSION) or 1
  local orientation = value(source, form, tags, ORIENTATION)
  local info = { width = width, height = height, channels = samples, interlaced = false,
    bits = largest_bits(source, form, tags, samples), alpha = false,
    compression = compressions[method] or tostring(method),
    orientation = orientation and orientation >= 1 and orientation <= 8 and orientation or nil,
    dpi = read_resolution(source, form, tags) }
  if info.bits < 1 or info.bits > 64 then
    source:fail_at(at, "it has %d bits per channel", info.bits)
  end
  read_color(source, form, tags, info)
  if not check_pixels(source, form, tags, OFFSETS, SIZES)
    and not check_pixels(source, form, tags, TILES, TILE_SIZES) then
    source:fail_at(at, "it does not say where its pixels are")
  end
  return info, source:unpack(form.offset, behind)
end

--- Directories are a chain; one that comes back to itself is broken.
local function count_pages(source, form, at)
  local pages, seen = 1, {}
  for _ = 1, MOST_PAGES do
    if at == 0 then break end
    if seen[at] then source:fail_at(at, "its pages are a circle") end
    seen[at] = true
    local tags, behind = read_directory(source, at, form)
    local kind = value(source, form, tags, KIND) or 0
    if kind & 1 == 0 then pages = pages + 1 end
    at = source:unpack(form.offset, behind)
  end
  return pages
end

local function form_of(order, is_big)
  return is_big and { order = order, count = order .. "I8", count_size = 8, entry_size = 20,
    value_size = 8, entry = order .. "I2I2I8", offset = order .. "I8" }
    or { order = order, count = order .. "I2", count_size = 2, entry_size = 12, value_size = 4,
      entry = order .. "I2I2I4", offset = order .. "I4" }
end
local forms = { II = { form_of("<", false), form_of("<", true) },
  MM = { form_of(">", false), form_of(">", true) } }

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local order = sub(source.head, 1, 2)
    local is_big = source:unpack(order == "II" and "<I2" or ">I2", 2) == 43
    local form = forms[order][is_big and 2 or 1]
    local info, more = read_picture(source, form, source:unpack(form.offset, is_big and 8 or 4))
    info.frames = count_pages(source, form, more)
    return info
  end,
}
