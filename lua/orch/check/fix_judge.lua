--- Whether a fix has helped: what it should mend is found less often, and nothing is wrong now
--- that was not before.
---
---     local problem = judge(finding, changes, result_before, result_after)   -- nil: it has

local function paths_of(finding, changes)
  local paths = { [finding.path] = true }
  for _, change in ipairs(changes) do paths[change.path] = true end
  return paths
end

--- A rule that fails says so in its own file, and names the file it failed on.
local function is_about(finding, paths)
  if paths[finding.path] then return true end
  if finding.rule ~= "rule.broken" then return false end
  for _, one in ipairs(finding.related or {}) do
    if paths[one.path] then return true end
  end
  return false
end

--- How many there are of each kind, wherever: a renamed file takes its findings along.
local function count(result, paths)
  local counts, samples = {}, {}
  for _, finding in ipairs(result.findings) do
    if is_about(finding, paths) then
      local kind = finding.rule .. "\0" .. finding.template
      counts[kind] = (counts[kind] or 0) + 1
      if finding.severity == "error" then samples[kind] = finding end
    end
  end
  return counts, samples
end

---@param finding orch.check.Finding that was to be mended
---@param changes orch.check.Change[]
---@param before orch.check.Result
---@param after orch.check.Result
---@return string? problem nil: it has helped
return function(finding, changes, before, after)
  local paths = paths_of(finding, changes)
  local was, is, errors = count(before, paths), count(after, paths)
  local kind = finding.rule .. "\0" .. finding.template
  if (is[kind] or 0) >= (was[kind] or 0) then
    return "it did not help: the same is still found"
  end
  local worse = {}
  for other, sample in pairs(errors) do
    if is[other] > (was[other] or 0) then worse[#worse + 1] = sample end
  end
  if #worse == 0 then return nil end
  table.sort(worse, function(a, b) return a.rule < b.rule end)
  return ("after it something else was wrong: %s (%s)"):format(worse[1].message, worse[1].rule)
end
