-- Finds the test files below the paths that were given.
--
--   discover.files { "tests" }   --> { "tests/lock_test.lua", ... }

local discover = {}

local function is_folder(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local _, _, code = file:read(0)
  file:close()
  return code == 21 -- EISDIR
end

local function fail(message)
  require("orch.error") { kind = "script", message = message }
end

local function add_folder(list, folder)
  local fs = require "orch.fs"
  local prefix = folder == "." and "" or folder:gsub("/+$", "") .. "/"
  local found = fs.glob(prefix .. "**/*_test.lua")
  table.sort(found)
  for _, path in ipairs(found) do list[#list + 1] = path end
  return #found
end

---@async
---@param paths string[] files and folders; none: "tests", or else "."
---@return string[] files in order, each once
function discover.files(paths)
  if #paths == 0 then paths = { is_folder("tests") and "tests" or "." } end
  local list = {}
  for _, path in ipairs(paths) do
    local folder = is_folder(path)
    if folder == nil then
      local near = require("orch.cli.syntax").similar_file(path)
      fail("there is no file or folder '" .. path .. "'"
        .. (near and "; did you mean '" .. near .. "'?" or ""))
    elseif not folder then
      list[#list + 1] = path
    elseif add_folder(list, path) == 0 then
      fail("there is no *_test.lua below '" .. path .. "'")
    end
  end
  local seen, files = {}, {}
  for _, path in ipairs(list) do
    if not seen[path] then files[#files + 1] = path end
    seen[path] = true
  end
  return files
end

return discover
