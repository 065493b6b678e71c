--- The task's own folder and environment: the process never calls chdir
--- or setenv.
---
---     local _ <close> = orch.cd "client"
---     local _ <close> = orch.with_env { UNITY_LICENSE = key }

local context = require "orch.context"
local core = require "orch.core.task"
local arg = require "orch.arg"
local errors = require "orch.core.error"
local runtime = require "orch.core.runtime"

local place = {}

local cwd, env = context("cwd"), context("env")

---The task's folder.
---@return string absolute path
function place.cwd()
  return cwd:get() or runtime.cwd()
end

--- Who wants to know which paths are used, and which are written; see place.observe.
local observer, change_observer

---For the library: `fn(path)` hears of every path that is resolved, as the task sees it, `fn()`
---of every request to a server and every program that is started; `on_change(fname, path)` of
---every path that fs is about to change, and may refuse.
---@param fn fun(path: string?)?
---@param on_change fun(fname: string, path: string)?
function place.observe(fn, on_change)
  observer, change_observer = fn, on_change
end

---For the library: a server is asked, or a program started; what they look at is not known.
function place.touch()
  if observer then observer() end
end

---A path as the task sees it: absolute under `cd`, otherwise unchanged.
---@param path string
---@return string
function place.resolve(path)
  local full = path
  if core.locals() then -- without any there is no cd: the usual
    local base = cwd:get()
    if base and path:sub(1, 1) ~= "/" then full = base .. "/" .. path end
  end
  if observer and path ~= "" then observer(full) end
  return full
end

---The path of something that is going to be changed.
---@param fname string who changes it, such as "fs.write"
---@param path string
---@return string
function place.target(fname, path)
  local full = place.resolve(path)
  if change_observer then change_observer(fname, full) end
  return full
end

---The task's changes to the environment.
---@return table<string, string|false>? overrides false: unset; nil: no changes
function place.env()
  return env:get()
end

local problems = {
  ENOENT = "there is no such folder", ENOTDIR = "it is not a folder",
  EACCES = "permission denied",
}

---`local _ <close> = cd(path)`: the task's folder until the block is left.
---@param path string a folder, relative to the one before; raises kind `os` (`ENOENT`,
---  `ENOTDIR`, `EACCES`)
---@return table restore for `<close>`
function place.cd(path)
  path = place.resolve(arg.check("cd", 1, path, "path"))
  if path:sub(1, 1) ~= "/" then path = runtime.cwd() .. "/" .. path end
  local problem = runtime.check_folder(path)
  if problem then
    errors.throw(errors.make { kind = "os", code = problem, path = path,
      message = ("cannot cd to '%s': %s"):format(path, problems[problem] or problem) })
  end
  return cwd:set(path)
end

local function value_of(name, value)
  if value == false then return false end
  local text = type(value) == "string" and not value:find("\0", 1, true)
  if text or type(value) == "number" or value == true then return tostring(value) end
  arg.fail("with_env: %s should be a string, a number or a boolean, not %s", name,
    arg.describe(value))
end

---`local _ <close> = with_env{K="v"}`: the task's environment until the block is
---left; `false` unsets a variable.
---@param variables table<string, string|number|boolean>
---@return table restore for `<close>`
function place.with_env(variables)
  arg.check("with_env", 1, variables, "table")
  local merged = {}
  for key, value in pairs(env:get() or {}) do merged[key] = value end
  for key, value in pairs(variables) do
    if type(key) ~= "string" or key == "" or key:find("[=\0]") then
      arg.fail("with_env: %s is not a name of a variable", arg.describe(key))
    end
    merged[key] = value_of(key, value)
  end
  return env:set(merged)
end

---A variable as the task sees it.
---@param name string
---@return string?
function place.getenv(name)
  local changes = env:get()
  local value = changes and changes[name]
  if value == nil then return os.getenv(name) end
  return value or nil
end

return place
