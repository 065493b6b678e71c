-- A run as Markdown: short, and nothing in it is taken for markup.

local fixture = dofile(debug.getinfo(1, "S").source:match "^@(.*)/" .. "/helper/run_fixture.lua")
local markdown = require "orch.report.markdown"
local model = require "orch.pipeline.model"
local project = require "orch.pipeline.project"
local fs = orch.fs

local function fold(records)
  local run = model.new()
  for _, record in ipairs(records) do run:apply(record) end
  return run
end

local function failed_run(name, message, command)
  return fold {
    { t = 0, event = "run_start", run = "r1", time = 1767225600, host = "ci",
      script = "deploy.lua" },
    { t = 0, event = "job", job = "fetch", needs = {}, after = {} },
    { t = 0, event = "job", job = name, needs = {}, after = {}, command = command },
    { t = 0, event = "job", job = "upload", needs = { name }, after = {} },
    { t = 0, event = "job_start", job = "fetch", attempt = 1 },
    { t = 3, event = "job_end", job = "fetch", attempt = 1, status = "ok", elapsed = 3 },
    { t = 3, event = "job_start", job = name, attempt = 1 },
    { t = 65, event = "job_end", job = name, attempt = 1, status = "failed", elapsed = 62,
      error = { kind = "process", message = message, exit_code = 1, where = "deploy.lua:9" } },
    { t = 65, event = "job_end", job = "upload", status = "cancelled",
      because = name .. " failed" },
    { t = 65, event = "run_end", status = "failed", exit_code = 1 },
  }
end

local function log_of(folder, name, text)
  local path = project.job_log(folder, name, 1)
  fs.mkdir(path:match "^(.*)/")
  fs.write(path, text)
end

-- Cells of the rows of a table: bars that are not escaped part them, also in code.
local function cells(row)
  local n = 0
  for at in row:gmatch "()|" do
    local _, slashes = row:sub(1, at - 1):find "(\\*)$"
    slashes = #row:sub(1, at - 1):match "(\\*)$"
    if slashes % 2 == 0 then n = n + 1 end
  end
  return n - 1
end

describe("a run as Markdown", function()
  it("says first how it went", function()
    local text = markdown(failed_run("build", "unity failed"))
    expect(text:match "^[^\n]*"):equals(
      "## ❌ **deploy.lua failed** in 1m 05s: 1 failed, 1 cancelled, 1 ok")
    expect(text):contains "Run `r1`, started 2026-01-01 00:00:00 UTC on `ci`."
  end)

  it("has the failures with command, line and the end of the log", function()
    local folder = test.temp_dir()
    local lines = {}
    for i = 1, 50 do lines[i] = "line " .. i end
    log_of(folder, "build", table.concat(lines, "\n") .. "\n")
    local text = markdown(failed_run("build", "unity failed", "unity -batch"), { folder = folder })
    expect(text):contains "<summary>❌ <b>build</b>: unity failed; exit code 1</summary>\n\n"
    expect(text):contains "Command: `unity -batch`\n\nAt: `deploy.lua:9`\n"
    expect(text):contains "```text\nline 31\nline 32\n"
    expect(text):contains "line 50\n```\n\n</details>"
    expect(text).never:contains "line 30\n"
  end)

  it("has a table of all jobs and of the slowest", function()
    local text = markdown(failed_run("build", "no"))
    expect(text):contains "| `build` | 1m 02s | yes |\n| `fetch` | 3.0s |  |\n"
    expect(text):contains "| ✅ ok | `fetch` | 3.0s |  |\n"
    expect(text):contains "| ❌ failed | `build` | 1m 02s | no; exit code 1 |\n"
    expect(text):contains "| 🚫 cancelled | `upload` |  | because build failed |\n"
  end)

  it("escapes what Markdown would take for itself", function()
    local odd = "a|b `c` ``d`` <script>&amp; *x* _y_ [l](u) @team #1 $x$ \\ ~z~"
    local text = markdown(failed_run(odd, odd .. "\n# heading\n| x |", odd))
    for row in text:gmatch "\n(|[^\n]*)" do
      expect(({ [3] = true, [4] = true })[cells(row)]):truthy()
    end
    local first = text:match "### Slowest.-\n(| [`].-)\n"
    expect(first):contains "```a\\|b `c` ``d`` <script>&amp; *x* _y_ [l](u) @team #1 $x$ \\ ~z~```"
    local plain = text:gsub("```.-```", "")
    expect(plain).never:contains "<script>"
    expect(plain).never:contains "@team"
    expect(plain).never:matches "\n# heading"
    expect(plain):contains "&lt;script&gt;&amp;amp; \\*x\\* \\_y\\_ \\[l\\](u)"
  end)

  it("closes no code block by what was printed", function()
    local folder = test.temp_dir()
    log_of(folder, "build", "before\n```\n# not a heading\n````\n\27[31mred\27[0m \xff\0\n")
    local text = markdown(failed_run("build", "no"), { folder = folder })
    expect(text):contains "\n`````text\nbefore\n```\n# not a heading\n````\nred \u{FFFD}\n`````\n"
  end)

  it("of many jobs shows those that did not succeed", function()
    local run = fold(fixture.records { jobs = 300, failures = 3 })
    local text = markdown(run)
    expect(text):contains "<summary>300 jobs</summary>"
    local shown = 0
    for _ in text:gmatch "\n| [❌🚫]" do shown = shown + 1 end
    expect(text):contains(("%d jobs are not shown."):format(run.counts.ok + run.counts.skipped))
    expect(text).never:contains "| ✅ ok"
    expect(shown):greater_than(0)
  end)

  it("fits into a comment, whatever failed", function()
    local folder, records = test.temp_dir(), {
      { t = 0, event = "run_start", run = "r1", time = 1767225600, script = "deploy.lua" },
    }
    for i = 1, 200 do
      local name = ("job-%d-"):format(i) .. ("x"):rep(200)
      records[#records + 1] = { t = 0, event = "job_start", job = name, attempt = 1 }
      records[#records + 1] = { t = 1, event = "job_end", job = name, attempt = 1,
        status = "failed", elapsed = 1, error = { message = ("long "):rep(500) } }
      if i <= 20 then log_of(folder, name, (("y"):rep(900) .. "\n"):rep(30)) end
    end
    local text = markdown(fold(records), { folder = folder })
    expect(#text):less_than(65536)
    local _, opened = text:gsub("<details", "")
    local _, closed = text:gsub("</details>", "")
    expect(opened):equals(closed)
    expect(text):contains "Not all of it fits"
    expect(text):contains "job-1-"
  end)

  it("of a run that went well is short", function()
    local text = markdown(fold(fixture.records { jobs = 8, failures = 0, skips = false }))
    expect(text):matches "^## ✅ %*%*deploy%.lua ok%*%* in "
    expect(text).never:contains "### Failures"
  end)

  it("of a run without anything is a text too", function()
    expect(markdown(model.new())):contains "no jobs"
  end)
end)
