--- Which folders `orch watch` looks at, and which jobs a change touches.
---
---     local scope = scopes.new(plan, folder)
---     scope:roots()                       --> { { path = "Assets", recursive = true }, ... }
---     scope:touched("Assets/a.png", "changed")    --> "jobs", { "textures" }

local path = require "orch.fs.path"
local pattern = require "orch.fs.pattern"

local MANY = 24 -- watches; each costs one of the user's inotify instances, of which 128 are usual

--- What editors leave beside a file for as long as it is open.
local is_of_editor = pattern.compile("watch", 1,
  { "**/*.sw[a-z]", "**/*~", "**/.#*", "**/4913", "**/.*.sw[a-z]" })
local is_kept_out = pattern.compile("watch", 1, { "**/.orch", "**/.orch/**", "**/.git",
  "**/.git/**" })

---@class orch.WatchScope
local Scope = {}
Scope.__index = Scope

--- Relative to the project, if it is inside.
local function shown(folder, name)
  local full = path.normalize(name:sub(1, 1) == "/" and name or path.join(folder, name))
  if full == folder then return "." end
  local inside = folder == "/" and "/" or folder .. "/"
  return full:sub(1, #inside) == inside and full:sub(#inside + 1) or full
end

--- The part of a pattern before the first wildcard, and whether more than one level of
--- folders lies behind it.
local function root_of(text)
  if not text:find "[*?%[]" then return nil end
  local root, rest = text:match "^([^*?%[]*)/(.*)$"
  if not root then root, rest = "", text end
  if root == "" then root = text:sub(1, 1) == "/" and "/" or "." end
  return root, rest:find("/", 1, true) ~= nil or rest:find("**", 1, true) ~= nil
end

local function with_shown_root(folder, text)
  local root, rest = text:match "^([^*?%[]*)/(.*)$"
  if not root then return text end
  root = shown(folder, root == "" and "/" or root)
  return root == "." and rest or path.join(root, rest)
end

--- A list of patterns in the form in which changes are told; a path that is named counts
--- with all below it.
local function prepare(folder, patterns)
  local includes, excludes = pattern.parse("watch", 1, patterns)
  local list, names = {}, {}
  for _, text in ipairs(includes) do
    if text:find "[*?%[]" then
      list[#list + 1] = with_shown_root(folder, text)
      names[#names + 1] = list[#list]
    else
      local name = shown(folder, text)
      names[#names + 1] = name
      list[#list + 1] = name ~= "." and name or nil
      list[#list + 1] = name == "." and "**" or name .. "/**"
    end
  end
  for _, text in ipairs(excludes) do list[#list + 1] = "!" .. text end
  return list, names
end

local function compile(folder, patterns)
  if #patterns == 0 then return function() return false end, {} end
  local list, names = prepare(folder, patterns)
  return pattern.compile("watch", 1, list), names
end

--- The folders that an output lies in are made by whoever makes it.
local function add_parents(set, name)
  name = root_of(name) or path.dirname(name)
  while name ~= "." and name ~= "/" and not set[name] do
    set[name], name = true, path.dirname(name)
  end
end

---@param plan orch.WatchPlan
---@param folder string of the project, absolute
---@return orch.WatchScope
local function new(plan, folder)
  local self = setmetatable({ folder = folder, files = {}, jobs = {}, by_name = {},
    around_outputs = {}, broken = plan.broken, moved = false }, Scope)
  for _, file in ipairs(plan.files) do self.files[shown(folder, file)] = true end
  for i, job in ipairs(plan.jobs) do
    local matches, names = compile(folder, job.inputs)
    self.jobs[i] = { name = job.name, matches = matches, names = names, index = i,
      dependents = job.dependents }
    self.by_name[job.name] = self.jobs[i]
  end
  local names
  self.is_output, names = compile(folder, plan.outputs)
  for _, name in ipairs(names) do add_parents(self.around_outputs, name) end
  return self
end

-- ---- where to look ----

local function add(roots, name, recursive)
  roots[name] = roots[name] or recursive
end

--- A root that is not there (yet) is waited for in the nearest folder that is.
local function add_existing(self, roots, name, recursive)
  local fs = require "orch.fs"
  while name ~= "." and name ~= "/" do
    local full = path.join(self.folder, name)
    if fs.exists(full) then break end
    name, recursive = shown(self.folder, path.dirname(full)), false
  end
  add(roots, name, recursive)
end

local function is_below(name, root)
  return name ~= root and (root == "." and name:sub(1, 1) ~= "/" or root == "/"
    or name:sub(1, #root + 1) == root .. "/")
end

--- Whether a folder above is watched with all that is in it.
local function is_covered(roots, name)
  while name ~= "." and name ~= "/" do
    name = path.dirname(name)
    if roots[name] then return true end
  end
  return false
end

local function reduce(roots)
  local list = {}
  for name, recursive in pairs(roots) do
    if not is_covered(roots, name) then
      list[#list + 1] = { path = name, recursive = recursive }
    end
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

---@async
---@return {path: string, recursive: boolean}[] roots that exist, relative to the project if
---  inside, sorted
function Scope:roots()
  local fs = require "orch.fs"
  local roots = {}
  for file in pairs(self.files) do add_existing(self, roots, path.dirname(file), false) end
  for _, job in ipairs(self.jobs) do
    for _, name in ipairs(job.names) do
      local root, deep = root_of(name)
      local full = path.join(self.folder, name)
      if root then
        add_existing(self, roots, shown(self.folder, root), deep)
      elseif fs.exists(full) and fs.stat(full).type == "folder" then
        add(roots, name, true)
      else
        add_existing(self, roots, shown(self.folder, path.dirname(full)), false)
      end
    end
  end
  local list = reduce(roots)
  if #list <= MANY then return list end
  roots["."] = true
  return reduce(roots)
end

-- ---- what a change means ----

--- A folder that comes or goes takes what is expected below it along.
local function holds_root(job, name)
  for _, text in ipairs(job.names) do
    local root = root_of(text) or text
    if root == name or is_below(root, name) then return true end
  end
  return false
end

---@param name string as `fs.watch` told it
---@param kind "created"|"changed"|"removed"
---@return "script"|"jobs"|nil what nil: nothing
---@return string name relative to the project
---@return table[] jobs that have it among their inputs
function Scope:touched(name, kind)
  name = shown(self.folder, name)
  if self.files[name] or self.broken and name:find "%.lua$" then return "script", name, {} end
  if is_kept_out(name) or is_of_editor(name) or self.is_output(name) then return nil, name, {} end
  local jobs = {}
  for _, job in ipairs(self.jobs) do
    local moved = kind ~= "changed" and holds_root(job, name)
    if moved then self.moved = true end
    if moved or (not self.around_outputs[name] and job.matches(name)) then jobs[#jobs + 1] = job end
  end
  return jobs[1] and "jobs" or nil, name, jobs
end

---Whether `roots` has become different since it was asked.
---@return boolean
function Scope:is_moved()
  local moved = self.moved
  self.moved = false
  return moved
end

---A job, and all that depend on it.
---@param set table<string, boolean> names; they are added here
---@param job table
function Scope:add_with_dependents(set, job)
  if set[job.name] then return end
  set[job.name] = true
  for _, name in ipairs(job.dependents) do self:add_with_dependents(set, self.by_name[name]) end
end

---@param set table<string, boolean>
---@return string[] names in an order in which they can run
function Scope:in_order(set)
  local names = {}
  for _, job in ipairs(self.jobs) do
    if set[job.name] then names[#names + 1] = job.name end
  end
  return names
end

return { new = new }
