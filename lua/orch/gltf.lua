--- Whether a model in glTF 2.0 is what the specification asks for: the checks and the codes of
--- the Khronos glTF validator.
---
---     local result = orch.gltf.validate "Assets/Props/crate.glb"
---     for _, issue in ipairs(result.issues) do
---       print(issue.severity, issue.code, issue.pointer, issue.message)
---     end
---
--- Text, references, buffers with all their numbers, and the headers of images are looked at;
--- files that the model names are read from beside it.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local place = require "orch.place"

local gltf = {}

--- Of a file that large something else is wrong.
local MOST = 2 << 30

---@class orch.gltf.Issue
---@field code string such as "ACCESSOR_MIN_MISMATCH"
---@field severity "error"|"warning"|"info"|"hint"
---@field pointer string? where in the JSON, as a JSON pointer: "/accessors/0/min/2"
---@field offset integer? where in the file, for what is wrong with a GLB's container
---@field message string

---@class orch.gltf.Result
---@field valid boolean there are no errors
---@field errors integer
---@field warnings integer
---@field infos integer
---@field hints integer
---@field issues orch.gltf.Issue[]
---@field truncated boolean there are more issues than were asked for
---@field skipped string[] pointers of buffers that are too large to be looked into

---@class orch.gltf.Options
---@field max_issues? integer how many issues are wanted; default 1000
---@field ignore? string[] codes that do not count
---@field severity? table<string, "error"|"warning"|"info"|"hint"> of codes, instead of their own

local counters = { error = "errors", warning = "warnings", info = "infos", hint = "hints" }

local function check_code(code)
  local issue = require "orch.gltf.issue"
  if type(code) == "string" and issue.severity(code) then return end
  local near = type(code) == "string" and arg.suggest(code, issue.codes())
  arg.fail("gltf.validate: there is no code %s%s", arg.describe(code),
    near and ("; did you mean %s?"):format(near) or "")
end

local function settings(opts)
  local o = arg.options("gltf.validate", opts, { max_issues = "integer", ignore = "table",
    severity = "table" })
  local ignore = {}
  for _, code in ipairs(o.ignore or {}) do
    check_code(code)
    ignore[code] = true
  end
  for code, severity in pairs(o.severity or {}) do
    check_code(code)
    if not counters[severity] then
      arg.fail("gltf.validate: the severity of %s should be error, warning, info or hint, not %s",
        code, arg.describe(severity))
    end
  end
  if o.max_issues and o.max_issues < 1 then
    arg.fail("gltf.validate: option `max_issues` should be at least 1, not %d", o.max_issues)
  end
  return { max_issues = o.max_issues or 1000, ignore = ignore, severity = o.severity or {} }
end

local function read(path)
  local full = place.resolve(path)
  local content, size = require("orch.core.part").read(full, 0, MOST)
  if size > MOST then
    errors.throw(errors.make { kind = "format", path = path,
      message = ("'%s' has %d bytes; of a model at most %d are looked at"):format(path, size,
        MOST) })
  end
  return content, full
end

local function count(report)
  local result = { errors = 0, warnings = 0, infos = 0, hints = 0, issues = report.issues,
    truncated = report.truncated, skipped = report.skipped }
  for _, issue in ipairs(report.issues) do
    local name = counters[issue.severity]
    result[name] = result[name] + 1
  end
  result.valid = result.errors == 0
  return result
end

---Checks a .gltf or .glb file. Whatever is wrong with the model is an issue, not an Error.
---@async
---@param path orch.Path
---@param opts? orch.gltf.Options
---@return orch.gltf.Result result raises kind `os` where the file cannot be read
function gltf.validate(path, opts)
  arg.check("gltf.validate", 1, path, "path")
  local report = require("orch.gltf.report").new(settings(opts))
  local content, full = read(path)
  local is_glb = content:sub(1, 4) == "glTF" or path:lower():find "%.glb$" ~= nil
  report:run(require "orch.gltf.validate", report, content, is_glb,
    full:match "^(.*)/[^/]*$" or ".")
  return count(report)
end

return arg.public("orch.gltf", gltf)
