--- MP3: the first frame of MPEG audio, and the count of frames in it.
---
--- Rate and channels are exact. With a Xing, Info or VBRI header `frames` and `duration` are
--- exact too, without the encoder's padding where it is named. Without one, `duration` is an
--- estimate from the size of the file and the bit rate of its first frames, and `frames` is nil.

local id3 = require "orch.asset.id3"
local tag = require "orch.asset.tag"

--- Between tags and the first frame there may be padding.
local MOST_JUNK = 64 << 10
--- So many frames tell the mean bit rate where nothing else does.
local SAMPLE = 100

local layer_rates = { -- kbit/s
  [11] = { 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448 },
  [12] = { 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384 },
  [13] = { 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 },
  [21] = { 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256 },
  [22] = { 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
  [23] = { 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
}
local sample_rates = { [0] = 44100, 48000, 32000 }

---@return table? frame nil when four bytes are no frame's
local function parse(head)
  if head >> 21 ~= 0x7FF then return nil end
  local version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
  local code, rate = head >> 12 & 15, sample_rates[head >> 10 & 3]
  if version == 1 or layer == 4 or not rate or code == 0 or code == 15 then return nil end
  local generation = version == 3 and 1 or 2
  local kbits = layer_rates[generation * 10 + layer][code]
  rate = rate // (version == 3 and 1 or version == 2 and 2 or 4)
  local frames = layer == 1 and 384 or layer == 3 and generation == 2 and 576 or 1152
  local padding = head >> 9 & 1
  local size = layer == 1 and (12000 * kbits // rate + padding) * 4
    or frames // 8 * kbits * 1000 // rate + padding
  return { layer = layer, rate = rate, channels = head >> 6 & 3 == 3 and 1 or 2,
    frames = frames, size = size, bitrate = kbits * 1000, generation = generation,
    same = head & 0xFFFE0C00 }
end

local function frame_at(source, at)
  return source:has(at, 4) and parse((source:unpack(">I4", at))) or nil
end

--- The first frame that another one of its kind follows, or the end.
local function find_first(source, from, ending)
  local limit = math.min(ending, from + MOST_JUNK)
  local window, at = source:bytes(from, limit - from), 1
  while true do
    at = window:find("\xFF[\xE2-\xFF]", at)
    if not at then return nil end
    local place = from + at - 1
    local frame = frame_at(source, place)
    if frame then
      local behind = place + frame.size
      local follower = frame_at(source, behind)
      if behind == ending or follower and follower.same == frame.same then return frame, place end
    end
    at = at + 1
  end
end

--- Delay and padding that LAME and its like have noted.
local function trim(source, at)
  if not source:has(at, 24) or not source:bytes(at, 4):find "^[%w]+$" then return 0 end
  local packed = source:unpack(">I3", at + 21)
  return (packed >> 12) + (packed & 0xFFF)
end

--- Frames as the first frame of MPEG says, which is no sound itself: those that are heard, and
--- those that are coded.
local function count_frames(source, frame, at)
  local mono = frame.channels == 1
  local xing = at + 4 + (frame.generation == 1 and (mono and 17 or 32) or (mono and 9 or 17))
  if source:has(xing, 12) then
    local name, flags, count = source:unpack(">c4I4I4", xing)
    if (name == "Xing" or name == "Info") and flags & 1 ~= 0 and count > 0 then
      local behind = xing + 8 + 4 + (flags & 2) * 2 + (flags & 4) * 25 + (flags & 8) // 2
      local coded = count * frame.frames
      return math.max(0, coded - trim(source, behind)), coded
    end
  end
  if source:has(at + 36, 18) and source:bytes(at + 36, 4) == "VBRI" then
    local coded = source:unpack(">I4", at + 36 + 14) * frame.frames
    return coded, coded
  end
end

--- The mean of the first frames, in bits per second.
local function mean_bitrate(source, frame, at, ending)
  local bytes, n, one = 0, 0, frame
  while one and n < SAMPLE and at + one.size <= ending do
    bytes, n, at = bytes + one.size, n + 1, at + one.size
    one = frame_at(source, at)
    if one and one.same ~= frame.same then break end
  end
  if n < SAMPLE and at == ending then return nil, n * frame.frames end
  return n > 0 and bytes * 8 * frame.rate / (n * frame.frames) or frame.bitrate
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local tags = {}
    local from = id3.skip(source, 0, tags)
    if source:has(from, 8) and source:bytes(from, 4) == "fLaC" then
      source.format = "flac"
      local info = require("orch.asset.flac").read(source, from)
      info.format = "flac"
      return info
    end
    local ending = id3.ending(source, from)
    local frame, at = find_first(source, from, ending)
    if not frame then source:fail_at(from, "there is no frame of MPEG audio in it") end
    local frames, coded = count_frames(source, frame, at)
    local bytes, bitrate = ending - at - (coded and frame.size or 0), nil
    if coded and coded > 0 then
      bitrate = bytes * 8 * frame.rate / coded
    elseif not coded then
      bitrate, frames = mean_bitrate(source, frame, at, ending)
    end
    bitrate = bitrate or frame.bitrate
    local duration = frames and frames / frame.rate or bytes * 8 / bitrate
    return { codec = "mp" .. frame.layer, rate = frame.rate, channels = frame.channels,
      frames = frames, duration = duration, bitrate = bitrate // 1 | 0, tags = tag.any(tags) }
  end,
}
