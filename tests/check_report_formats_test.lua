-- A check for programs: JSON, SARIF, JUnit XML and the annotations of GitHub.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local results = dofile(here .. "/helper/check_result.lua")
local github = require "orch.check.report.github"
local json = orch.json
local fs, process = orch.fs, orch.process
local to_json = require "orch.check.report.json"
local junit = require "orch.check.report.junit"
local sarif = require "orch.check.report.sarif"

local function all_results()
  return {
    few = results.few(), aside = results.few(results.aside()), many = results.many(200),
    broken = results.broken(), evil = results.evil(), none = results.of {},
  }
end

describe("JSON", function()
  local function decoded(result) return json.decode(to_json(result)) end

  it("has what a program may want to know", function()
    local of = decoded(results.few(results.aside()))
    expect(of.version):equals(1)
    expect({ of.folder, of.files, of.checked, of.cached }):equals { "/srv/game", 1204, 24, 1180 }
    expect(of.counts):equals { error = 3, warning = 1, info = 2 }
    expect(of.costs):equals { vram = 21495808, disk = 310000, ms = 0.4 }
    expect(of.fixable):equals { safe = 1, unsafe = 2 }
    expect({ #of.findings, #of.waived, of.baselined, #of.fixed }):equals { 6, 1, 310, 1 }
    expect(of.waived[1].waiver.owner):equals "@anna"
    expect(of.fixed[1]):equals { path = "Assets/Props/T_Door_N.png", rule = "texture.normal-map",
      fix = "untag", label = "remove the sRGB tag", safe = true, undo = "20261122-200000" }
  end)

  it("has each finding whole", function()
    for _, one in ipairs(decoded(results.few()).findings) do
      if one.rule == "texture.size" then
        expect(one):equals { rule = "texture.size", severity = "error",
          path = "Assets/Props/T_Crate_N.png", fix = "resize", found = "4096 x 4096",
          message = "4096 x 4096 is bigger than the 2048 px budget for this folder",
          wanted = "at most 2048 px", cost = { vram = 16777216 }, key = one.key,
          hint = "resize it in your paint program, or raise the budget of this folder in the rule",
          pictures = { { picture = "thumb", path = "Assets/Props/T_Crate_N.png", size = 160 } } }
        expect(one.key):matches "^%x+$"
        return
      end
    end
    error "the finding is not there"
  end)

  it("has the rules with their fixes, and addresses that can be opened", function()
    local rules = decoded(results.few()).rules
    expect(#rules):equals(5)
    expect(rules[4].id):equals "texture.size"
    expect(rules[4].fixes):equals { resize = { label = "resize to the budget", safe = false } }
    expect(rules[4].docs):equals "https://wiki.example.net/art/textures#texture.size"
    expect(rules[4].config[1]):equals { glob = "Assets/UI/**", values = { max = 1024 } }
    expect(rules[1].config):equals {}
    expect(rules[1].docs):is_nil()
  end)

  it("has empty lists as lists, and survives any text and value", function()
    expect(to_json(results.of {})):contains '"findings": []'
    local result = results.of { { rule = "a", severity = "info", path = "a", message = "m",
      found = print, wanted = 0 / 0, hint = "h\xff",
      cost = { vram = math.huge, [1] = 2, [true] = 3 }, related = {} } }
    local one = decoded(result).findings[1]
    expect({ one.found, one.wanted, one.hint }):equals { nil, nil, "h\u{FFFD}" }
    expect(to_json(result)):contains '"related": []'
    expect(decoded(results.evil()).counts.error):equals(9)
  end)
end)

describe("SARIF", function()
  local function run_of(result)
    local log = json.decode(sarif(result))
    expect(log.version):equals "2.1.0"                            -- 3.13.2
    expect(#log.runs):equals(1)
    return log.runs[1], log
  end

  it("has the frame that the standard asks for", function()
    local run, log = run_of(results.few())
    expect(log["$schema"]):matches "sarif%-schema%-2%.1%.0%.json$" -- 3.13.3
    expect(run.tool.driver.name):equals "orch"                     -- 3.19.8
    expect(run.tool.driver.version):matches "^%d+%.%d+%.%d+"       -- 3.19.13
    expect(run.invocations[1].executionSuccessful):equals(true)    -- 3.20.14
    expect(run.originalUriBaseIds.PROJECT.uri):equals "file:///srv/game/" -- 3.14.14
    expect(run.columnKind):equals "unicodeCodePoints"              -- 3.14.17
  end)

  it("has each result with its rule, place, level and fingerprint", function()
    for _, result in pairs(all_results()) do
      local run = run_of(result)
      local rules = run.tool.driver.rules
      expect(#run.results):equals(#result.findings + #result.waived)
      for _, one in ipairs(run.results) do
        expect(rules[one.ruleIndex + 1].id):equals(one.ruleId)     -- 3.27.6, 3.49.3
        expect(one.level):matches "^[enw][ora][rtr][oen]"          -- 3.27.10: error, note, warning
        expect(#one.message.text):greater_than(0)                  -- 3.27.11
        local place = one.locations[1].physicalLocation            -- 3.28.3
        expect(place.artifactLocation.uri):matches "^[%w._~/%%-]*$" -- 3.4.3, RFC 3986
        expect(place.region.startLine):greater_than(0)             -- 3.30.5
        expect(one.partialFingerprints["orchKey/v1"]):is_a "string" -- 3.27.17
      end
      local ids = {}
      for _, rule in ipairs(rules) do
        expect(ids[rule.id]):is_nil()                              -- 3.49.3: unique
        ids[rule.id] = true
        expect(#rule.help.text):greater_than(0)                    -- 3.49.13
        expect(rule.shortDescription.text):is_a "string"           -- 3.49.9
      end
    end
  end)

  it("encodes paths, so that each is one again when it is decoded", function()
    local result = results.evil()
    local run = run_of(result)
    for i, one in ipairs(run.results) do
      local uri = one.locations[1].physicalLocation.artifactLocation.uri
      local path = uri:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
      local finding = result.findings[i] or result.waived[i - #result.findings]
      expect(path):equals(finding.path)
    end
  end)

  it("says of a rule why it is there and where more stands", function()
    local rules = run_of(results.few()).tool.driver.rules
    expect(rules[4].fullDescription.text):contains "four times the memory"
    expect(rules[4].help.text):contains "Fix: resize to the budget (changes the content)"
    expect(rules[4].helpUri):equals "https://wiki.example.net/art/textures#texture.size"
    expect(rules[4].defaultConfiguration.level):equals "error"
    expect(rules[5].defaultConfiguration.level):equals "note"
    expect(rules[1].helpUri):is_nil()
  end)

  it("has the line of a broken rule, related files, and where in a document it is", function()
    local run = run_of(results.broken())
    local found
    for _, one in ipairs(run.results) do
      local place = one.locations[1].physicalLocation
      if place.artifactLocation.uri == "checks/textures.lua" then found = place.region end
    end
    expect({ found.startLine, found.startColumn }):equals { 14, 24 }
    expect(found.snippet.text):contains "img.widht"
    run = run_of(results.of { { rule = "a", severity = "error", path = "a", message = "[x](y) [z]",
      pointer = "/meshes/0", related = { { path = "b c", line = 4, note = "there" } } } })
    expect(run.results[1].locations[1].logicalLocations[1].fullyQualifiedName):equals "/meshes/0"
    expect(run.results[1].relatedLocations[1].physicalLocation.artifactLocation.uri):equals "b%20c"
    expect(run.results[1].relatedLocations[1].message.text):equals "there"
    expect(run.results[1].message.text):equals "\\[x](y) [z]"      -- 3.11.6
  end)

  it("has what was waived as suppressed, with the reason", function()
    local run = run_of(results.few(results.aside()))
    local last = run.results[#run.results]
    expect(last.suppressions):equals { { kind = "external", status = "accepted", -- 3.35
      justification = "the boss fills the screen, by @anna, until 2026-12-31" } }
    for i = 1, #run.results - 1 do expect(run.results[i].suppressions):is_nil() end
  end)

  it("is valid by the published schema", function()
    local schema = os.getenv "ORCH_SARIF_SCHEMA"
    if not schema then
      test.skip "ORCH_SARIF_SCHEMA names no schema (npm: @microsoft/jest-sarif)"
    end
    for name, result in pairs(all_results()) do
      local file = test.temp_dir() .. "/" .. name .. ".sarif"
      fs.write(file, sarif(result))
      process.run { "python3", "-c", [[
import json, sys, jsonschema
schema, log = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.validators.validator_for(schema)(schema).validate(log)]], schema, file }
    end
  end)
end)

describe("JUnit", function()
  local function cases(xml) return select(2, xml:gsub("<testcase ", "")) end

  it("is well-formed, whatever findings say", function()
    for name, result in pairs(all_results()) do
      local file = test.temp_dir() .. "/" .. name .. ".xml"
      fs.write(file, junit(result))
      process.run { "xmllint", "--noout", file }
    end
  end)

  it("has a suite for each rule, and a case for each file with findings", function()
    local xml = junit(results.few(results.aside()))
    expect(xml):contains '<testsuites name="orch check" tests="7" failures="3" errors="0"'
    expect(xml):contains
      '<testsuite name="texture.size" tests="2" failures="1" errors="0" skipped="1"'
    expect(cases(xml)):equals(7)
    expect(xml):contains '<testcase classname="texture.size" name="Assets/Props/T_Crate_N.png"'
    expect(xml):contains 'message="4096 x 4096 is bigger than the 2048 px budget for this folder"'
    expect(xml):contains "found: 4096 x 4096\nwanted: at most 2048 px\nwastes 16.0 MiB of VRAM"
    expect(xml):contains '<skipped message="waived: the boss fills the screen, until 2026-12-31"/>'
  end)

  it("fails for errors, and for less where that is asked for", function()
    local xml = junit(results.few())
    expect(xml):contains "<system-out>warning: 22.05 kHz"
    expect(xml):contains 'failures="3"'
    expect(junit(results.few(), { fail_on = "warning" })):contains 'tests="6" failures="4"'
    expect(junit(results.few(), { fail_on = "info" })):contains 'tests="6" failures="6"'
  end)

  it("has one case that passes for a rule that found nothing", function()
    local xml = junit(results.of {})
    expect(cases(xml)):equals(5)
    expect(xml):contains '<testcase classname="texture.size" name="Texture fits the memory budget"'
    expect(xml):contains 'tests="5" failures="0"'
  end)

  it("has the findings of one file in one case", function()
    local xml = junit(results.of {
      { rule = "a", severity = "error", path = "x", message = "one", line = 1 },
      { rule = "a", severity = "error", path = "x", message = "two", line = 2 },
      { rule = "a", severity = "info", path = "x", message = "three" },
    })
    expect(xml):contains '<testsuite name="a" tests="1" failures="1"'
    expect(xml):contains "error: one\nat x:1\n\nerror: two\nat x:2</failure>"
    expect(xml):contains "<system-out>note: three</system-out>"
  end)
end)

describe("annotations of GitHub", function()
  it("are one for alike findings, the worst first", function()
    local text = github(results.many(300))
    expect(text):matches "^::error file=Assets/[^\n]*,title=texture%.size::150 files: "
    expect(select(2, text:gsub("::error ", ""))):equals(2)
    expect(select(2, text:gsub("::warning ", ""))):equals(1)
    expect(select(2, text:gsub("::notice ", ""))):equals(1)
    expect(text):contains "%0Aand 130 more\n"
  end)

  it("have the place, and are escaped", function()
    expect(github(results.broken())):contains
      "::error file=checks/textures.lua,line=14,col=24,title=rule.broken::the rule texture.size"
    local text = github(results.of { { rule = "a,b:c", severity = "error", path = "50%:,.png",
      message = "one\ntwo" } })
    expect(text):equals "::error file=50%25%3A%2C.png,title=a%2Cb%3Ac::one%0Atwo\n"
    for line in github(results.evil()):gmatch "[^\n]+" do expect(line):matches "^::error file=" end
  end)

  it("are at most ten of a kind, and say how many there are besides", function()
    local list = {}
    for i = 1, 25 do
      list[i] = { rule = "r" .. i, severity = i <= 12 and "error" or "warning", path = i .. ".png",
        message = "m" }
    end
    local text = github(results.of(list))
    expect(select(2, text:gsub("::error ", ""))):equals(10)
    expect(select(2, text:gsub("::warning ", ""))):equals(10)
    expect(text):contains
      "2 errors, 3 warnings without an annotation: GitHub shows 10 of each kind\n"
    expect(github(results.of {})):equals ""
  end)

  it("name files as the repository does", function()
    local one = { { rule = "a", severity = "error", path = "Assets/a.png", message = "m" } }
    local _ <close> = orch.with_env { GITHUB_WORKSPACE = "/srv" }
    expect(github(results.of(one))):contains "file=game/Assets/a.png,"
    local _ <close> = orch.with_env { GITHUB_WORKSPACE = "/srv/game/" }
    expect(github(results.of(one))):contains "file=Assets/a.png,"
    local _ <close> = orch.with_env { GITHUB_WORKSPACE = "/elsewhere" }
    expect(github(results.of(one))):contains "file=Assets/a.png,"
  end)
end)
