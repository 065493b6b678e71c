-- `orch check` as a person types it: words, paths, exit codes, what it says where.

local fs, json = orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")

describe("orch check", function()
  local p

  before_each(function()
    p = projects.new(test)
    p:put("Assets/good.txt", "fine\n")
    p:put("Assets/Props/tab.txt", "a\tb\n")
    p:put("Assets/loud.txt", "hey!!\n")
  end)

  local function refused(code, ...)
    local result = p:check(...)
    expect(result.exit_code):equals(code)
    expect(result.stdout):equals ""
    return result.stderr
  end

  describe("what it gives back", function()
    it("is 4 where there is an error, and 0 where there is none", function()
      local result = p:check()
      expect(result.exit_code):equals(4)
      expect(result.stdout):contains "Assets/Props/tab.txt"
      expect(result.stdout):contains "1 error, 1 warning"
      expect(result.stderr):equals ""
      p:put("Assets/Props/tab.txt", "a b\n")
      expect(p:check().exit_code):equals(0)
    end)

    it("follows --fail-on", function()
      expect(p:check("--fail-on", "never").exit_code):equals(0)
      expect(p:check("Assets/loud.txt", "--fail-on=error").exit_code):equals(0)
      expect(p:check("Assets/loud.txt", "--fail-on=warning").exit_code):equals(4)
      expect(p:check("Assets/good.txt", "--fail-on=info").exit_code):equals(0)
    end)

    it("counts a broken rule as an error, and runs the others", function()
      p:put("checks/broken.lua", 'check "b" { files = "**/*.txt", run = function(file)\n'
        .. "  return file.pth\nend }\n")
      local list, result = p:findings()
      expect(result.exit_code):equals(4)
      expect(list):contains "error rule.broken checks/broken.lua"
      expect(list):contains "error text.tabs Assets/Props/tab.txt"
    end)

    it("is 3 where there are no rules", function()
      expect(refused(3, "--rules", "nope")):contains "there is no 'nope'"
      fs.mkdir(p:at "empty")
      expect(refused(3, "--rules", "empty")):contains "has no rule files"
    end)

    it("is 5 when it takes longer than --timeout", function()
      p:put("checks/slow.lua", 'check "slow" { files = "Assets/**", timeout = "1m",\n'
        .. '  run = function() orch.sleep "1m" end }\n')
      local result = p:check("--timeout", "200ms")
      expect(result.exit_code):equals(5)
      expect(result.stderr):contains "longer than --timeout"
    end)
  end)

  describe("words", function()
    it("are refused with what was probably meant", function()
      expect(refused(2, "--fail-on", "eror")):contains "did you mean 'error'?"
      expect(refused(2, "--chnged")):contains "did you mean '--changed'?"
      expect(refused(2, "--rule", "text.tab")):contains "did you mean 'text.tabs'?"
      expect(refused(2, "Asets/**/*.txt")):contains "no file matches 'Asets/**/*.txt'"
      expect(refused(2, "-j", "0")):contains "-j should be a whole number of at least 1"
      expect(refused(2, "--unsafe")):contains "--unsafe belongs to --fix or --diff"
      expect(refused(2, "--force")):contains "--force belongs to --undo"
      expect(refused(2, "--fix", "--watch")):contains "exclude each other"
      expect(refused(2, "--fix", "--update-baseline")):contains "two things to do"
      expect(refused(2, "--fix", "--list")):contains "two things to do"
      expect(refused(2, "--no-baseline", "--update-baseline")):contains "exclude each other"
      expect(refused(2, "-C", "nope")):contains "there is no such folder"
      expect(refused(2, "a\nb")):equals "orch: there is no 'a\\nb'\n"
      expect(refused(2, "--fix", "--diff")):contains "--diff only shows"
      expect(refused(2, "--explain", "text.tab")):contains "did you mean 'text.tabs'?"
      expect(refused(2, "--explain", "text.tabs", "--json")):contains "has no use for --json"
      expect(refused(2, "--list", "--sarif", "a.sarif")):contains "--list has no use for --sarif"
      expect(refused(2, "--undo", "--changed")):contains "--undo has no use for --changed"
      expect(refused(2, "--update-baseline", "--html", "a.html")):contains "no use for --html"
    end)

    it("choose rules", function()
      expect((p:findings("--rule", "text.t*"))):equals { "error text.tabs Assets/Props/tab.txt" }
      expect((p:findings("--rule", "text.tabs", "--rule", "text.shouting"))):equals {
        "error text.tabs Assets/Props/tab.txt", "warning text.shouting Assets/loud.txt" }
    end)
  end)

  describe("paths", function()
    it("are files, folders and globs", function()
      expect((p:findings "Assets/Props")):equals { "error text.tabs Assets/Props/tab.txt" }
      expect((p:findings "Assets/loud.txt")):equals { "warning text.shouting Assets/loud.txt" }
      expect((p:findings("Assets/*.txt"))):equals { "warning text.shouting Assets/loud.txt" }
      expect((p:findings(p:at "Assets/loud.txt"))):equals { "warning text.shouting Assets/loud.txt" }
    end)

    it("that are not there, or not in the project, get one sentence", function()
      expect(refused(2, "Assets/load.txt")):equals(
        "orch: there is no 'Assets/load.txt'; did you mean 'Assets/loud.txt'?\n")
      expect(refused(2, "/etc")):contains "'/etc' is not in the project"
      expect(refused(2, "../elsewhere")):contains "is not in the project"
    end)

    it("are offered as commands for where the person is", function()
      p.cwd = fs.path.dirname(p.folder)
      local name = fs.path.basename(p.folder)
      local out = p:check("-C", name).stdout
      expect(out):contains(("orch check -C %s --fix Assets/Props/tab.txt "):format(name))
      expect(out):contains(("safely: orch check -C %s --fix\n"):format(name))
      local done = p:check("-C", name, "--fix", "Assets/Props/tab.txt").stdout
      expect(done):matches(("back: orch check %%-C %s %%-%%-undo %%d+"):format(name:gsub("%p", "%%%0")))
    end)

    it("with rules of their own are a project, where there is none around them", function()
      p.cwd = fs.path.dirname(p.folder)
      local name = fs.path.basename(p.folder)
      local result = p:check(name)
      local function told(text) return (text:gsub("; [^\n]*", "")) end
      expect(told(result.stdout)):equals(told(p:check("-C", name).stdout))
      expect(result.stderr):equals(("orch: paths are relative to %s\n"):format(p.folder))
    end)

    it("may have characters of globs, line ends and bytes that are no UTF-8 in them", function()
      for _, name in ipairs { "a[1].txt", "b{x,y}.txt", "!c.txt", "d\ne.txt", "f\xff.txt", "*.txt" } do
        p:put("Odd/" .. name, "\t")
        local result = p:check("Odd/" .. name)
        expect(result.exit_code):equals(4)
        expect(result.stdout):contains "in 1 of 1 file"
      end
      p:put("[odd]/x.txt", "\t")
      expect((p:findings "[odd]")):equals { "error text.tabs [odd]/x.txt" }
    end)

    it("are those of where the person is, or of the report", function()
      p.cwd = p:at "Assets"
      local result = p:check "Props"
      expect(result.exit_code):equals(4)
      expect(result.stdout):contains "Assets/Props/tab.txt"
      expect(result.stderr):contains("orch: paths are relative to " .. p.folder)
      expect(p:check("Assets/Props/tab.txt").exit_code):equals(4)
      local found = p:findings()
      expect(#found):equals(2)
      p.cwd = p:at "Assets/Props"
      expect((p:findings())):equals { "error text.tabs Assets/Props/tab.txt" }
    end)

    it("-C works somewhere else", function()
      p.cwd = "/"
      expect(p:check("-C", p.folder, "Assets/Props").exit_code):equals(4)
      local result = test.run({ "-C", p.folder, "check", "Assets/Props" }, { cwd = "/" })
      expect(result.exit_code):equals(4)
    end)
  end)

  describe("reports", function()
    it("go where they are asked for", function()
      local result = p:check("--junit", "out/a.xml", "--sarif", "out/a.sarif",
        "--json=out/a.json")
      expect(result.exit_code):equals(4)
      expect(result.stdout):contains "Assets/Props/tab.txt"
      expect(p:read "out/a.xml"):contains "<testsuite"
      expect(json.decode(p:read "out/a.sarif").version):equals "2.1.0"
      expect(json.decode(p:read "out/a.json").counts.error):equals(1)
      expect(result.stderr):contains "orch: wrote out/a.xml"
    end)

    it("on standard output are the only thing there", function()
      local result = p:check "--json"
      expect(json.decode(result.stdout).counts):equals { error = 1, warning = 1, info = 0 }
      expect(p:check("--sarif", "-").stdout):matches "^%s*{"
    end)

    it("that cannot be written are told before anything runs", function()
      fs.mkdir(p:at "folder")
      expect(refused(2, "--junit", "folder")):contains "--junit folder: it is a folder"
      expect(refused(2, "--sarif", "Assets/good.txt/x")):contains "--sarif Assets/good.txt/x: "
      expect(refused(2, "--sarif", "x", "--junit", "./x")):contains "cannot both go to './x'"
      expect(p:exists ".orch/state.db"):equals(false)
    end)

    it("are annotations in GitHub Actions", function()
      local result = p:check("--github")
      expect(result.stdout):contains "::error file=Assets/Props/tab.txt"
      result = test.run({ "check" }, { cwd = p.folder, env = { GITHUB_ACTIONS = "true" } })
      expect(result.stdout):contains "::error file=Assets/Props/tab.txt"
      expect(p:check().stdout).never:contains "::error"
    end)
  end)

  describe("rules", function()
    it("are listed", function()
      local result = p:check "--list"
      expect(result.exit_code):equals(0)
      expect(result.stdout):matches "text%.tabs +error +Text files have no tabs"
      local list = json.decode(p:check("--list", "--json", "--rule", "*.shouting").stdout)
      expect(#list):equals(1)
      expect(list[1].fixes):equals { { name = "calm", label = "say it calmly", safe = false } }
      expect(p:check("--list", "--html", "-").stdout):contains '<article id="text.tabs">'
    end)

    it("are explained, also those of orch itself", function()
      local result = p:check("--explain", "text.tabs")
      expect(result.exit_code):equals(0)
      expect(result.stdout):contains "Tabs look different everywhere."
      expect(result.stdout):contains "max = 0"
      expect(result.stdout):contains "orch check --fix --rule text.tabs"
      expect(result.stdout):contains "checks/text.lua:5"
      expect(p:check("--explain", "rule.broken").stdout):contains "Rules run without errors"
      expect(p:check("--explain", "waiver.expired").exit_code):equals(0)
    end)

    it("come from elsewhere with --rules", function()
      p:put("more/one.lua", 'check "one" { files = "**/loud.txt", run = function(file) '
        .. 'file:info "seen" end }')
      expect((p:findings("--rules", "more"))):equals { "info one Assets/loud.txt" }
      expect((p:findings("--rules", "more/one.lua", "--rules", "checks", "Assets/loud.txt")))
        :equals { "info one Assets/loud.txt", "warning text.shouting Assets/loud.txt" }
    end)

    it("that come with orch run where checks/ has only waivers or a baseline", function()
      local set = require "orch.check.shipped"
      if not set.text(set.files[1]) then test.skip "no rules come with orch yet" end
      fs.remove(p:at "checks/text.lua")
      p:put("checks/baseline.jsonl", '{"orch_baseline":1}\n')
      expect(p:check().exit_code).never:equals(3)
    end)
  end)

  it("completes ids of rules, levels and what follows a flag without a value", function()
    local function offers(line)
      local words = test.run({ "__complete", "1", "zsh", "", "orch check " .. line },
        { cwd = p.folder }).stdout
      return (words:gsub("\t[^\n]*", ""):gsub("\n", " "):gsub(" $", ""))
    end
    expect(offers "--rule text."):equals "words text.tabs text.shouting"
    expect(offers "--explain text.t"):equals "words text.tabs"
    expect(offers "--fail-on w"):equals "words warning"
    expect(offers "--json --rule text.t"):equals "words text.tabs"
    expect(offers "--undo --fo"):equals "words --force"
    expect(offers "--changed --st"):equals "words --staged"
    expect(offers "--changed "):equals "files"
  end)

  it("ends with 130 by Ctrl-C", function()
    p:put("checks/slow.lua", 'check "slow" { files = "Assets/**", timeout = "1m",\n'
      .. '  run = function() orch.sh "touch begun" orch.sleep "1m" end }\n')
    local child <close> = orch.process.spawn { require("orch.core.runtime").executable(), "check",
      cwd = p.folder, check = false, stderr = "stdout" }
    while not p:exists "begun" do orch.sleep "10ms" end
    child:signal "INT"
    local text = child.stdout:read "all"
    expect(child:wait().exit_code):equals(130)
    expect(text):contains "orch: interrupted"
  end)
end)
