-- The rules for files of any kind, and for Unity projects, that come with orch: of each a tree
-- that passes and one that does not. And all of them over a project without faults.

local engine = require "orch.check.engine"
local fs = orch.fs
local load = require "orch.check.load"

local function project(files)
  local folder = fs.temp_dir()
  for path, text in pairs(files) do
    fs.mkdir(fs.path.dirname(folder .. "/" .. path))
    fs.write(folder .. "/" .. path, text, { sync = false })
  end
  return folder
end

local function picture(size)
  return orch.image.encode { width = size, height = size, channels = 3, bits = 8,
    data = ("\1\2\3"):rep(size * size) }
end

local LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" .. ("a"):rep(64)
  .. "\nsize 4096\n"

describe("asset.readable", function()
  it("reads all that orch knows, and compares it with its name", function()
    check.expect("asset.readable", project { ["a.png"] = picture(4) }):passes()
    check.expect("asset.readable", project { ["a.tga"] = picture(4) }):fails { found = "PNG",
      wanted = ".png", severity = "warning" }
    local found = engine.run { folder = project { ["a.png"] = picture(4):sub(1, -5) },
      ruleset = load { shipped = true } }.findings
    expect({ #found, found[1].rule, found[1].severity }):equals { 1, "asset.broken", "error" }
    expect(found[1].message):contains "is not a valid PNG: it is cut off"
  end)
end)

describe("files.size", function()
  it("has a budget for each folder", function()
    check.expect("files.size", { size = 95 << 20 }):passes()
    check.expect("files.size", { size = 120 << 20 }):fails { found = "120 MiB",
      wanted = "at most 95 MiB" }
    check.expect("files.size", { size = 120 << 20, path = "StreamingAssets/film.mp4" }):passes()
  end)
end)

describe("files.lfs-pointer", function()
  it("finds them, once for all rules that look", function()
    check.expect("files.lfs-pointer", { content = ("x"):rep(150), path = "film.mp4" }):passes()
    check.expect("files.lfs-pointer", { content = LFS, path = "film.mp4" }):fails {
      severity = "error", message = "git lfs pull" }
    local found = engine.run { folder = project { ["T_a_N.png"] = LFS },
      ruleset = load { shipped = true } }.findings
    expect({ #found, found[1].rule }):equals { 1, "files.lfs-pointer" }
  end)
end)

describe("files.name", function()
  local function name(path) return check.expect("files.name", { path = path }) end

  it("wants names that work everywhere", function()
    name("Assets/Main Menu/Überschrift_01.png"):passes()
    name("a/b:c.png"):fails { found = ":", severity = "error" }
    name("a/b\nc.png"):fails { message = "Windows refuses: the character 10" }
    name("a/b\255.png"):fails { message = "no UTF-8" }
    name("a /b.png"):fails { message = "ends with a space" }
    name("a./b.png"):fails { message = "ends with a dot" }
    name("a/aux.png"):fails { message = "Windows keeps the name 'aux.png'" }
    name("a/auxiliary.png"):passes()
    name(("folder/"):rep(30) .. "a.png"):fails { severity = "warning", found = "215 characters" }
    check.expect("files.name", { path = "a/b c.png" }, { config = { spaces = false } })
      :fails { message = "has a space" }
  end)
end)

describe("files.case-collision", function()
  local function names(...)
    local list = {}
    for i, path in ipairs { ... } do list[i] = { path = path } end
    return check.expect("files.case-collision", list)
  end

  it("compares files and folders without case", function()
    names("a/b.png", "a/c.png", "b/b.png"):passes()
    names("a/b.png", "a/B.png"):fails { severity = "error", message = "'a/b.png' and 'a/B.png'" }
    local found = names("UI/a.png", "UI/b.png", "ui/c.png", "ui/d.png").findings
    expect({ #found, found[1].found, found[1].path }):equals { 1, "ui", "ui/c.png" }
    expect(found[1].related):equals { { path = "UI" } }
  end)
end)

describe("files.duplicate", function()
  it("compares contents", function()
    local big, other = ("x"):rep(20000), ("y"):rep(20000)
    check.expect("files.duplicate", project { a = big, b = other, c = "small", d = "small" })
      :passes()
    local found = check.expect("files.duplicate", project { a = big, b = other, ["c/a"] = big,
      ["c/d"] = big }):fails { found = "3 copies", path = "a" }.findings
    expect(#found):equals(1)
    expect(found[1].cost):equals { disk = 40000 }
    expect(found[1].related):equals { { path = "c/a" }, { path = "c/d" } }
  end)
end)

describe("files.line-endings", function()
  local function text(content, path)
    return check.expect("files.line-endings", { content = content, path = path or "a/a.cs" })
  end

  it("wants them alike, or as the kind of file needs them", function()
    text("a\nb\n"):passes()
    text("a\r\nb\r\n"):passes()
    text("a\r\nb\nc\n"):fails { found = "1 x CR LF, 2 x LF", fix = "convert" }
    text("a\r\nb\r\n", "a/run.sh"):fails { message = "lines end with CR LF", wanted = "LF" }
    text("a\nb\n", "a/run.bat"):fails { wanted = "CR LF" }
    text("a\0\r\0\n\0b\0\n\0", "a/utf16.txt"):passes()
  end)

  it("mends them without a question", function()
    local folder = project { ["a.cs"] = "a\r\nb\nc\n", ["b.cs"] = "a\r\nb\r\nc\n",
      ["run.bat"] = "a\nb\r\n" }
    local set = load { shipped = true }
    local result = require("orch.check.fix").run { folder = folder, ruleset = set,
      check = function() return engine.run { ruleset = set, folder = folder } end }
    expect({ #result.fixed, #result.findings }):equals { 3, 0 }
    expect(fs.read(folder .. "/a.cs")):equals "a\nb\nc\n"
    expect(fs.read(folder .. "/b.cs")):equals "a\r\nb\r\nc\r\n"
    expect(fs.read(folder .. "/run.bat")):equals "a\r\nb\r\n"
  end)
end)

local function guid(digit) return digit:rep(32) end

local function meta(digit) return "fileFormatVersion: 2\nguid: " .. guid(digit) .. "\n" end

local function material(digit)
  return "%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n--- !u!21 &2100000\nMaterial:\n"
    .. "  m_Shader: {fileID: 4800000, guid: " .. guid(digit) .. ", type: 3}\n"
end

-- A project of Unity's in a folder, as it should be.
local function unity(changes)
  local files = {
    ["ProjectSettings/ProjectVersion.txt"] = "m_EditorVersion: 2021.3.1f1\n",
    ["Packages/manifest.json"] = '{ "dependencies": {} }\n',
    ["Assets/a.mat"] = material "b", ["Assets/a.mat.meta"] = meta "a",
    ["Assets/b.shader"] = "Shader\n", ["Assets/b.shader.meta"] = meta "b",
  }
  for path, text in pairs(changes or {}) do files[path] = text or nil end
  local moved = {}
  for path, text in pairs(files) do moved["Game/" .. path] = text end
  return project(moved)
end

describe("Unity projects", function()
  local rules = { "unity.meta-missing", "unity.meta-orphaned", "unity.meta-broken",
    "unity.guid-duplicate", "unity.reference-broken" }

  it("pass when nothing is wrong", function()
    for _, rule in ipairs(rules) do check.expect(rule, unity()):passes() end
    for _, rule in ipairs(rules) do
      check.expect(rule, project { ["Assets/a.png"] = "no Unity here" }):passes()
    end
  end)

  it("want a .meta file for each asset, and an asset for each .meta file", function()
    check.expect("unity.meta-missing", unity { ["Assets/c.txt"] = "c" }):fails {
      path = "Game/Assets/c.txt", wanted = "c.txt.meta", severity = "error" }
    check.expect("unity.meta-missing", unity { ["Assets/New/c.txt"] = "c",
      ["Assets/New/c.txt.meta"] = meta "c" }):fails { path = "Game/Assets/New",
      message = "the folder has no .meta file" }
    check.expect("unity.meta-orphaned", unity { ["Assets/c.txt.meta"] = meta "c" }):fails {
      path = "Game/Assets/c.txt.meta", severity = "warning", fix = "remove" }
    check.expect("unity.meta-orphaned", unity { ["Assets/Empty.meta"] = meta "c"
      .. "folderAsset: yes\nDefaultImporter:\n" }):fails { severity = "info", wanted = "Empty/" }
  end)

  it("lose .meta files without an asset, on demand only", function()
    local folder, set = unity { ["Assets/c.txt.meta"] = meta "c" }, load { shipped = true }
    local function mend(unsafe)
      return require("orch.check.fix").run { folder = folder, ruleset = set, unsafe = unsafe,
        check = function() return engine.run { ruleset = set, folder = folder } end }
    end
    expect(#mend(false).fixed):equals(0)
    local result = mend(true)
    expect({ #result.fixed, #result.findings }):equals { 1, 0 }
    expect(fs.exists(folder .. "/Game/Assets/c.txt.meta")):equals(false)
  end)

  it("want a GUID in each .meta file, another one in each", function()
    check.expect("unity.meta-broken", unity { ["Assets/b.shader.meta"] = "" }):fails {
      path = "Game/Assets/b.shader.meta", severity = "error" }
    local found = check.expect("unity.guid-duplicate", unity { ["Assets/c.txt"] = "c",
      ["Assets/c.txt.meta"] = meta "a" }):fails { path = "Game/Assets/a.mat.meta",
      found = guid "a", message = "as 1 other .meta file" }.findings[1]
    expect(found.related):equals { { path = "Game/Assets/c.txt.meta" } }
  end)

  it("want references to lead somewhere", function()
    check.expect("unity.reference-broken", unity { ["Assets/a.mat"] = material "d" }):fails {
      path = "Game/Assets/a.mat", line = 5, found = "GUID " .. guid "d" .. ", 1 time",
      severity = "error" }
    check.expect("unity.reference-broken", unity { ["Assets/a.mat"] = material "d",
      ["Packages/manifest.json"] = '{ "dependencies": { "com.unity.burst": "1.0.0" } }' })
      :fails { severity = "info", message = "1 reference in 1 file may lead nowhere",
      hint = "com.unity.burst" }
  end)

  it("share one look at the project", function()
    local looks, make = 0, orch.unity.index
    local index = require "orch.unity.index"
    local original = index.make
    index.make = function(...)
      looks = looks + 1
      return original(...)
    end
    local restore <close> = setmetatable({}, { __close = function() index.make = original end })
    local result = engine.run { folder = unity { ["Assets/c.txt"] = "c" },
      ruleset = load { shipped = true } }
    expect({ looks, #result.findings, make == orch.unity.index }):equals { 1, 1, true }
  end)
end)

describe("the rules that come with orch", function()
  local shipped = require "orch.check.shipped"

  it("all say what they want and why, and that their files can be changed", function()
    local set = load { shipped = true }
    expect(set.findings):equals {}
    for _, rule in ipairs(set.list) do
      expect(rule.title):is_a "string"
      expect(rule.why):is_a "string"
      for _, fix in pairs(rule.fixes) do expect(fix.label):is_a "string" end
    end
    for _, name in ipairs(shipped.files) do
      local head = shipped.text(name):match "^%-%- [^\n]+\n%-%- [^\n]+\n"
      expect(head):is_a "string"
      expect(shipped.text(name)):contains "Then: orch check"
    end
  end)

  it("are found by their tags", function()
    local all, header, pixels = #shipped.rules(), shipped.rules "header", shipped.rules "pixels"
    expect(header):contains "texture.size"
    expect(header).never:contains "texture.normal-map"
    expect(pixels):contains "texture.normal-map"
    expect(#header + #pixels):less_than(all)
  end)

  it("have nothing to say about a project without faults, whatever its names", function()
    local wav = "RIFF" .. string.pack("<I4", 8036) .. "WAVEfmt "
      .. string.pack("<I4I2I2I4I4I2I2", 16, 1, 1, 44100, 88200, 2, 16) .. "data"
      .. string.pack("<I4", 20000) .. ("\0\20\0\236"):rep(5000)
    local files = {
      ["Assets/UI/button.png"] = picture(64), ["Assets/Textures/T_Rock_D.png"] = picture(128),
      ["Assets/Sound/step.wav"] = wav, ["notes.md"] = "text\n", ["empty.bin"] = "",
      ["Assets/100%/%d %s.png"] = picture(32), ["a'b\"c.txt"] = "x\n",
    }
    local result = engine.run { folder = project(files), ruleset = load { shipped = true } }
    local list = {}
    for i, one in ipairs(result.findings) do list[i] = one.rule .. " " .. one.path end
    expect(list):equals { "files.name a'b\"c.txt" }
  end)
end)
