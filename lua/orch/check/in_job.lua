--- Findings of a check as problems of the job that runs it.
---
---     in_job(ctx, result.findings)

local MOST = 1000 -- a job's problems; of more nobody reads one

local words = { error = 3, warning = 2, info = 1 }

local function text_of(finding)
  local text = finding.message
  if finding.found and finding.wanted then
    text = ("%s (found: %s, wanted: %s)"):format(text, finding.found, finding.wanted)
  elseif finding.wanted then
    text = ("%s (wanted: %s)"):format(text, finding.wanted)
  end
  return text
end

---@param ctx table of orch.pipeline.current
---@param findings orch.check.Finding[]
return function(ctx, findings)
  local job = require("orch.pipeline.handle").new(ctx)
  local valid = require("orch.pipeline.text").valid
  local list = table.move(findings, 1, #findings, 1, {})
  local order = {}
  for i, finding in ipairs(list) do order[finding] = i end
  table.sort(list, function(a, b)
    if a.severity ~= b.severity then return words[a.severity] > words[b.severity] end
    return order[a] < order[b]
  end)
  for i = 1, math.min(#list, MOST) do
    local finding = list[i]
    job:problem { severity = finding.severity, file = valid(finding.path), line = finding.line,
      column = finding.column, code = finding.rule, message = valid(text_of(finding)) }
  end
  if #list > MOST then
    job:message(("%d findings of the check, of which the worst %d are its problems"):format(
      #list, MOST))
  end
end
