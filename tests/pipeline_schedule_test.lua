-- Which job runs when: -j, pools, priorities, failures, retries, limits.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")

local function ok(result)
  if result.exit_code ~= 0 then error(result.stdout .. result.stderr, 2) end
  return result
end

--- How many jobs ran at once, at most, of those whose names match.
local function most_at_once(project, pattern)
  local now, most = 0, 0
  for _, record in ipairs(project:events()) do
    if record.job and record.job:find(pattern) then
      if record.event == "job_start" then now = now + 1 end
      if record.event == "job_end" or record.event == "job_retry" then now = now - 1 end
      most = math.max(most, now)
    end
  end
  return most
end

local function starts(project)
  local names = {}
  for i, record in ipairs(project:events "job_start") do names[i] = record.job end
  return table.concat(names, " ")
end

local function fate(project, job)
  local record = project:last("job_end", job) or project:last("job_skip", job)
  if not record then return "nothing" end
  return (record.status or "skip") .. (record.because and ": " .. record.because or "")
end

describe("slots and pools", function()
  local MANY = [[
    orch.pools { unity = 2, disk = 3 }
    for i = 1, 8 do
      orch.job("j" .. i) { pools = i <= 4 and { unity = 1 } or { disk = 2 },
        run = function() orch.sleep(0.03) end }
    end]]

  it("-j caps all of them", function()
    local project = pipelines.new((MANY:gsub("pools = i[^}]*}[^}]*},", "")))
    for _, words in ipairs { { "-j", "1" }, { "-j3" }, { "--jobs=8" } } do
      ok(project:run(table.unpack(words)))
      local slots = math.tointeger(tonumber(table.concat(words):match "%d+"))
      expect(most_at_once(project, "^j")):equals(slots)
      expect(project:last("run_start").slots):equals(slots)
    end
    expect(project:run("-j", "0").exit_code):equals(2)
  end)

  it("a pool caps those that use it, and it is said who has it", function()
    local project = pipelines.new(MANY)
    local result = ok(project:run "-j8")
    expect(most_at_once(project, "^j[1-4]")):equals(2)
    expect(most_at_once(project, "^j[5-8]")):equals(1)
    local waits = project:last("job_wait", "j3")
    expect(waits.pool):equals "unity"
    expect(waits.held_by):equals { "j1", "j2" }
    expect(result.stdout):contains "[j3] * waits for unity, held by j1"
    expect(project:last("job_wait", "j6").held_by):equals { "j5" }
  end)

  it("those who wait for a pool do not stand in the way of others", function()
    local project = pipelines.new [[
      orch.pools { one = 1 }
      orch.job "holds" { pools = "one", run = function()
        while not io.open "free" do orch.sleep(0.01) end
      end }
      orch.job "waits" { pools = "one", run = "true" }
      orch.job "frees" { run = "touch free" }]]
    ok(project:run())
    expect(starts(project)):matches "waits$"
  end)

  it("the most urgent runs first, then as declared", function()
    local project = pipelines.new [[
      for i, p in ipairs { 0, 5, -1, 5, 0.5 } do
        orch.job("j" .. i) { priority = p, run = "true" }
      end]]
    ok(project:run "-j1")
    expect(starts(project)):equals "j2 j4 j5 j1 j3"
  end)
end)

describe("a failure", function()
  local CHAIN = [[
    orch.job "bad" { run = function()
      while io.open "deploy.lua" and orch.args[1] == "-j4" and not io.open "begun" do
        orch.sleep(0.01)
      end
      error "no"
    end }
    orch.job "b" { needs = "bad", run = "true" }
    orch.job "c" { needs = "b", run = "true" }
    orch.job "d" { needs = "c", run = "true" }
    orch.job "tidy" { after = "bad", run = "echo tidied" }
    orch.job "long" { run = "touch begun; exec sleep 300" }
    orch.job "next" { needs = "long", run = "true" }
    orch.job "always" { when = "always", run = "echo cleaned" }
    orch.job "failure" { when = "failure", run = "echo reported" }
    orch.job "free" { run = "echo free" }]]

  it("stops the run, and all levels say why", function()
    local project = pipelines.new(CHAIN)
    local result = project:run "-j4"
    expect(result.exit_code):equals(1)
    for _, name in ipairs { "b", "c", "d", "long", "next", "tidy" } do
      expect(fate(project, name)):equals "cancelled: bad failed"
    end
    expect(fate(project, "always")):equals "ok"
    expect(fate(project, "failure")):equals "ok"
    expect(result.stdout):contains "cancelled because bad failed"
    local last = project:last "run_end"
    expect({ last.status, last.failed }):equals { "failed", 1 }
    expect(last.exit_code):equals(1)
  end)

  it("with -k only what needs it is cancelled", function()
    local project = pipelines.new((CHAIN:gsub("exec sleep 300", "true")))
    expect(project:run("-k", "-j2").exit_code):equals(1)
    for _, name in ipairs { "b", "c", "d" } do
      expect(fate(project, name)):equals "cancelled: bad failed"
    end
    for _, name in ipairs { "tidy", "long", "next", "free", "always", "failure" } do
      expect(fate(project, name)):equals "ok"
    end
  end)

  it("a job for a failure is skipped where there was none", function()
    local project = pipelines.new [[
      orch.job "a" { run = "true" }
      orch.job "oops" { when = "failure", run = "echo oops" }
      orch.job "oops:a" { when = "failure", needs = "a", run = "echo oops" }
      orch.job "always" { when = "always", needs = "a", run = "true" }]]
    ok(project:run())
    expect(fate(project, "oops")):equals "skip"
    expect(project:last("job_skip", "oops").reason):contains "nothing failed"
    expect(fate(project, "oops:a")):equals "skip"
    expect(fate(project, "always")):equals "ok"
  end)

  it("of a job for failures is one, too", function()
    local project = pipelines.new [[
      orch.job "a" { run = "true" }
      orch.job "always" { when = "always", run = "exit 4" }]]
    expect(project:run().exit_code):equals(1)
    expect(project:last("job_end", "always").error.exit_code):equals(4)
  end)

  it("two at once: the first is the cause", function()
    local project = pipelines.new [[
      orch.job "one" { run = "exit 3" }
      orch.job "two" { needs = {}, after = "one", run = "exit 4" }
      orch.job "both" { needs = { "one", "two" }, run = "true" }]]
    local result = project:run "-k"
    expect(fate(project, "both")):equals "cancelled: one failed"
    expect(result.stdout):matches "FAILED one[^\n]*\n"
    expect(result.stdout):matches "fail +two"
  end)
end)

describe("retries", function()
  it("have a log each, and others run meanwhile", function()
    local project = pipelines.new [[
      orch.pools { one = 1 }
      orch.job "flaky" { pools = "one", retry = { attempts = 3, base = 0.05, jitter = "none" },
        run = function(job)
          print("try " .. job.attempt)
          if not io.open "used" then orch.error { kind = "network", message = "down" } end
        end }
      orch.job "user" { pools = "one", run = "touch used" }]]
    local result = ok(project:run "-j1")
    expect(project:story()):equals
      "flaky:start flaky:retry user:start user:ok flaky:start flaky:ok"
    local retry = project:last("job_retry", "flaky")
    expect(retry.attempt):equals(1)
    expect(retry.delay):equals(0.05)
    expect(retry.error):equals { kind = "network", message = "down", where = "deploy.lua:5" }
    local folder = project:latest() .. "/jobs/flaky/"
    expect(orch.fs.read(folder .. "1/log")):contains "try 1\n"
    expect(orch.fs.read(folder .. "1/log")):contains "down"
    expect(orch.fs.read(folder .. "2/log")):equals "try 2\n"
    expect(project:last("job_end", "flaky").attempt):equals(2)
    expect(result.stdout):contains "attempt 2"
  end)

  it("end with the last error", function()
    local project = pipelines.new [[
      orch.job "bad" { retry = { attempts = 3, base = 0 }, run = "echo x >> tries; exit 9" }
      orch.job "typo" { retry = { attempts = 3, base = 0 }, run = function()
        orch.fs.append("typos", "x")
        local t = nil
        return t.x
      end }]]
    expect(project:run("-k").exit_code):equals(1)
    expect(project:read "tries"):equals "x\nx\nx\n"
    expect(project:last("job_end", "bad").error.exit_code):equals(9)
    expect(project:read "typos"):equals "x"
  end)

  it("are no more once the run is being ended", function()
    local project = pipelines.new [[
      orch.job "bad" { after = "rests", run = "exit 1" }
      orch.job "rests" { retry = { attempts = 2, base = 300, jitter = "none" }, run = "exit 2" }
      orch.job "worse" {
        run = "while [ ! -e .orch/runs/*/jobs/rests ]; do sleep 0.01; done; exit 3",
      }]]
    expect(project:run().exit_code):equals(1)
    expect(fate(project, "rests")):equals "cancelled: worse failed"
  end)
end)

describe("limits of a job", function()
  local TREE = [[echo $$ >> pids; sleep 300 & echo $! >> pids; ]]
    .. [[setsid sh -c 'echo $$ >> pids; exec sleep 300' & %s wait]]

  local function expect_gone(project)
    local count = 0
    for pid in project:read("pids"):gmatch "%d+" do
      for _ = 1, 1000 do
        local file = io.open("/proc/" .. pid .. "/stat")
        local text = file and file:read "a"
        if file then file:close() end
        if not text or text:find "%) [ZX] " then break end
        orch.sleep(0.01)
      end
      local file <close> = io.open("/proc/" .. pid .. "/stat")
      expect(not file or file:read("a"):find "%) [ZX] " ~= nil):is(true)
      count = count + 1
    end
    expect(count):equals(3)
  end

  it("timeout kills the whole tree", function()
    local project = pipelines.new(("orch.job 'x' { timeout = 1, run = %q }")
      :format(TREE:format ""))
    expect(project:run("--grace", "1s").exit_code):equals(1)
    local failed = project:last("job_end", "x").error
    expect(failed.kind):equals "timeout"
    expect(failed.message):equals "job 'x' took longer than its timeout of 1s"
    expect_gone(project)
  end)

  it("stall kills what is silent, not what talks", function()
    local project = pipelines.new(([[
      orch.job "x" { stall = 1, run = %q }
      orch.job "y" { stall = 1.5, run = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.25; done" }]])
      :format(TREE:format "echo hello;"))
    expect(project:run("-k", "--grace", "1s").exit_code):equals(1)
    local failed = project:last("job_end", "x").error
    expect(failed.stalled):is(true)
    expect(failed.message):equals "job 'x' has printed nothing for 1s (stall)"
    expect(fate(project, "y")):equals "ok"
    expect_gone(project)
  end)

  it("each attempt has its own", function()
    local project = pipelines.new [[
      orch.job "x" { timeout = 0.3, retry = { attempts = 2, base = 0 }, run = function(job)
        if job.attempt == 1 then orch.sleep(300) end
      end }]]
    ok(project:run())
    expect(project:last("job_retry", "x").error.kind):equals "timeout"
  end)

  it("the run's own --timeout ends it with 5", function()
    local project = pipelines.new [[orch.job "x" { run = "sleep 300" }]]
    local result = project:run("--timeout", "300ms")
    expect(result.exit_code):equals(5)
    expect(project:last("run_end").exit_code):equals(5)
  end)
end)
