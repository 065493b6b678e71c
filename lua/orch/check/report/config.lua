--- The configuration of a rule, folder by folder, as a person would write it.
---
---     config.rows { { "Assets/UI/**", max = 1024 }, { "**", max = 2048 } }
---     --> { { "Assets/UI/**", "max = 1024" }, { "**", "max = 2048" } }

local say = require "orch.check.report.say"

local config = {}

local LONGEST, DEEPEST = 200, 3

local function value_text(value, level)
  if type(value) == "string" then return '"' .. say.line(value) .. '"' end
  if type(value) ~= "table" then return say.line(value) end
  if level > DEEPEST then return "{ ... }" end
  local parts = {}
  for _, item in ipairs(value) do parts[#parts + 1] = value_text(item, level + 1) end
  local names = {}
  for name in pairs(value) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    parts[#parts + 1] = say.name(name) .. " = " .. value_text(value[name], level + 1)
  end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

--- The named values of a table, without the glob in front.
local function values_text(entry)
  local names, parts = {}, {}
  for name in pairs(entry) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = say.name(name) .. " = " .. value_text(entry[name], 1)
  end
  local text = table.concat(parts, ", ")
  return #text > LONGEST and require("orch.view.text").cut(text, LONGEST) or text
end

---@param of table? the rule's
---@return {[1]: string, [2]: string}[] rows glob and values, in the order in which they are
---  tried; one with the glob "" for a plain table; none for no configuration
function config.rows(of)
  local rows = {}
  for _, entry in ipairs(of or {}) do
    if type(entry) == "table" then
      rows[#rows + 1] = { say.name(entry[1] or ""), values_text(entry) }
    end
  end
  if #rows > 0 or not of or next(of) == nil then return rows end
  return { { "", values_text(of) } }
end

---@param rule table
---@return string files globs, the excluded ones last as they are
function config.files(rule)
  local files = rule.files
  if type(files) == "string" then files = { files } end
  local out = {}
  for i, glob in ipairs(files or {}) do out[i] = say.name(glob) end
  return #out > 0 and table.concat(out, "  ") or "all files"
end

---@param rule table
---@return {name: string, label: string, safe: boolean}[]
function config.fixes(rule)
  local out = {}
  for _, name in ipairs(require("orch.arg").keys_of(rule.fixes or {})) do
    local fix = rule.fixes[name]
    out[#out + 1] = { name = say.name(name), label = say.line(fix.label or name),
      safe = fix.safe == true }
  end
  return out
end

return config
