-- An error object prints as its sentence, and what caused it below.
local cause = require("orch.error").new { kind = "os", message = "disk full" }
orch.error { kind = "build", message = "no scene 'Main'", cause = cause }

-- err: orch: error_object.lua:3: no scene 'Main'
-- err:    3 | orch.error { kind = "build", message = "no scene 'Main'", cause = cause }
-- err:      |      ^
-- err: caused by: disk full
-- err: orch: seed N; re-run with --seed N
-- exit: 1
