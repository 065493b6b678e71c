--- FBX, binary and text, versions 6 and 7: one tree of nodes in two spellings. `fbx/scene` says
--- which nodes count; the others are passed over.
---
---     local info = orch.asset.info "Assets/hero.fbx"
---     print(info.generator, info.triangles, info.units)

local new_scene = require "orch.asset.fbx.scene"

local MAGIC = "Kaydara FBX Binary  \0"

local function check_version(file, version)
  if version < 6000 or version >= 8000 then
    file:fail("its version is %d; orch reads 6.0 to 7.7", version)
  end
end

local function read(file)
  local scene = new_scene(file)
  if file.head:sub(1, #MAGIC) == MAGIC then
    local version = file:unpack("<I4", 23)
    check_version(file, version)
    require "orch.asset.fbx.binary"(file, version, scene)
  else
    local number = file.head:match "^[%s;\xEF\xBB\xBF]*FBX (%d[%d.]*) project file"
    if number then check_version(file, tonumber((number:gsub("%.", ""))) * 10) end
    require "orch.asset.fbx.text"(file, scene)
  end
  return scene:info()
end

return { format = "fbx", kind = "model", extensions = { "fbx" }, read = read }
