--- A check as SARIF 2.1.0 (OASIS Standard, 27 March 2020), for code scanning on GitHub,
--- Azure DevOps and editors. What is waived is there, with its reason, as suppressed.
---
---     orch.fs.write("check.sarif", sarif(result))
---
--- Numbers in comments are sections of the standard.

local cost = require "orch.check.report.cost"
local json = require "orch.json"
local say = require "orch.check.report.say"
local valid = require("orch.pipeline.text").valid

local SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
  .. "sarif-schema-2.1.0.json"
local ROOT = "PROJECT"
local FINGERPRINT = "orchKey/v1"

local levels = { error = "error", warning = "warning", info = "note" }

local function utf8_text(value)
  value = tostring(value)
  return utf8.len(value) and value or valid(value)
end

--- A path as a relative reference (RFC 3986, 4.2): bytes that are no part of one are
--- percent-encoded, and a colon cannot be mistaken for a scheme (3.4.3).
local function uri(path)
  return (path:gsub("[^%w._~/-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function artifact(path)
  return { uri = uri(path), uriBaseId = path:sub(1, 1) ~= "/" and ROOT or nil }
end

local function absolute(path)
  local encoded = "file://" .. uri(path)
  return encoded:sub(-1) == "/" and encoded or encoded .. "/" -- 3.14.14: it ends with a slash
end

--- GitHub shows nothing that has no line (3.30.5), so a file that is no text has its first.
local function physical(place)
  local region = { startLine = math.max(1, place.line or 1),
    startColumn = place.line and place.column and math.max(1, place.column) or nil }
  if place.code and type(place.code.text) == "string" then
    region.snippet = { text = utf8_text(place.code.text) }
  end
  return { artifactLocation = artifact(place.path), region = region }
end

local function location(finding)
  local one = { physicalLocation = physical(finding) }
  if finding.pointer then -- 3.33: a place within a document
    one.logicalLocations = json.array { {
      fullyQualifiedName = utf8_text(finding.pointer), kind = "member",
    } }
  end
  return one
end

local function related(finding)
  local list = json.array {}
  for _, one in ipairs(finding.related or {}) do
    if one.path then
      list[#list + 1] = { id = #list, physicalLocation = physical(one),
        message = one.note and { text = utf8_text(one.note) } or nil }
    end
  end
  return #list > 0 and list or nil
end

--- Everything that the message does not say, for whoever sees nothing else of a result.
local function message(finding)
  local lines = { utf8_text(finding.message) }
  if finding.found ~= nil then lines[#lines + 1] = "found: " .. utf8_text(finding.found) end
  if finding.wanted ~= nil then lines[#lines + 1] = "wanted: " .. utf8_text(finding.wanted) end
  lines[#lines + 1] = cost.words(finding.cost)
  if finding.hint then lines[#lines + 1] = "how: " .. utf8_text(finding.hint) end
  -- 3.11.6: [text](target) would be a link.
  return { text = (table.concat(lines, "\n"):gsub("%[([^%[%]\n]*%]%()", "\\[%1")) }
end

--- 3.35: what somebody has accepted, in a file beside the rules.
local function suppressions(finding)
  local waiver = finding.waiver
  if not waiver then return nil end
  local words = {}
  if waiver.reason then words[1] = utf8_text(waiver.reason) end
  if waiver.owner then words[#words + 1] = "by " .. utf8_text(waiver.owner) end
  if waiver.expires then words[#words + 1] = "until " .. utf8_text(waiver.expires) end
  return json.array { { kind = "external", status = "accepted",
    justification = #words > 0 and table.concat(words, ", ") or nil } }
end

local function result_of(finding, index)
  return {
    ruleId = utf8_text(finding.rule), ruleIndex = index[finding.rule],
    level = levels[finding.severity] or "error", message = message(finding),
    locations = json.array { location(finding) }, relatedLocations = related(finding),
    partialFingerprints = finding.key and { [FINGERPRINT] = utf8_text(finding.key) } or nil,
    suppressions = suppressions(finding),
  }
end

local function help(rule)
  local lines = {}
  if rule.why then lines[1] = utf8_text(rule.why) end
  for _, name in ipairs(require("orch.arg").keys_of(rule.fixes or {})) do
    local fix = rule.fixes[name]
    lines[#lines + 1] = ("Fix: %s (%s)"):format(utf8_text(fix.label or name),
      fix.safe and "safe" or "changes the content")
  end
  if rule.owner then lines[#lines + 1] = "Ask " .. utf8_text(rule.owner) .. "." end
  if #lines == 0 then lines[1] = utf8_text(rule.title or rule.id) end
  return { text = table.concat(lines, "\n") }
end

local function rule_of(rule)
  local docs, tags = say.docs(rule), json.array {}
  for i, tag in ipairs(rule.tags or {}) do tags[i] = utf8_text(tag) end
  return {
    id = utf8_text(rule.id), shortDescription = { text = utf8_text(rule.title or rule.id) },
    fullDescription = rule.why and { text = utf8_text(rule.why) } or nil, help = help(rule),
    helpUri = docs and docs:find "^https?://[^%s<>\"]+$" and docs or nil,
    defaultConfiguration = { level = levels[rule.severity] or "error" },
    properties = { tags = #tags > 0 and tags or nil,
      owner = rule.owner and utf8_text(rule.owner) or nil,
      where = rule.where and utf8_text(rule.where) or nil },
  }
end

--- Those that ran, and those that findings name besides: broken rules, waivers.
local function rules_of(result, findings)
  local list, index = json.array {}, {}
  local function add(rule)
    if index[rule.id] then return end
    list[#list + 1] = rule_of(rule)
    index[rule.id] = #list - 1 -- 3.27.6: from 0
  end
  for _, rule in ipairs(result.rules or {}) do add(rule) end
  for _, finding in ipairs(findings) do add { id = finding.rule } end
  return list, index
end

---@param result table
---@return string json
return function(result)
  local findings, results = {}, json.array {}
  table.move(result.findings, 1, #result.findings, 1, findings)
  table.move(result.waived or {}, 1, #(result.waived or {}), #findings + 1, findings)
  local rules, index = rules_of(result, findings)
  for i, finding in ipairs(findings) do results[i] = result_of(finding, index) end
  return json.pretty({
    ["$schema"] = SCHEMA, version = "2.1.0",
    runs = json.array { {
      tool = { driver = { name = "orch", version = require("orch.core.runtime").versions().orch,
        rules = rules } },
      -- 3.20: a check that found errors has done its work.
      invocations = json.array { { executionSuccessful = true } },
      originalUriBaseIds = { [ROOT] = { uri = absolute(result.folder or "/") } },
      columnKind = "unicodeCodePoints", results = results,
    } },
  }, { indent = 1 }) .. "\n"
end
