--- A run as one HTML file that needs nothing else: no network, no server, no fonts.
---
---     local html = require "orch.report.html"
---     orch.fs.write("report.html", html(model.load(run.events), { folder = run.folder }))
---
--- Summary, failures, jobs and problems stand without any script. Nothing in a log or a
--- name can become markup: all of it is escaped, and the page's policy allows its own
--- script only.

local arg = require "orch.arg"
local critical_path = require "orch.report.critical_path"
local data = require "orch.report.html.data"
local failures = require "orch.report.html.failures"
local logs = require "orch.report.html.logs"
local markup = require "orch.report.html.markup"
local summary = require "orch.report.html.summary"
local tables = require "orch.report.html.tables"

local LOG, ALL_LOGS = 200 * 1024, 20 * 1024 * 1024
--- A larger drawing is opened by hand, so that the page is there at once.
local LARGE_DRAWING = 400 * 1024

local function policy(script)
  local hash = require "orch.hash"
  return ("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%s'; img-src data:; "
    .. "base-uri 'none'; form-action 'none'"):format(hash.base64(hash.unhex(hash.sha256(script))))
end

local icon = [[<link rel="icon" href="data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/]]
  .. [[2000/svg' viewBox='0 0 8 8'%%3E%%3Ccircle cx='4' cy='4' r='4' fill='%%23%s'/%%3E]]
  .. [[%%3C/svg%%3E">]] .. "\n"
local icon_colors = { ok = "0f7b54", running = "2457c5" }

local function head(run, script)
  return table.concat {
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta http-equiv="Content-Security-Policy" content="', policy(script), '">\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="orch">\n',
    markup.fill("<title>%s %s · %s</title>\n", summary.signs[run.status], run.script or "run",
      run.id or ""),
    icon:format(icon_colors[run.status] or "c0262d"), "<style>\n",
    require "orch.report.html.style", "</style>\n</head>\n",
  }
end

local function top_bar(run)
  return markup.fill('<header class="top"><span class="name">%s</span>', run.script or "orch")
    .. '<div class="find" role="search"><input id="query" type="search" placeholder="Search jobs '
    .. 'and logs" autocomplete="off" spellcheck="false" aria-label="Search jobs and logs" '
    .. 'aria-controls="hits"><kbd>/</kbd></div><button id="theme" type="button">Theme</button>'
    .. '</header><div id="hits" class="panel" hidden></div>'
end

local timeline = '<section class="panel" id="timeline" aria-labelledby="h-timeline">'
  .. '<div class="head"><h2 id="h-timeline">Timeline</h2><div class="tools" id="zoom"></div></div>'
  .. '<div id="gantt"></div></section>'

--- A drawing that is only a little too wide is made narrower.
local function drawing(svg)
  if not svg or svg == "" then return "" end
  return ('<section class="panel" aria-labelledby="h-graph"><details id="graph"%s><summary>'
    .. '<h2 id="h-graph">Graph</h2></summary><div class="scroll" tabindex="0" '
    .. 'style="--width: %dpx">%s</div></details></section>'):format(
    #svg <= LARGE_DRAWING and " open" or "", tonumber(svg:match '^%s*<svg[^>]* width="(%d+)"') or 0,
    markup.clean(svg))
end

local function embedded(run, of)
  local out = {}
  for i, job in ipairs(run.order) do
    local seen = {} -- a damaged event log may tell of an attempt twice
    for _, attempt in ipairs(of[job] and job.attempts or {}) do
      local log = of[job][attempt.number]
      if log and not seen[log] then
        seen[log] = true
        local parts = { markup.clean(log.head), log.tail and markup.clean(log.tail) }
        out[#out + 1] = ('<script type="application/json" id="log-%d-%d">%s</script>\n'):format(
          i - 1, attempt.number, markup.embed(parts))
      end
    end
  end
  return table.concat(out)
end

local function footer(run, found)
  local note = ""
  if found.cut > 0 then
    note = markup.fill(" %s of the logs are not whole here: of each, at most %s is shown, its "
      .. "beginning and its end.", found.cut, markup.bytes(found.share))
  end
  return markup.fill("<footer>%s%s</footer>\n", "Written by orch " .. (run.orch or "") .. ".", note)
end

local options = {
  folder = "string", graph_svg = "string", max_log = "size", max_logs = "size",
}

---@class orch.HtmlOptions
---@field folder string? of the run, for its logs
---@field graph_svg string? the drawing of its graph, whose nodes have `data-job`
---@field max_log number|string? bytes of one log, 200K by default: what is more is cut
---@field max_logs number|string? bytes of all logs, 20M by default

---The report of a run.
---@async
---@param run orch.RunModel
---@param opts orch.HtmlOptions?
---@return string html
local function html(run, opts)
  arg.check("report.html", 1, run, "table")
  opts = arg.options("report.html", opts, options)
  local path, found = critical_path.of(run),
    logs.collect(run, opts.folder, opts.max_log or LOG, opts.max_logs or ALL_LOGS)
  local problems, script = data.problems(run), require "orch.report.html.script"
  return table.concat {
    head(run, script), "<body>\n", top_bar(run), '<main><section class="summary">',
    summary.heading(run), summary.facts(run), "</section>\n", failures.html(run, found.of), "\n",
    timeline, "\n", tables.path(path), "\n", drawing(opts.graph_svg), "\n",
    tables.jobs(run, path), "\n", tables.problems(run, problems), "\n", footer(run, found),
    '</main><aside id="job" class="panel" aria-labelledby="h-job" hidden></aside>\n',
    '<script type="application/json" id="data">',
    markup.embed(data.of(run, path, found.of, problems)), "</script>\n", embedded(run, found.of),
    "<script>", script, "</script>\n</body>\n</html>\n",
  }
end

return html
