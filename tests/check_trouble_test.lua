-- Rules, and what lies round them, that misbehave: the others are checked all the same.

local fs, json = orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")

local FINE = [[
check "zz.fine" { files = "*.txt", run = function(f)
  f:info { "%s", orch.fs.read(f.path) }
end }]]

local function project(rules)
  local p = projects.new(test, rules .. FINE)
  p:put("a.txt", "seen")
  return p
end

--- "severity rule: message" of each finding.
local function found(p, ...)
  local list, result = {}, p:check("--json", ...)
  for i, one in ipairs(json.decode(result.stdout).findings) do
    list[i] = ("%s %s: %s"):format(one.severity, one.rule, one.message)
  end
  return table.concat(list, "\n"), result
end

describe("a rule that", function()
  it("ends the program is a finding, and not the end", function()
    local p = project 'check "exits" { files = "*.txt", run = function() os.exit(0) end }\n'
    local text, result = found(p)
    expect(result.exit_code):equals(4)
    expect(text):contains "error rule.broken: os.exit would end the whole check"
    expect(text):contains "info zz.fine: seen"
    p:put("checks/text.lua", FINE .. "\nos.exit(0)")
    text, result = found(p)
    expect(result.exit_code):equals(4)
    expect(text):contains "os.exit would end the whole check"
    expect(text):contains "info zz.fine: seen"
  end)

  it("starts tasks is over when they are, and answers for them", function()
    local text = found(project [[
      check "late" { files = "*.txt", run = function(f)
        orch.spawn(function() orch.sleep(0.05); f:info "late" end)
      end }
      check "daemon" { files = "*.txt", run = function(f)
        orch.spawn({ daemon = true }, function() orch.sleep "1h" end)
      end }
      check "fails" { files = "*.txt", run = function(f)
        orch.spawn(function() error "in a task" end)
      end }
    ]])
    expect(text):contains "info late: late"
    expect(text):contains "error rule.broken: in a task"
    expect(text):contains "info zz.fine: seen"
  end)

  it("goes to another folder goes there alone", function()
    local text = found(project [[
      check "goes" { files = "*.txt", run = function(f) orch.cd "checks" end }
      check "hangs" { files = "*.txt", timeout = 0.1, run = function(f)
        orch.cd "checks"
        orch.sleep "1h"
      end }
    ]])
    expect(text):contains "more than 0.1 s"
    expect(text):contains "info zz.fine: seen"
  end)

  it("costs what cannot be added up is told so", function()
    local text = found(project [[
      check "nan" { files = "*.txt", run = function(f)
        f:error { "dear", cost = { vram = 1 / 0 } }
      end }
    ]])
    expect(text):contains "option `cost`, `vram`: inf is no number that can be added up"
    expect(text):contains "info zz.fine: seen"
  end)
end)

describe("what is remembered", function()
  local function query(p, text)
    local db = require("orch.core.sqlite").open(p:at ".orch/state.db", "rw", 5)
    db:script(text)
    db:close()
  end

  it("is done without where its tables are of another kind, and made anew", function()
    local p = project ""
    found(p)
    query(p, "DROP TABLE check_file; CREATE TABLE check_file (path TEXT)")
    p:put("b.txt", "new")
    local text, result = found(p)
    expect(text):contains "info zz.fine: new"
    expect(result.stderr):contains "warning: nothing is remembered of this check"
    p:put("b.txt", "newer")
    text, result = found(p)
    expect(text):contains "info zz.fine: newer"
    expect(result.stderr):equals ""
  end)

  it("is put aside where it is damaged", function()
    local p = project ""
    for i = 1, 200 do p:put(i .. ".txt", "seen") end
    found(p)
    local path = p:at ".orch/state.db"
    query(p, "PRAGMA wal_checkpoint(TRUNCATE)")
    local text = fs.read(path)
    local half = #text // 8192 * 4096
    fs.write(path, text:sub(1, half) .. ("\255"):rep(#text - half))
    fs.remove(path .. "-wal", { missing_ok = true })
    fs.remove(path .. "-shm", { missing_ok = true })
    p:put("b.txt", "new")
    local now, result = found(p)
    expect(now):contains "info zz.fine: new"
    expect(result.stderr):contains "was damaged and is now"
    expect(select(2, found(p)).stderr):equals ""
  end)
end)
