-- orch graph: of a script, of a run; as a tree, a drawing, text for other tools.

local fixture = dofile(debug.getinfo(1, "S").source:match "^@(.*)/" .. "/helper/run_fixture.lua")
local fs = orch.fs

local dir

local function run(args, opts)
  opts = opts or {}
  opts.cwd, opts.timeout = opts.cwd or dir, 20
  opts.env = opts.env or { NO_COLOR = "1" }
  table.insert(args, 1, "graph")
  return test.run(args, opts)
end

before_each(function()
  dir = test.temp_dir()
  fs.write(dir .. "/deploy.lua", [[
    orch.job "fetch" { desc = "Get the sources", run = "true" }
    for _, p in ipairs { "ios", "android" } do
      orch.job("build:" .. p) { needs = "fetch", run = "true" }
    end
    orch.job "upload" { needs = "build:*", run = "true" }
    orch.job "notify" { after = "upload", when = "always", run = "true" }
    print "the body"
  ]])
end)

describe("orch graph of a script", function()
  it("is a tree, and runs nothing", function()
    local result = run { "deploy.lua" }
    expect(result.stdout):equals [[
notify
└─ upload (after)
   ├─ build:ios
   │  └─ fetch       Get the sources
   └─ build:android
      └─ fetch       Get the sources
]]
    expect(result.exit_code):equals(0)
    expect(fs.exists(dir .. "/.orch")):is(false)
  end)

  it("finds the script that declares jobs", function()
    expect(run({}).stdout):equals(run({ "deploy.lua" }).stdout)
  end)

  it("shows only what is named, and what that needs", function()
    expect(run({ "--job", "build:*" }).stdout):equals [[
build:ios
└─ fetch       Get the sources
build:android
└─ fetch       Get the sources
]]
    expect(run({ "--job", "build:ios", "--job=fetch", "--json" }).stdout):contains '"name": "fetch"'
  end)

  it("is written for Graphviz, Mermaid and as JSON", function()
    local dot = run({ "deploy.lua", "--dot" }).stdout
    expect(dot):contains '"build:ios" -> "upload";'
    expect(dot):contains '"upload" -> "notify" [style=dashed];'
    expect(run({ "--mermaid", "deploy.lua" }).stdout):matches "^flowchart LR\n"
    local jobs = orch.json.decode(run({ "--json" }).stdout).jobs
    expect(jobs[4]):equals { name = "upload", needs = { "build:ios", "build:android" }, after = {},
      where = "deploy.lua:5" }
  end)

  it("is drawn, into a file or on standard output", function()
    local result = run { "deploy.lua", "--svg", "jobs.svg" }
    expect(result.stdout):equals("")
    expect(result.stderr):contains "orch: wrote jobs.svg\n"
    local drawn = fs.read(dir .. "/jobs.svg")
    expect(drawn):contains 'data-job="build:ios"'
    for _, args in ipairs { { "--svg", "deploy.lua" }, { "deploy.lua", "--svg" },
      { "--svg", "-", "deploy.lua" } } do
      expect(run(args).stdout):equals(drawn)
    end
    expect(run({ "--svg=picture" }).exit_code):equals(0)
    expect(fs.read(dir .. "/picture")):equals(drawn)
  end)

  it("refuses what it cannot do, in one sentence", function()
    local function says(args, code, sentence)
      local result = run(args)
      expect(result.stderr):contains(sentence)
      expect(result.exit_code):equals(code)
      expect(result.stdout):equals("")
    end
    says({ "--job", "uplaod" }, 2, "orch: there is no job 'uplaod'; did you mean 'upload'?")
    says({ "--job", "x:*" }, 2, "orch: no job matches 'x:*'")
    says({ "--svg", "--dot" }, 2, "--svg and --dot exclude each other")
    says({ "--critical-path" }, 2, "--critical-path needs --run RUN")
    says({ "deploy.lua", "--run", "last" }, 2, "give a FILE or --run RUN, not both")
    says({ "deploy.lua", "b.lua" }, 2, "orch graph takes one FILE, not 'b.lua' as well")
    says({ "--svgg" }, 2, "did you mean '--svg'?")
    says({ "nope.lua" }, 3, "cannot run 'nope.lua'")
    fs.write(dir .. "/deploy.lua", "orch.job 'a' { needs = 'b', run = 'true' }\n"
      .. "orch.job 'b' { needs = 'a', run = 'true' }\n")
    says({ "deploy.lua" }, 3, "deploy.lua:1")
  end)
end)

describe("orch graph of a run", function()
  before_each(function()
    fixture.write(dir .. "/.orch/runs/20251122-200000-3fa9", {})
  end)

  it("has states, times and reasons", function()
    local text = run({ "--run", "last" }).stdout
    expect(text):matches "✗ failed +17%.4s  unity ended with exit code 1"
    expect(text):matches "✓ ok +12%.0s  Fetches fetch"
    expect(text):matches "⊘ cancelled +because "
  end)

  it("marks the critical path", function()
    local text = run({ "--run", "20251122", "--critical-path" }).stdout
    expect(text):matches "\n* the critical path: %d+ jobs, .- at work"
    local starred = {}
    for name in text:gmatch "([%w:-]+) +%*  " do starred[name] = true end
    local whole = orch.json.decode(run({ "--run", "last", "--critical-path", "--json" }).stdout)
    local n = 0
    for _, job in ipairs(whole.jobs) do
      expect(starred[job.name] or false):equals(job.critical)
      n = n + (job.critical and 1 or 0)
    end
    expect(text):contains(("the critical path: %d jobs"):format(n))
    expect(run({ "--run", "last", "--critical-path", "--svg" }).stdout)
      :contains 'class="job ok hot"'
    expect(run({ "--run", "last", "--critical-path", "--dot" }).stdout):contains "penwidth=3"
    expect(run({ "--run", "last", "--critical-path", "--mermaid" }).stdout):contains "linkStyle"
  end)

  it("has colours where they are wanted only", function()
    expect(run({ "--run", "last" }, { env = { CLICOLOR_FORCE = "1" } }).stdout)
      :contains "\27[1;31m✗\27[0m failed"
    expect(run({ "--run", "last" }).stdout).never:contains "\27"
  end)

  it("says that there is no such run", function()
    local result = run { "--run", "2024" }
    expect(result.stderr):contains "there is no run '2024'"
    expect(result.exit_code):equals(2)
  end)
end)
