--- Images of glTF, by their bytes: PNG, JPEG and WebP, their size, and what a renderer would
--- not do with them. Only headers are read.

local picture = {}

local unpack = string.unpack

--- Of fewer bytes nothing is said.
local SHORTEST = 14

---@return "image/png"|"image/jpeg"|"image/webp"|nil
function picture.type_of(bytes)
  if #bytes < SHORTEST then return nil end
  if bytes:sub(1, 8) == "\137PNG\r\n\26\n" then return "image/png" end
  if bytes:sub(1, 3) == "\255\216\255" then return "image/jpeg" end
  if bytes:sub(1, 4) == "RIFF" and bytes:sub(9, 12) == "WEBP" then return "image/webp" end
end

local EOS = "IMAGE_UNEXPECTED_EOS"
local BAD = "IMAGE_DATA_INVALID"

local private = { gAMA = true, cHRM = true, sRGB = true, iCCP = true }

--- How gamma and primaries say sRGB, which is the default; a gamma of 1 is let pass.
local GAMMA, LINEAR = 45455, 100000
local PRIMARIES = string.pack(">I4I4I4I4I4I4I4I4", 31270, 32900, 64000, 33000, 30000, 60000,
  15000, 6000)

local function odd_colours(type, body)
  if type == "gAMA" then
    local gamma = #body >= 4 and unpack(">I4", body)
    return gamma and gamma ~= GAMMA and gamma ~= LINEAR
  end
  if type == "cHRM" then return body ~= PRIMARIES end
  return type == "iCCP"
end

local function png(bytes)
  if #bytes < 33 then return nil, EOS end
  if unpack(">I4", bytes, 9) ~= 13 or bytes:sub(13, 16) ~= "IHDR" then
    return nil, BAD, "its first chunk is not IHDR"
  end
  local width, height = unpack(">I4I4", bytes, 17)
  local info, at = { type = "image/png", width = width, height = height }, 34
  while true do
    if at + 8 > #bytes + 1 then return nil, EOS end
    local length = unpack(">I4", bytes, at)
    local type = bytes:sub(at + 4, at + 7)
    if type == "IDAT" then return info end
    local body = private[type] and bytes:sub(at + 8, at + 7 + length) or ""
    if private[type] and type ~= "sRGB" and odd_colours(type, body) then info.odd = true end
    if type == "pHYs" and at + 15 <= #bytes then
      local x, y = unpack(">I4I4", bytes, at + 8)
      info.odd = info.odd or x ~= y
    end
    at = at + 12 + length
  end
end

local function is_frame(marker)
  return marker >= 0xC0 and marker <= 0xCF and marker ~= 0xC4 and marker ~= 0xC8
    and marker ~= 0xCC
end

local function jpeg(bytes)
  local at = 3
  while true do
    if at + 1 > #bytes then return nil, EOS end
    local ff, marker = bytes:byte(at, at + 1)
    if ff ~= 0xFF then return nil, BAD, "a marker of its JPEG does not begin with FF" end
    if marker == 0xFF then
      at = at + 1
    elseif marker == 1 or (marker >= 0xD0 and marker <= 0xD9) then
      at = at + 2
    else
      if at + 3 > #bytes then return nil, EOS end
      local length = unpack(">I2", bytes, at + 2)
      if length < 2 then return nil, BAD, "a segment of its JPEG has no length" end
      if is_frame(marker) then
        if length < 8 then return nil, BAD, "the frame of its JPEG has no size" end
        if at + 1 + length > #bytes then return nil, EOS end
        local height, width, channels = unpack(">I2I2B", bytes, at + 5)
        if channels ~= 1 and channels ~= 3 then
          return nil, BAD, ("its JPEG has %d channels"):format(channels)
        end
        return { type = "image/jpeg", width = width, height = height }
      end
      at = at + 2 + length
    end
  end
end

local function webp(bytes)
  local info, kind = { type = "image/webp" }, bytes:sub(13, 16)
  if #bytes < (kind == "VP8L" and 25 or 30) then return nil, EOS end
  if kind == "VP8 " then
    local width, height = unpack("<I2I2", bytes, 27)
    info.width, info.height = width & 0x3FFF, height & 0x3FFF
  elseif kind == "VP8L" then
    local bits = unpack("<I4", bytes, 22)
    info.width, info.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
  elseif kind == "VP8X" then
    local width, height = unpack("<I3I3", bytes, 25)
    info.width, info.height = width + 1, height + 1
    info.odd = bytes:byte(21) & 0x22 ~= 0
  else
    return nil, BAD, "nothing is known of its first chunk"
  end
  return info
end

local readers = { ["image/png"] = png, ["image/jpeg"] = jpeg, ["image/webp"] = webp }

---@param bytes string the file, or as much as there is of it
---@return {type: string, width: integer, height: integer, odd: boolean?}? info
---@return string? code of the issue, where there is no info
---@return string? why
function picture.read(bytes)
  local type = picture.type_of(bytes)
  if not type then return nil, "IMAGE_UNRECOGNIZED_FORMAT" end
  return readers[type](bytes)
end

return picture
