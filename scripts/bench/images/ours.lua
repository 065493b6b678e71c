-- The sizes of all pictures in a folder, from their headers, one after the other.
local folder = orch.args[1]
local info, pixels = orch.image.info, 0
for _, name in ipairs(orch.fs.list(folder)) do
  local image = info(folder .. "/" .. name)
  pixels = pixels + image.width * image.height
end
print("answer", pixels)
