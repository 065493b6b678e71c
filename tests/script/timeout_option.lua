-- --timeout ends the whole run, and clean-up still runs.
local _ <close> = setmetatable({}, { __close = function() print("cleaned") end })
orch.sleep("1h")

-- options: --timeout 50ms
-- out: cleaned
-- err: orch: the run took longer than --timeout; it was doing this:
-- err:   main: sleep, N ms
-- exit: 5
