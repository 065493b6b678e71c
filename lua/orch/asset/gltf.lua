--- glTF: its JSON says everything; what the buffers hold is not looked at.
---
---     local info = orch.asset.info "Assets/crate.gltf"
---     print(info.triangles, info.references[1])       --> 12   crate.bin

local summary = require "orch.gltf.summary"

return {
  format = "gltf", kind = "model", extensions = { "gltf" },
  read = function(source) return summary.read(source, source:all()) end,
}
