-- A scope that is never closed is reported with the line that made it.
local s = orch.scope { name = "group" }
s:spawn(function() end)

-- err: orch: warning: group was opened at leaked_scope.lua:2 and never closed: write `local s <close> = orch.scope{...}`
