-- rules.lua FOLDER: which of the shipped rules the figures run, as words of a command line.
-- HEADER: all that look at headers; IMAGE: those of them that the loop with Pillow has as well.
local shipped = require "orch.check.shipped"

local function words(ids)
  local list = {}
  for i, id in ipairs(ids) do list[i] = "--rule " .. id end
  return table.concat(list, " ")
end

orch.fs.write(orch.args[1] .. "/header", words(shipped.rules "header"))
orch.fs.write(orch.args[1] .. "/image", words { "texture.size", "texture.power-of-two",
  "texture.color-space", "texture.name" })
