-- orch.check.run in a job: findings are problems of the job.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")

describe("orch.check.run in a job", function()
  local script = [[
    local check = orch.check
    check "tabs" { files = "Assets/**", run = function(file)
      local _, n = orch.fs.read(file.path):gsub("\t", "")
      if n > 0 then
        file:error { "%%d tabs", n, found = n, wanted = "none", line = 3, column = 7 }
        file:warning { "a second look" }
      end
    end }
    orch.job "assets" { run = function()
      local result = check.run { fail_on = %q }
      print("found " .. #result.findings)
    end }]]

  local function project(fail_on)
    local p = pipelines.new(script:format(fail_on))
    orch.fs.mkdir(p.folder .. "/Assets")
    p:write("Assets/a.txt", "a\t\n")
    p:write("Assets/b.txt", "fine\n")
    return p
  end

  it("makes them its problems", function()
    local p = project "never"
    local result = p:run()
    expect(result.exit_code):equals(0)
    local list = {}
    for record in require("orch.pipeline.events").read(p:latest() .. "/events.jsonl") do
      if record.event == "problem" then list[#list + 1] = record end
    end
    expect(#list):equals(2)
    expect(list[1].severity):equals "error"
    expect(list[1].file):equals "Assets/a.txt"
    expect(list[1].line):equals(3)
    expect(list[1].column):equals(7)
    expect(list[1].code):equals "tabs"
    expect(list[1].message):equals "1 tabs (found: 1, wanted: none)"
    expect(list[2].severity):equals "warning"
    expect(p:orch({ "show" }).stdout):contains "Assets/a.txt"
  end)

  it("are annotations where the run is on GitHub", function()
    local p = project "never"
    local result = p:orch({ "run", "--ui", "github", "deploy.lua" })
    expect(result.stdout):matches "::error file=Assets/a%.txt,line=3"
  end)

  it("does not tell what is waived or known", function()
    local p = project "error"
    p:write("Assets/a.txt", "a\t\n")
    orch.fs.mkdir(p.folder .. "/checks")
    p:write("checks/waivers.lua",
      'waive { rule = "tabs", path = "Assets/a.txt", reason = "r", owner = "o" }\n'
      .. 'waive { rule = "other", path = "**", reason = "r", owner = "o" }')
    expect(p:run().exit_code):equals(0)
    p:remove "checks/waivers.lua"
    expect(p:run().exit_code):equals(1)
  end)

  it("fails the job at errors", function()
    local p = project "error"
    local result = p:run()
    expect(result.exit_code):equals(1)
    expect(result.stdout .. result.stderr):contains "the check found 1 error"
  end)
end)
