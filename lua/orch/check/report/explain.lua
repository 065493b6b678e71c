--- All that there is to know of one rule, for `orch check --explain ID`: what it looks at, why
--- that matters, how it is configured here, what can be done, and how it is changed.
---
---     io.write(explain(rule, { findings = result.findings }))

local arg = require "orch.arg"
local command = require "orch.check.report.command"
local config = require "orch.check.report.config"
local entries = require "orch.check.report.entry"
local grouping = require "orch.check.group"
local say = require "orch.check.report.say"
local sheets = require "orch.check.report.sheet"

local INDENT = 2

local options = { color = "boolean", columns = "integer", findings = "table" }

local function add_config(sheet, rule)
  local rows, widest = config.rows(rule.config), 0
  for _, row in ipairs(rows) do widest = math.max(widest, #row[1]) end
  for i, row in ipairs(rows) do
    local gap = math.max(2, math.min(widest, 40) - #row[1] + 2)
    local glob = row[1] ~= "" and row[1] .. (" "):rep(gap) or ""
    sheet:raw_field(i == 1 and "config:" or "", glob .. row[2], INDENT)
  end
  if #rows > 1 then
    sheet:raw_field("", sheet.paint("(the first that fits a file counts)", "dim"), INDENT)
  end
end

local function add_fixes(sheet, rule)
  for i, fix in ipairs(config.fixes(rule)) do
    sheet:field(i == 1 and "fixes:" or "", ("%s: %s (%s)"):format(fix.name, fix.label,
      fix.safe and "safe" or "changes the content"), nil, INDENT)
    sheet:command("", command.check(fix.safe and { "--fix", "--rule", rule.id }
      or { "--fix", "--unsafe", "--rule", rule.id }), nil, INDENT)
  end
end

--- The configuration with one more folder in front, to be copied.
local function with_a_folder(rows)
  local last = rows[#rows]
  if last[1] == "" then return "{ " .. last[2] .. " }" end
  return ('{ { "Assets/Folder/**", %s }, { "%s", %s } }'):format(last[2], last[1], last[2])
end

local function add_change(sheet, rule)
  if rule.source == "orch" then return sheet:field("where:", "orch itself", nil, INDENT) end
  if not rule.shipped then
    return sheet:field("change:", "edit " .. say.name(rule.where or "its file"), nil, INDENT)
  end
  local rows = config.rows(rule.config)
  sheet:field("change:", "it comes with orch; in a file such as checks/project.lua:", nil, INDENT)
  sheet:raw_field("", 'check.use "*"', INDENT)
  sheet:raw_field("", ('check.configure("%s", { %s })'):format(rule.id, #rows > 0
    and rows[#rows][2] ~= "" and "config = " .. with_a_folder(rows) or 'severity = "warning"'),
    INDENT)
  sheet:command("copy:", "orch new check --from " .. rule.id, "to a rule of your own", INDENT)
end

local function add_example(sheet, rule, findings)
  local own = {}
  for _, finding in ipairs(findings or {}) do
    if finding.rule == rule.id then own[#own + 1] = finding end
  end
  if #own == 0 then return end
  sheet:gap()
  sheet:line(sheet.paint(#own == 1 and "What it found:" or
    ("What it found, of %s the first:"):format(say.count(#own, "finding")), "dim"))
  sheet.label = 7
  local groups = grouping.of({ own[1] })
  local result = { findings = { own[1] }, rules = { rule } }
  entries.new(sheet, result, groups):add(groups[1])
end

---@param rule table
---@param opts? {color: boolean?, columns: integer?, findings: table[]?} `findings`: of a run,
---  for an example
---@return string text
return function(rule, opts)
  opts = arg.options("check.report.explain", opts, options)
  local sheet = sheets.new(opts)
  sheet.label = 9
  sheet:line(sheet.paint(say.name(rule.id), "strong"), "  ", say.severities[rule.severity] or "",
    rule.scope == "project" and "  all files together" or "")
  sheet:prose(rule.title or "", INDENT)
  sheet:gap()
  if rule.why then sheet:field("why:", rule.why, nil, INDENT) end
  sheet:field("files:", config.files(rule), nil, INDENT)
  add_config(sheet, rule)
  add_fixes(sheet, rule)
  if rule.owner then sheet:field("ask:", rule.owner, nil, INDENT) end
  local docs = say.docs(rule)
  if docs then sheet:field("docs:", docs, nil, INDENT) end
  if rule.tags and #rule.tags > 0 then
    sheet:field("tags:", table.concat(rule.tags, ", "), nil, INDENT)
  end
  if rule.timeout and rule.timeout ~= 10 and rule.timeout > 0 then
    sheet:field("timeout:", say.seconds(rule.timeout) .. " for each file", nil, INDENT)
  end
  if rule.cache == false and rule.source ~= "orch" then
    sheet:field("cache:", "it runs each time: its answers depend on more than files", nil, INDENT)
  end
  add_change(sheet, rule)
  add_example(sheet, rule, opts.findings)
  return sheet:text()
end
