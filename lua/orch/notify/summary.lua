--- How a run went, in the few words that a message has room for.
---
---     orch.job "tell" { when = "always", after = { "*" }, run = function()
---       chat:post(notify.summary { link = report_url })
---     end }

local arg = require "orch.arg"
local current = require "orch.pipeline.current"
local log_tail = require "orch.report.log_tail"
local place = require "orch.place"
local text = require "orch.report.text"

local summary = {}

local LOG_LINES, LONGEST, FAILURES = 8, 300, 3

local words = { ok = "succeeded", failed = "failed", interrupted = "was interrupted",
  crashed = "was broken off", running = "is running" }
local signs = { ok = "✅", failed = "❌", interrupted = "🛑", crashed = "💥",
  running = "▶️" }
local colors = { ok = "good", failed = "danger", crashed = "danger", interrupted = "warning" }

--- Of a run that goes on: its jobs are counted without the one that asks.
local function counts_of(run, own)
  local counts = {}
  for state, n in next, run.counts do counts[state] = n end
  local job = own and run.jobs[own]
  if job then counts[job.state] = counts[job.state] - 1 end
  return counts
end

local function status_of(run, own)
  if run.status ~= "running" or not own then return run.status end
  if run.counts.failed > 0 then return "failed" end
  return require("orch.core.runtime").interrupted() and "interrupted" or "ok"
end

local function counts_text(counts)
  local parts = {}
  for _, state in ipairs { "failed", "cancelled", "ok", "skipped" } do
    if counts[state] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[state], state) end
  end
  local left = counts.pending + counts.queued + counts.running + counts.retrying
  if left > 0 then parts[#parts + 1] = left .. " not finished" end
  return #parts > 0 and table.concat(parts, ", ") or "none"
end

local function warnings(run)
  local n = 0
  for _, problem in ipairs(run.problems) do
    if problem.severity == "warning" then n = n + 1 end
  end
  return n
end

--- The page of a CI system that shows this run.
local function ci_link()
  local env = place.getenv
  local repository, run_id = env "GITHUB_REPOSITORY", env "GITHUB_RUN_ID"
  if repository and run_id then
    return ("%s/%s/actions/runs/%s"):format(env "GITHUB_SERVER_URL" or "https://github.com",
      repository, run_id)
  end
  local found = env "CI_JOB_URL" or env "CI_PIPELINE_URL" or env "BUILD_URL"
  return found and found:find "^https?://[^%s%c<>|\"]+$" and found or nil
end

--- On one line, without what would open a block of code, or end one.
local function short(words)
  return (text.fit(text.line(words), LONGEST):gsub("```", "'''"))
end

local function failure_text(run, folder, lines)
  local out = {}
  for i = 1, math.min(#run.failures, FAILURES) do
    local job = run.failures[i]
    out[i] = ("%s: %s"):format(text.line(job.name), short(text.error(job.error)))
  end
  if #run.failures > FAILURES then
    out[#out + 1] = ("and %d more"):format(#run.failures - FAILURES)
  end
  local root = run.failures[1]
  local tail = lines > 0 and log_tail(folder, root, lines) or {}
  if #tail == 0 then return table.concat(out, "\n") end
  for i, line in ipairs(tail) do tail[i] = text.fit(line, LONGEST):gsub("```", "'''") end
  return ("%s\n\nThe end of the log of %s:\n```\n%s\n```"):format(table.concat(out, "\n"),
    text.line(root.name), table.concat(tail, "\n"))
end

---@class orch.notify.SummaryOptions
---@field run string? of another run: its ID, or "last"
---@field link string|{url: string, text: string?}|nil by default the CI system's page of this run
---@field log integer? lines of the log of the root cause; 8
---@field title string? instead of the script's name

---For the library: the summary of a run that is in memory.
---@param run orch.RunModel
---@param folder string of the run
---@param o table checked options
---@param own string? the job that asks
---@return orch.notify.Content
function summary.of(run, folder, o, own)
  local status, counts = status_of(run, own), counts_of(run, own)
  local fields = { { "Jobs", counts_text(counts) }, { "Time", text.duration(run.elapsed or 0) } }
  local n = warnings(run)
  if n > 0 then fields[#fields + 1] = { "Warnings", n } end
  if run.host then fields[#fields + 1] = { "Host", text.line(run.host) } end
  fields[#fields + 1] = { "Run", text.line(run.id or "?") }
  return {
    title = ("%s %s %s"):format(signs[status] or "❔", text.line(o.title or run.script or "orch"),
      words[status] or status),
    text = run.failures[1] and failure_text(run, folder, o.log or LOG_LINES) or nil,
    color = colors[status], fields = fields, link = o.link or ci_link(), status = status,
    markdown = require "orch.report.markdown"(run, { folder = folder }),
  }
end

summary.spec = { run = "string", link = "string|table", log = "integer", title = "string" }

---What a channel can post about a run: `title text color fields link`, and `markdown` (long) and
---`status`. Inside a job it is about the run so far, without that job.
---@async
---@param opts orch.notify.SummaryOptions?
---@return orch.notify.Content content raises kind `usage` where there is no such run
function summary.summary(opts)
  local o = arg.options("notify.summary", opts, summary.spec)
  local ctx = current.find()
  if ctx and not o.run then
    return summary.of(ctx.session.model, ctx.session.run.folder, o, ctx.job.name)
  end
  if not o.run then
    arg.fail('notify.summary is called outside of a job, where no run is known; name one: '
      .. '{ run = "last" }')
  end
  local project = require "orch.pipeline.project"
  local run = project.run(project.find(), o.run)
  return summary.of(require("orch.pipeline.history").load(run), run.folder, o)
end

return summary
