--- `orch.sh`: a command line for /bin/sh.
---
---     orch.sh("tar czf ${archive} ${files}", { archive = "out.tgz", files = { "a b", "c" } })
---     local head = orch.sh("git log --oneline | head -3").stdout

local arg = require "orch.arg"
local options = require("orch.process.command").run_options
local process = require "orch.process"
local quote = require "orch.quote"

--- A value that goes nowhere is a mistake, and mostly an option in the wrong place.
local function check_used(command, values)
  for name in next, values do
    if type(name) ~= "string" then
      arg.fail("sh: the values should have names, { name = value }, and have %s",
        arg.describe(name))
    end
  end
  for _, name in ipairs(arg.keys_of(values)) do
    if not command:find("${" .. name .. "}", 1, true) then
      arg.fail("sh: the command has no ${%s}%s", name, options[name]
        and ("; options come third: orch.sh(line, nil, { %s = ... })"):format(name)
        or ", which the values give")
    elseif not name:find "^[%a_][%w_]*$" then
      arg.fail("sh: ${%s} is left to the shell: a name has letters, digits and _ only", name)
    end
  end
end

---Runs a command line with /bin/sh and waits for its end, as `process.run` does.
---With `values`, each `${name}` must be one of them and is quoted, a list item by item;
---it is refused where quotes would not protect it, and so is a value that is not used.
---Without, the text goes as it is: `orch.sh(line, nil, { timeout = "10s" })`.
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
  if values then
    local filled = quote.fill("sh", command, values)
    check_used(command, values)
    command = filled
  end
  return process.run_shell(command, opts)
end

return sh
