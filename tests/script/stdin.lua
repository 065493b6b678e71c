-- Blocking reads of stdin work, and say once that they stop every task.
print(io.read("l"))
print(io.read("l"))

-- stdin: hello there
-- out: hello there
-- out: nil
-- err: orch: warning: stdin.lua:2: io.read stops all tasks until it is done; use orch.stdin:read or orch.stdin:lines
