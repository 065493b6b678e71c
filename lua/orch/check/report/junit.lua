--- A check as JUnit XML: a suite for each rule, in it a case for each file that the rule has
--- something to say about.
---
---     orch.fs.write("check.xml", junit(result))
---
--- A file with errors has failed; where there are only warnings and notes the case passes and
--- has them as its output. What is waived is skipped, with the reason. A rule that found
--- nothing is one case that passes. Files that are in order have no case of their own: fifty
--- thousand of them would tell nobody anything.

local cost = require "orch.check.report.cost"
local say = require "orch.check.report.say"
local xml = require "orch.report.xml"

local function lines_of(finding)
  local lines = { ("%s: %s"):format(say.severities[finding.severity] or "error",
    say.text(finding.message)) }
  local function add(label, value)
    if value ~= nil then lines[#lines + 1] = label .. say.text(value) end
  end
  if finding.line then lines[#lines + 1] = "at " .. say.place(finding) end
  add("at ", finding.pointer)
  add("found: ", finding.found)
  add("wanted: ", finding.wanted)
  add("", cost.words(finding.cost))
  add("how: ", finding.hint)
  for _, one in ipairs(finding.related or {}) do
    if one.path then
      lines[#lines + 1] = "see: " .. say.place(one)
        .. (one.note and " (" .. say.line(one.note) .. ")" or "")
    end
  end
  return table.concat(lines, "\n")
end

---@class orch.CheckCase
---@field path string
---@field failed table[]
---@field said table[] what does not fail it
---@field waived table[]

local function case_of(suite, path)
  local case = suite.by_path[path]
  if not case then
    case = { path = path, failed = {}, said = {}, waived = {} }
    suite.by_path[path] = case
    suite.cases[#suite.cases + 1] = case
  end
  return case
end

local function suites_of(result, fails)
  local suites, by_id = {}, {}
  local function suite(id)
    if not by_id[id] then
      by_id[id] = { id = id, cases = {}, by_path = {} }
      suites[#suites + 1] = by_id[id]
    end
    return by_id[id]
  end
  for _, rule in ipairs(result.rules or {}) do suite(rule.id).title = rule.title end
  for _, finding in ipairs(result.findings) do
    local case = case_of(suite(finding.rule), finding.path)
    local list = fails[finding.severity] and case.failed or case.said
    list[#list + 1] = finding
  end
  for _, finding in ipairs(result.waived or {}) do
    local case = case_of(suite(finding.rule), finding.path)
    case.waived[#case.waived + 1] = finding
  end
  return suites
end

local function text_of(findings)
  local parts = {}
  for i, finding in ipairs(findings) do parts[i] = lines_of(finding) end
  return table.concat(parts, "\n\n")
end

local function state_of(case)
  if #case.failed > 0 then return "failed" end
  return #case.waived > 0 and #case.said == 0 and "skipped" or "passed"
end

local function reason(finding)
  local waiver = finding.waiver or {}
  return "waived" .. (waiver.reason and ": " .. say.line(waiver.reason) or "")
    .. (waiver.expires and ", until " .. say.line(waiver.expires) or "")
end

local function add_case(out, suite, case)
  local state, body = state_of(case), {}
  if state == "failed" then
    local first = case.failed[1]
    body[1] = "      <failure" .. xml.attributes { "message", say.line(first.message), "type",
      first.severity } .. ">" .. xml.text(text_of(case.failed)) .. "</failure>"
  elseif state == "skipped" then
    body[1] = "      <skipped" .. xml.attributes { "message", reason(case.waived[1]) } .. "/>"
  end
  if #case.said > 0 then
    body[#body + 1] = "      <system-out>" .. xml.text(text_of(case.said)) .. "</system-out>"
  end
  local head = "    <testcase" .. xml.attributes { "classname", say.name(suite.id), "name",
    say.name(case.path), "time", "0.000" }
  if #body == 0 then
    out[#out + 1] = head .. "/>"
    return
  end
  out[#out + 1] = head .. ">\n" .. table.concat(body, "\n") .. "\n    </testcase>"
end

local function add_suite(out, suite)
  local count = { failed = 0, skipped = 0, passed = 0 }
  for _, case in ipairs(suite.cases) do
    local state = state_of(case)
    count[state] = count[state] + 1
  end
  local tests = math.max(1, #suite.cases)
  out[#out + 1] = "  <testsuite" .. xml.attributes { "name", say.name(suite.id), "tests", tests,
    "failures", count.failed, "errors", 0, "skipped", count.skipped, "time", "0.000" } .. ">"
  if #suite.cases == 0 then
    out[#out + 1] = "    <testcase" .. xml.attributes { "classname", say.name(suite.id), "name",
      say.line(suite.title or suite.id), "time", "0.000" } .. "/>"
  end
  for _, case in ipairs(suite.cases) do add_case(out, suite, case) end
  out[#out + 1] = "  </testsuite>"
  return tests, count
end

---@param result table
---@param opts? {fail_on: "error"|"warning"|"info"|nil} what fails a case: that and what is worse;
---  by default errors
---@return string xml
return function(result, opts)
  local least = say.rank[opts and opts.fail_on or "error"] or say.rank.error
  local fails = {}
  for severity, rank in pairs(say.rank) do fails[severity] = rank >= least end
  local body, tests, failed, skipped = {}, 0, 0, 0
  for _, suite in ipairs(suites_of(result, fails)) do
    local n, count = add_suite(body, suite)
    tests, failed, skipped = tests + n, failed + count.failed, skipped + count.skipped
  end
  return table.concat({
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites" .. xml.attributes { "name", "orch check", "tests", tests, "failures", failed,
      "errors", 0, "time", ("%.3f"):format(result.elapsed or 0) } .. ">",
    table.concat(body, "\n"), "</testsuites>\n",
  }, "\n")
end
