-- `orch check --list`: the rules there are: in words, as a page or as JSON.

local command = require "orch.cli.command"
local glob = require "orch.pipeline.glob"
local json = require "orch.json"
local say = require "orch.check.report.say"

local function fixes_of(rule)
  local list = {}
  for name, fix in pairs(rule.fixes) do
    list[#list + 1] = { name = name, label = fix.label, safe = fix.safe }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function as_json(rules)
  local list = json.array {}
  for i, rule in ipairs(rules) do
    list[i] = { id = rule.id, title = rule.title, why = rule.why, severity = rule.severity,
      scope = rule.scope, files = json.array(rule.files), owner = rule.owner, docs = say.docs(rule),
      tags = json.array(rule.tags), where = rule.where, shipped = rule.shipped,
      fixes = json.array(fixes_of(rule)) }
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

---@async
---@param review orch.check.Review that is loaded
---@param asked table
---@return integer exit_code
return function(review, asked)
  local rules = glob.choose(review.ruleset.list, asked.rule)
  if asked.json then
    command.print_json(as_json(rules))
  elseif asked.html then
    local book = require "orch.check.report.rules"(rules, { format = "html" })
    if asked.html == "-" then
      command.write(book)
    else
      require("orch.fs").write(asked.html, book)
    end
  else
    command.write(require "orch.check.report.rules"(rules))
  end
  for _, finding in ipairs(review.ruleset.findings) do
    io.stderr:write(("orch: %s: %s\n"):format(say.place(finding), say.line(finding.message)))
  end
  return 0
end
