--- The findings of a page rule by rule: each with what it is for, whom to ask and what it
--- costs in all. So they stand without a script; with one, they are put in other groups.
---
---     groups.html(groups.sorted(result.findings), context)

local card = require "orch.check.report.html.card"
local cost = require "orch.check.report.cost"
local markup = require "orch.report.html.markup"
local say = require "orch.check.report.say"

local checkpoint = require("orch.task").checkpoint
local fill = markup.fill

local BREATH = 256 -- findings, then other tasks may run

local groups = {}

--- Here the worst is on top.
local function weight(finding)
  local hides = finding.severity == "error" and say.is_of_rules(finding)
  return (say.rank[finding.severity] or 3) + (hides and 1 or 0)
end

local function worse(a, b)
  if a.severity ~= b.severity or a.rule ~= b.rule then
    local x, y = weight(a), weight(b)
    if x ~= y then return x > y end
  end
  local more = cost.more(a.cost, b.cost)
  if more ~= nil then return more end
  if a.path ~= b.path then return a.path < b.path end
  return (a.line or 0) < (b.line or 0)
end

---@param findings table[]
---@return table[] a new list, the worst first
function groups.sorted(findings)
  local list = table.move(findings, 1, #findings, 1, {})
  table.sort(list, worse)
  return list
end

local function by_rule(findings)
  local list, by_id = {}, {}
  for _, finding in ipairs(findings) do
    local group = by_id[finding.rule]
    if not group then
      group = { rule = finding.rule }
      by_id[finding.rule], list[#list + 1] = group, group
    end
    group[#group + 1] = finding
  end
  for _, group in ipairs(list) do group.cost, group.first = cost.total(group), group[1] end
  table.sort(list, function(a, b)
    local x, y = weight(a.first), weight(b.first)
    if x ~= y then return x > y end
    local more = cost.more(a.cost, b.cost)
    if more ~= nil then return more end
    return a.rule < b.rule
  end)
  return list
end

---A link where it is one that a browser may follow, otherwise its text.
---@param address string?
---@param words? string
---@return string html
function groups.link(address, words)
  if not address then return "" end
  address = say.line(address)
  if not address:find "^https?://" then return markup.escape(words or address) end
  return fill('<a href="%s" rel="noreferrer">%s</a>', address, words or address)
end

local function facts(group, rule)
  local out = {}
  local owner = rule and rule.owner
  if owner then out[1] = fill("<span>Ask %s</span>", say.line(owner)) end
  local docs = say.docs(rule)
  if docs then out[#out + 1] = "<span>" .. groups.link(docs, "Read more") .. "</span>" end
  local words = cost.words(group.cost, "waste", "cost")
  if words and #group > 1 then out[#out + 1] = fill("<span>Together they %s</span>", words) end
  return #out > 0 and '<p class="sub">' .. table.concat(out, " · ") .. "</p>" or ""
end

--- What is wrong with rules and waivers themselves belongs to no rule.
local own_titles = {
  ["rule.broken"] = "Broken rules: what they would have found goes unseen",
  ["asset.broken"] = "Files that cannot be read",
  ["waiver.broken"] = "Broken waivers", ["waiver.expired"] = "Waivers that have expired",
  ["waiver.unused"] = "Waivers that nothing needs",
}

local function head(group, context)
  local rule = context.rules[group.rule]
  local title = own_titles[group.rule] or rule and rule.title and say.line(rule.title)
    or say.name(group.rule)
  return fill('<summary><h3>%s <small>%s</small></h3></summary>', title, say.number(#group))
    .. '<div class="about">' .. (rule and rule.why and fill("<p>%s</p>", say.text(rule.why)) or "")
    .. facts(group, rule) .. "</div>"
end

---@async
---@param findings table[] sorted
---@param context table of card.html
---@return string html
function groups.html(findings, context)
  local out = {}
  for _, group in ipairs(by_rule(findings)) do
    out[#out + 1] = fill('<details class="group" open data-key="%s">', say.name(group.rule))
      .. head(group, context) .. '<div class="cards">\n'
    for i, finding in ipairs(group) do
      out[#out + 1] = card.html(finding, context)
      if i % BREATH == 0 then checkpoint() end
    end
    out[#out + 1] = "</div></details>\n"
  end
  return table.concat(out)
end

return groups
