-- Options of a tape that contradict each other.
print "never"

-- options: --replay api.tape --tape-mode all
-- err: orch: --replay cannot be of --tape-mode all: that is --record
-- exit: 2
