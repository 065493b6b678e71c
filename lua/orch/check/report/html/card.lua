--- One finding in a page: its pictures, what is wrong, what was found and wanted, what it
--- costs, and what to do.
---
---     card.html(finding, { commands = commands, pictures = drawn, rules = rules })

local cost = require "orch.check.report.cost"
local json = require "orch.json"
local markup = require "orch.report.html.markup"
local pictures = require "orch.check.report.html.pictures"
local say = require "orch.check.report.say"

local fill, escape = markup.fill, markup.escape

local card = {}

local RELATED = 20
local LONGEST = 4000 -- bytes of a message

card.signs = { error = "✕", warning = "!", info = "i" }

local function safe(text)
  return escape(markup.short(say.text(text), LONGEST))
end

local function figures(finding, context)
  local out = {}
  for _, picture in ipairs(pictures.of(finding)) do
    local uri = context.pictures.of(picture)
    if uri then
      local label = picture.label or picture.channel or picture.picture == "diff" and "difference"
      label = label and say.line(label)
      out[#out + 1] = fill('<figure><img src="%s" alt="%s" loading="lazy" decoding="async">', uri,
        label or "") .. (label and fill("<figcaption>%s</figcaption>", label) or "") .. "</figure>"
    end
  end
  return #out > 0 and '<div class="pics">' .. table.concat(out) .. "</div>" or ""
end

--- The name is what one looks for; its folder is said in front.
local function place(finding)
  local folder, name = say.place(finding):match "^(.*/)([^/]*)$"
  if not folder then folder, name = "", say.place(finding) end
  return fill("<code>%s<b>%s</b></code>", folder, name)
end

local function code(finding)
  local of = finding.code
  if type(of) ~= "table" or type(of.text) ~= "string" then return "" end
  local text = markup.clean(say.name((of.text:gsub("\t", " "))))
  local clean = { text = text, column = of.column, width = of.width }
  local from = say.code_start(clean)
  local ok, to = pcall(utf8.offset, text, say.code_width(clean, from) + 1, from)
  to = ok and to or #text + 1
  return fill('<pre class="log"><i>%s</i>%s<mark>%s</mark>%s</pre>', finding.line or "",
    text:sub(1, from - 1), text:sub(from, to - 1), text:sub(to))
end

local function found_wanted(finding)
  local out = {}
  for _, name in ipairs { "found", "wanted" } do
    if finding[name] ~= nil then
      out[#out + 1] = ('<div class="%s"><dt>%s</dt><dd>%s</dd></div>'):format(name, name,
        safe(finding[name]))
    end
  end
  return #out > 0 and '<dl class="pair">' .. table.concat(out) .. "</dl>" or ""
end

local function related(finding)
  local out, list = {}, finding.related or {}
  for i = 1, math.min(#list, RELATED) do
    if list[i].path then
      out[#out + 1] = fill("<li><code>%s</code>%s</li>", say.place(list[i]),
        list[i].note and " " .. say.line(list[i].note) or nil)
    end
  end
  if #list > RELATED then out[#out + 1] = fill("<li>and %s more</li>", #list - RELATED) end
  return #out > 0 and '<ul class="related">' .. table.concat(out) .. "</ul>" or ""
end

local function fix(finding, context)
  local command, label = context.commands:fix(finding)
  if not command then return "" end
  return fill('<p class="fix"><code class="command">%s</code> <span>%s</span></p>', command, label)
end

local function folder_of(path)
  return path:match "^(.*)/[^/]*$" or "."
end

--- What the page's script groups and sorts by.
local function attributes(finding, context)
  local rule = context.rules[finding.rule]
  local amounts = {}
  for _, unit in ipairs(cost.units(finding.cost)) do
    amounts[say.line(unit)] = finding.cost[unit]
  end
  return fill(' data-rule="%s" data-severity="%s" data-path="%s" data-folder="%s" data-owner="%s"',
    say.name(finding.rule), finding.severity, say.name(finding.path),
    say.name(folder_of(finding.path)), rule and rule.owner and say.line(rule.owner) or "nobody")
    .. (next(amounts) and fill(' data-cost="%s"', json.encode(amounts, { sorted = true })) or "")
    .. (finding.fix and context.commands:fix(finding) and " data-fix" or "")
end

---@param finding table
---@param context {commands: orch.CheckCommands, pictures: orch.CheckPictures, rules: table}
---@return string html
function card.html(finding, context)
  local words = cost.words(finding.cost)
  return ('<article class="finding p-%s"%s>'):format(finding.severity, attributes(finding, context))
    .. figures(finding, context) .. '<div class="say"><p class="path"><span class="sign" title="'
    .. say.severities[finding.severity] .. '">' .. (card.signs[finding.severity] or "?")
    .. "</span> " .. place(finding)
    .. fill(' <span class="rule">%s</span></p>', say.name(finding.rule))
    .. '<p class="message">' .. safe(finding.message) .. "</p>" .. code(finding)
    .. (finding.pointer and fill('<p class="pointer"><code>%s</code></p>',
      say.name(finding.pointer)) or "")
    .. (finding.hint and '<p class="hint">' .. safe(finding.hint) .. "</p>" or "")
    .. related(finding) .. fix(finding, context) .. '</div><div class="facts">'
    .. found_wanted(finding) .. (words and '<p class="cost">' .. escape(words) .. "</p>" or "")
    .. "</div></article>\n"
end

return card
