-- `orch check --explain RULE`: all about one rule, in words.

local arg = require "orch.arg"
local command = require "orch.cli.command"

-- What orch itself finds, without a rule file.
local function own_rules()
  local list = { require("orch.check.broken").rule, require("orch.check.settings").rule,
    require("orch.check.run_rule").unreadable }
  return table.move(require("orch.check.waivers").rules, 1, 3, #list + 1, list)
end

local function find(ruleset, id)
  if ruleset.by_id[id] then return ruleset.by_id[id] end
  local ids = arg.keys_of(ruleset.by_id)
  for _, rule in ipairs(own_rules()) do
    if rule.id == id then return rule end
    ids[#ids + 1] = rule.id
  end
  local near = arg.suggest(id, ids)
  arg.fail("there is no rule '%s'%s", id, near and ("; did you mean '%s'?"):format(near)
    or "; orch check --list prints those there are")
end

---@async
---@param ruleset orch.check.Set
---@param id string
---@return integer exit_code raises kind `usage`
return function(ruleset, id)
  command.write(require "orch.check.report.explain"(find(ruleset, id)))
  return 0
end
