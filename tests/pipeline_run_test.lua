-- What a run does: its jobs, what they are given and give, questions, one run at a time.

local json = require "orch.json"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")
local executable = require("orch.core.runtime").executable()

local function ok(result)
  if result.exit_code ~= 0 then error(result.stdout .. result.stderr, 2) end
  return result
end

describe("a job", function()
  it("is a function, a command line, or a list of commands", function()
    local project = pipelines.new [[
      orch.job "fn" { run = function(job) print("fn " .. job.name .. " " .. job.attempt) end }
      orch.job "line" { run = "echo line | tr a-z A-Z" }
      orch.job "list" { run = { "echo one; exit 0", { "printf", "%s.", "two words", "$HOME" } } }
      orch.job "stops" { run = { "echo first", "exit 3", "echo never" } }]]
    local result = project:run("-k", "-j1")
    expect(result.exit_code):equals(1)
    local folder = project:latest() .. "/jobs/"
    expect(orch.fs.read(folder .. "fn/1/log")):equals "fn fn 1\n"
    expect(orch.fs.read(folder .. "line/1/log")):equals "LINE\n"
    expect(orch.fs.read(folder .. "list/1/log")):equals "one\ntwo words.$HOME."
    expect(orch.fs.read(folder .. "stops/1/log")):matches "^first\n"
    expect(orch.fs.read(folder .. "stops/1/log")).never:contains "never"
    local failed = project:last("job_end", "stops").error
    expect({ failed.kind, failed.exit_code, failed.command }):equals { "process", 3, "exit 3" }
    expect(project:last("job", "stops").command):equals "echo first\nexit 3\necho never"
  end)

  it("has its variables and its folder", function()
    local project = pipelines.new [[
      local show = "echo $A-$ORCH_JOB-${B-unset}; pwd"
      orch.job "line" { env = { A = 1, B = false }, cwd = "sub", run = show }
      orch.job "fn" { env = { A = "x" }, cwd = "sub", run = function()
        print(os.getenv "A", orch.fs.path.absolute "f", io.open("here"):read "a")
        orch.sh(show)
      end }]]
    orch.fs.mkdir(project.folder .. "/sub")
    project:write("sub/here", "here")
    local out = ok(project:orch({ "run", "--ui", "plain", "deploy.lua" }, { B = "b" })).stdout
    expect(out):contains "[line] 1-line-unset"
    expect(out):contains("[line] " .. project.folder .. "/sub\n")
    expect(out):contains("[fn] x\t" .. project.folder .. "/sub/f\there")
    expect(out):contains "[fn] x-fn-b"
  end)

  it("gives a value, which others read", function()
    local project = pipelines.new [[
      for _, p in ipairs { "ios", "android" } do
        orch.job("build:" .. p) { run = function() return { size = #p, list = { p } } end }
      end
      orch.job "nothing" { run = "true" }
      orch.job "mid" { needs = "build:*", run = "true" }
      orch.job "sum" { needs = { "mid", "nothing" }, run = function()
        local sum, names = 0, {}
        for name, value in pairs(orch.results "build:*") do
          sum = sum + value.size
          value.size = nil -- a copy
          names[#names + 1] = name
        end
        table.sort(names)
        assert(orch.result "build:ios".size == 3)
        assert(orch.result "nothing" == nil and next(orch.results "nothing") == nil)
        return { sum = sum, names = names }
      end }
      orch.job "stranger" { run = function() orch.result "sum" end }
      orch.job "typo" { needs = "sum", run = function() orch.result "summ" end }]]
    expect(project:run("-k").exit_code):equals(1)
    expect(project:last("job_end", "sum").value)
      :equals { sum = 10, names = { "build:android", "build:ios" } }
    expect(project:last("job_end", "stranger").error.message):contains "does not need 'sum'"
    expect(project:last("job_end", "typo").error.message):contains "did you mean 'sum'?"
  end)

  it("cannot give what is no data", function()
    for what, text in pairs {
      ["function() end"] = "cannot be kept", ["0/0"] = "cannot be kept",
      ["{ 1, x = 2 }"] = "cannot be kept",
      ["(function() local t = {} t.t = t return t end)()"] = "cannot be kept",
    } do
      local project = pipelines.new(("orch.job 'x' { run = function() return %s end }")
        :format(what))
      expect(project:run().exit_code):equals(1)
      expect(project:last("job_end", "x").error.message):contains(text)
    end
  end)

  it("says how far it is, and what it has found", function()
    local project = pipelines.new [[
      orch.job "x" { run = function(job)
        for i = 1, 1000 do job:progress(i, 1000, "files") end
        job:message "half way"
        job:problem { message = "unused", severity = "warning", file = "a.c", line = 3 }
        job:problems { { message = "one" }, { message = "two", code = 7 } }
        local beats = 0
        job:every(0.001, function() beats = beats + 1 end)
        while beats < 3 do orch.sleep(0.001) end
        orch.log.warn "careful"
        return beats
      end }
      orch.job "bad" { run = function(job) job:problem { severity = "fatal", message = "x" } end }
      orch.job "every" { run = function(job)
        job:every(0.001, function() error "in every" end)
        orch.sleep(300)
      end }
      orch.job "typo" { run = function(job) job:mesage "x" end }]]
    expect(project:run("-k").exit_code):equals(1)
    local progress = project:events "progress"
    expect(#progress):less_than(50)
    expect(progress[#progress].done):equals(1000)
    expect(progress[#progress].label):equals "files"
    expect(project:events("message")[1].text):equals "half way"
    expect(#project:events "problem"):equals(3)
    expect(project:last("problem", "x").severity):equals "warning"
    expect(project:last("job_end", "x").status):equals "ok"
    expect(project:last("job_end", "bad").error.message):contains "should be error, warning or info"
    expect(project:last("job_end", "every").error.message):contains "in every"
    expect(project:last("job_end", "typo").error.message):contains "did you mean 'message'?"
  end)

  it("without run is a group", function()
    local project = pipelines.new [[
      orch.job "a" { run = "true" }
      orch.job "all" { needs = "a" }
      orch.job "after" { needs = "all", run = "true" }]]
    ok(project:run "all")
    expect(project:story()):equals "a:start a:ok all:skip"
  end)

  it("has steps with names of their own", function()
    local project = pipelines.new [[
      orch.job "x" { run = function()
        orch.step("one", function() return 1 end)
        orch.step("one", function() return 2 end)
      end }
      orch.job "bad" { run = function() orch.step("s", function() return print end) end }
      orch.job "fails" { run = function() orch.step("s", function() error "in the step" end) end }
      orch.job "args" { run = function()
        return orch.step("s", function(a, b) return a + b end, 1, 2)
      end }]]
    expect(project:run("-k").exit_code):equals(1)
    expect(project:last("job_end", "x").error.message):contains "has a step 'one' already"
    expect(project:last("job_end", "bad").error.message):contains "the step 's' of job 'bad'"
    expect(project:last("step_fail", "fails").error.message):contains "in the step"
    expect(project:last("job_end", "args").value):equals(3)
    local outside = pipelines.new [[orch.step("x", print) orch.job "a" { run = "true" }]]
    local result = outside:run()
    expect(result.exit_code):equals(1)
    expect(result.stderr):contains "inside a job only"
  end)
end)

describe("which jobs run", function()
  local SCRIPT = [[
    orch.default "b"
    orch.job "a" { run = "true" }
    orch.job "b" { needs = "a", run = "true" }
    orch.job "c" { needs = "b", run = "true" }
    orch.job "other" { run = "true" }]]

  local function expect_story(words, story)
    local project = pipelines.new(SCRIPT)
    ok(project:run("-j1", table.unpack(words)))
    expect((project:story():gsub("%w+:start ?", ""):gsub(" $", ""))):equals(story)
  end

  it("the default, those that are named, and what these need", function()
    expect_story({}, "a:ok b:ok")
    expect_story({ "c" }, "a:ok b:ok c:ok")
    expect_story({ "o*", "a" }, "a:ok other:ok")
    expect_story({ "--only", "c" }, "c:ok")
    expect_story({ "c", "--skip", "b" }, "b:skip c:ok")
    local result = pipelines.new(SCRIPT):run "othr"
    expect(result.exit_code):equals(2)
    expect(result.stderr):contains "did you mean 'other'?"
  end)
end)

describe("a question", function()
  local SCRIPT = [[
    orch.job "a" { inputs = "deploy.lua", outputs = "a", run = "touch a", confirm = "Really a?" }
    orch.job "b" { run = "touch b" }]]

  it("without a terminal is refused, before anything runs", function()
    local project = pipelines.new(SCRIPT)
    local result = project:run()
    expect(result.exit_code):equals(7)
    expect(result.stderr):matches "^orch: job 'a' %(deploy.lua:1%) asks \"Really a%?\"[^\n]+\n$"
    expect(result.stderr):contains "--yes"
    expect(project:exists "b"):is(false)
    expect(#project:runs()):equals(0)
    ok(project:run "--yes")
    ok(project:run()) -- it need not run, so nobody is asked
    expect(project:last("job_start", "a")):is_nil()
    expect(project:run("--force", "a").exit_code):equals(7)
    ok(project:run("--skip", "a"))
  end)

  it("on a terminal is put to the person", function()
    if not orch.fs.exists "/usr/bin/script" then test.skip "script(1) is not installed" end
    local function answer(text)
      local project = pipelines.new(SCRIPT)
      local result = orch.process.run { "script", "-qec",
        executable .. " run --ui plain deploy.lua", "/dev/null", cwd = project.folder,
        stdin = text, check = false, timeout = "30s" }
      return project, result
    end
    local project, result = answer "y\n"
    expect(result.stdout):contains "Really a?"
    expect(result.exit_code):equals(0)
    expect(project:exists "a"):is(true)
    project, result = answer "n\n"
    expect(result.exit_code):equals(7)
    expect(result.stdout):contains "nothing has run"
    expect(project:exists "b"):is(false)
  end)
end)

describe("one run at a time", function()
  local SCRIPT = [[
    local name = orch.params { name = "x" }.name
    orch.job "wait" { run = function()
      orch.fs.write("begun-" .. name, "")
      while not io.open("go") do orch.sleep(0.01) end
    end }
    orch.job("made:" .. name) { outputs = name .. ".txt", run = "echo > " .. name .. ".txt" }]]
  local project

  before_each(function() project = pipelines.new(SCRIPT) end)

  local function start(...)
    return project:start({ "run", "--ui", "quiet", "deploy.lua", ... }, "job_start")
  end

  it("the second is refused and says who works", function()
    local first <close> = start()
    local second = project:run()
    expect(second.exit_code):equals(7)
    local id = project:runs()[1]
    expect(second.stderr):matches("^orch: this project is busy with run "
      .. id:gsub("%-", "%%-") .. " of deploy.lua, since %d%d:%d%d %(process " .. first.pid
      .. "[^\n]*%); [^\n]+%-%-concurrent\n$")
    expect(#project:runs()):equals(1)
    local resumed = project:orch { "resume" }
    expect(resumed.exit_code):equals(7)
    ok(project:run "-n") -- only looks
    first:signal "KILL"
    first:wait()
    project:write("go", "")
    ok(project:run()) -- nothing to unlock
  end)

  it("does not take one beside it for one that was killed", function()
    local first <close> = start("--concurrent", "--name=one")
    ok(project:run("--name=two", "made:two"))
    local st <close> = require("orch.pipeline.state").open(project.folder .. "/.orch/state.db")
    local runs = st:runs()
    expect({ runs[1].status, runs[2].status }):equals { "ok", "running" }
    project:write("go", "")
    expect(first:wait().exit_code):equals(0)
    expect(st:runs()[2].status):equals "ok"
  end)

  it("with --concurrent two share the state", function()
    local first <close> = start "--name=one"
    local second <close> = start("--concurrent", "--name=two")
    for _ = 1, 1000 do
      if project:exists "begun-one" and project:exists "begun-two" then break end
      orch.sleep(0.01)
    end
    expect(#project:runs()):equals(2)
    expect(project:orch({ "resume", project:runs()[2], "--concurrent" }).exit_code):equals(7)
    project:write("go", "")
    expect(first:wait().exit_code):equals(0)
    expect(second:wait().exit_code):equals(0)
    for _, name in ipairs { "one", "two" } do
      expect(project:run("-n", "--name=" .. name).stdout):matches("skip   made:" .. name)
    end
  end)
end)

describe("resume", function()
  it("has the arguments, params and options of the run, and works from a subfolder", function()
    local project = pipelines.new [[
      local p = orch.params { channel = "beta" }
      orch.job "a" { run = function()
        print("channel " .. p.channel, orch.args[1])
        orch.fs.write("where", orch.fs.path.absolute ".")
        if not io.open "go" then error "not yet" end
      end }
      orch.job "b" { run = "true" }]]
    local result = project:orch { "run", "-j3", "-k", "--ui", "plain", "deploy.lua", "a",
      "--channel=live" }
    expect(result.exit_code):equals(1)
    orch.fs.mkdir(project.folder .. "/sub/deep")
    project:write("go", "")
    local resumed = test.run({ "resume" }, { cwd = project.folder .. "/sub/deep" })
    expect(resumed.exit_code):equals(0)
    expect(resumed.stdout):contains "channel live"
    expect(project:read "where"):equals(project.folder)
    local start = project:last "run_resume"
    expect({ start.slots, start.keep_going }):equals { 3, true }
    expect(start.params):equals { channel = "live" }
    expect(project:last("job", "b")):is_nil()
    local again = project:orch { "resume" }
    expect(again.exit_code):equals(0)
    expect(again.stderr):contains "has finished: there is nothing left to do"
  end)

  it("has what stood in front of the script", function()
    local project = pipelines.new [[
      orch.job "a" { run = function()
        if not io.open "go" then error "not yet" end
        orch.sleep(300)
      end }]]
    expect(project:orch({ "run", "--timeout", "2s", "--grace", "5s", "-j2", "deploy.lua" })
      .exit_code):equals(1)
    expect(project:last("run_start").args):equals { "--grace=5s", "--timeout=2s", "-j2" }
    project:write("go", "")
    expect(project:orch({ "resume" }).exit_code):equals(5)
  end)

  it("wants a secret again that it was given as an argument", function()
    local project = pipelines.new [[
      local key = orch.secrets { "STORE_KEY" }.STORE_KEY
      local p = orch.params { key = "" }
      orch.job "a" { run = function()
        if not io.open "go" then error "not yet" end
        assert(p.key == key)
      end }]]
    local env = { STORE_KEY = "s3cr3t-value" }
    expect(project:orch({ "run", "deploy.lua", "--key", "s3cr3t-value" }, env).exit_code):equals(1)
    expect(project:last("run_start").args):equals { "--key", "***" }
    project:write("go", "")
    local refused = project:orch({ "resume" }, env)
    expect(refused.exit_code):equals(2)
    expect(refused.stderr):contains "give it again (--key=...)"
    ok(project:orch({ "resume", "--key=s3cr3t-value" }, env))
  end)

  it("cannot go on with a script that is in no file", function()
    local project = pipelines.new ""
    local code = [[orch.job "a" { run = "exit 1" }]]
    expect(project:orch({ "run", "-e", code }).exit_code):equals(1)
    local result = project:orch { "resume" }
    expect(result.exit_code):equals(2)
    expect(result.stderr):contains "is in no file; start anew with orch run"
  end)

  local CHANGING = [[
    local made = "one"
    orch.job "a" { run = function() orch.fs.append("effects", "a ") return made end }
    orch.job "b" { needs = "a", run = function()
      orch.fs.append("effects", "b(" .. orch.result "a" .. ") ")
      return orch.result "a"
    end }
    orch.job "steps" { run = function()
      orch.step("s", function() orch.fs.append("effects", "s ") end)
    end }
    orch.job "c" { needs = { "b", "steps" }, run = function()
      orch.step("c1", function() orch.fs.append("effects", "c1 ") end)
      if not io.open "go" then error "not yet" end
      orch.fs.append("effects", "c ")
    end }]]

  it("asks before it goes on with changed code", function()
    local project = pipelines.new(CHANGING)
    expect(project:run("-j1").exit_code):equals(1)
    expect(project:read "effects"):equals "a b(one) s c1 "
    project:write("deploy.lua", (CHANGING:gsub('"one"', '"two"')))
    project:write("go", "")
    local refused = project:orch { "resume", "--ui", "plain" }
    expect(refused.exit_code):equals(7)
    expect(refused.stderr):contains "the code of 1 finished job has changed since the run began: a"
    expect(project:read "effects"):equals "a b(one) s c1 "
    local plan = project:orch { "resume", "-n" }
    expect(plan.exit_code):equals(0)
    expect(plan.stdout):matches "run    a "
    local result = ok(project:orch { "resume", "--ui", "plain", "--yes" })
    -- b was done, but with what a no longer gives
    expect(project:read "effects"):equals "a b(one) s c1 a b(two) c "
    expect(result.stdout):contains "[a] * started, attempt 2: its code changed"
    expect(result.stdout):contains "[b] * started, attempt 2: the result of a changed"
    expect(result.stdout):contains "[steps] * skipped: recorded in this run"
    expect(result.stdout):contains "[c] * started, attempt 2: it failed before"
    expect(result.stdout):contains "[c] * step c1, as recorded"
  end)

  it("says that steps of changed code are kept, and forgets them where it is told to", function()
    local project = pipelines.new(CHANGING)
    expect(project:run("-j1").exit_code):equals(1)
    project:write("deploy.lua", (CHANGING:gsub('"c "', '"C "')))
    project:write("go", "")
    local refused = project:orch { "resume" }
    expect(refused.exit_code):equals(7)
    expect(refused.stderr):contains "steps of it are recorded: c; these are not repeated"
    ok(project:orch { "resume", "--yes", "--force", "c" })
    expect(project:read "effects"):equals "a b(one) s c1 c1 C "
  end)

  it("a job that the run was told to force is not done twice", function()
    local project = pipelines.new(CHANGING)
    expect(project:run("-j1", "--force", "a").exit_code):equals(1)
    project:write("go", "")
    ok(project:orch { "resume" })
    expect(project:read "effects"):equals "a b(one) s c1 c "
  end)

  it("beside another run tells the state what was done before", function()
    local project = pipelines.new [[
      orch.job "a" { outputs = "a.txt", run = "echo > a.txt" }
      orch.job "b" { needs = "a", run = function() os.execute "kill -9 $PPID" end }]]
    project:run()
    project:write("deploy.lua", (project:read "deploy.lua":gsub("function.*end", "'true'")))
    ok(project:orch { "resume", "--concurrent", "--yes" })
    expect(project:run("-n", "a").stdout):matches "skip   a "
  end)

  it("does again what was done where its output is gone", function()
    local project = pipelines.new [[
      orch.job "a" { outputs = "a.txt", run = "echo a >> effects; echo > a.txt" }
      orch.job "b" { needs = "a", run = "test -e go" }]]
    expect(project:run().exit_code):equals(1)
    project:remove "a.txt"
    project:write("go", "")
    local result = ok(project:orch { "resume", "--ui", "plain" })
    expect(result.stdout):contains "[a] * started, attempt 2: output a.txt is missing"
    expect(project:read "effects"):equals "a\na\n"
  end)

  it("gives a job all of its retries again", function()
    local project = pipelines.new [[
      orch.job "x" { retry = { attempts = 2, base = 0 }, run = function(job)
        if job.attempt < 4 then orch.error { kind = "network", message = "down" } end
      end }]]
    expect(project:run().exit_code):equals(1)
    ok(project:orch { "resume" })
    expect(project:last("job_end", "x").attempt):equals(4)
  end)

  it("twice at once does everything once", function()
    local project = pipelines.new [[
      for i = 1, 5 do
        orch.job("j" .. i) { run = function()
          if not io.open "go" then error "not yet" end
          orch.fs.append("effects", i .. "\n")
        end }
      end]]
    expect(project:run("-k").exit_code):equals(1)
    project:write("go", "")
    local codes = orch.map({ 1, 2, 3 }, function()
      return project:orch({ "resume" }).exit_code
    end)
    local lines = {}
    for line in project:read("effects"):gmatch "%d" do lines[#lines + 1] = line end
    table.sort(lines)
    expect(table.concat(lines)):equals "12345"
    local zero = 0
    for _, code in ipairs(codes) do
      expect(code == 0 or code == 7):is(true)
      if code == 0 then zero = zero + 1 end
    end
    expect(zero):greater_than(0)
  end)
end)

describe("the log of events", function()
  it("has a version, and every line is an object with a time", function()
    local project = pipelines.new [[orch.job "a" { run = function() return 1 end }]]
    ok(project:run())
    local first = project:events()[1]
    expect(first.event):equals "run_start"
    expect(first.version):equals(1)
    expect(first.run):equals(project:runs()[1])
    expect(first.script):equals "deploy.lua"
    local before = 0
    for line in orch.fs.read(project:latest() .. "/events.jsonl"):gmatch "[^\n]+" do
      local record = json.decode(line)
      expect(record.t >= before):is(true)
      before = record.t
    end
  end)
end)
