--- Findings that say the same thing of many files, put together, and the worst last, where
--- the reader of a terminal looks first.
---
---     for _, group in ipairs(grouping.of(result.findings)) do
---       -- group.findings, group.folder, group.rule, group.severity
---     end

local cost = require "orch.check.report.cost"
local say = require "orch.check.report.say"

local grouping = {}

--- Fewer than so many are told one by one.
local ALIKE = 4

---@class orch.CheckGroup
---@field findings table[] the most costly first, then by path
---@field rule string
---@field severity "error"|"warning"|"info"
---@field folder string the innermost that has them all; "" for none
---@field folders {folder: string, count: integer}[] where they are, the fullest first
---@field cost table<string, number> of all

local function folder_of(path)
  return path:match "^(.*)/[^/]*$" or ""
end

---The innermost folder that both are in, or are.
local function common(a, b)
  while a ~= "" and a ~= b and b:sub(1, #a + 1) ~= a .. "/" do a = folder_of(a) end
  return a
end

local function by_cost(a, b)
  local more = cost.more(a.cost, b.cost)
  if more ~= nil then return more end
  if a.path ~= b.path then return a.path < b.path end
  return (a.line or 0) < (b.line or 0)
end

local function folders_of(findings)
  local count, list = {}, {}
  for _, finding in ipairs(findings) do
    local folder = folder_of(finding.path)
    if not count[folder] then list[#list + 1] = { folder = folder, count = 0 } end
    count[folder] = (count[folder] or 0) + 1
  end
  for _, one in ipairs(list) do one.count = count[one.folder] end
  table.sort(list, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.folder < b.folder
  end)
  return list
end

local function make(findings)
  local first = findings[1]
  local group = {
    findings = findings, rule = first.rule, severity = first.severity,
    folder = folder_of(first.path), cost = cost.total(findings), folders = folders_of(findings),
  }
  for _, one in ipairs(group.folders) do group.folder = common(group.folder, one.folder) end
  table.sort(findings, by_cost)
  return group
end

--- Broken rules come after everything: they hide what they would have found.
local function weight(finding)
  local hides = finding.severity == "error" and say.is_of_rules(finding)
  return (say.rank[finding.severity] or 3) + (hides and 1 or 0)
end

local function sort_key(group)
  return weight(group.findings[1]), group.findings[1].path, group.rule
end

local function worse_last(a, b)
  local x, path_x, rule_x = sort_key(a)
  local y, path_y, rule_y = sort_key(b)
  if x ~= y then return x < y end
  if path_x ~= path_y then return path_x < path_y end
  if rule_x ~= rule_y then return rule_x < rule_y end
  return (a.findings[1].line or 0) < (b.findings[1].line or 0)
end

--- What says the same: one rule, one severity, one format. Places in rules are different
--- problems each.
local function bucket_of(finding)
  if say.is_of_rules(finding) then return nil end
  return table.concat({ finding.rule, finding.severity, finding.template or finding.message }, "\0")
end

local function buckets_of(findings)
  local buckets, order = {}, {}
  for _, finding in ipairs(findings) do
    local name = bucket_of(finding)
    local bucket = name and buckets[name]
    if not bucket then
      bucket = {}
      order[#order + 1] = bucket
      if name then buckets[name] = bucket end
    end
    bucket[#bucket + 1] = finding
  end
  return order
end

---@param findings table[]
---@param opts? {all: boolean?} `all`: each on its own
---@return orch.CheckGroup[] groups of one finding or of at least four, the worst last
function grouping.of(findings, opts)
  local groups, all = {}, opts and opts.all
  for _, bucket in ipairs(buckets_of(findings)) do
    if #bucket >= ALIKE and not all then
      groups[#groups + 1] = make(bucket)
    else
      for _, finding in ipairs(bucket) do groups[#groups + 1] = make { finding } end
    end
  end
  table.sort(groups, worse_last)
  return groups
end

---The last of them, which are the worst, and what of the others is left out.
---@param groups orch.CheckGroup[]
---@param most integer
---@return orch.CheckGroup[] shown
---@return table<string, integer> hidden findings by severity
---@return integer count of hidden findings
function grouping.cap(groups, most)
  local hidden, count, first = { error = 0, warning = 0, info = 0 }, 0, #groups - most + 1
  if first <= 1 then return groups, hidden, 0 end
  for i = 1, first - 1 do
    local group = groups[i]
    hidden[group.severity] = hidden[group.severity] + #group.findings
    count = count + #group.findings
  end
  return table.move(groups, first, #groups, 1, {}), hidden, count
end

return grouping
