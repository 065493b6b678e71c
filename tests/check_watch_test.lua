-- `orch check --watch`: again when a file, a rule or a waiver changes.

local fs = orch.fs
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")
local orch_path = require("orch.core.runtime").executable()

describe("orch check --watch", function()
  local p

  before_each(function()
    p = projects.new(test)
    p:put("Assets/a.txt", "fine\n")
    p:put("Assets/b.txt", "fine\n")
  end)

  local function watch(...)
    local child = orch.process.spawn { orch_path, "check", "--watch", cwd = p.folder, check = false,
      stderr = "stdout", env = { GITHUB_ACTIONS = false, NO_COLOR = "1" }, ... }
    local self = setmetatable({ child = child, text = "" }, { __close = function() child:kill(0) end })
    --- What it has printed until it waits again.
    function self.round()
      local from = #self.text + 1
      local ok = orch.move_on_after("20s", function()
        repeat
          local line = child.stdout:read "line" or orch.error "it has ended"
          self.text = self.text .. line .. "\n"
        until line == "orch: waiting for changes"
      end)
      if not ok then orch.error("it does not wait; it printed:\n" .. self.text) end
      return self.text:sub(from)
    end
    return self
  end

  it("checks what has changed, new and removed files too", function()
    local w <close> = watch()
    expect(w.round()):contains "no problems in"
    p:put("Assets/a.txt", "a\t\n")
    local text = w.round()
    expect(text):contains "orch: Assets/a.txt changed: checking\n"
    expect(text):contains "text.tabs"
    expect(text):contains "1 error in 1 of"
    p:put("Assets/Deep/er/new.txt", "n\t\n")
    expect(w.round()):contains "2 errors in 2 of"
    fs.remove(p:at "Assets/Deep", { recursive = true })
    expect(w.round()):contains "1 error in 1 of"
    p:put("Assets/a.txt", "fine\n")
    expect(w.round()):contains "no problems"
  end)

  it("takes changed rules, waivers and baselines", function()
    p:put("Assets/a.txt", "a\t\n")
    local w <close> = watch()
    expect(w.round()):contains "1 error"
    p:put("checks/text.lua", (projects.rules:gsub("max = 0", "max = 1")))
    local text = w.round()
    expect(text):contains "orch: checks/text.lua changed: checking\n"
    expect(text):contains "no problems"
    p:put("checks/text.lua", projects.rules)
    expect(w.round()):contains "1 error"
    p:put("checks/waivers.lua",
      'waive { rule = "text.tabs", path = "**", reason = "r", owner = "o" }')
    expect(w.round()):contains "1 waived"
    fs.remove(p:at "checks/waivers.lua")
    expect(w.round()):contains "1 error"
    p:put("checks/baseline.jsonl", '{"orch_baseline":7}\n')
    expect(w.round()):contains "orch: checks/baseline.jsonl is of version 7"
    fs.remove(p:at "checks/baseline.jsonl")
    expect(w.round()):contains "1 error"
  end)

  it("goes on when a rule is broken, or there are none", function()
    local w <close> = watch()
    w.round()
    p:put("checks/text.lua", 'check "x" { files = "**",, }')
    local text = w.round()
    expect(text):contains "checks/text.lua:1"
    expect(text):contains "rule.broken"
    fs.remove(p:at "checks/text.lua")
    expect(w.round()):contains "orch: 'checks' has no rule files"
    p:put("checks/text.lua", projects.rules)
    expect(w.round()):contains "no problems"
  end)

  it("does not follow its own reports, nor .git and .orch", function()
    local w <close> = watch("--json=out/report.json", "--junit", "report.xml")
    w.round()
    expect(p:exists "out/report.json"):equals(true)
    p:put(".git/index", "x")
    p:put(".orch/x", "x")
    p:put("Assets/a.txt", "a\t\n")
    expect(w.round()):contains "orch: Assets/a.txt changed: checking\n"
    expect(p:read "report.xml"):contains "Assets/a.txt"
    orch.sleep "300ms"
    p:put("Assets/a.txt", "fine\n")
    expect(w.round()):contains "orch: Assets/a.txt changed: checking\n"
  end)

  it("ends with 130 by Ctrl-C", function()
    local w <close> = watch()
    w.round()
    w.child:signal "INT"
    local rest = w.child.stdout:read "all"
    expect(w.child:wait().exit_code):equals(130)
    expect(rest):equals "orch: stopped watching\n"
  end)
end)
