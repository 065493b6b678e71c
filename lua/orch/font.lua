--- Fonts: what they are called, and whether they may be embedded.
---
---     local font = orch.font.info "Fonts/Title.ttf"
---     print(font.family, font.weight, font.embedding)

local arg = require "orch.arg"

local font = {}

---@class orch.font.Info: orch.asset.Info
---@field format "ttf"|"otf"|"ttc"|"woff"|"woff2"
---@field family string?
---@field style string? such as "Bold Italic"
---@field weight integer? 400 is regular, 700 is bold
---@field glyphs integer?
---@field units_per_em integer?
---@field license string? what the font says about its licence
---@field embedding string? "installable", "editable", "preview and print" or "restricted",
---  with ", no subsetting" and ", bitmaps only" where that holds
---@field variable boolean

---What the header of a font says; of a collection, its first font. WOFF2 files are packed as a
---whole: of those only `variable` is known.
---@async
---@param path orch.Path
---@return orch.font.Info info raises kind `format` (`offset`, `path`) or `os`
function font.info(path)
  arg.check("font.info", 1, path, "path")
  return require("orch.asset").info(path, { kind = "font" })
end

return arg.public("orch.font", font)
