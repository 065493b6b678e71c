--- The rule book as a page: no script, so that it can be put anywhere.
---
---     book.page { book.section("checks/textures.lua", rules) }

local config = require "orch.check.report.config"
local link = require("orch.check.report.html.group").link
local markup = require "orch.report.html.markup"
local say = require "orch.check.report.say"

local fill = markup.fill

local book = {}

local function rows_of(rule)
  local out = {}
  for _, row in ipairs(config.rows(rule.config)) do
    out[#out + 1] = fill("<tr><td><code>%s</code></td><td><code>%s</code></td></tr>",
      row[1] ~= "" and row[1] or "all", row[2])
  end
  return #out > 0 and '<div class="scroll"><table>' .. table.concat(out) .. "</table></div>" or ""
end

local function facts_of(rule)
  local out = { fill("<div><dt>Files</dt><dd><code>%s</code></dd></div>", config.files(rule)) }
  local function add(name, html)
    out[#out + 1] = fill("<div><dt>%s</dt><dd>", name) .. html .. "</dd></div>"
  end
  for _, fix in ipairs(config.fixes(rule)) do
    add("Fix", fill("%s <small>%s</small>", fix.label, fix.safe and "safe"
      or "changes the content"))
  end
  if rule.owner then add("Ask", markup.escape(say.line(rule.owner))) end
  local docs = say.docs(rule)
  if docs then add("More", link(docs)) end
  if rule.where and not rule.shipped then
    add("Written in", fill("<code>%s</code>", say.name(rule.where)))
  end
  return '<dl class="facts">' .. table.concat(out) .. "</dl>"
end

---@param title string
---@param rules table[]
---@return string html
function book.section(title, rules)
  local out = { fill('<section class="panel"><h2>%s <small>%s</small></h2>', title, #rules) }
  for _, rule in ipairs(rules) do
    out[#out + 1] = fill('<article id="%s"><h3 class="p-%s"><code>%s</code> <span class="sign">%s'
      .. "</span></h3><p>%s</p>", say.name(rule.id), rule.severity,
      say.name(rule.id), say.severities[rule.severity] or "", say.line(rule.title or ""))
      .. (rule.why and fill('<p class="sub">%s</p>', say.text(rule.why)) or "") .. facts_of(rule)
      .. rows_of(rule) .. "</article>\n"
  end
  return table.concat(out) .. "</section>\n"
end

local own_style = [[
article { border-top: 1px solid var(--line); padding: 12px 0 16px; margin-top: 12px }
article h3 { font-size: 15px; margin: 0 0 4px; color: var(--text) } article h3 code {
  font-size: 14px; font-weight: 650 }
.facts { margin: 10px 0 }
]]

---@param sections string[]
---@return string html
function book.page(sections)
  return table.concat {
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; ',
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n",
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="orch">\n',
    "<title>Rules</title>\n<style>\n", require "orch.report.html.style", own_style,
    "</style>\n</head>\n<body>\n<main><h1>Rules of this project</h1>\n",
    table.concat(sections), "</main>\n</body>\n</html>\n",
  }
end

return book
