-- A method called with a dot: the report says what is missing.
local q = orch.queue()
q.get()

-- err: ...
-- err: a method is called with a colon: q:get(), not q.get()
-- err: ...
-- exit: 1
