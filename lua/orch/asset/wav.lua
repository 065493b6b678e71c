--- WAV: RIFF, RIFX (big-endian) and, beyond 4 GB, RF64 and BW64.
---
--- Rate, channels, bits and the length of uncompressed sound are exact; that of a compressed
--- one is what its `fact` chunk says, or its number of blocks.

local riff = require "orch.asset.riff"
local tag = require "orch.asset.tag"

local codecs = {
  [0x0001] = "pcm", [0x0002] = "ms-adpcm", [0x0003] = "float", [0x0006] = "alaw",
  [0x0007] = "mulaw", [0x0011] = "ima-adpcm", [0x0031] = "gsm", [0x0050] = "mp2",
  [0x0055] = "mp3", [0x0160] = "wma", [0x0161] = "wma", [0x0166] = "xma2", [0xF1AC] = "flac",
}

--- A sample is a number of bytes.
local plain = { pcm = true, float = true, alaw = true, mulaw = true }

local EXTENSIBLE = 0xFFFE
--- What follows the code in the GUID of an extensible format.
local GUID_TAIL = "\0\0\16\0\128\0\0\xAA\0\x38\x9B\x71"

local info_names = { INAM = "title", IART = "artist", ICMT = "comment", ICOP = "copyright",
  ICRD = "date", IGNR = "genre", IPRD = "album", ISFT = "software", ITRK = "track" }

local function read_format(source, chunk, order)
  if chunk.size < 14 then
    source:fail_at(chunk.at, "its fmt chunk has %d bytes, and 14 are the least", chunk.size)
  end
  local code, channels, rate, byte_rate, block = source:unpack(order .. "I2I2I4I4I2", chunk.at)
  local bits = chunk.size >= 16 and source:unpack(order .. "I2", chunk.at + 14) or 0
  local format = { channels = channels, rate = rate, byte_rate = byte_rate, block = block,
    bits = bits, width = bits }
  if code == EXTENSIBLE and chunk.size >= 40 then
    local valid = source:unpack(order .. "I2", chunk.at + 18)
    if valid > 0 and valid <= bits then format.bits = valid end
    local guid = source:bytes(chunk.at + 24, 16)
    code = (order .. "I4"):unpack(guid)
    if order == "<" and guid:sub(5) ~= GUID_TAIL then code = EXTENSIBLE end
  elseif chunk.size >= 20 then
    format.block_frames = source:unpack(order .. "I2", chunk.at + 18)
  end
  format.codec = codecs[code] or ("0x%04x"):format(code)
  return format
end

local function check_format(source, format)
  if format.channels == 0 then source:fail "it has no channels" end
  if format.rate == 0 then source:fail "its sample rate is 0" end
  if not plain[format.codec] then return end
  local bytes = format.block // format.channels
  if format.width == 0 or format.block % format.channels ~= 0 or bytes * 8 < format.width then
    source:fail("its frames have %d bytes, which is not right for %d bits on channels: %d",
      format.block, format.width, format.channels)
  end
end

--- Some write the sound before they know how long it will be.
local function data_size(source, chunk, riff_size)
  local rest = source.size - chunk.at
  local unknown = chunk.size == 0xFFFFFFFF
    or chunk.size == 0 and (riff_size == 0 or riff_size == 0xFFFFFFFF)
  if unknown then return rest end
  if chunk.size > rest then
    source:fail_at(chunk.at, "it is cut off: its sound has %d bytes, of which %d are there",
      chunk.size, rest)
  end
  return chunk.size
end

local function count_frames(format, bytes, fact)
  if plain[format.codec] then return bytes // format.block end
  local blocks = format.block > 0 and -(-bytes // format.block) or 0
  local most = format.block_frames and format.codec:find "adpcm"
    and blocks * format.block_frames
  if fact and fact > 0 and (not most or fact <= most) then return fact end
  return most or nil
end

local function read_loops(source, chunk, order)
  local count = source:has(chunk.at, 36) and source:unpack(order .. "I4", chunk.at + 28) or 0
  local loops = {}
  for i = 1, math.min(count, (chunk.size - 36) // 24, 64) do
    local at = chunk.at + 36 + (i - 1) * 24
    if not source:has(at, 24) then break end
    local first, last = source:unpack(order .. "I4I4", at + 8)
    loops[i] = { first = first, last = last }
  end
  return loops[1] and loops
end

local function read_info(source, chunk, order, tags)
  if chunk.size < 4 or not source:has(chunk.at, chunk.size) then return end
  if source:bytes(chunk.at, 4) ~= "INFO" then return end
  for one in riff.chunks(source, chunk.at + 4, order) do
    if one.at + one.size > chunk.at + chunk.size then break end
    local name = info_names[one.id]
    if name then tag.add(tags, name, source:bytes(one.at, math.min(one.size, 4096))) end
  end
end

--- RF64: the sizes that 32 bits have no room for.
local function read_large(source, chunk)
  if chunk.size < 24 then source:fail_at(chunk.at, "its ds64 chunk is too short") end
  local _, data = source:unpack("<I8I8", chunk.at)
  if data < 0 then source:fail_at(chunk.at, "it claims to have %u bytes of sound", data) end
  return data
end

local function collect(source, order, riff_size)
  local found, tags, sizes = { riff_size = riff_size }, {}, {}
  for chunk in riff.chunks(source, 12, order, sizes) do
    local id = chunk.id
    if id == "fmt " and not found.format then
      found.format = read_format(source, chunk, order)
    elseif id == "data" and not found.data then
      found.data = chunk
    elseif id == "ds64" then
      sizes.data = read_large(source, chunk)
    elseif id == "fact" and chunk.size >= 4 and source:has(chunk.at, 4) then
      found.fact = source:unpack(order .. "I4", chunk.at)
    elseif id == "smpl" then
      found.loops = read_loops(source, chunk, order)
    elseif id == "LIST" then
      read_info(source, chunk, order, tags)
    end
  end
  found.tags = tag.any(tags)
  return found
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local id, order = source:bytes(0, 4), "<"
    if id == "RIFX" then order = ">" end
    if source:bytes(8, 4) ~= "WAVE" then source:fail_at(8, "it is a RIFF file, but no sound") end
    local found = collect(source, order, (source:unpack(order .. "I4", 4)))
    local format = found.format
    if not format then source:fail "it has no fmt chunk, which says what the sound is like" end
    check_format(source, format)
    if not found.data then source:fail "it has no data chunk, where the sound would be" end
    local bytes = data_size(source, found.data, found.riff_size)
    local frames = count_frames(format, bytes, found.fact)
    local bitrate = plain[format.codec] and format.rate * format.block * 8
      or format.byte_rate * 8
    return { codec = format.codec, rate = format.rate, channels = format.channels,
      bits = plain[format.codec] and format.bits or nil, frames = frames,
      duration = frames and frames / format.rate
        or format.byte_rate > 0 and bytes / format.byte_rate or nil,
      bitrate = bitrate > 0 and bitrate or nil, loops = found.loops, tags = found.tags }
  end,
}
