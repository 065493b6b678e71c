-- --timeout also ends a script that never waits.
local _ <close> = setmetatable({}, { __close = function() print("cleaned") end })
while true do pcall(string.rep, "x", 10) end

-- options: --timeout 50ms
-- out: cleaned
-- err: orch: the run took longer than --timeout; it was doing this:
-- err:   main: running at timeout_busy.lua:3
-- exit: 5
