--- Findings that were there before somebody began to look: they are counted, and do not
--- fail a check; new ones do. A file to be committed.
---
---     local known = baseline.load(baseline.path(folder))
---     baseline.apply(result, known, view)
---
--- `checks/baseline.jsonl` has a line with its version, then one line for each kind of
--- finding in a file, sorted: two branches that change it can be merged line by line.

local errors = require "orch.core.error"
local json = require "orch.json"
local tally = require "orch.check.tally"
local valid = require("orch.pipeline.text").valid

local VERSION = 1

local baseline = {}

---@class orch.check.Baseline
---@field path string
---@field entries table<string, {key: string, path: string, rule: string, count: integer}>
---  by `key`

---What of the project a check looks at: of the rest nothing is known.
---@class orch.check.Scope
---@field path fun(path: string): boolean
---@field rule fun(id: string): boolean

---@param folder string the project's
---@return string
function baseline.path(folder)
  return folder .. "/checks/baseline.jsonl"
end

local REMAKE = "make it anew: orch check --update-baseline"

local function fail(path, line, text, ...)
  errors.throw(errors.make { kind = "baseline", path = path, line = line,
    message = ("%s:%d: %s"):format(require("orch.pipeline.project").shown(path), line,
      text:format(...)) })
end

local function decode(path, number, line)
  if line:find "^[<=>|][<=>|][<=>|]" then
    fail(path, number, "a merge has left its marks here; keep the lines of both sides, or %s",
      REMAKE)
  end
  local ok, value = pcall(json.decode, line)
  if ok and type(value) == "table" then return value end
  fail(path, number, "this is no line of a baseline; %s", REMAKE)
end

local function check_version(path, head)
  local version = head.orch_baseline
  if version == VERSION then return end
  if math.type(version) ~= "integer" then
    fail(path, 1, "this is no baseline of orch; %s", REMAKE)
  elseif version < VERSION then
    fail(path, 1, "it is of version %d, and this orch reads version %d; %s", version, VERSION,
      REMAKE)
  end
  errors.throw(errors.make { kind = "baseline", path = path, line = 1, newer = true,
    message = ("%s is of version %d, and this orch reads version %d; use the orch that wrote it, "
      .. "or --no-baseline"):format(require("orch.pipeline.project").shown(path), version,
      VERSION) })
end

local function check_entry(path, number, entry)
  local good = type(entry.key) == "string" and type(entry.path) == "string"
    and type(entry.rule) == "string" and math.type(entry.count) == "integer" and entry.count > 0
  if not good then
    fail(path, number, "a line needs path, rule, key and count; %s", REMAKE)
  end
end

---@async
---@param path string
---@return orch.check.Baseline? known nil where there is no such file; raises kind `baseline`
---  when it cannot be understood
function baseline.load(path)
  local fs = require "orch.fs"
  if not fs.exists(path) then return nil end
  local entries, number = {}, 0
  for line in fs.lines(path) do
    number = number + 1
    if line ~= "" then
      local value = decode(path, number, line)
      if number == 1 then
        check_version(path, value)
      else
        check_entry(path, number, value)
        local known = entries[value.key] -- by a merge
        if known then value.count = math.max(value.count, known.count) end
        entries[value.key] = value
      end
    end
  end
  if number == 0 then check_version(path, {}) end
  return { path = path, entries = entries }
end

local function may_be_known(finding)
  return finding.key ~= nil and not finding.rule:find "^rule%."
    and not finding.rule:find "^waiver%."
end

--- How many there are of each key.
local function count(findings)
  local counts = {}
  for _, finding in ipairs(findings) do
    if may_be_known(finding) then counts[finding.key] = (counts[finding.key] or 0) + 1 end
  end
  return counts
end

--- Entries of what was looked at of which there is less now.
local function stale(known, counts, scope)
  local n = 0
  for key, entry in pairs(known.entries) do
    if (counts[key] or 0) < entry.count and scope.path(entry.path) and scope.rule(entry.rule) then
      n = n + 1
    end
  end
  return n
end

---Takes the findings that are known out of a result.
---@param result orch.check.Result gets `baselined`, and `baseline_stale`: how many entries say
---  what is not so any more
---@param known orch.check.Baseline
---@param scope orch.check.Scope
function baseline.apply(result, known, scope)
  local counts, left, fresh = count(result.findings), {}, {}
  for key, entry in pairs(known.entries) do left[key] = entry.count end
  for _, finding in ipairs(result.findings) do
    local key = may_be_known(finding) and finding.key
    if key and (left[key] or 0) > 0 then
      left[key] = left[key] - 1
    else
      fresh[#fresh + 1] = finding
    end
  end
  result.baselined = (result.baselined or 0) + #result.findings - #fresh
  result.baseline_stale = stale(known, counts, scope)
  tally.set(result, fresh)
end

local function line_of(entry)
  return ('{"path":%s,"rule":%s,"key":%s,"count":%d}\n'):format(json.encode(entry.path),
    json.encode(entry.rule), json.encode(entry.key), entry.count)
end

local function in_order(a, b)
  if a.path ~= b.path then return a.path < b.path end
  if a.rule ~= b.rule then return a.rule < b.rule end
  return a.key < b.key
end

local function entries_of(findings)
  local entries = {}
  for _, finding in ipairs(findings) do
    if may_be_known(finding) then
      local entry = entries[finding.key]
      if not entry then
        entry = { key = finding.key, path = valid(finding.path), rule = finding.rule, count = 0 }
        entries[finding.key] = entry
      end
      entry.count = entry.count + 1
    end
  end
  return entries
end

local function differences(before, after)
  local added, removed = 0, 0
  for key, entry in pairs(after) do
    added = added + math.max(0, entry.count - (before[key] and before[key].count or 0))
  end
  for key, entry in pairs(before) do
    removed = removed + math.max(0, entry.count - (after[key] and after[key].count or 0))
  end
  return added, removed
end

---Writes the findings as the known ones. What was not looked at stays as it was.
---@async
---@param path string
---@param findings orch.check.Finding[] all there are, known or not
---@param scope orch.check.Scope
---@param known orch.check.Baseline? as it was
---@return {added: integer, removed: integer, total: integer} change in findings
function baseline.update(path, findings, scope, known)
  local before, after = known and known.entries or {}, entries_of(findings)
  for key, entry in pairs(before) do
    if not (scope.path(entry.path) and scope.rule(entry.rule)) then after[key] = entry end
  end
  local list, total = {}, 0
  for _, entry in pairs(after) do
    list[#list + 1] = entry
    total = total + entry.count
  end
  table.sort(list, in_order)
  local lines = { ('{"orch_baseline":%d}\n'):format(VERSION) }
  for i, entry in ipairs(list) do lines[i + 1] = line_of(entry) end
  local fs = require "orch.fs"
  fs.mkdir(fs.path.dirname(path))
  fs.write(path, table.concat(lines))
  local added, removed = differences(before, after)
  return { added = added, removed = removed, total = total }
end

return baseline
