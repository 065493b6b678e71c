--- A file as a rule sees it, and what the rule says about it.
---
---     file:error { "%d px wide", img.width, wanted = "at most 2048 px", fix = "resize" }

local arg = require "orch.arg"
local code = require "orch.core.code"
local hex = require "orch.hex"

local concat, sort = table.concat, table.sort
local find, match = string.find, string.match

---@class orch.check.Finding
---@field rule string id
---@field severity orch.check.Severity
---@field path string relative to the project's folder
---@field line integer?
---@field column integer?
---@field pointer string? a place inside: "/materials/0"
---@field message string
---@field template string the message without its values: findings with the same one are alike
---@field found string?
---@field wanted string?
---@field cost table<string, number>? vram, disk, download: bytes; triangles, draw_calls, ms
---@field hint string? how a person mends it
---@field fix string? name of a fix of the rule
---@field related {path: string, line: integer?, note: string?}[]?
---@field pictures table[]? what orch.image.render draws
---@field key string 16 hexadecimal digits: rule, path, template, pointer and related; the same in every run
---@field code {text: string, column: integer, width: integer}? the line of a broken rule

---@class orch.check.File
---@field path string relative to the project's folder
---@field name string "T_Crate_D.png"
---@field stem string "T_Crate_D"
---@field extension string "png", in lower case; "" where there is none
---@field folder string "Assets/Props"; "." at the top
---@field size integer bytes
---@field mtime number seconds since 1970
local methods = {}

--- Fields that are worked out when they are asked for.
local lazy = {
  name = function(file) return match(file.path, "[^/]*$") end,
  stem = function(file) return match(file.name, "^(.+)%.[^.]*$") or file.name end,
  extension = function(file) return (match(file.name, "^.+%.([^.]*)$") or ""):lower() end,
  folder = function(file) return match(file.path, "^(.*)/[^/]*$") or "." end,
}

local names = { "path", "name", "stem", "extension", "folder", "size", "mtime", "error",
  "warning", "info", "problem" }

local File = { __name = "orch.check.file" }

function File.__index(file, field)
  local method = methods[field]
  if method then return method end
  local of = lazy[field]
  if of then
    local value = of(file)
    rawset(file, field, value)
    return value
  end
  if type(field) ~= "string" or find(field, "^_") then return nil end
  local kind = require("orch.asset.kind").with(field)
  if kind then
    arg.fail("a file has no '%s'; what its header says is in orch.%s.info(file.path).%s", field,
      kind, field)
  end
  local near = arg.suggest(field, names)
  arg.fail("a file has no '%s'%s", field, near and ("; did you mean '%s'?"):format(near)
    or "; it has " .. concat(names, ", "))
end

local options = {
  found = "string|number|boolean", wanted = "string|number|boolean", cost = "table",
  hint = "string", fix = "string", related = "table", picture = "table", line = "integer",
  column = "integer", pointer = "string",
}

local function is_file(value)
  return type(value) == "table" and getmetatable(value) == File
end

local function related_of(name, value)
  if is_file(value) or value.path then value = { value } end
  local list = {}
  for i, one in ipairs(value) do
    if type(one) == "string" then one = { path = one } end
    if type(one) ~= "table" or type(one.path) ~= "string" then
      arg.fail("%s: option `related` should be files, paths or tables with a `path`, and has %s",
        name, arg.describe(one))
    end
    list[i] = is_file(one) and { path = one.path }
      or { path = one.path, line = one.line, note = one.note }
  end
  return list
end

local function cost_of(name, cost)
  for key, value in pairs(cost) do
    if type(key) ~= "string" or type(value) ~= "number" then
      arg.fail("%s: option `cost` should have numbers by name, such as { vram = 1048576 }", name)
    elseif value ~= value or math.abs(value) == math.huge then
      arg.fail("%s: option `cost`, `%s`: %s is no number that can be added up", name, key, value)
    end
  end
  return cost
end

local function message_of(name, given)
  local template = given[1]
  if type(template) ~= "string" then
    arg.fail('%s: the first thing should be the message, such as file:error { "%%d px wide", '
      .. "img.width }", name)
  end
  if #given == 1 then return template, template end
  local ok, text = pcall(string.format, template, table.unpack(given, 2, #given))
  if not ok then
    arg.fail("%s: the values do not fit the message '%s': %s", name, template,
      (tostring(text):gsub("^.*bad argument #(%d+) to '[^']*'", function(n)
        return "value " .. math.tointeger(n) - 1
      end)))
  end
  return text, template
end

---The name by which a finding is known from run to run.
---@param finding orch.check.Finding
---@return string key
local function key_of(finding)
  local parts = { finding.rule, finding.path, finding.template, finding.pointer or "" }
  local related = {}
  for _, one in ipairs(finding.related or {}) do related[#related + 1] = one.path end
  sort(related)
  return hex(code.hash(concat(parts, "\0") .. "\0" .. concat(related, "\0")):sub(1, 8))
end


local function split(given)
  local extra
  for key, value in next, given do
    if type(key) == "string" then
      extra = extra or {}
      extra[key] = value
    end
  end
  return extra
end

local function add_options(finding, name, rule, given)
  local extra = split(given)
  if not extra then return end
  extra = arg.options(name, extra, options)
  if extra.fix and not rule.fixes[extra.fix] then
    local near = arg.suggest(extra.fix, arg.keys_of(rule.fixes))
    arg.fail("%s: the rule '%s' has no fix '%s'%s", name, rule.id, extra.fix,
      near and ("; did you mean '%s'?"):format(near) or "")
  end
  finding.found = extra.found ~= nil and tostring(extra.found) or nil
  finding.wanted = extra.wanted ~= nil and tostring(extra.wanted) or nil
  finding.cost = extra.cost and cost_of(name, extra.cost)
  finding.hint, finding.fix, finding.pointer = extra.hint, extra.fix, extra.pointer
  finding.line, finding.column = extra.line, extra.column
  finding.related = extra.related and related_of(name, extra.related)
  local picture = extra.picture
  finding.pictures = picture and (picture.picture and { picture } or picture)
end

--- `file._run` is what runs now: the rule, and where its findings go.
local function add(file, severity, given, name, ...)
  local run = file._run
  if not run then arg.fail("%s: no rule runs for '%s' any more", name, file.path) end
  if select("#", ...) > 0 then
    arg.fail('%s takes one table, such as file:error { "%%d px wide", img.width }', name)
  end
  if type(given) == "string" then given = { given } end
  if type(given) ~= "table" then
    arg.fail('%s should be given a table, such as file:error { "too large" }', name)
  end
  local message, template = message_of(name, given)
  local finding = { rule = run.rule.id, severity = severity or run.rule.severity,
    path = file.path, message = message, template = template }
  add_options(finding, name, run.rule, given)
  finding.key = key_of(finding)
  run.findings[#run.findings + 1] = finding
  if run.on_finding then run.on_finding(finding) end
  return finding
end

---Something is wrong: `file:error { "text %d", value, found=, wanted=, cost=, hint=, fix=,
---related=, picture=, line=, column=, pointer= }`.
---@param given table
---@return orch.check.Finding
function methods:error(given, ...) return add(self, "error", given, "file:error", ...) end

---@param given table
---@return orch.check.Finding
function methods:warning(given, ...) return add(self, "warning", given, "file:warning", ...) end

---@param given table
---@return orch.check.Finding
function methods:info(given, ...) return add(self, "info", given, "file:info", ...) end

---With the severity of the rule.
---@param given table
---@return orch.check.Finding
function methods:problem(given, ...) return add(self, nil, given, "file:problem", ...) end

local file = { key_of = key_of }

---@param path string relative to the project's folder
---@param size integer
---@param mtime number
---@return orch.check.File
function file.new(path, size, mtime)
  return setmetatable({ path = path, size = size, mtime = mtime }, File)
end

return file
