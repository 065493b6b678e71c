--- `orch.sh`: a command line for /bin/sh.
---
---     orch.sh("tar czf ${archive} ${files}", { archive = "out.tgz", files = { "a b", "c" } })
---     local head = orch.sh("git log --oneline | head -3").stdout

local arg = require "orch.arg"
local process = require "orch.process"
local quote = require "orch.quote"

---Runs a command line with /bin/sh and waits for its end, as `process.run` does.
---With `values`, each `${name}` must be one of them and is quoted, a list item by item;
---it is refused where quotes would not protect it. Without, the text goes as it is.
---@async
---@param command string
---@param values table<string, string|number|(string|number)[]>?
---@param opts orch.ProcessOptions?
---@return orch.ProcessResult
---Raises kind `process`, `timeout` or `os` as `process.run` does.
local function sh(command, values, opts)
  arg.check("sh", 1, command, "string")
  arg.check("sh", 2, values, "table?")
  if command:find("\0", 1, true) then
    arg.fail("sh: the command has a NUL byte, which no program can be given")
  end
  if values then command = quote.fill("sh", command, values) end
  return process.run_shell(command, opts)
end

return sh
