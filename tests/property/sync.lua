-- Run by lock_test.lua with --seed: tasks are resumed in random order, cancelled and
-- timed out at random, and what must hold is looked at after each step.

local TASKS, ROUNDS = 30, 12

local function maybe(n) return math.random(n) == 1 end
local function turns() for _ = 1, math.random(0, 3) do orch.checkpoint() end end

--- Takers of something with `places` places, half of them with a timeout.
local function take_turns(thing, places)
  local inside = 0
  return function()
    for _ = 1, ROUNDS do
      turns()
      local _ <close> = thing:acquire(maybe(2) and math.random() * 0.002 or nil)
      inside = inside + 1
      assert(inside <= places, "too many inside")
      local _ <close> = setmetatable({}, { __close = function() inside = inside - 1 end })
      turns()
    end
  end
end

--- Everybody is cancelled sooner or later; a timeout is as good as an end.
local function harass(tasks)
  for _ = 1, #tasks // 2 do
    turns()
    if maybe(3) then orch.sleep(0.001) end
    tasks[math.random(#tasks)]:cancel()
  end
  for _, task in ipairs(tasks) do
    task:join()
    local ok, err = task:result()
    assert(ok or err.kind == "cancelled" or err.kind == "timeout", err)
  end
end

local function spawn_all(n, fn)
  local tasks = {}
  for i = 1, n do tasks[i] = orch.spawn({ hold = true }, fn, i) end
  return tasks
end

local function check_locks()
  local l, s = orch.lock "property", orch.semaphore(3)
  harass(spawn_all(TASKS, take_turns(l, 1)))
  harass(spawn_all(TASKS, take_turns(s, 3)))
  assert(not l:locked() and not s:locked(), "left locked")
  l:acquire(1):release()
  local all = {}
  for i = 1, 3 do all[i] = s:acquire(1) end
  for i = 1, 3 do all[i]:release() end
end

--- What was put is got once, in order per producer; what was not put is not got.
local function check_queue(maxsize)
  local q, put, got = orch.queue(maxsize), {}, {}
  local producers = spawn_all(TASKS, function(who)
    for i = 1, ROUNDS do
      turns()
      q:put({ who, i })
      put[#put + 1] = who .. "." .. i
    end
  end)
  local consumers = spawn_all(TASKS // 3, function()
    local last = {}
    for item in q:iter() do
      local who, i = item[1], item[2]
      assert(i > (last[who] or 0), "out of order")
      last[who] = i
      got[#got + 1] = who .. "." .. i
      assert(q:size() <= maxsize, "more than fits")
      turns()
    end
  end)
  harass(producers)
  for i = 2, #consumers do if maybe(2) then consumers[i]:cancel() end end
  q:close()
  for _, task in ipairs(consumers) do task:join() task:result() end
  assert(q:size() == 0, "something is left")
  table.sort(put)
  table.sort(got)
  assert(table.concat(put, " ") == table.concat(got, " "), "lost or doubled")
end

check_locks()
for _, maxsize in ipairs { 1, 2, 7, math.maxinteger } do check_queue(maxsize) end
print "ok"
