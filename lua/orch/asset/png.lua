--- PNG and APNG: the chunks in front of the pixels.
---
--- Of a picture with a palette `bits` are those of an index, `channels` those of its colours.
--- Checksums are compared of IHDR and of what is used here; those of the pixels are a
--- decoder's affair. A file that is cut off is found: its last bytes are looked at as well.

local crc = require "orch.asset.crc"

local byte, find, sub, unpack = string.byte, string.find, string.sub, string.unpack

local HEADER = 33 -- the signature and IHDR
--- Real files have about ten before the pixels, and about a hundred thousand in all.
local MOST_BEFORE, MOST = 4096, 200000
--- No profile's name is found later than that.
local PROFILE = 16 << 10
local END = "\0\0\0\0IEND\174\66\96\130"

--- colour type -> channels, and the depths there may be
local types = {
  [0] = { 1, { [1] = true, [2] = true, [4] = true, [8] = true, [16] = true } },
  [2] = { 3, { [8] = true, [16] = true } },
  [3] = { 3, { [1] = true, [2] = true, [4] = true, [8] = true } },
  [4] = { 2, { [8] = true, [16] = true } },
  [6] = { 4, { [8] = true, [16] = true } },
}

local function check_shape(source, width, height, bits, color)
  if width == 0 or height == 0 or width >= 1 << 31 or height >= 1 << 31 then
    source:fail_at(16, "it is %d x %d pixels large", width, height)
  end
  local kind = types[color]
  if not kind then source:fail_at(25, "it has the unknown colour type %d", color) end
  if not kind[2][bits] then
    source:fail_at(24, "%d bits per channel cannot be with colour type %d", bits, color)
  end
  return kind[1]
end

local function read_header(source)
  local head = source.head
  if #head < HEADER then source:bytes(0, HEADER) end
  local length, id, width, height, bits, color, method, filter, interlace, sum =
    unpack(">I4c4I4I4BBBBBI4", head, 9)
  if id ~= "IHDR" or length ~= 13 then
    if id == "CgBI" then source:fail_at(8, "Xcode has made it fit for iOS only (CgBI)") end
    source:fail_at(8, "its first chunk is not IHDR with 13 bytes")
  end
  if crc.of(head, 13, 29) ~= sum then
    source:fail_at(29, "the checksum of its IHDR chunk is wrong: it is damaged")
  end
  local channels = check_shape(source, width, height, bits, color)
  if method ~= 0 or filter ~= 0 or interlace > 1 then
    source:fail_at(26, "its compression, filter or interlace method is unknown (%d, %d, %d)",
      method, filter, interlace)
  end
  return { width = width, height = height, channels = channels, bits = bits,
    alpha = color == 4 or color == 6, palette = color == 3, interlaced = interlace == 1,
    frames = 1, compression = "zip" }, color
end

--- Chunks whose content counts: id -> function(info, data, state, source, at)
local readers = {}

function readers.gAMA(info, data, state)
  if #data ~= 4 then return end
  local gamma = unpack(">I4", data)
  if gamma > 0 then info.gamma, state.gamma = gamma / 100000, gamma end
end

function readers.sRGB(_, data, state)
  if #data == 1 then state.srgb = true end
end

--- The primaries of sRGB, as the specification wants them written beside sRGB.
local SRGB = (">I4I4I4I4I4I4I4I4"):pack(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
function readers.cHRM(_, data, state)
  state.chromaticities = data == SRGB
end

--- Transfer characteristics of ITU-T H.273.
local transfers = { [8] = "linear", [13] = "srgb", [16] = "pq", [18] = "hlg" }
function readers.cICP(_, data, state)
  if #data == 4 then state.transfer = transfers[byte(data, 2)] or "other" end
end

function readers.pHYs(info, data)
  if #data ~= 9 then return end
  local per_unit, _, unit = unpack(">I4I4B", data)
  if unit == 1 and per_unit >= 20 then info.dpi = (per_unit * 0.0254 + 0.5) // 1 | 0 end
end

function readers.acTL(info, data)
  if #data == 8 then
    local frames = unpack(">I4", data)
    if frames > 0 then info.frames = frames end
  end
end

--- Its colours are not looked at, and so are not what its checksum is of.
local function check_palette(source, info, state, at, length)
  if length % 3 ~= 0 or length == 0 or length > 768 then
    source:fail_at(at, "its palette has %d bytes, which are no colours", length)
  end
  if info.palette and length // 3 > 1 << info.bits then
    source:fail_at(at, "its palette has %d colours, but %d bits reach %d", length // 3, info.bits,
      1 << info.bits)
  end
  state.colors = length // 3
end

--- One transparent colour, or an alpha for colours of the palette.
local function check_transparency(source, info, state, at, length)
  if info.alpha then return end -- is not allowed, and is ignored by everybody
  if info.palette then
    if not state.colors then source:fail_at(at, "tRNS comes before the palette") end
    if length > state.colors then
      source:fail_at(at, "%d of its %d colours are transparent", length, state.colors)
    end
  elseif length ~= info.channels * 2 then
    source:fail_at(at, "its transparent colour has %d bytes", length)
  end
  info.alpha, info.channels = true, info.channels + 1
end

local function read_profile(info, data)
  local name, method, at = unpack("zB", data .. "\0\0")
  local icc, profile = require "orch.asset.icc", nil
  if method == 0 and at <= #data then
    local ok, inflated = pcall(function()
      local stream <close> = require("orch.core.inflate").new()
      stream:feed(sub(data, at))
      return stream:take(PROFILE)
    end)
    profile = ok and inflated or nil
  end
  icc.apply(info, profile, name ~= "" and name or nil)
end

--- The later ones of this list go before the earlier ones.
local function decide(info, state)
  if state.gamma == 100000 then info.colorspace = "linear" end
  if state.gamma == 45455 and state.chromaticities then info.colorspace = "srgb" end
  if state.srgb then info.colorspace = "srgb" end
  if state.profile then read_profile(info, state.profile) end
  if state.transfer then info.colorspace = state.transfer end
end

--- Chunks with a right checksum: the same few are in all pictures of a program.
local right, rights = {}, 0
local MOST_RIGHT = 1000

local function check_sum(source, at, length)
  local data = source:bytes(at + 4, length + 8)
  if not right[data] then
    if crc.of(data, 1, length + 4) ~= unpack(">I4", data, length + 5) then
      source:fail_at(at, "the checksum of its %s chunk is wrong: it is damaged", sub(data, 1, 4))
    end
    if rights < MOST_RIGHT then right[data], rights = true, rights + 1 end
  end
  return sub(data, 5, length + 4)
end

local function read_chunk(source, info, state, at, length, id)
  if id == "PLTE" then
    check_palette(source, info, state, at, length)
  elseif id == "tRNS" then
    check_transparency(source, info, state, at, length)
  elseif id == "iCCP" then
    state.profile = source:bytes(at + 8, length < PROFILE and length or PROFILE)
  elseif id == "eXIf" then
    local found = require("orch.asset.exif").read(source:bytes(at + 8,
      length < PROFILE and length or PROFILE))
    info.orientation, info.dpi = found.orientation, info.dpi or found.dpi
  elseif readers[id] and length <= 32 then
    readers[id](info, check_sum(source, at, length), state)
  end
end

local function too_long(source, at, length, id)
  source:fail_at(at, "it is cut off: its %s chunk has %d bytes, of which %d are there", id, length,
    source.size - at - 8)
end

--- Reads chunks until the pixels; gives where they begin.
local function read_chunks(source, info, state)
  local at, head, size = HEADER, source.head, source.size
  local reach = #head
  for _ = 1, MOST_BEFORE do
    local length, id
    if at + 8 <= reach then
      length, id = unpack(">I4c4", head, at + 1)
    else
      length, id = source:unpack(">I4c4", at)
    end
    if not find(id, "^%a%a%a%a$") then
      source:fail_at(at, "there is no chunk where one should begin")
    end
    if at + 12 + length > size then too_long(source, at, length, id) end
    if id == "IDAT" then return at end
    if id == "IEND" then source:fail_at(at, "it ends without a picture (no IDAT chunk)") end
    read_chunk(source, info, state, at, length, id)
    at = at + 12 + length
  end
end

--- What does not end as it should has something behind its end, or is cut off.
local function check_end(source, at)
  if source:bytes(source.size - 12, 12) == END then return end
  for _ = 1, MOST do
    if not source:has(at, 12) then source:fail_at(at, "it is cut off: it has no IEND chunk") end
    local length, id = source:unpack(">I4c4", at)
    if not source:has(at, 12 + length) then too_long(source, at, length, id) end
    if id == "IEND" then return end
    at = at + 12 + length
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local info, color = read_header(source)
    local state = {}
    local at = read_chunks(source, info, state)
    if color == 3 and not state.colors then source:fail "it has no palette (PLTE chunk)" end
    if next(state) then decide(info, state) end
    if at then check_end(source, at) end
    return info
  end,
}
