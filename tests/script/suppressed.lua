-- The first failure is the error; what failed meanwhile is told below it.
orch.spawn({ name = "first" }, function()
  orch.checkpoint()
  error("disk full")
end)
orch.spawn({ name = "second" }, function()
  local _ <close> = setmetatable({}, { __close = function() error("no net") end })
  orch.sleep(10)
end)
orch.sleep(10)

-- err: orch: suppressed.lua:4: disk full (in task 'first')
-- err:    4 |   error("disk full")
-- err:      |   ^
-- err: traceback:
-- err:   suppressed.lua:4: in function <suppressed.lua:2>
-- err:   spawned at suppressed.lua:2
-- err: this failed too:
-- err:   suppressed.lua:7: no net
-- err: orch: seed N; re-run with --seed N
-- exit: 1
