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

  it("reads modules of rules again, and what has not changed is not looked at again", function()
    p:put("checks/lib/limit.lua", "return 9\n")
    p:put("checks/text.lua", [[
      local limit = require "lib.limit"
      orch.asset.register { format = "abc", kind = "abc", extensions = { "abc" }, read = print }
      check "long" { files = "**/*.txt", run = function(f)
        if f.size > limit then f:error { "longer than %d", limit } end
      end }]])
    orch.sh("find . -path ./.orch -prune -o -exec touch -d '1 hour ago' {} +", nil,
      { cwd = p.folder })
    local w <close> = watch()
    expect(w.round()):contains "no problems"
    p:put("checks/text.lua", "-- a comment\n" .. p:read "checks/text.lua")
    expect(w.round()):contains "(all unchanged)"
    p:put("checks/lib/limit.lua", "return 2\n")
    expect(w.round()):contains "longer than 2"
  end)

  it("does not follow what the shell writes of it", function()
    local out = p:at "seen.txt"
    local child <close> = orch.process.spawn { "sh", "-c", 'exec "$0" check --watch >seen.txt 2>&1',
      orch_path, cwd = p.folder, check = false }
    local function rounds()
      return select(2, (fs.exists(out) and fs.read(out) or ""):gsub("waiting for changes", ""))
    end
    local function wait_for_round(n)
      orch.wait_for(function() while rounds() < n do orch.sleep "20ms" end end, "20s")
    end
    wait_for_round(1)
    p:put("Assets/a.txt", "other\n")
    wait_for_round(2)
    orch.sleep "500ms"
    expect(rounds()):equals(2)
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
