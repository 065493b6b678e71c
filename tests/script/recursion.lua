-- A recursion a million deep ends in an error, not in a crash.
local function down(n) return n == 0 and 0 or 1 + down(n - 1) end
print(pcall(down, 1000))
down(1000000)

-- out: true	1000
-- err: orch: recursion.lua:2: stack overflow
-- err:    2 | local function down(n) return n == 0 and 0 or 1 + down(n - 1) end
-- err: ...
-- err: a function calls itself without an end
-- err: ...
-- exit: 1
