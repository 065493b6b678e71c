-- Runs the body of a command: a wrong word or file becomes one sentence and the exit code.
--
--   return failing.guard(function() ... return 0 end)

local errors = require "orch.core.error"

local EXIT_FAILED, EXIT_USAGE, EXIT_SCRIPT, EXIT_REFUSED = 1, 2, 3, 7

local codes = { usage = EXIT_USAGE, refused = EXIT_REFUSED, graph = EXIT_SCRIPT,
  script = EXIT_SCRIPT }

local failing = {}

-- By Ctrl-C and the like, or by os.exit in a script that was only looked at.
local function interrupted()
  local runtime = require "orch.core.runtime"
  local signal = runtime.interrupted()
  return signal and 128 + signal or runtime.exit_code()
end

---@async
---@param fn fun(...): integer
---@param ... any
---@return integer exit_code
function failing.guard(fn, ...)
  local ok, result = xpcall(fn, errors.handler, ...)
  if ok then return result end
  local kind = errors.is(result) and result.kind
  if kind == "usage" or kind == "refused" or kind == "os" then
    local message = tostring(result):gsub("^orch: ", "")
    io.stderr:write("orch: ", message, "\n")
    return codes[kind] or EXIT_FAILED
  elseif errors.is_cancelled(result) or kind == "cancelled" and interrupted() then
    return interrupted() or error(result, 0)
  end
  require("orch.cli.report").print(result)
  return codes[kind] or EXIT_FAILED
end

return failing
