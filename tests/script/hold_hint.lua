-- A pcall round `await` does not handle the failure of a child that is not held.
local child = orch.spawn({ name = "child" }, function() error("no licence") end)
print(pcall(child.await, child))
orch.sleep(1)

-- out: false	hold_hint.lua:2: no licence
-- err: orch: hold_hint.lua:2: no licence (in task 'child')
-- err: ...
-- err: an await of this task saw the error as well; to handle it there, spawn the task with hold=true
-- err: ...
-- exit: 1
