--- Shows a run again: feeds its events to a view at the speed they happened, or faster.
---
---     orch run tests/helper/view_replay.lua live EVENTS.jsonl 20      -- 20 times as fast
---     orch run tests/helper/view_replay.lua live jobs=50 20           -- a made-up run
---     orch run tests/helper/view_replay.lua live busy=50 1 30         -- 50 jobs at once, 30 s

local clock = require "orch.core.clock"
local model = require "orch.pipeline.model"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

local WORDS = {
  "Compiling Assets/Shaders/Water.shader", "\27[32mok\27[0m Audio (650 ms)",
  "Linking \u{4e2d}\u{6587}\u{30b2}\u{30fc}\u{30e0}.exe \u{1f680}", "caf\xe9 \xff not UTF-8",
  "50%\r60%\r70%\r", "e\u{301}te\u{301} \u{202e}turned\u{202c}", ("long "):rep(80),
}

--- `n` jobs that run all the time, print ten lines a second together and end at `seconds`.
local function busy(n, seconds)
  local list, t = {}, 0
  local function say(event, fields)
    fields.event, fields.t = event, t
    list[#list + 1] = fields
  end
  say("run_start", { run = "20260101-000000-0000", time = 0, script = "busy.lua", slots = n,
    folder = "/", args = {}, params = {} })
  for i = 1, n do
    local wide = i % 5 == 0 and "\u{6784}\u{5efa}-\u{1f3ae}-" or ""
    say("job", { job = ("%sbuild:platform-%02d"):format(wide, i), needs = {}, after = {},
      expected = seconds })
  end
  local names = {}
  for i, record in ipairs(list) do names[i - 1] = record.job end
  for i = 1, n do say("job_start", { job = names[i], attempt = 1 }) end
  for tick = 1, seconds * 10 do
    t = tick / 10
    local name = names[tick % n + 1]
    say("output", { job = name, text = WORDS[tick % #WORDS + 1] .. "\n" })
    if tick % 3 == 0 then
      say("progress", { job = name, label = "files", done = tick, total = seconds * 10 })
    end
  end
  for i = 1, n do
    say("job_end", { job = names[i], attempt = 1, status = i % 7 == 0 and "failed" or "ok",
      elapsed = t, error = i % 7 == 0 and { kind = "process", exit_code = i, message = "x",
        command = "make platform" } or nil })
  end
  say("run_end", { status = n >= 7 and "failed" or "ok", exit_code = n >= 7 and 1 or 0 })
  return list
end

local function records_of(source, seconds)
  local n = source:match "^busy=(%d+)$"
  if n then return busy(math.tointeger(n), seconds) end
  local folder = source:match "^(.*)/[^/]*$" or "."
  n = source:match "^jobs=(%d+)$"
  if n then
    folder = orch.fs.temp_dir()
    source = dofile(here .. "/run_fixture.lua").write(folder,
      { jobs = math.tointeger(n), slots = math.tointeger(n) // 3 + 1 }).events
  end
  local list = {}
  for record in require("orch.pipeline.events").read(source) do list[#list + 1] = record end
  return list, folder
end

local kind, source, speed, seconds = table.unpack(orch.args)
local list, folder = records_of(source, tonumber(seconds) or 10)
speed = tonumber(speed) or 1
local began = clock.now()
local run = model.new()
local v = require("orch.view").open(kind ~= "auto" and kind or nil, run, {
  folder = folder, clock = function() return began + (clock.now() - began) * speed end,
})
orch.spawn({ daemon = true }, v.run, v)
for _, record in ipairs(list) do
  local wait = began + record.t / speed - clock.now()
  if wait > 0 then orch.sleep(wait) end
  run:apply(record)
  v:event(record)
end
v:close()
