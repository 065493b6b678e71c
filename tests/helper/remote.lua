--- The cases that deploy.ftp and deploy.sftp have in common, on a real server.
---
---     remote.cases("FTP", { service = orch.deploy.ftp, start = ..., options = ... })

local fs, json, process, test = orch.fs, orch.json, orch.process, orch.test
local describe, it, expect = test.describe, test.it, test.expect

local executable = require("orch.core.runtime").executable()

local remote = {}

---@class tests.Driver
---@field service table orch.deploy.ftp or orch.deploy.sftp
---@field start fun(dir: string, there: string, opts: table?): tests.Real
---@field options fun(server: tests.Real, dir: string, path: string): table `url` and the login

local dir, there, server, driver

---A case with a server of its own, in a folder of its own.
---@param the_driver tests.Driver
function remote.case(the_driver, name, fn, opts)
  it(name, function()
    driver, dir = the_driver, test.temp_dir()
    there = dir .. "/there"
    fs.mkdir(there)
    local _ <close> = orch.cd(dir)
    local one <close> = driver.start(dir, there, opts)
    server = one
    fn(one, dir, there)
  end)
end

function remote.with(more, path)
  local all = driver.options(server, dir, path or "site/")
  if not (more and more.file) then all.folder = "web" end
  all.retry, all.connections = { base = 0.001, attempts = 3 }, 2
  for name, value in pairs(more or {}) do all[name] = value end
  return all
end

function remote.upload(more, path) return driver.service.upload(remote.with(more, path)) end

function remote.refuses(more, fields, path)
  return expect(function() remote.upload(more, path) end):raises(fields)
end

-- Files as { name = content }, of a time that lies a day back.
function remote.make(files)
  for name, content in pairs(files) do
    fs.mkdir(fs.path.dirname("web/" .. name))
    fs.write("web/" .. name, content, { sync = false })
  end
  process.run { "find", "web", "-type", "f", "-exec", "touch", "-d", "yesterday", "{}", "+" }
end

-- What there is below a folder, as { name = content }, without the manifest.
function remote.content(path)
  local found = {}
  for entry in fs.walk(path, { type = "file" }) do
    found[entry.path:sub(#path + 2)] = fs.read(entry.path)
  end
  found[".orch-manifest.json"] = nil
  return found
end

function remote.expect_same(path)
  expect(remote.content(path or there .. "/site")):equals(remote.content "web")
end

local game = {
  ["index.html"] = "<html>", ["Build/a.wasm"] = ("w"):rep(5000), ["Build/a.data"] = "d",
  ["Build/deep/er/b.js"] = "b", ["empty.txt"] = "",
}

---@param title string
---@param the_driver tests.Driver
function remote.cases(title, the_driver)
  local upload, with, make, refuses = remote.upload, remote.with, remote.make, remote.refuses
  local function case(...) remote.case(the_driver, ...) end

  describe(title .. ": a folder", function()
    case("arrives, and is not sent a second time", function()
      make(game)
      local result = upload()
      expect(result.sent):equals(5)
      expect(result.bytes):equals(5000 + 6 + 1 + 1)
      expect(result.skipped):is_nil()
      expect(json.decode(json.encode(result))):equals(result)
      remote.expect_same()
      local again = upload()
      expect(again.skipped):equals(true)
      expect(again.sent):equals(0)
      expect(driver.service.exists(with())):equals(true)
    end)

    case("what has changed is sent, not what was only written anew", function()
      make(game)
      upload()
      fs.write("web/Build/a.data", "D")
      fs.write("web/Build/a.wasm", game["Build/a.wasm"])
      expect(driver.service.status(with()).send):equals { "Build/a.data" }
      local result = upload()
      expect(result.sent):equals(1)
      expect(result.kept):equals(4)
      remote.expect_same()
    end)

    case("what somebody has damaged there is sent again", function(_, _, place)
      make(game)
      upload()
      fs.write(place .. "/site/Build/a.wasm", "cut off")
      fs.remove(place .. "/site/index.html")
      expect(upload().sent):equals(2)
      remote.expect_same()
    end)

    case("goes by size and date without a manifest, in any zone", function(_, _, place)
      make(game)
      upload { changed = "size_and_date" }
      expect(fs.exists(place .. "/site/.orch-manifest.json")):equals(false)
      expect(upload { changed = "size_and_date" }.sent):equals(0)
      expect(upload { changed = "all" }.sent):equals(5)
      fs.write("web/Build/a.data", "D")
      process.run { "touch", "-d", "tomorrow", "web/Build/a.data" }
      expect(upload { changed = "size_and_date" }.sent):equals(1)
    end, { env = { TZ = "Asia/Kolkata" } })

    case("keeps odd names, and refuses one that no command can have", function()
      local odd = {}
      for _, name in ipairs { "a b", " leading", "50%", "#1", "what?", "it's", 'say "hi"',
        "-rf", "*", "[x]", "back\\slash", "grün/größe.txt", "$HOME", "a;type=a", "~", "&&" } do
        odd[name] = "content of " .. name
      end
      make(odd)
      upload()
      remote.expect_same()
      expect(upload().sent):equals(0)
      for name in pairs(odd) do fs.write("web/" .. name, "another " .. name) end
      expect(upload().sent):equals(16)
      remote.expect_same()
      fs.write("web/two\nlines", "x")
      refuses({}, { kind = "usage", message = "control character 0x0A" })
    end)

    case("a page comes when all that it may name is there", function(_, _, place)
      make { ["index.html"] = "<html>", ["big.wasm"] = ("w"):rep(16 << 20) }
      upload { connections = 2 }
      local times = process.run({ "stat", "-c", "%.9Z", place .. "/site/big.wasm",
        place .. "/site/index.html" }).stdout
      local big, page = times:match "(%S+)\n(%S+)"
      expect(tonumber(page)):greater_than(tonumber(big))
    end)

    case("removes what is not here, but not what is left out", function(_, _, place)
      make(game)
      fs.mkdir(place .. "/site/old/deep")
      fs.mkdir(place .. "/site/logs")
      fs.write(place .. "/site/old/deep/x", "x")
      fs.write(place .. "/site/logs/today", "x")
      fs.write(place .. "/site/.htaccess", "x")
      upload()
      expect(fs.exists(place .. "/site/old/deep/x")):equals(true)
      local more = { delete = true, exclude = { ".htaccess", "logs/**" } }
      local told = upload { delete = true, exclude = more.exclude, dry_run = true }
      expect(told.would):contains "and delete 3 there"
      local result = upload(more)
      expect(result.deleted):equals(1)
      expect(fs.exists(place .. "/site/old")):equals(false)
      expect(fs.exists(place .. "/site/logs/today")):equals(true)
      expect(fs.exists(place .. "/site/.htaccess")):equals(true)
    end)

    case("keeps folders that are left out, also empty ones", function(_, _, place)
      make { ["a.txt"] = "a", ["sub/b.txt"] = "b" }
      for _, more in ipairs { { exclude = "up" }, { exclude = "up/**" }, { include = "**/*.txt" } } do
        fs.mkdir(place .. "/site/up/new")
        more.delete = true
        upload(more)
        expect(fs.exists(place .. "/site/up")):equals(true)
      end
      upload { delete = true }
      expect(fs.exists(place .. "/site/up")):equals(false)
    end)

    case("a folder there is no file, and a file no folder", function(_, _, place)
      make { ["a/b"] = "b", ["c"] = "" }
      fs.mkdir(place .. "/site/c")
      for _, more in ipairs { {}, { delete = true }, { dry_run = true } } do
        local err = refuses(more, { kind = "conflict" })
        expect(err.message):contains "'c' is a folder there, and a file here; remove or rename"
      end
      expect(driver.service.exists(with())):equals(false)
      process.run { "rm", "-r", place .. "/site/c" }
      fs.write(place .. "/site/a", "a")
      refuses({}, { kind = "conflict", message = "'a' is a file there, and a folder here" })
      expect(fs.list(place .. "/site")):equals { "a" }
    end)

    case("what somebody has written into the manifest breaks nothing", function(_, _, place)
      make { ["a.txt"] = "a" }
      for _, entry in ipairs { "5", "null", "[]", '{"size":"1"}', '{"size":1,"mtime":"x"}' } do
        upload { changed = "all" }
        fs.write(place .. "/site/.orch-manifest.json",
          ('{"version":1,"files":{"a.txt":%s,"../b":7}}'):format(entry))
        upload()
        remote.expect_same()
      end
    end)

    case("dry_run tells and leaves everything as it was", function(_, _, place)
      make(game)
      local told = upload { dry_run = true }
      expect(told.would):matches
        "^would upload 5 files of 5 %(5%.0 kB%) from web to %l*ftp://.*/site/$"
      expect(told.dry_run):equals(true)
      expect({ told.sent, told.kept, told.deleted }):equals { 0, 0, 0 }
      expect(fs.list(place)):equals {}
      expect(#fs.glob ".orch/deploy/*.json"):equals(0)
    end)

    case("progress tells bytes up to all of them", function()
      make { a = ("a"):rep(3 << 20), b = "b" }
      local last, total
      upload { progress = function(done, of) last, total = done, of end }
      expect(last):equals((3 << 20) + 1)
      expect(total):equals((3 << 20) + 1)
    end)

    case("one that changes meanwhile is no upload", function(_, _, place)
      make { big = ("a"):rep(3 << 20), small = "b" }
      local changed = false
      refuses({ connections = 1, progress = function(done)
        if done > 0 and not changed then
          changed = true
          fs.write("web/big", "another")
        end
      end }, { kind = "changed", message = "changed while the folder was sent" })
      expect(fs.exists(place .. "/site/small")):equals(true)
      expect(upload().sent):equals(1)
      remote.expect_same()
    end)

    case("one in whose midst somebody else uploads is told, and trusts nothing", function()
      make { ["big"] = ("a"):rep(2 << 20), ["page.html"] = "mine" }
      process.run { "cp", "-r", "web", "theirs" }
      fs.write("theirs/big", ("b"):rep(2 << 20))
      fs.write("theirs/page.html", "this")
      process.run { "touch", "-d", "2 days ago", "theirs/big", "theirs/page.html" }
      local seen = false
      local err = refuses({ connections = 1, progress = function(done)
        if done < 2 << 20 or seen then return end
        seen = true
        upload { folder = "theirs" }
      end }, { kind = "conflict", message = "somebody else has uploaded" })
      expect(err.retryable):equals(false)
      expect(upload().sent):equals(2)
      remote.expect_same()
      expect(upload { folder = "theirs" }.sent):equals(2)
    end)

    case("empty, missing, or a wrong option: a sentence each", function()
      make { ["a.txt"] = "a" }
      refuses({ folder = "wep" }, { kind = "os", code = "ENOENT", message = "no folder 'wep'" })
      fs.mkdir "nothing"
      refuses({ folder = "nothing" }, { kind = "usage", message = "no file in the folder" })
      refuses({ url = "http://x/" }, { kind = "usage", message = "there is deploy.webdav" })
      refuses({ changed = "md5" }, { kind = "usage", message = '"manifest", "size_and_date"' })
      refuses({ connections = 0 }, { kind = "usage", message = "from 1 to 64" })
      refuses({ file = "web/a.txt", folder = "web" }, { kind = "usage", message = "needs one of" })
      refuses({ file = "web/a.txt", delete = true },
        { kind = "usage", message = "`delete` is for a `folder`" })
      local bare = with().url:gsub("^(%a+://[^/]+)/.*", "%1")
      refuses({ url = bare, delete = true }, { kind = "usage", message = "needs a folder in `url`" })
      refuses({ conections = 3 }, { kind = "usage", message = "did you mean `connections`" })
    end)
  end)

  describe(title .. ": a switch", function()
    case("puts the whole folder in the place of another", function(_, _, place)
      make(game)
      fs.mkdir(place .. "/site/old")
      fs.write(place .. "/site/old/x", "x")
      local result = upload { switch = true }
      expect(result.switched):equals(true)
      remote.expect_same()
      expect(fs.list(place)):equals { "site" }
      local again = upload { switch = true }
      expect(again.skipped):equals(true)
      fs.remove "web/empty.txt"
      expect(upload { switch = true, dry_run = true }.would):contains "beside"
      expect(upload({ switch = true }).sent):equals(4)
      remote.expect_same()
    end)

    case("makes one where there is none", function(_, _, place)
      make(game)
      expect(upload({ switch = true }).switched):equals(true)
      remote.expect_same()
      expect(fs.list(place)):equals { "site" }
    end)

    case("a crash between the two renames is mended by the next run", function(_, _, place)
      make(game)
      upload { switch = true }
      local id = ("a1"):rep(6)
      process.run { "mv", place .. "/site", place .. "/site.new-" .. id }
      fs.mkdir(place .. "/site.old-" .. id .. "/sub")
      fs.write(place .. "/site.old-" .. id .. "/sub/x", "old")
      expect(upload({ switch = true }).skipped):equals(true)
      remote.expect_same()
      expect(fs.list(place)):equals { "site" }
    end)

    case("an old folder without a new one is taken back first", function(_, _, place)
      make(game)
      upload { switch = true }
      process.run { "mv", place .. "/site", place .. "/site.old-" .. ("b2"):rep(6) }
      expect(upload({ switch = true }).skipped):equals(true)
      expect(fs.list(place)):equals { "site" }
    end)

    case("what an abandoned one has begun is removed", function(_, _, place)
      make(game)
      make { big = ("x"):rep(2 << 20) }
      local seen = 0
      local failed = pcall(upload, { switch = true, connections = 1, progress = function(done)
        if done > 1 << 20 and seen == 0 then
          seen = 1
          error "enough"
        end
      end })
      expect(failed):equals(false)
      expect(#fs.list(place)):equals(1)
      make { big = "smaller" }
      expect(upload({ switch = true }).switched):equals(true)
      expect(fs.list(place)):equals { "site" }
      remote.expect_same()
    end)
  end)

  describe(title .. ": one file", function()
    case("arrives in a folder that is made, and is not sent a second time", function(_, _, place)
      make { ["game.zip"] = ("z"):rep(70000) }
      local result = upload({ file = "web/game.zip" }, "in/deep/")
      expect(result.bytes):equals(70000)
      expect(fs.read(place .. "/in/deep/game.zip")):equals(("z"):rep(70000))
      expect(upload({ file = "web/game.zip" }, "in/deep/").skipped):equals(true)
      upload({ file = "web/game.zip" }, "in/other name.zip")
      expect(fs.list(place .. "/in")):equals { "deep", "other name.zip" }
      local status = driver.service.status(with({ file = "web/game.zip" }, "in/deep/"))
      expect(status.same):equals(true)
      expect(status.size):equals(70000)
      expect(os.time() - status.modified):near(0, 3 * 86400)
      make { ["game.zip"] = "z" }
      expect(driver.service.exists(with({ file = "web/game.zip" }, "in/deep/"))):equals(false)
      upload({ file = "web/game.zip" }, "in/deep/")
      expect(fs.read(place .. "/in/deep/game.zip")):equals "z"
      expect(fs.list(place .. "/in/deep")):equals { "game.zip" }
    end)

    case("missing or empty: a sentence", function()
      refuses({ file = "game.zip" }, { kind = "os", message = "has the build run?" })
      fs.write("game.zip", "")
      refuses({ file = "game.zip" }, { kind = "usage", message = "has the build gone wrong?" })
    end)
  end)

  describe(title .. ": what breaks off", function()
    local function break_off(place)
      make { ["a.txt"] = "a", ["b.txt"] = "b", ["big.bin"] = ("0123456789abcdef"):rep(1 << 18) }
      fs.mkdir(place .. "/site")
    end

    -- Waits until the beginning of the big file is there, and gives its size.
    local function wait_for_part(place, least)
      for _ = 1, 2000 do
        local part = fs.glob(place .. "/site/.orch-*.part")[1]
        local there, info = pcall(fs.stat, part or "") -- it may have been renamed meanwhile
        local size = there and info.size or 0
        if size >= least then return size end
        orch.sleep(0.005)
      end
      error "nothing has arrived"
    end

    -- Until so many files are known to have been sent.
    local function wait_for_lines(count)
      for _ = 1, 2000 do
        local path = fs.glob ".orch/deploy/*.sent"[1]
        if path and select(2, fs.read(path):gsub("\n", "")) >= count then return end
        orch.sleep(0.005)
      end
      error "nothing was written down"
    end

    case("is continued when the session dies in the middle", function(one, _, place)
      break_off(place)
      local task = orch.spawn({ hold = true }, upload, { connections = 1 })
      wait_for_part(place, 300000)
      expect(one:signal_sessions "KILL"):greater_than(0)
      local result = task:await()
      expect(result.sent):equals(3)
      remote.expect_same()
      expect(#fs.glob(place .. "/site/.orch-*.part")):equals(0)
    end, { slow = true })

    case("a killed run is continued: only what is missing is sent", function(_, folder, place)
      break_off(place)
      fs.write(folder .. "/upload.lua",
        "orch.deploy[orch.args[2] ].upload(orch.json.decode(orch.args[1]))")
      local asked = with { connections = 2 }
      local child = process.spawn { executable, "run", folder .. "/upload.lua", json.encode(asked),
        driver.name, cwd = folder, check = false }
      wait_for_part(place, 300000)
      wait_for_lines(2)
      process.run { "kill", "-KILL", tostring(child.pid) }
      child:wait()
      local part = wait_for_part(place, 300000)
      local result = upload { connections = 2 }
      expect(result.sent):equals(1)
      expect(result.kept):equals(2)
      expect(result.resumed):greater_than(part - 1)
      remote.expect_same()
    end, { slow = true })

    case("of several files counts as resumed for each", function(_, _, place)
      make { ["a.bin"] = ("a"):rep(3 << 20), ["b.bin"] = ("b"):rep(3 << 20) }
      fs.mkdir(place .. "/site")
      for _, name in ipairs { "a", "b" } do
        local info = fs.stat("web/" .. name .. ".bin")
        local part = require("orch.deploy.remote.send").part_name { name = name .. ".bin",
          size = info.size, mtime = info.mtime }
        fs.write(place .. "/site/" .. part, name:rep(1 << 20))
      end
      process.run { "chmod", "-R", "a+rwX", place }
      local result = upload { connections = 2 }
      expect(result.resumed):equals(2 << 20)
      expect(result.bytes):equals(4 << 20)
      remote.expect_same()
    end)

    case("or is taken away by somebody else costs no file that is there", function(_, _, place)
      make { big = ("a"):rep(2 << 20) }
      upload()
      make { big = ("b"):rep(2 << 20) }
      local asked = { retry = { attempts = 1 }, progress = function()
        for _, part in ipairs(fs.glob(place .. "/site/.orch-*.part")) do fs.remove(part) end
      end }
      refuses(asked, { kind = "network", message = "is not there any more" })
      expect(fs.read(place .. "/site/big")):equals(("a"):rep(2 << 20))
      expect(upload().sent):equals(1)
      remote.expect_same()
    end, { slow = true })

    case("is given up at once when cancelled", function(_, _, place)
      break_off(place)
      local task = orch.spawn({ hold = true }, upload, { connections = 1 })
      wait_for_part(place, 300000)
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
      expect(fs.exists(place .. "/site/big.bin")):equals(false)
    end, { slow = true })

    case("is not continued when the file is another now", function(_, _, place)
      break_off(place)
      local task = orch.spawn({ hold = true }, upload, { connections = 1 })
      wait_for_part(place, 300000)
      task:cancel "enough"
      pcall(task.await, task)
      make { ["big.bin"] = ("fedcba9876543210"):rep(1 << 16) }
      local result = upload()
      expect(result.resumed):is_nil()
      remote.expect_same()
      expect(#fs.glob(place .. "/site/.orch-*.part")):equals(0)
    end, { slow = true })

    case("a server that is gone is an error of the network", function(one)
      make(game)
      one:close()
      local err = refuses({ retry = { attempts = 2, base = 0.001 } }, { kind = "network" })
      expect(err.attempts):equals(2)
      expect(err.message):matches
        "^%l*ftp: cannot log in: .*cannot connect to 127%.0%.0%.1:%d+: connection refused"
    end)

    case("a full disk is said to be full", function()
      make { ["big.bin"] = ("x"):rep(3 << 20), ["a.txt"] = "a" }
      local err = refuses({ connections = 1 }, { kind = "rejected", full = true })
      expect(err.message):contains "disk"
    end, { small = true })
  end)
end

return remote
