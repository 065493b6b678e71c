--- Annotations of GitHub Actions: which failures and problems are worth one, and how they
--- are written.
---
---     annotation.line("error", { file = "a.cs", line = 3, title = "build" }, "no such type")
---     -- ::error file=a.cs,line=3,title=build::no such type
---
--- GitHub shows ten errors and ten warnings of a step and hides the rest without a word, so
--- the most telling come first, and what is left out is said.

local place = require "orch.place"
local show = require "orch.view.show"
local text = require "orch.view.text"

local annotation = {}

local MOST = 10

local function escape(value)
  return (tostring(value):gsub("%%", "%%25"):gsub("\r", "%%0D"):gsub("\n", "%%0A"))
end

local function escape_property(value)
  return (escape(value):gsub(":", "%%3A"):gsub(",", "%%2C"))
end

---Between these two lines nothing is a command of the runner: text of unknown origin must not
---end a group, hide things or set variables. The word cannot be guessed.
---@return string stop with its line end
---@return string go_on
function annotation.fence()
  local word = ("orch-%08x%s"):format(math.random(0, 0xffffffff),
    tostring({}):match "0x(%x+)$" or "")
  return "::stop-commands::" .. word .. "\n", "::" .. word .. "::\n"
end

local properties = { "file", "line", "col", "title" }

---@param level "error"|"warning"|"notice"
---@param fields {file: string?, line: integer?, col: integer?, title: string?}
---@param message string
---@return string line without its end
function annotation.line(level, fields, message)
  local parts = {}
  for _, name in ipairs(properties) do
    if fields[name] then parts[#parts + 1] = name .. "=" .. escape_property(fields[name]) end
  end
  local list = #parts > 0 and " " .. table.concat(parts, ",") or ""
  return "::" .. level .. list .. "::" .. escape(message)
end

--- GitHub wants paths as they are in the repository.
local function in_repository(run, file)
  local root = place.getenv "GITHUB_WORKSPACE"
  if not root then return file end
  local whole = file:sub(1, 1) == "/" and file or (run.folder or "") .. "/" .. file
  local inside = whole:sub(1, #root + 1) == root .. "/" and whole:sub(#root + 2)
  return inside and inside:gsub("^%./", "") or file
end

local function of_failure(run, job)
  local err = type(job.error) == "table" and job.error or {}
  local file, line = tostring(err.where or job.where or ""):match "^(.*):(%d+)$"
  local message = text.clean(tostring(err.message or show.failure(job.error)))
  return {
    level = "error", message = message,
    fields = {
      file = file and in_repository(run, file), line = line, title = job.name .. " failed",
    },
  }
end

local levels = { error = "error", warning = "warning", info = "notice" }

local function of_problem(run, problem)
  local title = problem.code and ("%s (%s)"):format(problem.code, problem.job) or problem.job
  return {
    level = levels[problem.severity] or "error", message = text.clean(tostring(problem.message)),
    fields = {
      file = problem.file and in_repository(run, problem.file), line = problem.line,
      col = problem.column, title = title,
    },
  }
end

--- Failed jobs, the root cause first; then problems of failed jobs; then those with a place
--- in a file; then the others, each group in the order of time.
local function ranked(run)
  local groups = { {}, {}, {}, {} }
  for _, job in ipairs(run.failures) do table.insert(groups[1], of_failure(run, job)) end
  for _, problem in ipairs(run.problems) do
    local job = run.jobs[problem.job]
    local group = job and job.state == "failed" and 2 or problem.file and 3 or 4
    table.insert(groups[group], of_problem(run, problem))
  end
  local list = {}
  for _, group in ipairs(groups) do table.move(group, 1, #group, #list + 1, list) end
  return list
end

local function left_out_text(left_out)
  local parts = {}
  for _, level in ipairs { "error", "warning", "notice" } do
    if left_out[level] then parts[#parts + 1] = show.count(left_out[level], "more " .. level) end
  end
  return #parts > 0 and ("%s without an annotation: GitHub shows %d of each kind"):format(
    table.concat(parts, ", "), MOST) or nil
end

---@param run orch.RunModel
---@return string[] lines at most ten of each kind, the most telling first
---@return string? left_out how many there are besides
function annotation.of(run)
  local lines, count, left_out, seen = {}, {}, {}, {}
  for _, item in ipairs(ranked(run)) do
    local line = annotation.line(item.level, item.fields, item.message)
    local n = count[item.level] or 0
    if seen[line] then
      -- The same once more, of another attempt perhaps.
    elseif n < MOST then
      lines[#lines + 1], count[item.level] = line, n + 1
    else
      left_out[item.level] = (left_out[item.level] or 0) + 1
    end
    seen[line] = true
  end
  return lines, left_out_text(left_out)
end

return annotation
