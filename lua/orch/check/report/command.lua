--- The command lines that a report offers: short enough to be typed, safe to be copied.
---
---     local commands = command.of(result)
---     commands:fix(finding)     -- "orch check --fix --unsafe Assets/a.png", "resize it"

local quote = require "orch.quote"
local say = require "orch.check.report.say"

local command = {}

local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["'"] = "\\'", ["\\"] = "\\\\" }

--- What a terminal would not show as it is goes into $'...', which bash and zsh know.
local function word(text)
  if say.name(text) == text then return quote.command { text } end
  return "$'" .. text:gsub("[%c\\'\128-\255]", function(c)
    return escapes[c] or ("\\x%02X"):format(c:byte())
  end) .. "'"
end

--- A path that looks like an option.
local function path_word(path)
  return word(path:sub(1, 1) == "-" and "./" .. path or path)
end

---@param words string[] options
---@param paths? string[]
---@param at? string the folder that was named by -C: the command is for where the person is
---@return string
function command.check(words, paths, at)
  local out = { "orch check" }
  if at then out[2] = "-C " .. path_word(at) end
  for _, one in ipairs(words) do out[#out + 1] = word(one) end
  for _, path in ipairs(paths or {}) do out[#out + 1] = path_word(path) end
  return table.concat(out, " ")
end

---The fix that a finding names, if its rule has it.
---@param finding table
---@param rules table<string, table> by id
---@return {label: string, safe: boolean}?
function command.fix_of(finding, rules)
  local rule = finding.fix and rules[finding.rule]
  local fix = rule and rule.fixes and rule.fixes[finding.fix]
  if not fix then return nil end
  return { label = say.line(fix.label or finding.fix), safe = fix.safe == true }
end

--- Which files have more than one fix: there the command has to name the rule, or it would
--- do more than it says.
local function crowded(result, rules)
  local first, more = {}, {}
  for _, finding in ipairs(result.findings) do
    if command.fix_of(finding, rules) then
      local path = finding.path
      if first[path] and first[path] ~= finding.rule then more[path] = true end
      first[path] = first[path] or finding.rule
    end
  end
  return more
end

---@class orch.CheckCommands
---@field rules table<string, table>
---@field at string?
---@field private more table<string, boolean>
local Commands = {}
Commands.__index = Commands

---What sets one finding right.
---@param finding table
---@return string? command nil: it has no fix
---@return string? label
function Commands:fix(finding)
  local fix = command.fix_of(finding, self.rules)
  if not fix then return nil end
  local words = { "--fix" }
  if not fix.safe then words[2] = "--unsafe" end
  if self.more[finding.path] then
    table.move({ "--rule", finding.rule }, 1, 2, #words + 1, words)
  end
  return command.check(words, { finding.path }, self.at), fix.label
end

---What sets many findings of one rule right, if all have the same fix.
---@param findings table[]
---@param paths string[] where they are
---@return string? command
---@return string? label
function Commands:fix_all(findings, paths)
  local fix = command.fix_of(findings[1], self.rules)
  if not fix then return nil end
  for _, finding in ipairs(findings) do
    if finding.fix ~= findings[1].fix then return nil end
  end
  local words = { "--fix", "--unsafe" }
  if fix.safe then words[2] = nil end
  table.move({ "--rule", findings[1].rule }, 1, 2, #words + 1, words)
  return command.check(words, paths, self.at), fix.label
end

---How many findings can be set right, and how.
---@return integer safe
---@return integer unsafe
function Commands:fixable(findings)
  local safe, unsafe = 0, 0
  for _, finding in ipairs(findings) do
    local fix = command.fix_of(finding, self.rules)
    if fix and fix.safe then safe = safe + 1 elseif fix then unsafe = unsafe + 1 end
  end
  return safe, unsafe
end

---The commands for the findings of one result.
---@param result table
---@param at? string as in command.check
---@return orch.CheckCommands
function command.of(result, at)
  local rules = say.rules(result)
  return setmetatable({ rules = rules, more = crowded(result, rules), at = at }, Commands)
end

return command
