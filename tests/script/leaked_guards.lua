-- What should be closed and never was is told, with the line that made it.
orch.cd "/tmp"
orch.defer(function() print "never" end)
local guard = orch.lock("db"):acquire()
do local _ <close> = orch.defer(function() print "closed" end) end

-- out: closed
-- err: orch: warning: the cd, with_env or set of leaked_guards.lua:2 was never taken back: write `local _ <close> =` before it
-- err: orch: warning: the defer of leaked_guards.lua:3 was never closed, so it never ran: write `local _ <close> = orch.defer(fn)`
-- err: orch: warning: lock 'db' held by main (taken at leaked_guards.lua:4) was never released
