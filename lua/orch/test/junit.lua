-- Writes the outcome of a test run as JUnit XML, as CI systems read it.
--
--   junit.write("report.xml", files)
--
-- XML 1.0 has no place for most control characters and for broken UTF-8: they
-- are written as \x1b, never left out.

local junit = {}

local entities = {
  ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["\n"] = "&#10;", ["\t"] = "&#9;", ["\r"] = "&#13;",
}

local function hex(c)
  return (c:gsub(".", function(b)
    return string.format("\\x%02x", b:byte())
  end))
end

-- Bytes that are no UTF-8, or characters that XML forbids, as \xNN.
local function legal(text)
  local out, at = {}, 1
  while at <= #text do
    local _, bad = utf8.len(text, at)
    local stop = bad and bad - 1 or #text
    local good = text:sub(at, stop)
    good = good:gsub("[\0-\8\11\12\14-\31]", hex)
    good = good:gsub("\239\191[\190\191]", hex) -- U+FFFE, U+FFFF
    out[#out + 1] = good
    if bad then out[#out + 1] = hex(text:sub(bad, bad)) end
    at = stop + (bad and 2 or 1)
  end
  return table.concat(out)
end

---Text as it may stand in an attribute or an element.
---@param text string
---@return string
function junit.escape(text)
  return (legal(text):gsub('[&<>"\n\t\r]', entities))
end

-- Elements keep their line ends as they are.
local function body(text)
  return (legal(text):gsub('[&<>\r]', entities))
end

local function attributes(list)
  local out = {}
  for i = 1, #list, 2 do
    local value = list[i + 1]
    if value ~= nil then
      out[#out + 1] = string.format(' %s="%s"', list[i],
        junit.escape(tostring(value)))
    end
  end
  return table.concat(out)
end

local function seconds(n)
  return string.format("%.3f", n)
end

local function add_case(out, file, case)
  local open = "    <testcase" .. attributes {
    "classname", file.path:gsub("%.lua$", ""):gsub("[/.]+", "."),
    "name", case.name,
    "file", file.path,
    "line", case.line,
    "time", seconds(case.seconds or 0),
  }
  if case.status == "passed" then
    out[#out + 1] = open .. "/>"
    return
  end
  out[#out + 1] = open .. ">"
  if case.status == "skipped" then
    out[#out + 1] = "      <skipped"
      .. attributes { "message", case.reason } .. "/>"
  else
    out[#out + 1] = "      <failure"
      .. attributes { "type", case.kind, "message", case.message } .. ">"
      .. body(table.concat(case.report or {}, "\n")) .. "</failure>"
  end
  out[#out + 1] = "    </testcase>"
end

---The document. A file is {path, seconds, passed, failed, skipped, cases}, a
---case {name, line, status, seconds, reason?, kind?, message?, report?}.
---@param files table[]
---@return string xml
function junit.text(files)
  local total = { passed = 0, failed = 0, skipped = 0, seconds = 0 }
  local out = { "", "" }
  for _, file in ipairs(files) do
    for key in pairs(total) do total[key] = total[key] + file[key] end
    out[#out + 1] = "  <testsuite" .. attributes {
      "name", file.path,
      "tests", file.passed + file.failed + file.skipped,
      "failures", file.failed, "errors", 0, "skipped", file.skipped,
      "time", seconds(file.seconds),
    } .. ">"
    for _, case in ipairs(file.cases) do add_case(out, file, case) end
    out[#out + 1] = "  </testsuite>"
  end
  out[1] = '<?xml version="1.0" encoding="UTF-8"?>'
  out[2] = "<testsuites" .. attributes {
    "tests", total.passed + total.failed + total.skipped,
    "failures", total.failed, "errors", 0, "skipped", total.skipped,
    "time", seconds(total.seconds),
  } .. ">"
  out[#out + 1] = "</testsuites>\n"
  return table.concat(out, "\n")
end

---Writes the document. Raises kind `os` when it cannot.
---@async
---@param path string
---@param files table[] as for `text`
function junit.write(path, files)
  local secrets, text = package.loaded["orch.secrets"], junit.text(files)
  require("orch.fs").write(path, secrets and secrets.redact(text) or text)
end

return junit
