local fs = orch.fs

local dir
before_each(function()
  dir = fs.temp_dir()
  for _, path in ipairs { "a/b/c.txt", "a/b/d.lua", "a/x.txt", ".hid/e.txt", "top.txt",
    "a.txt", "A[1].txt", "ünï/ä.txt" } do
    fs.mkdir(fs.path.dirname(dir .. "/" .. path))
    fs.write(dir .. "/" .. path, path, { sync = false })
  end
  fs.link(dir .. "/link", "a")
end)
after_each(function() fs.remove(dir, { recursive = true }) end)

local function walked(opts)
  local list = {}
  for entry in fs.walk(dir, opts) do list[#list + 1] = entry.path:sub(#dir + 2) end
  return list
end

local function found(patterns, opts)
  opts = opts or {}
  opts.cwd = dir
  return fs.glob(patterns, opts)
end

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

describe("walk", function()
  it("gives folders before their content, in order", function()
    expect(walked()):equals { ".hid", ".hid/e.txt", "A[1].txt", "a", "a/b", "a/b/c.txt",
      "a/b/d.lua", "a/x.txt", "a.txt", "link", "top.txt", "ünï", "ünï/ä.txt" }
  end)

  it("tells of each entry", function()
    local by_name = {}
    for entry in fs.walk(dir .. "/", { stat = true }) do by_name[entry.name] = entry end
    local entry = by_name["c.txt"]
    expect(entry.path):equals(dir .. "/a/b/c.txt")
    expect(entry.type):equals("file")
    expect(entry.depth):equals(3)
    expect(entry.size):equals(9)
    expect(entry.mtime):near(os.time(), 60)
    expect(by_name.link.type):equals("link")
    expect(by_name.b.type):equals("folder")
  end)

  it("obeys its options", function()
    expect(walked { depth = 1, type = "folder" }):equals { ".hid", "a", "ünï" }
    expect(walked { hidden = false, type = "file", match = "**/*.txt", exclude = { "a", "ü*" } })
      :equals { "A[1].txt", "a.txt", "top.txt" }
    expect(walked { follow = true, match = "link/**" })
      :equals { "link/b", "link/b/c.txt", "link/b/d.lua", "link/x.txt" }
  end)

  it("does not go round in circles", function()
    fs.link(dir .. "/a/b/up", "../..")
    local list = walked { follow = true }
    expect(#list):less_than(100)
    expect(list):contains("a/b/up")
  end)

  it("reads on in batches, and may be left", function()
    fs.mkdir(dir .. "/many")
    for i = 1, 3000 do fs.write(("%s/many/%04d"):format(dir, i), "", { sync = false }) end
    local n = 0
    for entry in fs.walk(dir .. "/many") do
      n = n + 1
      expect(entry.name):equals(("%04d"):format(n))
    end
    expect(n):equals(3000)
    for _ in fs.walk(dir) do break end
  end)

  it("raises where it cannot look", function()
    expect(function() fs.walk(dir .. "/none") end):raises { code = "ENOENT" }
    expect(function() fs.walk(dir .. "/a.txt") end):raises { code = "ENOTDIR" }
    expect(function() fs.walk(dir, { type = "dir" }) end):raises("usage")
    expect(function() fs.walk(dir, { unreadable = "no" }) end):raises("usage")
  end)

  it("skips an unreadable folder only when told to", function()
    fs.write(dir .. "/try.lua", [[
      local function count(opts)
        local n = 0
        for _ in orch.fs.walk(".", opts) do n = n + 1 end
        return n
      end
      print(select(2, pcall(count)))
      print(select(2, pcall(orch.fs.glob, "**")))
      print(count { unreadable = "skip" } > 5)
    ]])
    orch.sh("chmod 755 ${d} && chmod 0 ${p}", { d = dir, p = dir .. "/a/b" })
    local exe = fs.stat("/proc/self/exe", { follow = false }).target
    local run = ("cd %s && %s run try.lua"):format(dir, exe)
    -- root may read everything: then somebody else tries.
    local root = orch.sh("id -u").stdout == "0\n"
    local result = orch.process.run { "sh", "-c",
      root and 'exec su nobody -s /bin/sh -c "$0"' or 'exec sh -c "$0"', run, check = false }
    orch.sh("chmod 755 ${p}", { p = dir .. "/a/b" })
    if not result.ok and not result.stderr:find "list" then
      test.skip("cannot run as somebody else: " .. result.stderr)
    end
    expect(result.stdout):equals("cannot list './a/b': permission denied\n"
      .. "cannot list '" .. dir .. "/a/b': permission denied\ntrue\n")
  end)

  it("can be cancelled", function()
    for _, early in ipairs { true, false } do
      cancelled(function() fs.walk("/usr") end, early)
      cancelled(function() for _ in fs.walk("/usr") do end end, early)
      cancelled(function() fs.glob("/usr/**/*.nothing") end, early)
    end
  end)
end)

describe("glob", function()
  it("knows its wildcards", function()
    expect(found "*.txt"):equals { "A[1].txt", "a.txt", "top.txt" }
    expect(found "**/*.txt"):equals { ".hid/e.txt", "A[1].txt", "a.txt", "a/b/c.txt",
      "a/x.txt", "top.txt", "ünï/ä.txt" }
    expect(found "a/**"):equals { "a/b", "a/b/c.txt", "a/b/d.lua", "a/x.txt" }
    expect(found "a/**/*.lua"):equals { "a/b/d.lua" }
    expect(found "**/b/*.{txt,lua}"):equals { "a/b/c.txt", "a/b/d.lua" }
    expect(found "[a-b].txt"):equals { "a.txt" }
    expect(found "[!a]*.txt"):equals { "A[1].txt", "top.txt" }
    expect(found "?.txt"):equals { "a.txt" }
    expect(found "A\\[1\\].txt"):equals { "A[1].txt" }
    expect(found "A[[]1].txt"):equals { "A[1].txt" }
    expect(found "?n?/?.txt"):equals { "ünï/ä.txt" }
    expect(found "[ä-ü]*/*"):equals { "ünï/ä.txt" }
    expect(found "{a,top}.txt"):equals { "a.txt", "top.txt" }
    expect(found "a{/x,}.{txt}"):equals {}
    expect(found "a{/x,}.txt"):equals { "a.txt", "a/x.txt" }
  end)

  it("excludes, and an excluded folder with all in it", function()
    expect(found { "**/*.txt", "!a", "!.hid" })
      :equals { "A[1].txt", "a.txt", "top.txt", "ünï/ä.txt" }
    expect(found { "a/**", "!a/b/*.txt" }):equals { "a/b", "a/b/d.lua", "a/x.txt" }
    expect(found { "!a/b", "a/b/*", "a/x.*" }):equals { "a/x.txt" }
    expect(found { "top.txt", "!top.txt" }):equals {}
    expect(function() found "!a" end):raises("usage")
  end)

  it("goes through links where they are named", function()
    expect(found "link/*.txt"):equals { "link/x.txt" }
    expect(found "l*/*.txt"):equals { "link/x.txt" }
    expect(found "**/x.txt"):equals { "a/x.txt" }
    expect(found("**/x.txt", { follow = true })):equals { "a/x.txt", "link/x.txt" }
  end)

  it("merges patterns, sorted, each path once", function()
    expect(found { "top.txt", "a/*", "a/b", "*/b", "a/x.txt", "none*" })
      :equals { "a/b", "a/x.txt", "link/b", "top.txt" }
    expect(found { dir .. "/top.*", "top.*", "!" .. dir .. "/a*" })
      :equals { dir .. "/top.txt", "top.txt" }
    expect(found { dir .. "/*.txt", "!top.txt" })
      :equals { dir .. "/A[1].txt", dir .. "/a.txt" }
  end)

  it("chooses types and hidden names", function()
    expect(found("*", { type = "folder" })):equals { ".hid", "a", "ünï" }
    expect(found("*", { type = "link" })):equals { "link" }
    expect(found("**", { hidden = false, type = "file" })).never:contains(".hid/e.txt")
    expect(found("a", { type = "file" })):equals {}
  end)

  it("finds nothing below what is not there", function()
    expect(found "none/**"):equals {}
    expect(found "a.txt/**"):equals {}
    expect(found "./a/x.*"):equals { "a/x.txt" }
  end)

  it("agrees with a plain matcher on random patterns", function()
    local function escape(c) return (c:gsub("%p", "%%%0")) end
    local function plain(parts, p, names, n) -- the definition, as slow as it is
      if p > #parts then return n > #names end
      if parts[p] == "**" then
        if p == #parts then return n <= #names end
        for skip = n, #names + 1 do
          if plain(parts, p + 1, names, skip) then return true end
        end
        return false
      end
      if n > #names then return false end
      local lua = parts[p]:gsub("[^*?]", escape):gsub("[*]", ".*"):gsub("[?]", ".")
      return names[n]:find("^" .. lua .. "$") ~= nil and plain(parts, p + 1, names, n + 1)
    end
    local pieces = { "**", "*", "a", "b", "a*", "*b", "?", "a*b", "*a*", "ab" }
    local texts = { "a", "b", "ab", "aab", "abab", "c" }
    for _ = 1, 3000 do
      local parts, names = {}, {}
      for i = 1, math.random(4) do parts[i] = pieces[math.random(#pieces)] end
      for i = 1, math.random(4) do names[i] = texts[math.random(#texts)] end
      local pattern, path = table.concat(parts, "/"), table.concat(names, "/")
      local got = fs.path.matches(path, pattern)
      if got ~= plain(parts, 1, names, 1) then
        expect(pattern .. " on " .. path):equals(tostring(not got))
      end
    end
  end)
end)

describe("path", function()
  local path = fs.path
  it("joins", function()
    expect(path.join("a", "b", "c.txt")):equals("a/b/c.txt")
    expect(path.join("a/", "", "b")):equals("a/b")
    expect(path.join("a", "/b")):equals("/b")
    expect(path.join("", "b")):equals("b")
    expect(function() path.join("a", nil, "b") end):raises("usage")
  end)

  it("takes apart", function()
    for p, want in pairs {
      ["a/b.tar.gz"] = { "a", "b.tar.gz", "b.tar", ".gz" },
      ["/x"] = { "/", "x", "x", "" },
      ["x"] = { ".", "x", "x", "" },
      ["a/b/"] = { "a", "b", "b", "" },
      ["/"] = { "/", "/", "/", "" },
      ["a//b"] = { "a", "b", "b", "" },
      [".bashrc"] = { ".", ".bashrc", ".bashrc", "" },
      ["a/.b.c"] = { "a", ".b.c", ".b", ".c" },
      [".."] = { ".", "..", "..", "" },
      ["a."] = { ".", "a.", "a", "." },
    } do
      local got = { path.dirname(p), path.basename(p), path.stem(p), path.extension(p) }
      expect(got):equals(want)
    end
  end)

  it("normalizes", function()
    for p, want in pairs {
      ["a/./b/../c//"] = "a/c", ["../a"] = "../a", ["a/.."] = ".", ["/.."] = "/",
      ["/a/../../b"] = "/b", ["a/../../b"] = "../b", ["."] = ".", ["//x"] = "/x",
    } do
      expect(path.normalize(p)):equals(want)
    end
  end)

  it("relates", function()
    expect(path.relative("/a/b/c", "/a/d")):equals("../b/c")
    expect(path.relative("/a", "/a")):equals(".")
    expect(path.relative("/a", "/a/b")):equals("..")
    local _ <close> = orch.cd(dir)
    expect(path.absolute("x/../y")):equals(dir .. "/y")
    expect(path.relative(dir .. "/a/b")):equals("a/b")
    expect(path.is_absolute("x")):equals(false)
    expect(path.matches("a/b.c", { "**/*.c", "!x" })):equals(true)
    expect(path.matches("x/b.c", { "**/*.c", "!x" })):equals(false)
    expect(path.matches("build:ios", "build:*")):equals(true)
  end)
end)
