--- What went wrong, on top of a page: the first failure with the end of its log, the
--- others in short. It stands without any script.
---
---     failures.html(run, logs.of)

local again = require "orch.view.again"
local markup = require "orch.report.html.markup"
local summary = require "orch.report.html.summary"
local text = require "orch.report.text"

local fill = markup.fill

local failures = {}

local ROOT_LINES, OTHER_LINES, OTHERS = 20, 8, 50
local WIDEST = 2000 -- bytes of a line

local function last_log(job, of)
  local attempt = job.attempts[#job.attempts]
  return attempt and of[job] and of[job][attempt.number]
end

--- The last lines of a log; of very long ones, the first part. The page's script knows by
--- the attributes which log this is, and gives it its colours.
local function tail(log, count)
  local lines, bytes = {}, log.tail or log.head
  bytes = text.plain(bytes:sub(-count * WIDEST)):match "^.*%S" or ""
  for line in (bytes .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = markup.short(line, WIDEST) end
  return ('<pre class="log" tabindex="0" data-log="%d %d" data-lines="%d">'):format(log.place,
    log.number, count) .. markup.escape(table.concat(lines, "\n", math.max(1, #lines - count + 1)))
    .. "</pre>"
end

local function facts_of(err, job)
  local out = {}
  local function add(name, value)
    if not value then return end
    out[#out + 1] = fill("<div><dt>%s</dt><dd><code>%s</code></dd></div>", name, value)
  end
  add("Command", err.command)
  add("Exit", err.signal and "signal " .. tostring(err.signal) or err.exit_code)
  add(err.where and "Raised at" or "Declared at", err.where or job.where)
  return #out > 0 and '<dl class="facts">' .. table.concat(out) .. "</dl>" or ""
end

local function link(job)
  local name = markup.clean(job.name)
  local address = name:gsub("[^%w._~:-]", function(c) return ("%%%02X"):format(c:byte()) end)
  return fill('<a href="#job=%s" data-job="%s">%s</a>', address, name, name)
end
failures.link = link

local function error_of(job)
  local err = job.error or {}
  return type(err) == "table" and err or { message = err }
end

local function root_cause(run, job, of)
  local err, log, out = error_of(job), last_log(job, of), {}
  out[1] = fill('<p class="what">%s</p>', markup.short(text.error(err), 4000))
  out[2] = facts_of(err, job)
  if log then
    out[#out + 1] = fill('<p class="caption">The last lines of its log, <code>%s</code></p>',
      log.shown) .. tail(log, ROOT_LINES)
  elseif err.traceback then
    out[#out + 1] = fill('<pre class="log" tabindex="0">%s</pre>', text.plain(err.traceback))
  end
  local attempts = #job.attempts
  return fill('<section class="panel root" aria-labelledby="h-root"><h2 id="h-root"><span '
    .. 'class="tag">%s</span> ', #run.failures > 1 and "First failure" or "Root cause") .. link(job)
    .. (attempts > 1 and fill(' <small>attempt %s of %s</small>', attempts, attempts) or "")
    .. "</h2>" .. table.concat(out) .. '<p class="hint">Run only this again: <code class="command">'
    .. markup.escape(again.job(run, job.name)) .. "</code></p>" .. summary.hint(run) .. "</section>"
end

local function other(job, of)
  local log, message = last_log(job, of), markup.short(text.error(error_of(job)), 4000)
  return "<details><summary>" .. link(job)
    .. fill(" <span>%s</span></summary>", markup.short(text.line(message), 300))
    .. (log and tail(log, OTHER_LINES) or "")
    .. "</details>"
end

---@param run orch.RunModel
---@param of table<table, orch.ReportLog[]> the logs by job
---@return string html "" when nothing failed
function failures.html(run, of)
  if #run.failures == 0 then
    local hint = summary.hint(run)
    return hint ~= "" and '<section class="panel">' .. hint .. "</section>" or ""
  end
  local out = { root_cause(run, run.failures[1], of) }
  if #run.failures > 1 then
    out[2] = '<section class="panel others" aria-labelledby="h-others"><h2 id="h-others">Also '
      .. fill("failed <small>%s</small></h2>", #run.failures - 1)
    for i = 2, math.min(#run.failures, OTHERS + 1) do
      out[#out + 1] = other(run.failures[i], of)
    end
    if #run.failures > OTHERS + 1 then
      out[#out + 1] = fill("<p>and %s more, in the table of jobs</p>", #run.failures - OTHERS - 1)
    end
    out[#out + 1] = "</section>"
  end
  return table.concat(out)
end

return failures
