--- The standard library in a run: paths and variables are the task's own, dofile may
--- wait, and what stops every task says so once. Loaded at every start, so it does
--- nothing until it is used.
---
---     local _ <close> = orch.cd "client"
---     local file = io.open "build.log"      -- client/build.log

--- Only orch.place can change the task's folder or environment.
local function place()
  return package.loaded["orch.place"]
end

--- `i` and `name` are for the message that the original would give.
local function resolve(path, i, name)
  if i and type(path) ~= "string" and not math.type(path) then
    error(("bad argument #%d to '%s' (string expected, got %s)"):format(i, name,
      path == nil and "no value" or type(path)), 3)
  end
  local at = place()
  if at and type(path) == "string" then return at.resolve(path) end
  return path
end

local open, remove, rename, load_file = io.open, os.remove, os.rename, loadfile
function io.open(path, ...) return open(resolve(path, 1, "open"), ...) end
function os.remove(path) return remove(resolve(path, 1, "remove")) end
function loadfile(path, ...) return load_file(resolve(path), ...) end

function os.rename(from, to)
  return rename(resolve(from, 1, "rename"), resolve(to, 2, "rename"))
end

local getenv = os.getenv
function os.getenv(name)
  local at = place()
  local changes = at and at.env()
  local value = changes and changes[name]
  if value == nil then return getenv(name) end
  return value or nil
end

--- In Lua, because the C function could not be waited in.
function dofile(path)
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  return chunk()
end

local told = {}

local function tell(name, instead)
  if told[name] then return end
  told[name] = true
  io.stderr:write(("orch: warning: %s: %s stops all tasks until it is done; use %s\n"):format(
    require("orch.core.error").where(), name, instead))
end

--- The command with the task's folder and variables set up in front of it.
local function in_place(command)
  local at = place()
  if not at then return command end
  local word = require("orch.quote").word
  at.touch()
  local lines, folder = {}, at.resolve ""
  if folder ~= "" then lines[1] = "cd " .. word(folder) .. " || exit" end
  for name, value in pairs(at.env() or {}) do
    if name:find "^[%a_][%w_]*$" then
      lines[#lines + 1] = value and ("export %s=%s"):format(name, word(value))
        or "unset " .. name
    end
  end
  lines[#lines + 1] = command
  return table.concat(lines, "\n")
end

local execute, popen = os.execute, io.popen

function os.execute(command)
  if type(command) ~= "string" then return execute(command) end
  tell("os.execute", "orch.process.run or orch.sh")
  return execute(in_place(command))
end

function io.popen(command, ...)
  if type(command) ~= "string" then return popen(command, ...) end
  tell("io.popen", "orch.sh(command).stdout or orch.process.spawn")
  return popen(in_place(command), ...)
end

local stdin, input = io.stdin, io.input

--- Wraps a reading function until it has told about stdin once.
local function watch_stdin(library, name, shown, source)
  local original = library[name]
  library[name] = function(...)
    if source(...) == stdin then
      library[name] = original
      tell(shown, "orch.stdin:read or orch.stdin:lines")
    end
    return original(...)
  end
end

local methods = getmetatable(stdin).__index
local read = methods.read
watch_stdin(methods, "read", "reading io.stdin", function(file) return file end)
watch_stdin(methods, "lines", "reading io.stdin", function(file) return file end)
watch_stdin(io, "read", "io.read", function() return input() end)

local lines = io.lines
function io.lines(path, ...)
  if path == nil and input() == stdin then
    tell("io.lines", "orch.stdin:lines")
  end
  return lines(resolve(path), ...)
end

--- For orch itself: reads a script from stdin before any task could mind.
return { read_all = function() return read(stdin, "a") end }
