-- `orch check --fix`, `--diff` and `--undo`: what helps is kept, everything else leaves the
-- original, also where orch is killed in the middle.

local fs, json = orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")
local orch_path = require("orch.core.runtime").executable()

--- A rule about files that begin with "bad", with a fix of the given body.
local function rule_with(body, more)
  return ([[
check "bad" { files = "Assets/**", run = function(file)
  if orch.fs.read(file.path):find "^bad" then file:error { "is bad", fix = "mend" } end
end, %s fixes = { mend = { label = "mend it", safe = true, %s run = function(file, cfg, finding)
  %s
end } } }
]]):format("", more or "", body)
end

describe("orch check --fix", function()
  local p

  local function project(body, more)
    p = projects.new(test, rule_with(body, more))
    p:put("Assets/a.txt", "bad a\n")
    return p
  end

  local function left_overs()
    if not p:exists ".orch/undo" then return {} end
    local list = {}
    for _, name in ipairs(fs.list(p:at ".orch/undo")) do
      if name ~= "lock" then list[#list + 1] = name end
    end
    return list
  end

  local MEND = 'orch.fs.write(file.path, "good\\n")'

  describe("that helps", function()
    it("is kept, and told", function()
      project(MEND)
      p:put("Assets/b.txt", "bad b\n")
      p:put("Assets/c.txt", "fine\n")
      local result = p:check "--fix"
      expect(result.exit_code):equals(0)
      expect(result.stdout):matches "fixed +Assets/a%.txt +mend it"
      expect(result.stdout):matches "fixed +Assets/b%.txt +mend it"
      expect(result.stdout):contains "2 fixed; to take it back: orch check --undo"
      expect(p:read "Assets/a.txt"):equals "good\n"
      expect(p:read "Assets/c.txt"):equals "fine\n"
    end)

    it("keeps the mode of the file", function()
      project 'orch.fs.remove(file.path) orch.fs.write(file.path, "good", { mode = 384 })'
      orch.process.run { "chmod", "755", p:at "Assets/a.txt" }
      expect(p:check("--fix").exit_code):equals(0)
      expect(fs.stat(p:at "Assets/a.txt").mode_text):equals "rwxr-xr-x"
    end)

    it("keeps the group of the file", function()
      local groups = orch.sh("id -G").stdout
      local other = groups:match "%d+%s+(%d+)" or groups:match "^0%s" and "1"
      if not other then test.skip "there is one group only" end
      project(MEND)
      local function group()
        return orch.process.run { "stat", "-c", "%g", p:at "Assets/a.txt" }.stdout
      end
      orch.process.run { "chgrp", other, p:at "Assets/a.txt" }
      p:check "--fix"
      expect({ p:read "Assets/a.txt", group() }):equals { "good\n", other .. "\n" }
      p:check "--undo"
      expect({ p:read "Assets/a.txt", group() }):equals { "bad a\n", other .. "\n" }
    end)

    it("mends several things of one file, one after the other, and each once", function()
      p = projects.new(test)
      p:put("Assets/a.txt", "a\tb!!\n")
      local result = p:check("--fix", "--unsafe")
      expect(result.exit_code):equals(0)
      expect(p:read "Assets/a.txt"):equals "a  b.\n"
      local _, n = result.stdout:gsub("fixed +Assets/a%.txt", "")
      expect(n):equals(2)
      expect(p:check("--undo").exit_code):equals(0)
      expect(p:read "Assets/a.txt"):equals "a\tb!!\n"
    end)

    it("is only run where it is safe, unless --unsafe says otherwise", function()
      p = projects.new(test)
      p:put("Assets/a.txt", "a\tb!!\n")
      p:check "--fix"
      expect(p:read "Assets/a.txt"):equals "a  b!!\n"
    end)

    it("works for names of all kinds", function()
      project(MEND)
      local names = { "a b.txt", "d\ne.txt", "f\xff.txt", "[x].txt", "-v.txt", "{a,b}.txt", "'\".txt" }
      for _, name in ipairs(names) do p:put("Odd/Assets/../../Assets/" .. name, "bad\n") end
      expect(p:check("--fix").exit_code):equals(0)
      for _, name in ipairs(names) do expect(p:read("Assets/" .. name)):equals "good\n" end
      expect(p:check("--undo").exit_code):equals(0)
      for _, name in ipairs(names) do expect(p:read("Assets/" .. name)):equals "bad\n" end
    end)

    it("of an image is shown before and after", function()
      p = projects.new(test, [[check "size" { files = "**/*.png", run = function(file)
        if orch.image.info(file.path).width > 8 then file:error { "large", fix = "resize" } end
        end, fixes = { resize = { safe = true,
          run = function(file) orch.image.resize(file.path, { max = 8 }) end } } }]])
      local pixels = ("\255\0\0"):rep(32 * 16)
      p:put("a.png", orch.image.encode({ width = 32, height = 16, channels = 3, bits = 8,
        data = pixels }, "png"))
      expect(p:check("--diff", "--html", "d.html").stdout):contains "width: 32 -> 8"
      expect(p:read "d.html"):contains "Would be fixed"
      local result = p:check("--fix", "--html", "r.html")
      expect(result.exit_code):equals(0)
      expect(orch.image.info(p:at "a.png").width):equals(8)
      local _, pictures = p:read("r.html"):gsub("data:image/png", "")
      expect(pictures):equals(2)
    end)

    it("gets the file, its configuration and the finding", function()
      p = projects.new(test, [[
        check "bad" { files = "Assets/**", config = { { "Assets/UI/**", word = "small" },
          { "**", word = "large" } },
        run = function(file, cfg)
          if orch.fs.read(file.path):find "^bad" then file:error { "is bad", fix = "mend" } end
        end,
        fixes = { mend = { safe = true, run = function(file, cfg, finding)
          orch.fs.write(file.path, table.concat({ file.name, file.extension, file.original,
            cfg.word, finding.path, finding.message }, " "))
        end } } }]])
      p:put("Assets/UI/a.txt", "bad")
      p:check "--fix"
      expect(p:read "Assets/UI/a.txt"):equals(
        "a.txt txt Assets/UI/a.txt small Assets/UI/a.txt is bad")
    end)
  end)

  describe("that does not help", function()
    local function stays(body, why, more)
      project(body, more)
      local result = p:check "--fix"
      expect(result.exit_code):equals(4)
      expect(result.stdout):matches "failed +Assets/a%.txt +mend it"
      expect(result.stdout):contains(why)
      expect(p:read "Assets/a.txt"):equals "bad a\n"
      expect(left_overs()):equals {}
      return result
    end

    it("leaves the original", function()
      stays('orch.fs.write(file.path, "bad, but otherwise")', "it did not help")
    end)

    it("and one that changes nothing is told", function()
      stays("local _ = cfg", "it has changed nothing")
    end)

    it("nor one that raises, with its line", function()
      local result = stays('orch.fs.write(file.path, "half") error "no luck"', "no luck")
      expect(result.stdout):contains "checks/text.lua:4"
    end)

    it("nor one that removes what it should mend, by mistake, and raises", function()
      stays('orch.fs.remove(file.path) local x = nil; x.y = 1', "attempt to index a nil value")
    end)

    it("nor one that takes too long, whatever it does", function()
      stays('orch.fs.write(file.path, "half") orch.sleep "1h"', "longer than 0.2 s", 'timeout = "200ms",')
      stays('orch.fs.write(file.path, "half") while true do end', "longer than 0.2 s", 'timeout = "200ms",')
    end)

    it("nor one after which something else is wrong", function()
      project(MEND)
      p:put("checks/good.lua", 'check "good" { files = "Assets/**", run = function(file)\n'
        .. 'if orch.fs.read(file.path):find "^good" then file:error "too good" end end }')
      local result = p:check "--fix"
      expect(result.stdout):contains "after it something else was wrong: too good (good)"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)

    it("nor one after which a rule fails", function()
      project(MEND)
      p:put("checks/good.lua", 'check "good" { files = "Assets/**", run = function(file)\n'
        .. 'if orch.fs.read(file.path):find "^good" then error "I fail" end end }')
      local result = p:check "--fix"
      expect(result.stdout):contains "after it something else was wrong: I fail (rule.broken)"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)

    it("and the others are mended all the same", function()
      project('if file.name == "a.txt" then error "no luck" end ' .. MEND)
      p:put("Assets/b.txt", "bad b\n")
      expect(p:check("--fix").exit_code):equals(4)
      expect(p:read "Assets/a.txt"):equals "bad a\n"
      expect(p:read "Assets/b.txt"):equals "good\n"
    end)
  end)

  describe("makes, renames and removes files", function()
    it("beside its own", function()
      project('orch.fs.write(file.path .. ".meta", "guid") ' .. MEND)
      expect(p:check("--fix").exit_code):equals(0)
      expect(p:read "Assets/a.txt.meta"):equals "guid"
      expect(p:check("--undo").exit_code):equals(0)
      expect(p:exists "Assets/a.txt.meta"):equals(false)
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)

    it("but not over one that is there, unless the fix says so", function()
      project('orch.fs.write(file.path .. ".meta", "new") ' .. MEND)
      p:put("Assets/a.txt.meta", "old")
      local result = p:check "--fix"
      expect(result.stdout):contains "it has written 'Assets/a.txt.meta', which is there already"
      expect(result.stdout):contains 'with = { ".meta" }'
      expect(p:read "Assets/a.txt.meta"):equals "old"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)

    it("companions too", function()
      project('orch.fs.write(file.path .. ".meta", orch.fs.read(file.path .. ".meta") .. "!") '
        .. MEND, 'with = { ".meta" },')
      p:put("Assets/a.txt.meta", "old")
      expect(p:check("--fix").exit_code):equals(0)
      expect(p:read "Assets/a.txt.meta"):equals "old!"
      expect(p:check("--undo").exit_code):equals(0)
      expect(p:read "Assets/a.txt.meta"):equals "old"
    end)

    it("as a new name, with its companion", function()
      p = projects.new(test, [[
        check "name" { files = "Assets/**/*.png", run = function(file)
          if file.name:find " " then file:error { "a name with a space", fix = "rename" } end
        end, fixes = { rename = { label = "rename it", safe = true, with = { ".meta" },
          run = function(file)
            local new = file.folder .. "/" .. file.name:gsub(" ", "_")
            orch.fs.move(file.path, new)
            orch.fs.move(file.path .. ".meta", new .. ".meta")
          end } } }
        check "info" { files = "Assets/**/*.png", run = function(file) file:error "always" end }]])
      p:put("Assets/a b.png", "picture")
      p:put("Assets/a b.png.meta", "guid: 1")
      local result = p:check("--fix", "Assets/a b.png")
      expect(result.stdout):matches "fixed +Assets/a b%.png"
      expect(result.stdout):contains "Assets/a_b.png" -- its other finding has moved along
      expect(fs.list(p:at "Assets")):equals { "a_b.png", "a_b.png.meta" }
      expect(p:check("--undo").exit_code):equals(0)
      expect(fs.list(p:at "Assets")):equals { "a b.png", "a b.png.meta" }
      expect(p:read "Assets/a b.png"):equals "picture"
    end)

    it("and takes a folder for a mistake", function()
      project('orch.fs.mkdir(file.path .. ".d") ' .. MEND)
      expect(p:check("--fix").stdout):contains "it has made 'a.txt.d', which is no file"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)
  end)

  describe("refuses", function()
    it("what may only be read", function()
      project(MEND)
      orch.process.run { "chmod", "444", p:at "Assets/a.txt" }
      expect(p:check("--fix").stdout):contains "'Assets/a.txt' may only be read"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)

    it("pointers of git lfs", function()
      p = projects.new(test, (rule_with(MEND):gsub('"^bad"', '"^version"')))
      p:put("Assets/a.png", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n")
      expect(p:check("--fix").stdout):contains "is a pointer of git lfs"
    end)

    it("to work while another one does", function()
      project(MEND)
      fs.mkdir(p:at ".orch/undo")
      local lock <close> = fs.lock(p:at ".orch/undo/lock")
      local result = p:check "--fix"
      expect(result.exit_code):equals(7)
      expect(result.stderr):contains "another orch check mends"
      expect(lock).never:is_nil()
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)
  end)

  describe("and --diff", function()
    it("shows what would change, and changes nothing", function()
      p = projects.new(test)
      p:put("Assets/a.txt", "one\na\tb\nthree\n")
      p:put("Assets/crlf.txt", "!!\n")
      local result = p:check("--diff", "--unsafe")
      expect(result.exit_code):equals(4)
      expect(result.stdout):contains "would change Assets/a.txt   (turn tabs into spaces, text.tabs)"
      expect(result.stdout):contains "@@ line 1 @@\n one\n-a→ b\n+a  b\n three\n"
      expect(result.stdout):contains "2 files would be fixed; nothing was changed"
      expect(p:read "Assets/a.txt"):equals "one\na\tb\nthree\n"
      expect(p:exists ".orch/undo"):equals(false)
    end)

    it("of line ends says so in a line", function()
      p = projects.new(test, [[check "crlf" { files = "**/*.txt", run = function(file)
        if orch.fs.read(file.path):find "\r" then file:error { "CR", fix = "lf" } end end,
        fixes = { lf = { safe = true, run = function(file)
          orch.fs.write(file.path, (orch.fs.read(file.path):gsub("\r\n", "\n"))) end } } }]])
      p:put("a.txt", "a\r\nb\r\n")
      expect(p:check("--diff").stdout):contains "only line ends: of 2 lines, 0 end with CR LF instead of 2"
    end)

    it("shows what is made and removed, and what would fail", function()
      project('orch.fs.write(file.path .. ".new", "x\\n") orch.fs.remove(file.path)')
      p:put("Assets/z.txt", "bad")
      p:put("Assets/z.txt.new", "there")
      local text = p:check("--diff").stdout
      expect(text):contains "would make Assets/a.txt.new"
      expect(text):contains "+x\n"
      expect(text):contains "would remove Assets/a.txt"
      expect(text):contains "Assets/z.txt: mend it would fail: it has written"
    end)
  end)

  describe("and --undo", function()
    it("takes the last ones back, or those of an ID, or of a path", function()
      project(MEND)
      p:check "--fix"
      p:put("Assets/b.txt", "bad b\n")
      p:put("Assets/c.txt", "bad c\n")
      p:check "--fix"
      local list = json.decode(p:check("--undo", "--list", "--json").stdout)
      expect(#list):equals(2)
      expect(list[1].fixes):equals(2)
      expect(p:check("--undo", "Assets/c.txt").stdout):contains "1 fix of"
      expect(p:read "Assets/b.txt"):equals "good\n"
      expect(p:read "Assets/c.txt"):equals "bad c\n"
      expect(p:check("--undo", list[2].id).exit_code):equals(0)
      expect(p:read "Assets/a.txt"):equals "bad a\n"
      expect(p:check("--undo").exit_code):equals(0)
      expect(p:read "Assets/b.txt"):equals "bad b\n"
      local result = p:check "--undo"
      expect(result.exit_code):equals(2)
      expect(result.stderr):contains "there is nothing to take back"
      expect(p:check("--undo", "20000101-000000-0000").stderr):contains "no fixes are known as"
    end)

    it("refuses where a file was changed since, and --force does not", function()
      project(MEND)
      p:put("Assets/b.txt", "bad b\n")
      p:check "--fix"
      p:put("Assets/b.txt", "work of hours")
      local result = p:check "--undo"
      expect(result.exit_code):equals(7)
      expect(result.stderr):contains "one file was changed since the fix"
      expect(result.stderr):contains "Assets/b.txt"
      expect(p:read "Assets/a.txt"):equals "good\n"
      expect(p:check("--undo", "--force").exit_code):equals(0)
      expect(p:read "Assets/b.txt"):equals "bad b\n"
    end)

    it("brings back what was removed", function()
      project "orch.fs.remove(file.path)"
      expect(p:check("--fix").exit_code):equals(0)
      expect(p:exists "Assets/a.txt"):equals(false)
      p:check "--undo"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
    end)
  end)

  -- Killed at a place where it waits: the fix itself, or the check that follows it.
  local function kill_when(there, signal)
    local child <close> = orch.process.spawn { orch_path, "check", "--fix", cwd = p.folder,
      check = false, stderr = "stdout" }
    local ok = orch.move_on_after("20s", function()
      while not p:exists(there) do orch.sleep "5ms" end
    end)
    expect(ok):equals(true)
    child:signal(signal)
    return child:wait()
  end

  describe("that is killed", function()
    it("while it writes leaves the original", function()
      project 'orch.fs.write(file.path, "half") orch.fs.write("begun", "") orch.sleep "1m"'
      kill_when("begun", "KILL")
      expect(p:read "Assets/a.txt"):equals "bad a\n"
      fs.remove(p:at "begun")
      p:put("checks/text.lua", rule_with(MEND))
      local result = p:check()
      expect(result.exit_code):equals(4)
      expect(result.stderr):equals "" -- nothing had happened yet
      expect(left_overs()):equals {}
      expect(p:check("--fix").exit_code):equals(0)
    end)

    -- The rule waits when it looks at the mended file.
    local WAITS = [[
check "bad" { files = "Assets/**", timeout = "1m", run = function(file)
  local text = orch.fs.read(file.path)
  if text:find "^bad" then file:error { "is bad", fix = "mend" } end
  if text:find "^good" then orch.sh "touch begun" orch.sleep "1m" end
end, fixes = { mend = { safe = true, run = function(file)
  orch.fs.write(file.path .. ".extra", "x") orch.fs.write(file.path, "good\n") end } } }]]

    it("before anybody has looked at the result, is put back by the next check", function()
      p = projects.new(test, WAITS)
      p:put("Assets/a.txt", "bad a\n")
      kill_when("begun", "KILL")
      expect(p:read "Assets/a.txt"):equals "good\n"
      p:put("checks/text.lua", rule_with(MEND))
      local result = p:check()
      expect(result.stderr):contains "a fix of 'Assets/a.txt' was broken off: the original is back"
      expect(p:read "Assets/a.txt"):equals "bad a\n"
      expect(p:exists "Assets/a.txt.extra"):equals(false)
      expect(left_overs()):equals {}
      expect(p:check().stderr):equals ""
    end)

    it("and whose file was changed since, is not", function()
      p = projects.new(test, WAITS)
      p:put("Assets/a.txt", "bad a\n")
      kill_when("begun", "KILL")
      p:put("Assets/a.txt", "work of hours")
      p:put("checks/text.lua", rule_with(MEND))
      local result = p:check()
      expect(result.stderr):contains "was changed since: it stays as it is"
      expect(p:read "Assets/a.txt"):equals "work of hours"
      local kept = result.stderr:match "the original is in ([^\n]+)"
      expect(fs.read(kept .. "/a.txt")):equals "bad a\n"
    end)

    it("by Ctrl-C puts back what is in doubt itself", function()
      p = projects.new(test, WAITS)
      p:put("Assets/a.txt", "bad a\n")
      expect(kill_when("begun", "INT").exit_code):equals(130)
      expect(p:read "Assets/a.txt"):equals "bad a\n"
      expect(p:exists "Assets/a.txt.extra"):equals(false)
      expect(left_overs()):equals {}
    end)

    it("at any moment leaves originals or good files, and nothing else", function()
      project('orch.fs.write(file.path, "good " .. finding.path .. "\\n")')
      local names = {}
      for i = 1, 12 do
        names[i] = ("Assets/%d.txt"):format(i)
      end
      for n = 1, 10 do
        for _, name in ipairs(names) do p:put(name, "bad " .. name .. "\n") end
        fs.remove(p:at ".orch/undo", { recursive = true, missing_ok = true })
        local child <close> = orch.process.spawn { orch_path, "check", "--fix", cwd = p.folder,
          check = false, stderr = "stdout" }
        while not p:exists ".orch/undo/open" do orch.sleep "1ms" end
        orch.sleep(n * 0.006)
        child:signal "KILL"
        child:wait()
        for _, name in ipairs(names) do
          local text = p:read(name)
          expect(text == "bad " .. name .. "\n" or text == "good " .. name .. "\n"):is(true)
        end
        expect(fs.list(p:at "Assets", { type = "file" })).never:contains "1.txt.extra"
        local result = p:check "--no-cache"
        expect(result.exit_code == 4 or result.exit_code == 0):is(true)
        expect(p:exists ".orch/undo/open"):equals(false)
        local undone = p:check("--undo", "--force")
        expect(undone.exit_code == 0 or undone.exit_code == 2):is(true)
        for _, name in ipairs(names) do expect(p:read(name)):equals("bad " .. name .. "\n") end
        -- A name that lives for the moment of a rename is cleared by a later write there.
        local there = fs.glob({ "*", "!*.orch-*.tmp" }, { cwd = p:at "Assets" })
        expect(#there):equals(#names + 1)
      end
    end)
  end)
end)
