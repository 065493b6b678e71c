--- KTX 2: levels, faces, layers, and what its data format descriptor says of the pixels.
---
--- `compression` is that of blocks ("bc7", "etc1s", "uastc", "astc6x6"), otherwise that of the
--- whole level ("zstd").

local unpack = string.unpack

local HEADER = 80 -- with its magic; the levels follow
local MOST_SAMPLES = 16

local schemes = { [0] = "none", "basislz", "zstd", "zip" }

--- Models of the descriptor -> compression, channels.
local models = {
  [128] = { "bc1", 3 }, [129] = { "bc2", 4 }, [130] = { "bc3", 4 }, [131] = { "bc4", 1 },
  [132] = { "bc5", 2 }, [133] = { "bc6h", 3, 16 }, [134] = { "bc7", 4 }, [160] = { "etc1", 3 },
  [161] = { "etc2", 3 }, [162] = { "astc", 4 }, [163] = { "etc1s", 3 }, [164] = { "pvrtc", 4 },
  [165] = { "pvrtc", 4 }, [166] = { "uastc", 3 },
}
local ALPHA = 15
local transfers = { "linear", "srgb", [12] = "pq", [15] = "hlg" }

local ETC1S, UASTC, BC1 = 163, 166, 128
--- UASTC: what its sample is of -> channels.
local uastc = { [0] = 3, [3] = 4, [4] = 1, [5] = 2, [6] = 2 }

local function check(source, info, layers)
  if info.width == 0 or info.depth > 0 and info.height == 0 then
    source:fail_at(20, "it is %d x %d x %d pixels large", info.width, info.height, info.depth)
  end
  if info.faces ~= 1 and info.faces ~= 6 then
    source:fail_at(36, "it has %d faces, where 1 or 6 is right", info.faces)
  end
  if info.faces == 6 and (info.height ~= info.width or info.depth > 0) then
    source:fail_at(20, "it is a cube of %d x %d x %d pixels", info.width, info.height, info.depth)
  end
  local side, most = math.max(info.width, info.height, info.depth), 1
  while side > 1 do side, most = side // 2, most + 1 end
  if info.mips > most then
    source:fail_at(40, "it has %d levels; its sides have %d at most", info.mips, most)
  end
  if layers > 0 then info.layers, info.frames = layers, layers end
end

local function check_levels(source, mips)
  for i = 0, math.max(mips, 1) - 1 do
    local offset, length = source:unpack("<I8I8", HEADER + 24 * i)
    if not source:has(offset, length) then
      source:fail_at(HEADER + 24 * i, "it is cut off: level %d has %u bytes at offset %u", i,
        length, offset)
    end
  end
end

--- The channels of pixels that are no blocks: depth, stencil and colors.
local function count_channels(data, count)
  local seen, channels, bits, alpha = {}, 0, 0, false
  for i = 0, count - 1 do
    local length, channel = unpack("BB", data, 27 + 16 * i)
    local id = channel & 15
    if not seen[id] then seen[id], channels = 0, channels + 1 end
    seen[id] = seen[id] + length + 1
    bits = math.max(bits, seen[id])
    if id == ALPHA then alpha = true end
  end
  return channels, bits, alpha
end

--- Blocks of ETC1S have a sample for colors or red, and one for alpha or green.
local function channels_of(model, data, count)
  local channels = models[model][2]
  local first = count > 0 and unpack("B", data, 28) & 15 or 0
  if model == UASTC then return uastc[first] or channels end
  if model == ETC1S then return (first == 3 and 1 or 3) + (count > 1 and 1 or 0) end
  if model == BC1 then return first == 1 and 4 or 3 end
  for i = 0, channels == 3 and count - 1 or -1 do
    if unpack("B", data, 28 + 16 * i) & 15 == ALPHA then return 4 end
  end
  return channels
end

local function read_blocks(info, data, count, model)
  local known = models[model]
  info.compression, info.bits = known[1], known[3] or 8
  if known[1] == "astc" then
    local x, y, z = unpack("BBB", data, 13)
    info.compression = ("astc%dx%d"):format(x + 1, y + 1) .. (z > 0 and "x" .. z + 1 or "")
  end
  info.channels = channels_of(model, data, count)
  info.alpha = info.channels == 4
end

--- The basic block of the descriptor.
local function read_descriptor(source, info, at, length, scheme)
  if length < 28 or not source:has(at, length) then
    source:fail_at(48, "its format descriptor has %d bytes at offset %d", length, at)
  end
  local data = source:bytes(at + 4, math.min(length - 4, 24 + 16 * MOST_SAMPLES))
  local kind, _, size = unpack("<I4I2I2", data)
  if kind ~= 0 or size < 24 or size > length - 4 then
    source:fail_at(at, "its format descriptor is none of Khronos's basic ones")
  end
  local model, _, transfer = unpack("BBB", data, 9)
  local count = math.min((size - 24) // 16, (#data - 24) // 16)
  info.colorspace = transfers[transfer] or transfer > 0 and "other" or nil
  if models[model] then
    read_blocks(info, data, count, model)
  elseif count > 0 then
    info.compression = schemes[scheme]
    info.channels, info.bits, info.alpha = count_channels(data, count)
    if info.bits > 64 then source:fail_at(at, "it has %d bits per channel", info.bits) end
  end
end

return {
  ---@param source orch.asset.Source
  ---@return table info
  read = function(source)
    if #source.head < HEADER then source:bytes(0, HEADER) end
    local _, _, width, height, depth, layers, faces, mips, scheme, at, length =
      unpack("<I4I4I4I4I4I4I4I4I4I4I4", source.head, 13)
    local info = { width = width, height = height, depth = depth, faces = faces, mips = mips,
      frames = 1, palette = false, interlaced = false }
    check(source, info, layers)
    if not schemes[scheme] and scheme < 0x10000 then
      source:fail_at(44, "it has the unknown compression %d", scheme)
    end
    check_levels(source, mips)
    read_descriptor(source, info, at, length, scheme)
    info.height, info.mips = height > 0 and height or 1, mips > 0 and mips or 1
    info.depth, info.faces = depth > 0 and depth or nil, faces == 6 and 6 or nil
    return info
  end,
}
