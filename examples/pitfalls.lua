-- Three ways to go wrong when tasks share a table or a variable, and how a lock mends
-- each. Only a call that waits lets other tasks run; lines without one are never torn
-- apart. So look for the waits between reading something and writing it back.
--
--   orch run examples/pitfalls.lua

local function ask_server() -- stands for any call that waits
  orch.sleep "1ms"
  return 1
end

local function compare(title, run)
  local lock = orch.lock()
  local function locked(fn, ...) return lock:with(fn, ...) end
  local function unlocked(fn, ...) return fn(...) end
  print(("%s\n  without a lock: %s\n  with a lock:    %s\n"):format(title,
    run(unlocked), run(locked)))
end

compare("1. Lost update: n = n + ask_server()", function(guarded)
  local n = 0
  local function add()
    -- Lua reads n first, then waits in ask_server, then writes: what the other tasks
    -- added meanwhile is overwritten. (local one = ask_server(); n = n + one is fine.)
    n = n + ask_server()
  end
  orch.gather { { guarded, add }, { guarded, add }, { guarded, add } }
  return ("3 tasks added 1 each, n is %d"):format(n)
end)

compare("2. Check, then act: if it is not there, make it", function(guarded)
  local made, cache = 0, nil
  local function get()
    if not cache then -- every task finds it missing before the first has made it
      ask_server()
      made = made + 1
      cache = "the licence"
    end
    return cache
  end
  orch.gather { { guarded, get }, { guarded, get }, { guarded, get } }
  return ("fetched %d times"):format(made) -- orch.once(fetch) does the same, shorter
end)

compare("3. Half-updated: two fields that belong together", function(guarded)
  local build, seen = { version = "1.0", file = "game-1.0.zip" }, nil
  local function update()
    build.version = "1.1"
    ask_server() -- here the two do not fit, and everybody can see it
    build.file = "game-1.1.zip"
  end
  local function read() seen = build.version .. " is in " .. build.file end
  orch.gather { { guarded, update }, { guarded, read } }
  return "another task saw: " .. seen
end)
