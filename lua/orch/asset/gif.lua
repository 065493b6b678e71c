--- GIF: the size of the screen, and how many pictures follow. They can be counted only by
--- stepping through all of the file; of one with very many blocks `frames` is nil.
---
--- `bits` are those of a palette's index.

local byte, unpack = string.byte, string.unpack

--- Blocks of at most 255 bytes: that many take some milliseconds.
local MOST = 100000
local WINDOW = 64 << 10
local EXTENSION, PICTURE, TRAILER, CONTROL = 0x21, 0x2C, 0x3B, 0xF9

--- The offset behind a chain of blocks, and what is left of the allowance.
local function skip_blocks(source, at, left, view)
  local window, from = view.window, view.from
  local i = at - from + 1
  for rest = left - 1, 0, -1 do
    local n = byte(window, i)
    if not n then
      from = from + i - 1
      local size = source.size - from
      if size <= 0 then source:fail_at(from, "it is cut off in the middle of a picture") end
      window, i = source:bytes(from, size < WINDOW and size or WINDOW), 1
      view.window, view.from = window, from
      n = byte(window, 1)
    end
    i = i + n + 1
    if n == 0 then return from + i - 1, rest end
  end
  return from + i - 1, 0
end

local function read_picture(source, info, at)
  local width, height, flags = source:unpack("<I2I2B", at + 5)
  if info.width == 0 or info.height == 0 then info.width, info.height = width, height end
  if not info.interlaced then info.interlaced = flags & 0x40 ~= 0 end
  if flags & 0x80 == 0 and not info.bits then
    source:fail_at(at, "it has no palette for its first picture")
  end
  info.bits = info.bits or (flags & 7) + 1
  at = at + 10
  if flags & 0x80 ~= 0 then at = at + 3 * (2 << (flags & 7)) end
  local code = source:unpack("B", at)
  if code < 1 or code > 11 then source:fail_at(at, "its codes begin with %d bits", code) end
  return at + 1
end

local function count_pictures(source, info, at)
  local count, left, view = 0, MOST, { window = source.head, from = 0 }
  while left > 0 do
    -- Some leave out the trailer, but not pictures.
    if not source:has(at, 1) and count > 0 then break end
    local kind = source:unpack("B", at)
    if kind == TRAILER then
      break
    elseif kind == EXTENSION then
      if source:unpack("B", at + 1) == CONTROL and source:has(at, 4) then
        if source:unpack("B", at + 3) & 1 == 1 then info.alpha, info.channels = true, 4 end
      end
      at, left = skip_blocks(source, at + 2, left - 1, view)
    elseif kind == PICTURE then
      at, left = skip_blocks(source, read_picture(source, info, at), left - 1, view)
      count = count + 1
    elseif count > 0 then
      break -- something else was appended
    else
      source:fail_at(at, "there is no picture where one should begin")
    end
  end
  if count == 0 and left > 0 then source:fail_at(at, "it has no picture") end
  return left > 0 and count or nil
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    if #source.head < 13 then source:bytes(0, 13) end
    local width, height, flags = unpack("<I2I2B", source.head, 7)
    local info = { width = width, height = height, channels = 3, alpha = false, palette = true,
      interlaced = false, compression = "lzw" }
    local at = 13
    if flags & 0x80 ~= 0 then
      info.bits = (flags & 7) + 1
      at = at + 3 * (2 << (flags & 7))
    end
    info.frames = count_pictures(source, info, at)
    if info.width == 0 or info.height == 0 then
      source:fail_at(6, "it is %d x %d pixels large", info.width, info.height)
    end
    return info
  end,
}
