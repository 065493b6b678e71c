-- What is known from before (checks/baseline.jsonl), and what somebody answers for
-- (checks/waivers.lua).

local fs = orch.fs
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")
local waivers = require "orch.check.waivers"

describe("the baseline", function()
  local p
  local FILE = "checks/baseline.jsonl"

  before_each(function()
    p = projects.new(test)
    p:put("Assets/a.txt", "a\t\n")
    p:put("Assets/loud.txt", "b!!\n")
    p:put("Other/c.txt", "c\t\n")
  end)

  local function lines()
    local list = {}
    for line in p:read(FILE):gmatch "[^\n]+" do
      list[#list + 1] = line:match '"path":"([^"]*)"' or line
    end
    return list
  end

  it("takes what is there, and new ones fail", function()
    expect(p:check().exit_code):equals(4)
    local result = p:check "--update-baseline"
    expect(result.exit_code):equals(0)
    expect(result.stderr):equals(
      "orch: checks/baseline.jsonl: 3 findings known, 3 added, 0 removed\n")
    expect(lines()):equals { '{"orch_baseline":1}', "Assets/a.txt", "Assets/loud.txt",
      "Other/c.txt" }
    result = p:check()
    expect(result.exit_code):equals(0)
    expect(result.stdout):contains "3 in the baseline"
    expect(p:check("--no-baseline").exit_code):equals(4)
    p:put("Assets/new.txt", "n\t\n")
    local list
    list, result = p:findings()
    expect(list):equals { "error text.tabs Assets/new.txt" }
    expect(result.exit_code):equals(4)
  end)

  it("says what is gone, and forgets it", function()
    p:check "--update-baseline"
    p:put("Assets/a.txt", "mended\n")
    fs.remove(p:at "Other/c.txt")
    expect(p:check().stderr):contains
      "2 entries of the baseline are not found any more: orch check --update-baseline"
    expect(p:check("Assets").stderr):contains "1 entry of the baseline is"
    expect(p:check("--rule", "text.shouting").stderr):equals ""
    expect(p:check("--update-baseline").stderr):contains "1 finding known, 0 added, 2 removed"
    expect(lines()):equals { '{"orch_baseline":1}', "Assets/loud.txt" }
  end)

  it("is updated only where somebody has looked", function()
    p:check "--update-baseline"
    p:put("Assets/a.txt", "mended\n")
    p:put("Other/new.txt", "\t")
    p:check("--update-baseline", "Other")
    expect(lines()):equals { '{"orch_baseline":1}', "Assets/a.txt", "Assets/loud.txt",
      "Other/c.txt", "Other/new.txt" }
    p:check("--update-baseline", "--rule", "text.shouting")
    expect(#lines()):equals(5)
  end)

  it("keeps what other rules have found", function()
    p:check "--update-baseline"
    p:put("more/one.lua", 'check "one" { files = "**/a.txt", run = function(file) '
      .. 'file:error "seen" end }')
    expect(p:check("--rules", "more").stderr):equals ""
    expect(p:check("--rules", "more", "--update-baseline").stderr):contains "1 added, 0 removed"
    expect(#lines()):equals(5)
    expect(p:check().stderr):contains "1 entry of the baseline is not found any more"
  end)

  it("counts alike findings of a file", function()
    p = projects.new(test, [[check "line" { files = "**/*.txt", run = function(file)
      local n = 0
      for line in orch.fs.lines(file.path) do
        n = n + 1
        if line:find "x" then file:error { "has an x", line = n } end
      end
    end }]])
    p:put("a.txt", "x\nx\n")
    p:check "--update-baseline"
    expect(p:read(FILE)):contains '"count":2}'
    expect(p:check().exit_code):equals(0)
    p:put("a.txt", "x\nx\nx\n")
    expect(#(p:findings())):equals(1)
    p:put("a.txt", "x\n")
    expect(p:check().stderr):contains "1 entry of the baseline"
  end)

  it("does not take broken rules", function()
    p:put("checks/broken.lua", "check 'b' { files = '**', run = function() error 'no' end }")
    p:check "--update-baseline"
    expect(p:check().exit_code):equals(4)
  end)

  it("may be another file", function()
    p:check("--update-baseline", "--baseline=known.jsonl")
    expect(p:exists(FILE)):equals(false)
    expect(p:check("--baseline=known.jsonl").exit_code):equals(0)
    local result = p:check "--baseline"
    expect(result.exit_code):equals(2)
    expect(result.stderr):contains "there is no baseline 'checks/baseline.jsonl'"
  end)

  it("merges line by line, with the larger count", function()
    p:check "--update-baseline"
    local text = p:read(FILE)
    local line = text:match '\n([^\n]*Assets/a.txt[^\n]*\n)'
    p:put(FILE, text .. line)
    expect(p:check().exit_code):equals(0)
  end)

  local function refused(text)
    p:put(FILE, text)
    local result = p:check()
    expect(result.exit_code):equals(3)
    expect(result.stdout):equals ""
    return result.stderr
  end

  it("of another version, or none at all, is one sentence", function()
    expect(refused '{"orch_baseline":2}\n'):equals("orch: checks/baseline.jsonl is of version 2, "
      .. "and this orch reads version 1; use the orch that wrote it, or --no-baseline\n")
    expect(p:check("--update-baseline").exit_code):equals(3)
    expect(p:read(FILE)):equals '{"orch_baseline":2}\n'
    expect(refused '{"orch_baseline":0}\n'):contains "make it anew: orch check --update-baseline"
    expect(refused ''):contains "baseline.jsonl:1: this is no baseline of orch"
    expect(refused '[1]\n'):contains "this is no baseline of orch"
    expect(refused 'hello\n'):contains "baseline.jsonl:1: this is no line of a baseline"
    expect(refused '{"orch_baseline":1}\n{"path":"a"}\n'):contains ":2: a line needs path, rule"
    expect(refused '{"orch_baseline":1}\n<<<<<<< HEAD\n'):contains
      ":2: a merge has left its marks here"
    expect(p:check("--update-baseline", "Assets").exit_code):equals(3)
    expect(p:check("--update-baseline").exit_code):equals(0)
    expect(p:check().exit_code):equals(0)
  end)
end)

describe("waivers", function()
  local p

  before_each(function()
    p = projects.new(test)
    p:put("Assets/a.txt", "a\t\n")
    p:put("Assets/loud.txt", "b!!\n")
  end)

  local function waive(text) p:put("checks/waivers.lua", text) end

  it("take findings out, with a reason, until a day", function()
    waive [[
      waive { rule = "text.tabs", path = "Assets/**", reason = "old", owner = "@ann",
        expires = "2999-12-31" }
      waive { rule = { "text.sh*" }, path = { "Assets/loud.txt" }, reason = "r", owner = "o" }]]
    local result = p:check()
    expect(result.exit_code):equals(0)
    expect(result.stdout):contains "2 waived"
    local list = orch.json.decode(p:check("--json").stdout)
    expect(#list.findings):equals(0)
    expect(list.waived[1].waiver):equals { reason = "old", owner = "@ann", expires = "2999-12-31" }
  end)

  it("that have expired waive nothing, and are told", function()
    waive [[
waive { rule = "text.tabs", path = "Assets/**", reason = "old", owner = "@ann",
  expires = "2020-12-31" }]]
    local list, result = p:findings()
    expect(result.exit_code):equals(4)
    expect(list):equals { "error text.tabs Assets/a.txt", "warning text.shouting Assets/loud.txt",
      "warning waiver.expired checks/waivers.lua" }
    local text = p:check().stdout
    expect(text):contains "ended on 2020-12-31, and one finding is back"
    expect(text):contains "checks/waivers.lua:1"
  end)

  it("hold through their last day", function()
    local set = { list = { { line = 1, rule = "r", path = "**", reason = "x", owner = "o",
      expires = "2026-02-28", is_rule = function() return true end,
      is_path = function() return true end } }, findings = {} }
    local function left(today)
      local result = { findings = { { rule = "r", path = "a", severity = "error" } } }
      waivers.apply(result, set, { complete = true, today = today })
      return result.counts.error, #result.waived
    end
    expect({ left "2026-02-28" }):equals { 0, 1 }
    expect({ left "2026-03-01" }):equals { 1, 0 }
  end)

  it("that nobody needs are told where all was looked at", function()
    waive [[waive { rule = "text.tabs", path = "Gone/**", reason = "old", owner = "@ann" }]]
    expect((p:findings())):contains "info waiver.unused checks/waivers.lua"
    expect((p:findings "Assets")).never:contains "info waiver.unused checks/waivers.lua"
    expect((p:findings("--rule", "text.tabs"))).never:contains
      "info waiver.unused checks/waivers.lua"
  end)

  it("with mistakes are findings with a line, and the others hold", function()
    local good = 'waive { rule = "text.shouting", path = "**", reason = "r", owner = "o" }\n'
    local function broken(text)
      waive(good .. text)
      local result = orch.json.decode(p:check("--json").stdout)
      for _, finding in ipairs(result.findings) do
        if finding.rule == "waiver.broken" then
          expect(finding.path):equals "checks/waivers.lua"
          expect(#result.waived):equals(1)
          return finding.line, finding.message
        end
      end
    end
    local function says(text, what, line)
      local at, message = broken(text)
      expect(at):equals(line or 2)
      expect(message):contains(what)
    end
    says('waive { rule = "text.tabs", path = "x", owner = "o" }', "`reason` is missing")
    says('waive { rule = "text.tabs", path = "x", reason = " ", owner = "o" }', "`reason`")
    says('waive { rule = "text.tabs", path = "x", reason = "r" }', "`owner` is missing")
    says('waive { rule = "text.tabs", reason = "r", owner = "o" }', "`path` is missing")
    says('waive { rule = "text.tab", path = "x", reason = "r", owner = "o" }',
      "there is no rule 'text.tab'; did you mean 'text.tabs'?")
    says('waive { rul = "text.tabs" }', "did you mean `rule`?")
    says('waive { rule = "text.tabs", path = "x", reason = "r", owner = "o", expires = "soon" }',
      "`expires` should be a day")
    says('waive { rule = "text.tabs", path = "x", reason = "r", owner = "o", '
      .. 'expires = "2026-02-29" }', "`expires` should be a day")
    says('waive "text.tabs"', "should be a table")
    says('\nwave { }', "global 'wave'", 3)
    waive(good .. "waive { rule = \n")
    local result = orch.json.decode(p:check("--json").stdout)
    local rules = {}
    for i, finding in ipairs(result.findings) do rules[i] = finding.rule end
    expect(rules):contains "waiver.broken"
    expect(#result.waived):equals(0) -- a file that does not compile has none
  end)

  it("are not for broken rules", function()
    p:put("checks/broken.lua", "check 'b' { files = '**', run = function() error 'no' end }")
    waive 'waive { rule = "*", path = "**", reason = "r", owner = "o" }'
    expect((p:findings())):contains "error rule.broken checks/broken.lua"
  end)
end)
