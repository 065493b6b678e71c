-- orch report: the files it writes, and what it says.

local fixture = dofile(debug.getinfo(1, "S").source:match "^@(.*)/" .. "/helper/run_fixture.lua")
local fs = orch.fs

local OLD, NEW = "20251121-080000-0001", "20251122-200000-3fa9"
local dir

local function run(args, opts)
  opts = opts or {}
  opts.cwd, opts.timeout = opts.cwd or dir, 20
  opts.env = { NO_COLOR = "1" }
  table.insert(args, 1, "report")
  return test.run(args, opts)
end

local function write_run(id, opts)
  opts.run = id
  return fixture.write(dir .. "/.orch/runs/" .. id, opts)
end

before_each(function()
  dir = test.temp_dir()
  write_run(OLD, { jobs = 6, failures = 0 })
  write_run(NEW, { jobs = 30, failures = 1 })
end)

describe("orch report", function()
  it("writes a page, and says where, when nothing else is asked for", function()
    local result = run {}
    expect(result.stderr):equals("orch: wrote orch-report.html\n")
    expect(result.stdout):equals("")
    expect(result.exit_code):equals(0)
    local page = fs.read(dir .. "/orch-report.html")
    expect(page):contains(NEW)
    expect(page):contains '<svg xmlns="http://www.w3.org/2000/svg" class="og"'
    expect(page):contains 'data-job="fetch"'
  end)

  it("writes several at once, each what it is", function()
    local result = run { "--junit", "a.xml", "--trace=b.json", "--markdown", "c.md", "--json",
      "d.json", "--html", "e.html" }
    expect(result.exit_code):equals(0)
    expect(result.stderr):equals("orch: wrote e.html\norch: wrote a.xml\norch: wrote b.json\n"
      .. "orch: wrote c.md\norch: wrote d.json\n")
    expect(fs.read(dir .. "/a.xml")):contains "<testsuite "
    expect(#orch.json.load(dir .. "/b.json").traceEvents):greater_than(30)
    expect(fs.read(dir .. "/c.md")):matches "^## ❌ %*%*deploy%.lua failed"
    local whole = orch.json.load(dir .. "/d.json")
    expect(#whole.jobs):equals(30)
    expect(whole.run.record):equals(dir .. "/.orch/runs/" .. NEW)
    expect(fs.read(dir .. "/e.html")):matches "^<!doctype html>"
    expect(fs.exists(dir .. "/orch-report.html")):is(false)
  end)

  it("prints to standard output for -, and nothing else there", function()
    local result = run { "--json", "-" }
    expect(orch.json.decode(result.stdout).run.id):equals(NEW)
    expect(result.stderr):equals("")
  end)

  it("takes a run by its ID, its beginning, or how far back it is", function()
    for _, word in ipairs { OLD, "20251121", "-2" } do
      expect(orch.json.decode(run({ word, "--json", "-" }).stdout).run.id):equals(OLD)
    end
    expect(orch.json.decode(run({ "last", "--json", "-" }).stdout).run.id):equals(NEW)
  end)

  it("finds the project from a folder below it, and with -C", function()
    fs.mkdir(dir .. "/deep/er")
    expect(run({ "--markdown", "-" }, { cwd = dir .. "/deep/er" }).stdout):contains(NEW)
    local result = test.run({ "-C", dir, "report", "--markdown", "m.md" }, { timeout = 20 })
    expect(result.exit_code):equals(0)
    expect(fs.exists(dir .. "/m.md")):is(true)
  end)

  it("of a run that was killed, with a torn line and garbage, says what is missing", function()
    write_run("20251123-000000-0001", { jobs = 30, stop = 40, torn = true, garbage = true })
    local result = run { "--json", "-" }
    expect(result.exit_code):equals(0)
    expect(result.stderr):equals("orch: warning: 1 line of .orch/runs/20251123-000000-0001/"
      .. "events.jsonl could not be read and is missing from the report\n")
    expect(orch.json.decode(result.stdout).run.status):equals("crashed")
  end)

  it("refuses what it cannot do, in one sentence", function()
    local function says(args, code, sentence)
      local result = run(args)
      expect(result.stderr):contains(sentence)
      expect(result.stdout):equals("")
      expect(result.exit_code):equals(code)
    end
    says({ "20251122-200000-3fa8" }, 2,
      "orch: there is no run '20251122-200000-3fa8'; did you mean " .. NEW .. "?")
    says({ "--htm", "x" }, 2, "orch report has no option '--htm'; did you mean '--html'?")
    says({ "--html" }, 2, "option '--html' needs a value")
    says({ "-2", "x" }, 2, "orch report takes one word, so 'x' is one too many")
    says({ "--json", "-", "--trace", "-" }, 2,
      "--trace and --json cannot both go to standard output")
    says({ "--json", "a", "--trace", "a" }, 2, "--trace and --json cannot both go to 'a'")
    says({ "--html", "no/such/x.html" }, 1, "cannot write 'no/such/x.html': no such file")
    fs.remove(dir .. "/.orch/runs/" .. NEW .. "/events.jsonl")
    says({}, 2, "run " .. NEW .. " has no event log")
    expect(fs.exists(dir .. "/orch-report.html")):is(false)
  end)

  it("says that no pipeline has run, where none has", function()
    local result = run({}, { cwd = test.temp_dir() })
    expect(result.stderr):contains "there is no .orch in "
    expect(result.exit_code):equals(2)
  end)

  it("has a help", function()
    local result = run { "--help" }
    expect(result.stdout):contains "--junit FILE"
    expect(result.exit_code):equals(0)
  end)
end)
