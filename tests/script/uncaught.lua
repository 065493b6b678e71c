-- An uncaught error: the sentence, the line with a caret, the traceback.
local function deploy(name)
  error("no such stage '" .. name .. "'")
end

deploy("live")

-- err: orch: uncaught.lua:3: no such stage 'live'
-- err:    3 |   error("no such stage '" .. name .. "'")
-- err:      |   ^
-- err: traceback:
-- err:   uncaught.lua:3: in local 'deploy'
-- err:   uncaught.lua:6: in main chunk
-- err: orch: seed N; re-run with --seed N
-- exit: 1
