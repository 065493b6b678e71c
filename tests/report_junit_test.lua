-- A run as JUnit XML: well-formed whatever was printed, and what Jenkins's schema allows.

local fixture = dofile(debug.getinfo(1, "S").source:match "^@(.*)/" .. "/helper/run_fixture.lua")
local junit = require "orch.report.junit"
local model = require "orch.pipeline.model"
local fs = orch.fs

local function fold(records)
  local run = model.new()
  for _, record in ipairs(records) do run:apply(record) end
  return run
end

local function small(status)
  return fold {
    { t = 0, event = "run_start", run = "20260101-000000-0001", time = 1767225600, host = "ci-1",
      script = "deploy.lua", args = { "build:*" }, params = { profile = "release" }, slots = 4 },
    { t = 0, event = "job", job = "fetch", needs = {}, after = {} },
    { t = 0, event = "job", job = "build:ios", needs = { "fetch" }, after = {} },
    { t = 0, event = "job", job = "upload", needs = { "build:ios" }, after = {} },
    { t = 0, event = "job", job = "docs", needs = {}, after = {} },
    { t = 0, event = "job_skip", job = "docs", reason = "up to date", elapsed = 9 },
    { t = 0.1, event = "job_start", job = "fetch", attempt = 1 },
    { t = 1.1, event = "job_retry", job = "fetch", attempt = 1, delay = 1, elapsed = 1,
      error = { kind = "network", message = "no route" } },
    { t = 2.1, event = "job_start", job = "fetch", attempt = 2 },
    { t = 3.6, event = "job_end", job = "fetch", attempt = 2, status = "ok", elapsed = 1.5 },
    { t = 3.6, event = "job_start", job = "build:ios", attempt = 1 },
    { t = 4, event = "problem", job = "build:ios", severity = "error", message = "no type",
      file = "a.cs", line = 7 },
    { t = 5, event = "job_end", job = "build:ios", attempt = 1, status = "failed", elapsed = 1.4,
      error = { kind = "process", message = "unity failed", exit_code = 3, command = "unity -x",
        where = "deploy.lua:12" } },
    { t = 5, event = "job_end", job = "upload", status = "cancelled",
      because = "build:ios failed" },
    { t = 5, event = "run_end", status = status or "failed", elapsed = 5, exit_code = 1 },
  }
end

-- The elements of a document, with their attributes; fails for what is not well-formed.
local function read(text)
  local file = test.temp_dir() .. "/report.xml"
  fs.write(file, text)
  local lint = orch.process.run { "xmllint", "--noout", file, check = false }
  expect(lint.stderr):equals("")
  local list = {}
  for tag, attributes in text:gmatch "<([%a][%w-]*)([^>]-)/?>" do
    local element = { tag = tag }
    for key, value in attributes:gmatch '([%w_]+)="([^"]*)"' do element[key] = value end
    list[#list + 1] = element
  end
  return list
end

local function find(list, tag, key, value)
  for i, element in ipairs(list) do
    if element.tag == tag and (not key or element[key] == value) then
      return element, list[i + 1]
    end
  end
end

-- What junit-10.xsd knows.
local schema = {
  testsuites = "name time tests failures errors",
  testsuite = "name tests failures errors time skipped timestamp hostname id package",
  properties = "", property = "name value", testcase = "name time classname",
  failure = "type message", error = "type message", skipped = "type message",
  flakyFailure = "type message", stackTrace = "", ["system-out"] = "",
}

local function check_schema(list)
  for _, element in ipairs(list) do
    local known = schema[element.tag]
    expect(known and element.tag):equals(element.tag)
    for key in pairs(element) do
      local fine = key == "tag" or (" " .. known .. " "):find(" " .. key .. " ", 1, true)
      expect(fine and key or element.tag .. " " .. key):equals(key)
    end
  end
end

describe("a run as JUnit", function()
  it("has a case for every job, with how it went", function()
    local list = read(junit(small()))
    check_schema(list)
    local suite = find(list, "testsuite")
    expect({ suite.tests, suite.failures, suite.errors, suite.skipped })
      :equals { "4", "1", "0", "2" }
    expect(suite.timestamp):equals("2026-01-01T00:00:00")
    expect({ suite.name, suite.hostname, suite.id, suite.time })
      :equals { "deploy.lua", "ci-1", "20260101-000000-0001", "5.000" }
    local build, failure = find(list, "testcase", "name", "build:ios")
    expect({ build.classname, build.time }):equals { "deploy.build", "1.400" }
    expect({ failure.tag, failure.type, failure.message })
      :equals { "failure", "process", "unity failed; exit code 3" }
    local _, cancelled = find(list, "testcase", "name", "upload")
    expect({ cancelled.tag, cancelled.message })
      :equals { "skipped", "cancelled: because build:ios failed" }
    local docs, skipped = find(list, "testcase", "name", "docs")
    expect({ docs.time, skipped.tag, skipped.message })
      :equals { "0.000", "skipped", "skipped: up to date" }
  end)

  it("passes what succeeded at last, and keeps the failure before", function()
    local text = junit(small())
    local fetch, flaky = find(read(text), "testcase", "name", "fetch")
    expect(fetch.time):equals("1.500")
    expect({ flaky.tag, flaky.type, flaky.message })
      :equals { "flakyFailure", "network", "no route" }
    expect(text):contains "<stackTrace>no route</stackTrace>"
  end)

  it("has the command, the line and the problems with a failure", function()
    expect(junit(small())):contains(
      ">unity failed; exit code 3\ncommand: unity -x\nat deploy.lua:12\na.cs:7: error: no type<")
  end)

  it("has how it was run as properties", function()
    local list = read(junit(small()))
    expect(find(list, "property", "name", "param.profile").value):equals("release")
    expect(find(list, "property", "name", "argument.1").value):equals("build:*")
    expect(find(list, "property", "name", "status").value):equals("failed")
  end)

  it("has the end of the log with what failed, also of a long one", function()
    local written = fixture.write(test.temp_dir() .. "/run", { log_lines = 400 })
    local text = junit(model.load(written.events), { folder = written.folder })
    check_schema(read(text))
    local out = text:match "<system%-out>(.-)</system%-out>"
    expect(out):matches "^the last lines of .-/jobs/build%%3A[^/]+/%d/log:\n"
    local _, lines = out:gsub("\n", "")
    expect(lines):equals(50)
    expect(out):matches "failed, attempt 2$"
  end)

  it("is well-formed whatever was printed", function()
    local bad = "]]> <b> & \0\1\27[31mred\27[0m \xff\xfe \u{FFFE}\u{FFFF} \xed\xa0\x80 \r\n \"q\""
    local run = small()
    local job = run.jobs["build:ios"]
    job.error.message, job.error.command = bad, bad
    run.jobs.upload.because, run.jobs.fetch.attempts[1].error.message = bad, bad
    run.script, run.params[bad] = bad, bad
    local folder = test.temp_dir()
    local path = require("orch.pipeline.project").job_log(folder, "build:ios", 1)
    fs.mkdir(path:match "^(.*)/")
    fs.write(path, bad .. "\n" .. ("x"):rep(100000) .. "\xc3\n" .. bad)
    local text = junit(run, { folder = folder })
    check_schema(read(text))
    expect(utf8.len(text)):is_a "number"
    expect(text):contains "]]&gt; &lt;b&gt; &amp; red"
    expect(text).never:matches "[\0-\8\11\12\14-\31]"
  end)

  it("is an error where no job failed, but the run did", function()
    local records = fixture.records { failures = 0, stop = 30 }
    local run = fold(records)
    run.status = "crashed"
    local list = read(junit(run))
    check_schema(list)
    expect(find(list, "testsuite").errors):equals("1")
    expect(find(list, "error").type):equals("crashed")
    local cases = 0
    for _, element in ipairs(list) do cases = cases + (element.tag == "testcase" and 1 or 0) end
    expect(tostring(cases)):equals(find(list, "testsuite").tests)
  end)

  it("of a run without jobs, or without anything, is a document too", function()
    check_schema(read(junit(model.new())))
  end)
end)
