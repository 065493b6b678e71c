-- A request that the tape does not know says which one came nearest.
orch.http.get "https://api.example.com/users/8?key=hidden"

-- options: --replay api.tape
-- err: orch: replay_unknown.lua:2: the tape 'api.tape' does not know GET https://api.example.com/users/8?key=***; the nearest that it has, number 1 (GET https://api.example.com/users/7), differs: the path was "/users/7" and is now "/users/8"; the query parameter key was absent and is now "***". To record it: mode "new" (--tape-mode new)
-- err:    2 | orch.http.get "https://api.example.com/users/8?key=hidden"
-- err:      | ^
-- err: orch: seed N; re-run with --seed N
-- exit: 1
