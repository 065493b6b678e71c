--- Fonts: TrueType and OpenType, their collections (of which the first is told), and WOFF. In
--- WOFF2 the tables are packed together; only what is outside of them is known.

local errors = require "orch.core.error"
local tag = require "orch.asset.tag"

--- What names and rights are in is smaller than this.
local MOST_TABLE = 256 << 10

local formats = { ["\0\1\0\0"] = "ttf", ["true"] = "ttf", ["OTTO"] = "otf" }

--- A table: where it is, or its bytes once they had to be unpacked.
local function add_table(found, name, at, size, packed)
  found[name] = found[name] or { at = at, size = size, packed = packed }
end

local function read_sfnt(source, at)
  local version, count = source:unpack(">c4I2", at)
  local format = formats[version]
  if not format then source:fail_at(at, "it has no font where one should be") end
  local tables = {}
  for i = 0, count - 1 do
    local name, _, offset, size = source:unpack(">c4I4I4I4", at + 12 + i * 16)
    add_table(tables, name, offset, size)
  end
  return tables, format
end

local function read_woff(source)
  local count = source:unpack(">I2", 12)
  local tables = {}
  for i = 0, count - 1 do
    local name, offset, packed, size = source:unpack(">c4I4I4I4", 44 + i * 20)
    add_table(tables, name, offset, size, packed < size and packed or nil)
  end
  return tables
end

--- WOFF2 writes the names of usual tables as a number.
local FVAR = 47

local function is_variable_woff2(source)
  local count, at = source:unpack(">I2", 12), 48
  local function skip_number()
    for _ = 1, 5 do
      at = at + 1
      if source:unpack("B", at - 1) < 0x80 then return end
    end
  end
  for _ = 1, count do
    local flags = source:unpack("B", at)
    local known, version = flags & 63, flags >> 6
    if known == FVAR then return true end
    at = at + 1
    if known == 63 then
      if source:bytes(at, 4) == "fvar" then return true end
      at = at + 4
    end
    local transformed = (known == 10 or known == 11) and version ~= 3
      or known ~= 10 and known ~= 11 and version ~= 0
    skip_number()
    if transformed then skip_number() end
  end
  return false
end

--- nil: damaged, or not as long as it says.
local function unpack_table(packed, size)
  local stream <close> = require("orch.core.inflate").new()
  stream:feed(packed)
  local ok, bytes = pcall(stream.take, stream, size)
  if ok then return bytes and #bytes == size and bytes or nil end
  if not (errors.is(bytes) and bytes.kind == "format") then error(bytes, 0) end
end

--- The bytes of a table; nil: the font has none.
local function bytes_of(source, tables, name)
  local one = tables[name]
  if not one then return nil end
  local size = one.packed or one.size
  if one.size > MOST_TABLE then
    source:fail_at(one.at, "its table '%s' claims to have %d bytes", name, one.size)
  end
  local bytes = source:bytes(one.at, size)
  if one.packed then
    bytes = unpack_table(bytes, one.size)
    if not bytes then source:fail_at(one.at, "its table '%s' cannot be unpacked", name) end
  end
  return bytes
end

local function field(source, bytes, name, format, offset)
  if #bytes < offset + string.packsize(format) then
    source:fail("its table '%s' has %d bytes and is too short", name, #bytes)
  end
  return (string.unpack(format, bytes, offset + 1))
end

local ENGLISH = 0x409

--- Windows' names in English are the best, then any of Windows, then the others.
local function rank(platform, language)
  if platform == 3 then return language == ENGLISH and 4 or 3 end
  return platform == 0 and 2 or platform == 1 and language == 0 and 1 or 0
end

--- Family, style and licence by their numbers.
local wanted = { [1] = true, [2] = true, [13] = true, [16] = true, [17] = true }

local function read_names(source, bytes)
  local count = field(source, bytes, "name", ">I2", 2)
  local strings = field(source, bytes, "name", ">I2", 4)
  local names, ranks = {}, {}
  for i = 0, count - 1 do
    if 6 + (i + 1) * 12 > #bytes then break end
    local platform, _, language, id, size, at = (">I2I2I2I2I2I2"):unpack(bytes, 7 + i * 12)
    local better = wanted[id] and rank(platform, language)
    if better and better > (ranks[id] or -1) then
      local text = bytes:sub(strings + at + 1, strings + at + size)
      text = platform == 1 and tag.text(text) or tag.utf16(text, ">")
      if text ~= "" then names[id], ranks[id] = text, better end
    end
  end
  return names
end

--- What fsType allows, in words; of several rights the widest counts.
local function rights(bits)
  local words = bits & 0xE == 0 and "installable" or bits & 8 ~= 0 and "editable"
    or bits & 4 ~= 0 and "preview and print" or "restricted"
  if bits & 0x100 ~= 0 then words = words .. ", no subsetting" end
  if bits & 0x200 ~= 0 then words = words .. ", bitmaps only" end
  return words
end

local function read_tables(source, tables, info)
  local head, maxp = bytes_of(source, tables, "head"), bytes_of(source, tables, "maxp")
  local name, os2 = bytes_of(source, tables, "name"), bytes_of(source, tables, "OS/2")
  if not name then source:fail "it has no table 'name', which says what it is called" end
  local names = read_names(source, name)
  info.family, info.style = names[16] or names[1], names[17] or names[2]
  info.license = names[13]
  if head then info.units_per_em = field(source, head, "head", ">I2", 18) end
  if maxp then info.glyphs = field(source, maxp, "maxp", ">I2", 4) end
  if os2 then
    info.weight = field(source, os2, "OS/2", ">I2", 4)
    info.embedding = rights(field(source, os2, "OS/2", ">I2", 8))
  end
  info.variable = tables.fvar ~= nil
  return info
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local magic = source:bytes(0, 4)
    if magic == "wOF2" then
      source.format = "woff2"
      return { format = "woff2", variable = is_variable_woff2(source) }
    elseif magic == "wOFF" then
      source.format = "woff"
      return read_tables(source, read_woff(source), { format = "woff" })
    elseif magic == "ttcf" then
      source.format = "ttc"
      local count, first = source:unpack(">I4I4", 8)
      if count == 0 then source:fail "it is a collection without fonts" end
      return read_tables(source, read_sfnt(source, first), { format = "ttc" })
    end
    source.format = formats[magic]
    local tables, format = read_sfnt(source, 0)
    return read_tables(source, tables, { format = format })
  end,
}
