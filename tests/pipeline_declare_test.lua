-- What a script says about its jobs: the forms there are, and what is refused.

local declare = require "orch.pipeline.declare"

local registry

before_each(function() registry = declare.reset() end)
after_each(function() declare.reset() end)

local function job(name) return registry.by_name[name] end

local function refused(fn, kind)
  return expect(fn):raises(kind or "usage")
end

describe("orch.job", function()
  it("takes its table in either form, and gives the name back", function()
    expect(orch.job "a" { run = ":" }):equals("a")
    expect(orch.job("b", { run = ":", needs = "a" })):equals("b")
    expect({ registry.jobs[1].name, registry.jobs[2].name }):equals { "a", "b" }
    expect(job("b").index):equals(2)
  end)

  it("knows the line, also of a job that is made by a function of the script", function()
    local function make(name) return orch.job(name) end
    local line = debug.getinfo(1, "l").currentline
    orch.job "a" { run = ":" }
    make "b" { run = ":" }
    expect(job("a").line):equals(line + 1)
    expect(job("a").where):matches("pipeline_declare_test%.lua:" .. line + 1 .. "$")
    expect(job("a").source):matches("pipeline_declare_test%.lua$")
    expect(job("b").line):equals(line + 2)
  end)

  it("brings every option into one form", function()
    local run = function() end
    orch.job "a" {
      desc = "all of them", needs = "x", after = { "y", "z" }, inputs = "in/*",
      outputs = { "out/a" }, env = { CI = "1", OLD = false, "PATH" }, cwd = "client",
      pools = { unity = 2, "disk" }, retry = 3, timeout = "1h30m", stall = 5,
      confirm = "Sure?", priority = -1, when = "always", run = run,
    }
    local a = job "a"
    expect({ a.desc, a.cwd, a.confirm, a.when }):equals { "all of them", "client", "Sure?",
      "always" }
    expect({ a.needs, a.after, a.inputs, a.outputs }):equals { { "x" }, { "y", "z" },
      { "in/*" }, { "out/a" } }
    expect(a.env):equals { CI = "1", OLD = false, "PATH" }
    expect(a.pools):equals { unity = 2, disk = 1 }
    expect(a.retry):equals { attempts = 3 }
    expect({ a.timeout, a.stall, a.priority }):equals { 5400, 5, -1 }
    expect(a.run):is(run)
  end)

  it("takes one command, or a list of command lines and words", function()
    orch.job "a" { run = { "make", { "cp", "a b", 1 } } }
    orch.job "b" { run = "make", pools = "unity", retry = { attempts = 2, base = "1m" } }
    orch.job "c" { run = ":", confirm = true, timeout = false, retry = false }
    expect(job("a").run):equals { "make", { "cp", "a b", "1" } }
    expect(job("b").pools):equals { unity = 1 }
    expect(job("b").retry):equals { attempts = 2, base = 60 }
    expect(job("c").confirm):equals("Run c?")
    expect(job("c").timeout):is_nil()
    expect(job("c").retry):is_nil()
  end)

  it("has defaults that nobody can change by accident", function()
    orch.job "a" { run = ":" }
    expect(#job("a").needs):equals(0)
    expect(job("a").when):equals("success")
    expect(job("a").priority):equals(0)
    expect(function() table.insert(job("a").needs, "x") end):raises("cannot be changed")
  end)

  it("keeps what it was given, whatever becomes of the script's tables", function()
    local needs = { "x" }
    local spec = { run = ":", needs = needs }
    orch.job "a" (spec)
    needs[1], spec.run = "y", "false"
    orch.job "b" (spec)
    expect(job("a").needs):equals { "x" }
    expect(job("a").run):equals(":")
    expect(job("b").needs):equals { "y" }
  end)

  it("refuses an unknown option, with the job, its line and what was meant", function()
    local line = debug.getinfo(1, "l").currentline
    local err = refused(function()
      orch.job "build" {
        run = ":",
        timout = "5m",
      }
    end)
    expect(err.message):equals("job 'build': there is no option `timout`; did you mean `timeout`?")
    expect(err.where):matches("pipeline_declare_test%.lua:" .. line + 4 .. "$")
    expect(err.column):equals(9)
  end)

  it("knows what options are called elsewhere", function()
    for word, ours in pairs { deps = "needs", cmd = "run", sources = "inputs",
      artifacts = "outputs", retries = "retry", description = "desc" } do
      local err = refused(function() orch.job("x" .. word) { [word] = "a" } end)
      expect(err.message):contains("did you mean `" .. ours .. "`?")
    end
  end)

  it("refuses values of the wrong kind, each in a sentence", function()
    for i, case in ipairs {
      { { needs = 3 }, "option `needs` should be a string, or a list of strings" },
      { { needs = { "a", 3 } }, "option `needs` should be" },
      { { needs = { a = true } }, "option `needs` should be" },
      { { outputs = "" }, "option `outputs` should be" },
      { { timeout = "soon" }, 'option `timeout` should be a duration' },
      { { timeout = 0 }, "option `timeout` should be a duration" },
      { { retry = 0 }, "option `retry` should be a number of attempts, from 1" },
      { { retry = { atempts = 2 } }, "did you mean `attempts`?" },
      { { retry = { attempts = 0 } }, "should be at least 1" },
      { { retry = { jitter = "fll" } }, 'did you mean "full"?' },
      { { pools = { unity = 0 } }, "option `pools.unity` should be a whole number from 1" },
      { { pools = { unity = 1.5 } }, "option `pools.unity` should be" },
      { { priority = "high" }, "option `priority` should be a number" },
      { { when = "allways" }, 'did you mean "always"?' },
      { { env = { CI = {} } }, "option `env.CI` should be a string, a number or a boolean" },
      { { env = { "A=B" } }, "a name of a variable" },
      { { run = 3 }, "option `run` should be a function, a command line" },
      { { run = {} }, "option `run` should be" },
      { { run = { "a", 3 } }, "option `run` should be" },
      { { run = { { "a" }, cwd = "x" } }, "are options of the job" },
      { { run = { {} } }, "option `run` should be a list such as" },
      { { run = "  " }, "option `run` should be" },
      { { confirm = 3 }, "option `confirm` should be a string" },
      { { "make" }, "a command is written run" },
    } do
      local err = refused(function() orch.job("j" .. i)(case[1]) end)
      expect(err.message):contains("job 'j" .. i .. "': ")
      expect(err.message):contains(case[2])
    end
  end)

  it("refuses names that could not be typed or chosen", function()
    for _, name in ipairs { "", "a*", "b?", "-x", " x", "x ", "a\nb" } do
      expect(refused(function() orch.job(name) end).message):contains("is not a name for a job")
    end
    expect(refused(function() orch.job { name = "build", run = ":" } end).message)
      :contains('the name comes first: orch.job "build" { ... }')
    expect(refused(function() orch.job(3) end).message):contains("should be a string")
    orch.job "ein Wort: größer/2" { run = ":" }
    expect(job "ein Wort: größer/2"):is_a("table")
  end)

  it("shows how a function is given to it", function()
    local err = refused(function() orch.job "a" (function() end) end)
    expect(err.message):contains('write orch.job "a" { run = function() ... end }')
  end)

  it("refuses a name twice, with both lines", function()
    orch.job "a" { run = ":" }
    local line = debug.getinfo(1, "l").currentline
    local err = refused(function() orch.job "a" { run = ":" } end, "graph")
    expect(err.message):matches("twice, at %S+:" .. line - 1 .. " and at %S+:" .. line + 1)
    expect(err.opened_at):matches(":" .. line - 1 .. "$")
    local function loop() for _ = 1, 2 do orch.job "b" { run = ":" } end end
    expect(refused(loop, "graph").message):contains("each turn needs a name of its own")
  end)

  it("is refused once the jobs run", function()
    local finish = orch.job "late"
    declare.close(registry)
    for _, fn in ipairs {
      function() orch.job "a" { run = ":" } end, function() finish { run = ":" } end,
      function() orch.pools { a = 1 } end, function() orch.default "a" end,
      function() orch.params { a = 1 } end,
    } do
      expect(refused(fn).message):contains("while the jobs run")
    end
  end)
end)

describe("orch.pools and orch.default", function()
  it("are kept, pools from several calls", function()
    orch.pools { unity = 2 }
    orch.pools { upload = 3, unity = 2 }
    orch.default("a", "b:*")
    expect(registry.pools):equals { unity = 2, upload = 3 }
    expect(registry.default):equals { "a", "b:*" }
  end)

  it("take one name, or a list", function()
    orch.default { "a" }
    expect(registry.default):equals { "a" }
    expect(refused(function() orch.default "b" end).message)
      :matches("were named at %S+:%d+ already")
  end)

  it("refuse what makes no sense", function()
    for _, sizes in ipairs { { unity = 0 }, { unity = "2" }, { unity = 1.5 }, { 3 },
      { slots = 2 } } do
      refused(function() orch.pools(sizes) end)
    end
    orch.pools { unity = 1 }
    expect(refused(function() orch.pools { unity = 2 } end).message):contains("size of 1 already")
    for _, names in ipairs { {}, { 3 }, { a = "b" } } do
      refused(function() orch.default(names) end)
    end
    refused(function() orch.default() end)
  end)
end)
