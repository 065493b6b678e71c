--- A run as Markdown, short enough for a comment on a pull request or a chat: how it
--- went, its failures with the end of their logs, the slowest jobs, all jobs in a table.
---
---     fs.write("summary.md", markdown(model.load(run.events), { folder = run.folder }))

local critical_path = require "orch.report.critical_path"
local log_tail = require "orch.report.log_tail"
local text = require "orch.report.text"

local LOG_LINES, FAILURES, SLOWEST = 20, 20, 5
local ROWS = 100 -- jobs; of more, those that succeeded are counted only
local LONGEST = 300 -- columns of a sentence
local ROOM = 60000 -- bytes: GitHub takes 65,536 characters

local signs = {
  ok = "✅", skipped = "⏩", failed = "❌", cancelled = "🚫", running = "▶️", retrying = "🔁",
  queued = "⏳", pending = "⏳",
}
local run_signs = { ok = "✅", failed = "❌", interrupted = "🛑", crashed = "💥", running = "▶️" }

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["@"] = "@\u{200B}" } -- mentions nobody

-- Where Markdown is not looked for: in the line of an HTML element.
local function html(value)
  return (text.fit(text.line(value), LONGEST):gsub('[&<>"@]', entities))
end

-- What Markdown or HTML would take for itself, in text and in tables.
local function escape(value)
  value = text.fit(text.line(value), LONGEST)
  value = value:gsub("[\\`*_{}%[%]<>#|~$!@&]", function(c) return entities[c] or "\\" .. c end)
  return (value:gsub("^([-+])", "\\%1"):gsub("^(%d+)([.)])", "%1\\%2"))
end

-- A fence or a span is closed by as many backticks as it was opened with.
local function ticks(value, least)
  local longest = least - 1
  for run in value:gmatch "`+" do longest = math.max(longest, #run) end
  return ("`"):rep(longest + 1)
end

local function code(value)
  value = text.fit(text.line(value), LONGEST)
  local fence = ticks(value, 1)
  local gap = (value:find "^`" or value:find "`$" or value == "") and " " or ""
  -- In a table even code ends at a bar, unless it is escaped.
  return fence .. gap .. value:gsub("|", "\\|") .. gap .. fence
end

local function block(value, kind)
  local fence = ticks(value, 3)
  return ("%s%s\n%s\n%s"):format(fence, kind or "", value, fence)
end

local function status_line(run)
  local parts = {}
  for _, state in ipairs { "failed", "cancelled", "running", "retrying", "queued", "pending",
    "ok", "skipped" }
  do
    local n = run.counts[state]
    if n and n > 0 then parts[#parts + 1] = ("%d %s"):format(n, state) end
  end
  return ("%s **%s %s** in %s: %s"):format(run_signs[run.status] or "❔",
    escape(run.script or "orch"), text.status(run.status), text.duration(run.elapsed or 0),
    #parts > 0 and table.concat(parts, ", ") or "no jobs")
end

local function note_of(job)
  if job.state == "failed" then return escape(text.error(job.error)) end
  if job.because then return "because " .. escape(job.because) end
  if job.state == "skipped" then return escape(job.reason or "") end
  if #job.attempts > 1 then return ("%d attempts"):format(#job.attempts) end
  return ""
end

local function time_of(job)
  if job.state == "skipped" or job.state == "cancelled" and #job.attempts == 0 then return "" end
  return text.duration(job.elapsed)
end

local function add_failure(out, job, folder, root)
  out[#out + 1] = ("<details%s><summary>%s <b>%s</b>: %s</summary>\n"):format(
    root and " open" or "", signs.failed, html(job.name), html(text.error(job.error)))
  local err = type(job.error) == "table" and job.error or {}
  local command = err.command or job.command
  if command then out[#out + 1] = "Command: " .. code(command) .. "\n" end
  local where = err.where or job.where
  if where then out[#out + 1] = "At: " .. code(where) .. "\n" end
  local lines, path = log_tail(folder, job, LOG_LINES)
  if lines[1] then
    out[#out + 1] = ("The last lines of %s:\n"):format(code(path))
    for i, line in ipairs(lines) do lines[i] = text.fit(line, LONGEST) end
    out[#out + 1] = block(table.concat(lines, "\n"), "text") .. "\n"
  end
  out[#out + 1] = "</details>\n"
end

-- A section each, so that some fit where not all do.
local function failures(run, folder)
  local sections = {}
  for i = 1, math.min(#run.failures, FAILURES) do
    local out = { i == 1 and "### Failures\n" or nil }
    add_failure(out, run.failures[i], folder, i == 1)
    sections[i] = table.concat(out, "\n")
  end
  if #run.failures > FAILURES then
    sections[#sections + 1] = ("%d more failed.\n"):format(#run.failures - FAILURES)
  end
  return sections
end

local function add_slowest(out, run)
  local jobs = {}
  for _, job in ipairs(run.order) do
    if #job.attempts > 0 and job.elapsed then jobs[#jobs + 1] = job end
  end
  if #jobs <= 1 then return end
  table.sort(jobs, function(a, b)
    if a.elapsed ~= b.elapsed then return a.elapsed > b.elapsed end
    return a.name < b.name
  end)
  out[#out + 1] = "### Slowest jobs\n\n| job | time | on the critical path |\n| --- | ---: | --- |"
  local path = critical_path.of(run)
  for i = 1, math.min(#jobs, SLOWEST) do
    out[#out + 1] = ("| %s | %s | %s |"):format(code(jobs[i].name),
      text.duration(jobs[i].elapsed), path.on[jobs[i].name] and "yes" or "")
  end
  out[#out + 1] = ""
end

local function add_jobs(out, run)
  local all, left_out = #run.order <= ROWS, 0
  local rows = {}
  for _, job in ipairs(run.order) do
    local plain = job.state == "ok" or job.state == "skipped"
    if (all or not plain) and #rows < ROWS then
      rows[#rows + 1] = ("| %s %s | %s | %s | %s |"):format(signs[job.state] or "",
        escape(job.state), code(job.name), time_of(job), note_of(job))
    else
      left_out = left_out + 1
    end
  end
  out[#out + 1] = ("<details><summary>%s</summary>\n"):format(text.count(#run.order, "job"))
  if #rows > 0 then
    out[#out + 1] = "| state | job | time | |\n| --- | --- | ---: | --- |\n"
      .. table.concat(rows, "\n") .. "\n"
  end
  if left_out > 0 then
    out[#out + 1] = ("%s not shown.\n"):format(left_out == 1 and "1 job is"
      or ("%d jobs are"):format(left_out))
  end
  out[#out + 1] = "</details>\n"
end

-- What there is room for, the first sections first; what does not fit is said.
local function fit(sections)
  local out, size, left_out = {}, 0, false
  for _, section in ipairs(sections) do
    if size + #section > ROOM then
      left_out = true
    else
      size = size + #section + 1
      out[#out + 1] = section
    end
  end
  if left_out then out[#out + 1] = "Not all of it fits into a comment.\n" end
  return table.concat(out, "\n")
end

local function head(run)
  local host = run.host and " on " .. code(run.host) or ""
  return ("## %s\n\nRun %s, started %s%s.\n"):format(status_line(run), code(run.id or "unknown"),
    text.time(run.started), host)
end

---@param run orch.RunModel
---@param opts {folder: string?}? the run's folder, for the logs
---@return string markdown
return function(run, opts)
  local sections = { head(run) }
  local found = failures(run, opts and opts.folder)
  table.move(found, 1, #found, 2, sections)
  for _, add in ipairs { add_slowest, add_jobs } do
    local out = {}
    add(out, run)
    sections[#sections + 1] = #out > 0 and table.concat(out, "\n") or nil
  end
  return fit(sections)
end
