-- Explains a module that `require` cannot find or compile, in the words that are
-- used for the script itself.
--
--   module.missing("slog", tried)   --> "module 'slog' not found (no slog.lua in .)"
--
-- Loaded only when a `require` has failed.

local core = require "orch.core.error"

local module = {}

-- A name of orch's own, so that `require "json"` can be told to be orch.json.
local function is_orch(name)
  local ok, value = pcall(function() return require("orch")[name] end)
  return ok and value ~= nil
end

-- The folders that are searched for the script's own modules, the first first.
local function own_folder()
  local folder = package.path:match("^(.-)/%?%.lua")
  if not folder or folder:find("^/usr/") then folder = "." end
  return folder
end

local function similar(folder, file)
  local near = require("orch.cli.syntax").similar_file(folder .. "/" .. file)
  near = near and near:match("^(.*)%.lua$")
  return near and near:sub(#folder + 2):gsub("/", ".")
end

---@param name string
---@param tried string[] what each searcher says
---@return orch.Error
function module.missing(name, tried)
  local folder, file = own_folder(), name:gsub("%.", "/") .. ".lua"
  local shown = folder == "." and require("orch.place").cwd() or folder
  local message = ("module '%s' not found (no %s in %s)"):format(name, file, shown)
  if is_orch(name) then
    message = message .. ("; use orch.%s"):format(name)
  else
    local near = similar(folder, file)
    if near then message = message .. ("; did you mean '%s'?"):format(near) end
  end
  return core.make { kind = "error", message = message, module = name,
    searched = table.concat(tried, "\n") }
end

---The Error for a searcher that failed: a module with a syntax error reads like a
---script with one.
---@param name string
---@param problem any what the searcher raised
---@return any error
function module.broken(name, problem)
  local path = package.searchpath(name, package.path)
  if type(problem) ~= "string" or not path
    or not problem:find("error loading module", 1, true) then
    return problem
  end
  local script = require "orch.cli.script"
  local ok, err = pcall(script.load, (path:gsub("^%./", "")))
  if ok then return problem end
  err.required_at = core.where()
  return err
end

return module
