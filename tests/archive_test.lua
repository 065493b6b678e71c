-- orch.archive: what goes in comes out, in all formats and by other tools; wrong calls, progress,
-- cancellation, kill -9; archives that are broken are in archive_hostile_test.lua.

local archive, fs, process = orch.archive, orch.fs, orch.process
local exe = require("orch.core.runtime").executable()

local FORMATS = { "zip", "tar", "tar.gz", "tar.zst", "tar.xz" }

local function run(...)
  return process.run { ... }.stdout
end

--- A tree as lines: name, type, mode, target, content.
local function describe_tree(folder)
  local lines = {}
  for entry in fs.walk(folder) do
    local stat = fs.stat(entry.path, { follow = false })
    lines[#lines + 1] = ("%s %s %s %s"):format(entry.path:sub(#folder + 2), stat.type,
      stat.type == "link" and stat.target or stat.mode_text,
      stat.type == "file" and fs.hash(entry.path, "md5") or "")
  end
  return lines
end

local function names(list)
  local all = {}
  for i, entry in ipairs(list) do all[i] = entry.name end
  return all
end

--- Some of everything, a macOS application among it.
local function make_tree(folder)
  local bundle = folder .. "/Game.app/Contents"
  fs.mkdir(bundle .. "/MacOS")
  fs.mkdir(bundle .. "/Frameworks/A.framework/Versions/1")
  fs.mkdir(folder .. "/empty/deeper")
  fs.mkdir(folder .. "/größe/日本")
  fs.write(bundle .. "/MacOS/Game", ("\127ELF"):rep(50000), { mode = tonumber("755", 8) })
  fs.write(bundle .. "/Info.plist", "<plist/>")
  fs.write(bundle .. "/Frameworks/A.framework/Versions/1/A", "lib")
  fs.link(bundle .. "/Frameworks/A.framework/Versions/Current", "1")
  fs.link(bundle .. "/Frameworks/A.framework/A", "Versions/Current/A")
  fs.write(folder .. "/größe/日本/ü 'x' \"y\" $z.txt", "text")
  fs.write(folder .. "/nothing", "")
  fs.write(folder .. "/private", "p", { mode = tonumber("600", 8) })
end

local box, tree
before_each(function()
  box = fs.temp_dir()
  tree = box .. "/tree"
  make_tree(tree)
end)

describe("archive.create and extract", function()
  for _, format in ipairs(FORMATS) do
    it("gives back a whole tree: " .. format, function()
      local path = box .. "/out." .. format
      local made = archive.create(path, { folder = tree })
      expect(made.format):equals(format)
      expect(made.files):equals(6)
      expect(made.links):equals(2)
      expect(made.bytes):equals(200000 + 8 + 3 + 4 + 1)
      expect(made.size):equals(fs.stat(path).size)
      local back = archive.extract(path, box .. "/back")
      expect(back.bytes):equals(made.bytes)
      expect({ back.files, back.folders, back.links }):equals { made.files, made.folders,
        made.links }
      expect(describe_tree(box .. "/back")):equals(describe_tree(tree))
      local before = fs.stat(tree .. "/nothing").mtime // 1
      expect(fs.stat(box .. "/back/nothing").mtime // 1):equals(before)
      expect(fs.stat(box .. "/back/empty").mtime // 1):equals(fs.stat(tree .. "/empty").mtime // 1)
      expect(fs.list(box)):equals { "back", "out." .. format, "tree" }
    end)
  end

  it("what it made is read by others", function()
    archive.create(box .. "/a.zip", { folder = tree })
    run("unzip", "-q", box .. "/a.zip", "-d", box .. "/unzip")
    expect(describe_tree(box .. "/unzip")):equals(describe_tree(tree))
    local tools = { ["tar"] = { "tar", "xf" }, ["tar.gz"] = { "tar", "xzf" },
      ["tar.xz"] = { "tar", "xJf" }, ["tar.zst"] = { "tar", "--zstd", "-xf" } }
    for format, command in pairs(tools) do
      local path, folder = box .. "/a." .. format, box .. "/" .. format
      archive.create(path, { folder = tree })
      fs.mkdir(folder)
      process.run { command[1], command[2], command[3] or path, command[3] and path, cwd = folder }
      expect(describe_tree(folder)):equals(describe_tree(tree))
    end
    local python = [[
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
for i in z.infolist(): print(i.filename)
]]
    local listed = run("python3", "-c", python, box .. "/a.zip")
    expect(listed):contains "größe/日本/ü 'x' \"y\" $z.txt\n"
    expect(listed):contains "empty/deeper/\n"
  end)

  it("reads what others made", function()
    run("bsdtar", "-cf", box .. "/b.zip", "--format=zip", "-C", tree, ".")
    run("bsdtar", "-c", "--zstd", "-f", box .. "/b.tar.zst", "-C", tree, ".")
    run("tar", "czf", box .. "/b.tgz", "-C", tree, ".")
    run("tar", "cf", box .. "/b.tar", "--format=gnu", "-C", tree, ".")
    process.run { "zip", "-qry", box .. "/i.zip", ".", cwd = tree }
    for _, name in ipairs { "b.zip", "b.tar.zst", "b.tgz", "b.tar", "i.zip" } do
      archive.extract(box .. "/" .. name, box .. "/x/" .. name)
      expect(describe_tree(box .. "/x/" .. name)):equals(describe_tree(tree))
    end
  end)

  it("takes files, folders, texts and a prefix", function()
    fs.write(box .. "/a.txt", "a")
    local _ <close> = orch.cd(box)
    local made = archive.create("out.zip", { prefix = "game-1.2", files = {
      "a.txt", "tree/empty", { path = "a.txt", name = "docs/b.txt" },
      { path = box .. "/tree/nothing" },
      { name = "VERSION", text = "1.2\n" }, { name = "run.sh", text = "x", mode = 493 } } })
    expect(made.files):equals(5)
    local list = archive.list "out.zip"
    expect(names(list)):equals { "game-1.2/a.txt", "game-1.2/tree/empty",
      "game-1.2/tree/empty/deeper", "game-1.2/docs/b.txt", "game-1.2/nothing",
      "game-1.2/VERSION", "game-1.2/run.sh" }
    expect(list[7].mode):equals(493)
    expect(archive.read("out.zip", "*/VERSION")):equals "1.2\n"
    archive.extract("out.zip", "flat", { strip = 1, include = { "game-1.2/*", "**/b.txt" } })
    expect(fs.list "flat"):equals { "VERSION", "a.txt", "docs", "nothing", "run.sh" }
    archive.extract("out.zip", "two", { strip = 2 })
    expect(fs.list "two"):equals { "b.txt", "empty" }
  end)

  it("names are as they are found again", function()
    local path = box .. "/a.tar"
    archive.create(path, { prefix = ".//p//q/", files = { { name = "./a//b", text = "" },
      { name = "c/./d/", text = "" }, { path = tree .. "/empty", name = "e//f" } } })
    expect(names(archive.list(path))):equals { "p/q/a/b", "p/q/c/d", "p/q/e/f", "p/q/e/f/deeper" }
    expect(function()
      archive.create(path, { files = { { name = "a//b", text = "" }, { name = "a/b", text = "" } } })
    end):raises "'a/b': two entries would have this name"
  end)

  it("include and exclude", function()
    local path = box .. "/x.tar"
    archive.create(path, { folder = tree, include = "**/*.{plist,txt}" })
    expect(names(archive.list(path))):equals { "Game.app/Contents/Info.plist",
      "größe/日本/ü 'x' \"y\" $z.txt" }
    archive.create(path, { folder = tree, exclude = { "Game.app", "**/*.txt", "empty/deeper" } })
    expect(names(archive.list(path))):equals { "empty", "größe", "größe/日本", "nothing",
      "private" }
    archive.extract(path, box .. "/some", { exclude = { "größe", "private" } })
    expect(fs.list(box .. "/some")):equals { "empty", "nothing" }
  end)

  it("links stay links, or are followed", function()
    local path = box .. "/f.zip"
    fs.remove(tree .. "/Game.app", { recursive = true })
    fs.link(tree .. "/to-empty", "empty")
    fs.link(tree .. "/to-file", "private")
    archive.create(path, { folder = tree, follow = true })
    archive.extract(path, box .. "/f")
    expect(fs.stat(box .. "/f/to-empty/deeper", { follow = false }).type):equals "folder"
    expect(fs.stat(box .. "/f/to-file", { follow = false }).type):equals "file"
    fs.link(tree .. "/empty/circle", "..")
    local err = expect(function() archive.create(path, { folder = tree, follow = true }) end)
      :raises "os"
    expect(err.message):contains "a link leads back into a folder that it is in"
    fs.link(tree .. "/dangling", "nowhere")
    archive.create(path, { folder = tree })
    expect(fs.list(archive.extract(path, box .. "/g").folder)):contains "dangling"
  end)

  it("leaves itself out of a folder that it is in", function()
    archive.create(tree .. "/self.zip", { folder = tree })
    local first = names(archive.list(tree .. "/self.zip"))
    archive.create(tree .. "/self.zip", { folder = tree })
    expect(names(archive.list(tree .. "/self.zip"))):equals(first)
  end)

  it("an empty folder makes an empty archive", function()
    for _, format in ipairs(FORMATS) do
      local path = box .. "/none." .. format
      fs.mkdir(box .. "/none")
      archive.create(path, { folder = box .. "/none" })
      expect(archive.list(path)):equals {}
      archive.extract(path, box .. "/none-" .. format)
      expect(fs.list(box .. "/none-" .. format)):equals {}
    end
  end)
end)

describe("archive.create{deterministic=true}", function()
  local function hash_of(format, zone, more, umask)
    local path = ("%s/%s.%s"):format(fs.temp_dir(), "d", format)
    local code = ([[umask %s; TZ=%s SOURCE_DATE_EPOCH=%s exec "$0" -e "$1"]]):format(
      umask or "022", zone, more or "")
    process.run { "sh", "-c", code, exe,
      ("orch.archive.create(%q, { folder = %q, deterministic = true })"):format(path, tree) }
    return fs.hash(path), path
  end

  for _, format in ipairs(FORMATS) do
    it("the same input gives the same bytes: " .. format, function()
      local first = hash_of(format, "UTC")
      orch.sleep "20ms"
      process.run { "find", tree, "-exec", "touch", "-h", "-d", "2001-02-03", "{}", "+" }
      process.run { "chmod", "644", tree .. "/private" }
      expect((hash_of(format, "Asia/Tokyo"))):equals(first)
      local dated, path = hash_of(format, "UTC", "1700000001")
      expect(dated).never:equals(first)
      expect((hash_of(format, "America/New_York", "1700000001"))):equals(dated)
      for entry in archive.entries(path) do expect(entry.mtime):equals(1700000001) end
    end)
  end

  it("the number of threads does not matter, nor does the time of a text", function()
    for _, format in ipairs { "tar.zst", "tar.xz" } do
      local hashes = {}
      for i, threads in ipairs { 2, 3, 8 } do
        local path = box .. "/t." .. format
        archive.create(path, { folder = tree, deterministic = true, threads = threads,
          files = { { name = "t", text = ("abc"):rep(3000000) } }, level = 1 })
        hashes[i] = fs.hash(path)
      end
      expect(hashes):equals { hashes[1], hashes[1], hashes[1] }
    end
  end)

  it("zips have the time in UTC, in both places", function()
    local _, path = hash_of("zip", "Asia/Tokyo", "1700000000")
    local shown = run("python3", "-c", [[
import struct, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
for i in z.infolist():
    z.fp.seek(i.header_offset + 10)
    t, d = struct.unpack("<HH", z.fp.read(4))
    assert i.date_time == (2023, 11, 14, 22, 13, 20), i
    assert (d >> 9) + 1980 == 2023 and t >> 11 == 22, i
print(z.testzip(), len(z.infolist()))
]], path)
    expect(shown):equals(("None %d\n"):format(#archive.list(path)))
  end)

  it("refuses what contradicts it", function()
    local function create(opts)
      return function()
        opts.folder = tree
        archive.create(box .. "/a.zip", opts)
      end
    end
    expect(create { deterministic = true, keep_times = true }):raises "exclude each other"
    expect(create { time = -1 }):raises "usage"
    local _ <close> = orch.with_env { SOURCE_DATE_EPOCH = "yesterday" }
    expect(create { deterministic = true }):raises "SOURCE_DATE_EPOCH should be whole seconds"
  end)
end)

describe("archive.list and read", function()
  it("tell what is in it", function()
    local path = box .. "/l.tar"
    run("ln", tree .. "/private", tree .. "/second")
    run("tar", "cf", path, "-C", tree, "Game.app/Contents/Frameworks/A.framework/A", "private",
      "second", "empty")
    local list = archive.list(path)
    expect(names(list)):equals { "Game.app/Contents/Frameworks/A.framework/A", "private",
      "second", "empty", "empty/deeper" }
    expect(list[1].type):equals "link"
    expect(list[1].link):equals "Versions/Current/A"
    expect(list[2]):equals { name = "private", type = "file", size = 1, mode = 384,
      mtime = fs.stat(tree .. "/private").mtime // 1 | 0 }
    expect(list[3].same_as):equals "private"
    expect(list[4].type):equals "folder"
  end)

  it("the bytes of one entry", function()
    local path = box .. "/game.ipa"
    archive.create(path, { prefix = "Payload", folder = tree })
    local bytes, name = archive.read(path, "Payload/*.app/Contents/Info.plist")
    expect(bytes):equals "<plist/>"
    expect(name):equals "Payload/Game.app/Contents/Info.plist"
    expect(#archive.read(path, "**/MacOS/Game")):equals(200000)
    expect(archive.read(path, "**/nothing")):equals ""
    local err = expect(function() archive.read(path, "Info.plist") end):raises "os"
    expect(err.code):equals "ENOENT"
    expect(err.message):contains "there is no file 'Info.plist' in "
    err = expect(function() archive.read(path, "**/Game", { limit = "10K" }) end):raises "format"
    expect(err.reason):equals "limit"
    expect(function() archive.read(path, "!x") end):raises "usage"
  end)

  it("entries come one by one, and may be left", function()
    local files = {}
    for i = 1, 1700 do files[i] = { name = ("f%04d"):format(i), text = "" } end
    archive.create(box .. "/many.zip", { files = files })
    local n = 0
    for entry in archive.entries(box .. "/many.zip") do
      n = n + 1
      expect(entry.name):equals(files[n].name)
    end
    expect(n):equals(1700)
    for entry in archive.entries(box .. "/many.zip") do
      if entry.name == "f0600" then break end
    end
    expect(#archive.list(box .. "/many.zip")):equals(1700)
  end)

  it("names in another charset", function()
    run("python3", "-c", [[
import sys, zipfile
info = zipfile.ZipInfo("x")
info.filename = "gr" + chr(0x94) + ".txt"
class Raw(zipfile.ZipInfo):
    def _encodeFilenameFlags(self): return self.filename.encode("latin1"), 0
raw = Raw("gr" + chr(0x94) + ".txt")
zipfile.ZipFile(sys.argv[1], "w").writestr(raw, "x")
]], box .. "/dos.zip")
    expect(archive.list(box .. "/dos.zip")[1].name):equals "gr%94.txt"
    expect(archive.list(box .. "/dos.zip", { charset = "CP437" })[1].name):equals "grö.txt"
    expect(function() archive.list(box .. "/dos.zip", { charset = "no!" }) end):raises "usage"
    local err = expect(function() archive.list(box .. "/dos.zip", { charset = "klingon" }) end)
      :raises "usage"
    expect(err.message):contains "klingon"
  end)
end)

describe("archives beyond 32 bits", function()
  it("more than 65,535 files", function()
    local files = {}
    for i = 1, 66000 do files[i] = { name = ("d%02d/f%d"):format(i % 50, i), text = "" } end
    local path = box .. "/many.zip"
    archive.create(path, { files = files })
    local n, last = 0, nil
    for entry in archive.entries(path) do n, last = n + 1, entry.name end
    expect(n):equals(66000)
    expect(last):equals "d00/f66000"
    expect(run("unzip", "-Z1", path, "d00/f66000")):equals "d00/f66000\n"
  end)

  it("more than 4 GB, of which most is a hole", function()
    local path, big = box .. "/big.zip", box .. "/big"
    process.run { "truncate", "-s", "4097M", big }
    local size = 4097 << 20
    local made = archive.create(path, { files = { { path = big, name = "big" },
      { name = "after", text = "behind it" } }, level = 1 })
    expect(made.bytes):equals(size + 9)
    local list = archive.list(path)
    expect(list[1].size):equals(size)
    expect(archive.read(path, "after")):equals "behind it"
    expect(run("unzip", "-l", path)):contains(tostring(size))
  end)
end)

describe("archive.extract into a folder that is there", function()
  local path
  before_each(function()
    path = box .. "/a.tar.gz"
    archive.create(path, { folder = tree })
    fs.mkdir(box .. "/there/empty/mine")
    fs.write(box .. "/there/keep", "mine")
  end)

  it("adds to it", function()
    archive.extract(path, box .. "/there")
    expect(fs.list(box .. "/there")):equals { "Game.app", "empty", "größe", "keep", "nothing",
      "private" }
    expect(fs.list(box .. "/there/empty")):equals { "deeper", "mine" }
  end)

  it("replaces nothing, unless it is told to", function()
    fs.write(box .. "/there/private", "mine")
    local before = describe_tree(box .. "/there")
    local err = expect(function() archive.extract(path, box .. "/there") end):raises "exists"
    expect(err.entry):equals "private"
    expect(err.message):contains "'private': it is there already; overwrite = true replaces it"
    expect(describe_tree(box .. "/there")):equals(before)
    archive.extract(path, box .. "/there", { overwrite = true })
    expect(fs.read(box .. "/there/private")):equals "p"
    expect(fs.read(box .. "/there/keep")):equals "mine"
  end)

  it("goes through no link that is there, and turns no folder into a file", function()
    fs.mkdir(box .. "/elsewhere")
    fs.link(box .. "/there/größe", box .. "/elsewhere")
    local err = expect(function() archive.extract(path, box .. "/there", { overwrite = true }) end)
      :raises "exists"
    expect(err.entry):equals "größe"
    expect(fs.list(box .. "/elsewhere")):equals {}
    fs.remove(box .. "/there/größe")
    fs.mkdir(box .. "/there/private")
    err = expect(function() archive.extract(path, box .. "/there", { overwrite = true }) end)
      :raises "exists"
    expect(err.message):contains "holds a folder of this name"
  end)

  it("names the folder as it was given", function()
    local result = process.run { exe, "-e",
      [[print(select(2, pcall(orch.archive.extract, "a.tar.gz", "tree/nothing")))]], cwd = box }
    expect(result.stdout):equals "cannot write into 'tree/nothing': not a directory\n"
  end)

  it("says where in it something is in the way", function()
    fs.mkdir(box .. "/there/Game.app/Contents")
    fs.write(box .. "/there/Game.app/Contents/Info.plist", "mine")
    local err = expect(function() archive.extract(path, box .. "/there") end):raises "exists"
    expect(err.entry):equals "Game.app/Contents/Info.plist"
  end)

  it("changes nothing where a part of it is on another disk", function()
    local code = [[
      local ok, err = pcall(orch.archive.extract, ARCHIVE, THERE)
      print(ok, err.kind, err.entry)
      for _, name in ipairs(orch.fs.list(THERE)) do print(name) end]]
    fs.mkdir(box .. "/there/größe")
    local result = process.run { "unshare", "-rm", "sh", "-c", [[
      mount -t tmpfs none "$2" || exit 9; exec "$0" -e "$1"]], exe,
      (code:gsub("%u%u+", { ARCHIVE = ("%q"):format(path), THERE = ("%q"):format(box .. "/there") })),
      box .. "/there/größe", check = false }
    if result.exit_code == 9 or result.stdout == "" then test.skip "no mounts are allowed here" end
    expect(result.stdout):equals "false\texists\tgröße\nempty\ngröße\nkeep\n"
  end)

  it("removes nothing that only looks like what a killed run left", function()
    for _, name in ipairs { ".orch-unpack-mine", ".orch-unpack-1-1.tmp.old", ".orch-unpack-1.tmp" } do
      fs.mkdir(box .. "/there/" .. name .. "/x")
    end
    fs.mkdir(box .. "/.new.orch-backup/x")
    archive.extract(path, box .. "/there")
    archive.extract(path, box .. "/new")
    expect(fs.list(box .. "/.new.orch-backup")):equals { "x" }
    expect(#fs.glob(box .. "/there/.orch-unpack-*/x")):equals(3)
  end)

  it("clears away what a killed run left", function()
    fs.mkdir(box .. "/there/.orch-unpack-1-1.tmp/content/x")
    fs.mkdir(box .. "/.new.orch-1-1.tmp/content/x")
    archive.extract(path, box .. "/there")
    archive.extract(path, box .. "/new")
    expect(fs.exists(box .. "/there/.orch-unpack-1-1.tmp")):equals(false)
    expect(fs.exists(box .. "/.new.orch-1-1.tmp")):equals(false)
  end)
end)

describe("progress", function()
  it("tells bytes and names, and ends with all of them", function()
    local last, seen
    archive.create(box .. "/p.zip", { folder = tree, progress = function(done, total, name)
      last, seen = { done, total }, name
    end })
    expect(last):equals { 200016, 200016 }
    expect(seen):equals "private"
    archive.extract(box .. "/p.zip", box .. "/p", { progress = function(done, total)
      last = { done, total }
    end })
    local size = fs.stat(box .. "/p.zip").size
    expect(last):equals { size, size }
    expect(function()
      archive.create(box .. "/p.zip", { folder = tree, progress = {} })
    end):raises "orch.progress"
  end)

  it("is told meanwhile, and the loop goes on", function()
    process.run { "truncate", "-s", "300M", tree .. "/holes" }
    local times, turns = 0, 0
    local s <close> = orch.scope()
    s:spawn({ daemon = true }, function()
      while true do
        orch.sleep "1ms"
        turns = turns + 1
      end
    end)
    archive.create(box .. "/p.tar.gz", { folder = tree, level = 3, progress = function(done, total)
      if done > 0 and done < total then times = times + 1 end
    end })
    expect(times):greater_than(0)
    expect(turns):greater_than(20)
  end)
end)

describe("an operation that is cancelled", function()
  before_each(function()
    process.run { "truncate", "-s", "3G", tree .. "/holes" }
  end)

  it("leaves nothing: create", function()
    for _, format in ipairs { "zip", "tar.zst", "tar.xz" } do
      local path = box .. "/c." .. format
      fs.write(path, "the old one")
      expect((orch.move_on_after("150ms", archive.create, path, { folder = tree })))
        :equals(false)
      expect(fs.read(path)):equals "the old one"
    end
    expect(fs.list(box)):equals { "c.tar.xz", "c.tar.zst", "c.zip", "tree" }
  end)

  it("leaves nothing: extract, list, read", function()
    local path = box .. "/c.tar.zst"
    archive.create(path, { folder = tree, level = 1 })
    expect((orch.move_on_after("100ms", archive.extract, path, box .. "/c", { ratio = false })))
      :equals(false)
    expect((orch.move_on_after("100ms", archive.list, path))):equals(false)
    expect((orch.move_on_after("100ms", archive.read, path, "never"))):equals(false)
    expect(fs.list(box)):equals { "c.tar.zst", "tree" }
  end)

  it("before it starts", function()
    for _, call in ipairs {
      function() archive.create(box .. "/c.zip", { folder = tree }) end,
      function() archive.extract(box .. "/none.zip", box .. "/c") end,
      function() archive.list(box .. "/none.zip") end,
      function() archive.read(box .. "/none.zip", "x") end,
    } do
      local task = orch.spawn({ hold = true }, call)
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
    end
    expect(fs.list(box)):equals { "tree" }
  end)
end)

describe("kill -9", function()
  it("leaves nothing half at the target's name", function()
    process.run { "truncate", "-s", "2G", tree .. "/holes" }
    archive.create(box .. "/whole.tar.zst", { folder = tree, level = 1 })
    local calls = {
      ("orch.archive.create(%q, { folder = %q })"):format(box .. "/k.zip", tree),
      ("orch.archive.extract(%q, %q, { ratio = false })"):format(box .. "/whole.tar.zst",
        box .. "/k"),
    }
    for _, code in ipairs(calls) do
      local child = process.spawn { exe, "-e", 'print "go" io.stdout:flush() ' .. code,
        check = false }
      for line in child:lines() do
        expect(line):equals "go"
        orch.sleep "100ms"
        child:signal "KILL"
      end
      child:wait()
    end
    expect(fs.exists(box .. "/k.zip")):equals(false)
    expect(fs.exists(box .. "/k")):equals(false)
    fs.remove(tree .. "/holes")
    archive.create(box .. "/k.zip", { folder = tree })
    archive.extract(box .. "/k.zip", box .. "/k")
    expect(fs.list(box)):equals { "k", "k.zip", "tree", "whole.tar.zst" }
  end)
end)

describe("a disk that is full", function()
  local code = [[
    local archive = orch.archive
    for _, call in ipairs {
      function() archive.create(BOX .. "/full.tar", { folder = BOX .. "/tree" }) end,
      function() archive.extract(BOX .. "/whole.tar.gz", BOX .. "/full") end,
    } do
      local ok, err = pcall(call)
      print(ok, err.kind, err.code, err.message)
    end]]

  it("is told, and nothing is left", function()
    archive.create(box .. "/whole.tar.gz", { folder = tree })
    local result = process.run { "sh", "-c", [[trap "" XFSZ; ulimit -f 100; exec "$0" -e "$1"]],
      exe, (code:gsub("BOX", ("%q"):format(box))) }
    local one, two = result.stdout:match "^([^\n]+)\n([^\n]+)\n$"
    expect(one):contains(("false\tos\tEFBIG\tcannot pack '%s/full.tar': file too large"):format(
      box))
    expect(two):contains(("false\tos\tEFBIG\tcannot write '%s/full/Game.app/Contents/MacOS/Game': "
      .. "file too"):format(box))
    expect(fs.list(box)):equals { "tree", "whole.tar.gz" }
  end)

  it("really, where we may mount one", function()
    archive.create(box .. "/whole.tar.gz", { folder = tree })
    fs.mkdir(box .. "/small")
    local result = process.run { "unshare", "-rm", "sh", "-c", [[
      mount -t tmpfs -o size=128k none "$2/small" || exit 9
      cp "$2/whole.tar.gz" "$2/small"; cp -r "$2/tree" "$2/small"
      "$0" -e "$1"; ls -A "$2/small"]], exe,
      (code:gsub("BOX", ("%q"):format(box .. "/small"))), box, check = false }
    if result.exit_code == 9 or result.stdout == "" then
      test.skip "no mounts are allowed here"
    end
    expect(result.stdout):contains "ENOSPC"
    expect(result.stdout).never:contains "full\n"
  end)
end)

describe("wrong calls", function()
  local function create(path, opts)
    return function() archive.create(path, opts) end
  end

  it("are named", function()
    for part, call in pairs {
      ["the name 'a.rar' tells no format"] = create("a.rar", { folder = tree }),
      ["option `format` should be zip"] = create("a.zip", { folder = tree, format = "rar" }),
      ["option `level` of zip should be 0 to 9, not 10"] =
        create("a.zip", { folder = tree, level = 10 }),
      ["a tar alone has no `level`"] = create("a.tar", { folder = tree, level = 1 }),
      ["zip is made by one thread"] = create("a.zip", { folder = tree, threads = 2 }),
      ["what should be in it?"] = create("a.zip", {}),
      ["did you mean `folder`?"] = create("a.zip", { foldr = tree }),
      ["files[2] should be a path"] = create("a.zip", { files = { "a", 7 } }),
      ["files[1] has both"] = create("a.zip", { files = { { path = "a", text = "b" } } }),
      ["the `mode` of files[1] should be permissions"] =
        create("a.tar", { files = { { name = "a", text = "", mode = 16877 } } }),
      ["files[1] should have a `path`"] = create("a.zip", { files = { { name = "a" } } }),
      ["option `strip` should be at least 0"] = function()
        archive.extract("a.zip", "b", { strip = -1 })
      end,
      ["option `max_files` should be at least 1, or false"] = function()
        archive.extract("a.zip", "b", { max_files = 0 })
      end,
    } do
      local err = expect(call):raises "usage"
      expect(err.message):contains(part)
    end
  end)

  it("things that no archive should hold", function()
    local path = box .. "/w.zip"
    local function refused(opts, part)
      local err = expect(create(path, opts)):raises "usage"
      expect(err.message):contains(part)
      expect(fs.exists(path)):equals(false)
    end
    refused({ files = { { name = "../x", text = "" } } }, "a path that leaves the folder")
    refused({ files = { { name = "/x", text = "" } } }, "an absolute path")
    refused({ files = { { name = "a\\b", text = "" } } }, "a backslash in the name")
    refused({ files = { { name = "a", text = "1" }, { name = "a", text = "2" } } },
      "two entries would have this name")
    refused({ files = { { name = "caf\xe9", text = "" } } }, "a name that is no UTF-8")
    process.run { "mkfifo", tree .. "/pipe" }
    refused({ folder = tree }, "it is a FIFO, which no archive should hold; exclude it")
    archive.create(path, { folder = tree, exclude = "pipe" })
  end)

  it("files that are not there, or change meanwhile", function()
    local err = expect(create(box .. "/w.zip", { folder = box .. "/no" })):raises "os"
    expect(err.code):equals "ENOENT"
    expect(err.path):equals(box .. "/no")
    err = expect(create(box .. "/w.zip", { folder = tree .. "/private" })):raises "os"
    expect(err.code):equals "ENOTDIR"
    expect(function() archive.list(box .. "/none.zip") end):raises { kind = "os", code = "ENOENT" }
    expect(function() archive.list(tree) end):raises { kind = "os", code = "EISDIR" }
    expect(function() archive.extract("/dev/null", box .. "/x") end):raises "usage"
    process.run { "truncate", "-s", "200M", tree .. "/log" }
    local s <close> = orch.scope()
    s:spawn({ daemon = true }, function()
      while true do
        fs.append(tree .. "/log", "more")
        orch.sleep "5ms"
      end
    end)
    err = expect(create(box .. "/w.zip", { folder = tree })):raises "changed"
    expect(err.message):contains "log': it changed while it was packed"
    expect(fs.exists(box .. "/w.zip")):equals(false)
  end)
end)
