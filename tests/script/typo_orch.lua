-- A mistyped orch function raises its own suggestion.
orch.slep(1)

-- err: orch: typo_orch.lua:2: orch has no 'slep'; did you mean 'sleep'?
-- err:    2 | orch.slep(1)
-- err:      |      ^
-- err: orch: seed N; re-run with --seed N
-- exit: 1
