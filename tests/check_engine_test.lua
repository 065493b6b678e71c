-- Rules and the engine that runs them: what applies where, what a rule may do wrong, and what is
-- remembered.

local engine = require "orch.check.engine"
local fs = orch.fs
local load = require "orch.check.load"

--- The smallest PNG there is, with another size in its header.
local function png(width, height)
  local ihdr = "IHDR" .. string.pack(">I4I4", width, height) .. "\8\2\0\0\0"
  local function crc(text)
    local sum = 0xFFFFFFFF
    for i = 1, #text do
      sum = sum ~ text:byte(i)
      for _ = 1, 8 do sum = sum & 1 == 1 and sum >> 1 ~ 0xEDB88320 or sum >> 1 end
    end
    return string.pack(">I4", sum ~ 0xFFFFFFFF)
  end
  local idat = "IDAT" .. "x\1\1\0\0\255\255\0\0\0\1"
  return "\137PNG\r\n\26\n" .. string.pack(">I4", 13) .. ihdr .. crc(ihdr)
    .. string.pack(">I4", #idat - 4) .. idat .. crc(idat)
    .. string.pack(">I4", 0) .. "IEND" .. crc "IEND"
end

local function project()
  local folder = fs.temp_dir()
  local self = { folder = folder }
  function self.write(path, text)
    fs.mkdir(fs.path.dirname(folder .. "/" .. path))
    fs.write(folder .. "/" .. path, text, { sync = false })
  end
  --- Files are old: their times vouch for them.
  function self.age()
    orch.sh("find . -exec touch -d '1 hour ago' {} +", nil, { cwd = folder })
  end
  function self.check(opts)
    opts = opts or {}
    opts.ruleset, opts.folder = load { folder = folder, rules = opts.rules }, folder
    opts.rules = nil
    return engine.run(opts)
  end
  return self
end

local function of(result, rule)
  local list = {}
  for _, finding in ipairs(result.findings) do
    if finding.rule == rule then list[#list + 1] = finding end
  end
  return list
end

local SIZE = [[
  check "size" { files = "**/*.png", config = { { "UI/**", max = 16 }, { "**", max = 64 } },
    run = function(file, cfg)
      local img = orch.image.info(file.path)
      if img.width > cfg.max then
        file:error { "%d px wide", img.width, found = img.width, wanted = cfg.max }
      end
    end }
]]

describe("a check", function()
  it("runs rules over the files that their globs find, with the folder's settings", function()
    local p = project()
    p.write("checks/a.lua", SIZE)
    p.write("UI/button.png", png(32, 32))
    p.write("World/rock.png", png(32, 32))
    p.write("World/Wall.PNG", png(128, 4))
    p.write("notes.txt", "no picture")
    local result = p.check()
    expect(#result.findings):equals(2)
    local button, wall = result.findings[1], result.findings[2]
    expect({ button.path, button.message, button.found, button.wanted, button.severity }):equals {
      "UI/button.png", "32 px wide", "32", "16", "error" }
    expect(wall.path):equals "World/Wall.PNG"
    expect(button.template):equals "%d px wide"
    expect(button.key):matches "^%x+$"
    expect(result.counts):equals { error = 2, warning = 0, info = 0 }
    expect(result.files):equals(5)
  end)

  it("looks only at what is asked for, also through rules about the project", function()
    local p = project()
    p.write("checks/a.lua", SIZE .. [[
      check "twins" { scope = "project", files = "**/*.png", severity = "warning",
        run = function(files)
          local first
          for file in files:each() do
            if first then file:problem { "like %s", first.path, related = first } end
            first = first or file
          end
        end }]])
    p.write("UI/a.png", png(32, 32))
    p.write("World/a.png", png(128, 32))
    p.write("World/b.png", png(8, 32))
    local result = p.check { paths = { "World" } }
    expect(result.files):equals(2)
    expect(#of(result, "size")):equals(1)
    local twins = of(result, "twins")
    expect(#twins):equals(2)
    expect({ twins[1].path, twins[1].message, twins[1].related }):equals {
      "World/a.png", "like UI/a.png", { { path = "UI/a.png" } } }
    expect(#of(p.check { files = { "World/b.png" } }, "twins")):equals(1)
    expect(#p.check({ only = { "si*" } }).findings):equals(2)
  end)

  it("makes a finding of each rule that fails, in its own file, and goes on", function()
    local p = project()
    p.write("checks/a.lua", [[
check "typo" { run = function(file) return file.pth end }
check "crash" {
  run = function(file)
    local t = nil
    return t.x
  end }
check "unknown" { run = function(file) file:error { "x", wantd = 1 } end }
check "fine" { run = function(file) file:info "seen" end }
]])
    p.write("checks/b.lua", "check 'half' {\n  run = function(file) end\n")
    p.write("checks/c.lua", "check 'x' { flies = '*', run = print }")
    p.write("a.txt", "a")
    local result = p.check { files = { "a.txt" } }
    expect(#of(result, "fine")):equals(1)
    local broken = {}
    for _, finding in ipairs(of(result, "rule.broken")) do
      broken[#broken + 1] = finding.path .. ":" .. tostring(finding.line) .. " " .. finding.message
        .. (finding.hint and "; " .. finding.hint or "")
      expect(finding.code.text):is_a "string"
    end
    expect(table.concat(broken, "\n")):equals(
      "checks/a.lua:1 a file has no 'pth'; did you mean 'path'?\n"
      .. "checks/a.lua:5 attempt to index a nil value (local 't')\n"
      .. "checks/a.lua:7 file:error has no option `wantd`; did you mean `wanted`?\n"
      .. "checks/b.lua:3 '}' expected (to close '{' at line 1) near <eof>; the '{' of line 1 is "
      .. "never closed\n"
      .. "checks/c.lua:1 check 'x' has no option `flies`; did you mean `files`?")
  end)

  it("stops a rule that never ends, whether it waits or not", function()
    local p = project()
    p.write("checks/a.lua", [[
      check "sleeps" { timeout = 0.2, run = function(file) orch.sleep "1h" end }
      check "turns" { timeout = 0.2, run = function(file) while true do pcall(error) end end }
      check "fine" { run = function(file) file:info "seen" end }]])
    p.write("a.txt", "a")
    local result = p.check { files = { "a.txt" } }
    expect(#of(result, "fine")):equals(1)
    local broken = of(result, "rule.broken")
    expect(#broken):equals(2)
    for _, finding in ipairs(broken) do
      expect(finding.message):contains "has looked at a file for more than 0.2 s and was stopped"
      expect(finding.related[1].path):equals "a.txt"
    end
  end)

  it("says where the fields of headers are, and that a finding is one table", function()
    local p = project()
    p.write("checks/a.lua", [[
      check "fields" { files = "*.txt", run = function(file) return file.width end }
      check "words" { files = "*.txt", run = function(file) file:error("%d px", 3) end }]])
    p.write("a.txt", "a")
    local said = {}
    for i, finding in ipairs(of(p.check(), "rule.broken")) do said[i] = finding.message end
    expect(said):equals {
      "a file has no 'width'; what its header says is in orch.image.info(file.path).width",
      'file:error takes one table, such as file:error { "%d px wide", img.width }' }
  end)

  it("says of a number that the config does not have what was meant", function()
    local p = project()
    p.write("checks/a.lua", [[
      check "typo" { files = "*.txt", config = { { "UI/**", max = 1 }, { "**", max = 3 } },
        run = function(file, cfg)
          if file.size > cfg.maxx then file:error "large" end
        end }
      check "plain" { files = "*.txt", config = { least = 3 }, run = function(file, cfg)
        file:error { "%d", cfg.least + cfg.other } end }]])
    p.write("a.txt", "a")
    local said = {}
    for i, finding in ipairs(of(p.check(), "rule.broken")) do said[i] = finding.hint end
    expect(said):equals { "`config` of the rule has no `maxx`; did you mean `max`?",
      "`config` of the rule has no `other`" }
  end)

  it("does not wait for a rule that never ends once for each file", function()
    local p = project()
    p.write("checks/a.lua", [[
      check "turns" { files = "*.txt", timeout = 0.1, run = function(file) while true do end end }
      check "asks" { files = "*.txt", run = function(file) error("no '" .. file.path .. "'") end }
      check "fine" { files = "*.txt", run = function(file) file:info "seen" end }]])
    for i = 1, 12 do p.write(i .. ".txt", "a") end
    local result = p.check { jobs = 2 }
    expect(#of(result, "fine")):equals(12)
    local said = {}
    for i, finding in ipairs(of(result, "rule.broken")) do said[i] = finding.message end
    expect(said):equals {
      "it has looked at 3 files for more than 0.1 s each, and is not run for the others",
      "it has looked at a file for more than 0.1 s and was stopped", "no the file" }
    expect(#of(p.check { jobs = 2 }, "rule.broken")):equals(3)
  end)

  it("lets no rule change the project", function()
    local p = project()
    p.write("checks/a.lua", [[
      check "writes" { files = "*.txt", run = function(file) orch.fs.write(file.path, "") end }
      check "removes" { files = "*.txt", run = function(file) orch.fs.remove(file.path) end }
      check "keeps" { files = "*.txt", run = function(file)
        orch.fs.write(orch.fs.temp_dir() .. "/notes", "elsewhere")
        file:info "seen"
      end }]])
    p.write("a.txt", "precious")
    local result = p.check()
    expect(fs.read(p.folder .. "/a.txt")):equals "precious"
    expect(#of(result, "keeps")):equals(1)
    expect(of(result, "rule.broken")[1].message):equals("fs.write would change the file: rules "
      .. "only look, as many run at once; what mends a file is a fix")
    expect(#of(result, "rule.broken")):equals(2)
  end)

  it("says of a file that cannot be read once what is wrong with it", function()
    local p = project()
    p.write("checks/a.lua", SIZE .. SIZE:gsub('"size"', '"other"'))
    p.write("cut.png", png(8, 8):sub(1, 20))
    p.write("empty.png", "")
    local result = p.check()
    local broken = of(result, "asset.broken")
    expect(#broken):equals(2)
    expect(#of(result, "size") + #of(result, "rule.broken")):equals(0)
    expect(broken[1].path):equals "cut.png"
    expect(broken[1].message):contains "is not a valid PNG"
    expect(broken[2].message):equals "is not a valid PNG: it is empty"
  end)

  it("tells of settings that are for no file", function()
    local p = project()
    p.write("checks/a.lua", (SIZE:gsub("UI/%*%*", "Ui/**")))
    p.write("UI/button.png", png(32, 32))
    local found = of(p.check(), "rule.config")
    expect(#found):equals(1)
    expect({ found[1].path, found[1].line, found[1].severity, found[1].hint }):equals {
      "checks/a.lua", 1, "warning", "did you mean 'UI'?" }
  end)

  it("refuses to run without rules", function()
    local p = project()
    local err = expect(function() p.check { rules = "lost" } end):raises "rules"
    expect(err.message):contains "there is no 'lost'"
    fs.mkdir(p.folder .. "/checks")
    err = expect(function() p.check() end):raises "rules"
    expect(err.message):contains "'checks' has no rule files (*.lua) in it"
    p.write("checks/a.lua", "local x = 1")
    err = expect(function() p.check() end):raises "rules"
    expect(err.message):contains "checks declares no rules"
  end)
end)

describe("rule files", function()
  it("cannot take back what is ignored", function()
    local p = project()
    p.write("checks/a.lua", SIZE .. "check.ignore('Old/**', '!Old/new.png')")
    expect(of(p.check(), "rule.broken")[1].message):contains "'!Old/new.png' takes nothing back"
  end)

  it("configure, ignore, and see nothing of each other's globals", function()
    local p = project()
    p.write("checks/a.lua", SIZE .. "shared = 1\ncheck.ignore 'Old/**'")
    p.write("checks/b.lua", [[
      check.configure("size", { config = { max = 4 }, severity = "info" })
      check "globals" { run = function(file) file:info { tostring(shared) } end }]])
    p.write("checks/helper_test.lua", "error 'no rule file'")
    p.write("Old/a.png", png(128, 128))
    p.write("New/a.png", png(8, 8))
    local result = p.check()
    expect(#of(result, "size")):equals(1)
    expect(of(result, "size")[1].path):equals "New/a.png"
    expect(of(result, "globals")[1].message):equals "nil"
  end)

  it("may not give two rules one name, or configure one that is not there", function()
    local p = project()
    p.write("checks/a.lua", SIZE)
    p.write("checks/b.lua", SIZE)
    p.write("checks/c.lua", "check.configure('sise', { severity = 'info' })")
    local broken = of(p.check { files = {} }, "rule.broken")
    expect(#broken):equals(2)
    expect(broken[1].message):equals("check 'size' is there already, in checks/a.lua:1; give one "
      .. "of them another name")
    expect(broken[2].message):equals(
      "check.configure: there is no rule 'sise'; did you mean 'size'?")
  end)

  it("require modules beside them, whose code counts as theirs", function()
    local p = project()
    p.write("checks/studio/limits.lua", "return { max = 4 }")
    p.write("checks/a.lua", [[
      local limits = require "studio.limits"
      check "limit" { files = "*.txt", run = function(file) file:info { "%d", limits.max } end }]])
    p.write("a.txt", "a")
    fs.move(p.folder .. "/checks/studio", p.folder .. "/studio_away")
    fs.mkdir(p.folder .. "/checks/lib")
    fs.move(p.folder .. "/studio_away", p.folder .. "/checks/lib/studio")
    local broken = of(p.check(), "rule.broken")
    expect(broken[1].message):contains "studio.limits"
  end)
end)

describe("what a check remembers", function()
  local p
  local LINES = [[
    check "lines" { files = "*.txt", run = function(file)
      local text = orch.fs.read(file.path)
      if text:find "\r" then file:warning { "has carriage returns", line = 1 } end
    end }
    check "pair" { files = "*.txt", run = function(file)
      if not orch.fs.exists(file.stem .. ".meta") then file:error "has no .meta" end
    end }
    check "all" { scope = "project", files = "*.txt", run = function(files)
      for file in files:each() do file:info { "one of %d", #files } end
    end }]]

  before_each(function()
    p = project()
    p.write("checks/a.lua", LINES)
    for i = 1, 5 do p.write(i .. ".txt", "text\r\n" .. i) end
    p.write("1.meta", "")
    p.age()
  end)

  local function texts(result)
    local list = {}
    for _, finding in ipairs(result.findings) do
      list[#list + 1] = finding.path .. " " .. finding.rule .. " " .. finding.message
    end
    return list
  end

  it("gives the same answer again without running anything", function()
    local first = p.check()
    expect(first.checked):equals(5)
    expect(#first.findings):equals(5 + 4 + 5)
    local again = p.check()
    expect(again.checked):equals(0)
    expect(texts(again)):equals(texts(first))
    expect(again.counts):equals(first.counts)
    local anew = p.check { cache = false }
    expect(anew.checked):equals(5)
    expect(texts(anew)):equals(texts(first))
  end)

  it("runs again only for what has changed", function()
    p.check()
    p.write("2.txt", "text")
    local result = p.check()
    expect(result.checked):equals(1)
    expect(#of(result, "lines")):equals(4)
    p.write("6.txt", "new")
    fs.remove(p.folder .. "/3.txt")
    result = p.check()
    expect(result.checked):equals(1)
    expect(#of(result, "lines")):equals(3)
    expect(of(result, "all")[1].message):equals "one of 5"
  end)

  it("goes by content, not by time", function()
    p.check()
    orch.sh("touch *.txt", nil, { cwd = p.folder })
    expect(p.check().checked):equals(0)
  end)

  it("runs a rule again whose code has changed, and no other", function()
    p.check()
    p.write("checks/a.lua", (LINES:gsub("has no .meta", "lacks its .meta")))
    local result = p.check()
    expect(of(result, "pair")[1].message):equals "lacks its .meta"
    expect(#result.findings):equals(14)
    p.write("checks/a.lua", "-- a comment\n" .. LINES:gsub("has no .meta", "lacks its .meta"))
    result = p.check { files = { "2.txt", "3.txt" } }
    expect(result.checked):equals(0)
  end)

  it("knows which other files a rule has looked at", function()
    p.check()
    p.write("4.meta", "")
    local result = p.check()
    expect(#of(result, "pair")):equals(3)
    fs.remove(p.folder .. "/1.meta")
    expect(#of(p.check(), "pair")):equals(4)
  end)

  it("knows of what else a model is made, whichever rule has read it first", function()
    local function rule(id)
      return ([[check "%s" { files = "*.obj", run = function(file)
        file:info { "%%s", orch.model.info(file.path).materials[1].textures.map_kd or "none" }
      end }]]):format(id)
    end
    p.write("checks/b.lua", rule "first" .. "\n" .. rule "second")
    p.write("a.obj", "mtllib a.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    p.write("a.mtl", "newmtl m\nmap_Kd old.png\n")
    p.age()
    expect(of(p.check(), "second")[1].message):equals "old.png"
    p.write("a.mtl", "newmtl m\nmap_Kd new.png\n")
    local result = p.check()
    expect(of(result, "first")[1].message):equals "new.png"
    expect(of(result, "second")[1].message):equals "new.png"
  end)

  it("keeps what other rules have found when only one is asked for", function()
    p.check()
    p.write("2.txt", "text")
    expect(#p.check({ only = { "lines" } }).findings):equals(4)
    local result = p.check()
    expect(#result.findings):equals(4 + 4 + 5)
    expect(#p.check({ only = { "pair" } }).findings):equals(4)
    expect(p.check().checked):equals(0)
  end)

  it("does not remember rules that failed, nor those that say so", function()
    p.write("checks/a.lua", [[
      local n = 0
      check "count" { files = "1.txt", cache = false, run = function(file)
        n = n + 1
        file:info { "run %d", n }
      end }
      check "fails" { files = "2.txt", run = function(file) error "no" end }]])
    local first = p.check()
    local again = p.check()
    expect(#again.findings):equals(2)
    expect(again.checked):greater_than(0)
    expect(#first.findings):equals(2)
  end)

  it("is done without where nothing can be written", function()
    p.write(".orch", "in the way")
    local result = p.check()
    expect(#result.findings):equals(14)
    expect(result.warning):contains "nothing is remembered"
  end)
end)
