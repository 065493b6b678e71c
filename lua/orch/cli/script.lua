-- Reads and compiles a script; what is wrong with it becomes one Error of kind
-- `script` with a sentence, `.where` and `.column`.
--
--   local chunk = script.load("deploy.lua")
--
-- This file is on the start-up path of every run: whatever explains a failure
-- lives in orch.cli.syntax and is loaded only then.

-- Sources as they were when they ran, for the report of an error.
local script = { sources = {} }

local function refuse(path, text)
  require("orch.error") {
    kind = "script",
    message = "cannot run '" .. path .. "': " .. text,
    path = path,
  }
end

local function missing(path, reason)
  local near = require("orch.cli.syntax").similar_file(path)
  reason = reason:gsub("^.*: ", ""):lower():gsub("directory", "folder")
  refuse(path, reason .. (near and "; did you mean '" .. near .. "'?" or ""))
end

-- Control characters never occur in a text; a NUL is the commonest.
local function check_text(path, source)
  if source:sub(1, 4) == "\27Lua" then
    refuse(path, "it is compiled Lua; orch runs the source")
  end
  local head = source:sub(1, 2)
  if head == "\255\254" or head == "\254\255" then
    refuse(path, "it is UTF-16 text; save it as UTF-8")
  end
  local at = source:find("[\0-\8\14-\31]")
  if at then
    refuse(path, string.format(
      "it is not a Lua script (byte %d is 0x%02x)", at, source:byte(at)))
  end
end

---@param path string
---@return string source
function script.read(path)
  local file, reason = io.open(path, "rb")
  if not file then return missing(path, reason) end
  local source, problem = file:read("a")
  file:close()
  if source then return source end
  return refuse(path, (problem:lower():gsub("^is a", "it is a")
    :gsub("directory", "folder")))
end

---Compiles a source; a byte order mark and a shebang line are skipped.
---@param source string
---@param path string as it shall appear in messages
---@param chunk_name string "@" or "=" and the name, as for Lua's `load`
---@param env? table default: the globals
---@return function chunk
function script.compile(source, path, chunk_name, env)
  check_text(path, source)
  script.sources[path] = source
  local text = source:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "", 1)
  local chunk, problem = load(text, chunk_name, "t", env or _G)
  if chunk then return chunk end
  return require("orch.cli.syntax").raise(text, path, problem)
end

---@param path string
---@param env? table default: the globals
---@return function chunk
function script.load(path, env)
  return script.compile(script.read(path), path, "@" .. path, env)
end

return script
