-- What is said at the end of a run that did not simply succeed, and its exit code.

local runtime = require "orch.core.runtime"
local report = require "orch.cli.report"

local EXIT_FAILED, EXIT_USAGE, EXIT_SCRIPT, EXIT_TIMEOUT = 1, 2, 3, 5
local SIGINT = 2
local signals = { [1] = "HUP", [15] = "TERM" }

local ending = {}

---@param ... string
function ending.say(...)
  io.stderr:write("orch: ", ...)
  io.stderr:write("\n")
end

local say = ending.say

-- What failed although the run was ended from outside: its clean-up, mostly.
local function report_unless_cancelled(last)
  if last.ok then return end
  local err = last.error
  if type(err) == "table" and rawget(err, "kind") == "cancelled" then return end
  report.print(err)
end

-- The run's own --timeout.
local function is_alarm(err)
  return type(err) == "table" and rawget(err, "alarm")
end

-- A wrong word on the command line, or jobs that cannot be a graph: the exit code.
local function before_anything_ran(err)
  if type(err) ~= "table" then return nil end
  if rawget(err, "command_line") then
    say(err.message)
    return EXIT_USAGE
  elseif rawget(err, "kind") == "graph" then
    report.print(err)
    return EXIT_SCRIPT
  end
end

---@param last {ok: boolean, error: any, code: integer?} `code`: of the script's jobs
---@param leaks string[]
---@param seed integer
---@return integer exit_code
function ending.tell(last, leaks, seed)
  io.stdout:flush() -- what the script printed comes before what is said of it
  for _, sentence in ipairs(leaks) do say("warning: ", sentence) end
  local signal = runtime.interrupted()
  if signal then
    report_unless_cancelled(last)
    say(signal == SIGINT and "interrupted" or "ended by " .. (signals[signal] or "signal " .. signal))
    return 128 + signal
  elseif not last.ok and is_alarm(last.error) then
    report.print(last.error)
    return EXIT_TIMEOUT
  elseif runtime.exit_code() then
    report_unless_cancelled(last)
    return runtime.exit_code()
  elseif last.ok then
    return last.code or 0
  end
  local code = before_anything_ran(last.error)
  if code then return code end
  report.print(last.error)
  io.stderr:write(report.paint(report.color("stderr"), "2",
    ("orch: seed %d; re-run with --seed %d"):format(seed, seed)), "\n")
  return EXIT_FAILED
end

return ending
