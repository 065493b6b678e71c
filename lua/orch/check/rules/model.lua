-- Models. To change a number, edit it here; to give a folder its own, add a line such as
-- { "**/Trees/**", max = 5000 } above the last one: the first line that fits a file counts.
-- Then: orch check Assets/Models

local fs, model = orch.fs, orch.model

local MODELS = "**/*.{gltf,glb,fbx,obj}"

check "model.triangles" {
  title = "Models fit the budget of their folder",
  why = "Each triangle is drawn again for each light that casts a shadow, on each device.",
  severity = "warning",
  files = { MODELS, "**/*.stl" },
  config = {
    { "**/{Props,props,Items,Pickups}/**", max = 20000 },
    { "**/{Characters,Heroes,Vehicles}/**", max = 80000 },
    { "**", max = 150000 },
  },
  tags = { "header" },
  run = function(file, cfg)
    local info = model.info(file.path)
    if info.triangles <= cfg.max then return end
    file:problem { "%d triangles are more than the %d for this folder", info.triangles, cfg.max,
      found = info.triangles .. " triangles", wanted = "at most " .. cfg.max,
      cost = { triangles = info.triangles - cfg.max },
      hint = "reduce it, or add levels of detail that the engine picks from" }
  end,
}

check "model.uv" {
  title = "Meshes have texture coordinates",
  why = "Without them a texture is one smeared colour, and light cannot be baked.",
  severity = "warning",
  files = { MODELS, "!**/{UCX_,UBX_}*", "!**/*{_col,_Col,_collision,_Collision,Collider}.*" },
  tags = { "header" },
  run = function(file)
    local info = model.info(file.path)
    if info.triangles == 0 or info.uv then return end
    file:problem { "a mesh in it has no UV coordinates", found = "no UVs", wanted = "a UV set",
      hint = "unwrap it in your modelling program; for collision, name it ..._col" }
  end,
}

-- What programs call a material that nobody has named.
local UNNAMED = { "^$", "^[Mm]aterial[ _.]*%d*$", "^[Mm]at[ _.]*%d+$", "^lambert%d*$", "^phong%d*$",
  "^blinn%d*$", "^standardSurface%d*$", "^initialShadingGroup$", "^[Dd]efault[ _-]?[Mm]aterial$",
  "^%d+ %- Default$", "^No Name$" }

local function is_unnamed(name)
  for _, pattern in ipairs(UNNAMED) do
    if (name or ""):find(pattern) then return true end
  end
  return false
end

check "model.materials" {
  title = "Materials are few, and have names",
  why = "Each material of a model is drawn by itself; one called lambert1 gets mixed up with the "
    .. "lambert1 of the next model.",
  severity = "warning",
  files = MODELS,
  config = { { "**/{Characters,Heroes,Vehicles}/**", max = 8 }, { "**", max = 5 } },
  tags = { "header" },
  run = function(file, cfg)
    local list, unnamed = model.info(file.path).materials or {}, {}
    if #list > cfg.max then
      file:problem { "%d materials; models of this folder have at most %d", #list, cfg.max,
        found = #list .. " materials", wanted = "at most " .. cfg.max,
        cost = { draw_calls = #list - cfg.max }, hint = "bake several into one texture" }
    end
    for _, one in ipairs(list) do
      if is_unnamed(one.name) then
        unnamed[#unnamed + 1] = one.name and one.name ~= "" and one.name or "(no name)"
      end
    end
    if #unnamed == 0 then return end
    local few = table.concat(unnamed, ", ", 1, math.min(#unnamed, 5))
    file:info { "has materials that nobody has named", wanted = "names such as M_Crate",
      found = #unnamed > 5 and few .. ", ..." or few,
      hint = "name them in your modelling program" }
  end,
}

check "model.finite" {
  title = "All coordinates are numbers",
  why = "One coordinate that is no number makes a mesh vanish, flicker, or hang the import.",
  files = "**/*.{fbx,obj,stl}", -- of glTF model.gltf says so
  tags = { "header" },
  run = function(file)
    local bad = model.info(file.path).non_finite or 0
    if bad == 0 then return end
    file:problem { "%d coordinates are no finite numbers (NaN or infinite)", bad,
      found = bad .. " of them", wanted = "none",
      hint = "merge vertices and recalculate normals, then export it again" }
  end,
}

local function same_but_case(path)
  local folder, name = fs.path.dirname(path), fs.path.basename(path):lower()
  for _, other in ipairs(fs.exists(folder) and fs.list(folder) or {}) do
    if other:lower() == name then return other end
  end
end

check "model.references" {
  title = "Files that models name are there",
  why = "A model without its buffer does not load; without its texture it is white or pink.",
  files = MODELS,
  tags = { "header" },
  run = function(file)
    -- Engines look for the textures of FBX and OBJ anew, by name; glTF has to find them.
    local strict = file.extension == "gltf" or file.extension == "glb"
    for _, name in ipairs(model.info(file.path).references or {}) do
      local say = strict and file.problem or file.warning
      local path = name:gsub("\\", "/")
      if path:find "^%a:/" or path:find "^/" then
        say(file, { "names a file of one computer: '%s'", name, found = name,
          wanted = "a path from the model's folder",
          hint = "put it beside the model, and export with relative paths" })
      elseif not path:find "^%a[%w+.-]+:" and not fs.exists(fs.path.join(file.folder, path)) then
        local other = same_but_case(fs.path.join(file.folder, path))
        say(file, { "names '%s', which is not there", name, found = other,
          wanted = other and name,
          hint = other and "upper and lower case differ: only Windows finds it"
            or "was it moved, renamed or forgotten in the commit?" })
      end
    end
  end,
}

check "model.gltf" {
  title = "glTF is as the standard wants it",
  why = "What one viewer forgives another refuses, and a player's device is another.",
  files = "**/*.{gltf,glb}",
  config = { ignore = { "IO_ERROR", "UNEXPECTED_PROPERTY" }, most = 5 }, -- findings of a file
  tags = { "pixels" },
  run = function(file, cfg)
    model.info(file.path)
    local seen, list = {}, {}
    for _, issue in ipairs(orch.gltf.validate(file.path, { ignore = cfg.ignore }).issues) do
      local first = seen[issue.code]
      if first then
        first.count = first.count + 1
      elseif issue.severity == "error" or issue.severity == "warning" then
        seen[issue.code], list[#list + 1] = issue, issue
        issue.count = 1
      end
    end
    table.sort(list, function(a, b) return a.severity < b.severity end) -- errors first
    for i = 1, math.min(#list, cfg.most) do
      local issue = list[i]
      local say = issue.severity == "error" and file.problem or file.warning
      say(file, { issue.code .. ": %s", issue.message, pointer = issue.pointer,
        found = issue.count > 1 and issue.count .. " times" or nil,
        hint = "export it again with a newer exporter, or report it to its makers" })
    end
  end,
}

check "model.empty" {
  title = "Models have something in them",
  why = "An empty model is an export that went wrong, or a file that nobody needs.",
  severity = "warning",
  files = MODELS,
  tags = { "header" },
  run = function(file)
    local info = model.info(file.path)
    for _, field in ipairs { "primitives", "animations", "lights", "cameras", "bones" } do
      if (info[field] or 0) > 0 then return end
    end
    file:problem { "has no mesh, no light, no animation in it", found = "nothing",
      hint = "was nothing selected when it was exported?" }
  end,
}

local METRES = { mm = 0.001, cm = 0.01, dm = 0.1, m = 1, km = 1000, ["in"] = 0.0254, ft = 0.3048 }

check "model.scale" {
  title = "Models are as large as things are",
  why = "A model in the wrong unit is a hundred times too large: physics, light and shadows fail.",
  severity = "info",
  files = "**/*.{gltf,glb,fbx}", -- OBJ has no unit
  config = { largest = 2000, smallest = 0.005 }, -- metres
  tags = { "header" },
  run = function(file, cfg)
    local info, side = model.info(file.path), 0
    if not info.bounds or not METRES[info.units] then return end
    for axis = 1, 3 do side = math.max(side, info.bounds.max[axis] - info.bounds.min[axis]) end
    side = side * METRES[info.units]
    if side == 0 or side >= cfg.smallest and side <= cfg.largest then return end
    file:problem { "is %.4g m large", side, found = ("%.4g m"):format(side),
      wanted = ("%g to %g m"):format(cfg.smallest, cfg.largest),
      hint = "check the unit of the scene and of the export" }
  end,
}
