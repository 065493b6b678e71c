-- The live view: the block as a function of events, time and size; then what reaches the
-- screen, up to a real terminal.

local chains = require "orch.view.chain"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local stages = dofile(here .. "/helper/view_stage.lua")
local view = require "orch.view"
local width = require("orch.tty").width

local function at_work(n, opts)
  local names = {}
  for i = 1, n do names[i] = ("build:%02d"):format(i) end
  local stage = stages.new("live", opts):start():jobs(names)
  for _, name in ipairs(names) do stage:say("job_start", 0, { job = name, attempt = 1 }) end
  return stage
end

--- A screen of 80 columns that understands what the view writes, history included.
local function screen_of(text, columns)
  local rows, row, column = { "" }, 1, 0
  local function put(s)
    local line = rows[row] or ""
    rows[row] = line:sub(1, column) .. (" "):rep(column - #line) .. s .. line:sub(column + #s + 1)
    column = column + #s
  end
  local at = 1
  while at <= #text do
    local sequence, count, letter = text:match("^(\27%[%??(%d*)(%a))", at)
    local plain = text:match("^[^\27\r\n]+", at)
    if sequence then
      if letter == "A" then row = math.max(1, row - tonumber(count)) end
      if letter == "K" then rows[row] = (rows[row] or ""):sub(1, column) end
      if letter == "J" then
        rows[row] = (rows[row] or ""):sub(1, column)
        for i = #rows, row + 1, -1 do rows[i] = nil end
      end
      at = at + #sequence
    elseif plain then
      put(plain)
      at = at + #plain
    else
      if text:sub(at, at) == "\n" then row = row + 1 end
      column, at = 0, at + 1
      rows[row] = rows[row] or ""
    end
  end
  for i, line in ipairs(rows) do
    expect(#line <= columns):truthy()
    rows[i] = line:gsub(" +$", "")
  end
  return table.concat(rows, "\n")
end

describe("the block", function()
  it("shows a running job, its time, progress and last line", function()
    local stage = at_work(2)
    stage:say("progress", 3, { job = "build:01", label = "files", done = 41, total = 100 })
    stage:say("output", 3, { job = "build:01", text = "one\nCompiling \27[1ma.cpp\27[0m\n" })
    stage:say("message", 3, { job = "build:02", text = "packing" })
    expect(stage:lines(72.5)):equals {
      "  build:01  1m 12s  [####......]   41%  files 41/100  Compiling a.cpp",
      "  build:02  1m 12s  packing",
      "[####................]  20%  0/2 jobs  2 running  1m 12s",
    }
  end)

  it("says what jobs wait for: pool and holder, the next attempt, the step", function()
    local stage = at_work(1):jobs { "build:ios", "upload" }
    stage:say("job_ready", 1, { job = "build:ios" })
    stage:say("job_wait", 1, { job = "build:ios", pool = "unity", held_by = { "build:01" } })
    stage:say("job_start", 1, { job = "upload", attempt = 1 })
    stage:say("job_retry", 2, { job = "upload", attempt = 1, delay = 8,
      error = { kind = "status", message = "HTTP 503" } })
    stage:say("step_start", 2, { job = "build:01", attempt = 1, step = "compile" })
    expect(stage:lines(4)):equals {
      "  build:01       4s  compile",
      "  upload             attempt 2 in 6s: HTTP 503",
      "  build:ios      3s  waits for unity, held by build:01",
      "[....................]  0%  0/3 jobs  1 running  2 waiting  4s",
    }
    stage:say("step_start", 5, { job = "build:01", attempt = 1, step = "pack" })
    expect(stage:lines(5)[1]):equals "  build:01       5s  compile, pack"
    stage:say("job_start", 10, { job = "upload", attempt = 2 })
    expect(stage:lines(11)[2]):equals "  upload         1s  attempt 2"
    stage:say("job_wait", 12, { job = "build:ios", pool = "slots", held_by = {} })
    expect(#stage:lines(12)):equals(3) -- waiting for a slot is only counted
  end)

  it("keeps up with what a job says, and with the time", function()
    local stage = at_work(1)
    expect(stage:lines(1)[1]):equals "  build:01      1s"
    stage:say("output", 1.2, { job = "build:01", text = "one\n" })
    expect(stage:lines(1.3)[1]):equals "  build:01      1s  one"
    stage:say("output", 1.4, { job = "build:01", text = "two\n" })
    expect(stage:lines(1.5)[1]):equals "  build:01      1s  two"
    expect(stage:lines(2)[1]):equals "  build:01      2s  two"
    expect(stage:lines(2, 20)[1]):equals "  build:01      2s"
  end)

  it("is a third of the screen at most, and two lines at least", function()
    local stage = at_work(50)
    expect(#stage:lines(1, 80, 24)):equals(8)
    expect(stage:lines(1, 80, 24)[7]):equals "  ... and 44 more"
    expect(#stage:lines(1, 80, 60)):equals(20)
    local small = stage:lines(1, 80, 5)
    expect(#small):equals(2)
    expect(small[1]):matches "^  build:01 "
    expect(small[2]):contains "50 running"
    expect(#stage:lines(1, 80, 1)):equals(1)
    expect(stage:lines(1, 80, 160)[50]):matches "^  build:50 "
    expect(#stage:lines(1, 80, 160)):equals(51)
  end)

  it("counts those that wait among those it does not show", function()
    local stage = at_work(6):jobs { "a", "b" }
    for _, name in ipairs { "a", "b" } do
      stage:say("job_ready", 1, { job = name })
      stage:say("job_wait", 1, { job = name, pool = "unity", held_by = {} })
    end
    expect(stage:lines(1, 80, 24)[7]):equals "  ... and 2 more waiting"
    expect(stage:lines(1, 80, 12)[3]):equals "  ... and 6 more, 2 of them waiting"
  end)

  it("fits every width, whatever names and output are", function()
    local stage = stages.new("live", { color = true }):start()
    local odd = {
      "\u{6784}\u{5efa}:\u{1f3ae}", ("long-name-"):rep(12), "x\27[2J\27[31my", "e\u{301}",
    }
    stage:jobs(odd)
    for i, name in ipairs(odd) do
      stage:say("job_start", 0, { job = name, attempt = i })
      local text = "\xff\t\r" .. ("\u{4e2d}a\27[5;5H"):rep(90) .. "\n"
      stage:say("output", 0, { job = name, text = text })
      local label = ("\u{4e2d}"):rep(30)
      stage:say("progress", 0, { job = name, done = 5 * i, total = 12, label = label })
    end
    for columns = 1, 130, 3 do
      for _, line in ipairs(stage:lines(3, columns, 24)) do
        expect(width(line) < math.max(2, columns)):truthy()
        expect(line:find("\27%[[^m]*[^%d;m]")):is_nil() -- colours and nothing else
        expect(utf8.len(line)):truthy()
      end
    end
  end)

  it("shows overall progress and the time left by what jobs took last time", function()
    local stage = stages.new("live"):start { slots = 2 }
    stage:jobs {
      { job = "fetch", expected = 10 }, { job = "a", expected = 60, needs = { "fetch" } },
      { job = "b", expected = 20, needs = { "fetch" } },
      { job = "c", expected = 110, needs = { "b" } },
    }
    stage:say("job_start", 0, { job = "fetch", attempt = 1 })
    expect(stage:lines(5)[2]).never:contains "ETA" -- before 5 % is done
    stage:say("job_end", 10, { job = "fetch", attempt = 1, status = "ok", elapsed = 10 })
    stage:say("job_start", 10, { job = "a", attempt = 1 })
    stage:say("job_start", 10, { job = "b", attempt = 1 })
    local lines = stage:lines(20)
    expect(lines[#lines]):contains "15%"
    expect(lines[#lines]):contains "ETA 2m 00s" -- 10 of b and then c; the sum by two is 85
    stage:say("job_end", 20, { job = "b", attempt = 1, status = "ok", elapsed = 10 })
    stage:say("job_start", 20, { job = "c", attempt = 1 })
    lines = stage:lines(100)
    expect(lines[#lines]):contains "ETA 30s"
  end)

  it("shows no time left when the last times were far off, or there are none", function()
    local function status(expected, took)
      local stage = stages.new("live"):start { slots = 1 }
      stage:jobs { { job = "a", expected = expected }, { job = "b", expected = expected } }
      stage:say("job_start", 0, { job = "a", attempt = 1 })
      stage:say("job_end", took, { job = "a", attempt = 1, status = "ok", elapsed = took })
      stage:say("job_start", took, { job = "b", attempt = 1 })
      local lines = stage:lines(took)
      return lines[#lines]
    end
    expect(status(20, 25)):contains "ETA 20s"
    expect(status(20, 250)).never:contains "ETA"
    expect(status(200, 9)).never:contains "ETA"
    expect(status(nil, 9)).never:contains "ETA"
    expect(status(nil, 9)):contains "50%"
  end)

  it("may be looked at late: it begins with what the model knows", function()
    local stage = at_work(2)
    stage:jobs { { job = "x", expected = 10 } }
    stage:say("job_end", 1, { job = "build:01", attempt = 1, status = "failed", elapsed = 1 })
    stage.view.board = nil
    expect(stage:lines(2)):equals {
      "  build:02      2s",
      "[######..............]  33%  1/3 jobs  1 running  1 failed  2s  ETA 10s",
    }
  end)

  it("counts a job that is late as not nearly done", function()
    local stage = stages.new("live"):start { slots = 1 }
    stage:jobs { { job = "a", expected = 10 } }
    stage:say("job_start", 0, { job = "a", attempt = 1 })
    local lines = stage:lines(50)
    expect(lines[#lines]):contains "99%"
    expect(lines[#lines]):contains "ETA 5s"
  end)

  it("is not slower with ten thousand jobs in the queue", function()
    local chain = chains.new()
    for i = 1, 10000 do chain:add("job" .. i) end
    for i = 1, 9990 do chain:remove("job" .. i) end
    chain:remove "job1"
    chain:add "job9999"
    expect(chain.count):equals(10)
    expect(chain.last):less_than(100) -- what is looked through for the first few
    expect(chain:first(3)):equals { "job9991", "job9992", "job9993" }
    expect(#chain:first()):equals(10)
    chain:add "job1"
    expect(chain:first()[11]):equals "job1"
  end)
end)

describe("what stays above the block", function()
  it("is a line for each job that ended, retries and cancellations with their reason", function()
    local stage = at_work(3, { columns = 80 }):jobs { "late" }
    stage:say("job_end", 2, { job = "build:01", attempt = 1, status = "ok", elapsed = 2 })
    stage:say("job_retry", 3, { job = "build:02", attempt = 1, delay = 4, elapsed = 3,
      error = { kind = "process", exit_code = 7 } })
    stage:say("job_end", 3, { job = "build:03", attempt = 1, status = "failed", elapsed = 3.25,
      error = { kind = "process", exit_code = 1 } })
    stage:say("job_end", 3, { job = "late", status = "cancelled", because = "build:03 failed" })
    stage.view:draw()
    local shown = screen_of(stage:text(), 80)
    expect(shown):contains(table.concat({
      "ok     build:01  2.0s",
      "retry  build:02  3.0s  exit 7; attempt 2 in 4s",
      "fail   build:03  3.2s  exit 1",
      "cancel late      because build:03 failed",
      "  build:02          attempt 2 in 4s: exit 7",
    }, "\n"))
  end)

  it("counts jobs that were not run when they are many", function()
    local names = {}
    for i = 1, 30 do names[i] = "job" .. i end
    local stage = stages.new("live"):start():jobs(names)
    for i = 1, 20 do stage:say("job_skip", 0, { job = names[i], reason = "up to date" }) end
    for i = 21, 30 do
      stage:say("job_end", 0, { job = names[i], status = "cancelled", because = "job99 failed" })
    end
    stage.view:draw()
    local shown = screen_of(stage:text(), 80)
    expect(shown):contains "skip   20 jobs up to date\n"
    expect(shown):contains "cancel 10 jobs because job99 failed: job21, job22, job23 and 7 more\n"
  end)

  it("names no more than a dozen of the jobs that were not run, one after the other", function()
    local stage = stages.new("live"):start()
    for i = 1, 30 do
      stage:jobs { "job" .. i }
      stage:say("job_skip", i, { job = "job" .. i, reason = "up to date" })
      stage.view:draw()
    end
    local shown = screen_of(stage:text(), 80)
    expect(select(2, shown:gsub("skip   job", ""))):equals(12)
    expect(select(2, shown:gsub("skip", ""))):equals(12)
  end)

  it("is what the script prints, and warnings", function()
    local stage = at_work(1)
    stage.view:draw()
    stage.view:print "hello"
    stage:say("output", 1, { text = "from the script\n" })
    stage:say("message", 1, { job = "build:01", level = "warn", text = "low disk" })
    stage:say("message", 1, { job = "build:01", level = "info", text = "fine" })
    stage.view:draw()
    expect(screen_of(stage:text(), 80)):equals("hello\nfrom the script\nwarn   build:01  low disk\n"
      .. "  build:01      1s  fine\n[....................]  0%  0/1 jobs  1 running  1s\n")
  end)
end)

describe("the screen", function()
  it("is written once for a redraw, and not when nothing has changed", function()
    local stage = at_work(5)
    stage.view:draw()
    expect(#stage.file.pieces):equals(1)
    expect(stage:take()):matches "^\27%[%?2026h\r\27%[%?7l.*\27%[%?7h\27%[%?2026l$"
    stage.now = 0.5
    stage.view:draw()
    expect(stage:take()):equals ""
    stage.now = 1
    stage.view:draw()
    expect(stage:take()):matches "^\27%[%?2026h\r\27%[6A"
  end)

  it("shows the block once, whatever happens and whatever is printed above", function()
    local stage = at_work(9)
    for i = 1, 40 do
      stage.now = i / 4
      if i % 3 == 0 then stage.view:print("line " .. i) end
      if i % 5 == 0 then
        stage:say("job_end", i / 4, { job = ("build:%02d"):format(i // 5), attempt = 1,
          status = "ok", elapsed = i / 4 })
      end
      if i == 20 then stage.rows = 48 end
      if i == 30 then stage.rows = 12 end
      stage.view:draw()
    end
    local shown = screen_of(stage:text(), 80)
    for i = 3, 39, 3 do expect(shown):contains("line " .. i .. "\n") end
    expect(select(2, shown:gsub("running", ""))):equals(1)
    expect(select(2, shown:gsub("ok     build", ""))):equals(8)
    expect(select(2, shown:gsub("\n  build:09 ", ""))):equals(1)
  end)

  it("takes back the rows that a narrower terminal has made of the block", function()
    local stage = at_work(1, { columns = 100 })
    stage:say("output", 0, { job = "build:01", text = ("x"):rep(200) .. "\n" })
    stage.view:draw()
    stage:take()
    stage.columns, stage.now = 40, 1
    local _ <close> = orch.with_env { XTERM_VERSION = false, TERM = "screen" }
    stage.view:draw()
    -- 99 columns are three rows now, and the status line of 50 is two.
    expect(stage:take()):matches "^\27%[%?2026h\r\27%[5A"
  end)

  it("begins anew when the program was stopped meanwhile", function()
    local stage = at_work(1)
    stage.view:draw()
    stage:take()
    stage.now = 60
    stage.view:draw()
    expect(stage:take()).never:contains "\27[2A"
  end)

  it("is free for a question while the view is paused", function()
    local stage = at_work(1)
    stage.view:draw()
    stage.view:pause()
    expect(screen_of(stage:text(), 80)):equals "\n\n"
    stage:take()
    stage:say("job_end", 1, { job = "build:01", attempt = 1, status = "ok", elapsed = 1 })
    expect(stage:take()):equals ""
    stage.view:print "asked"
    expect(screen_of(stage:take(), 80)):matches "asked\n$"
    stage.view:resume()
    expect(screen_of(stage:text(), 80)):contains "1/1 jobs"
  end)

  it("is free for questions of orch.tty, until the last one is answered", function()
    local stage = at_work(1)
    stage.view:draw()
    stage:take()
    do
      local _ <close> = view.pause()
      local second = view.pause()
      expect(screen_of(stage:take(), 80)):equals "\n\n"
      getmetatable(second).__close(second)
      stage.view:print "asked"
      expect(screen_of(stage:take(), 80)):equals "asked\n"
    end
    expect(screen_of(stage:text(), 80)):contains "build:01"
    stage.view:close()
    expect(view.pause()):is_nil()
  end)

  it("is left with the summary and without a block, once", function()
    local stage = at_work(2)
    stage.view:draw()
    stage:say("job_end", 2, { job = "build:01", attempt = 1, status = "ok", elapsed = 2 })
    stage:say("job_end", 2, { job = "build:02", attempt = 1, status = "ok", elapsed = 2 })
    stage:say("run_end", 2, { status = "ok" })
    stage.view:close()
    local shown = screen_of(stage:text(), 80)
    expect(shown:gsub("\n+$", "")):equals(
      "ok     build:01  2.0s\nok     build:02  2.0s\n2 jobs ok in 2.0s")
    stage:take()
    stage.view:close()
    expect(stage:take()):equals ""
  end)

  it("is left clean when the run broke off without an end", function()
    local stage = at_work(2)
    do
      local v <close> = stage.view
      v:draw()
    end
    expect(screen_of(stage:text(), 80):gsub("\n+$", "")):equals ""
  end)

  it("may go away: the run does not notice", function()
    local stage = at_work(2)
    stage.view:draw()
    stage.file.fails = true
    stage:say("job_end", 2, { job = "build:01", attempt = 1, status = "ok", elapsed = 2 })
    stage.view:draw()
    stage.view:close()
    expect(stage.run.counts.ok):equals(1)
  end)
end)

describe("the timer", function()
  it("redraws without keeping the run alive, until the view is closed", function()
    local stage = at_work(1)
    local task = orch.spawn({ daemon = true, hold = true }, stage.view.run, stage.view)
    orch.sleep "20ms"
    expect(stage:text()):contains "build:01"
    stage.view:close()
    orch.sleep "120ms"
    expect(task:done()):truthy()
  end)

  it("is missed by nobody once its task is cancelled: events draw", function()
    local stage = at_work(1)
    local task = orch.spawn({ daemon = true, hold = true }, stage.view.run, stage.view)
    orch.sleep "20ms"
    task:cancel "the run was ended"
    pcall(task.await, task)
    stage:take()
    stage:say("job_end", 2, { job = "build:01", attempt = 1, status = "cancelled", elapsed = 2,
      because = "the run was ended" })
    expect(stage:text()):contains "because the run was ended"
  end)
end)

describe("a view is chosen", function()
  it("by its name; an unknown one is refused with the nearest", function()
    local err = expect(function() view.open("lve", {}) end):raises "usage"
    expect(err.message):equals(
      "--ui should be live, plain, github, json or quiet, not 'lve'; did you mean 'live'?")
    for _, kind in ipairs(view.kinds) do expect(view.kind(kind)):equals(kind) end
  end)

  it("by where it runs", function()
    do
      local _ <close> = orch.with_env { GITHUB_ACTIONS = "true" }
      expect(view.kind(nil)):equals "github"
    end
    local _ <close> = orch.with_env { GITHUB_ACTIONS = false, TERM = "dumb" }
    expect(view.kind(nil)):equals "plain"
  end)
end)

-- A real terminal, by script(1): the bytes that come out at its other end.
local replay = here .. "/helper/view_replay.lua"
local exe = require("orch.core.runtime").executable()

local function on_terminal(words, env)
  if not orch.fs.exists "/usr/bin/script" then test.skip "script(1) is not installed" end
  env = env or {}
  env.TERM, env.NO_COLOR, env.GITHUB_ACTIONS = env.TERM or "xterm", "1", false
  return orch.process.run { "script", "-qec", "stty cols 80 rows 24; exec " .. exe .. " run "
    .. replay .. " " .. words, "/dev/null", env = env, check = false }.stdout:gsub("\r\n", "\n")
end

describe("on a real terminal", function()
  it("draws a block, then leaves what stays", function()
    local out = on_terminal "auto busy=3 4 4"
    expect(out):contains "\27[?2026h"
    expect(out):matches "\27%[4A"
    local shown = screen_of(out:gsub("[\128-\255]", "?"), 80):gsub("\n+$", "")
    expect(shown):equals(table.concat({
      "ok     build:platform-01  4.0s", "ok     build:platform-02  4.0s",
      "ok     build:platform-03  4.0s", "3 jobs ok in 4.0s",
    }, "\n"))
  end)

  it("lets a job ask the person, and keeps the question out of the job's log", function()
    if not orch.fs.exists "/usr/bin/script" then test.skip "script(1) is not installed" end
    local folder = orch.fs.temp_dir()
    orch.fs.write(folder .. "/ask.lua", [[
      orch.job "ask" { run = function()
        orch.sleep "150ms"
        if orch.tty.confirm "Really?" then print "agreed" end
      end }
    ]])
    local out = orch.process.run { "script", "-qec", "exec " .. exe .. " run ask.lua", "/dev/null",
      cwd = folder, stdin = "y\n", check = false,
      env = { TERM = "xterm", NO_COLOR = "1", GITHUB_ACTIONS = false } }.stdout:gsub("\r\n", "\n")
    -- The block goes away first, and comes back afterwards.
    expect(out):matches "0/1 jobs.*\27%[%?2026lReally%? %[y/n%] "
    expect(out):matches "Really.*ok     ask"
    local logs = orch.fs.glob(folder .. "/.orch/runs/*/jobs/ask/1/log")
    expect(orch.fs.read(logs[1])):equals "agreed\n"
  end)

  it("that is dumb, prints plain lines", function()
    local out = on_terminal("auto busy=2 20 2", { TERM = "dumb" })
    expect(out).never:contains "\27"
    expect(out):contains "[build:platform-01] * ok 2.0s"
  end)
end)
