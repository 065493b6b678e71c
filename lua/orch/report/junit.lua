--- A run as JUnit XML, for Jenkins, GitLab, TeamCity and whatever else reads it: a test
--- suite for the run, a test case for every job.
---
---     fs.write("jobs.xml", junit(model.load(run.events), { folder = run.folder }))
---
--- Only what Jenkins's schema (junit-10.xsd) knows is used. A job that succeeded after a
--- failed attempt passes, with its failures as `flakyFailure`.

local log_tail = require "orch.report.log_tail"
local text = require "orch.report.text"
local xml = require "orch.report.xml"

local LOG_LINES = 50

local function seconds(value)
  return ("%.3f"):format(math.max(0, value or 0))
end

-- Readers group cases by it: the script, then what stands before the colon.
local function class_of(run, job)
  local script = text.line(run.script or "orch"):gsub("%.lua$", ""):gsub("[/.]+", ".")
  local group = text.line(job.name):match "^([^:]+):."
  return group and script .. "." .. group:gsub("[/.]+", "_") or script
end

local function error_parts(err)
  err = type(err) == "table" and err or { message = err }
  local lines = { text.error(err) }
  if err.command then lines[#lines + 1] = "command: " .. text.plain(err.command) end
  if err.where then lines[#lines + 1] = "at " .. text.plain(err.where) end
  if type(err.traceback) == "string" then lines[#lines + 1] = text.plain(err.traceback) end
  return lines[1], table.concat(lines, "\n"), text.line(err.kind or "error")
end

local function failure(element, err, extra)
  local message, body, kind = error_parts(err)
  if extra then body = body .. "\n" .. extra end
  if element == "flakyFailure" then -- whose text is a stack trace
    body = "<stackTrace>" .. xml.text(body) .. "</stackTrace>"
  else
    body = xml.text(body)
  end
  return ("      <%s%s>%s</%s>"):format(element, xml.attributes {
    "message", message, "type", kind }, body, element)
end

local function problems(job)
  local lines = {}
  for _, one in ipairs(job.problems) do
    local place = one.file and text.line(one.file)
    if place and one.line then place = place .. ":" .. text.line(one.line) end
    lines[#lines + 1] = ("%s%s: %s"):format(place and place .. ": " or "",
      text.line(one.severity or "problem"), text.line(one.message or ""))
  end
  return lines[1] and table.concat(lines, "\n") or nil
end

local function add_outcome(out, run, job)
  if job.state == "failed" then
    out[#out + 1] = failure("failure", job.error, problems(job))
  elseif job.state ~= "ok" then
    local why = job.because and "because " .. job.because or job.reason
    if job.state == "pending" or job.state == "queued" or job.state == "running"
      or job.state == "retrying"
    then
      why = "the run " .. (run.status == "running" and "is still going on" or "ended before")
    end
    out[#out + 1] = "      <skipped" .. xml.attributes {
      "message", text.line(job.state) .. (why and ": " .. text.line(why) or "") } .. "/>"
  end
  if job.state ~= "ok" then return end
  for _, attempt in ipairs(job.attempts) do
    if attempt.status == "failed" then
      out[#out + 1] = failure("flakyFailure", attempt.error)
    end
  end
end

local function add_case(out, run, job, folder)
  local from = #out + 1
  out[from] = "    <testcase" .. xml.attributes {
    "classname", class_of(run, job), "name", text.line(job.name),
    -- A job that was skipped took no time of this run.
    "time", seconds(job.state ~= "skipped" and job.elapsed or 0) }
  add_outcome(out, run, job)
  local lines, path = {}, nil
  if job.state == "failed" then lines, path = log_tail(folder, job, LOG_LINES) end
  if lines[1] then
    table.insert(lines, 1, ("the last lines of %s:"):format(path))
    out[#out + 1] = "      <system-out>" .. xml.text(table.concat(lines, "\n"))
      .. "</system-out>"
  end
  if #out == from then
    out[from] = out[from] .. "/>"
  else
    out[from] = out[from] .. ">"
    out[#out + 1] = "    </testcase>"
  end
end

local run_properties = {
  "id", "status", "orch", "script", "folder", "user", "slots", "exit_code", "signal", "seed",
}

local function add_properties(out, run)
  local function add(name, value)
    if value == nil then return end
    out[#out + 1] = "      <property" .. xml.attributes { "name", name, "value", value } .. "/>"
  end
  out[#out + 1] = "    <properties>"
  for _, name in ipairs(run_properties) do add(name, run[name]) end
  for i, word in ipairs(run.args or {}) do add(("argument.%d"):format(i), word) end
  local names = {}
  for name in pairs(run.params or {}) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do add("param." .. name, run.params[name]) end
  out[#out + 1] = "    </properties>"
end

local function counts(run)
  local failed, skipped = 0, 0
  for _, job in ipairs(run.order) do
    if job.state == "failed" then
      failed = failed + 1
    elseif job.state ~= "ok" then
      skipped = skipped + 1
    end
  end
  return failed, skipped
end

---@param run orch.RunModel
---@param opts {folder: string?}? the run's folder, for the logs
---@return string xml
return function(run, opts)
  local folder = opts and opts.folder
  local failed, skipped = counts(run)
  -- A run may fail although no job did: it was interrupted, or crashed.
  local broken = failed == 0 and run.status ~= "ok" and run.status ~= "running"
  local tests, errors = #run.order + (broken and 1 or 0), broken and 1 or 0
  local name = text.line(run.script or "orch")
  local out = { '<?xml version="1.0" encoding="UTF-8"?>' }
  out[2] = "<testsuites" .. xml.attributes { "name", name, "time", seconds(run.elapsed),
    "tests", tests, "failures", failed, "errors", errors } .. ">"
  out[3] = "  <testsuite" .. xml.attributes { "name", name, "tests", tests, "failures", failed,
    "errors", errors, "skipped", skipped, "time", seconds(run.elapsed),
    "timestamp", run.started and os.date("!%Y-%m-%dT%H:%M:%S", math.floor(run.started)),
    "hostname", run.host, "id", run.id } .. ">"
  add_properties(out, run)
  for _, job in ipairs(run.order) do add_case(out, run, job, folder) end
  if broken then
    out[#out + 1] = "    <testcase" .. xml.attributes { "classname", "orch", "name", "the run" }
      .. "><error" .. xml.attributes { "message", "the run " .. text.status(run.status),
        "type", run.status } .. "/></testcase>"
  end
  out[#out + 1] = "  </testsuite>\n</testsuites>\n"
  return table.concat(out, "\n")
end
