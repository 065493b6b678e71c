-- --record, --replay and what belongs to them: the tape of a run.
--
--   local tape = open { record = "api.tape" }

local arg = require "orch.arg"

local tape = {}

-- What each of the two can do besides what it says.
local modes = {
  record = { all = true, new = true, once = true },
  replay = { none = true, new = true, once = true },
}
local defaults = { record = "all", replay = "none" }

local function check_pair(found)
  if found.record and found.replay then
    arg.fail("--record and --replay exclude each other; --replay %s --tape-mode new replays "
      .. "what is known and records the rest", found.replay)
  end
  for _, key in ipairs { "tape_mode", "replay_speed", "tape_unused" } do
    if found[key] and not (found.record or found.replay) then
      arg.fail("--%s belongs to --record FILE or --replay FILE", (key:gsub("_", "-")))
    end
  end
end

local function mode_of(found, what)
  local mode = found.tape_mode or defaults[what]
  if modes[what][mode] then return mode end
  if modes.record[mode] or modes.replay[mode] then
    arg.fail("--%s cannot be of --tape-mode %s: that is --%s", what, mode,
      what == "record" and "replay" or "record")
  end
  local near = arg.suggest(mode, { "once", "none", "new", "all" })
  arg.fail("--tape-mode should be once, none, new or all, not '%s'%s", mode,
    near and ("; did you mean '%s'?"):format(near) or "")
end

local function speed_of(text)
  if not text then return nil end
  local speed = tonumber(text)
  if not speed or not (speed > 0) then
    arg.fail("--replay-speed should be a number above 0, such as 1 for the recorded timing, "
      .. "not '%s'", text)
  end
  return speed
end

---@async
---@param found table<string, string>
---@return orch.http.Tape tape raises kind `usage`, or that of the tape
function tape.open(found)
  check_pair(found)
  local what = found.record and "record" or "replay"
  local opts = { mode = mode_of(found, what), speed = speed_of(found.replay_speed) }
  return require "orch.http.tape"(found[what], opts)
end

---Puts the network back, and says what was asked for.
---@async
---@param open orch.http.Tape
---@param found table<string, string>
function tape.close(open, found)
  open:close()
  if not found.tape_unused then return end
  local say = require("orch.cli.ending").say
  for _, one in ipairs(open:unused()) do
    say(("the tape's number %s was not used: %s %s"):format(one.n, one.method, one.url))
  end
end

return tape
