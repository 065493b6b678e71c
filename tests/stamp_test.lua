-- orch.core.stamp: many groups of files at once, from outside; and the files of
-- one group with their contents.

local core = require "orch.core.stamp"
local fs = orch.fs

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local nobody = dofile(here .. "/helper/nobody.lua")

local dir
before_each(function() dir = test.temp_dir() end)

local function prepare(patterns) return require("orch.fs.pattern").parse("test", 1, patterns) end

local function write(path, text)
  fs.mkdir(fs.path.dirname(dir .. "/" .. path))
  fs.write(dir .. "/" .. path, text or path, { sync = false })
end

local function look(groups, excludes) return core.look(dir, groups, excludes or {}, prepare) end
local function files(...) return look({ { ... } })[1].files end
local function stamp(...) return look({ { ... } })[1].stamp end
local function sh(line) return orch.sh("cd ${d} && " .. line, { d = dir }) end

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

describe("a look", function()
  it("says what each group is", function()
    for _, path in ipairs { "a.txt", "b.txt", "s/c.txt", "s/t/d.lua" } do write(path, "12345") end
    sh "touch -d @1000000000.5 *.txt s/*.txt s/t/* && touch -d @1000000001.25 s/c.txt"
    local found = look { { "a.txt" }, { "*.txt", "no", "s/**/*.c" }, { "s" }, { "**/*.{lua,txt}" },
      { "s/**", "!s/t" }, { "[ab].txt", "s/?.txt" } }
    local function row(l) return { l.files, l.bytes, l.newest, l.missing } end
    expect(row(found[1])):equals { 1, 5, 1000000000.5, {} }
    expect(row(found[2])):equals { 2, 10, 1000000000.5, { "no", "s/**/*.c" } }
    expect(row(found[3])):equals { 2, 10, 1000000001.25, {} }
    expect(row(found[4])):equals { 4, 20, 1000000001.25, {} }
    expect(row(found[5])):equals { 1, 5, 1000000001.25, {} }
    expect(row(found[6])):equals { 3, 15, 1000000001.25, {} }
    expect(#found[1].stamp):equals(16)
  end)

  it("has times that are exactly those of fs.stat", function()
    for i, time in ipairs { "1795380157.042123457", "1795380157.999999999", "0.000000001",
      "1795380157.123456789", "-1.5", "4294967296.000000255" } do
      write("f" .. i)
      sh(("touch -d @%s f%d"):format(time, i))
      expect(look({ { "f" .. i } })[1].newest):equals(fs.stat(dir .. "/f" .. i).mtime)
    end
  end)

  it("says so where a file is so young that its time does not vouch for it", function()
    write("old") write("new")
    sh "touch -d '1 second ago' old && touch new && touch -d '+1 hour' far && mkdir none"
    local found = look { { "old" }, { "old", "new" }, { "far" }, { "none", "no" } }
    expect({ found[1].young, found[2].young, found[3].young, found[4].young })
      :equals { nil, true, true, nil }
    repeat -- as file systems have it that know whole seconds only
      local second = os.time()
      sh("touch -d @" .. second .. " new")
      found = look { { "new" } }
    until os.time() - second <= 1
    expect(found[1].young):truthy()
  end)

  it("gives the stamp that the same files have in another group", function()
    for _, path in ipairs { "a", "b", "s/c", "s/t/d" } do write(path) end
    expect(stamp("a", "b", "s/c", "s/t/d")):equals(stamp("**"))
    expect(stamp("b", "a")):equals(stamp("a", "b"))
    expect(stamp("s")):equals(stamp("s/**"))
    expect(stamp("s", "a")).never:equals(stamp("s"))
  end)

  it("changes with path, size, time and kind, and with nothing else", function()
    write("s/a", "1234")
    sh "touch -d @1000000000 s/a"
    local before = stamp("s")
    local function differs(line)
      sh(line)
      local differ = stamp("s") ~= before
      return differ
    end
    expect(differs "cp -p s/a s/b && mv s/b s/a"):equals(false)
    expect(differs "chmod g+w s/a"):equals(false)
    expect(differs "mkdir s/empty && touch s"):equals(false)
    expect(differs "touch -d @1000000000.000000001 s/a"):equals(true)
    expect(differs "touch -d @1000000000 s/a"):equals(false)
    expect(differs "chmod u+x s/a"):equals(true)
    expect(differs "chmod u-x s/a && printf x >> s/a && touch -d @1000000000 s/a"):equals(true)
    expect(differs "printf 1234 > s/a && touch -d @1000000000 s/a"):equals(false)
    expect(differs "mv s/a s/b"):equals(true)
    expect(differs "mv s/b s/a"):equals(false)
    expect(differs "touch s/new"):equals(true)
    expect(differs "rm s/new"):equals(false)
    expect(differs "mv s/a s/b && mkfifo s/a && touch -d @1000000000 s/a"):equals(true)
  end)

  it("answers groups in their order, also when many share files and walks", function()
    local groups, excludes = {}, {}
    for i = 1, 300 do
      write(("s/d%d/f"):format(i), ("x"):rep(i))
      groups[i], excludes[i] = { ("s/d%d/f"):format(i) }, { ("out/%d"):format(i) }
      groups[300 + i] = { ("s/d%d/**"):format(i) }
      groups[600 + i], excludes[600 + i] = { "s/**" }, { ("out/%d"):format(i) }
      groups[900 + i], excludes[900 + i] = { "s/**" }, { ("s/d%d"):format(i) }
      groups[1200 + i] = { ("s/d%d"):format(i), ("s/d%d"):format(301 - i) }
    end
    local found = look(groups, excludes)
    local all = 300 * 301 // 2
    for i = 1, 300 do
      expect(found[i].bytes):equals(i)
      expect(found[300 + i].stamp):equals(found[i].stamp)
      expect(found[600 + i].bytes):equals(all)
      expect(found[900 + i].bytes):equals(all - i)
      expect(found[1200 + i].bytes):equals(301)
    end
  end)

  it("leaves out what is excluded, folders with all in them", function()
    for _, path in ipairs { "a", "s/b", "s/t/c", "s/u/c" } do write(path) end
    local function count(patterns, excludes) return look({ patterns }, { excludes })[1].files end
    expect(count({ "**" }, { "s" })):equals(1)
    expect(count({ "**" }, { "s/t", "a" })):equals(2)
    expect(count({ "**" }, { "**/c" })):equals(2)
    expect(count({ "s/t/**" }, { "s" })):equals(0)
    expect(count({ "s/t" }, { "s/*" })):equals(0)
    expect(count({ "s/b", "a" }, { "s/{b,x}" })):equals(1)
    expect(count({ "s" }, { "s/t/c" })):equals(2)
    expect(count({ "sx", "s" }, { "s/tx" })):equals(3)
    expect(look({ { "s/b" } }, { { "s/b" } })[1].missing):equals {}
  end)

  it("takes any name there is", function()
    write("s/new\nline") write("s/\xff\xfe") write("s/[x]") write("s/ä *")
    write("s/" .. ("n"):rep(255))
    expect(files("s/*")):equals(5)
    expect(files("s/new\nline", "s/\xff\xfe", "s/\\[x]", "s/ä \\*")):equals(4)
    expect(stamp("s/\\[x\\]")):equals(stamp("s/[[]x]"))
    expect(look({ { "s/" .. ("n"):rep(256) } })[1].missing):equals { "s/" .. ("n"):rep(256) }
  end)

  it("never enters .orch", function()
    write("a") write(".orch/state.db") write("s/.orch/x") write(".orchid/y")
    expect(files("**")):equals(2)
    expect(files("*/*")):equals(1)
    expect(files("s/**")):equals(0)
    expect(files("s/.orch/*")):equals(1) -- who says so
    expect(files(".orch/**")):equals(0)
    expect(files(".orch")):equals(0)
  end)

  it("only looks at large, strange and closed files", function()
    sh "truncate -s 4294967296 sparse && mkfifo pipe && printf x > closed && chmod 0 closed"
    local all = look({ { "**" } })[1]
    expect(all.files):equals(3)
    expect(all.bytes):equals(4294967297)
  end)

  it("takes a link for what it leads to, and ends", function()
    write("real/a", "12345") write("far/x/y")
    sh "cd real && ln -s a file && ln -s .. up && ln -s . self && ln -s nowhere lost"
    sh "ln -s real linked && ln -s one two && ln -s two one"
    expect(files("real/file")):equals(1)
    expect(look({ { "real/file" } })[1].bytes):equals(5)
    expect(look({ { "lost2", "one", "real/lost" } })[1].missing)
      :equals { "lost2", "one", "real/lost" }
    expect(files("linked")):equals(files("real/**"))
    local before = stamp("**")
    expect(stamp("**")):equals(before)
    sh "ln -s ../far real/over"
    local linked = stamp("real")
    expect(files("real/over/**")):equals(1)
    write("far/x/z")
    expect(stamp("real")).never:equals(linked)
    sh "ln -s ../real far/back && ln -s ../far far/again"
    expect(#stamp("**")):equals(16)
  end)

  it("goes on where files vanish", function()
    for i = 1, 200 do write(("s/d%d/f"):format(i)) end
    local stop = false
    local mover = orch.spawn(function()
      while not stop do
        sh "mv s gone; mv gone s"
        sh "rm -rf s/d1 s/d2 && mkdir -p s/d1 s/d2 && touch s/d1/f s/d2/f"
      end
    end)
    for _ = 1, 30 do
      local l = look({ { "s/**" } })[1]
      expect(l.problem):is_nil()
      expect(l.files <= 200):truthy()
    end
    stop = true
    mover:await()
  end)

  it("says what could not be read, and has no stamp twice then", function()
    write("open/a") write("shut/b") write("closed")
    fs.write(dir .. "/try.lua", [[
      local core = require "orch.core.stamp"
      local function look()
        return core.look(".", { { "open/**" }, { "**" }, { "shut/b" }, { "shut" } }, {}, print)
      end
      local one, two = look(), look()
      for i = 1, 4 do print(one[i].problem, one[i].stamp == two[i].stamp) end
      print(select(2, pcall(core.detail, ".", { "**" }, nil, print)))
      print(select(2, pcall(core.detail, ".", { "shut/b" }, nil, print)).code)
      print(select(2, pcall(core.detail, ".", { "closed" }, nil, print)))
    ]])
    sh "chmod 755 . && chmod 0 shut closed"
    local _ <close> = orch.defer(function() sh "chmod 755 shut" end)
    local result = nobody.run { require("orch.core.runtime").executable(), "run", "try.lua",
      cwd = dir, check = false }
    expect(result.stdout):equals(
      "nil\ttrue\ncannot read 'shut': permission denied\tfalse\n"
      .. "cannot read 'shut/b': permission denied\tfalse\n"
      .. "cannot read 'shut': permission denied\tfalse\n"
      .. "cannot read 'shut': permission denied\nEACCES\n"
      .. "cannot read 'closed': permission denied\n")
  end)

  it("keeps no memory once it is over, whenever the collector comes", function()
    if fs.read("/proc/self/maps"):find "libasan" then
      test.skip "AddressSanitizer keeps freed memory for a while"
    end
    local function resident() return fs.read("/proc/self/statm"):match "%d+ (%d+)" * 4096 end
    local list = {}
    for i = 1, 20000 do list[i] = "no/such/file/" .. i end
    look { list }
    collectgarbage()
    local before = resident()
    collectgarbage "stop"
    for _ = 1, 20 do core.look(dir, { list }, {}, prepare) end
    local grown = resident() - before
    collectgarbage "restart"
    expect(grown):less_than(40 << 20)
  end)

  it("fails where the folder itself is not there", function()
    local err = expect(function() core.look(dir .. "/no", { { "a" } }, {}, prepare) end):raises("os")
    expect(err.code):equals("ENOENT")
    expect(err.path):equals(dir .. "/no")
  end)

  it("refuses patterns that are none", function()
    expect(function() look { { 1 } } end):raises("usage")
    expect(function() look { { "" } } end):raises("usage")
    expect(function() look { { "a\0b" } } end):raises("usage")
    expect(function() look { "a" } end):raises "table expected"
    local err = expect(function() look { { ("*/"):rep(70) .. "x" } } end):raises("usage")
    expect(err.message):contains("63 components")
    expect(#look {}):equals(0)
    expect(look({ {} })[1].files):equals(0)
  end)

  it("can be cancelled", function()
    for i = 1, 50 do write(("s/d%d/f"):format(i)) end
    local groups = {}
    for i = 1, 3000 do groups[i] = { "s/**/x" .. i } end
    for _, early in ipairs { true, false } do
      cancelled(function() look(groups) end, early)
    end
    expect(files("s")):equals(50)
  end)
end)

describe("a detail", function()
  local function detail(patterns, known, excludes)
    local blob, digest, count, read = core.detail(dir, patterns, excludes, prepare, known)
    return { blob = blob, digest = digest, files = count, read = read }
  end

  it("reads contents once, and again only what has changed", function()
    write("s/a", "one") write("s/b", "two")
    sh "touch -d @1000000000 s/a s/b"
    local one = detail { "s/**" }
    expect({ one.files, one.read }):equals { 2, 2 }
    local two = detail({ "s/**" }, one.blob)
    expect({ two.digest, two.read }):equals { one.digest, 0 }
    sh "touch -d @1000000001 s/b"
    local three = detail({ "s/**" }, two.blob)
    expect({ three.digest, three.read }):equals { one.digest, 1 }
    sh "printf TWO > s/b && touch -d @1000000001 s/b"
    expect(detail({ "s/**" }, three.blob).digest):equals(one.digest) -- vouched for
    expect(detail({ "s/**" }).digest).never:equals(one.digest)
  end)

  it("does not vouch for a file that was just written", function()
    write("a", "one")
    sh "touch a"
    local one = detail { "a" }
    local two = detail({ "a" }, one.blob)
    expect({ two.digest, two.read }):equals { one.digest, 1 }
    sh "touch -d '+1 hour' a"
    expect(detail({ "a" }, detail({ "a" }).blob).read):equals(1)
  end)

  it("is over paths, contents and whether they can be executed", function()
    write("s/a", "x") write("s/b", "y")
    local function digest() return detail({ "s" }).digest end
    local before = digest()
    sh "touch -d @1000000000 s/a && mkdir s/empty"
    expect(digest()):equals(before)
    sh "chmod u+x s/a"
    expect(digest()).never:equals(before)
    sh "chmod u-x s/a && mv s/a s/c"
    expect(digest()).never:equals(before)
    sh "mv s/c s/a"
    expect(digest()):equals(before)
    sh "mv s/a s/c && mv s/b s/a && mv s/c s/b"
    expect(digest()).never:equals(before)
  end)

  it("lists a file once, without what is excluded", function()
    write("s/a") write("s/b") write("s/t/c")
    expect(detail({ "s", "s/a", "s/*", "s/**/c", "no" }).files):equals(3)
    expect(detail({ "s" }, nil, { "s/t" }).files):equals(2)
    expect(detail({ "no" }).files):equals(0)
  end)

  it("come with the stamp that a look has of them, unless one changes meanwhile", function()
    local function stamp_of(...) return (select(5, core.detail(dir, { ... }, nil, prepare))) end
    for _, path in ipairs { "a", "b/c", "b/d" } do write(path) end
    expect(stamp_of("a", "b/*")):equals(stamp("a", "b/*"))
    expect(stamp_of("a", "b")):equals(stamp("a", "b"))
    expect(stamp_of "no"):equals(stamp "no")
    sh "truncate -s 300M sparse && touch -d 2020-01-01 sparse"
    local before = stamp "sparse"
    orch.gather(function() expect(stamp_of "sparse").never:equals(before) end,
      function() orch.sleep(0.02) sh "touch -d 2021-01-01 sparse" end)
  end)

  it("never reads a pipe", function()
    sh "mkfifo pipe"
    expect(detail({ "pipe" }).files):equals(1)
  end)

  it("tells what was added, removed and changed", function()
    for _, path in ipairs { "s/a", "s/b", "s/c", "s/d\n" } do write(path) end
    local one = detail { "s" }
    sh "rm s/a && printf new > s/b && touch s/0 s/z && chmod u+x s/c"
    local two = detail { "s" }
    local added, removed, changed = core.compare(one.blob, two.blob)
    expect({ added, removed, changed }):equals { { "s/0", "s/z" }, { "s/a" }, { "s/b", "s/c" } }
    expect({ core.compare(one.blob, one.blob) }):equals { {}, {}, {} }
    expect(#core.compare("", one.blob)):equals(4)
  end)

  it("takes a broken blob for what can be read of it", function()
    for i = 1, 20 do write("s/" .. i, "old") end
    sh "touch -d @1000000000 s/*"
    local good = detail { "s" }
    for _, blob in ipairs { "", "x", ("x"):rep(1000), good.blob:sub(9), good.blob:sub(1, 100),
      good.blob:sub(1, -2), good.blob:sub(1, 8) .. ("\xff"):rep(500) } do
      local again = detail({ "s" }, blob)
      expect(again.digest):equals(good.digest)
      expect(again.read > 0):truthy()
      local added = core.compare(blob, good.blob)
      expect(#added > 0):truthy()
    end
  end)

  it("fails where a folder is not there, and refuses what is no pattern", function()
    expect(function() core.detail(dir .. "/no", { "a" }, nil, prepare) end):raises("os")
    expect(function() detail { "" } end):raises("usage")
    expect(function() core.detail(dir, "a", nil, prepare) end):raises "table expected"
  end)

  it("can be cancelled", function()
    sh "truncate -s 40G sparse" -- hours, if it went on
    for _, early in ipairs { true, false } do
      cancelled(function() detail { "sparse" } end, early)
    end
  end)
end)
