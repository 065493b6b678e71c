--- Collects what is wrong with one glTF: knows where in the document the check is, what is
--- ignored, how bad each code is, and when it is enough.
---
---     report:push "meshes"; report:push(0)
---     report:add("UNDEFINED_PROPERTY", nil, "primitives")     -- at /meshes/0

local issue = require "orch.gltf.issue"

local concat = table.concat

---@class orch.gltf.Report
---@field issues table[]
---@field truncated boolean
---@field is_glb boolean
---@field private path (string|integer)[]
---@field private depth integer
local Report = {}
Report.__index = Report

--- Raised where no more issues are wanted.
local ENOUGH = setmetatable({}, { __name = "gltf.enough" })

---@param opts {max_issues: integer, ignore: table<string, true>, severity: table<string, string>}
---@return orch.gltf.Report
local function new(opts)
  return setmetatable({ issues = {}, path = {}, depth = 0, truncated = false,
    limit = opts.max_issues, ignored = opts.ignore, severities = opts.severity }, Report)
end

---@param key string|integer
function Report:push(key)
  local depth = self.depth + 1
  self.depth, self.path[depth] = depth, key
end

function Report:pop()
  self.depth = self.depth - 1
end

---Where the check is, to come back to.
---@return (string|integer)[]
function Report:here()
  return table.move(self.path, 1, self.depth, 1, {})
end

---@param path (string|integer)[] from `here`
function Report:go(path)
  self.depth = #path
  table.move(path, 1, #path, 1, self.path)
end

local function escaped(key)
  if type(key) == "number" then return ("%d"):format(key) end
  return (key:gsub("~", "~0"):gsub("/", "~1"))
end

---Where the check is, as a JSON pointer.
---@param name? string|integer something there
---@return string
function Report:pointer(name)
  local parts, path = {}, self.path
  for i = 1, self.depth do parts[i] = escaped(path[i]) end
  if name ~= nil then parts[#parts + 1] = escaped(name) end
  return "/" .. concat(parts, "/")
end

local function add(self, code, pointer, offset, args)
  if self.ignored[code] then return end
  if #self.issues >= self.limit then
    self.truncated = true
    error(ENOUGH, 0)
  end
  self.issues[#self.issues + 1] = {
    code = code, severity = self.severities[code] or issue.severity(code), pointer = pointer,
    offset = offset, message = issue.message(code, args),
  }
end

---An issue where the check is, or at something there.
---@param code string
---@param name string|integer|nil
---@param ... any for the message
function Report:add(code, name, ...)
  if self.ignored[code] then return end
  add(self, code, self:pointer(name), nil, { ... })
end

---An issue at a pointer.
---@param code string
---@param pointer string
---@param ... any
function Report:at(code, pointer, ...)
  add(self, code, pointer, nil, { ... })
end

---The same issue once more, at another pointer.
---@param known table of `issues`
---@param pointer string
function Report:repeat_at(known, pointer)
  if #self.issues >= self.limit then
    self.truncated = true
    error(ENOUGH, 0)
  end
  local copy = {}
  for key, value in next, known do copy[key] = value end
  copy.pointer = pointer
  self.issues[#self.issues + 1] = copy
end

---An issue at a place in the file.
---@param code string
---@param offset integer bytes
---@param ... any
function Report:at_byte(code, offset, ...)
  add(self, code, nil, offset, { ... })
end

---Calls `fn`; that it is enough is no failure.
---@param fn function
---@param ... any
function Report:run(fn, ...)
  local ok, err = pcall(fn, ...)
  if not ok and err ~= ENOUGH then error(err, 0) end
end

return { new = new }
