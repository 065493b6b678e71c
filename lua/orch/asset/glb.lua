--- GLB: glTF in one file. Its header and its first chunk, the JSON, are read.
---
---     local info = orch.asset.info "Assets/crate.glb"
---     print(info.triangles, info.generator)

local summary = require "orch.gltf.summary"

local HEADER, JSON = 20, 0x4E4F534A

local function read(source)
  local version, _, size, type = source:unpack("<I4I4I4I4", 4)
  if version ~= 2 then source:fail_at(4, "it is version %d, and not 2", version) end
  if type ~= JSON then source:fail_at(12, "its first chunk is not the JSON") end
  return summary.read(source, source:bytes(HEADER, size))
end

return { format = "glb", kind = "model", extensions = { "glb" }, magic = "glTF", read = read }
