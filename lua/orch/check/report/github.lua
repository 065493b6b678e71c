--- A check as annotations of GitHub Actions: alike findings are one, the worst come first.
---
---     ::error file=Assets/a.png,title=texture.size::4096 x 4096 is bigger than ...
---
--- GitHub shows ten of a level for each step; what is beyond is counted in a last line.

local annotation = require "orch.view.annotation"
local cost = require "orch.check.report.cost"
local grouping = require "orch.check.group"
local place = require "orch.place"
local say = require "orch.check.report.say"

local MOST = 10 -- of each level, by GitHub
local NAMED = 20 -- files of a group

local levels = { error = "error", warning = "warning", info = "notice" }

--- GitHub wants paths as they are in the repository.
local function in_repository(folder, path)
  local root = place.getenv "GITHUB_WORKSPACE"
  if not root or path:sub(1, 1) == "/" then return path end
  local whole = (folder or "") .. "/" .. path
  root = root:gsub("/*$", "/")
  return whole:sub(1, #root) == root and whole:sub(#root + 1) or path
end

local function details(finding)
  local lines = {}
  if finding.found ~= nil then lines[1] = "found: " .. say.line(finding.found) end
  if finding.wanted ~= nil then lines[#lines + 1] = "wanted: " .. say.line(finding.wanted) end
  if finding.hint then lines[#lines + 1] = "how: " .. say.line(finding.hint) end
  return lines
end

local function message_of(group)
  local first = group.findings[1]
  local lines, n = { say.text(first.message) }, #group.findings
  if n > 1 then lines[1] = ("%s: %s"):format(say.count(n, "file"), lines[1]) end
  table.move(details(first), 1, 3, #lines + 1, lines)
  lines[#lines + 1] = cost.words(group.cost, n > 1 and "waste" or nil, n > 1 and "cost" or nil)
  for i = 2, math.min(n, NAMED) do lines[#lines + 1] = say.place(group.findings[i]) end
  if n > NAMED then lines[#lines + 1] = ("and %s more"):format(say.number(n - NAMED)) end
  return table.concat(lines, "\n")
end

local function line_of(result, group)
  local first = group.findings[1]
  return annotation.line(levels[group.severity] or "error", {
    file = in_repository(result.folder, first.path), line = first.line,
    col = first.line and first.column, title = say.name(group.rule),
  }, message_of(group))
end

local function left_out_text(left)
  if say.counts(left) == "" then return nil end
  return ("%s without an annotation: GitHub shows %d of each kind"):format(say.counts(left), MOST)
end

---@param result table
---@return string text "" where nothing was found
return function(result)
  local groups, lines = grouping.of(result.findings), {}
  local count, left = {}, { error = 0, warning = 0, info = 0 }
  for i = #groups, 1, -1 do
    local group = groups[i]
    local n = count[group.severity] or 0
    if n < MOST then
      lines[#lines + 1], count[group.severity] = line_of(result, group), n + 1
    else
      left[group.severity] = left[group.severity] + #group.findings
    end
  end
  lines[#lines + 1] = left_out_text(left)
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
end
