--- The top of a page: how it went, in a sentence, in numbers and in what it costs.
---
---     summary.html(result, commands)

local card = require "orch.check.report.html.card"
local command = require "orch.check.report.command"
local cost = require "orch.check.report.cost"
local markup = require "orch.report.html.markup"
local say = require "orch.check.report.say"
local words = require "orch.check.report.summary"

local fill = markup.fill

local summary = {}

local order = { "error", "warning", "info" }

---@param result table
---@return string such as "3 errors, 1 warning"
function summary.title(result)
  local counts = say.counts(result.counts)
  if counts ~= "" then return counts end
  return result.files == 0 and "No file was looked at" or "No problems"
end

local function heading(result)
  local worst = "ok"
  for i = #order, 1, -1 do
    if (result.counts[order[i]] or 0) > 0 then worst = order[i] end
  end
  local class = worst == "ok" and (result.files == 0 and "s-queued" or "s-ok") or "p-" .. worst
  return ('<h1><span class="%s sign" aria-hidden="true">%s</span> %s</h1>'):format(class,
    card.signs[worst] or "✓", markup.escape(summary.title(result)))
end

local function tally(result)
  local bar, list = {}, {}
  for _, severity in ipairs(order) do
    local n = result.counts[severity] or 0
    if n > 0 then
      bar[#bar + 1] = ('<i class="p-%s" style="flex-grow:%d"></i>'):format(severity, n)
      list[#list + 1] = fill('<li class="p-%s"><b>%s</b> <span class="sign" aria-hidden="true">%s'
        .. "</span> %s</li>", severity, say.number(n), card.signs[severity],
        say.severities[severity] .. (n == 1 and "" or "s"))
    end
  end
  local total = cost.total(result.findings)
  for _, unit in ipairs(cost.units(total)) do
    list[#list + 1] = fill("<li><b>%s</b> %s</li>", cost.short(unit, total[unit]),
      cost.title(unit))
  end
  if #list == 0 then return "" end
  if #bar > 0 then
    table.insert(bar, 1, '<div class="tally" aria-hidden="true">')
    bar[#bar + 1] = "</div>"
  end
  return table.concat(bar) .. '<ul class="counts">' .. table.concat(list) .. "</ul>"
end

local function number_of(value)
  return type(value) == "table" and #value or value or 0
end

local function facts(result)
  local function some(n) return n > 0 and say.number(n) or nil end
  local rows = {
    { "Files", say.number(result.files or 0) }, { "Unchanged", some(result.cached or 0) },
    { "Rules", say.number(#(result.rules or {})) }, { "Waived", some(number_of(result.waived)) },
    { "In the baseline", some(number_of(result.baselined)) },
    { "Fixed", some(number_of(result.fixed)) },
    { "Time", say.seconds(result.elapsed or 0) }, { "Folder", say.name(result.folder or "") },
  }
  local out = {}
  for _, row in ipairs(rows) do
    if row[2] then out[#out + 1] = fill("<div><dt>%s</dt><dd>%s</dd></div>", row[1], row[2]) end
  end
  return '<dl class="facts">' .. table.concat(out) .. "</dl>"
end

local function fixable(result, commands, paths)
  local out = {}
  local function add(n, text, options)
    if n == 0 then return end
    out[#out + 1] = fill('<p class="hint">%s %s <code class="command">%s</code></p>', say.number(n),
      text, command.check(options, paths))
  end
  local safe, unsafe = commands:fixable(result.findings)
  add(safe, "can be fixed safely:", { "--fix" })
  add(unsafe, (safe > 0 and "more " or "") .. "can be fixed, which changes the content:",
    { "--fix", "--unsafe" })
  return table.concat(out)
end

---@param result table
---@param commands orch.CheckCommands
---@param opts {paths: string[]?, time: number?}
---@return string html
function summary.html(result, commands, opts)
  local moment = os.date("!%Y-%m-%d %H:%M UTC", math.floor(opts.time or os.time()))
  return '<section class="summary">' .. heading(result)
    .. fill('<p class="sub">%s%s · %s</p>', #result.findings > 0
      and ("in %s of "):format(say.number(words.affected(result.findings))) or nil,
      say.count(result.files or 0, "file"), moment) .. tally(result)
    .. facts(result) .. fixable(result, commands, opts.paths) .. "</section>\n"
end

return summary
