-- Every case once: for runs in which an allocation fails from outside
-- (ORCH_FAIL), start-up and end included.

local place = package.path:match("^(.-)%?") or "./"
local cases = dofile(place .. "cases.lua")
local names = {}
for name in pairs(cases) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do cases[name]() end
