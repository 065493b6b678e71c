-- A tape that is not there is said before anything runs.
print "never"

-- options: --replay no_such.tape
-- err: orch: there is no tape 'no_such.tape' to replay; record it first: --record no_such.tape, or mode "once"
-- exit: 2
