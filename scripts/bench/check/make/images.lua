--- Images that decode, with true headers, made in a millisecond: every row is like the first,
--- which compression writes as a repetition. (So they are smaller than real ones.)
---
---     local bytes = images.png(512, 256, { channels = 4, srgb = true, hue = 40 })

local pack, rep = string.pack, string.rep

local images = {}

local steps = {}
for n = 0, 255 do
  local value = n
  for _ = 1, 8 do value = value & 1 == 1 and value >> 1 ~ 0xEDB88320 or value >> 1 end
  steps[n] = value
end

local function crc(text)
  local value = 0xFFFFFFFF
  for i = 1, #text do value = steps[(value ~ text:byte(i)) & 0xFF] ~ value >> 8 end
  return value ~ 0xFFFFFFFF
end

--- Bits as deflate has them: the lowest of a byte first.
local function writer()
  local self = { value = 0, count = 0, parts = {} }
  function self.put(value, n)
    self.value, self.count = self.value | value << self.count, self.count + n
    while self.count >= 8 do
      self.parts[#self.parts + 1] = string.char(self.value & 0xFF)
      self.value, self.count = self.value >> 8, self.count - 8
    end
  end
  --- Codes of Huffman have their highest bit first.
  function self.code(value, n)
    for i = n - 1, 0, -1 do self.put(value >> i & 1, 1) end
  end
  return self
end

--- A literal or a length, and a distance, in deflate's fixed codes.
local function literal(out, byte)
  if byte < 144 then out.code(0x30 + byte, 8) else out.code(0x190 + byte - 144, 9) end
end

local function distance(out, far)
  local code, base, extra = 0, 1, 0
  while far >= base + (1 << extra) do
    base, code = base + (1 << extra), code + 1
    if code >= 4 then extra = code // 2 - 1 end
  end
  out.code(code, 5)
  out.put(far - base, extra)
end

--- Adler-32 of a row that stands there `n` times.
local function adler(row, n)
  local sum, weighed = 0, 0
  for i = 1, #row do
    sum, weighed = sum + row:byte(i), weighed + (#row - i + 1) * row:byte(i)
  end
  local a, b = 1, 0
  for _ = 1, n do
    b = (b + #row * a + weighed) % 65521
    a = (a + sum) % 65521
  end
  return b << 16 | a
end

--- zlib's format of `n` rows: the first as it is, then copies of 258 bytes from a row before.
--- Eight copies behind another one are bytes that repeat.
local function deflated(row, n)
  local out = writer()
  out.put(3, 3) -- the last block, with the fixed codes
  for i = 1, #row do literal(out, row:byte(i)) end
  local copies, left = (n - 1) * #row // 258, (n - 1) * #row % 258
  local function copy()
    out.code(0xC5, 8)
    distance(out, #row)
  end
  local before = copies > 0 and (copies - 1) % 8 + 1 or 0
  for _ = 1, before do copy() end
  if copies > before then
    local at = #out.parts
    for _ = 1, 8 do copy() end
    local eight = table.concat(out.parts, "", at + 1)
    out.parts[#out.parts + 1] = rep(eight, (copies - before) // 8 - 1)
  end
  for i = #row - left % #row, #row - left % #row + left - 1 do
    literal(out, row:byte(i % #row + 1))
  end
  out.code(0, 7) -- the end
  out.put(0, 7)
  return "\x78\x01" .. table.concat(out.parts) .. pack(">I4", adler(row, n))
end

local function chunk(name, data)
  return pack(">I4", #data) .. name .. data .. pack(">I4", crc(name .. data))
end

--- A gradient from left to right, with the hue of the asset.
local function gradient(width, channels, hue, opaque)
  local parts = {}
  for x = 0, width - 1 do
    local level = x * 255 // width
    local color = string.char(level, (level * hue // 255 + hue) % 256, (255 - level) // 2,
      opaque and 255 or level):sub(1, channels)
    parts[#parts + 1] = color
  end
  return table.concat(parts)
end

local kinds = { [1] = 0, [2] = 4, [3] = 2, [4] = 6 }

---@param opts {channels: 1|2|3|4, hue: integer, srgb: boolean?, gamma: boolean?, opaque: boolean?}
---@return string bytes
function images.png(width, height, opts)
  local row = "\0" .. gradient(width, opts.channels, opts.hue, opts.opaque)
  return "\137PNG\r\n\26\n" .. chunk("IHDR", pack(">I4I4BBBBB", width, height, 8,
      kinds[opts.channels], 0, 0, 0))
    .. (opts.srgb and chunk("sRGB", "\0") or "")
    .. (opts.gamma and chunk("gAMA", pack(">I4", 45455)) or "")
    .. chunk("IDAT", deflated(row, height)) .. chunk("IEND", "")
end

---The same PNG with a comment, behind its header: another file.
---@return string bytes
function images.commented(png, text)
  return png:sub(1, 33) .. chunk("tEXt", "Comment\0" .. text) .. png:sub(34)
end

--- Run-length packets of up to 128 equal pixels; a row has bands of the hue.
---@return string bytes
function images.tga(width, height, opts)
  local row = {}
  for x = 0, width - 1, 64 do
    local n = math.min(64, width - x)
    local pixel = string.char(x * 255 // width, opts.hue, 255 - opts.hue,
      opts.opaque and 255 or 128):sub(1, opts.channels)
    row[#row + 1] = string.char(0x80 | n - 1) .. pixel
  end
  return pack("<BBBI2I2BI2I2I2I2BB", 0, 0, 10, 0, 0, 0, 0, 0, width, height,
    opts.channels * 8, opts.channels == 4 and 0x28 or 0x20)
    .. rep(table.concat(row), height) .. rep("\0", 8) .. "TRUEVISION-XFILE.\0"
end

--- Baseline JPEG of one colour: each block says "as before", which are two bits, both 0, in
--- the Huffman tables that it brings.
---@return string bytes
function images.jpeg(width, height, opts)
  local function segment(marker, data)
    return "\255" .. marker .. pack(">I2", #data + 2) .. data
  end
  local function tables(class)
    local codes = class == 0 and "\1\1" .. rep("\0", 14) .. "\0\6" or "\1" .. rep("\0", 15) .. "\0"
    return string.char(class << 4) .. codes
  end
  local blocks = ((width + 7) // 8) * ((height + 7) // 8)
  -- The first three blocks: 0b10, six bits of a difference, the end of the block.
  local level = 32 + opts.hue % 32
  local first, bits = 0, 0
  for _ = 1, 3 do
    first, bits = first << 9 | 2 << 7 | level << 1, bits + 9
  end
  local total = bits + (blocks - 1) * 6
  local pad = (8 - total % 8) % 8
  local head = first << 5 -- 27 bits to 32, five of them those of blocks that follow
  local rest = (total + pad) // 8 - 4
  local data = pack(">I4", head) .. rep("\0", math.max(rest, 0))
  return "\255\216" .. segment("\224", "JFIF\0\1\1\1" .. pack(">I2I2", 72, 72) .. "\0\0")
    .. segment("\219", "\0" .. rep("\8", 64))
    .. segment("\192", pack(">BI2I2B", 8, height, width, 3) .. "\1\17\0\2\17\0\3\17\0")
    .. segment("\196", tables(0)) .. segment("\196", tables(1))
    .. segment("\218", "\3\1\0\2\0\3\0\0\63\0") .. data .. "\255\217"
end

local fourcc = { bc1 = "DXT1", bc3 = "DXT5" }

---@param opts {format: "bc1"|"bc3", hue: integer, mips: boolean?}
---@return string bytes
function images.dds(width, height, opts)
  local size = opts.format == "bc1" and 8 or 16
  local color = pack("<I2I2I4", opts.hue << 8 | 0x1F, opts.hue << 3, 0xE4E4E4E4)
  local block = opts.format == "bc1" and color or "\255\0\0\0\0\0\0\0" .. color
  local levels, data = 0, {}
  local w, h = width, height
  repeat
    levels = levels + 1
    data[levels] = rep(block, ((w + 3) // 4) * ((h + 3) // 4))
    w, h = math.max(1, w // 2), math.max(1, h // 2)
  until not opts.mips or math.max(width >> levels, height >> levels) == 0
  local pixel = pack("<I4I4c4", 32, 4, fourcc[opts.format]) .. rep("\0", 20)
  return "DDS " .. pack("<I4I4I4I4I4I4I4", 124, opts.mips and 0xA1007 or 0x81007, height, width,
      #data[1], 0, levels) .. rep("\0", 44) .. pixel
    .. pack("<I4", opts.mips and 0x401008 or 0x1000) .. rep("\0", 16) .. table.concat(data)
end

return images
