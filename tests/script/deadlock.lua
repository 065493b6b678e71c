-- Two tasks that wait for each other's lock end the run at once.
local a, b = orch.lock("a"), orch.lock("b")
orch.spawn({ name = "left" }, function()
  local _ <close> = a:acquire()
  orch.sleep(0.01)
  local _ <close> = b:acquire()
end)
orch.spawn({ name = "right" }, function()
  local _ <close> = b:acquire()
  orch.sleep(0.01)
  local _ <close> = a:acquire()
end)

-- err: orch: deadlock: every task waits, and nothing is left that could wake one
-- err:   main: waits for tasks to end, N ms
-- err:     left: waits for lock 'b' held by right (taken at deadlock.lua:9), N ms  [started at deadlock.lua:3]
-- err:     right: waits for lock 'a' held by left (taken at deadlock.lua:4), N ms  [started at deadlock.lua:8]
-- err: orch: seed N; re-run with --seed N
-- exit: 1
