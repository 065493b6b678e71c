-- From names to a graph: what is found, in which order, and what is wrong with it.

local declare = require "orch.pipeline.declare"
local graph = require "orch.pipeline.graph"
local glob = require "orch.pipeline.glob"
local choose = require "orch.pipeline.select"
local arguments = require "orch.pipeline.arguments"

local registry

before_each(function() registry = declare.reset() end)
after_each(function() declare.reset() end)

local function names(jobs)
  local list = {}
  for i, job in ipairs(jobs) do list[i] = job.name end
  return table.concat(list, " ")
end

--- jobs "a", "b<a", "c<a b": name and what it needs.
local function declare_all(...)
  for _, text in ipairs { ... } do
    local name, needs = text:match "^([^<]+)<?(.*)$"
    local list = {}
    for need in needs:gmatch "%S+" do list[#list + 1] = need end
    orch.job(name) { needs = list, run = ":" }
  end
end

local function build(...)
  declare_all(...)
  return graph.build(registry)
end

local function problems()
  local err = expect(function() graph.build(registry) end):raises("graph")
  return err.problems, err
end

describe("a glob over names", function()
  it("stops at nothing", function()
    for _, case in ipairs {
      { "build:*", "build:ios:debug", true }, { "*", "", true }, { "*ios", "build:ios", true },
      { "build:?", "build:a", true }, { "build:?", "build:ab", false }, { "a.c", "abc", false },
      { "b*", "ab", false }, { "*a*b*", "xaybz", true }, { "a%b", "a%b", true },
      { "[a]", "a", false },
    } do
      expect(glob.matches(case[1], case[2])):equals(case[3])
    end
  end)

  it("finds the same by looking at all and by searching a sorted list", function()
    for i = 40, 1, -1 do orch.job(("job:%d:%s"):format(i % 10, i)) { run = ":" } end
    local find = glob.finder(registry.jobs)
    for i = 1, 60 do find("none:" .. i .. "*") end -- many globs: from now on it is sorted
    for _, text in ipairs { "job:3:*", "job:*", "job:?:1*", "j*4", "x*" } do
      expect(names(find(text))):equals(names(glob.finder(registry.jobs)(text)))
    end
    expect(#find "job:*"):equals(40)
  end)
end)

describe("a graph", function()
  it("has each job after what it needs and follows, otherwise as declared", function()
    orch.job "z" { after = "b", run = ":" }
    local g = build("c<a b", "b<a", "a", "d")
    expect(names(g.jobs)):equals("a b z c d")
    expect(names(g.declared)):equals("z c b a d")
  end)

  it("resolves names and globs, each job once and never itself", function()
    local g = build("build:b", "build:a", "build:all<build:a build:* build:a", "x<*")
    expect(names(g.by_name["build:all"].needed)):equals("build:a build:b")
    expect(names(g.by_name.x.needed)):equals("build:b build:a build:all")
    expect(names(g.by_name["build:b"].dependents)):equals("build:all x")
    expect(names(g.by_name.x.dependents)):equals("")
  end)

  it("keeps each job once in a long list as well", function()
    for i = 1, 20 do orch.job("j" .. i) { run = ":" } end
    local needs = { "j1" }
    for i = 1, 20 do needs[#needs + 1] = "j" .. i end
    needs[#needs + 1] = "j*"
    orch.job "all" { needs = needs }
    expect(#graph.build(registry).by_name.all.needed):equals(20)
  end)

  it("can be built again", function()
    local g = build("a", "b<a")
    expect(names(graph.build(registry).by_name.a.dependents)):equals("b")
    expect(names(g.by_name.a.dependents)):equals("b")
  end)

  it("takes a chain of 20,000 jobs", function()
    for i = 20000, 1, -1 do
      orch.job("j" .. i) { needs = i > 1 and { "j" .. i - 1 } or nil, run = ":" }
    end
    local g = graph.build(registry)
    expect({ #g.jobs, g.jobs[1].name, g.jobs[20000].name }):equals { 20000, "j1", "j20000" }
  end)

  it("lets a glob in `after` find nothing, but not one in `needs`", function()
    orch.job "a" { after = "test:*", run = ":" }
    expect(#graph.build(registry).by_name.a.follows):equals(0)
    registry = declare.reset()
    declare_all("a<test:*")
    expect(problems()[1].message):equals("job 'a' needs 'test:*', which no other job matches")
  end)
end)

describe("what is wrong with a graph", function()
  it("is an unknown name, with its place and what was meant", function()
    local line = debug.getinfo(1, "l").currentline
    orch.job "fetch" { run = ":" }
    orch.job "build" { run = ":",
      needs = { "fetsh" },
    }
    local list, err = problems()
    expect(list[1].message):equals(
      "job 'build' needs 'fetsh', which is not a job; did you mean 'fetch'?")
    expect(list[1].where):matches(":" .. line + 3 .. "$")
    expect(list[1].column):equals(18)
    expect(err.where):equals(list[1].where)
  end)

  it("suggests globs", function()
    declare_all("build:a", "build:b", "x<biuld:*")
    expect(problems()[1].message):contains("did you mean 'build:*'?")
  end)

  it("is a circle, shown from its first job with the lines", function()
    local line = debug.getinfo(1, "l").currentline
    orch.job "x" { needs = "b", run = ":" }
    orch.job "a" { needs = "c", run = ":" }
    orch.job "b" { after = "a", run = ":" }
    orch.job "c" { needs = "b", run = ":" }
    local list = problems()
    expect(#list):equals(1)
    expect(list[1].message):matches(("^these jobs wait for each other: a %%(%%S+:%d%%) %%-> "
      .. "c %%(%%S+:%d%%) %%-> b %%(%%S+:%d%%) %%-> a$"):format(line + 2, line + 4, line + 3))
  end)

  it("is a job that needs itself", function()
    declare_all("a<a")
    expect(problems()[1].message):equals("the job 'a' waits for itself")
  end)

  it("is told once for circles that share jobs, and for each that does not", function()
    for i = 1, 6 do orch.job("j" .. i) { needs = "j*", run = ":" } end
    declare_all("a<b", "b<a")
    local list = problems()
    expect(#list):less_than(5)
    local told = {}
    for i, one in ipairs(list) do told[i] = one.message end
    expect(table.concat(told, "\n")):contains "a ("
  end)

  it("is nothing to run and nothing that is needed", function()
    orch.job "a" { desc = "empty" }
    orch.job "b" { after = "a" }
    orch.job "c" { run = ":" }
    orch.job "group" { needs = "c" }
    local list = problems()
    expect(#list):equals(2)
    expect(list[1].message):contains("job 'a' has nothing to run")
    expect(list[2].message):contains("job 'b' has nothing to run")
  end)

  it("is a forgotten table", function()
    local line = debug.getinfo(1, "l").currentline
    orch.job "a"
    orch.job "b" { run = ":" }
    local list = problems()
    expect(#list):equals(1)
    expect(list[1].message):equals("job 'a' has no table: orch.job \"a\" { run = ... }")
    expect(list[1].where):matches(":" .. line + 1 .. "$")
  end)

  it("is a pool that is not there, or is too small", function()
    orch.pools { unity = 2 }
    orch.job "a" { pools = { unty = 1 }, run = ":" }
    orch.job "b" { pools = { unity = 3 }, run = ":" }
    orch.job "c" { pools = { unity = 2 }, run = ":" }
    orch.job "d" { pools = { disk = 2 }, run = ":" }
    local list = problems()
    expect(#list):equals(3)
    expect(list[1].message):contains("not declared; did you mean 'unity'?")
    expect(list[2].message):contains("wants 3 of the pool 'unity', which has only 2")
    expect(list[3].message):contains("write orch.pools { disk = 2 }")
  end)

  it("is a default that is no job", function()
    orch.default("publsh", "x:*")
    declare_all "publish"
    local list = problems()
    expect(list[1].message):equals(
      "orch.default names 'publsh', which is not a job; did you mean 'publish'?")
    expect(#list):equals(2)
  end)

  it("is told all at once, with the script's lines, but not for ever", function()
    declare_all("a<x", "b<y", "c<c")
    local list, err = problems()
    expect(#list):equals(3)
    expect(err.message):equals("3 things are wrong with the jobs:")
    expect(err.details):contains("job 'a' needs 'x'")
    expect(err.details):contains(" | ")
    registry = declare.reset()
    for i = 1, 1000 do declare_all("j" .. i .. "<gone") end
    list, err = problems()
    expect(#list):equals(20)
    expect(err.message):equals("1000 things are wrong with the jobs:")
    expect(err.details):contains("and 980 more")
  end)
end)

describe("outputs", function()
  local function outputs_of(spec)
    registry = declare.reset()
    for name, list in pairs(spec) do orch.job(name) { outputs = list, run = ":" } end
    return pcall(graph.build, registry)
  end

  local function conflict(spec, text)
    local ok, err = outputs_of(spec)
    expect(ok):equals(false)
    expect(err.kind):equals("graph")
    expect(err.message):contains(text)
  end

  it("stay in the project", function()
    for _, path in ipairs { "/tmp/x", "../x", "a/../../x", "a/b/../../..", "/" } do
      local ok, err = outputs_of { a = path }
      expect(ok):equals(false)
      expect(err.message):contains("the output '" .. path .. "' of job 'a'")
    end
    conflict({ a = "." }, "is the project's folder itself")
    for _, path in ipairs { "x", "a/../x", "./x", "..x", "a/..b", ".hidden", "a/.h", "x/",
      "*.o" } do
      expect(outputs_of { a = path }):equals(true)
    end
  end)

  it("are written by one job", function()
    conflict({ a = "out/x", b = "out/x" }, "is also written by job")
    conflict({ a = "out/x", b = "./out//x" }, "is also written by job")
    conflict({ a = "out/y/../x", b = "out/x" }, "is also written by job")
    conflict({ a = "out/**", b = "out/**" }, "is also written by job")
    expect(outputs_of { a = { "out/x", "out/x" }, b = "out/y" }):equals(true)
  end)

  it("do not lie in another job's folder", function()
    for _, folder in ipairs { "out", "out/", "out/**", "out/**/*", "./out", "out/deep" } do
      conflict({ a = folder, b = "out/deep/er/x" }, "is also written by job 'a'")
    end
    conflict({ a = "out/*", b = "out/x" }, "is also written by job 'a' (as 'out/*')")
    for _, case in ipairs {
      { a = "out", b = "outer/x" }, { a = "out/*", b = "out/deep/x" },
      { a = "out/*.o", b = "out/x.c" },
      { a = { "out", "out/x", "out/y/z" } }, { a = "out/a/**", b = "out/b/**" },
    } do
      expect(outputs_of(case)):equals(true)
    end
  end)
end)

describe("choosing jobs", function()
  local function chosen(what, default)
    declare_all("fetch", "build:a<fetch", "build:b<fetch", "publish<build:*", "lint")
    if default then orch.default(table.unpack(default)) end
    return names(choose.choose(graph.build(registry), what))
  end

  it("takes the default, otherwise all", function()
    expect(chosen({})):equals("fetch build:a build:b publish lint")
    registry = declare.reset()
    expect(chosen({}, { "build:a", "lint" })):equals("fetch build:a lint")
  end)

  it("takes names and globs with what they need", function()
    expect(chosen { targets = { "build:*" } }):equals("fetch build:a build:b")
    registry = declare.reset()
    expect(chosen({ targets = { "lint" } }, { "publish" })):equals("lint")
  end)

  it("takes --only without, and not the default beside it", function()
    expect(chosen({ only = { "build:*" } }, { "publish" })):equals("build:a build:b")
  end)

  it("marks what is skipped, and leaves out what only that needs", function()
    expect(chosen { targets = { "publish" }, skip = { "build:*" } })
      :equals("build:a build:b publish")
    expect(registry.by_name["build:a"].skipped):equals(true)
    expect(registry.by_name.publish.skipped):is_nil()
  end)

  it("marks what is forced, and forgets it the next time", function()
    declare_all("a", "b<a")
    local g = graph.build(registry)
    choose.choose(g, { force = { "a" } })
    expect({ g.by_name.a.forced, g.by_name.b.forced }):equals { true, nil }
    expect(names(choose.choose(g, { targets = { "a" } }))):equals("a")
    expect({ g.by_name.a.forced, g.by_name.b.chosen }):equals { nil, nil }
  end)

  it("suggests what was meant", function()
    for _, case in ipairs {
      { { targets = { "biuld:a" } }, "there is no job 'biuld:a'; did you mean 'build:a'?" },
      { { targets = { "build" } }, "there is no job 'build'; did you mean 'build:*'?" },
      { { targets = { "biuld:*" } }, "no job matches 'biuld:*'; did you mean 'build:*'?" },
      { { skip = { "lnt" } }, "--skip lnt: there is no job 'lnt'; did you mean 'lint'?" },
      { { targets = { "fetch" }, force = { "lint" } },
        "--force lint: it is not among the jobs of this run; name it as well: lint --force lint" },
    } do
      registry = declare.reset()
      local err = expect(function() chosen(case[1]) end):raises("usage")
      expect(err.message):equals(case[2])
    end
  end)
end)

describe("the words after FILE", function()
  local function parse(...) return arguments.parse({ ... }, registry) end

  it("are jobs and orch's own options, in any order", function()
    local found = parse("publish", "-j", "4", "build:*", "-k", "--force=a", "--force", "b:*",
      "--timeout", "1m", "-j8", "--ui", "plain", "--", "-odd")
    expect(found.targets):equals { "publish", "build:*", "-odd" }
    expect(found.options):equals { jobs = 8, keep_going = true, force = { "a", "b:*" },
      only = {}, skip = {}, timeout = 60, ui = "plain" }
  end)

  it("are refused in one sentence", function()
    for _, case in ipairs {
      { { "-j", "0" }, "--jobs should be a whole number from 1, not '0'" },
      { { "-j" }, "option '-j' needs a value: -j N" },
      { { "--ui", "liv" }, "--ui should be live, plain, github, json, quiet, not 'liv'; "
        .. "did you mean 'live'?" },
      { { "--keep-going=yes" }, "option '--keep-going' takes no value" },
      { { "--timeout", "soon" }, "--timeout should be a duration" },
      { { "--kep-going" }, "orch has no option '--kep-going'; did you mean '--keep-going'?" },
      { { "-x" }, "orch has no option '-x'" },
      { { "--force=" }, "--force needs the name of a job" },
    } do
      local err = expect(function() parse(table.unpack(case[1])) end):raises("usage")
      expect(err.message):contains(case[2])
      expect(err.command_line):equals(true)
    end
  end)
end)
