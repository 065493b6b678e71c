--- JPEG: the segments in front of the picture.

local byte, sub, unpack = string.byte, string.sub, string.unpack

--- Segments and fill bytes; real files have about twenty.
local MOST = 4096
local EXIF, ICC = "Exif\0\0", "ICC_PROFILE\0"

--- The frame headers, SOF0 and so on.
local coding = {
  [0xC0] = "baseline", [0xC1] = "extended", [0xC2] = "progressive", [0xC3] = "lossless",
  [0xC5] = "differential", [0xC6] = "differential progressive", [0xC7] = "differential lossless",
  [0xC9] = "arithmetic", [0xCA] = "arithmetic progressive", [0xCB] = "arithmetic lossless",
  [0xCD] = "arithmetic differential", [0xCE] = "arithmetic differential progressive",
  [0xCF] = "arithmetic differential lossless",
}
local progressive = { [0xC2] = true, [0xC6] = true, [0xCA] = true, [0xCE] = true }

local function read_frame(source, info, at, length, marker)
  local bits, height, width, channels = source:unpack(">BI2I2B", at + 4)
  if channels == 0 or length ~= 8 + 3 * channels then
    source:fail_at(at, "its frame header has %d bytes and says that it has %d channels", length,
      channels)
  end
  if width == 0 then source:fail_at(at + 7, "it is 0 pixels wide") end
  if height == 0 then
    source:fail_at(at + 5, "it is 0 pixels high, or tells its height behind the picture only")
  end
  if bits < 2 or bits > 16 then source:fail_at(at + 4, "it has %d bits per channel", bits) end
  local list = source:bytes(at + 10, 3 * channels)
  for i = 2, #list, 3 do
    local sampling = byte(list, i)
    if sampling & 15 < 1 or sampling & 15 > 4 or sampling < 16 or sampling > 79 then
      source:fail_at(at + 9 + i, "its sampling factors are %d and %d", sampling >> 4,
        sampling & 15)
    end
  end
  info.width, info.height, info.bits, info.channels = width, height, bits, channels
  info.compression, info.interlaced = coding[marker], progressive[marker] or false
end

local function read_jfif(source, info, at)
  local unit, density = source:unpack(">BI2", at + 11)
  if density == 0 then return end
  if unit == 1 then info.dpi = density end
  if unit == 2 then info.dpi = (density * 2.54 + 0.5) // 1 | 0 end
end

--- What applications add: EXIF goes before JFIF, a profile before EXIF.
local function read_application(source, info, at, length, marker)
  local head = source:bytes(at + 4, length < 18 and length - 2 or 16)
  if marker == 0xE0 and length >= 16 and sub(head, 1, 5) == "JFIF\0" then
    read_jfif(source, info, at)
  elseif marker == 0xE1 and sub(head, 1, 6) == EXIF then
    local found = require("orch.asset.exif").read(source:bytes(at + 10, length - 8))
    info.orientation, info.dpi = found.orientation, found.dpi or info.dpi
    if not info.icc then info.colorspace = found.colorspace end
  elseif marker == 0xE2 and sub(head, 1, 12) == ICC and byte(head, 13) == 1 and length > 16 then
    require("orch.asset.icc").apply(info, source:bytes(at + 18, length - 16))
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    local info = { frames = 1, alpha = false, palette = false }
    local at, head, size = 2, source.head, source.size
    local reach = #head
    for _ = 1, MOST do
      local prefix, marker
      if at + 2 <= reach then
        prefix, marker = byte(head, at + 1, at + 2)
      else
        prefix, marker = source:unpack("BB", at)
      end
      if prefix ~= 0xFF then source:fail_at(at, "there is no segment where one should begin") end
      if marker == 0xFF then
        at = at + 1 -- filled up
      elseif marker == 1 or marker >= 0xD0 and marker <= 0xD7 then
        at = at + 2 -- has no content
      elseif marker == 0xD9 or marker == 0xD8 or marker == 0 then
        source:fail_at(at, "it has no picture (marker %02X comes before one)", marker)
      else
        local length
        if at + 4 <= reach then
          length = unpack(">I2", head, at + 3)
        else
          length = source:unpack(">I2", at + 2)
        end
        if length < 2 then source:fail_at(at, "a segment has the length %d", length) end
        if at + 2 + length > size then
          source:fail_at(at, "it is cut off: a segment has %d bytes, of which %d are there",
            length, size - at - 2)
        end
        if marker == 0xDA then
          if not info.width then source:fail_at(at, "its picture comes before its size") end
          return info
        end
        if coding[marker] then
          if info.width then source:fail_at(at, "it has two frame headers") end
          if length < 8 then source:fail_at(at, "its frame header has %d bytes", length) end
          read_frame(source, info, at, length, marker)
        elseif marker <= 0xE2 and marker >= 0xE0 then
          read_application(source, info, at, length, marker)
        end
        at = at + 2 + length
      end
    end
    source:fail_at(at, "%d segments, and no picture yet", MOST)
  end,
}
