-- A function of orch that was called without `orch.`.
sleep(1)

-- err: orch: typo_global.lua:2: attempt to call a nil value (global 'sleep')
-- err:    2 | sleep(1)
-- err:      | ^
-- err: did you mean 'orch.sleep'?
-- err: orch: seed N; re-run with --seed N
-- exit: 1
