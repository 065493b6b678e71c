-- A misspelt method of one of orch's objects.
local q = orch.queue()
q:puts(1)

-- err: orch: typo_method.lua:3: attempt to call a nil value (method 'puts')
-- err: ...
-- err: did you mean ':put'?
-- err: ...
-- exit: 1
