-- `orch check --changed` and `--staged`: git is asked, or Perforce.

local fs = orch.fs
local changed = require "orch.check.changed"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")

describe("the files that have changed", function()
  local p

  local function git(...)
    return orch.process.run { "git", "-c", "user.name=a", "-c", "user.email=a@b.c",
      "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", cwd = p.folder, ... }
  end

  local function files(how, folder)
    return changed.files(folder or p.folder, how or {}).files
  end

  local function commit_all()
    git("add", "-A")
    git("commit", "-qm", "x")
  end

  before_each(function()
    p = projects.new(test)
    p:put(".gitignore", ".orch\nignored.txt\n")
    p:put("Assets/a.txt", "a\t\n")
    p:put("Assets/b.txt", "b\t\n")
    p:put("Assets/gone.txt", "g\t\n")
    git("init", "-q")
  end)

  it("are all before the first commit, and those on the disk", function()
    git("add", "Assets/a.txt", "Assets/gone.txt")
    fs.remove(p:at "Assets/gone.txt")
    p:put("ignored.txt", "x")
    expect(files()):equals { ".gitignore", "Assets/a.txt", "Assets/b.txt", "checks/text.lua" }
  end)

  it("are those that differ from the last commit, and new ones", function()
    commit_all()
    expect(files()):equals {}
    p:put("Assets/a.txt", "new")
    p:put("Assets/new.txt", "new")
    p:put("Assets/staged.txt", "new")
    git("add", "Assets/staged.txt")
    fs.remove(p:at "Assets/gone.txt")
    git("mv", "Assets/b.txt", "Assets/renamed.txt")
    expect(files()):equals { "Assets/a.txt", "Assets/new.txt", "Assets/renamed.txt",
      "Assets/staged.txt" }
    expect(files({}, p:at "Assets")):equals { "a.txt", "new.txt", "renamed.txt", "staged.txt" }
  end)

  it("may have any name", function()
    commit_all()
    local names = { " x", "a\nb.txt", "f\xff.txt", "tab\t.txt", "u\u{fc}.txt", "\"q\".txt" }
    for _, name in ipairs(names) do p:put(name, "new") end
    table.sort(names)
    expect(files()):equals(names)
    git("add", "-A")
    expect(files { staged = true }):equals(names)
  end)

  it("since a branch are those of this one only", function()
    commit_all()
    git("checkout", "-q", "-b", "mine")
    p:put("Assets/mine.txt", "m")
    commit_all()
    git("checkout", "-q", "main")
    p:put("Assets/theirs.txt", "t")
    commit_all()
    git("checkout", "-q", "mine")
    p:put("Assets/a.txt", "touched")
    expect(files { against = "main" }):equals { "Assets/a.txt", "Assets/mine.txt" }
    expect(files { against = "HEAD~1" }):equals { "Assets/a.txt", "Assets/mine.txt" }
  end)

  it("that are staged may differ from those on the disk", function()
    commit_all()
    p:put("Assets/a.txt", "one")
    p:put("Assets/b.txt", "one")
    git("add", "-A")
    p:put("Assets/b.txt", "two")
    local found = changed.files(p.folder, { staged = true })
    expect(found.files):equals { "Assets/a.txt", "Assets/b.txt" }
    expect(found.differing):equals { "Assets/b.txt" }
  end)

  it("are not those of submodules", function()
    local other = test.temp_dir()
    for _, words in ipairs { { "init", "-q" }, { "-c", "user.name=a", "-c", "user.email=a@b.c",
      "commit", "-q", "--allow-empty", "-m", "x" } } do
      orch.process.run { "git", cwd = other, table.unpack(words) }
    end
    commit_all()
    git("submodule", "--quiet", "add", other, "sub")
    commit_all()
    p:put("sub/x.txt", "x")
    expect(files()):equals {}
    fs.mkdir(p:at "nested")
    orch.process.run { "git", "init", "-q", cwd = p:at "nested" }
    p:put("nested/y.txt", "y")
    expect(files()):equals {}
  end)

  it("cannot be told outside of a repository, or of a commit that is not there", function()
    local err = expect(function() files({}, test.temp_dir()) end):raises "usage"
    expect(err.message):contains "is in no repository of git"
    err = expect(function() files { against = "nope" } end):raises "usage"
    expect(err.message):contains "git knows no 'nope'"
    err = expect(function() files { against = "--output=x" } end):raises "usage"
    expect(err.message):contains "git knows no '--output=x'"
    expect(p:exists "x"):equals(false)
  end)

  it("are nobody's without git", function()
    local _ <close> = orch.with_env { PATH = test.temp_dir() }
    local err = expect(function() files() end):raises "usage"
    expect(err.message):contains "git, which is not installed here"
    err = expect(function() files { against = "p4" } end):raises "usage"
    expect(err.message):contains "there is no p4 in PATH"
  end)

  describe("in Perforce", function()
    local bin

    local function fake(text, code)
      bin = test.temp_dir()
      fs.write(bin .. "/answer", text)
      fs.write(bin .. "/p4", ('#!/bin/sh\n/bin/echo "$@" > %s/asked\n/bin/cat %s/answer\n%s\n')
        :format(bin, bin, code or ""), { mode = 493 })
    end

    local function opened()
      local _ <close> = orch.with_env { PATH = bin }
      return files { against = "p4" }
    end

    it("are the open ones, but for those that are to be deleted", function()
      fake(([[
... clientFile %s/Assets/a.txt
... action edit

... clientFile %s/Assets/new one.txt
... action move/add

... clientFile %s/Assets/gone.txt
... action delete

... clientFile /somewhere/else.txt
... action add

]]):format(p.folder, p.folder, p.folder))
      expect(opened()):equals { "Assets/a.txt", "Assets/new one.txt" }
      expect(fs.read(bin .. "/asked")):equals "fstat -Ro -T clientFile,action ...\n"
    end)

    it("may be none", function()
      fake("", "/bin/echo '... - file(s) not opened on this client.' >&2; exit 1")
      expect(opened()):equals {}
    end)

    it("are unknown where p4 fails", function()
      fake("", "/bin/echo 'Perforce password (P4PASSWD) invalid or unset.' >&2; exit 1")
      local err = expect(opened):raises "usage"
      expect(err.message):equals(
        "p4 cannot tell what is open: Perforce password (P4PASSWD) invalid or unset.")
    end)
  end)

  describe("are all that orch check looks at", function()
    it("with --changed", function()
      commit_all()
      local result = p:check "--changed"
      expect(result.exit_code):equals(0)
      expect(result.stderr):contains "nothing has changed here"
      p:put("Assets/new.txt", "n\t\n")
      p:put("Other/new.txt", "n\t\n")
      expect((p:findings "--changed")):equals { "error text.tabs Assets/new.txt",
        "error text.tabs Other/new.txt" }
      expect((p:findings("--changed=main", "Other"))):equals { "error text.tabs Other/new.txt" }
      expect(p:check("--changed=man").exit_code):equals(2)
    end)

    it("with --staged, and says what is not as it is staged", function()
      commit_all()
      p:put("Assets/new.txt", "n\t\n")
      git("add", "Assets/new.txt")
      p:put("Assets/new.txt", "good\n")
      p:put("Assets/a.txt", "\t\t")
      local list, result = p:findings "--staged"
      expect(list):equals {}
      expect(result.stderr):contains "one staged file differs from what is staged"
      expect(result.stderr):contains "Assets/new.txt"
    end)

    it("with --staged, and what is fixed has to be staged", function()
      commit_all()
      p:put("Assets/new.txt", "n\t\n")
      git("add", "Assets/new.txt")
      local result = p:check("--staged", "--fix")
      expect(result.stdout):contains "1 fixed"
      expect(result.stderr):contains "the next commit has a file as before the fix; to stage "
      expect(result.stderr):contains "git add Assets/new.txt"
      expect(result.exit_code):equals(4)
      git("add", "Assets/new.txt")
      result = p:check("--staged", "--fix")
      expect({ result.exit_code, result.stderr }):equals { 0, "" }
    end)

    it("and of rules about the project those that have to do with them", function()
      p:put("checks/same.lua", [[check "same" { files = "**/*.txt", scope = "project",
        run = function(files)
          local seen = {}
          for file in files:each() do
            local text = orch.fs.read(file.path)
            if seen[text] then seen[text]:error { "is the same as %s", file.path, related = file } end
            seen[text] = seen[text] or file
          end
        end }]])
      p:put("Assets/1.txt", "same")
      p:put("Assets/2.txt", "same")
      p:put("Assets/a.txt", "once")
      commit_all()
      p:put("Assets/new.txt", "once")
      expect((p:findings("--changed", "--rule", "same"))):equals { "error same Assets/a.txt" }
    end)
  end)
end)
