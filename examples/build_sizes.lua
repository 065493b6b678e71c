-- Weighs build folders and puts them side by side: engine version, total, files, the
-- packages of Unity's manifest and, below, the five largest files of each.
--
--   orch run examples/build_sizes.lua [DIR...]     by default the two in tests/data/builds

local fs, json, tty = orch.fs, orch.json, orch.tty

local function in_words(bytes)
  local units, i = { "B", "KB", "MB", "GB" }, 1
  while bytes >= 1024 and i < #units do bytes, i = bytes / 1024, i + 1 end
  return (i == 1 and "%d %s" or "%.1f %s"):format(bytes, units[i])
end

local function if_there(read, path) -- not every folder is a Unity project
  return fs.exists(path) and read(path) or nil
end

local function weigh(dir)
  local _ <close> = orch.cd(dir) -- for this task alone: each has its own folder
  local bytes, list = 0, {}
  for file in fs.walk(".", { type = "file", stat = true }) do
    bytes = bytes + file.size
    table.insert(list, file)
  end
  table.sort(list, function(a, b) return a.size > b.size end)
  local version = if_there(fs.read, "ProjectSettings/ProjectVersion.txt") or ""
  local manifest = if_there(json.load, "Packages/manifest.json") or {}
  return { build = fs.path.basename(dir), engine = version:match "m_EditorVersion: (%S+)",
    total = in_words(bytes), files = #list, largest = list, packages = manifest.dependencies or {} }
end

local dirs = #orch.args > 0 and orch.args or fs.glob("tests/data/builds/*", { type = "folder" })
local builds = orch.map(dirs, weigh) -- all at once; the results are in the order of dirs

local function row(title, get)
  local line = ("%-34s"):format(title)
  for _, build in ipairs(builds) do line = line .. ("%15s"):format(get(build) or "-") end
  print(line)
end
for _, title in ipairs { "build", "engine", "total", "files" } do
  row(title, function(build) return build[title] end)
end
local names = {} -- of all packages but those that are parts of the engine
for _, build in ipairs(builds) do
  for name in pairs(build.packages) do
    if not name:find "%.modules%." and not names[name] then
      names[name], names[#names + 1] = true, name
    end
  end
end
table.sort(names)
for _, name in ipairs(names) do row(name, function(build) return build.packages[name] end) end
for _, build in ipairs(builds) do
  print("\n" .. tty.style(build.build, "bold"))
  for i = 1, math.min(5, #build.largest) do
    print(("%10s  %s"):format(in_words(build.largest[i].size), build.largest[i].path:sub(3)))
  end
end
