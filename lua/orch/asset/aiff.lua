--- AIFF and AIFF-C: Apple's chunks, big-endian. All figures are exact.

local riff = require "orch.asset.riff"
local tag = require "orch.asset.tag"

--- AIFF-C's names -> codec, and bits where the name says them.
local codecs = {
  ["NONE"] = { "pcm" }, ["twos"] = { "pcm" }, ["sowt"] = { "pcm" }, ["raw "] = { "pcm", 8 },
  ["in24"] = { "pcm", 24 }, ["in32"] = { "pcm", 32 }, ["fl32"] = { "float", 32 },
  ["FL32"] = { "float", 32 }, ["fl64"] = { "float", 64 }, ["FL64"] = { "float", 64 },
  ["alaw"] = { "alaw", 8 }, ["ALAW"] = { "alaw", 8 }, ["ulaw"] = { "mulaw", 8 },
  ["ULAW"] = { "mulaw", 8 }, ["ima4"] = { "ima-adpcm" }, ["MAC3"] = { "mace3" },
  ["MAC6"] = { "mace6" }, ["GSM "] = { "gsm" }, ["QDMC"] = { "qdmc" }, ["QDM2"] = { "qdm2" },
}
local plain = { pcm = true, float = true, alaw = true, mulaw = true }
--- Packets of so many frames, which COMM counts instead of frames.
local PACKET = { ["ima-adpcm"] = 64 }

local text_names = { ["NAME"] = "title", ["AUTH"] = "artist", ["(c) "] = "copyright",
  ["ANNO"] = "comment" }

--- An 80-bit float, as sample rates are given.
local function rate_of(source, offset)
  local exponent, mantissa = source:unpack(">I2I8", offset)
  local value = (mantissa >> 1) * 2.0 ^ (exponent - 16383 - 62)
  if exponent >= 0x8000 or not (value >= 1 and value < 2 ^ 31) then
    source:fail_at(offset, "its sample rate is no number that could be one")
  end
  return math.tointeger(value) or value
end

local function read_common(source, chunk, is_aifc)
  local least = is_aifc and 22 or 18
  if chunk.size < least then
    source:fail_at(chunk.at, "its COMM chunk has %d bytes, and %d are the least", chunk.size, least)
  end
  local channels, frames, bits = source:unpack(">I2I4I2", chunk.at)
  local kind = is_aifc and source:bytes(chunk.at + 18, 4) or "NONE"
  local codec = codecs[kind] or { (kind:gsub("[^ -~]", "?")) }
  if channels == 0 then source:fail_at(chunk.at, "it has no channels") end
  return { channels = channels, frames = frames * (PACKET[codec[1]] or 1), codec = codec[1],
    bits = codec[2] or bits, rate = rate_of(source, chunk.at + 8) }
end

local function check_sound(source, info, chunk)
  if not chunk then
    if info.frames > 0 then source:fail "it has no SSND chunk, where the sound would be" end
    return
  end
  local rest, needed = source.size - chunk.at, chunk.size
  if plain[info.codec] then
    local width = (info.bits + 7) // 8
    needed = math.max(needed, info.frames * info.channels * width + 8)
  end
  if needed > rest then
    source:fail_at(chunk.at, "it is cut off: its sound has %d bytes, of which %d are there",
      needed - 8, math.max(rest - 8, 0))
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local is_aifc = source:bytes(8, 4) == "AIFC"
    local info, sound, tags = nil, nil, {}
    for chunk in riff.chunks(source, 12, ">") do
      if chunk.id == "COMM" and not info then
        info = read_common(source, chunk, is_aifc)
      elseif chunk.id == "SSND" and not sound then
        sound = chunk
      elseif text_names[chunk.id] and source:has(chunk.at, chunk.size) then
        tag.add(tags, text_names[chunk.id], source:bytes(chunk.at, math.min(chunk.size, 4096)))
      end
    end
    if not info then source:fail "it has no COMM chunk, which says what the sound is like" end
    if plain[info.codec] and info.bits == 0 then source:fail "its samples have 0 bits" end
    check_sound(source, info, sound)
    info.duration = info.frames / info.rate
    if plain[info.codec] then
      info.bitrate = info.rate * info.channels * ((info.bits + 7) // 8) * 8
    else
      info.bits = nil
    end
    info.tags = tag.any(tags)
    return info
  end,
}
