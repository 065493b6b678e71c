-- `orch check --explain RULE`: all about one rule, in words.

local arg = require "orch.arg"
local command = require "orch.cli.command"
local say = require "orch.check.report.say"
local sheets = require "orch.check.report.sheet"

local INDENT = 2

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

local function value_text(value)
  if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, one in ipairs(value) do parts[i] = value_text(one) end
  for _, key in ipairs(arg.keys_of(value)) do
    parts[#parts + 1] = ("%s = %s"):format(key, value_text(value[key]))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function settings_text(entry)
  local parts = {}
  for _, key in ipairs(arg.keys_of(entry)) do
    parts[#parts + 1] = ("%s = %s"):format(key, (value_text(entry[key])))
  end
  return table.concat(parts, ", ")
end

local function add_config(sheet, rule)
  if not rule.config[1] then
    local text = settings_text(rule.config)
    if text ~= "" then sheet:field("with:", text, nil, INDENT) end
    return
  end
  local widest = 0
  for _, entry in ipairs(rule.config) do widest = math.max(widest, #entry[1]) end
  for i, entry in ipairs(rule.config) do
    local before = i == 1 and "  with:  " or (" "):rep(9)
    sheet:line(before, entry[1], (" "):rep(widest - #entry[1]), "   ", settings_text(entry))
  end
end

local function add_fixes(sheet, rule)
  for _, name in ipairs(arg.keys_of(rule.fixes)) do
    local fix = rule.fixes[name]
    sheet:field("fix:", ("%s: %s"):format(name, fix.label), nil, INDENT)
    local words = "orch check --fix" .. (fix.safe and "" or " --unsafe") .. " --rule " .. rule.id
    sheet:line((" "):rep(9), words, fix.safe and "" or "   (it changes the content)")
  end
end

local function add_where(sheet, rule)
  if rule.source == "orch" then return sheet:field("where:", "orch itself", nil, INDENT) end
  sheet:field("where:", rule.shipped and "it comes with orch" or rule.where, nil, INDENT)
  if not rule.shipped then return end
  sheet:field("edit:", ('check.configure("%s", { severity = "warning" }) in a file of checks/, '
    .. "or a copy of it: orch new check --from %s"):format(rule.id, rule.id), nil, INDENT)
end

---@async
---@param ruleset orch.check.Set
---@param id string
---@return integer exit_code raises kind `usage`
return function(ruleset, id)
  local rule = find(ruleset, id)
  local sheet = sheets.new()
  sheet:line(sheet.paint(rule.id, "strong"), "   ", rule.severity)
  if rule.title then sheet:prose(rule.title, INDENT) end
  sheet:line ""
  if rule.why then sheet:field("why:", rule.why, nil, INDENT) end
  sheet:field("files:", table.concat(rule.files, "  "), nil, INDENT)
  if rule.scope == "project" then
    sheet:field("scope:", "all files together", nil, INDENT)
  end
  add_config(sheet, rule)
  add_fixes(sheet, rule)
  if rule.owner then sheet:field("ask:", rule.owner, nil, INDENT) end
  if say.docs(rule) then sheet:field("docs:", say.docs(rule), nil, INDENT) end
  if rule.tags[1] then sheet:field("tags:", table.concat(rule.tags, ", "), nil, INDENT) end
  add_where(sheet, rule)
  command.write(sheet:text())
  return 0
end
