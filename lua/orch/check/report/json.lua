--- A check as one JSON document, for programs: complete and stable.
---
---     orch check --json | jq '.findings[] | select(.severity == "error") | .path'
---
---     { "version": 1,
---       "folder":   the project's, absolute
---       "files":    how many were looked at; "checked": that were really read; "cached": that
---                   have not changed since; "ignored": that no rule may touch
---       "elapsed":  seconds
---       "counts":   {error, warning, info}        of `findings`
---       "costs":    {vram, disk, ...}             of `findings`, added up
---       "fixable":  {safe, unsafe}                how many of `findings`
---       "findings": [{rule, severity, path, line, column, pointer, message, found, wanted,
---                     cost, hint, fix, related, pictures, key, code}]
---       "waived":   the same, each with "waiver": {reason, owner, expires}
---       "baselined": how many findings are in the baseline, and so not here
---       "fixed":    [{path, rule, fix, label, safe, undo}]
---       "rules":    [{id, title, why, files, severity, scope, owner, docs, tags, where, shipped,
---                     config: [{glob, values}], fixes: {name: {label, safe}}}] }
---
--- What is not known is left out. Paths are relative to `folder`, with `/`; `docs` is complete;
--- `key` is the same in each run as long as the finding is. Bytes that are not UTF-8 become
--- U+FFFD. Fields are only ever added within one `version`.

local command = require "orch.check.report.command"
local cost = require "orch.check.report.cost"
local json = require "orch.json"
local say = require "orch.check.report.say"
local valid = require("orch.pipeline.text").valid

local VERSION = 1
local DEEPEST = 20 -- levels of a rule's configuration

local finding_fields = { "rule", "severity", "path", "line", "column", "pointer", "message",
  "found", "wanted", "cost", "hint", "fix", "related", "pictures", "key", "code", "waiver" }
local rule_fields = { "id", "title", "why", "files", "severity", "scope", "owner", "tags",
  "where", "shipped" }
local fixed_fields = { "path", "rule", "fix", "label", "safe", "undo" }

local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then return nil end
  return value
end

--- Whatever a rule has given as JSON can say it; functions and the like are left out.
local function plain(value, level)
  local kind = type(value)
  if kind == "string" then return utf8.len(value) and value or valid(value) end
  if kind == "number" then return number(value) end
  if kind == "boolean" then return value end
  if kind ~= "table" or level > DEEPEST then return nil end
  local out = {}
  if #value > 0 and next(value, #value) == nil then
    for i, item in ipairs(value) do out[i] = plain(item, level + 1) end
    return json.array(out)
  end
  for key, item in pairs(value) do
    out[type(key) == "string" and plain(key, level) or tostring(key)] = plain(item, level + 1)
  end
  return out
end

local lists = { files = true, tags = true, related = true, pictures = true }

local function pick(from, fields)
  local out = {}
  for _, field in ipairs(fields) do
    local value = plain(from[field], 1)
    if lists[field] and value and #value == 0 then value = json.array {} end
    out[field] = value
  end
  return out
end

local function list(from, fields)
  local out = json.array {}
  for i, item in ipairs(type(from) == "table" and from or {}) do out[i] = pick(item, fields) end
  return out
end

local function fixes_of(rule)
  local out = {}
  for name, fix in pairs(rule.fixes or {}) do
    out[tostring(name)] = { label = plain(fix.label, 1), safe = fix.safe == true }
  end
  return out
end

--- The first glob that fits a file counts; what is for all files has "**".
local function config_of(rule)
  local out = json.array {}
  for i, entry in ipairs(rule.config or {}) do
    local values = {}
    for name, value in pairs(type(entry) == "table" and entry or {}) do
      if type(name) == "string" then values[name] = value end
    end
    out[i] = { glob = plain(entry[1], 1), values = plain(values, 1) }
  end
  if #out == 0 and next(rule.config or {}) ~= nil then
    out[1] = { glob = "**", values = plain(rule.config, 1) }
  end
  return out
end

local function rules_of(result)
  local out = list(result.rules, rule_fields)
  for i, rule in ipairs(result.rules or {}) do
    out[i].docs, out[i].fixes, out[i].config = say.docs(rule), fixes_of(rule), config_of(rule)
  end
  return out
end

---@param result table
---@return string json a line for each item, names sorted
return function(result)
  local safe, unsafe = command.of(result):fixable(result.findings)
  local baselined = result.baselined or 0
  return json.pretty {
    version = VERSION, folder = plain(result.folder, 1), files = result.files,
    checked = result.checked, cached = result.cached, ignored = result.ignored,
    elapsed = result.elapsed, counts = result.counts,
    costs = plain(cost.total(result.findings), 1), fixable = { safe = safe, unsafe = unsafe },
    findings = list(result.findings, finding_fields), waived = list(result.waived, finding_fields),
    baselined = type(baselined) == "table" and #baselined or baselined,
    fixed = list(result.fixed, fixed_fields), rules = rules_of(result),
  } .. "\n"
end
