-- Archives that lie, leave, burst or break: what is refused, and that nothing of it is left. The
-- archives are made byte by byte in helper/hostile_archives.py.

local archive, fs, process = orch.archive, orch.fs, orch.process

local FORMATS = { "zip", "tar", "tar.gz", "tar.zst", "tar.xz" }

--- Files and links below a folder.
local function files_in(folder)
  local list = {}
  for entry in fs.walk(folder) do
    if entry.type ~= "folder" then list[#list + 1] = entry.path:sub(#folder + 2) end
  end
  return list
end

local function content_of(folder)
  local list = {}
  for entry in fs.walk(folder) do
    list[#list + 1] = entry.path:sub(#folder + 2)
      .. (entry.type == "file" and "=" .. fs.read(entry.path) or "/")
  end
  return list
end

describe("a hostile archive", function()
  local made, cases
  before_each(function()
    if made then return end
    made = fs.temp_dir { keep = true }
    process.run { "python3", "tests/helper/hostile_archives.py", made }
    cases = orch.json.load(made .. "/index.json")
  end)

  it("is refused with the reason, and nothing of it is left", function()
    local refused = 0
    for _, case in ipairs(cases) do
      if case.reason ~= orch.json.null then
        local box = fs.temp_dir()
        fs.write(box .. "/beside", "untouched")
        local ok, err = pcall(archive.extract, made .. "/" .. case.file, box .. "/x")
        expect({ case.file, ok, err.kind }):equals { case.file, false, "format" }
        expect({ case.file, err.reason }):equals { case.file, case.reason }
        expect(err.path):equals(made .. "/" .. case.file)
        if case.words ~= orch.json.null then expect(err.message):contains(case.words) end
        expect(err.message).never:matches "%c"
        expect(fs.list(box)):equals { "beside" }
        expect(fs.read(box .. "/beside")):equals "untouched"
        refused = refused + 1
      end
    end
    expect(refused):greater_than(60)
    expect(fs.exists "/tmp/orch-hostile-evil"):equals(false)
  end)

  it("is unpacked where it only looks odd", function()
    for _, case in ipairs(cases) do
      if case.files ~= orch.json.null then
        local box = fs.temp_dir()
        archive.extract(made .. "/" .. case.file, box .. "/x")
        expect({ case.file, files_in(box .. "/x") }):equals { case.file, case.files }
      end
    end
  end)

  it("is listed without harm, names as they are", function()
    for _, case in ipairs(cases) do
      local ok, list = pcall(archive.list, made .. "/" .. case.file)
      if not ok then expect(list.kind):equals "format" end
    end
    expect(archive.list(made .. "/tar_up.tar")[2].name):equals "../evil"
    expect(archive.list(made .. "/zip_encrypted.zip")[1].encrypted):equals(true)
    expect(archive.list(made .. "/fifo.tar")[1].type):equals "fifo"
  end)

  it("cannot hide behind include, exclude or strip", function()
    local box = fs.temp_dir()
    for _, opts in ipairs { { include = "good.txt" }, { exclude = "**/evil" }, { strip = 1 } } do
      for _, name in ipairs { "tar_up.tar", "zip_up.zip", "zip_absolute.zip" } do
        local err = expect(function() archive.extract(made .. "/" .. name, box .. "/x", opts) end)
          :raises "format"
        expect(err.reason):equals "unsafe"
      end
    end
    expect(fs.list(box)):equals {}
  end)

  it("keeps no setuid bit, and no folder that we could not remove", function()
    local box = fs.temp_dir()
    archive.extract(made .. "/setuid.tar", box .. "/x")
    expect(fs.stat(box .. "/x/s").mode & tonumber("7000", 8)):equals(0)
    expect(fs.stat(box .. "/x/locked").mode & tonumber("700", 8)):equals(tonumber("700", 8))
  end)

  it("writes through no second name of a file", function()
    local box = fs.temp_dir()
    archive.extract(made .. "/hard_then_write.tar", box .. "/x")
    expect(fs.read(box .. "/x/a")):equals "a"
    expect(fs.read(box .. "/x/h")):equals "evil"
    archive.extract(made .. "/later_counts.tar", box .. "/y")
    expect(fs.read(box .. "/y/a")):equals "two"
    archive.extract(made .. "/hard_fine.tar", box .. "/z")
    expect(fs.stat(box .. "/z/a").links):equals(2)
  end)

  it("the links of two archives together lead nowhere else", function()
    local box = fs.temp_dir()
    archive.extract(made .. "/links_fine.tar", box .. "/x")
    -- d/l is a link now: nothing is written through it.
    archive.create(box .. "/two.tar", { files = { { name = "d/l/evil", text = "evil" } } })
    for _, overwrite in ipairs { false, true } do
      local err = expect(function()
        archive.extract(box .. "/two.tar", box .. "/x", { overwrite = overwrite })
      end):raises "exists"
      expect(err.message):contains "or a link"
    end
    expect(files_in(box .. "/x")):equals { "d/e/f", "d/l", "dangling", "m" }
  end)
end)

describe("limits", function()
  it("bytes, files, ratio", function()
    local box = fs.temp_dir()
    local path = box .. "/a.tar.gz"
    archive.create(path, { files = { { name = "a", text = ("a"):rep(50000) },
      { name = "b", text = ("b"):rep(50000) } } })
    local function refused(opts, words)
      local err = expect(function() archive.extract(path, box .. "/x", opts) end):raises "format"
      expect(err.reason):equals "limit"
      expect(err.message):contains(words)
      expect(fs.exists(box .. "/x")):equals(false)
    end
    refused({ limit = 99999 }, "'b': it unpacks to more than 99999 bytes; option `limit`")
    refused({ max_files = 1 }, "'b': it has more than 1 entries; option `max_files`")
    archive.extract(path, box .. "/x", { limit = 100000, max_files = 2 })
    process.run { "truncate", "-s", "120M", box .. "/zeros" }
    archive.create(path, { files = { box .. "/zeros" } })
    archive.extract(path, box .. "/y", { ratio = 2000 })
    expect(fs.stat(box .. "/y/zeros").size):equals(120 << 20)
    local err = expect(function() archive.extract(path, box .. "/z", { ratio = 10 }) end)
      :raises "format"
    expect(err.message):contains "more than 10 times its size, as a bomb does; ratio = false"
  end)

  it("no sum of sizes is below them all", function()
    local box = fs.temp_dir()
    process.run { "python3", "tests/helper/hostile_archives.py", box }
    local err = expect(function()
      archive.extract(box .. "/hole.tar", box .. "/x", { limit = math.maxinteger, ratio = false })
    end):raises "format"
    expect({ err.reason, err.entry }):equals { "limit", "hole" }
  end)

  it("an archive in an archive stays one", function()
    local box = fs.temp_dir()
    archive.create(box .. "/in.zip", { files = { { name = "a", text = "a" } } })
    archive.create(box .. "/out.zip", { files = { { path = box .. "/in.zip", name = "in.zip" } } })
    archive.extract(box .. "/out.zip", box .. "/x")
    expect(fs.list(box .. "/x")):equals { "in.zip" }
  end)
end)

--- A few files that all formats can hold, and what is left of them.
local function make(format)
  local box = fs.temp_dir()
  local path = box .. "/whole." .. format
  archive.create(path, { deterministic = true, files = {
    { name = "a.txt", text = ("some text "):rep(200) }, { name = "dir/b.bin", text = "\0\1\2" },
    { name = "dir/größe", text = ("x"):rep(3000) },
  } })
  archive.extract(path, box .. "/whole")
  return fs.read(path), content_of(box .. "/whole")
end

describe("an archive that was cut", function()
  for _, format in ipairs(FORMATS) do
    it("is refused wherever that was: " .. format, function()
      local bytes, whole = make(format)
      local box = fs.temp_dir()
      local step = math.max(1, #bytes // 120)
      for size = 0, #bytes - 1, step do
        fs.write(box .. "/cut", bytes:sub(1, size), { sync = false })
        local ok, err = pcall(archive.extract, box .. "/cut", box .. "/x")
        if ok then -- the second of two empty blocks at the end of a tar may be missing
          expect({ format, size >= #bytes - 512 }):equals { "tar", true }
          expect(content_of(box .. "/x")):equals(whole)
          fs.remove(box .. "/x", { recursive = true })
        else
          expect({ size, err.kind, err.reason }):equals { size, "format", "broken" }
        end
        expect(fs.list(box)):equals { "cut" }
      end
    end)
  end
end)

describe("an archive with bytes that are wrong", function()
  for _, format in ipairs(FORMATS) do
    it("never gets out of its folder, nor for ever: " .. format, function()
      local bytes = make(format)
      local box = fs.temp_dir()
      local refused = 0
      for round = 1, 150 do
        local broken = bytes
        for _ = 1, math.random(1, 4) do
          local at = math.random(#bytes)
          broken = broken:sub(1, at - 1) .. string.char(math.random(0, 255)) .. broken:sub(at + 1)
        end
        fs.write(box .. "/broken", broken, { sync = false })
        local ok, err = orch.try(orch.wait_for, archive.extract, "20s", box .. "/broken",
          box .. "/x", { limit = "10M" })
        if ok then
          fs.remove(box .. "/x", { recursive = true })
        else
          refused = refused + 1
          if err.kind ~= "format" then
            expect({ round, err.kind, err.code }):equals { round, "os", "EILSEQ" }
          end
        end
        pcall(archive.list, box .. "/broken")
        pcall(archive.read, box .. "/broken", "**")
        expect(fs.list(box)):equals { "broken" }
      end
      expect(refused):greater_than(0)
    end)
  end
end)
