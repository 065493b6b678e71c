--- A rule that fails is a finding, too: in its own file, with the line, a caret, and what was
--- probably meant.
---
---     broken.finding(err, { rule = rule, file = file })

local arg = require "orch.arg"
local dotted = require "orch.cli.dotted"
local errors = require "orch.core.error"
local excerpt = require "orch.cli.excerpt"
local file_class = require "orch.check.file"
local hint = require "orch.cli.hint"
local report = require "orch.cli.report"
local rules = require "orch.check.rule"

local broken = { ID = "rule.broken" }

--- The rule under which such findings go.
broken.rule = rules.pseudo {
  id = broken.ID, title = "Rules run without errors", severity = "error",
  why = "A rule that fails checks nothing: what it would have found goes unseen.",
  files = { "checks/**/*.lua" },
}

--- The line with its caret, as excerpt draws them: here as text and column.
local function code_of(where, message, column)
  local lines = excerpt.lines(where, message, column)
  if #lines < 2 then return nil end
  local margin = lines[2]:find("|", 1, true) + 1
  local caret = lines[2]:find("^", margin, true)
  if not caret then return nil end
  return { text = lines[1]:sub(margin + 1), column = caret - margin, width = 1 }
end

local function place(where, rule)
  local name, line = excerpt.split(where)
  if name then return name, line end
  if rule then return rule.source, rule.line end
end

local function names_of(config)
  local names = {}
  for _, entry in ipairs(config[1] and config or { config }) do
    for name in pairs(entry) do names[name] = type(name) == "string" or nil end
  end
  return names
end

--- `cfg.maxx` is nil, and fails only where it is used.
local function config_hint(rule, message, where)
  local path, line = excerpt.split(where)
  local text = path and message:find("%f[%a]nil%f[%A]") and excerpt.line(path, line)
  local cfg = text and debug.getlocal(rule.run, 2)
  if not cfg then return nil end
  local known = names_of(rule.config)
  for field in text:gmatch("%f[%w_]" .. cfg .. "%.([%a_][%w_]*)") do
    if not known[field] then
      local near = arg.suggest(field, arg.keys_of(known))
      return ("`config` of the rule has no `%s`%s"):format(field,
        near and ("; did you mean `%s`?"):format(near) or "")
    end
  end
end

local function sentence(err, rule)
  local message, where = report.sentence(err)
  local advice
  message, where, advice = dotted.explain(err, message, where)
  local ok, near = pcall(hint.of, err, message, where)
  advice = advice or ok and near or nil
  if rule and where then advice = config_hint(rule, message, where) or advice end
  if rule and not (where and excerpt.split(where)) then where = rule.where end
  return message, where, advice
end

--- The same of each file is told once.
local function about_any_file(message, file)
  if not file then return message end
  return (message:gsub("'" .. file:gsub("%p", "%%%0") .. "'", "the file"))
end

---@param err orch.Error what was raised
---@param known {rule: orch.check.Rule?, source: string?, file: string?} `file`: the one that
---  was checked; `source`: the rule file, where no rule is known
---@return orch.check.Finding
function broken.finding(err, known)
  local rule = known.rule
  local message, where, advice = sentence(err, rule)
  local path, line = place(where, rule)
  -- Where the file ends too early, the line that was opened and never closed says more.
  local code = code_of(where, message, rawget(err, "column")) or code_of(rawget(err, "opened_at"))
  message = about_any_file(message, known.file)
  local finding = {
    rule = broken.ID, severity = "error", path = path or known.source or "checks", line = line,
    column = code and code.column, message = message, template = message, hint = advice,
    code = code, related = known.file and { { path = known.file, note = "the file it failed on" } },
    found = rule and ("the rule '%s' fails"):format(rule.id) or nil,
  }
  finding.key = file_class.key_of { rule = broken.ID, path = finding.path, template = message,
    related = { { path = tostring(line) } } }
  return finding
end

---A rule that did not come to an end.
---@param rule orch.check.Rule
---@param path string? the file it looked at; nil: the project
---@param count integer? it was the last of so many: the rule is not run for others
---@return orch.check.Finding
function broken.timeout(rule, path, count)
  local message = ("it has looked at %s for more than %g s and was stopped"):format(
    path and "a file" or "the project", rule.timeout)
  if count then
    message = ("it has looked at %d files for more than %g s each, and is not run for the others")
      :format(count, rule.timeout)
  end
  return broken.finding(errors.make { kind = "timeout", where = rule.where, message = message,
    hint = "does a loop in it never end? `timeout` in the rule allows it more" },
    { rule = rule, file = path })
end

return broken
