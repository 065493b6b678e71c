--- How many findings there are of each severity: kept right where findings are taken out of
--- a result, or come to it.
---
---     tally.set(result, findings)

local tally = {}

---@param result orch.check.Result
---@param findings orch.check.Finding[]
function tally.set(result, findings)
  local counts = { error = 0, warning = 0, info = 0 }
  for _, finding in ipairs(findings) do
    counts[finding.severity] = counts[finding.severity] + 1
  end
  result.findings, result.counts = findings, counts
end

---@param a orch.check.Finding
---@param b orch.check.Finding
---@return boolean
function tally.before(a, b)
  if a.path ~= b.path then return a.path < b.path end
  if (a.line or 0) ~= (b.line or 0) then return (a.line or 0) < (b.line or 0) end
  if a.rule ~= b.rule then return a.rule < b.rule end
  return a.message < b.message
end

return tally
