-- orch history, show, diff, logs, gc: over runs that a fixture has written.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fixture = dofile(here .. "/helper/run_fixture.lua")
local json = require "orch.json"
local tty = require "orch.tty"

local FIRST, SECOND = "20251122-200000-3fa9", "20251123-200000-4fa9"

describe("the commands about runs", function()
  local folder, runs

  before_each(function()
    folder = test.temp_dir()
    runs = folder .. "/.orch/runs/"
    fixture.write(runs .. FIRST, { run = FIRST })
    fixture.write(runs .. SECOND, { run = SECOND, seed = 2, failures = 0, jobs = 34 })
  end)

  local function orch_in(folder_, columns, ...)
    return test.run({ ... }, { cwd = folder_, timeout = "30s",
      env = { COLUMNS = columns, NO_COLOR = false, CLICOLOR_FORCE = false } })
  end

  local function output(...)
    local result = orch_in(folder, false, ...)
    expect(result.stderr):equals ""
    expect(result.exit_code):equals(0)
    return result.stdout
  end

  local function refusal(...)
    local result = orch_in(folder, false, ...)
    expect(result.exit_code):equals(2)
    expect(result.stdout):equals ""
    return result.stderr
  end

  --- A run that this process works on, or one that was killed.
  local function unfinished(id, pid, records)
    local file = runs .. id .. "/events.jsonl"
    local host = io.open("/proc/sys/kernel/hostname"):read "l"
    local start = { event = "run_start", t = 0, version = 1, run = id, time = os.time(),
      pid = pid, host = host, script = "deploy.lua", args = json.array {} }
    orch.fs.mkdir(runs .. id)
    orch.fs.write(file, json.encode(start) .. "\n")
    for _, record in ipairs(records) do orch.fs.append(file, json.encode(record) .. "\n") end
    return file
  end

  local function own_pid()
    return io.open("/proc/self/stat"):read "n"
  end

  describe("history", function()
    it("lists the runs, the latest first", function()
      local lines = {}
      for line in output("history"):gmatch "[^\n]+" do lines[#lines + 1] = line end
      expect(#lines):equals(3)
      expect(lines[1]):matches "^RUN +WHEN +STATUS +TIME +OK +SKIP +FAIL +ASKED$"
      expect(lines[2]):matches("^" .. SECOND:gsub("%-", "%%-") .. ".* ok .* deploy.lua build:%*")
      expect(lines[3]):matches("^" .. FIRST:gsub("%-", "%%-") .. ".* failed .* 1  deploy.lua")
      expect(output("history", "--failed")).never:contains(SECOND)
      expect(output("history", "--limit", "1")).never:contains(FIRST)
      expect(output("history", "--job", "fetch")):matches "ok +12.0s"
      expect(output("history", "--job", "none")):contains "no run had job 'none'"
    end)

    it("gives JSON", function()
      local list = json.decode(output("history", "--json"))
      expect(#list):equals(2)
      expect(list[2].id):equals(FIRST)
      expect(list[2].status):equals "failed"
      expect(list[2].failed):equals(1)
      expect(list[2].args):equals { "build:*", "--profile=release" }
      expect(output("history", "--json", "--job", "none")):equals "[]\n"
    end)

    it("tells a run at work from one that was killed, whatever the index says", function()
      do
        local st <close> = require("orch.pipeline.state").open(folder .. "/.orch/state.db")
        st:run_start { id = FIRST, script = "deploy.lua", time = 1, pid = 1 } -- no end came
      end
      unfinished("20251201-000000-0001", own_pid(), {})
      unfinished("20251202-000000-0001", 1 << 30, {})
      orch.fs.mkdir(runs .. "20251203-000000-0001")
      local status = {}
      for _, run in ipairs(json.decode(output("history", "--json"))) do
        status[run.id] = run.status
      end
      expect(status):equals {
        [FIRST] = "failed", [SECOND] = "ok", ["20251201-000000-0001"] = "running",
        ["20251202-000000-0001"] = "crashed", ["20251203-000000-0001"] = "crashed",
      }
    end)

    it("fits the terminal, also with wide characters", function()
      unfinished("20251201-000000-0001", own_pid(), { { event = "job", t = 0,
        job = "ビルド:アンドロイド" .. ("長"):rep(40) }, { event = "job_end", t = 1,
        job = "ビルド:アンドロイド" .. ("長"):rep(40), status = "cancelled",
        because = ("ああ"):rep(60) } })
      for _, words in ipairs { { "history" }, { "show" }, { "diff", FIRST, SECOND } } do
        for _, columns in ipairs { "80", "200" } do
          for line in orch_in(folder, columns, table.unpack(words)).stdout:gmatch "[^\n]+" do
            if not line:find "^New jobs" then
              expect(tty.width(line)).never:greater_than(tonumber(columns))
            end
          end
        end
      end
    end)

    it("says what is wrong", function()
      expect(refusal("history", "--limit", "none")):contains "whole number of at least 1"
      expect(refusal("history", "--jobs=x")):contains "did you mean '--job'?"
      expect(refusal("history", "x")):contains "takes no words, so 'x' is one too many"
      local empty = test.temp_dir()
      local result = orch_in(empty, false, "history")
      expect(result.exit_code):equals(2)
      expect(result.stderr):contains "no pipeline has run here yet"
    end)
  end)

  describe("show", function()
    it("shows a run and its jobs", function()
      local text = output("show", FIRST)
      expect(text):matches("^Run " .. FIRST:gsub("%-", "%%-") .. " of deploy.lua failed after ")
      expect(text):contains "params    profile=release version=1.4.2"
      expect(text):matches "\nJOB +STATE +TIME +TRIES +REMARK\n"
      expect(text):matches "\nbuild:ios%-02 +failed .* unity ended with exit code 1\n"
      expect(text):matches "\ntest:suite%-03 +cancelled +because build:ios%-02 failed\n"
      expect(text):contains "error CS0246: The type 'IStore' could not be found  (build:ios-02)"
      local _, told = text:gsub("CS0246", "")
      expect(told):equals(1) -- two attempts found it
      expect(text):contains("orch logs build:ios-02 --run " .. FIRST)
      expect(output("show")):contains(SECOND)
      expect(refusal("show", "1999")):contains "there is no run '1999'"
    end)

    it("gives JSON", function()
      local run = json.decode(output("show", FIRST, "--json"))
      expect(run.status):equals "failed"
      expect(run.counts.failed):equals(1)
      expect(#run.jobs):equals(30)
      expect(run.jobs[1].name):equals "fetch"
      expect(orch.fs.exists(run.jobs[1].log)):truthy()
    end)
  end)

  describe("show, of many problems,", function()
    it("has the errors first, each once, and not thousands of warnings", function()
      local records = { { event = "job", t = 0, job = "a" } }
      local function problem(severity, message)
        records[#records + 1] = { event = "problem", t = 1, job = "a", severity = severity,
          message = message, file = "a.c", line = 1 }
      end
      for i = 1, 100 do problem("warning", "unused " .. i) end
      problem("error", "no type")
      problem("error", "no type")
      local id = "20251204-000000-0001"
      unfinished(id, 1, records)
      local text = output("show", id)
      expect(text):contains("\nProblems\n  a.c:1: error: no type  (a)\n"
        .. "  a.c:1: warning: unused 1  (a)\n")
      expect(text):contains "unused 49  (a)\n  ... and 51 more; orch report --html shows all\n"
    end)
  end)

  describe("diff", function()
    it("sorts by what changed most, and says what else changed", function()
      local text = output("diff", FIRST, SECOND)
      local largest = text:match "\nSLOWER[^\n]*\n([^\n]*)"
      expect(largest):matches "^build:windows%-03 +36.0s +1m 46s +%+1m 10s +2.9x slower"
      expect(text):matches "\nbuild:ios%-02 +state +failed +ok\n"
      expect(text):contains "New jobs: import:Audio-15"
      local found = json.decode(output("diff", SECOND, FIRST, "--json"))
      expect(found.times[1].change):near(-70, 0.01)
      expect(found.gone[1]):equals "import:Audio-15"
      expect(output("diff", FIRST, FIRST)):contains "Nothing is different."
      expect(refusal("diff", FIRST)):contains "needs two runs"
    end)

    it("names the part of the code that changed, and params", function()
      local ids = { "20251205-000000-0001", "20251206-000000-0001" }
      for i, id in ipairs(ids) do
        local parts = json.encode { run = "r" .. i, env = "e" }
        local file = unfinished(id, 1, { { event = "job", t = 0, job = "a" },
          { event = "job_start", t = 0, job = "a", attempt = 1 },
          { event = "job_end", t = 1, job = "a", status = "ok", attempt = 1,
            elapsed = 1 + i / 100, definition = "d" .. i, state = { parts = parts } },
          { event = "run_end", t = 1, status = "ok" } })
        orch.fs.write(file, (orch.fs.read(file):gsub('"pid"', '"params":{"v":' .. i .. '},"pid"')))
      end
      local found = json.decode(output("diff", ids[1], ids[2], "--json"))
      expect(found.times):equals {} -- 1.01 s and 1.02 s are the same
      expect(found.changes):equals {
        { what = "param v", before = "1", after = "2" },
        { job = "a", what = "code", before = "", after = "changed: run" },
      }
    end)
  end)

  describe("logs", function()
    it("prints the log of a job, of an attempt, of the first failure, of all", function()
      local log = orch.fs.read(runs .. SECOND .. "/jobs/fetch/1/log")
      expect(output("logs", "fetch")):equals(log:sub(-1) == "\n" and log or log .. "\n")
      expect(output("logs", "build:ios-02", "--run", FIRST, "--attempt", "1"))
        :contains "attempt 1"
      expect(output("logs", "--run", FIRST)):matches "^==> build:ios%-02, attempt 2: failed <==\n"
      expect(output "logs"):matches "^JOB +TRY +STATE +BYTES +LOG\nfetch +1 +ok"
      local all = output("logs", "--all", "--run", FIRST)
      expect(all):contains "==> build:ios-02, attempt 1: failed <=="
      expect(all):contains "==> notify, attempt 1: ok <=="
    end)

    it("ends without a word when nobody reads on", function()
      local program = require("orch.core.runtime").executable()
      for _, words in ipairs { "logs --all", "show", "logs -f" } do
        local result = orch.sh(program .. " " .. words .. " | head -n 1", nil, { cwd = folder })
        expect(result.stderr):equals ""
      end
    end)

    it("says what is wrong", function()
      expect(refusal("logs", "fetsh")):contains "did you mean 'fetch'?"
      expect(refusal("logs", "fetch", "--attempt", "9")):contains "has no attempt 9; it made 1"
      local result = orch_in(folder, false, "logs", "test:suite-03", "--run", FIRST)
      expect(result.exit_code):equals(0)
      expect(result.stderr):contains "has not started in run"
      expect(result.stderr):contains "cancelled because build:ios-02 failed"
    end)

    local function start_job(name, t)
      return { event = "job_start", t = t, job = name, attempt = 1 }
    end

    it("follows a job until it ends, while another process writes", function()
      local id = "20251210-000000-0001"
      local file = unfinished(id, own_pid(), { { event = "job", t = 0, job = "a" },
        { event = "job", t = 0, job = "b" } })
      local log = runs .. id .. "/jobs/a/1/log"
      local following = orch.spawn(orch_in, folder, false, "logs", "a", "-f")
      orch.sleep "150ms"
      orch.fs.append(file, json.encode(start_job("a", 1)) .. "\n")
      orch.fs.mkdir(runs .. id .. "/jobs/a/1")
      for i = 1, 5 do
        orch.fs.append(log, "line " .. i .. (i < 5 and "\nha" or "\n"))
        orch.sleep "30ms"
      end
      orch.fs.append(log, "the end")
      orch.fs.append(file, json.encode { event = "job_end", t = 2, job = "a", status = "ok",
        attempt = 1, elapsed = 1 } .. "\n")
      local result = following:await()
      expect(result.stdout):equals(orch.fs.read(log))
      expect(result.stderr):equals ""
      expect(result.exit_code):equals(0)
    end)

    it("follows all jobs with their names, until the run ends or its process does", function()
      local id = "20251210-000000-0001"
      local sleeper = orch.process.spawn { require("orch.core.runtime").executable(),
        "-e", "orch.sleep(60)" }
      local file = unfinished(id, sleeper.pid, { start_job("a", 1), start_job("b:ü", 1) })
      for _, name in ipairs { "a", "b%3A%C3%BC" } do
        orch.fs.mkdir(runs .. id .. "/jobs/" .. name .. "/1")
        orch.fs.write(runs .. id .. "/jobs/" .. name .. "/1/log", "from " .. name .. "\nhalf")
      end
      local following = orch.spawn(orch_in, folder, false, "logs", "--follow")
      orch.sleep "200ms"
      expect(following:done()):is(false)
      orch.fs.append(file, '{"torn')
      sleeper:kill()
      pcall(sleeper.wait, sleeper)
      local result = following:await()
      expect(result.stdout):equals(
        "[a] from a\n[b:ü] from b%3A%C3%BC\n[a] half\n[b:ü] half\n")
      expect(result.exit_code):equals(0)
    end)
  end)

  describe("gc", function()
    local function ids()
      return orch.fs.list(folder .. "/.orch/runs")
    end

    it("removes what is to go, and what the index knows of it; never a run at work", function()
      local st_path = folder .. "/.orch/state.db"
      do
        local st <close> = require("orch.pipeline.state").open(st_path)
        for _, id in ipairs { FIRST, SECOND } do
          st:run_start { id = id, script = "deploy.lua", time = 1 }
          st:duration(id, "fetch", "ok", 1)
        end
      end
      unfinished("20200101-000000-0001", own_pid(), {})
      orch.fs.mkdir(runs .. ".gc-20190101-000000-0001/jobs") -- half removed
      local text = output("gc", "--keep", "1", "-n")
      expect(text):contains(FIRST .. "\n")
      expect(text):matches "would remove 1 run .*; 2 runs would be left, 1 of them at work"
      expect(#ids()):equals(4)
      expect(output("gc", "--keep", "1"))
        :matches "^removed 1 run %([%d.]+ kB%); 2 runs are left, 1 of them at work\n$"
      expect(ids()):equals { "20200101-000000-0001", SECOND }
      local st <close> = require("orch.pipeline.state").open(st_path)
      expect(#st:runs()):equals(1)
      expect(#st:durations("deploy.lua", "fetch")):equals(1)
    end)

    it("keeps what is young, and needs to be told something", function()
      local young = os.date "!%Y%m%d-%H%M%S" .. "-0001"
      unfinished(young, 1, {})
      output("gc", "--older", "1d")
      expect(ids()):equals { young }
      local result = json.decode(output("gc", "--keep", "0", "--json"))
      expect(result.removed):equals { young }
      expect(ids()):equals {}
      expect(refusal "gc"):contains "needs --keep N, --older DURATION or both"
      expect(refusal("gc", "--older", "soon")):contains "--older should be a duration"
    end)
  end)
end)
