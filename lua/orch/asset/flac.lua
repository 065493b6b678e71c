--- FLAC: the stream's own description, compared with its first frame. All figures are exact;
--- a length that the encoder did not know is nil.

local tag = require "orch.asset.tag"

local MOST_BLOCKS = 1000
--- Of comments, so much is read at most: covers have a block of their own.
local MOST_TEXT = 64 << 10

local flac = {}

---The 34 bytes that describe a stream, which Ogg has as well.
---@param source orch.asset.Source
---@param at integer
---@return table info
function flac.stream_info(source, at)
  local shortest, longest = source:unpack(">I2I2", at)
  local packed = source:unpack(">I8", at + 10)
  local rate, frames = packed >> 44, packed & 0xFFFFFFFFF
  if rate == 0 then source:fail_at(at + 10, "its sample rate is 0") end
  if shortest < 16 or longest < shortest then
    source:fail_at(at, "its blocks have %d to %d samples", shortest, longest)
  end
  return { codec = "flac", rate = rate, channels = (packed >> 41 & 7) + 1,
    bits = (packed >> 36 & 31) + 1, frames = frames > 0 and frames or nil,
    duration = frames > 0 and frames / rate or nil, longest = longest }
end

local sizes = { 192, 576, 1152, 2304, 4608, false, false, 256, 512, 1024, 2048, 4096, 8192,
  16384, 32768 }
local bits_of = { 8, 12, false, 16, 20, 24, 32 }

--- The number behind a coded frame number, which is written like UTF-8.
local function coded_length(byte)
  if byte < 0x80 then return 1 end
  local n = 0
  while n < 7 and byte & (0x80 >> n) ~= 0 do n = n + 1 end
  return n
end

--- A frame says again what it is like: who reads only the description would not notice
--- that it is of another sound.
local function check_frame(source, at, info)
  if not source:has(at, 1) then
    if info.frames then source:fail_at(at, "it ends before its first frame") end
    return
  end
  local sync, shape, how, number = source:unpack(">I2BBB", at)
  if sync & 0xFFFE ~= 0xFFF8 then
    source:fail_at(at, "there is no frame behind the descriptions; one of them lies about its "
      .. "length")
  end
  local channels = how >> 4
  channels = channels < 8 and channels + 1 or channels < 11 and 2 or 0
  if channels ~= info.channels then
    source:fail_at(at, "it says that it has %d channels, but the first frame has %d",
      info.channels, channels)
  end
  local code = shape >> 4
  local samples = sizes[code]
  local behind = at + 4 + coded_length(number)
  if code == 6 then samples = source:unpack("B", behind) + 1 end
  if code == 7 then samples = source:unpack(">I2", behind) + 1 end
  if samples and samples > info.longest then
    source:fail_at(at, "it says that no block is longer than %d samples, but the first has %d",
      info.longest, samples)
  end
  local bits = bits_of[how >> 1 & 7]
  if bits and bits ~= info.bits then
    source:fail_at(at, "it says that it has %d bits, but the first frame has %d", info.bits, bits)
  end
end

---@param source orch.asset.Source
---@param at integer? where it begins
---@return table info
function flac.read(source, at)
  at = (at or 0) + 4
  local first = source:unpack("B", at)
  if first & 0x7F ~= 0 then source:fail_at(at, "it does not begin with its description") end
  local info, tags
  for _ = 1, MOST_BLOCKS do
    local head = source:unpack(">I4", at)
    local kind, size = head >> 24 & 0x7F, head & 0xFFFFFF
    if not source:has(at + 4, size) then
      source:fail_at(at, "a description of %d bytes goes beyond its end", size)
    end
    if kind == 0 and not info then
      info = flac.stream_info(source, at + 4)
    elseif kind == 4 and not tags then
      local whole
      tags, whole = tag.vorbis(source:bytes(at + 4, math.min(size, MOST_TEXT)))
      if not whole and size <= MOST_TEXT then
        source:fail_at(at, "its comments are longer than the block that they are in")
      end
    elseif kind == 127 then
      source:fail_at(at, "a description has a kind that there cannot be")
    end
    at = at + 4 + size
    if head >> 31 == 1 then break end
  end
  check_frame(source, at, info)
  info.longest = nil
  info.tags = tags and tag.any(tags)
  if info.duration then info.bitrate = (source.size - at) * 8 / info.duration // 1 | 0 end
  return info
end

return flac
