-- Every model through a command; once more, only those that have changed, or all if the
-- command has. gzip stands in for a converter:
--
--   orch run examples/convert_models.lua [FOLDER]
--   orch run examples/convert_models.lua Assets 'gltfpack -i ${input} -o ${output}' glb
local folder = orch.args[1] or "tests/data/builds/boids/Assets"
local command = orch.args[2] or "gzip -9 -n < ${input} > ${output}"
local extension = orch.args[3] or "gz"

local result = orch.convert {
  files = folder .. "/**/*.{fbx,obj,gltf,glb}",
  to = "build/models/{subfolder}/{stem}." .. extension,
  run = command, timeout = "5m", progress = "converting", check = false,
}

print(("%d converted, %d as before, %d failed"):format(result.converted, result.skipped,
  #result.failed))
for _, path in ipairs(result.outputs) do
  print(("  %8d bytes  %s"):format(orch.fs.stat(path).size, path))
end
for _, failure in ipairs(result.failed) do print("  " .. tostring(failure.error)) end
