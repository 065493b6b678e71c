local fs = orch.fs

local dir
before_each(function() dir = fs.temp_dir() end)
after_each(function() fs.remove(dir, { recursive = true, missing_ok = true }) end)

local function at(name) return dir .. "/" .. name end

-- What is in the folder, hidden temporaries included.
local function names() return table.concat(fs.list(dir), " ") end

local function cancelled(fn, early)
  local ended = false
  local task = orch.spawn({ hold = true }, function()
    if early then orch.current_task():cancel("early") end
    fn()
    ended = true
  end)
  orch.checkpoint()
  task:cancel("in flight")
  expect(function() task:await() end):raises("cancelled")
  expect(ended):equals(false)
end

describe("read and write", function()
  it("round-trips any bytes", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    for _, text in ipairs { "", "x", table.concat(bytes), ("0123456789"):rep(400000) } do
      fs.write(at "a", text)
      expect(fs.read(at "a") == text):equals(true)
    end
    expect(names()):equals("a")
  end)

  it("reads a part of a file, and tells how large it is", function()
    fs.write(at "long", ("abc"):rep(40000))
    local bytes, size = fs.read(at "long", { offset = 119998, length = 10 })
    expect(bytes):equals "bc"
    expect(size):equals(120000)
    expect(#fs.read(at "long", { length = "4K" })):equals(4096)
    expect(#fs.read(at "long", { offset = 1 })):equals(119999)
    expect(fs.read(at "long", { offset = 120000, length = 1 })):equals ""
    expect(fs.read(at "long", { offset = math.maxinteger, length = 1 })):equals ""
    fs.write(at "empty", "")
    expect(fs.read(at "empty", { length = 9 })):equals ""
    expect(fs.read(at "empty", { offset = math.maxinteger })):equals ""
    local status = fs.read "/proc/version" -- has no size before it is read
    expect(fs.read("/proc/version", { offset = 6 })):equals(status:sub(7))
    expect(fs.read("/proc/version", { offset = 6, length = 7 })):equals(status:sub(7, 13))
    fs.write(at "empty", "")
    expect({ fs.read(at "empty", { length = 8 }) }):equals { "", 0 }
    expect(function() fs.read(at "long", { offset = -1 }) end):raises "usage"
    expect(function() fs.read(at "lost", { offset = 1 }) end):raises { code = "ENOENT" }
    expect(function() fs.read(dir, { offset = 1 }) end):raises { code = "EISDIR" }
    expect(function() fs.read("/dev/null", { offset = 1 }) end):raises { code = "EINVAL" }
    local task = orch.spawn(fs.read, at "long", { offset = 0 })
    task:cancel()
    expect(orch.settle({ task })[1].error.kind):equals "cancelled"
  end)

  it("reads files that do not tell their size", function()
    expect(fs.read("/proc/self/status")):contains("VmRSS")
    expect(fs.read("/dev/null")):equals("")
  end)

  it("reads a FIFO whose writer comes late", function()
    orch.sh("mkfifo ${p}", { p = at "fifo" })
    local reader = orch.spawn(fs.read, at "fifo")
    orch.sleep(0.01)
    fs.write(at "fifo", "through the pipe")
    expect(reader:await()):equals("through the pipe")
    expect(fs.stat(at "fifo").type):equals("fifo")
  end)

  it("says why it cannot read", function()
    local err = expect(function() fs.read(dir) end):raises { kind = "os", code = "EISDIR" }
    expect(err.message):contains("it is a folder; fs.list gives its entries")
    err = expect(function() fs.read(at "none") end):raises { kind = "os", code = "ENOENT" }
    expect(err.message):equals("cannot read '" .. at "none" .. "': no such file or directory")
    expect(err.path):equals(at "none")
    expect(function() fs.read(at "none/below") end):raises { code = "ENOENT" }
  end)

  it("does not read what we may not read", function()
    fs.write(at "secret", "x", { mode = 0 })
    if pcall(fs.read, at "secret") then
      -- root may read everything: somebody else tries.
      fs.write(at "try.lua", "orch.fs.read(orch.args[1])")
      local exe = fs.stat("/proc/self/exe", { follow = false }).target
      local reached = orch.process.run { "su", "nobody", "-s", "/bin/sh", "-c",
        "test -x " .. exe, check = false }
      if not reached.ok then test.skip("nobody cannot run " .. exe) end
      orch.sh("chmod 755 ${d}", { d = dir })
      local result = orch.process.run { "su", "nobody", "-s", "/bin/sh", "-c",
        ("cd / && %s run %s %s"):format(exe, at "try.lua", at "secret"), check = false }
      expect(result.exit_code):equals(1)
      expect(result.stderr):contains("permission denied")
    end
  end)

  it("appends, and makes the file", function()
    fs.append(at "log", "one\n")
    fs.append(at "log", "two\n", { sync = true })
    expect(fs.read(at "log")):equals("one\ntwo\n")
    expect(function() fs.append(dir, "x") end):raises { code = "EISDIR" }
  end)

  it("keeps the mode and follows links", function()
    fs.write(at "tool", "old", { mode = tonumber("750", 8) })
    fs.link(at "link", "tool")
    fs.link(at "chain", at "link")
    fs.write(at "chain", "new")
    expect(fs.stat(at "chain", { follow = false }).type):equals("link")
    expect(fs.read(at "tool")):equals("new")
    expect(fs.stat(at "tool").mode_text):equals("rwxr-x---")
    fs.link(at "dangling", "later")
    fs.write(at "dangling", "made")
    expect(fs.read(at "later")):equals("made")
  end)

  it("gives a new file the usual mode", function()
    fs.write(at "plain", "x")
    orch.sh("umask 022; : > ${p}", { p = at "theirs" })
    fs.write(at "open", "x", { mode = tonumber("666", 8) })
    expect(fs.stat(at "open").mode_text):equals("rw-rw-rw-")
    expect(fs.stat(at "plain").mode & tonumber("600", 8)):equals(tonumber("600", 8))
  end)

  it("replaces the file, or keeps it in place when asked", function()
    fs.write(at "a", "1")
    local before = fs.stat(at "a").inode
    fs.write(at "a", "2", { sync = false })
    local after = fs.stat(at "a").inode
    expect(after).never:equals(before)
    fs.write(at "a", "3", { atomic = false })
    expect(fs.stat(at "a").inode):equals(after)
    expect(fs.read(at "a")):equals("3")
  end)

  it("writes into a device and does not replace it", function()
    fs.write("/dev/null", "gone")
    expect(fs.stat("/dev/null").type):equals("device")
  end)

  it("can be cancelled", function()
    fs.write(at "a", "old")
    local big = ("x"):rep(50000000)
    fs.write(at "large", big, { sync = false })
    for _, early in ipairs { true, false } do
      cancelled(function() fs.read(at "large") end, early)
      cancelled(function() fs.write(at "a", big) end, early)
      cancelled(function() fs.append(at "b", big) end, early)
      expect(fs.read(at "a")):equals("old")
    end
    fs.remove(at "large")
    orch.sh("mkfifo ${p}", { p = at "fifo" })
    cancelled(function() fs.read(at "fifo") end, true)
    cancelled(function() fs.read(at "fifo") end, false)
    cancelled(function() fs.write(at "fifo", "x") end, false)
    local task = orch.spawn({ hold = true }, fs.read, at "fifo")
    orch.sleep(0.02)
    task:cancel("waiting in the kernel")
    expect(function() task:await() end):raises("cancelled")
    expect(names()):matches("^a b? ?fifo$")
  end)

  it("leaves the old file and no litter on a full disk", function()
    local mounted = orch.sh("mount -t tmpfs -o size=256k none ${d} 2>&1", { d = dir },
      { check = false })
    if not mounted.ok then test.skip("cannot mount a small tmpfs: " .. mounted.stdout) end
    local _ <close> = orch.defer(function() orch.sh("umount ${d}", { d = dir }) end)
    fs.write(at "a", "old")
    local err = expect(function() fs.write(at "a", ("x"):rep(1000000)) end)
      :raises { kind = "os", code = "ENOSPC" }
    expect(err.message):contains("no space left on device")
    expect(fs.read(at "a")):equals("old")
    expect(function() fs.copy("/proc/self/exe", at "b") end):raises { code = "ENOSPC" }
    expect(names()):equals("a")
  end)
end)

describe("lines", function()
  local function collect(...)
    local list = {}
    for line in fs.lines(...) do list[#list + 1] = line end
    return list
  end

  it("gives lines with any end", function()
    fs.write(at "a", "one\r\ntwo\n\nfour")
    expect(collect(at "a")):equals { "one", "two", "", "four" }
    expect(collect(at "a", { keep_ends = true })):equals { "one\r\n", "two\n", "\n", "four" }
    fs.write(at "a", "")
    expect(collect(at "a")):equals {}
    fs.write(at "a", "\n")
    expect(collect(at "a")):equals { "" }
  end)

  it("joins lines over blocks", function()
    local lines = {}
    for i = 1, 2000 do lines[i] = ("%d"):format(i):rep(i % 300) .. "|" end
    lines[1001] = ("long"):rep(100000)
    fs.write(at "a", table.concat(lines, "\n"))
    expect(collect(at "a")):equals(lines)
  end)

  it("raises at the call, and closes the file on break", function()
    expect(function() fs.lines(at "none") end):raises { code = "ENOENT" }
    expect(function() fs.lines(dir) end):raises { code = "EISDIR" }
    fs.write(at "a", ("x\n"):rep(100000))
    for line in fs.lines(at "a") do
      expect(line):equals("x")
      break
    end
    local open = 0
    for _, fd in ipairs(fs.list "/proc/self/fd") do
      local ok, info = pcall(fs.stat, "/proc/self/fd/" .. fd, { follow = false })
      if ok and info.target == at "a" then open = open + 1 end
    end
    expect(open):equals(0)
  end)

  it("can be cancelled", function()
    fs.write(at "a", "x\n")
    cancelled(function() fs.lines(at "a") end, true)
    cancelled(function() fs.lines(at "a") end, false)
    cancelled(function() for _ in fs.lines(at "a") do end end, false)
  end)
end)

describe("entries", function()
  it("stat tells what is there", function()
    fs.write(at "a", "12345")
    fs.link(at "l", "a")
    local info = fs.stat(at "a")
    expect(info.type):equals("file")
    expect(info.size):equals(5)
    expect(info.mtime):near(os.time(), 10)
    expect(fs.stat(dir).type):equals("folder")
    expect(fs.stat(at "l").type):equals("file")
    expect(fs.stat(at "l", { follow = false }).target):equals("a")
    expect(function() fs.stat(at "none") end):raises { kind = "os", code = "ENOENT" }
  end)

  it("exists is true for what is there", function()
    fs.link(at "l", "nothing")
    expect(fs.exists(dir)):equals(true)
    expect(fs.exists(at "none/x")):equals(false)
    expect(fs.exists(at "l")):equals(false)
    expect(fs.exists(at "l", { follow = false })):equals(true)
  end)

  it("lists names in order", function()
    for _, name in ipairs { "b", "a", ".h", "ä" } do fs.write(at(name), "") end
    fs.mkdir(at "c")
    expect(fs.list(dir)):equals { ".h", "a", "b", "c", "ä" }
    expect(fs.list(dir, { type = "folder" })):equals { "c" }
    expect(function() fs.list(at "a") end):raises { code = "ENOTDIR" }
    expect(function() fs.list(at "none") end):raises { code = "ENOENT" }
  end)

  it("makes folders", function()
    expect(fs.mkdir(at "x/y/z")):equals(true)
    expect(fs.mkdir(at "x/y/z")):equals(false)
    expect(function() fs.mkdir(at "x", { parents = false }) end):raises { code = "EEXIST" }
    expect(function() fs.mkdir(at "p/q", { parents = false }) end):raises { code = "ENOENT" }
    fs.write(at "f", "")
    expect(function() fs.mkdir(at "f") end):raises { code = "EEXIST" }
    expect(function() fs.mkdir(at "f/g") end):raises { code = "ENOTDIR" }
  end)

  it("removes", function()
    fs.write(at "f", "")
    fs.mkdir(at "empty")
    fs.mkdir(at "full/deep/er")
    fs.write(at "full/deep/x", "")
    fs.mkdir(at "kept")
    fs.write(at "kept/y", "")
    fs.link(at "full/out", at "kept")
    expect(fs.remove(at "f")):equals(true)
    expect(fs.remove(at "empty")):equals(true)
    local err = expect(function() fs.remove(at "full") end):raises { kind = "os" }
    expect(err.message):contains("{recursive=true}")
    fs.remove(at "full", { recursive = true })
    expect(names()):equals("kept")
    expect(fs.list(at "kept")):equals { "y" }
    expect(function() fs.remove(at "f") end):raises { code = "ENOENT" }
    expect(fs.remove(at "f", { missing_ok = true })):equals(false)
    expect(fs.remove(at "f", { missing_ok = true, recursive = true })):equals(false)
    expect(function() fs.remove("/", { recursive = true }) end):raises("usage")
    expect(function() fs.remove("/usr/..", { recursive = true }) end):raises("usage")
  end)

  it("moves", function()
    fs.write(at "a", "a")
    fs.write(at "b", "b")
    fs.move(at "a", at "b")
    expect(fs.read(at "b")):equals("a")
    fs.write(at "c", "c")
    expect(function() fs.move(at "b", at "c", { overwrite = false }) end):raises { code = "EEXIST" }
    fs.mkdir(at "d/e")
    expect(function() fs.move(at "b", at "d") end):raises { code = "EISDIR" }
    expect(function() fs.move(at "none", at "x") end):raises { code = "ENOENT" }
    expect(names()):equals("b c d")
  end)

  it("moves a tree to another device", function()
    if not fs.exists("/dev/shm") or fs.stat("/dev/shm").device == fs.stat(dir).device then
      test.skip("there is no second device to move to")
    end
    local other = fs.temp_dir { dir = "/dev/shm" }
    fs.mkdir(at "t/u")
    fs.write(at "t/u/f", "content")
    fs.move(at "t", other .. "/t")
    expect(fs.read(other .. "/t/u/f")):equals("content")
    expect(names()):equals("")
  end)

  it("links", function()
    fs.write(at "a", "a")
    fs.link(at "h", at "a", { hard = true })
    expect(fs.stat(at "a").links):equals(2)
    fs.link(at "s", "a")
    expect(function() fs.link(at "s", "b") end):raises { code = "EEXIST" }
    fs.link(at "s", "b", { replace = true })
    expect(fs.stat(at "s", { follow = false }).target):equals("b")
    expect(names()):equals("a h s")
  end)

  it("can be cancelled", function()
    fs.write(at "a", "x")
    for _, early in ipairs { true, false } do
      cancelled(function() fs.stat(dir) end, early)
      cancelled(function() fs.exists(dir) end, early)
      cancelled(function() fs.list(dir) end, early)
      cancelled(function() fs.mkdir(at "m") end, early)
      cancelled(function() fs.move(at "a", at "a") end, early)
      cancelled(function() fs.link(at "l", "a", { replace = true }) end, early)
      cancelled(function() fs.remove(at "m", { missing_ok = true }) end, early)
      cancelled(function() fs.temp_dir() end, early)
    end
  end)
end)

describe("copy", function()
  it("copies a file with its mode, over an old one", function()
    fs.write(at "a", ("line\n"):rep(100000), { mode = tonumber("754", 8) })
    fs.write(at "b", "old")
    expect(fs.copy(at "a", at "b")):equals(500000)
    expect(fs.read(at "b") == fs.read(at "a")):equals(true)
    expect(fs.stat(at "b").mode_text):equals("rwxr-xr--")
    expect(function() fs.copy(at "a", at "b", { overwrite = false }) end):raises { code = "EEXIST" }
    expect(names()):equals("a b")
  end)

  it("copies what tells no size", function()
    fs.copy("/proc/self/status", at "status")
    expect(fs.read(at "status")):contains("VmRSS")
  end)

  it("copies a tree, links as links, and merges", function()
    fs.mkdir(at "t/u")
    fs.write(at "t/u/f", "f")
    fs.link(at "t/l", "u/f")
    fs.copy(at "t", at "c", { times = true })
    expect(fs.stat(at "c/l", { follow = false }).target):equals("u/f")
    expect(fs.stat(at "c/u/f").mtime):near(fs.stat(at "t/u/f").mtime, 0.001)
    fs.write(at "t/u/g", "g")
    fs.copy(at "t", at "c")
    expect(fs.glob("**", { cwd = at "c" })):equals { "l", "u", "u/f", "u/g" }
  end)

  it("says why it cannot", function()
    fs.mkdir(at "t")
    expect(function() fs.copy(at "none", at "x") end):raises { code = "ENOENT" }
    local err = expect(function() fs.copy(at "t", at "t/u") end):raises { code = "EINVAL" }
    expect(err.message):contains("inside the folder itself")
    fs.write(at "f", "")
    expect(function() fs.copy(at "f", at "t") end):raises { code = "EISDIR" }
    orch.sh("mkfifo ${p}", { p = at "t/fifo" })
    err = expect(function() fs.copy(at "t", at "u") end):raises("os")
    expect(err.message):contains("no ordinary file")
  end)

  it("can be cancelled and leaves no part of a file", function()
    fs.write(at "a", ("x"):rep(20000000), { sync = false })
    cancelled(function() fs.copy(at "a", at "b") end, true)
    cancelled(function() fs.copy(at "a", at "b") end, false)
    expect(names()):equals("a")
  end)
end)

describe("size", function()
  it("is what du says", function()
    fs.mkdir(at "a/b")
    fs.write(at "a/f", ("x"):rep(1000))
    fs.write(at "a/b/g", ("x"):rep(20000))
    fs.link(at "a/h", at "a/b/g", { hard = true })
    fs.link(at "a/l", "f")
    local bytes, details = fs.size(dir)
    local du = orch.sh("du -sb ${d}", { d = dir }).stdout
    expect(bytes):equals(tonumber(du:match "%d+"))
    expect(details):equals { files = 3, folders = 3, largest = 20000 }
    expect((fs.size(at "a/f"))):equals(1000)
  end)

  it("agrees with du on random trees", function()
    for round = 1, 5 do
      local root = at("r" .. round)
      fs.mkdir(root)
      local folders = { root }
      for i = 1, 150 do
        local parent = folders[math.random(#folders)]
        local path = parent .. "/" .. i
        local kind = math.random(4)
        if kind == 1 then
          fs.mkdir(path)
          folders[#folders + 1] = path
        elseif kind == 2 and i > 20 then
          pcall(fs.link, path, root .. "/" .. math.random(i), { hard = math.random() < 0.5 })
        else
          fs.write(path, ("x"):rep(math.random(0, 5000)), { sync = false })
        end
      end
      local du = orch.sh("du -sb ${d}", { d = root }).stdout
      expect((fs.size(root))):equals(tonumber(du:match "%d+"))
    end
  end)

  it("raises for what is missing, and can be cancelled", function()
    expect(function() fs.size(at "none") end):raises { code = "ENOENT" }
    cancelled(function() fs.size(dir) end, true)
    cancelled(function() fs.size("/usr") end, false)
  end)
end)

describe("temporaries", function()
  it("are new, ours and removed when the run ends", function()
    local exe = fs.stat("/proc/self/exe", { follow = false }).target
    fs.write(at "t.lua", [[
      local fs = orch.fs
      local d, f = fs.temp_dir { prefix = "build-" }, fs.temp_file { suffix = ".json" }
      fs.mkdir(d .. "/x/y")
      fs.write(d .. "/x/y/z", "")
      local kept = fs.temp_file { dir = orch.args[1], keep = true }
      print(d .. "\n" .. f .. "\n" .. kept)
      if orch.args[2] then error("failed") end
    ]])
    for _, fails in ipairs { false, true } do
      local result = orch.process.run { exe, "run", at "t.lua", dir, fails and "fail" or nil,
        check = false }
      local d, f, kept = result.stdout:match("^(.-)\n(.-)\n(.-)\n")
      expect(d):contains("/build-")
      expect(f):matches("%.json$")
      expect(fs.exists(d)):equals(false)
      expect(fs.exists(f)):equals(false)
      expect(fs.exists(kept)):equals(true)
    end
  end)

  it("are private", function()
    expect(fs.stat(fs.temp_dir()).mode_text):equals("rwx------")
    expect(fs.stat(fs.temp_file()).mode_text):equals("rw-------")
    expect(function() fs.temp_file { prefix = "a/b" } end):raises("usage")
    expect(function() fs.temp_dir { dir = at "none" } end):raises { code = "ENOENT" }
  end)
end)

describe("paths", function()
  it("are seen from the task's folder", function()
    local _ <close> = orch.cd(dir)
    fs.write("rel", "here")
    expect(fs.read(at "rel")):equals("here")
    expect(fs.list()):equals { "rel" }
    expect(fs.glob("*")):equals { "rel" }
    fs.mkdir("sub")
    local inside = orch.spawn(function()
      local _ <close> = orch.cd("sub")
      fs.write("x", "1")
      return fs.path.absolute("x")
    end)
    expect(inside:await()):equals(at "sub/x")
    for entry in fs.walk(".") do expect(entry.path):matches("^%./") end
  end)

  it("are checked in every function", function()
    local one = { "read", "lines", "exists", "stat", "walk", "size", "mkdir", "remove",
      "hash", "watch", "lock" }
    for _, name in ipairs(one) do
      for _, bad in ipairs { "", "a\0b", 1, {}, true } do
        local err = expect(function() fs[name](bad) end):raises("usage")
        expect(err.message):contains("fs." .. name .. ": argument 1")
      end
      expect(function() fs[name]() end):raises("usage")
    end
    for _, name in ipairs { "copy", "move", "link" } do
      expect(function() fs[name]("a", "b\0") end):raises("usage")
      expect(function() fs[name]("a") end):raises("usage")
    end
    for _, name in ipairs { "write", "append" } do
      expect(function() fs[name](at "x", 1) end):raises("usage")
      expect(function() fs[name]("\0", "") end):raises("usage")
    end
    expect(function() fs.glob({ 1 }) end):raises("usage")
    expect(function() fs.glob({}) end):raises("usage")
    expect(function() fs.scan({ "a\0" }, "x") end):raises("usage")
    expect(function() fs.scan(at "x", {}) end):raises("usage")
    expect(function() fs.list("") end):raises("usage")
  end)

  it("an unknown name or option says the nearest", function()
    local err = expect(function() return fs.raed end):raises("usage")
    expect(err.message):contains("did you mean 'read'?")
    err = expect(function() fs.write(at "a", "", { synk = true }) end):raises("usage")
    expect(err.message):contains("did you mean `sync`?")
    expect(function() fs.copy("a", "b", { overwrite = 1 }) end):raises("usage")
  end)
end)

describe("hash", function()
  it("is that of the content", function()
    fs.write(at "a", "abc")
    expect(fs.hash(at "a"))
      :equals("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    expect(fs.hash(at "a", "md5")):equals("900150983cd24fb0d6963f7d28e17f72")
    expect(function() fs.hash(at "none") end):raises { code = "ENOENT" }
  end)
end)

describe("a call without options", function()
  it("refuses a table of them", function()
    for _, call in ipairs { function() orch.fs.read("a", { encoding = "utf8" }) end,
        function() orch.sleep(0, { bad = 1 }) end } do
      expect(call):raises "usage"
    end
  end)

  it("may be given to map, which passes the index along", function()
    expect(orch.map({ "/proc/self/comm" }, orch.fs.read)):equals { "orch\n" }
  end)
end)
