-- A mistyped field of a standard table gets a suggestion.
print(string.formatt("%d", 1))

-- err: orch: typo.lua:2: attempt to call a nil value (field 'formatt')
-- err:    2 | print(string.formatt("%d", 1))
-- err:      |              ^
-- err: did you mean 'string.format'?
-- err: orch: seed N; re-run with --seed N
-- exit: 1
