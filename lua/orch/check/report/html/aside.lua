--- What is besides the findings of a page: fixes with before and after, what was waived, and
--- the rules.
---
---     aside.fixed(result, drawn) .. aside.waived(result) .. aside.rules(result)

local config = require "orch.check.report.config"
local link = require("orch.check.report.html.group").link
local markup = require "orch.report.html.markup"
local say = require "orch.check.report.say"

local fill = markup.fill

local aside = {}

local FIXED, WAIVED = 500, 2000

local function fold(id, title, count, body, open)
  return ('<section class="panel"><details id="%s"%s>'):format(id, open and " open" or "")
    .. fill("<summary><h2>%s <small>%s</small></h2></summary>", title, say.number(count)) .. body
    .. "</details></section>\n"
end

--- Both pictures, one above the other: the script lets one be pushed aside.
local function compare(before, after, name)
  if not before or not after then return "" end
  return fill('<figure class="compare"><div class="stage"><img class="before" src="%s" '
    .. 'alt="before" loading="lazy"><img class="after" src="%s" alt="after" loading="lazy">'
    .. '<input type="range" min="0" max="100" value="50" aria-label="%s: before and after"></div>'
    .. "<figcaption><span>before</span><span>after</span></figcaption></figure>", before, after,
    name)
end

local function undo(result)
  local seen, out = {}, {}
  for _, one in ipairs(result.fixed) do
    if one.undo and not seen[one.undo] then
      seen[one.undo] = true
      out[#out + 1] = fill('<p class="hint">To take it back: <code class="command">orch check '
        .. "--undo %s</code></p>", one.undo)
    end
  end
  return table.concat(out)
end

---What was set right, or with --diff would be.
---@param result table
---@param drawn orch.CheckPictures
---@return string html "" when nothing was
function aside.fixed(result, drawn)
  local list = result.preview or result.fixed or {}
  if #list == 0 then return "" end
  local out = { result.preview and "" or undo(result), '<div class="fixes">' }
  for i = 1, math.min(#list, FIXED) do
    local one = list[i]
    out[#out + 1] = '<div class="fixed">'
      .. compare(drawn.of(one.before), drawn.of(one.after), say.name(one.path))
      .. fill('<p class="path"><code>%s</code></p><p>%s%s <span class="rule">%s</span></p></div>',
        say.name(one.path), say.line(one.label or one.fix),
        not one.safe and " (changes the content)" or nil, say.name(one.rule))
  end
  out[#out + 1] = "</div>"
  if #list > FIXED then out[#out + 1] = fill("<p>and %s more</p>", #list - FIXED) end
  return fold("fixed", result.preview and "Would be fixed" or "Fixed", #list, table.concat(out), true)
end

local function table_of(columns, rows)
  local out = { '<div class="scroll"><table><thead><tr>' }
  for _, column in ipairs(columns) do out[#out + 1] = fill('<th scope="col">%s</th>', column) end
  out[#out + 1] = "</tr></thead><tbody>"
  for _, row in ipairs(rows) do
    out[#out + 1] = "<tr><td>" .. table.concat(row, "</td><td>") .. "</td></tr>\n"
  end
  out[#out + 1] = "</tbody></table></div>"
  return table.concat(out)
end

local function code(text)
  return fill("<code>%s</code>", say.name(text))
end

local function escape(value)
  return value and markup.escape(say.line(value)) or ""
end

---What somebody has accepted, with the reason; and how many are in the baseline.
---@param result table
---@return string html "" when there is nothing
function aside.waived(result)
  local rows, list = {}, result.waived or {}
  for i = 1, math.min(#list, WAIVED) do
    local finding, waiver = list[i], list[i].waiver or {}
    rows[i] = { code(say.place(finding)), code(finding.rule),
      escape(finding.message), escape(waiver.reason), escape(waiver.owner), escape(waiver.expires) }
  end
  local baselined = result.baselined or 0
  if type(baselined) == "table" then baselined = #baselined end
  local html = ""
  if #list > 0 then
    html = fold("waived", "Waived", #list, table_of({ "File", "Rule", "Finding", "Reason", "Owner",
      "Until" }, rows))
  end
  if baselined > 0 then
    html = html .. fold("baselined", "In the baseline", baselined, "<p>They were there before "
      .. "somebody began to look, and do not fail a check. <code class=\"command\">orch check "
      .. "--update-baseline</code> forgets those that are mended.</p>")
  end
  return html
end

local function files_of(rule)
  return code(config.files(rule))
end

---@param result table
---@return string html
function aside.rules(result)
  local rows, count = {}, {}
  for _, finding in ipairs(result.findings) do
    count[finding.rule] = (count[finding.rule] or 0) + 1
  end
  for i, rule in ipairs(result.rules or {}) do
    local docs = say.docs(rule)
    rows[i] = {
      code(rule.id), escape(rule.title) .. (rule.why and "<br><small>" .. escape(rule.why)
        .. "</small>" or ""), files_of(rule), escape(rule.owner),
      docs and link(docs, "Read more") or "",
      code(rule.where or ""), say.number(count[rule.id] or 0),
    }
  end
  if #rows == 0 then return "" end
  return fold("rules", "Rules", #rows, table_of({ "Rule", "What holds where all is well", "Files",
    "Ask", "", "Written in", "Findings" }, rows))
end

return aside
