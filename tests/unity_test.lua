-- Unity's projects: GUIDs, .meta files, references, held against projects of which all is known.

local fs, json, unity = orch.fs, orch.json, orch.unity
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local nobody, data = dofile(here .. "/helper/nobody.lua"), here .. "/data"

--- A copy of a project with the code files that were left out, as empty ones.
local function project(from, expected)
  local folder = fs.temp_dir() .. "/project"
  fs.copy(from, folder)
  local facts = json.load(expected)
  for _, file in ipairs(facts.omitted_files) do
    fs.mkdir(fs.path.dirname(folder .. "/" .. file.path))
    fs.write(folder .. "/" .. file.path, "", { sync = false })
  end
  return folder, facts
end

local function boids() return project(data .. "/builds/boids", data .. "/unity/boids.json") end
local function game_ci()
  return project(data .. "/builds/game-ci", data .. "/unity/game-ci.json")
end
local function twice()
  return project(data .. "/unity/duplicates", data .. "/unity/duplicates/expected.json")
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function paths_of(list)
  local paths = {}
  for i, entry in ipairs(list) do paths[i] = entry.path end
  return paths
end

local META = "fileFormatVersion: 2\nguid: %s\nDefaultImporter:\n  externalObjects: {}\n"
local A, B = ("a"):rep(32), ("b"):rep(32)

--- A project of the test's own: path -> content.
local function make(files)
  local folder = fs.temp_dir()
  for path, text in pairs(files) do
    fs.mkdir(fs.path.dirname(folder .. "/" .. path))
    fs.write(folder .. "/" .. path, text, { sync = false })
  end
  return folder
end

describe("a project whose facts are known", function()
  it("has the GUIDs that it should have, and nothing else is wrong", function()
    for _, open in ipairs { boids, game_ci, twice } do
      local folder, facts = open()
      local all = unity.index(folder)
      -- One GUID of game-ci belongs to the file that is only a pointer, which is kept elsewhere.
      local kept = open == game_ci and facts.guid_count - 1 or facts.guid_count
      expect(count(all.paths)):equals(kept)
      expect(unity.missing(all)):equals(facts.assets_without_meta_in_source)
      expect(paths_of(unity.orphans(all))):equals(facts.orphan_meta_in_source)
      expect(unity.invalid(all)):equals {}
      local found = {}
      for _, entry in ipairs(unity.duplicates(all)) do
        for i, path in ipairs(entry.paths) do entry.paths[i] = path .. ".meta" end
        found[entry.guid] = entry.paths
      end
      expect(found):equals(facts.duplicate_guids)
    end
  end)

  it("orphans are the .meta files of the code that was left out", function()
    local left_out = {}
    for _, file in ipairs(json.load(data .. "/unity/boids.json").omitted_files) do
      left_out[#left_out + 1] = file.path .. ".meta"
    end
    table.sort(left_out)
    expect(paths_of(unity.orphans(data .. "/builds/boids"))):equals(left_out)
  end)

  it("says its version and what it is made of", function()
    local info = unity.project(data .. "/builds/boids")
    expect({ info.version, info.revision, info.name, info.color_space })
      :equals { "2019.1.3f1", "dc414eb9ed43", "Boids Project", "gamma" }
    expect(info.packages["com.unity.timeline"].version):equals "1.0.0"
    expect(info.packages["com.unity.modules.ai"].assets):equals(false)
    expect(info.complete):equals(false)
    local locked = unity.project(data .. "/builds/game-ci").packages["com.unity.mathematics"]
    expect({ locked.version, locked.source }):equals { "1.2.6", "registry" }
  end)
end)

describe("unity.meta", function()
  it("gives GUID, importer and settings", function()
    local info = unity.meta(data .. "/unity/lfs/LFS_Test_File.jpg")
    expect({ info.guid, info.importer, info.folder })
      :equals { "4464d385be8a6314599ca304b15f6033", "TextureImporter", false }
    expect(info.settings.maxTextureSize):equals(2048)
    expect(info.settings.mipmaps.sRGBTexture):equals(1)
    local folder = unity.meta(data .. "/builds/boids/Assets/Scripts/")
    expect({ folder.folder, folder.importer }):equals { true, "DefaultImporter" }
  end)

  it("keeps a GUID that looks like a number", function()
    for _, guid in ipairs { ("1"):rep(32), ("0"):rep(30) .. "e1", "12345678e" .. ("0"):rep(23) } do
      local folder = make { ["Assets/a.txt.meta"] = META:format(guid) }
      expect(unity.guid(folder .. "/Assets/a.txt")):equals(guid)
      expect(unity.meta(folder .. "/Assets/a.txt").guid):equals(guid)
    end
  end)

  it("reads CR LF, a byte order mark and capitals", function()
    for _, text in ipairs { META:format(A):gsub("\n", "\r\n"), "\u{feff}" .. META:format(A),
      META:format(A:upper()), "guid: " .. A } do
      local folder = make { ["Assets/a.meta"] = text }
      expect(unity.guid(folder .. "/Assets/a")):equals(A)
    end
  end)

  it("says what is wrong with one", function()
    for text, words in pairs {
      [""] = "is empty",
      ["fileFormatVersion: 2\n"] = "has no GUID",
      ["fileFormatVersion: 2\nguid: 12\n"] = "has no GUID",
      ["fileFormatVersion: 2\n<<<<<<< HEAD\n"] = "conflict markers",
      ["fileFormatVersion: 2\n<<<<<<< HEAD\nguid: " .. A .. "\n=======\nguid: " .. B
        .. "\n>>>>>>> other\n"] = "conflict markers",
      ["version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"] = "git lfs pull",
    } do
      local folder = make { ["Assets/a.meta"] = text }
      for _, call in ipairs { unity.guid, unity.meta, orch.asset.info } do
        local path = folder .. "/Assets/a.meta"
        local err = expect(function() call(path) end):raises "format"
        expect(err.path):equals(path)
        if text ~= "" then expect(err.message):contains(words) end
      end
      expect(unity.invalid(folder)[1].reason):contains(words)
      expect(unity.invalid(folder)[1].path):equals "Assets/a.meta"
    end
    local torn = make { ["Assets/a.meta"] = META:format(A) .. "\tx: [\n" }
    local err = expect(function() unity.meta(torn .. "/Assets/a") end):raises "format"
    expect(err.line):equals(5)
    expect(function() unity.meta(torn .. "/Assets/none") end):raises "os"
  end)
end)

describe("what Unity does not look at", function()
  it("is no asset", function()
    local files = { ["Assets/a.txt"] = "", ["Assets/a.txt.meta"] = META:format(A) }
    for _, path in ipairs { "Assets/.git/x", "Assets/Samples~/x", "Assets/cvs/x", "Assets/CVS/y",
      "Assets/x.tmp", "Assets/.x", "Assets/x~", "Packages/manifest.json",
      "Packages/no_package/x.txt", "Assets/Plugins/a.bundle/Contents/Info.plist" } do
      files[path] = "{}"
    end
    local folder = make(files)
    expect(paths_of(unity.missing(folder)))
      :equals { "Assets/Plugins", "Assets/Plugins/a.bundle" }
    expect(unity.ignored "Assets/Samples~/a.png"):equals(true)
    expect(unity.ignored "Assets/a~b/tmp/cvs.png"):equals(false)
  end)
end)

describe("missing and orphaned .meta files", function()
  it("are found, folders as well", function()
    local folder = make {
      ["Assets/new/a.png"] = "", ["Assets/new/b.png"] = "",
      ["Assets/new/b.png.meta"] = META:format(A),
      ["Assets/gone.meta"] = "fileFormatVersion: 2\nguid: " .. B .. "\nfolderAsset: yes\n",
      ["Assets/gone.png.meta"] = META:format(("c"):rep(32)),
      ["Packages/com.a/package.json"] = "{}",
    }
    expect(unity.missing(folder)):equals {
      { path = "Assets/new", folder = true }, { path = "Assets/new/a.png", folder = false },
      { path = "Packages/com.a/package.json", folder = false },
    }
    expect(unity.orphans(folder)):equals {
      { path = "Assets/gone.meta", asset = "Assets/gone", guid = B, folder = true },
      { path = "Assets/gone.png.meta", asset = "Assets/gone.png", guid = ("c"):rep(32),
        folder = false },
    }
  end)

  it("follow links, also circles of them", function()
    local folder = make { ["Assets/a.txt"] = "", ["Assets/a.txt.meta"] = META:format(A),
      ["Assets/loop.meta"] = META:format(B) }
    fs.link(folder .. "/Assets/loop", ".")
    expect(unity.orphans(folder)):equals {}
  end)

  it("need a project", function()
    local err = expect(function() unity.index(fs.temp_dir()) end):raises "format"
    expect(err.message):contains "is no Unity project"
    expect(function() unity.index "/no/such/folder" end):raises "format"
    expect(function() unity.missing(7) end):raises "usage"
  end)
end)

describe("unity.references", function()
  it("finds what a parser finds", function()
    local function collect(value, into)
      if type(value) ~= "table" then return end
      if value.guid and value.fileID then
        local key = value.guid .. " " .. tostring(value.fileID)
        into[key] = (into[key] or 0) + 1
      end
      for _, inner in pairs(value) do collect(inner, into) end
    end
    local seen = 0
    for _, path in ipairs(fs.glob(data .. "/builds/**/*.{unity,prefab,mat,asset}")) do
      local parsed, found = {}, {}
      for _, document in ipairs(orch.yaml.load_all(path)) do collect(document, parsed) end
      for _, reference in ipairs(unity.references(path)) do
        if reference.file_id then
          local key = reference.guid .. " " .. reference.file_id
          found[key] = (found[key] or 0) + 1
        end
        seen = seen + 1
      end
      expect(found):equals(parsed)
    end
    expect(seen):greater_than(100)
  end)

  it("gives lines, in order, over wrapped lines", function()
    local folder = make { ["a.prefab"] = "%YAML 1.1\n--- !u!1 &1\nGameObject:\n"
      .. "  a: {fileID: -12, guid: " .. A .. ",\n    type: 3}\n"
      .. "  b: {fileID: 5,\n    guid: " .. B .. ", type: 3}\n"
      .. "  c:\n    m_AssetGUID: " .. A .. "\n  guid: " .. B .. "\n  my_guid: " .. B .. "\n"
      .. "  d: {fileID: 7, guid: " .. A .. "}\n" }
    expect(unity.references(folder .. "/a.prefab")):equals {
      { guid = A, file_id = -12, line = 4 }, { guid = B, file_id = 5, line = 7 },
      { guid = A, line = 9 }, { guid = A, file_id = 7, line = 12 },
    }
  end)

  it("reads the scenes of a build and assembly definitions", function()
    local folder = make {
      ["EditorBuildSettings.asset"] = "%YAML 1.1\n--- !u!1045 &1\nEditorBuildSettings:\n"
        .. "  m_Scenes:\n  - enabled: 1\n    path: Assets/A.unity\n    guid: " .. A .. "\n",
      ["a.asmdef"] = '{ "references": ["GUID:' .. B .. '", "Unity.Burst"] }',
    }
    expect(unity.references(folder .. "/EditorBuildSettings.asset"))
      :equals { { guid = A, line = 7 } }
    expect(unity.references(folder .. "/a.asmdef")):equals { { guid = B, line = 1 } }
  end)

  it("says which files cannot be read", function()
    local folder = make { ["a.asset"] = "\0\0\0\22\0\0" .. ("x"):rep(100) }
    local err = expect(function() unity.references(folder .. "/a.asset") end):raises "format"
    expect(err.binary):equals(true)
    expect(err.message):contains "serialised as binary"
    expect(orch.asset.info(folder .. "/a.asset").binary):equals(true)
    fs.write(folder .. "/a.unity", fs.read(data .. "/unity/lfs/LFS_Test_File.jpg"))
    expect(function() unity.references(folder .. "/a.unity") end):raises "git lfs pull"
    expect(function() orch.asset.info(folder .. "/a.unity") end):raises "git lfs pull"
  end)
end)

describe("unity.broken", function()
  local function scene(guid)
    return "%YAML 1.1\n--- !u!1 &1\nA:\n  a: {fileID: 1, guid: " .. guid .. ", type: 2}\n"
  end

  it("is sure where all packages are there", function()
    local folder = make {
      ["Assets/a.unity"] = scene(B) .. scene(B), ["Assets/a.unity.meta"] = META:format(A),
      ["Assets/b.mat"] = scene(A), ["Assets/c.mat"] = scene "0000000000000000f000000000000000",
      ["Assets/d.asset"] = "\0\1\2", ["Packages/manifest.json"] =
        '{"dependencies":{"com.unity.modules.ai":"1.0.0","com.a":"1.0.0","com.b":"file:../b"}}',
      ["Library/PackageCache/com.a@1.0.0/x.cs.meta"] = META:format(("c"):rep(32)),
      ["b/y.cs.meta"] = META:format(("d"):rep(32)),
      ["Assets/e.mat"] = scene(("c"):rep(32)) .. scene(("d"):rep(32)),
    }
    local broken, unread = unity.broken(folder)
    expect(broken):equals { { path = "Assets/a.unity", line = 4, guid = B, file_id = 1, count = 2,
      certain = true, reason = "no asset and no package of this project has it" } }
    expect(#unread):equals(1)
    expect(unread[1].path):equals "Assets/d.asset"
  end)

  it("is not where one is not, and names it", function()
    local folder = make { ["Assets/a.mat"] = scene(B),
      ["Packages/manifest.json"] = '{"dependencies":{"com.unity.ugui":"1.0.0"}}' }
    local broken = unity.broken(folder)
    expect(#broken):equals(1)
    expect(broken[1].certain):equals(false)
    expect(broken[1].reason):contains "com.unity.ugui"
    fs.remove(folder .. "/Packages/manifest.json")
    expect(unity.broken(folder)[1].reason):contains "manifest.json"
  end)

  it("of a real project is what its packages hold", function()
    local broken = unity.broken(data .. "/builds/boids")
    expect(#broken):equals(1)
    expect({ broken[1].path, broken[1].line, broken[1].certain })
      :equals { "Assets/Scenes/Obstacles.unity", 1950, false }
  end)
end)

describe("asset.info of Unity's files", function()
  it("calls them what people call them", function()
    local path = fs.temp_dir() .. "/a.unity"
    fs.write(path, "x")
    local err = expect(function() orch.asset.info(path) end):raises "format"
    expect(err.message):contains "is not a valid Unity YAML file: it does not begin with %YAML"
    fs.write(path .. ".meta", META:format(A))
    expect(function() orch.image.info(path .. ".meta") end):raises "%(it is a Unity %.meta file%)"
    local info = orch.asset.info(path .. ".meta")
    expect(function() return info.giud end):raises "a file of Unity's has no field 'giud'"
  end)

  it("gives GUID, objects, references", function()
    local info = orch.asset.info(data .. "/unity/lfs/LFS_Test_File.jpg.meta")
    expect({ info.kind, info.guid, info.importer, info.folder }):equals { "unity",
      "4464d385be8a6314599ca304b15f6033", "TextureImporter", false }
    info = orch.asset.info(data .. "/builds/boids/Assets/Scenes/Obstacles.unity")
    expect({ info.objects, info.binary, #info.references }):equals { 87, false, 15 }
  end)

  it("any bytes give a value or an Error", function()
    local path = fs.temp_dir() .. "/x"
    local sources = { fs.read(data .. "/unity/lfs/LFS_Test_File.jpg.meta"),
      fs.read(data .. "/builds/boids/Assets/Prefabs/Spawner.prefab"):sub(1, 3000) }
    for _ = 1, 300 do
      local text = sources[math.random(2)]
      for _ = 1, math.random(1, 8) do
        local at = math.random(#text)
        text = text:sub(1, at - 1) .. string.char(math.random(0, 255))
          .. text:sub(at + math.random(0, 30))
      end
      for _, extension in ipairs { ".meta", ".prefab" } do
        fs.write(path .. extension, text, { sync = false, atomic = false })
        for _, call in ipairs { unity.meta, unity.references, orch.asset.info } do
          if not (call == unity.meta and extension == ".prefab") then
            local ok, err = pcall(call, path .. extension)
            if not ok then expect(err.kind):equals "format" end
          end
        end
      end
    end
  end)

  it("recognises a pointer of Git LFS", function()
    local lfs = require "orch.asset.lfs"
    local pointer = lfs.pointer(fs.read(data .. "/unity/lfs/LFS_Test_File.jpg"))
    expect(pointer.size):equals(669)
    expect(#pointer.oid):equals(64)
    expect(lfs.pointer "version 2"):is_nil()
    expect(function() orch.asset.info(data .. "/unity/lfs/LFS_Test_File.jpg") end)
      :raises "git lfs pull"
  end)
end)

describe("an index", function()
  it("can be cancelled", function()
    local folder = boids()
    local early = orch.spawn({ hold = true }, unity.index, folder)
    early:cancel "enough"
    expect(function() early:await() end):raises "cancelled"
    local flying = orch.spawn({ hold = true }, unity.broken, folder)
    orch.checkpoint()
    flying:cancel "enough"
    expect(function() flying:await() end):raises "cancelled"
  end)

  it("has a place for .meta files that cannot be read", function()
    local folder = make { ["Assets/a.txt"] = "", ["Assets/a.txt.meta"] = META:format(A) }
    orch.sh("chmod 755 ${x} ${x}/Assets; chmod 0 ${x}/Assets/a.txt.meta", { x = folder })
    local result = nobody.run { require("orch.core.runtime").executable(), "-e",
      ('local x = orch.unity.invalid(%q)[1] print(x.path, x.reason)'):format(folder) }
    expect(result.stdout):equals "Assets/a.txt.meta\tcannot be read: EACCES\n"
  end)
end)
