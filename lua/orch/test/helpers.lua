-- What test cases need of the world: folders that vanish, orch as a process.
--
--   local result = test.run({ "-e", "print(1)" })
--   expect(result.stdout):equals("1\n")

local arg = require "orch.arg"

local helpers = {}
local folders = {}

---@async
---@return string path
function helpers.temp_dir()
  local path = require("orch.fs").temp_dir()
  folders[#folders + 1] = path
  return path
end

---Removes the folders that the case made.
---@async
function helpers.clean_up()
  local fs = #folders > 0 and require("orch.fs")
  while #folders > 0 do
    local path = table.remove(folders)
    if fs.exists(path) then fs.remove(path, { recursive = true }) end
  end
end

local OPTIONS = {
  stdin = "string", cwd = "path", env = "table", timeout = "duration",
}

---@async
---@param args string[]
---@param opts? table
---@return table result
function helpers.run(args, opts)
  arg.check("test.run", 1, args, "table")
  local command = arg.options("test.run", opts, OPTIONS)
  command[1] = require("orch.core.runtime").executable()
  table.move(args, 1, #args, 2, command)
  command.check = false
  return require("orch.process").run(command)
end

return helpers
