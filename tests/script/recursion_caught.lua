-- The same through tables and pcall: the run goes on.
local t = setmetatable({}, { __index = function(self, k) return self[k + 1] end })
local ok, err = pcall(function() return t[1] end)
print(ok, (tostring(err):match("stack overflow")))
local function nested(n) return pcall(nested, n + 1) end
local ok, last = (function(...) return ..., select(-1, ...) end)(nested(1))
print(ok, (tostring(last):match('stack overflow')))

-- out: false	stack overflow
-- out: true	stack overflow
