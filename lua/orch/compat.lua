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

local function resolve(path)
  local at = place()
  if at and type(path) == "string" then return at.resolve(path) end
  return path
end

for _, entry in ipairs { { io, "open" }, { os, "remove" }, { _G, "loadfile" } } do
  local library, name = entry[1], entry[2]
  local original = library[name]
  library[name] = function(path, ...) return original(resolve(path), ...) end
end

local rename = os.rename
function os.rename(from, to) return rename(resolve(from), resolve(to)) end

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
  io.stderr:write(("orch: %s: %s stops all tasks until it is done; use %s\n"):format(
    require("orch.core.error").where(), name, instead))
end

--- The command with the task's folder and variables set up in front of it.
local function in_place(command)
  local at = place()
  if not at then return command end
  local word = require("orch.quote").word
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
  library[name] = function(first, ...)
    if source(first) == stdin then
      library[name] = original
      tell(shown, "orch.stdin:read or orch.stdin:lines")
    end
    return original(first, ...)
  end
end

local methods = getmetatable(stdin).__index
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
