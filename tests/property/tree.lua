-- Run by scope_test.lua with --seed: random trees of tasks and scopes that fail, time
-- out, shield themselves and are cancelled at random. Nothing may outlive its scope,
-- and whatever was begun is cleaned up.

local open, cleaned, living = 0, 0, 0
local known = { boom = true, cancelled = true, timeout = true }

local function maybe(n) return math.random(n) == 1 end

--- Counts itself in, and out again when the block is left; half of them wait there.
local function resource()
  open = open + 1
  return orch.defer(function()
    if maybe(2) then orch.sleep(math.random() * 0.002) end
    if maybe(10) then orch.error { kind = "boom", message = "in clean-up" } end
    cleaned = cleaned + 1
  end)
end

local body

local function child(depth)
  living = living + 1
  local _ <close> = setmetatable({}, { __close = function() living = living - 1 end })
  return body(depth)
end

local function nap() orch.sleep(maybe(3) and 0 or math.random() * 0.003) end

local actions = {
  nap,
  nap,
  function() if maybe(3) then orch.error { kind = "boom", message = "on purpose" } end end,
  function(depth) orch.spawn({ hold = maybe(2) }, child, depth) end,
  function(depth) orch.spawn({ daemon = true }, child, depth) end,
  function(depth) orch.wait_for(child, math.random() * 0.004, depth) end,
  function(depth) orch.move_on_after(math.random() * 0.004, child, depth) end,
  function(depth) orch.shield(function() child(depth) end, { grace = math.random() * 0.004 }) end,
  function(depth) pcall(orch.gather, { { child, depth }, { child, depth }, { child, depth } }) end,
  function(depth) pcall(orch.race, { { child, depth }, { child, depth } }) end,
  function(depth) orch.settle { { child, depth }, { child, depth } } end,
  function(depth) coroutine.wrap(function() child(depth) nap() end)() end,
  function(depth)
    local mine = 0
    local _ <close> = setmetatable({}, { __close = function()
      assert(mine == 0, "a task outlived its scope")
    end })
    local s <close> = orch.scope { timeout = maybe(2) and math.random() * 0.004 or nil,
      on_error = maybe(3) and "collect" or nil, shield = maybe(8), grace = 0.002 }
    for _ = 1, 3 do
      s:spawn(function()
        mine = mine + 1
        local _ <close> = setmetatable({}, { __close = function() mine = mine - 1 end })
        child(depth)
      end)
    end
    if maybe(4) then s:cancel "at random" end
    nap()
  end,
  function()
    local tasks = orch.all_tasks()
    local victim = tasks[math.random(#tasks)]
    if victim.name ~= "main" then victim:cancel "at random" end
  end,
  function(depth)
    for task in orch.as_completed { { child, depth }, { child, depth } } do
      task:result()
      if maybe(3) then break end
    end
  end,
}

function body(depth)
  if depth == 0 then return nap() end
  local _ <close> = resource()
  for _ = 1, math.random(4) do
    actions[math.random(#actions)](depth - 1)
  end
end

for _ = 1, 40 do
  local t = orch.spawn({ hold = true }, body, 4)
  t:join()
  local ok, err = t:result()
  assert(ok or known[err.kind], err)
  assert(living == 0, "a task outlived its scope")
  assert(#orch.all_tasks() == 1, orch.task_tree())
end
assert(cleaned <= open and cleaned > open * 0.7, "clean-up was skipped")
print "ok"
