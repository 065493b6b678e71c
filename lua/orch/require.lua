--- A `require` that may wait: a module's top level may use orch like any other
--- script, and a module that two tasks require at once runs once.
---
---     local settings = require "settings"   -- may read files or ask a server

local errors = require "orch.core.error"
local park = require "orch.core.park"
local task = require "orch.core.task"

--- name -> Loading: modules that are being loaded.
local loading = {}

--- Explaining a failure costs nothing where there is none.
local function explain()
  return require "orch.cli.module"
end

local function find(name)
  local tried = {}
  for _, searcher in ipairs(package.searchers) do
    local ok, loader, extra = pcall(searcher, name)
    if not ok then error(explain().broken(name, loader), 0) end
    if type(loader) == "function" then return loader, extra end
    if type(loader) == "string" then tried[#tried + 1] = loader end
  end
  if name:match("^orch%.") then error(("orch has no module '%s'"):format(name), 3) end
  errors.throw(explain().missing(name, tried))
end

local Loading = {
  __close = function(self)
    loading[self.name] = nil
    self.waiting:wake_all()
  end,
}

--- Runs the loader; whoever else requires the module meanwhile waits for its end.
local function load_module(name)
  local loader, extra = find(name)
  local entry <close> = setmetatable({ name = name, task = task.current(),
    waiting = park.new("module '" .. name .. "', which another task loads") }, Loading)
  loading[name] = entry
  local value = loader(name, extra)
  if value ~= nil then package.loaded[name] = value end
  if package.loaded[name] == nil then package.loaded[name] = true end
  return package.loaded[name], extra
end

---@async
---@param name string
---@return any module
---@return any loader_data
local function require_module(name)
  if type(name) ~= "string" then -- orch.arg is not on the start-up path
    require("orch.arg").check("require", 1, name, "string")
  end
  local value = package.loaded[name]
  if value ~= nil then return value end
  local entry = loading[name]
  if entry and entry.task == task.current() then
    require("orch.arg").fail(
      "require: module '%s' requires itself, directly or through another one", name)
  end
  while loading[name] do loading[name].waiting:wait() end
  value = package.loaded[name]
  if value ~= nil then return value end
  return load_module(name)
end

return require_module
