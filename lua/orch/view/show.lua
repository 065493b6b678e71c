--- Numbers, times and failures in the few words that a line has room for.
---
---     show.seconds(72.4)                       -- "1m 12s"
---     show.failure { exit_code = 65 }          -- "exit 65"

local text = require "orch.view.text"

local show = {}

---@param seconds number
---@return string "0.4s", "12.3s", "1m 12s", "2h 05m"
function show.seconds(seconds)
  seconds = math.max(0, seconds)
  if seconds < 60 then return ("%.1fs"):format(seconds * 10 // 1 / 10) end
  return show.whole(seconds)
end

---@param seconds number
---@return string "12s", "1m 12s", "2h 05m"
function show.whole(seconds)
  local s = math.tointeger(math.max(0, seconds) // 1) or 0
  if s < 60 then return s .. "s" end
  if s < 3600 then return ("%dm %02ds"):format(s // 60, s % 60) end
  return ("%dh %02dm"):format(s // 3600, s // 60 % 60)
end

---For what is said once a minute.
---@param seconds number
---@return string "45s", "12m", "2h 05m"
function show.minutes(seconds)
  if seconds < 60 or seconds >= 3600 then return show.whole(seconds) end
  return ("%dm"):format(math.tointeger(seconds // 60) or 0)
end

---@param n integer
---@param one string
---@param many? string by default `one` with an s
---@return string "1 job", "3 jobs"
function show.count(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many or one .. "s")
end

---@param names string[]
---@param most integer
---@param all? integer how many there are, when the list has not all of them
---@return string "a, b, c and 4 more"
function show.names(names, most, all)
  all = all or #names
  local shown = {}
  for i = 1, math.min(most, #names) do shown[i] = text.line(names[i]) end
  local list = table.concat(shown, ", ")
  return all > #shown and ("%s and %d more"):format(list, all - #shown) or list
end

local function signal_name(signal)
  return math.type(signal) and "signal " .. signal or tostring(signal)
end

---An error of a record: why a job failed.
---@param err table?
---@return string
function show.failure(err)
  if type(err) ~= "table" then return err and text.line(tostring(err)) or "failed" end
  if err.stalled then return "stalled: it printed nothing for too long" end
  if err.kind == "timeout" then return "timed out" end
  if err.signal then return "killed by " .. signal_name(err.signal) end
  if err.exit_code then return ("exit %s"):format(err.exit_code) end
  return text.line(tostring(err.message or err.kind or "failed"))
end

return show
