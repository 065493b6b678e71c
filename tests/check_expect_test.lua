-- check.expect: rules in tests; and `orch new check`, which writes a rule with one.

local fs = orch.fs

local folder

before_each(function() folder = fs.temp_dir() end)

local function write(path, text)
  fs.mkdir(fs.path.dirname(folder .. "/" .. path))
  fs.write(folder .. "/" .. path, text, { sync = false })
end

local function run(...) return test.run({ ... }, { cwd = folder, env = { NO_COLOR = "1" } }) end

-- A case beside the rules of `folder`, as an artist writes it; its report.
local function report(code)
  write("checks/a_test.lua", 'it("a", function()\n' .. code .. "\nend)\n")
  local result = run("test", "checks")
  return result.stdout .. result.stderr, result.exit_code
end

local RULE = [[
check "own.size" { files = "Assets/**/*_N.{png,tga}",
  config = { { "Assets/UI/**", max = 16 }, { "Assets/**", max = 64 } },
  run = function(file, cfg)
    local img = orch.image.info(file.path)
    if img.width > cfg.max then
      file:warning { "%d px wide", img.width, found = img.width, wanted = cfg.max }
    end
  end }
check "texture.size" { files = "**/*.png", run = function(file) file:info "of this project" end }
]]

describe("check.expect", function()
  it("runs the rules beside the test, and those that come with orch", function()
    write("checks/a.lua", RULE)
    local text, code = report [[
      check.expect("own.size", { width = 64 }):passes()
      check.expect("own.size", { width = 65 }):fails()
      check.expect("own.size", { width = 65 }):fails { found = 65, wanted = "64",
        message = "^65 px", severity = "warning", path = "Assets/T_Test_N.png" }
      check.expect("own.size", { width = 32, path = "Assets/UI/a_N.tga" }):fails { wanted = 16 }
      check.expect("own.size", { width = 32 }, { config = { max = 8 } }):fails { wanted = 8 }
      check.expect("own.size", { width = 32 }, { as = "Assets/UI/x_N.png" }):fails { wanted = 16 }
      check.expect("texture.size", {}):fails { message = "of this project" }
      check.expect("audio.rate", { rate = 96000 }):fails()
      expect(check.expect("own.size", { width = 65 }).findings[1].rule):equals "own.size"]]
    expect(code):equals(0)
    expect(text):contains "1 passed"
  end)

  it("takes files beside the test, from the project, and whole folders", function()
    write("checks/a.lua", RULE)
    local png = orch.image.encode { width = 80, height = 2, channels = 1, bits = 8,
      data = ("x"):rep(160) }
    write("checks/data/a_N.png", png)
    write("Assets/b_N.png", png)
    write("checks/tree/Assets/c_N.png", png)
    local text, code = report [[
      check.expect("own.size", "data/a_N.png", { as = "Assets/a_N.png" }):fails { found = 80 }
      check.expect("own.size", "Assets/b_N.png"):fails { path = "Assets/b_N.png" }
      check.expect("own.size", "tree"):fails { path = "Assets/c_N.png" }
      check.expect("texture.unused-alpha", "data/a_N.png"):passes()]]
    expect(text):contains "1 passed"
    expect(code):equals(0)
  end)

  it("shows what the rule has said instead", function()
    write("checks/a.lua", RULE)
    local text = report [[check.expect("own.size", { width = 99 }):passes()]]
    expect(text):contains "expected 'own.size' with { width = 99 } to pass"
    expect(text):contains "it said:\n    warning: 99 px wide\n"
    expect(text):contains "found:  99"
    text = report [[check.expect("own.size", { width = 9 }):fails { found = 9 }]]
    expect(text):contains "to fail with found = 9"
    expect(text):contains "it said nothing"
    text = report [[check.expect("own.size", { width = 99 }):fails { found = 98 }]]
    expect(text):contains "expected 'own.size' with { width = 99 } to fail with found = 98"
  end)

  it("does not pass what was never looked at", function()
    write("checks/a.lua", RULE)
    expect((report [[check.expect("own.siz", {})]])):contains "did you mean 'own.size'?"
    expect((report [[check.expect("own.size", { widht = 1 })]])):contains "did you mean 'width'?"
    expect((report [[check.expect("own.size", { path = "a.png" }):passes()]]))
      :contains "the rule 'own.size' does not look at 'a.png'; its files are Assets/**/*_N."
    expect((report [[check.expect("own.size", "gone.png")]]))
      :contains "there is no 'gone.png' beside the test or in its project"
    expect((report [[check.expect("own.size", {}):fails { fond = 1 }]])):contains "`found`"
    expect((report [[check.expect("texture.unused-alpha", { alpha = true })]]))
      :contains "which is made up: give it a file that is there"
  end)

  it("fails where the rule itself does", function()
    write("checks/a.lua", 'check "own.typo" { files = "**/*.png", run = function(file)\n'
      .. "  return orch.image.info(file.path).widht\nend }\n")
    local text = report [[check.expect("own.typo", {}):passes()]]
    expect(text):contains "checks/a.lua:2: an image has no field 'widht'; did you mean 'width'?"
    write("checks/a.lua", 'check "own.x" {')
    expect((report [[check.expect("own.x", {})]])):contains "checks/a.lua:1: "
  end)

  it("leaves nothing behind", function()
    check.expect("texture.size", { width = 4096, path = "made/up.png" }):fails()
    expect(function() orch.image.info "made/up.png" end):raises "os"
  end)
end)

describe("orch new check", function()
  it("writes a rule that works, with its test, and keeps the rules of orch", function()
    local result = run("new", "check", "textures")
    expect(result.stdout):contains "wrote checks/textures.lua, and checks/textures_test.lua"
    expect(run("test", "checks").stdout):contains "2 passed, 0 failed"
    write("Assets/strip.png", orch.image.encode { width = 64, height = 2, channels = 1, bits = 8,
      data = ("x"):rep(128) })
    write("Assets/readme.txt", "a\r\nb\n")
    result = run("check", "--no-cache")
    expect(result.stdout):contains "one side is 32.0 times the other"
    expect(result.stdout):contains "files.line-endings"
    expect(result.stdout).never:contains "rule.config"
  end)

  it("copies rules that come with orch, to be changed", function()
    local result = run("new", "check", "--from", "texture.size")
    local line = result.stdout:match "edit checks/texture.lua:(%d+)"
    local n, text = 0, nil
    for one in fs.read(folder .. "/checks/texture.lua"):gmatch "([^\n]*)\n" do
      n = n + 1
      if n == tonumber(line) then text = one end
    end
    expect(text):equals 'check "texture.size" {'
    write("Assets/a.png", orch.image.encode { width = 128, height = 128, channels = 1, bits = 8,
      data = ("x"):rep(128 * 128) })
    local copy = fs.read(folder .. "/checks/texture.lua"):gsub("max = 2048", "max = 64")
    write("checks/texture.lua", copy)
    local found = orch.json.decode(run("check", "--no-cache", "--json", "-").stdout).findings
    expect({ #found, found[1].message }):equals { 1,
      "128 x 128 is bigger than the 64 px budget for this folder" }
  end)

  it("overwrites nothing, and says what it knows", function()
    write("checks/textures_test.lua", "mine")
    local result = run("new", "check", "textures")
    expect(result.exit_code):equals(7)
    expect(fs.exists(folder .. "/checks/textures.lua")):equals(false)
    expect(run("new", "check", "--from", "texture.siz").stderr):contains "'texture.size'?"
    expect(run("new", "pipeline", "--from", "texture.size").stderr):contains "is for rules"
    expect(run("new", "check", "a_test").exit_code):equals(2)
    expect(run("new", "check", "rules/x").stdout):contains "orch check --rules rules --rule x.strip"
  end)
end)
