--- The tables of a page: its jobs, the critical path and the problems. They stand without
--- any script; with one, the jobs can be sorted, filtered and opened.
---
---     tables.jobs(run, path) .. tables.path(run, path) .. tables.problems(run, list)

local link = require("orch.report.html.failures").link
local markup = require "orch.report.html.markup"
local signs = require("orch.report.html.summary").signs
local text = require "orch.report.text"

local fill, escape, duration = markup.fill, markup.escape, text.duration

local tables = {}

local PROBLEMS, LINKS = 200, 60
local WHY = 200 -- bytes

local function why(job)
  local err = job.error
  if job.state == "failed" and err then return text.error(err) end
  return job.because or job.reason or job.message or ""
end

local function job_row(i, job, critical)
  local first = job.attempts[1]
  local queued = first and job.queued_at and math.max(0, first.started_at - job.queued_at)
  return ('<tr data-i="%d"><td class="s-%s"><span class="sign" aria-hidden="true">%s</span> %s</td>'
    .. '<td%s>%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td>'
    .. '<td class="why">%s</td></tr>'):format(i - 1, job.state, signs[job.state] or "?", job.state,
    critical and ' class="critical"' or "", link(job), duration(first and job.elapsed),
    queued and queued >= 0.001 and duration(queued) or "",
    #job.attempts > 1 and #job.attempts or "",
    escape(markup.short(text.line(why(job)), WHY)))
end

local columns = {
  { "state", "State" }, { "name", "Job" }, { "elapsed", "Time", "num" },
  { "queued", "Queued", "num" }, { "tries", "Tries", "num" }, { "why", "Why" },
}

---@param run orch.RunModel
---@param path orch.CriticalPath
---@return string html
function tables.jobs(run, path)
  local out = { fill('<section class="panel" id="jobs" aria-labelledby="h-jobs"><div class="head">'
    .. '<h2 id="h-jobs">Jobs <small id="shown">%s</small></h2><div id="filters" class="tools">'
    .. '</div></div><div class="scroll"><table><thead><tr>', #run.order) }
  for _, column in ipairs(columns) do
    out[#out + 1] = ('<th scope="col" class="c-%s%s" data-sort="%s">%s</th>'):format(column[1],
      column[3] and " num" or "", column[1], column[2])
  end
  out[#out + 1] = '</tr></thead><tbody id="rows">'
  for i, job in ipairs(run.order) do
    out[#out + 1] = job_row(i, job, path.on[job.name])
  end
  out[#out + 1] = "</tbody></table></div></section>"
  return table.concat(out, "\n")
end

--- What of a stretch was no work, in words; "" when nothing.
local function waits(of, queue_words)
  local words = {}
  local function add(seconds, format)
    if seconds >= 0.05 then words[#words + 1] = format:format(duration(seconds)) end
  end
  add(of.queued, queue_words)
  add(of.paused, "%s until retried")
  add(of.idle, "%s until resumed")
  return table.concat(words, ", ")
end

local function path_item(item, longest)
  local function part(kind, seconds)
    if seconds <= 0 then return "" end
    return ('<i class="%s" style="width:%.2f%%"></i>'):format(kind, 100 * seconds / longest)
  end
  return "<li>" .. link(item.job) .. '<span class="track" aria-hidden="true">'
    .. part("queue", item.queued) .. part("ran s-" .. item.job.state, item.ran)
    .. part("pause", item.paused) .. '</span><span class="num">' .. duration(item.ran)
    .. "</span><small>" .. waits(item, "after %s in the queue") .. "</small></li>"
end

---@param path orch.CriticalPath
---@return string html "" when nothing ran
function tables.path(path)
  local links = path.links
  if #links == 0 then return "" end
  local longest, idle = 1e-6, waits(path, "%s in the queue")
  for _, item in ipairs(links) do longest = math.max(longest, item.to - item.from) end
  local out = { '<section class="panel" id="path" aria-labelledby="h-path"><h2 id="h-path">'
    .. fill("Critical path <small>%s of %s: %s of work", text.count(#links, "job"),
      duration(links[#links].to), duration(path.ran))
    .. (idle ~= "" and ", " or "") .. idle
    .. '</small></h2><p class="lead">Each waited for the one above it; only these decide when the '
    .. 'run ends.</p><ol class="links">' }
  for i = math.max(1, #links - LINKS + 1), #links do
    out[#out + 1] = path_item(links[i], longest)
  end
  out[#out + 1] = "</ol></section>"
  return table.concat(out)
end

local problem_signs = { error = "✕", warning = "!", info = "i" }

local function problem_row(run, item)
  local p = item.problem
  local severity = problem_signs[p.severity] and p.severity or "warning"
  local place = p.file and tostring(p.file) .. (p.line and ":" .. tostring(p.line) or "")
    .. (p.column and ":" .. tostring(p.column) or "")
  local job = run.jobs[p.job]
  return ('<tr class="p-%s"><td><span class="sign" aria-hidden="true">%s</span> %s</td>')
    :format(severity, problem_signs[severity], severity)
    .. fill('<td class="place"><code>%s</code></td><td>%s', place,
      p.code and tostring(p.code) .. ": " or "") .. escape(markup.short(tostring(p.message), 1000))
    .. (item.times > 1 and fill(" <small>%s times</small>", item.times) or "") .. "</td><td>"
    .. (job and link(job) or "") .. "</td></tr>"
end

---@param run orch.RunModel
---@param list table[] of `data.problems`
---@return string html "" when there are none
function tables.problems(run, list)
  if #list == 0 then return "" end
  local out = { fill('<section class="panel" id="problems" aria-labelledby="h-problems"><h2 '
    .. 'id="h-problems">Problems <small>%s</small></h2><div class="scroll"><table><thead><tr>'
    .. '<th scope="col" class="c-state">Severity</th><th scope="col" class="c-place">Place</th>'
    .. '<th scope="col">Message</th><th scope="col" class="c-from">Job</th></tr></thead><tbody>',
    #list) }
  for i = 1, math.min(#list, PROBLEMS) do out[#out + 1] = problem_row(run, list[i]) end
  out[#out + 1] = "</tbody></table></div>"
  if #list > PROBLEMS then
    out[#out + 1] = fill("<p>and %s more, with their jobs</p>", #list - PROBLEMS)
  end
  out[#out + 1] = "</section>"
  return table.concat(out, "\n")
end

return tables
