-- Runs in a world that is broken: files in the way, full disks, signals, hostile jobs.

local json = require "orch.json"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")

local TWO = [[
orch.job "a" { run = "echo hi" }
orch.job "b" { inputs = "deploy.lua", outputs = "b.txt", run = "echo hi > b.txt" }
]]

local function alive(pid)
  local file <close> = io.open(("/proc/%d/stat"):format(pid))
  local text = file and file:read "a"
  return text ~= nil and not text:find "%) [ZX] "
end

local function expect_gone(pids)
  for pid in pids:gmatch "%d+" do
    for _ = 1, 1000 do
      if not alive(tonumber(pid)) then break end
      orch.sleep(0.01)
    end
    expect(alive(tonumber(pid))):is(false)
  end
end

--- One sentence, no traceback, no seed.
local function expect_sentence(result, code, ...)
  expect(result.exit_code):equals(code)
  expect(result.stderr):matches "^orch: [^\n]+\n$"
  for _, text in ipairs { ... } do expect(result.stderr):contains(text) end
end

describe("a broken .orch", function()
  local project
  before_each(function() project = pipelines.new(TWO) end)

  it("that is a file, or leads nowhere", function()
    project:write(".orch", "")
    expect_sentence(project:run(), 1, ".orch", "move it aside")
    project:remove ".orch"
    orch.process.run { "ln", "-s", "/nowhere/at/all", project.folder .. "/.orch" }
    expect_sentence(project:run(), 1, ".orch", "move it aside")
  end)

  it("with a file in the place of its runs", function()
    orch.fs.mkdir(project.folder .. "/.orch")
    project:write(".orch/runs", "")
    expect_sentence(project:run(), 1, ".orch/runs")
  end)

  it("that cannot be written", function()
    local run = { require("orch.core.runtime").executable(), "run", "--ui", "plain", "deploy.lua",
      cwd = project.folder, check = false }
    if orch.process.run { "id", "-u" }.stdout == "0\n" then
      table.move({ "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups" }, 1, 6, 1,
        table.move(run, 1, #run, 7))
      if not orch.process.run { run[1], run[2], run[3], run[4], run[5], run[6], run[7], "version",
        check = false }.ok then
        test.skip "another user cannot read the program"
      end
    end
    orch.fs.mkdir(project.folder .. "/.orch")
    orch.process.run { "chmod", "555", project.folder, project.folder .. "/.orch" }
    local result = orch.process.run(run)
    orch.process.run { "chmod", "755", project.folder, project.folder .. "/.orch" }
    if result.stderr:find "cannot read" then test.skip "another user cannot read the folder" end
    expect_sentence(result, 1, "permission denied", "make it writable")
  end)

  it("with the state of a newer orch", function()
    expect(project:run().exit_code):equals(0)
    do
      local db = require("orch.core.sqlite").open(project.folder .. "/.orch/state.db", "rwc", 1)
      db:script "PRAGMA user_version = 99"
      db:close()
    end
    local before = project:read ".orch/state.db"
    expect_sentence(project:run(), 1, "newer orch", "move the file away")
    expect_sentence(project:run "-n", 1, "newer orch")
    expect(project:read ".orch/state.db" == before):is(true)
    expect(#project:runs()):equals(1)
  end)

  it("with a state that is cut off, or no database", function()
    expect(project:run().exit_code):equals(0)
    for _, bytes in ipairs { project:read(".orch/state.db"):sub(1, 5000), ("x"):rep(9999) } do
      project:write(".orch/state.db", bytes)
      local plan = project:run "-n"
      expect(plan.exit_code):equals(0)
      expect(plan.stderr):matches "^orch: warning: [^\n]+\n$"
      expect(project:read ".orch/state.db"):equals(bytes)
      local result = project:run()
      expect(result.exit_code):equals(0)
      expect(result.stderr):matches "^orch: warning: '.orch/state.db' was damaged[^\n]+\n$"
      expect(project:last("job_end", "b").status):equals "ok"
      expect(project:run().stderr):equals ""
    end
  end)

  it("with garbage among the events", function()
    project:write("deploy.lua", [[
      orch.job "a" { run = function() print "ran a" return 7 end }
      orch.job "b" { needs = "a", run = function()
        print("from a: " .. orch.result "a")
        if not io.open "go" then error "not yet" end
      end }]])
    expect(project:run().exit_code):equals(1)
    local path = project:latest() .. "/events.jsonl"
    local text = orch.fs.read(path)
    local first, rest = text:match "^([^\n]*\n)(.*)$"
    orch.fs.write(path, first .. "\0\255garbage\n{\"t\":\n[1]\n{\"event\":\"job_end\",\"t\":1}\n"
      .. rest .. '{"t":9,"event":"job_e')
    project:write("go", "")
    local result = project:orch { "resume", "--ui", "plain" }
    expect(result.exit_code):equals(0)
    expect(result.stdout):contains "[a] * skipped: recorded in this run"
    expect(result.stdout):contains "[b] from a: 7"
    expect(result.stdout).never:contains "ran a"
  end)
end)

describe("a full disk", function()
  local SCRIPT = [[
    orch.job "one" { run = function() orch.step("s", function() print "step s" return 1 end) end }
    orch.job "fill" { needs = "one", run = "head -c 9000000 /dev/zero > big; echo filled" }
    orch.job "talk" { needs = "fill", run = function()
      for i = 1, 100 do print(("x"):rep(1000)) end
    end }
    orch.job "notify" { when = "always", run = "echo notified" }]]

  it("fails the run with a sentence, and what it has done stands", function()
    local project = pipelines.new(SCRIPT)
    local disk = project.folder .. "/disk"
    orch.fs.mkdir(disk)
    local command = { "unshare", "-rm", "sh", "-c", [[
      mount -t tmpfs -o size=1M none disk && cp deploy.lua disk && cd disk || exit 99
      "$1" run --ui plain deploy.lua > ../out1 2> ../err1; echo $? > ../code1
      rm -f big; "$1" resume --ui plain --skip fill > ../out2 2> ../err2; echo $? > ../code2
      cat .orch/runs/*/events.jsonl > ../events]], "sh",
      require("orch.core.runtime").executable(), cwd = project.folder, check = false }
    if orch.process.run { "id", "-u" }.stdout == "0\n" then command[2] = "-m" end
    if orch.process.run(command).exit_code == 99 or not project:exists "code2" then
      test.skip "a small disk needs a mount namespace, and this system allows none"
    end
    expect(project:read "code1"):equals "1\n"
    local said = project:read "out1" .. project:read "err1"
    expect(said):contains "step s"
    expect(said):matches "no space left on device"
    expect(said).never:contains "stack traceback"
    expect(project:read "err1").never:contains "--seed"
    expect(project:read "code2"):equals "0\n"
    expect(project:read "err2"):equals("orch: going on with run "
      .. project:read("err2"):match "%d+%-%d+%-%x+" .. " of deploy.lua\n")
    expect(project:read "out2"):contains "[one] * skipped: recorded in this run"
    for line in project:read("events"):gmatch "[^\n]+" do
      if not pcall(json.decode, line) then expect(line):matches '^{"t":' end -- torn
    end
  end)
end)

describe("signals", function()
  local SCRIPT = [[
    orch.job "quick" { run = "echo quick" }
    orch.job "tree" { needs = "quick", run = "echo $$ >> pids; sleep 300 & echo $! >> pids; "
      .. "setsid sh -c 'echo $$ >> pids; exec sleep 300' & wait" }
    orch.job "waits" { needs = "quick", run = function()
      orch.step("first", function() print "did first" return 1 end)
      print "waiting"
      while not io.open "go" do orch.sleep(0.02) end
    end }
    orch.job "later" { needs = "tree", run = "echo later" }]]
  local project

  before_each(function() project = pipelines.new(SCRIPT) end)

  local function ready(process)
    project:wait_for '"event":"step"'
    for _ = 1, 1000 do
      local _, lines = (project:exists "pids" and project:read "pids" or ""):gsub("\n", "")
      if lines == 3 then return process end
      orch.sleep(0.01)
    end
    error "the processes never came"
  end

  local function start(...)
    return ready(project:start({ "run", "--ui", "plain", ... }, "job_start"))
  end

  local function expect_resumed()
    project:write("go", "")
    local script = project:read "deploy.lua"
    project:write("deploy.lua", (script:gsub('run = "echo %$%$.-" },?\n', 'run = "true" }\n')
      :gsub('"echo %$%$ >> pids; sleep.-wait"', '"true"')))
    local result = project:orch { "resume", "--ui", "plain" }
    expect(result.exit_code):equals(0)
    expect(result.stdout):contains "[quick] * skipped: recorded in this run"
    expect(result.stdout):contains "[waits] * started, attempt 2: it was broken off"
    expect(result.stdout):contains "[waits] * step first, as recorded"
    expect(result.stdout).never:contains "did first"
    expect(project:last "run_end".status):equals "ok"
  end

  for signal, code in pairs { HUP = 129, INT = 130, TERM = 143 } do
    it("SIG" .. signal .. " ends the run in order, and it can go on", function()
      local process <close> = start "deploy.lua"
      process:signal(signal)
      local result = process:wait()
      expect(result.exit_code):equals(code)
      local last = project:last "run_end"
      expect(last.status):equals "interrupted"
      expect(last.signal):equals("SIG" .. signal)
      expect(last.exit_code):equals(code)
      expect(project:last("job_end", "tree").status):equals "cancelled"
      expect(project:last("job_end", "later").status):equals "cancelled"
      expect(process.stdout:read()):contains "orch resume"
      expect_gone(project:read "pids")
      expect_resumed()
    end)
  end

  it("a terminal that closes ends the run in order", function()
    if not orch.fs.exists "/usr/bin/script" then test.skip "script(1) is not installed" end
    local terminal <close> = orch.process.spawn {
      "script", "-qec", require("orch.core.runtime").executable() .. " run deploy.lua",
      "/dev/null", cwd = project.folder, env = { TERM = "xterm", GITHUB_ACTIONS = false },
      check = false, stdout = "null",
    }
    ready(terminal)
    terminal:signal "KILL"
    project:wait_for '"event":"run_end"'
    expect(project:last("run_end").signal):equals "SIGHUP"
    expect(project:last("job_end", "tree").status):equals "cancelled"
    expect_gone(project:read "pids")
    expect_resumed()
  end)

  it("a second Ctrl-C kills what does not want to end", function()
    project:write("deploy.lua", (SCRIPT:gsub("echo %$%$ >> pids; sleep",
      "trap '' TERM; echo $$ >> pids; sleep")))
    local process <close> = start("--grace", "5m", "deploy.lua")
    process:signal "INT"
    for line in process.stderr:lines() do
      if line:find "interrupted" then break end
    end
    process:signal "INT"
    expect(process:wait().exit_code):equals(130)
    expect_gone(project:read "pids")
  end)

  it("kill -9 leaves nothing locked and nobody running", function()
    local process <close> = start "deploy.lua"
    process:signal "KILL"
    process:wait()
    expect_gone(project:read "pids")
    expect(project:last "run_end"):is_nil()
    expect_resumed()
  end)
end)

describe("a clock that was set back", function()
  it("does not make a run go back, nor a later one an earlier one", function()
    local project = pipelines.new [[
      orch.job "a" { run = function() if not io.open "go" then error "no" end end }]]
    expect(project:run().exit_code):equals(1)
    local id = project:runs()[1]
    local later = "29" .. id:sub(3)
    orch.fs.move(project.folder .. "/.orch/runs/" .. id, project.folder .. "/.orch/runs/" .. later)
    local path = project:latest() .. "/events.jsonl"
    local text = orch.fs.read(path):gsub(id, later):gsub('"time":%d+', '"time":29000000000')
    orch.fs.write(path, text)
    project:write("go", "")
    expect(project:orch({ "resume", "--ui", "plain" }).exit_code):equals(0)
    local model = require("orch.pipeline.model").load(path)
    expect(model.status):equals "ok"
    expect(#model.sessions):equals(2)
    expect(model.sessions[2].offset >= 0):is(true)
    expect(model.jobs.a.attempts[2].started_at >= model.jobs.a.attempts[1].ended_at):is(true)
    expect(project:run().exit_code):equals(0)
    expect(project:runs()[1]):equals(later)
    expect(#project:runs()):equals(2)
  end)
end)

describe("a hostile job", function()
  local function one(run, options)
    return pipelines.new(("orch.job 'x' { %s run = %s }"):format(options or "", run))
  end

  it("that closes its output", function()
    local project = one [["echo before; exec >&- 2>&-; exec sleep 0.05"]]
    expect(project:run().exit_code):equals(0)
    expect(orch.fs.read(project:latest() .. "/jobs/x/1/log")):equals "before\n"
  end)

  it("that leaves a daemon behind", function()
    local project = one([["setsid sh -c 'echo $$ > pid; exec sleep 300' & while [ ! -s pid ]; ]]
      .. [[do sleep 0.01; done; echo done"]])
    local result = project:run()
    expect(result.exit_code):equals(0)
    expect(result.stdout):contains "[x] done"
    expect(result.stderr):equals ""
    if alive(tonumber(project:read "pid")) then
      orch.process.run { "kill", (project:read "pid":gsub("%s", "")) }
    end
  end)

  it("that prints a lot, in little memory", function()
    local megabytes = os.getenv "ORCH_TEST_KILLS" == "all" and 1024 or 100
    local project = one(("'yes %s | head -c %dM'"):format(("x"):rep(99), megabytes))
    project:write("deploy.lua", project:read "deploy.lua" .. [[

      orch.job "memory" { needs = "x", run = function()
        return tonumber(io.open("/proc/self/status"):read("a"):match "VmHWM:%s*(%d+)")
      end }]])
    expect(project:orch({ "run", "--ui", "quiet", "deploy.lua" }).exit_code):equals(0)
    expect(orch.fs.stat(project:latest() .. "/jobs/x/1/log").size):equals(megabytes << 20)
    -- AddressSanitizer keeps freed memory for a while.
    if not io.open("/proc/self/maps"):read("a"):find "libasan" then
      expect(project:last("job_end", "memory").value):less_than(60 << 10)
    end
  end)

  it("that prints what is no text", function()
    local project = one [[function(job)
      local dirty = "\255\0\27[2J\27]0;title\7é\xe2\x82 "
      print(dirty)
      job:message(dirty)
      job:problem { message = dirty, file = dirty }
      orch.step(dirty, function() return 1 end)
      error(dirty)
    end]]
    local result = project:run()
    expect(result.exit_code):equals(1)
    expect(result.stdout).never:matches "[%z\1-\8\11-\31\127]"
    expect(utf8.len(result.stdout)):is_a "number"
    local count = 0
    for line in orch.fs.read(project:latest() .. "/events.jsonl"):gmatch "[^\n]*\n" do
      expect(utf8.len(line)):is_a "number"
      expect(json.decode(line).event):is_a "string"
      count = count + 1
    end
    expect(count):greater_than(7)
    expect(orch.fs.read(project:latest() .. "/jobs/x/1/log")):contains "\255\0\27[2J"
  end)

  it("whose process is killed", function()
    local project = one [["kill -SEGV $$"]]
    expect(project:run().exit_code):equals(1)
    local failed = project:last("job_end", "x")
    expect(failed.error.kind):equals "process"
    expect(failed.error.signal):equals "SIGSEGV"
    expect(failed.error.command):contains "kill -SEGV"
  end)

  it("that waits for what never comes", function()
    local project = one [[function() orch.event():wait() end]]
    local result = project:run()
    expect(result.exit_code):equals(1)
    expect(result.stdout .. result.stderr):contains "deadlock"
    expect(project:last "run_end".status):equals "failed"
  end)

  it("that calls os.exit", function()
    for code, status in pairs { [0] = "interrupted", [5] = "interrupted" } do
      local project = one(("function() os.exit(%d) end"):format(code))
      local result = project:run()
      expect(result.exit_code):equals(code)
      expect(project:last "run_end".status):equals(status)
      expect(project:last "run_end".exit_code):equals(code)
    end
  end)

  it("that declares a job", function()
    local project = one [[function() orch.job "y" { run = "true" } end]]
    local result = project:run()
    expect(result.exit_code):equals(1)
    expect(project:last("job_end", "x").error.message):contains "was called while the jobs run"
  end)

  it("that spawns what does not end", function()
    local project = one [[function()
      orch.spawn({ daemon = true }, function() while true do orch.sleep(10) end end)
      orch.spawn(function() error "in a child" end)
      orch.sleep(100)
    end]]
    expect(project:run().exit_code):equals(1)
    expect(project:last("job_end", "x").error.message):contains "in a child"
  end)
end)

describe("a script whose body fails", function()
  it("runs no job and leaves no .orch", function()
    local project = pipelines.new [[
      orch.job "a" { run = "echo hi > ran" }
      error "in the body"]]
    local result = project:run()
    expect(result.exit_code):equals(1)
    expect(result.stderr):contains "in the body"
    expect(project:exists "ran"):is(false)
    expect(project:exists ".orch"):is(false)
  end)
end)

describe("a secret", function()
  local SECRET = "s3cr3t-Value/+=9"

  it("in a list is masked as well", function()
    local secrets, before = require "orch.secrets", require("orch.secrets").count()
    secrets.mask(SECRET)
    local list = secrets.scrub { args = json.array { "--key=" .. SECRET }, none = json.array {} }
    secrets.forget(before)
    expect(list.args):equals(json.array { "--key=***" })
    expect(json.encode(list.none)):equals "[]"
  end)

  it("is nowhere in .orch, in reports or on the terminal", function()
    local project = pipelines.new [[
      local secret = orch.secrets { "STORE_KEY" }.STORE_KEY
      local p = orch.params { key = "none", note = "" }
      orch.job "print" { desc = "uses " .. secret, run = function(job)
        print("the key is " .. secret)
        for i = 1, #secret do io.write(secret:sub(i, i)) end
        io.write "\n"
        job:message("with " .. secret)
        job:progress(1, 2, secret)
        job:problem { message = secret, file = secret, code = secret }
        orch.log.warn("logging " .. secret, { key = secret })
        orch.step("step " .. secret, function() return 1 end)
      end }
      orch.job "command" { run = "echo " .. secret .. "; printf %s $STORE_KEY | base64" }
      orch.job "argv" { env = { KEY = secret }, run = { { "sh", "-c", "echo $KEY >&2", secret } } }
      orch.job "pieces" { run = function()
        orch.sh("printf ${a}; sleep 0.02; printf ${b}; echo", { a = secret:sub(1, 5),
          b = secret:sub(6) })
      end }
      orch.job "fails" { env = { SECRET = secret }, inputs = "deploy.lua", run = function()
        error("cannot log in with " .. secret)
      end }
      orch.job "value" { run = function() return { key = secret } end }
      orch.job "step" { run = function() orch.step("s", function() return secret end) end }
      orch.job "process" { run = function() orch.process.run { "sh", "-c",
        "echo " .. secret .. " >&2; exit 3" } end }
      orch.job "captured" { inputs = "deploy.lua", outputs = "o", run = function()
        orch.fs.write("o", #secret)
      end }]]
    local text = ""
    for _, ui in ipairs { "plain", "github", "json" } do
      local result = project:orch({ "run", "-k", "--ui", ui, "--html", "r.html", "--junit", "r.xml",
        "--markdown", "r.md", "deploy.lua", "--key=" .. SECRET, "--force", "captured" },
        { STORE_KEY = SECRET })
      expect(result.exit_code):equals(1)
      text = text .. result.stdout .. result.stderr
    end
    expect(text):contains "***"
    for _, words in ipairs { { "show" }, { "history" }, { "logs", "print" }, { "logs", "fails" },
      { "report", "--json", "r.json", "--trace", "r.trace", "--html", "r2.html" } } do
      local result = project:orch(words, { STORE_KEY = SECRET })
      text = text .. result.stdout .. result.stderr
    end
    local explained = project:orch({ "run", "--explain", "fails", "deploy.lua" },
      { STORE_KEY = "another-" .. SECRET })
    text = text .. explained.stdout .. explained.stderr
    local encoded = orch.sh("printf %s ${s} | base64", { s = SECRET }).stdout:gsub("%s", "")
    local function clean(where, bytes)
      for _, form in ipairs { SECRET, encoded, "s3cr3t-Value%2F%2B%3D9", "s3cr3t-Value\\/+=9" } do
        local at = bytes:find(form, 1, true)
        if at then
          error(("%s has the secret: %q"):format(where, bytes:sub(math.max(1, at - 100), at + 50)))
        end
      end
    end
    clean("the terminal", text)
    local looked = 0
    for _, path in ipairs(orch.fs.glob({ ".orch/**", "r*" }, { cwd = project.folder,
      hidden = true, type = "file" })) do
      clean(path, project:read(path))
      looked = looked + 1
    end
    expect(looked):greater_than(20)
  end)
end)
