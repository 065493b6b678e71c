--- Ogg: Vorbis, Opus, FLAC and Speex. The length is the position that the last page names,
--- for which only the end of the file is read; it is exact for a file that holds one stream
--- from its beginning.

local flac = require "orch.asset.flac"
local tag = require "orch.asset.tag"

local MOST_STREAMS = 32
local MOST_PAGES, MOST_TEXT = 64, 64 << 10
--- Two of the largest pages: the last may belong to another stream.
local WINDOW = 128 << 10

local FIRST = 2 -- a flag of a page

---@class orch.asset.OggPage
---@field flags integer
---@field granule integer position in the stream at its end; -1: no packet ends in it
---@field serial integer of the stream
---@field lacing string sizes of the segments
---@field at integer of the content
---@field size integer of the content

local function read_page(source, at)
  local magic, version, flags, granule, serial, _, _, count =
    source:unpack("<c4BBi8I4I4I4B", at)
  if magic ~= "OggS" or version ~= 0 then
    source:fail_at(at, "there should be a page, and is none")
  end
  local lacing, size = source:bytes(at + 27, count), 0
  for i = 1, count do size = size + lacing:byte(i) end
  if not source:has(at + 27 + count, size) then
    source:fail_at(at, "it ends in the middle of a page")
  end
  return { flags = flags, granule = granule, serial = serial, lacing = lacing,
    at = at + 27 + count, size = size }
end

local function check_stream(source, info)
  if info.rate == 0 then source:fail "its sample rate is 0" end
  if info.channels == 0 then source:fail "it has no channels" end
  return info
end

--- What the first packet of a stream says -> info, how its comments begin, frames to skip
local codecs = {
  { "\1vorbis", function(source, at)
    local channels, rate, _, nominal = source:unpack("<BI4i4i4", at + 11)
    return { codec = "vorbis", channels = channels, rate = rate,
      bitrate = nominal > 0 and nominal or nil }, "\3vorbis", 0
  end },
  { "OpusHead", function(source, at)
    local _, channels, skip = source:unpack("<BBI2", at + 8)
    return { codec = "opus", channels = channels, rate = 48000 }, "OpusTags", skip
  end },
  { "\127FLAC", function(source, at)
    local info = flac.stream_info(source, at + 17)
    info.longest = nil
    return info, "\4...", 0
  end },
  { "Speex   ", function(source, at)
    local rate, _, _, channels, bitrate = source:unpack("<I4I4I4I4i4", at + 36)
    return { codec = "speex", channels = channels, rate = rate,
      bitrate = bitrate > 0 and bitrate or nil }, "", 0
  end },
}

local function read_stream(source, page)
  local head = source:bytes(page.at, math.min(page.size, 16))
  for _, codec in ipairs(codecs) do
    if head:sub(1, #codec[1]) == codec[1] then
      local info, comments, skip = codec[2](source, page.at)
      return check_stream(source, info), comments, skip
    end
  end
end

--- The second packet, as far as it is worth reading.
local function second_packet(source, at, serial)
  local pieces, length = {}, 0
  for _ = 1, MOST_PAGES do
    if not source:has(at, 27) then break end
    local page = read_page(source, at)
    at = page.at + page.size
    if page.serial == serial and page.flags & FIRST == 0 then
      local size, ended = 0, false
      for i = 1, #page.lacing do
        size = size + page.lacing:byte(i)
        ended = page.lacing:byte(i) < 255
        if ended then break end
      end
      pieces[#pieces + 1] = source:bytes(page.at, size)
      length = length + size
      if ended or length > MOST_TEXT then break end
    end
  end
  return table.concat(pieces)
end

local function read_tags(source, at, serial, begins)
  local packet = second_packet(source, at, serial)
  if packet == "" then source:fail_at(at, "it ends behind its first page") end
  if begins:sub(1, 1) ~= "\4" and packet:sub(1, #begins) ~= begins then return nil end
  if begins:sub(1, 1) == "\4" and (packet:byte() or 0) & 0x7F ~= 4 then return nil end
  return tag.any((tag.vorbis(packet:sub(#begins + 1))))
end

--- The position at the end of a stream; nil where its last page is further up.
local function last_position(source, serial)
  local from = math.max(0, source.size - WINDOW)
  local window = source:bytes(from, source.size - from)
  local position, at = nil, 1
  while true do
    at = window:find("OggS\0", at, true)
    if not at then return position end
    local page = read_page(source, from + at - 1)
    if page.serial == serial and page.granule >= 0 then position = page.granule end
    at = page.at + page.size - from + 1
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local at = 0
    for _ = 1, MOST_STREAMS do
      local page = read_page(source, at)
      if page.flags & FIRST == 0 then break end
      local info, comments, skip = read_stream(source, page)
      at = page.at + page.size
      if info then
        local position = last_position(source, page.serial)
        info.frames = position and math.max(0, position - skip) or info.frames
        info.duration = info.frames and info.frames / info.rate
        if not info.bitrate and info.duration and info.duration > 0 then
          info.bitrate = source.size * 8 / info.duration // 1 | 0
        end
        info.tags = read_tags(source, at, page.serial, comments)
        return info
      end
    end
    source:fail "it holds no sound (Vorbis, Opus, FLAC or Speex)"
  end,
}
