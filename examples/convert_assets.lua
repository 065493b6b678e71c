-- Converts the assets of a project, a job for each file: once more, only those whose source
-- or settings have changed are converted again, and the package only if one of them was.
--
--   orch run examples/convert_assets.lua [--level 1] [--project DIR] [-j 8]
--   orch run examples/convert_assets.lua "convert:*.mat"       some of them
--   orch watch examples/convert_assets.lua                     whenever one is saved
--
-- The converter is gzip here; a texture compressor fits in its place.
local fs = orch.fs

local p = orch.params {
  project = { "tests/data/builds/boids", help = "where Assets/ is" },
  level = { 9, help = "1: fast, 9: small" },
}
local level, out = p.level, "build/assets" -- what jobs capture decides whether they run again

for _, source in ipairs(fs.glob(p.project .. "/Assets/**/*.{fbx,mat,prefab,unity}")) do
  local name = fs.path.relative(source, p.project .. "/Assets")
  local target = out .. "/" .. name .. ".gz"
  orch.job("convert:" .. name) {
    inputs = source, outputs = target,
    run = function()
      fs.mkdir(fs.path.dirname(target))
      orch.sh("gzip -n -${level} < ${source} > ${target}",
        { level = level, source = source, target = target })
    end,
  }
end

orch.job "package" {
  desc = "Put all of them into one file",
  needs = "convert:*", inputs = out .. "/**/*.gz", outputs = "build/assets.tar",
  run = { { "tar", "cf", "build/assets.tar", "-C", out, "." } },
}
