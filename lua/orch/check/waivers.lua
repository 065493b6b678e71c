--- What is allowed to be wrong, by whom and why, until when: `checks/waivers.lua`.
---
---     waive { rule = "texture.size", path = "Assets/Heroes/**", owner = "@anna",
---       reason = "close-ups in the intro", expires = "2027-03-31" }
---
--- One that has expired waives nothing and is told, as is one that nobody needs. What is
--- wrong in the file is a finding in it; the other waivers hold.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local glob = require "orch.pipeline.glob"
local pattern = require "orch.fs.pattern"
local tally = require "orch.check.tally"

local NAME = "checks/waivers.lua"
local LIMIT = 10 -- seconds that the file may take

local waivers = {}

---@class orch.check.Waiver
---@field rule string|string[] ids, or globs of them
---@field path string|string[] globs
---@field reason string
---@field owner string
---@field expires string? "2027-03-31": the last day
---@field line integer

---@class orch.check.Waivers
---@field list orch.check.Waiver[]
---@field findings orch.check.Finding[] what is wrong with the file

local spec = { rule = "string|table", path = "string|table", reason = "string", owner = "string",
  expires = "string" }

local function pseudo(id, severity, title, why)
  return require("orch.check.rule").pseudo { id = id, title = title, why = why,
    severity = severity, scope = "project", files = { NAME } }
end

---The rules under which findings about the file itself go.
waivers.rules = {
  pseudo("waiver.broken", "error", "Waivers can be understood",
    "What is meant to be waived is not."),
  pseudo("waiver.expired", "warning", "No waiver is over its day",
    "It was agreed that this would be mended by now."),
  pseudo("waiver.unused", "info", "Each waiver is needed",
    "One that is not hides what goes wrong there next."),
}

local function finding(rule, severity, line, text, more)
  local found = { rule = rule, severity = severity, path = NAME, line = line, message = text,
    template = more and more.template or text, hint = more and more.hint }
  found.key = require("orch.check.file").key_of(found)
  return found
end

local month_days = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_day(text)
  local year, month, day = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  month, day = tonumber(month), tonumber(day)
  if not year or not month_days[month] or day < 1 or day > month_days[month] then return false end
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month ~= 2 or day < 29 or leap
end

local function needed(entry, name, why)
  if entry[name] and entry[name] ~= "" and not (type(entry[name]) == "string"
    and not entry[name]:find "%S") then
    return
  end
  arg.fail("waive: `%s` is missing: %s", name, why)
end

local function rule_test(rules)
  local list = type(rules) == "table" and rules or { rules }
  for i, one in ipairs(list) do arg.check("waive, `rule`", i, one, "string") end
  return function(id) return glob.any(list, id) end
end

local function check_rule(entry, ruleset)
  entry.is_rule = rule_test(entry.rule)
  entry.is_path = pattern.compile("waive, `path`", 1, entry.path)
  if not ruleset then return end
  for _, rule in ipairs(ruleset.list) do
    if entry.is_rule(rule.id) then return end
  end
  local words = type(entry.rule) == "table" and table.concat(entry.rule, ", ") or entry.rule
  local near = arg.suggest(words, arg.keys_of(ruleset.by_id))
  arg.fail("waive: there is no rule '%s'%s", words,
    near and ("; did you mean '%s'?"):format(near) or "; orch check --list prints those there are")
end

local function check(entry, ruleset)
  arg.check("waive", 1, entry, "table")
  entry = arg.options("waive", entry, spec)
  needed(entry, "rule", 'the id of the rule, such as "texture.size"')
  needed(entry, "path", 'the file or files, such as "Assets/Heroes/**"')
  needed(entry, "reason", "why this may stay as it is, for whoever finds it later")
  needed(entry, "owner", "who answers for it")
  if entry.expires and not is_day(entry.expires) then
    arg.fail('waive: `expires` should be a day such as "2027-03-31", not "%s"', entry.expires)
  end
  check_rule(entry, ruleset)
  return entry
end

local function broken(set, line, text, source)
  local found = finding("waiver.broken", "error", line, (text:gsub("^waive: ", "")))
  local shown = line and source[line]
  if shown then found.code = { text = shown } end
  set.findings[#set.findings + 1] = found
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line:gsub("\r$", "") end
  return lines
end

---@async
---@param folder string the project's
---@param ruleset orch.check.Set? in which each waiver's rule should be; nil: there are others
---@return orch.check.Waivers
function waivers.load(folder, ruleset)
  local fs = require "orch.fs"
  local set = { list = {}, findings = {} }
  if not fs.exists(folder .. "/" .. NAME) then return set end
  local text = fs.read(folder .. "/" .. NAME)
  local source = lines_of(text)
  local function waive(entry)
    local line = debug.getinfo(2, "l").currentline
    local ok, checked = pcall(check, entry, ruleset)
    if not ok then return broken(set, line, checked.message, source) end
    checked.line = line
    set.list[#set.list + 1] = checked
  end
  local chunk, problem = load(text, "@" .. NAME, "t", { waive = waive })
  local ok, err = chunk ~= nil, problem
  if chunk then ok, err = pcall(require("orch.scope").wait_for, chunk, LIMIT) end
  if ok then return set end
  local said = errors.is(err) and err.message or tostring(err)
  local line, words = said:match "waivers%.lua:(%d+): (.*)$"
  broken(set, math.tointeger(tonumber(line)), words or said, source)
  return set
end

local function find(set, found, today)
  local late
  for _, waiver in ipairs(set.list) do
    if waiver.is_rule(found.rule) and waiver.is_path(found.path) then
      waiver.used = (waiver.used or 0) + 1
      if not waiver.expires or waiver.expires >= today then return waiver end
      late = late or waiver
    end
  end
  if late then late.back = (late.back or 0) + 1 end
end

local function shown(value)
  return type(value) == "table" and table.concat(value, ", ") or value
end

local function expired(waiver)
  local back = waiver.back or 0
  return finding("waiver.expired", "warning", waiver.line,
    ("this waiver for %s has ended on %s, and %s"):format(shown(waiver.path), waiver.expires,
      back == 0 and "nothing needs it any more" or back == 1 and "one finding is back"
        or back .. " findings are back"),
    { template = "expired " .. shown(waiver.rule) .. " " .. shown(waiver.path),
      hint = back == 0 and "remove it"
        or ("mend the files, or ask %s for another day (%s)"):format(waiver.owner, waiver.reason) })
end

local function unused(waiver)
  return finding("waiver.unused", "info", waiver.line,
    ("no finding of %s needs this waiver any more (%s)"):format(shown(waiver.rule),
      shown(waiver.path)),
    { template = "unused " .. shown(waiver.rule) .. " " .. shown(waiver.path),
      hint = "remove it" })
end

---Takes out of a result what is waived (into `result.waived`), and tells of waivers that have
---expired, are broken, or are needed no more.
---@param result orch.check.Result
---@param set orch.check.Waivers
---@param opts {complete: boolean, today: string?} `complete`: all rules have looked at all
---  files, so a waiver without a finding is needed no more
function waivers.apply(result, set, opts)
  local today, left, waived = opts.today or os.date "%Y-%m-%d", {}, {}
  for _, waiver in ipairs(set.list) do waiver.used, waiver.back = nil, nil end
  for _, found in ipairs(result.findings) do
    local waiver = not found.rule:find "^rule%." and find(set, found, today)
    if waiver then
      found.waiver = { reason = waiver.reason, owner = waiver.owner, expires = waiver.expires }
      waived[#waived + 1] = found
    else
      left[#left + 1] = found
    end
  end
  table.move(set.findings, 1, #set.findings, #left + 1, left)
  for _, waiver in ipairs(set.list) do
    local late = waiver.expires and waiver.expires < today
    if late and (waiver.used or opts.complete) then
      left[#left + 1] = expired(waiver)
    elseif not waiver.used and opts.complete then
      left[#left + 1] = unused(waiver)
    end
  end
  table.sort(left, tally.before)
  tally.set(result, left)
  result.waived = waived
end

return waivers
