--- What textures take in a graphics card's memory.
---
---     vram.of(info, "BC7")            -- bytes with all mip levels
---     vram.of(info, "BC7", 2048)      -- as if its longer side had 2048 pixels

local arg = require "orch.arg"

local vram = {}

--- name -> width and height of a block, its bytes
local blocks = {
  BC1 = { 4, 4, 8 }, BC2 = { 4, 4, 16 }, BC3 = { 4, 4, 16 }, BC4 = { 4, 4, 8 },
  BC5 = { 4, 4, 16 }, BC6H = { 4, 4, 16 }, BC7 = { 4, 4, 16 },
  DXT1 = { 4, 4, 8 }, DXT3 = { 4, 4, 16 }, DXT5 = { 4, 4, 16 },
  ETC1 = { 4, 4, 8 }, ETC2 = { 4, 4, 8 }, ETC2A = { 4, 4, 16 }, EAC_R = { 4, 4, 8 },
  EAC_RG = { 4, 4, 16 }, PVRTC2 = { 8, 4, 8 }, PVRTC4 = { 4, 4, 8 },
  R8 = { 1, 1, 1 }, RG8 = { 1, 1, 2 }, RGB8 = { 1, 1, 3 }, RGBA8 = { 1, 1, 4 },
  R16 = { 1, 1, 2 }, RG16 = { 1, 1, 4 }, RGBA16 = { 1, 1, 8 },
  R16F = { 1, 1, 2 }, RG16F = { 1, 1, 4 }, RGB16F = { 1, 1, 6 }, RGBA16F = { 1, 1, 8 },
  R32F = { 1, 1, 4 }, RG32F = { 1, 1, 8 }, RGB32F = { 1, 1, 12 }, RGBA32F = { 1, 1, 16 },
  RGB565 = { 1, 1, 2 }, RGBA4 = { 1, 1, 2 }, RGB10A2 = { 1, 1, 4 }, RG11B10F = { 1, 1, 4 },
}
for size in ("4x4 5x4 5x5 6x5 6x6 8x5 8x6 8x8 10x5 10x6 10x8 10x10 12x10 12x12"):gmatch "%S+" do
  local x, y = size:match "(%d+)x(%d+)"
  blocks["ASTC" .. size] = { math.tointeger(x), math.tointeger(y), 16 }
end

--- The names as they are asked for: "bc7", "ASTC4x4" and "astc_4x4" as well.
local by_name = {}
local function plain(name) return name:lower():gsub("[_ %-]", "") end
for name, block in pairs(blocks) do by_name[plain(name)] = block end

--- What it would be without compression, where it says nothing else.
local function own_format(info)
  local name = plain(info.compression or "")
  if name == "etc2" then return info.alpha and "ETC2A" or "ETC2" end
  if name == "pvrtc" then return "PVRTC4" end
  if by_name[name] then return name end
  local bits = info.bits or 8
  return bits > 16 and "RGBA32F" or bits > 8 and "RGBA16" or "RGBA8"
end

local function block_of(format)
  local block = by_name[plain(format)]
  if block then return block end
  local names = arg.keys_of(blocks)
  local near = arg.suggest(format, names)
  arg.fail("img:vram: there is no format '%s'%s", format, near
    and ("; did you mean '%s'?"):format(near) or "; it knows " .. table.concat(names, ", "))
end

---Bytes of an image with all mip levels down to one pixel, of all faces and layers.
---@param info orch.image.Info
---@param format? string such as "BC1", "BC7", "ETC2", "ASTC6x6", "RGBA8", "RGBA16F"; default: the
---  one it is stored in, or uncompressed RGBA
---@param max_side? integer as if its longest side had so many pixels, if it has more
---@return integer bytes raises kind `usage` for an unknown format
function vram.of(info, format, max_side)
  format = arg.check("img:vram", 1, format, "string?")
  max_side = arg.check("img:vram", 2, max_side, "integer?")
  if max_side and max_side < 1 then
    arg.fail("img:vram: argument 2 should be at least 1, not %d", max_side)
  end
  local block = block_of(format or own_format(info))
  local width, height, depth = info.width, info.height, info.depth or 1
  local longest = math.max(width, height, depth)
  if max_side and longest > max_side then
    width = math.max(1, (width * max_side + longest // 2) // longest)
    height = math.max(1, (height * max_side + longest // 2) // longest)
    depth = math.max(1, (depth * max_side + longest // 2) // longest)
  end
  local across, down, size, total = block[1], block[2], block[3], 0.0 -- 2^31 squared fits
  while true do
    total = total + (size + 0.0) * ((width + across - 1) // across)
      * ((height + down - 1) // down) * depth
    if width == 1 and height == 1 and depth == 1 then break end
    width, height = math.max(width // 2, 1), math.max(height // 2, 1)
    depth = math.max(depth // 2, 1)
  end
  if info.layers == info.frames then total = total * (info.layers or 1) end -- an array
  total = total * (info.faces or 1)
  return math.tointeger(total) or total
end

return vram
