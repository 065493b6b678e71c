--- How far two images differ.
---
---     local d = orch.image.compare("before.png", "after.png")
---     print(d.differing, "of", d.pixels, "pixels; at most by", d.max)

local arg = require "orch.arg"
local picture = require "orch.image.picture"

local compare = {}

---@class orch.image.Difference
---@field max number the largest difference of a channel: 0 to 1
---@field mean number the mean one, over all pixels and channels
---@field differing integer pixels with a channel that differs by more than the tolerance
---@field pixels integer

---Compares two images of one size, whatever their formats: grey stands for three equal
---channels, no alpha for an opaque one, and values of 8 and 16 bits are both 0 to 1.
---@async
---@param a orch.Path
---@param b orch.Path
---@param opts? {tolerance: number?} 0 to 1; 0 by default
---@return orch.image.Difference difference raises kind `format` for other sizes and for what
---  cannot be read, and kind `os`
function compare.compare(a, b, opts)
  arg.check("image.compare", 1, a, "path")
  arg.check("image.compare", 2, b, "path")
  opts = arg.options("image.compare", opts, { tolerance = "number" })
  local opened <close> = picture.closing()
  local image, max, mean, differing = picture.subtract(a, b, opts.tolerance or 0, 1, opened)
  local width, height = image:size()
  return { max = max, mean = mean, differing = differing, pixels = width * height }
end

return compare
