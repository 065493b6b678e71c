local count = 1
count += 1

-- err: orch: syntax_error.lua:2: syntax error near '+'
-- err:    2 | count += 1
-- err:      |       ^
-- err: Lua has no '+=' and the like; write x = x + 1
-- exit: 3
