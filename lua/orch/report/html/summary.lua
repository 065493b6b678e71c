--- The first part of a page, which stands without any script: what ran, how it ended and
--- why.
---
---     summary.heading(run) .. summary.facts(run) .. summary.failures(run, logs)

local again = require "orch.view.again"
local markup = require "orch.report.html.markup"
local quote_word = require("orch.quote").word
local text = require "orch.report.text"

local fill, escape = markup.fill, markup.escape

local summary = {}

--- As a person would type it.
local function quote(word)
  return word:find "^[%w_./:=@%%+,-]+$" and word or quote_word(word)
end

--- A shape for every state: colours alone do not tell them apart for everybody.
summary.signs = {
  ok = "✓", failed = "✕", skipped = "»", cancelled = "⊘", running = "▶", retrying = "↻",
  queued = "…", pending = "○", interrupted = "■", crashed = "✕",
}

local words = {
  ok = "succeeded", failed = "failed", interrupted = "was interrupted", running = "is running",
  crashed = "ended without a word",
}

-- The order in which a person asks.
local states = {
  "failed", "running", "retrying", "queued", "pending", "cancelled", "ok", "skipped",
}

local function tally(run)
  local bar, list = {}, {}
  for _, state in ipairs(states) do
    local n = run.counts[state] or 0
    if n > 0 then
      bar[#bar + 1] = ('<i class="s-%s" style="flex-grow:%d"></i>'):format(state, n)
      list[#list + 1] = ('<li class="s-%s"><b>%d</b> <span class="sign" aria-hidden="true">%s'
        .. '</span> %s</li>'):format(state, n, summary.signs[state], state)
    end
  end
  if #list == 0 then return "<p>The run had no jobs.</p>" end
  return '<div class="tally" aria-hidden="true">' .. table.concat(bar)
    .. '</div><ul class="counts">' .. table.concat(list) .. "</ul>"
end

local function moment(unix)
  if not unix then return "at an unknown time" end
  return ('<time datetime="%s">%s</time>'):format(os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(unix)),
    escape(text.time(unix)))
end

---@param run orch.RunModel
---@return string html
function summary.heading(run)
  local by = run.user and run.host and run.user .. "@" .. run.host or run.host or run.user
  return fill('<h1><span class="s-%s sign" aria-hidden="true">%s</span> %s %s%s</h1>',
    run.status, summary.signs[run.status] or "?", run.script or "A run",
    words[run.status] or run.status, run.status == "running" and "" or " after "
    .. text.duration(run.elapsed or 0)) .. fill('<p class="sub"><code>%s</code> · ', run.id or "?")
    .. moment(run.started) .. (by and fill(" · %s", by) or "")
    .. (#run.sessions > 1 and fill(" · %s", text.count(#run.sessions, "session")) or "")
    .. "</p>" .. tally(run)
end

local function pairs_as_text(t, format)
  local keys, list = {}, {}
  for key in pairs(t or {}) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do
    local value = t[key]
    list[i] = format:format(key, type(value) == "table" and require("orch.json").encode(value)
      or tostring(value))
  end
  return #list > 0 and table.concat(list, "  ") or nil
end

local function sessions(run)
  if #run.sessions < 2 then return nil end
  local list = {}
  for i = 2, #run.sessions do
    list[#list + 1] = text.time(run.sessions[i].time)
  end
  return "resumed " .. table.concat(list, ", ")
end

---@param run orch.RunModel
---@return string html
function summary.facts(run)
  local words_given = {}
  for i, word in ipairs(run.args or {}) do words_given[i] = quote(tostring(word)) end
  local rows = {
    { "Arguments", #words_given > 0 and table.concat(words_given, " ") or nil },
    { "Parameters", pairs_as_text(run.params, "%s=%s") },
    { "Pools", pairs_as_text(run.pools, "%s: %s") },
    { "At once", run.slots and text.count(run.slots, "job") },
    { "Keeps going", run.keep_going and "yes, after a failure too" or nil },
    { "Sessions", sessions(run) },
    { "Signal", run.signal },
    { "Exit code", run.exit_code },
    { "Folder", run.folder },
    { "orch", run.orch },
    { "Unreadable", run.skipped_lines > 0
      and text.count(run.skipped_lines, "line") .. " of the event log" or nil },
  }
  local out = {}
  for _, row in ipairs(rows) do
    if row[2] then out[#out + 1] = fill("<div><dt>%s</dt><dd>%s</dd></div>", row[1], row[2]) end
  end
  return '<dl class="facts">' .. table.concat(out) .. "</dl>"
end

local hints = {
  interrupted = "It was interrupted. What was done is recorded; to go on:",
  crashed = "Its last session has no end: the process was killed, or still runs. To go on:",
  failed = "To go on from here once it is repaired:",
}

---How to go on with a run that is not done.
---@param run orch.RunModel
---@return string html
function summary.hint(run)
  if not hints[run.status] or not run.id or not again.resume_helps(run) then return "" end
  return fill('<p class="hint">%s <code class="command">orch resume %s</code></p>',
    hints[run.status], run.id)
end

return summary
