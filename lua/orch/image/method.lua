--- What an image's info can be asked: `img:vram "BC7"`.

local method = {}

---What the image takes in a graphics card's memory; see orch.image.vram.
---@param format? string
---@param max_side? integer
---@return integer bytes
function method.vram(info, format, max_side)
  return require("orch.image.vram").of(info, format, max_side)
end

return method
