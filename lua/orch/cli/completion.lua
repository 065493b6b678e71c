-- `orch completion SHELL`: prints what the shell evaluates.

local arg = require "orch.arg"
local failing = require "orch.cli.failing"
local flags = require "orch.cli.flags"

local function main(found)
  local scripts = require "orch.cli.completion_scripts"
  local names = table.concat(arg.keys_of(scripts), ", ")
  if not found[1] then
    arg.fail("for which shell? orch completion SHELL; it knows %s", names)
  elseif found[2] then
    arg.fail("orch completion takes one shell, not '%s' as well", found[2])
  end
  local text = rawget(scripts, found[1])
  if not text then
    local near = arg.suggest(found[1], arg.keys_of(scripts))
    arg.fail("orch completion does not know '%s'%s", found[1],
      near and ("; did you mean '%s'?"):format(near) or "; it knows " .. names)
  end
  io.stdout:write(text)
  return 0
end

---@param words string[] what follows "completion"
---@return integer exit_code
return function(words)
  local found, code = flags.parse("completion", words)
  if not found then return code end
  return failing.guard(main, found)
end
