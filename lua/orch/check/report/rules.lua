--- The rule book: all rules that count here, in words, for `orch check --list`; as Markdown or
--- a page, for a wiki.
---
---     io.write(rules(set.list, { format = "text" }))

local arg = require "orch.arg"
local config = require "orch.check.report.config"
local say = require "orch.check.report.say"
local sheets = require "orch.check.report.sheet"
local text = require "orch.view.text"

local formats = {}

local SHIPPED = "with orch"

--- The rules of each file, files in their order.
local function by_source(list)
  local groups, known = {}, {}
  for _, rule in ipairs(list) do
    local source = rule.source or SHIPPED
    local group = known[source]
    if not group then
      group = { source = source, shipped = rule.shipped }
      known[source], groups[#groups + 1] = group, group
    end
    group[#group + 1] = rule
  end
  return groups
end

local function title_of(group)
  if not group.shipped then return say.name(group.source) end
  local name = group.source:match "([%w_-]+)%.lua$" or group.source
  return ("%s, which comes with orch"):format(say.name(name))
end

--- In one line what a fix would do.
local function fix_words(rule)
  local parts = {}
  for i, fix in ipairs(config.fixes(rule)) do
    parts[i] = fix.label .. (fix.safe and "" or " (unsafe)")
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

-- ---- a terminal ----

local colors = { error = "bad", warning = "warn", info = "bar" }

local function add_rule(sheet, rule, columns)
  local id, severity = say.name(rule.id), say.severities[rule.severity] or ""
  local head = "  " .. sheet.paint(text.pad(id, columns), "strong") .. "  "
    .. sheet.paint(text.pad(severity, 9), colors[rule.severity] or "dim")
  local column = columns + 13
  local lines = sheets.wrap(say.line(rule.title or ""), math.max(20, sheet.columns - column))
  sheet:line(head, lines[1] or "")
  for i = 2, #lines do sheet:line((" "):rep(column), lines[i]) end
  local fix = fix_words(rule)
  if fix then sheet:prose("fix: " .. fix, column, "dim") end
end

function formats.text(list, opts)
  local sheet, columns = sheets.new(opts), 0
  for _, rule in ipairs(list) do columns = math.max(columns, #say.name(rule.id)) end
  columns = math.min(columns, 32)
  for _, group in ipairs(by_source(list)) do
    sheet:gap()
    sheet:line(sheet.paint(title_of(group), "dim"))
    for _, rule in ipairs(group) do add_rule(sheet, rule, columns) end
  end
  sheet:gap()
  if #list == 0 then
    sheet:line "there are no rules"
  else
    sheet:prose(("%s; all about one: orch check --explain %s"):format(say.count(#list, "rule"),
      say.name(list[1].id)), 0, "dim")
  end
  return sheet:text()
end

-- ---- Markdown ----

--- What would be markup in a line of text.
local function plain(value)
  return (say.line(value):gsub("[\\`*_%[%]<>|#]", "\\%0"))
end

--- Code: backticks cannot be escaped in it, only outnumbered.
local function code(value)
  value = say.line(value)
  local fence = value:find("`", 1, true) and "``" or "`"
  local gap = fence == "``" and " " or ""
  return fence .. gap .. value .. gap .. fence
end

local function markdown_config(out, rule)
  local rows = config.rows(rule.config)
  if #rows == 0 then return end
  if rows[1][1] == "" then
    out[#out + 1] = "- configuration: " .. code(rows[1][2])
    return
  end
  out[#out + 1] = "\n| folder | configuration |\n|---|---|"
  for _, row in ipairs(rows) do
    out[#out + 1] = ("| %s | %s |"):format(code((row[1]:gsub("|", "\\|"))),
      code((row[2]:gsub("|", "\\|"))))
  end
end

local function markdown_rule(out, rule)
  out[#out + 1] = ("\n### %s\n\n%s (%s)\n"):format(code(rule.id), plain(rule.title or ""),
    say.severities[rule.severity] or "")
  if rule.why then out[#out + 1] = plain(rule.why) .. "\n" end
  out[#out + 1] = "- files: " .. code(config.files(rule))
  for _, fix in ipairs(config.fixes(rule)) do
    out[#out + 1] = ("- fix: %s (%s)"):format(plain(fix.label),
      fix.safe and "`orch check --fix`" or "`orch check --fix --unsafe`")
  end
  if rule.owner then out[#out + 1] = "- ask: " .. plain(rule.owner) end
  local docs = say.docs(rule)
  if docs then out[#out + 1] = "- more: " .. (docs:find "^https?://" and "<" .. docs .. ">"
    or plain(docs)) end
  if not rule.shipped then out[#out + 1] = "- written in " .. code(rule.where or "") end
  markdown_config(out, rule)
end

function formats.markdown(list)
  local out = { "# Rules of this project" }
  for _, group in ipairs(by_source(list)) do
    out[#out + 1] = "\n## " .. plain(title_of(group))
    for _, rule in ipairs(group) do markdown_rule(out, rule) end
  end
  return table.concat(out, "\n") .. "\n"
end

-- ---- a page ----

function formats.html(list)
  local groups, sections = by_source(list), {}
  for i, group in ipairs(groups) do
    sections[i] = require("orch.check.report.html.book").section(title_of(group), group)
  end
  return require("orch.check.report.html.book").page(sections)
end

local options = { format = "string", color = "boolean", columns = "integer" }

---@param list table[] rules
---@param opts? {format: "text"|"markdown"|"html"|nil, color: boolean?, columns: integer?}
---@return string text raises kind `usage`
return function(list, opts)
  opts = arg.options("check.report.rules", opts, options)
  local format = formats[opts.format or "text"]
  if not format then
    arg.fail('check.report.rules: option `format` should be "text", "markdown" or "html", not %s',
      arg.describe(opts.format))
  end
  return format(list, opts)
end
