-- One case of cases.lua again and again, in one run, with the Nth allocation
-- failing: N = 1, 2, ... until the case succeeds without a failure. Whatever
-- fails, afterwards there is no live task, operation, descriptor or child.
--
--   orch inside.lua CASE MODE [TIMES [FIRST]]
--
-- TIMES: about so many failures, spread over all allocations; 1 is every one.

local sweep = require "sweep"
local core = require "orch.core.task"
local runtime = require "orch.core.runtime"
local place = package.path:match("^(.-)%?") or "./"
local cases = dofile(place .. "cases.lua")

io.stderr:setvbuf "no"
local name, mode = orch.args[1], orch.args[2]
local times = math.tointeger(tonumber(orch.args[3] or 1))
local first = math.tointeger(tonumber(orch.args[4] or 1))
local LAST_MESSAGES = 40

local function leftovers(before)
  local list = {}
  local function add(what, n, wanted)
    if n ~= wanted then
      list[#list + 1] = ("%s: %d instead of %d"):format(what, n, wanted)
    end
  end
  add("tasks", #core.children(core.current()), 0)
  add("operations", runtime.live_ops(), 0)
  add("handles", #runtime.handles(), before.handles)
  add("locks", #require("orch.lock").held(), 0)
  add("descriptors", sweep.descriptors(), before.descriptors)
  add("children", sweep.children(), before.children)
  return table.concat(list, ", ")
end

local function attempt(n, body, label)
  if os.getenv "SWEEP_VERBOSE" then io.stderr:write(label, "\n") end
  local task = orch.spawn({ hold = true, name = label }, function()
    sweep.arm(mode, n, label)
    body()
  end)
  task:join()
  local failed, made = sweep.disarm()
  local ok, err = task:result()
  return failed, made, ok, err
end

-- What a script sees of memory that ran out, in all its forms.
local is_memory
function is_memory(err)
  local text = tostring(err)
  for _, other in ipairs(type(err) == "table" and rawget(err, "suppressed") or {}) do
    if is_memory(other) then return true end
  end
  local code = type(err) == "table" and rawget(err, "code")
  return text:find("not enough memory") or text:find("memory allocation")
    or code == "ENOMEM" or code == "EAGAIN" or code == "SQLITE_NOMEM"
end

local function complain(n, made, text)
  io.stderr:write(("%s %s:%d (of %d): %s\n"):format(name, mode, n, made, text))
end

local body = assert(cases[name], "no such case")
for _ = 1, 3 do orch.spawn(body):await() end -- what is loaded and made once
local before = { handles = #runtime.handles(), descriptors = sweep.descriptors(),
  children = sweep.children() }
local _, allocations = attempt(1 << 40, body, name)
local step = times > 1 and math.max(1, allocations // times) or 1
local seen, bad, n, runs = {}, 0, first, 0

while true do
  local failed, made, ok, err = attempt(n, body, ("%s %s:%d"):format(name, mode, n))
  runs = runs + 1
  for _, sentence in ipairs(runtime.leaks()) do
    if not sentence:find("nobody looked at it", 1, true) then
      complain(n, made, sentence)
      bad = bad + 1
    end
  end
  local left = leftovers(before)
  for _ = 1, 100 do -- what is not referred to any more is closed by the collector
    if left == "" then break end
    collectgarbage()
    orch.sleep(0.002)
    left = leftovers(before)
  end
  if left ~= "" then
    complain(n, made, "left: " .. left)
    bad = bad + 1
  end
  if not ok then
    local text = tostring(err):gsub("%d+", "N")
    if not is_memory(err) and not seen[text] then
      complain(n, made, tostring(err))
      if os.getenv("SWEEP_TRACE") then io.stderr:write(tostring(err.traceback), "\n") end
      bad = bad + 1
    end
    seen[text] = (seen[text] or 0) + 1
  end
  if failed == 0 then
    if not ok then bad = bad + 1 end
    break
  end
  if bad > LAST_MESSAGES then break end
  n = n + step
end
if os.getenv("SWEEP_SEEN") then
  for text, times in pairs(seen) do print(times, text) end
end
print(("%s %s: %d failures injected up to N = %d, %d bad"):format(name, mode, runs - 1,
  n, bad))
os.exit(bad == 0 and 0 or 1)
