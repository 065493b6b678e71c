-- What is said at the end of a run that did not simply succeed, and its exit code.

local runtime = require "orch.core.runtime"
local report = require "orch.cli.report"

local EXIT_FAILED, EXIT_TIMEOUT = 1, 5
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

---@param last {ok: boolean, error: any}
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
    return 0
  end
  report.print(last.error)
  io.stderr:write(report.paint(report.color("stderr"), "2",
    ("orch: seed %d; re-run with --seed %d"):format(seed, seed)), "\n")
  return EXIT_FAILED
end

return ending
