--- The last lines of a check: what it costs in all, what could be set right, what was
--- accepted, and the counts.
---
---     3 errors, 1 warning, 2 notes in 4 of 1,204 files; 0.31 s (1,180 unchanged)

local command = require "orch.check.report.command"
local cost = require "orch.check.report.cost"
local say = require "orch.check.report.say"

local summary = {}

---Files with findings; those of rules and waivers are not among what was looked at.
---@param findings table[]
---@return integer
function summary.affected(findings)
  local seen, n = {}, 0
  for _, finding in ipairs(findings) do
    if not say.is_of_rules(finding) and not seen[finding.path] then
      seen[finding.path], n = true, n + 1
    end
  end
  return n
end

local function time_of(result)
  local words = "; " .. say.seconds(result.elapsed or 0)
  if (result.cached or 0) == 0 then return words end
  if (result.checked or 0) == 0 then return words .. " (all unchanged)" end
  return ("%s (%s unchanged)"):format(words, say.number(result.cached))
end

---@param result table
---@return string such as "3 errors in 2 of 1,204 files; 0.31 s (1,180 unchanged)"
function summary.counts(result)
  local counts = say.counts(result.counts)
  if counts ~= "" then
    return ("%s in %s of %s"):format(counts, say.number(summary.affected(result.findings)),
      say.count(result.files, "file")) .. time_of(result)
  end
  if result.files == 0 then return "no rule is about any file here: nothing was checked" end
  return "no problems in " .. say.count(result.files, "file") .. time_of(result)
end

--- The number of what was accepted before; a baseline may be a list or a count.
local function number_of(value)
  return type(value) == "table" and #value or value or 0
end

---@param result table
---@return string? such as "1 waived, 310 in the baseline"
function summary.accepted(result)
  local parts = {}
  local waived, baselined = number_of(result.waived), number_of(result.baselined)
  if waived > 0 then parts[1] = say.number(waived) .. " waived" end
  if baselined > 0 then parts[#parts + 1] = say.number(baselined) .. " in the baseline" end
  if (result.ignored or 0) > 0 then
    parts[#parts + 1] = say.count(result.ignored, "file") .. " ignored"
  end
  return parts[1] and table.concat(parts, ", ") or nil
end

local function add_fixable(sheet, result, paths, at)
  local safe, unsafe = command.of(result):fixable(result.findings)
  if safe > 0 then
    sheet:command(say.number(safe) .. " can be fixed safely:", command.check({ "--fix" }, paths, at),
      nil, 0)
  end
  if unsafe > 0 then
    sheet:command(say.number(unsafe) .. (safe > 0 and " more" or "") .. " can be fixed, which "
      .. "changes the content:", command.check({ "--fix", "--unsafe" }, paths, at), nil, 0)
  end
end

local function add_fixed(sheet, result, at)
  local n = number_of(result.fixed)
  if n == 0 then return end
  local ids, seen = {}, {}
  for _, one in ipairs(result.fixed) do
    if one.undo and not seen[one.undo] then seen[one.undo], ids[#ids + 1] = true, one.undo end
  end
  sheet:command(say.number(n) .. " fixed; to take it back:",
    command.check(#ids == 1 and { "--undo", ids[1] } or { "--undo" }, nil, at), nil, 0)
end

---@param sheet orch.Sheet
---@param result table
---@param paths? string[] as the person gave them
---@param at? string and the folder of -C
function summary.add(sheet, result, paths, at)
  add_fixed(sheet, result, at)
  add_fixable(sheet, result, paths, at)
  local counts = result.counts
  local state = counts.error > 0 and "bad" or counts.warning > 0 and "warn" or "good"
  if result.files == 0 and #result.findings == 0 then state = "warn" end
  local accepted = summary.accepted(result)
  if accepted then sheet:prose(accepted, 0, "dim") end
  local total = cost.words(cost.total(result.findings), "waste", "cost")
  if total and #result.findings > 1 then sheet:prose("together they " .. total, 0) end
  sheet:prose(summary.counts(result), 0, state)
end

return summary
